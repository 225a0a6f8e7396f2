#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='link loads by forwarding tables of real and of simulated fabrics'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-opensm.sh"

PATH=$NETEMU_BUILDDIR:$NETEMU_BUILDDIR/tests:$PATH
export PATH
fabrics=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}/fabrics
if test -e "$fabrics/avakas.txz"; then
	test_set_prereq FABRICS
else
	echo "# no $fabrics: tests of real fabrics are skipped"
fi
test -z "$opensm_missing" || echo "# $opensm_missing: tests with OpenSM are skipped"

# load SPEC PATTERN ROUTING: what does not depend on the names of nodes
load() {
	netemu-sim load --topology "$1" --pattern "$2" --routing "$3" --summary >summary &&
		grep -E '^(pairs|boundary|  links by flows|links between switches by|shifts by)' summary
}

# shifts SPEC ROUTING: how many shifts have which largest number of flows on a link
shifts() {
	load "$1" shift:all "$2" >shifts &&
		sed -n 's/^shifts by their largest flows on a link: //p' shifts
}

# --- a real fabric ---

test_expect_success FABRICS 'unpack Avakas' '
	tar xf "$fabrics/avakas.txz" avakas/ib-raw &&
	mv avakas/ib-raw/ib-subnet-*.txt avakas.net &&
	mv avakas/ib-raw/ibroutes-* routes
'

test_expect_success FABRICS 'Avakas: all pairs are routed, their hops, the sum over links' '
	netemu-sim load --topology ib:avakas.net:routes --pattern all-to-all --routing lft \
		--summary >summary &&
	grep -x "pairs of hosts: 78680 routed, 0 unroutable" summary &&
	grep -x "pairs by links on the path: 2:4660 4:74020" summary &&
	grep -x "between switches: 576 links, 148040 bytes, 148040 flows" summary &&
	grep "^  flows      max 332 min 177 " summary
'

test_expect_success FABRICS 'Avakas: the flows of each of its 576 links' '
	sed -n "s/^SW *\([0-9]*\) .* ( .\(.*\). - .*/\2	\1/p" avakas.net | sort -u >lids &&
	test "$(wc -l <lids)" = 25 &&
	for table in routes "$fabrics/avakas.lft"; do
		netemu-sim load --topology "ib:avakas.net:$table" --pattern all-to-all \
			--routing lft >links.tsv &&
		awk -F "\t" "
			NR == FNR { lid[\$1] = \$2; next }
			\$1 in lid && \$2 in lid { print lid[\$1], \$6, lid[\$2], \$7, \$5 }
		" lids links.tsv | sort >out &&
		sed 1d "$fabrics/avakas.alltoall-load.csv" |
			awk -F , "{ print \$1, \$2, \$3, \$4, \$7 }" | sort >expected &&
		test "$(wc -l <expected)" = 576 && test_cmp expected out || return 1
	done
'

test_expect_success FABRICS 'Avakas: all shifts in the order of LIDs' '
	shifts ib:avakas.net:routes@order=lid lft >out &&
	echo "3:30 4:187 5:57 6:6" >expected &&
	test_cmp expected out
'

test_expect_success FABRICS 'Avakas: a destination without entries' '
	lid=$(sed -n "s/^CA *\([0-9]*\) .*( .node100 .*/\1/p" avakas.net) &&
	test -n "$lid" &&
	awk "\$2 != $lid" "$fabrics/avakas.lft" >some.lft &&
	load ib:avakas.net:some.lft all-to-all lft >out &&
	grep "^pairs of hosts: 78400 routed, 280 unroutable (the first: .* -> node100)$" out
'

# The hosts of a switch without a table neither send nor receive.
test_expect_success FABRICS 'Avakas: a switch without a table' '
	hosts=$(grep -c "^CA .* - SW  *18 " avakas.net) &&
	awk "\$1 != 18" "$fabrics/avakas.lft" >some.lft &&
	load ib:avakas.net:some.lft all-to-all lft >out &&
	lost=$((2 * hosts * 280 - hosts * (hosts - 1))) &&
	test "$hosts" -gt 0 &&
	grep "^pairs of hosts: $((78680 - lost)) routed, $lost unroutable" out
'

# --- trees that OpenSM routed: the closed forms ---

# k-ary n-tree: k^n - k^l flows at boundary l
test_expect_success FABRICS '4-ary 3-tree, as OpenSM routed it' '
	tree=$fabrics/fattree-4ary-3tree &&
	load "ib:$tree/ibnetdiscover.txt:$tree/opensm-lfts.dump.gz" all-to-all lft >out &&
	cat >expected <<-EOF &&
	pairs of hosts: 4032 routed, 0 unroutable
	pairs by links on the path: 2:192 4:768 6:3072
	  links by flows: 48:128 60:128
	boundary 0 up: 64 links, 4032 bytes, 4032 flows
	  links by flows: 63:64
	boundary 0 down: 64 links, 4032 bytes, 4032 flows
	  links by flows: 63:64
	boundary 1 up: 64 links, 3840 bytes, 3840 flows
	  links by flows: 60:64
	boundary 1 down: 64 links, 3840 bytes, 3840 flows
	  links by flows: 60:64
	boundary 2 up: 64 links, 3072 bytes, 3072 flows
	  links by flows: 48:64
	boundary 2 down: 64 links, 3072 bytes, 3072 flows
	  links by flows: 48:64
	links between switches by destinations: 1:128 3:64 15:64
	EOF
	test_cmp expected out &&
	load "$tree/ibnetdiscover.txt" all-to-all dmodk >out && test_cmp expected out &&
	load "$tree/ibnetdiscover.txt" all-to-all dmodk:leaves >out && test_cmp expected out &&
	load kary:4:3 all-to-all dmodk >out && test_cmp expected out &&
	shifts "ib:$tree/ibnetdiscover.txt:$tree/opensm-lfts.dump.gz" lft >out &&
	echo "1:63" >expected && test_cmp expected out
'

test_expect_success FABRICS '324 hosts, as OpenSM routed it' '
	tree=$fabrics/fattree-324 &&
	load "ib:$tree/opensm-subnet.lst.gz:$tree/opensm-lfts.dump.gz" all-to-all lft >out &&
	cat >expected <<-EOF &&
	pairs of hosts: 104652 routed, 0 unroutable
	pairs by links on the path: 2:5508 4:99144
	  links by flows: 306:648
	boundary 0 up: 324 links, 104652 bytes, 104652 flows
	  links by flows: 323:324
	boundary 0 down: 324 links, 104652 bytes, 104652 flows
	  links by flows: 323:324
	boundary 1 up: 324 links, 99144 bytes, 99144 flows
	  links by flows: 306:324
	boundary 1 down: 324 links, 99144 bytes, 99144 flows
	  links by flows: 306:324
	links between switches by destinations: 1:324 17:324
	EOF
	test_cmp expected out &&
	load "$tree/ibnetdiscover.txt" all-to-all dmodk >out && test_cmp expected out &&
	load "$tree/ibnetdiscover.txt" all-to-all dmodk:leaves >out && test_cmp expected out &&
	load "$tree/ibnetdiscover.txt@order=lid" all-to-all dmodk:leaves >out &&
	test_cmp expected out &&
	load "$tree/ibnetdiscover.txt@order=lid" all-to-all dmodk >out &&
	! test_cmp expected out &&
	load xgft:18x18:1x9:1x2 all-to-all dmodk >out && test_cmp expected out &&
	shifts "ib:$tree/ibnetdiscover.txt:$tree/opensm-lfts.dump.gz" lft >out &&
	echo "1:323" >expected && test_cmp expected out
'

# --- live ---

# OpenSM's fat-tree routing is D-mod-K: on what it was given, on what it told of
# it, and on the network as it was generated.
for spec in kary:4:3 xgft:18x18:1x9:1x2 kary:2:4 kary:3:3 kary:12:2 xgft:4x4:1x2:1x2; do
	test_expect_success OPENSM "$spec: OpenSM's ftree is our D-mod-K" '
		dir=$(echo $spec | tr : _) &&
		opensm_route $spec ftree $dir &&
		tables=ib:$dir/ibnetdiscover.txt:$dir/opensm-lfts.dump &&
		load $tables all-to-all lft >out && load $spec all-to-all dmodk >expected &&
		test -s expected && test_cmp expected out &&
		load ib:$dir/ibnetdiscover.txt all-to-all dmodk >out && test_cmp expected out &&
		shifts $tables lft >out && shifts $spec dmodk >expected &&
		test_cmp expected out && grep -E "^1:[0-9]*$" out
	'
done

# d mod w at each level, as PFSim has it, is what OpenSM's default does
test_expect_success OPENSM '4-ary 3-tree and 2-ary 4-tree: what minhop and updn make of them' '
	for engine in minhop updn; do
		opensm_route kary:4:3 $engine k43-$engine &&
		load ib:k43-$engine/ibnetdiscover.txt:k43-$engine/opensm-lfts.dump all-to-all lft >out &&
		grep -x "  links by flows: 0:96 60:128 192:32" out || return 1
	done &&
	opensm_route kary:2:4 minhop k24 &&
	load ib:k24/ibnetdiscover.txt:k24/opensm-lfts.dump all-to-all lft >out &&
	grep "  links by flows" out | sed -n "4~2p" >boundaries &&
	cat >expected <<-EOF &&
	  links by flows: 14:16
	  links by flows: 0:8 24:8
	  links by flows: 0:12 32:4
	EOF
	test_cmp expected boundaries
'

test_expect_success OPENSM '324 hosts: all engines agree' '
	for engine in updn minhop dfsssp; do
		opensm_route xgft:18x18:1x9:1x2 $engine t324-$engine &&
		load ib:t324-$engine/ibnetdiscover.txt:t324-$engine/opensm-lfts.dump all-to-all lft >out &&
		grep -x "  links by flows: 306:648" out &&
		grep -x "links between switches by destinations: 1:324 17:324" out || return 1
	done
'

# --- tables that are wrong ---

# Hosts have LIDs 1 to 4, leaves 5 and 6, spines 7 and 8; leaves go up by 3 and 4.
test_expect_success 'a sound table' '
	gen-fabric kary:2:2 >net &&
	cat >good.lft <<-EOF &&
	5 1 1
	5 2 2
	5 3 3
	5 4 4
	6 1 3
	6 2 4
	6 3 1
	6 4 2
	7 1 1
	7 2 1
	7 3 2
	7 4 2
	8 1 1
	8 2 1
	8 3 2
	8 4 2
	EOF
	load ib:net:good.lft all-to-all lft >out &&
	grep -x "pairs of hosts: 12 routed, 0 unroutable" out
'

wrong() {
	sed "$1" good.lft >bad.lft && load ib:net:bad.lft all-to-all lft >out &&
		grep "^pairs of hosts: $((12 - $2)) routed, $2 unroutable" out
}

test_expect_success 'a loop between leaf and spine' 'wrong "s/^7 3 2/7 3 1/" 2'
test_expect_success 'a loop of a switch with itself' 'wrong "s/^5 3 3/5 3 0/" 2'
test_expect_success 'no entry' 'wrong "/^6 1 /d" 2'
test_expect_success 'an entry of 255' 'wrong "s/^6 1 3/6 1 255/" 2'
test_expect_success 'a port without a cable' 'wrong "s/^5 4 4/5 4 9/" 2'
test_expect_success 'the wrong host' 'wrong "s/^5 1 1/5 1 2/" 3'
test_expect_success 'all of it' 'wrong "s/^7 3 2/7 3 1/; /^6 1 /d; s/^5 4 4/5 4 9/" 6'

test_expect_success 'a LID and a switch that are not there' '
	(cat good.lft && echo 5 40 1 && echo 77 1 1) >bad.lft &&
	netemu-sim topology ib:net:bad.lft >out &&
	grep "18 entries" out && grep "not used  *2  bad.lft:17: the fabric has no lid 40" out &&
	load ib:net:bad.lft all-to-all lft >out 2>err &&
	grep -x "pairs of hosts: 12 routed, 0 unroutable" out &&
	grep "warning: 2 entries of the tables are not used: bad.lft:17: the fabric" err
'

test_expect_success 'routing by tables that are not there' '
	test_expect_code 1 netemu-sim load --topology net --pattern all-to-all --routing lft 2>err &&
	test "$(wc -l <err)" = 1
'

test_done
