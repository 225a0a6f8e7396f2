#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a trace of 330 MB, fifty edges a node, in 128 MiB of address space'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

replay=$NETEMU_BUILDDIR/netemu-replay
sample=$shared/chakra/pytorch_ddp.0.et
test -e "$sample" && test_set_prereq DATA
# sanitizers take address space of their own
nm "$replay" 2>/dev/null | grep -q __asan || test_set_prereq PLAIN

# many COPIES FILE: so many of the sample in one trace.
many() {
	"$NETEMU_BUILDDIR/tests/replay/gen-et" "$sample" "$1" "$2"
}

test_expect_success DATA 'a trace of many copies has all their edges, also when it is compressed' '
	many 10 ten.et && gzip -1 ten.et &&
	"$replay" info --json ten.et.gz >out &&
	# a copy has one edge more than the sample, but for the first
	jq -c ".[0] | [.gzip, .nodes, .data_edges.count, .ctrl_edges.count]" out >actual &&
	echo "[true,36640,$((181878 * 10 + 9)),36640]" >expected &&
	test_cmp expected actual
'

# on_model TRACE: nodes and the time that each lane was taken, and the finish in `finish`.
on_model() {
	"$replay" --network=model --ranks 1 --replay-only --workload "$1" --quiet \
		--summary summary.json >out && jq ".ranks[0].finish_ns" summary.json >finish &&
		jq -r ".ranks[0] | [.nodes, .cpu_ns, .compute_ns, .communication_ns] | @tsv" \
			summary.json
}

# A tenth of 3 GB, which are to be replayed in 1 GiB.
test_expect_success DATA,PLAIN 'a large one runs on the model, and takes a hundred times as long' '
	many 100 big.et && test "$(wc -c <big.et)" -gt 300000000 &&
	on_model "$sample" >one && echo 297046000 >expected && test_cmp expected finish &&
	awk "{ printf \"%.0f\t%.0f\t%.0f\t%.0f\n\", 100 * \$1, 100 * \$2, 100 * \$3, 100 * \$4 }" \
		one >expected &&
	(ulimit -v 131072 && on_model big.et) >actual && rm big.et &&
	test_cmp expected actual &&
	# what one copy does beside the GPU lies beside the next
	test "$(cat finish)" -ge "$(cut -f3 expected)" &&
	test "$(cat finish)" -le 29704600000
'

test_done
