#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in a scenario do harm'

. "$SHARNESS"

corpus=$NETEMU_SRCDIR/tests/corpus/scenario
fuzz=$NETEMU_BUILDDIR/tests/fuzz-scenario

test_expect_success 'the corpus of scenarios, and changes of it' '
	"$fuzz" 5000 1 "$corpus"/*
'

if command -v valgrind >/dev/null && ! nm "$fuzz" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 "$fuzz" 20 3 "$corpus"/*
'

test_done
