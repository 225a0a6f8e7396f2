#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in an execution trace do harm, nor in what is given beside it'

. "$SHARNESS"

corpus=$NETEMU_SRCDIR/tests/corpus/et inputs=$NETEMU_SRCDIR/tests/corpus/inputs
fuzz=$NETEMU_BUILDDIR/tests/replay/fuzz-et

test_expect_success 'the corpus of traces, and changes of it' '
	"$fuzz" 1000 1 "$corpus"/*
'

test_expect_success 'the corpus of other files and of options, and changes of it' '
	"$NETEMU_BUILDDIR/tests/replay/fuzz-inputs" 2000 1 "$inputs"/*
'

if command -v valgrind >/dev/null && ! nm "$fuzz" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 "$fuzz" 8 3 "$corpus"/* &&
	valgrind -q --leak-check=full --error-exitcode=9 \
		"$NETEMU_BUILDDIR/tests/replay/fuzz-inputs" 50 3 "$inputs"/*
'

test_done
