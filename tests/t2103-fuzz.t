#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in a rank file or a live file do harm'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

corpus=$NETEMU_SRCDIR/tests/corpus

test_expect_success 'the corpus of rank files, and changes of it' '
	fuzz-rankfile 5000 1 "$corpus"/rankfile/*
'

test_expect_success 'the corpus of live files, and changes of it' '
	fuzz-live 1000 1 "$corpus"/live/*
'

if command -v valgrind >/dev/null && ! nm "$NETEMU_BUILDDIR/tests/fuzz-rankfile" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/tests/fuzz-rankfile" 20 3 "$corpus"/rankfile/* &&
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/tests/fuzz-live" 20 3 "$corpus"/live/* &&
	mkdir run && gen-ranks -n 2 -p -w 1000000 run 27 &&
	for format in text tsv json pfsim; do
		valgrind -q --leak-check=full --error-exitcode=9 "$NETEMU_BUILDDIR/netemu-matrix" \
			--format=$format run >out || return 1
	done &&
	valgrind -q --leak-check=full --error-exitcode=9 "$NETEMU_BUILDDIR/netemu-matrix" \
		--by=node --diff run run >out &&
	netemu-matrix --format=pfsim -o run.tgz run &&
	valgrind -q --leak-check=full --error-exitcode=9 "$NETEMU_BUILDDIR/netemu-matrix" run.tgz >out &&
	valgrind -q --leak-check=full --error-exitcode=9 "$NETEMU_BUILDDIR/netemu" jobs . >out
'

test_done
