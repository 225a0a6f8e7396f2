#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim run --compat=pfsim gives what PFSim gives'

. "$SHARNESS"

if command -v python3 >/dev/null; then
	test_set_prereq PYTHON
fi

test_expect_success PYTHON 'equal times come out as from heapq' '
	python3 "$NETEMU_SRCDIR/tests/pfsim-heap.py" "$NETEMU_BUILDDIR/tests/pfsim-heap"
'

shared=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}
test ! -d "$shared/pfsim" || test_set_prereq PFSIM
PATH=$NETEMU_BUILDDIR:$PATH

test_expect_success PFSIM 'its scenarios run as they are' '
	cp -r "$shared/pfsim/topologies" "$shared/pfsim/traces" "$shared"/pfsim/*.yml . &&
	for name in cg milc xgft-cg; do
		netemu-sim run --compat=pfsim --seed=12345 $name.yml >$name.table || return 1
	done
'

test_expect_success PFSIM 'its six seeded runs of cg.yml come out byte by byte' '
	for id in 0 1 2 3 4 5; do
		for file in "$shared/pfsim/golden/dynamic-cg-seed12345/$id"/*; do
			test_cmp "$file" "output/milk-cg/$id/$(basename "$file")" || return 1
		done
	done
'

# most TRACE ID: the largest load of a run.
most() {
	sed -n "/^Maximum Congestion/,/^| Max/s/^| Max *| \([0-9]*\).*/\1/p" \
		"output/milk-$1/$2/result.txt"
}

test_expect_success PFSIM 'dynamic routing halves the largest load of CG, takes 17.5 % off MILC' '
	test "$(most cg 0) $(most cg 2)" = "5928262656 2964262664" &&
	test "$(most milc 0) $(most milc 2)" = "4597266432 3792248768"
'

test_expect_success PFSIM 'the same without its faults, from one sweep' '
	sed -i "s,output/,ours/," cg.yml && netemu-sim run cg.yml >table &&
	cut -f 1,2,3,4 ours/milk-cg/table.tsv | sed 1d | wc -l >runs && echo 12 >expected &&
	test_cmp expected runs &&
	awk -F "\t" "NR == 1 { for (i = 1; i <= NF; i++) if (\$i == \"load_max\") c = i; next }
		\$1 == 0 || \$1 == 2 { print \$c }" ours/milk-cg/table.tsv >loads &&
	printf "5928262656\n2964262664\n" >expected && test_cmp expected loads
'

# PFSim divides by it; twice the capacity is half the congestion.
test_expect_success PFSIM 'bw is a capacity without a unit, with its faults and without' '
	sed "s/npe: 8/npe: 8\\n      bw: 2/" xgft-cg.yml >bw.yml &&
	for compat in "" --compat=pfsim; do
		netemu-sim run $compat --seed=7 --only=0 --output=one xgft-cg.yml &&
		netemu-sim run $compat --seed=7 --only=0 --output=two bw.yml &&
		awk -F, "NR > 1 { print \$2 / 2 }" "one/0/Maximum Congestion.csv" >half &&
		awk -F, "NR > 1 { print \$2 + 0 }" "two/0/Maximum Congestion.csv" >with &&
		test "$(wc -l <half)" -gt 50 && test_cmp half with || return 1
	done
'

test_done
