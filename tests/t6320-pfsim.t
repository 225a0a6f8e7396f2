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

test_done
