#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in a file of recorded verbs calls do harm'

. "$SHARNESS"

corpus=$NETEMU_SRCDIR/tests/corpus/ring
fuzz=$NETEMU_BUILDDIR/tests/trace/fuzz-ring

test_expect_success 'the corpus of recorded calls, and changes of it' '
	"$fuzz" 1000 1 "$corpus"/*
'

test_expect_success 'all that netemu trace makes of each' '
	FUZZ_ALL=1 "$fuzz" 4 2 "$corpus"/*
'

if command -v valgrind >/dev/null && ! nm "$fuzz" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 "$fuzz" 8 3 "$corpus"/*
'

test_done
