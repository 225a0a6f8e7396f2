#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a trace of 330 MB, fifty edges a node, in 256 MiB of address space'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

replay=$NETEMU_BUILDDIR/netemu-replay
sample=$shared/chakra/pytorch_ddp.0.et
test -e "$sample" && test_set_prereq DATA
# sanitizers take address space of their own
nm "$replay" 2>/dev/null | grep -q __asan || test_set_prereq PLAIN

test_expect_success DATA,PLAIN 'it is read, and has all its edges' '
	"$NETEMU_BUILDDIR/tests/replay/gen-et" "$sample" 100 big.et &&
	test "$(wc -c <big.et)" -gt 300000000 &&
	(ulimit -v 262144 && "$replay" info --json big.et >out) && rm big.et &&
	# a copy has one edge more than the sample, but for the first
	jq -c ".[0] | [.nodes, .data_edges.count, .ctrl_edges.count]" out >actual &&
	echo "[366400,$((181878 * 100 + 99)),366400]" >expected &&
	test_cmp expected actual
'

test_done
