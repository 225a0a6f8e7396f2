#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu-matrix: what a matrix says, and when it says nothing'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

# Rank 0 sends 10 bytes to 1 and 30 in 3 messages to 2, 2 sends 60 to itself.
mkdir three
ours 0 3 '1, 2' '10, 30' '1, 3' '0, 0' '0, 0' >three/rank-0.json
ours 1 3 0 0 0 10 1 >three/rank-1.json
ours 2 3 '0, 2' '0, 60' '0, 2' '30, 60' '3, 2' >three/rank-2.json

test_expect_success 'every pair is there, and nothing else' '
	netemu-matrix --format=tsv three >out 2>err &&
	tsv "0 1 10 1" "0 2 30 3" "2 2 60 2" >expected &&
	test_cmp expected out &&
	test_must_be_empty err
'

test_expect_success 'the summary has the figures worked out by hand' '
	netemu-matrix three >out &&
	grep -E "^bytes sent +100 +\(100 B\)$" out &&
	grep -E "^messages sent +6$" out &&
	grep -E "^pairs of ranks +2 +\(density 33.33 %; and 1 to themselves\)$" out &&
	grep -E "^within a node +60.0 %$" out &&
	grep -E "^rank distance +0.70 " out &&
	grep -E "^imbalance +1.80 .*received: 2.70\)$" out &&
	grep -E "^p2p +100 +100.0 +6 +100.0$" out &&
	grep -E "^2 +2 +60 +2$" out
'

test_expect_success 'numbers are grouped' '
	mkdir grouped && ours 0 1 0 1234567 1000 1234567 1000 >grouped/rank-0.json &&
	netemu-matrix grouped >out &&
	grep -E "^bytes sent +1,234,567 +\(1.18 MiB\)$" out
'

test_expect_success 'what was sent and not received is an error that names the pair' '
	mkdir lost && gen-ranks -n 2 -l 3:5 lost 8 &&
	test_must_fail netemu-matrix lost >out 2>err &&
	test_must_be_empty out &&
	grep -E "^netemu-matrix: lost: rank 3 sent [0-9]+ messages .* to rank 5, which received [0-9]+ " err &&
	test "$(wc -l <err)" -eq 1
'

test_expect_success 'receives that were freed explain it, and it is said' '
	mkdir freed && ours 0 2 1 10 1 0 0 >freed/rank-0.json &&
	ours 1 2 "" "" "" "" "" "\"unseen\": {\"bypass\": [], \"receives\": [{\"op\": \"p2p\",
		\"why\": \"freed\", \"messages\": 1, \"bytes\": 99}]}" >freed/rank-1.json &&
	netemu-matrix --format=tsv freed >out 2>err &&
	tsv "0 1 10 1" >expected &&
	test_cmp expected out &&
	grep "warning: freed: sent and received differ on 1 of 1 pairs, by 10 bytes and 1 messages" err &&
	netemu-matrix freed 2>err >out && grep "freed: 1 messages, 99 bytes as posted" out
'

test_expect_success 'in an unfinished run it is a warning with count, total and worst pairs' '
	mkdir unfinished && gen-ranks -i 5 -l 3:5 unfinished 8 &&
	netemu-matrix --format=tsv unfinished >out 2>err &&
	gen-ranks unfinished 8 && netemu-matrix --format=tsv unfinished >expected &&
	test_cmp expected out &&
	grep "warning: unfinished: 1 of 8 ranks did not come to MPI_Finalize" err &&
	grep "warning: unfinished: sent and received differ on 1 of 56 pairs" err &&
	grep "warning: unfinished: rank 3 sent" err
'

test_expect_success '--strict makes it an error' '
	gen-ranks -i 5 -l 3:5 unfinished 8 &&
	test_must_fail netemu-matrix --strict unfinished >out 2>err &&
	test_must_be_empty out &&
	gen-ranks -i 5 unfinished 8 &&
	test_must_fail netemu-matrix --strict unfinished 2>err &&
	grep "unfinished: there are unfinished ranks" err &&
	gen-ranks unfinished 8 && netemu-matrix --strict unfinished
'

test_expect_success 'files of PFProf need not agree, and what was sent counts' '
	mkdir foreign &&
	pfprof 0 2 "0, 10" "0, 1" "0, 7" "0, 2" >foreign/oxton-result0.json &&
	pfprof 1 2 "0, 0" "0, 0" "10, 0" "1, 0" >foreign/oxton-result1.json &&
	netemu-matrix --format=tsv foreign >out 2>err &&
	tsv "0 1 10 1" >expected &&
	test_cmp expected out &&
	grep "differ on 1 of 2 pairs, by 7 bytes and 2 messages" err &&
	grep "rank 1 sent 0 messages (0 bytes) to rank 0, which received 2 (7 bytes)" err &&
	test_must_fail netemu-matrix --strict foreign
'

test_expect_success 'operations add up to the whole' '
	mkdir halo && gen-ranks -n 4 -p -w 1000000 halo 64 &&
	netemu-matrix --format=tsv halo >whole &&
	netemu-matrix --format=tsv --op=p2p halo >p2p &&
	netemu-matrix --format=tsv --op=allreduce halo >allreduce &&
	netemu-matrix --format=tsv --op=bcast halo >bcast &&
	echo "$(sums p2p) $(sums allreduce) $(sums whole)" &&
	test "$(sums allreduce)" = "30720 3840 384" &&
	test "$(sums bcast)" = "0 0 0" &&
	{ cat p2p; sed 1d allreduce; } >both &&
	test "$(sums both | cut -d" " -f1,2)" = "$(sums whole | cut -d" " -f1,2)"
'

test_expect_success 'phases and windows give the part that belongs to them' '
	netemu-matrix --format=tsv --phase=2 halo >out && test_cmp p2p out &&
	netemu-matrix --format=tsv --phase=1 halo >out && test_cmp allreduce out &&
	netemu-matrix --format=tsv --phase=0 halo >out && test_cmp whole out &&
	netemu-matrix --format=tsv --phase=1 --op=p2p halo >out && test_cmp bcast out &&
	netemu-matrix --format=tsv --window=0 halo >out && test_cmp allreduce out &&
	netemu-matrix --format=tsv --window=1 halo >out && test_cmp p2p out
'

test_expect_success 'the list of windows adds up to the whole' '
	netemu-matrix --format=tsv --window halo >out &&
	test "$(sums out | cut -d" " -f1,2)" = "$(sums whole | cut -d" " -f1,2)" &&
	test "$(sed -n 3p out | cut -f1,2)" = "$(printf "1\t2000000")"
'

test_expect_success 'a phase, window or sort of run that is not there is said' '
	test_must_fail netemu-matrix --phase=7 halo 2>err &&
	grep "halo: no rank opened a phase 7" err &&
	test_must_fail netemu-matrix --window=2 halo 2>err &&
	grep "halo: there are windows 0 to 1 only" err &&
	test_must_fail netemu-matrix --window=0 three 2>err &&
	grep "three: no windows were recorded" err &&
	test_must_fail netemu-matrix --window three 2>err &&
	grep "three: no windows were recorded" err
'

test_expect_success 'by node is the sum over the ranks of each' '
	netemu-matrix --format=tsv --by=node halo >out &&
	awk "NR == 1 { print; next }
	     { key = sprintf(\"n%02d\tn%02d\", int(\$1 / 16), int(\$2 / 16))
	       bytes[key] += \$3; messages[key] += \$4 }
	     END { for (key in bytes) printf \"%s\t%d\t%d\n\", key, bytes[key], messages[key] }" \
		whole | sort -r >expected &&
	sort -r out >sorted &&
	test_cmp expected sorted
'

test_expect_success 'the same twice differs by nothing' '
	netemu-matrix --diff halo halo --fail 0 >out &&
	grep "difference: bytes 0.00 %, messages 0.00 %" out
'

test_expect_success '--fail draws the line' '
	mkdir a b &&
	ours 0 1 0 1000 10 1000 10 >a/rank-0.json &&
	ours 0 1 0 1070 10 1070 10 >b/rank-0.json &&
	netemu-matrix --diff a b >out &&
	grep -E "^bytes +1,000 +1,070 +\+7.00 %$" out &&
	grep "difference: bytes 7.00 %, messages 0.00 %" out &&
	netemu-matrix --diff a b --fail 7% &&
	test_expect_code 1 netemu-matrix --diff a b --fail=6.9% 2>err &&
	grep "differ by 7.00 %, more than 6.9 %" err &&
	test_expect_code 1 netemu-matrix --diff a three 2>err &&
	grep "has 1 rank.*has 3" err
'

test_expect_success 'the order of the files does not matter' '
	netemu-matrix --format=json three/rank-0.json three/rank-1.json three/rank-2.json |
		sed /run/d >one &&
	netemu-matrix --format=json three/rank-2.json three/rank-1.json three/rank-0.json |
		sed /run/d >two &&
	test_cmp one two
'

if test -r "$shared/pfsim/traces/cg-c-128.tar.gz"; then
	test_set_prereq TRACES
else
	say 'skipping real traces: no data in ../shared/data (set NETEMU_SHARED_DATA)'
fi

test_expect_success TRACES 'the traces of PFSim have their known totals' '
	netemu-matrix --format=tsv "$shared/pfsim/traces/cg-c-128.tar.gz" >out 2>err &&
	test "$(sums out)" = "94852203096 1780871 1024" &&
	grep "differ on 384 of " err &&
	awk "NR > 1 && \$3 == 0 { zero++ } \$1 == \$2 { self++ } END { print zero, self }" out >kinds &&
	test "$(cat kinds)" = "265 16" &&
	netemu-matrix --format=tsv "$shared/pfsim/traces/milc-128.tar.gz" >out 2>err &&
	test "$(sums out)" = "82027254272 10123389 1154" &&
	grep "differ on 1,144 of " err
'

test_expect_success TRACES 'the sample of PFProf is read' '
	netemu-matrix --format=tsv "$shared/pfsim/pfprof-sample" >out 2>err &&
	cat "$shared"/pfsim/pfprof-sample/*.json | tr -d " \n" | grep -o "\"tx_messages\":\[[^]]*" |
		tr -c "0-9\n" "\n" | awk "{ sum += \$1 } END { print sum }" >expected &&
	sums out | cut -d" " -f2 >sum &&
	test_cmp expected sum
'

test_done
