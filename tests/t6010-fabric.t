#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='real fabrics: ibnetdiscover, OpenSM, ibroute, topology.conf'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-opensm.sh"

PATH=$NETEMU_BUILDDIR/tests:$PATH
export PATH
fabrics=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}/fabrics
if test -e "$fabrics/avakas.txz"; then
	test_set_prereq FABRICS
else
	echo "# no $fabrics: tests of real fabrics are skipped"
fi
test -z "$opensm_missing" || echo "# $opensm_missing: tests with OpenSM are skipped"

same() {
	show-topology "$1" links >one && show-topology "$2" links >two && test_cmp one two
}

# The folder of ibroute's output has ':' in its name, which parts files in a SPEC.
test_expect_success FABRICS 'unpack Avakas' '
	tar xf "$fabrics/avakas.txz" avakas/ib-raw &&
	mv avakas/ib-raw/ib-subnet-*.txt avakas.net &&
	mv avakas/ib-raw/ibroutes-* routes
'

# 4x QDR: 40 Gbaud, of which 32 Gbit/s are data; one host has DDR, half of it
test_expect_success FABRICS 'Avakas: ibnetdiscover -p' '
	show-topology avakas.net >out &&
	echo "281 hosts, 25 switches, 576 links between switches, 2e+09 to 4e+09 byte/s" >expected &&
	test_cmp expected out &&
	show-topology avakas.net links | grep -c " 2000000000$" >out &&
	grep -o "<data key=\"d3\">20.0<" "$fabrics/avakas.graphml" | wc -l >expected &&
	test_cmp expected out
'

# The cables as the converted file has them, whose nodes are named by their LIDs.
# It tells one port of each direction.
test_expect_success FABRICS 'Avakas: the cables of its GraphML' '
	show-topology avakas.net ports | awk "{ print \$1, \$3, \$2 }" | sort >out &&
	sed -n "s/.*<edge.*source=\"[a-z]*\([0-9]*\)\" target=\"[a-z]*\([0-9]*\)\".*<data key=\"d4\">\([0-9]*\)<.*/\1 \2 \3/p" \
		"$fabrics/avakas.graphml" | sort >expected &&
	test -s expected && test_cmp expected out
'

test_expect_success FABRICS 'Avakas: the output of ibroute, file by file' '
	show-topology ib:avakas.net:routes tables | sort >out &&
	sort "$fabrics/avakas.lft" >expected && test_cmp expected out
'

test_expect_success FABRICS 'Avakas: the output of ibroute, in one file, compressed' '
	cat routes/* >all && gzip -k all && xz -k all &&
	for file in all all.gz all.xz; do
		show-topology ib:avakas.net:$file tables | sort >out && test_cmp expected out || return 1
	done
'

test_expect_success FABRICS 'Avakas: three columns' '
	show-topology "ib:avakas.net:$fabrics/avakas.lft" tables | sort >out &&
	test_cmp expected out
'

test_expect_success FABRICS 'Avakas: hosts by the first word of their descriptions' '
	show-topology avakas.net links >out &&
	grep -q "^node068 1 -> QLogic 12800-180 GUID=0x00066a00e8001310 L101 1 4000000000$" out
'

test_expect_success FABRICS 'a 4-ary 3-tree and a tree of 324 hosts' '
	show-topology "$fabrics/fattree-4ary-3tree/ibnetdiscover.txt" >out &&
	show-topology "$fabrics/fattree-324/ibnetdiscover.txt" >>out &&
	cat >expected <<-EOF &&
	64 hosts, 48 switches, 256 links between switches, 1e+09 to 1e+09 byte/s
	324 hosts, 27 switches, 648 links between switches, 1e+09 to 1e+09 byte/s
	EOF
	test_cmp expected out
'

test_expect_success FABRICS 'the same out of opensm-subnet.lst' '
	for fabric in fattree-4ary-3tree fattree-324; do
		same "$fabrics/$fabric/ibnetdiscover.txt" "$fabrics/$fabric/opensm-subnet.lst.gz" || return 1
	done
'

# Entries of opensm-lfts.dump as SWITCH-LID LID PORT
entries='
	/^Unicast/ { for (i = 1; i < NF; i++) if ($i == "Lid") lid = $(i + 1) }
	/^0x/ {
		to = 0
		for (i = 3; i <= length($1); i++)
			to = to * 16 + index("0123456789abcdef", substr($1, i, 1)) - 1
		print lid, to, $2 + 0
	}'

test_expect_success FABRICS 'the entries of opensm-lfts.dump' '
	for fabric in fattree-4ary-3tree fattree-324; do
		dump=$fabrics/$fabric/opensm-lfts.dump.gz &&
		zcat "$dump" | awk "$entries" | sort >expected &&
		show-topology "ib:$fabrics/$fabric/opensm-subnet.lst.gz:$dump" tables | sort >out &&
		test -s expected && test_cmp expected out || return 1
	done
'

test_expect_success FABRICS 'cables from GraphML, tables from a dump' '
	show-topology avakas.net graphml >avakas.graphml &&
	show-topology ib:avakas.graphml:routes tables | sort >out &&
	sort "$fabrics/avakas.lft" >expected && test_cmp expected out &&
	same avakas.net avakas.graphml &&
	test_expect_code 1 show-topology "ib:$fabrics/avakas.graphml:routes" 2>err &&
	grep "no node has a lid" err
'

# What is wrong in it is said; what is right is kept.
test_expect_success FABRICS 'tables of another fabric' '
	show-topology "ib:avakas.net:$fabrics/fattree-324/opensm-lfts.dump.gz" tables >out &&
	tail -n 1 out >last && grep -q "^strange [0-9]*: .*opensm-lfts.dump.gz:[0-9]*: " last
'

test_expect_success FABRICS 'a dump that is cut off' '
	lines=$(wc -l <avakas.net) &&
	head -n $((lines - 1)) avakas.net >cut.net &&
	test_expect_code 1 show-topology cut.net 2>err &&
	grep "show-topology: cut.net:[0-9]*: .*not in the file$" err &&
	head -c 200000 avakas.net >cut.net &&
	test_expect_code 1 show-topology cut.net 2>err &&
	grep "show-topology: cut.net:[0-9]*: " err
'

# --- live ---

for case in kary:4:3,ftree xgft:4x4:1x2:1x2,ftree kary:2:4,ftree kary:12:2,minhop; do
	spec=${case%,*} engine=${case#*,}
	test_expect_success OPENSM "$spec routed by OpenSM ($engine)" '
		dir=$(echo $spec | tr :x __) &&
		opensm_route $spec $engine $dir &&
		gen-fabric $spec >given && show-topology given links >expected &&
		for file in ibnetdiscover.txt ibnetdiscover-p.txt opensm-subnet.lst; do
			show-topology $dir/$file links >out && test_cmp expected out || return 1
		done &&
		for file in ibnetdiscover.txt opensm-subnet.lst; do
			show-topology ib:$dir/$file:$dir/opensm-lfts.dump tables >tables &&
			! grep strange tables && test -s tables || return 1
		done &&
		show-topology ib:$dir/ibnetdiscover.txt:$dir/opensm.fdbs tables >again &&
		test_cmp tables again
	'
done

test_expect_success OPENSM 'several LIDs for each port' '
	opensm_route kary:2:2 minhop lmc -l 2 &&
	show-topology ib:lmc/ibnetdiscover.txt:lmc/opensm-lfts.dump tables >out &&
	! grep strange out &&
	test "$(grep -c . out)" -ge $((4 * 4 * 4))
'

# --- topology.conf ---

test_expect_success 'topology.conf, known by its content or by its kind' '
	cat >topology.conf <<-EOF &&
	# a tree
	SwitchName=leaf1 Nodes=node[01-18]
	SwitchName=leaf2 Nodes=node[19-36]
	SwitchName=top Switches=leaf[1-2] LinkSpeed=4
	EOF
	echo "36 hosts, 3 switches, 4 links between switches, 1 to 4" >expected &&
	if show-topology topology.conf >out 2>err; then
		test_cmp expected out && show-topology slurm:topology.conf >out && test_cmp expected out
	else
		grep libslurm err
	fi
'

test_expect_success 'one sentence without libslurm' '
	NETEMU_LIBSLURM=/nonexistent test_expect_code 1 show-topology topology.conf 2>err &&
	test "$(wc -l <err)" = 1 &&
	grep "topology.conf:2: host list .*there is no libslurm" err
'

test_expect_success 'files that are none of these' '
	echo hello >hello && : >empty &&
	for spec in hello empty ib:hello ib:empty slurm:empty ib:gone slurm:gone ib: ib:hello:b:c; do
		test_expect_code 1 show-topology $spec 2>err && test "$(wc -l <err)" = 1 || return 1
	done
'

test_done
