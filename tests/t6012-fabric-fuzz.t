#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in a dump of a fabric, in topology.conf or as a SPEC do harm'

. "$SHARNESS"

PATH=$NETEMU_BUILDDIR/tests:$PATH
corpus=$NETEMU_SRCDIR/tests/corpus

for target in ibnet ibsubnet iblft slurmtopo spec; do
	test_expect_success "the corpus of $target, and changes of it" '
		fuzz-$target 4000 1 "$corpus/$target"/*
	'
done

if command -v valgrind >/dev/null && ! nm "$NETEMU_BUILDDIR/tests/fuzz-ibnet" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	for target in ibnet ibsubnet iblft slurmtopo spec; do
		valgrind -q --leak-check=full --error-exitcode=9 \
			"$NETEMU_BUILDDIR/tests/fuzz-$target" 20 3 "$corpus/$target"/* || return 1
	done
'

test_done
