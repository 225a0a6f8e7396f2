#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no settings of a device and no file of faults do harm'

. "$SHARNESS"

corpus=$NETEMU_SRCDIR/tests/corpus
fuzz=$NETEMU_BUILDDIR/tests/fuzz

test_expect_success 'files of faults, and changes of them' '
	"$fuzz-faults" 3000 1 "$corpus"/faults/*
'

test_expect_success 'settings, and changes of them' '
	"$fuzz-device-settings" 400 1 "$corpus"/device-settings/*
'

if command -v valgrind >/dev/null && ! nm "$fuzz-faults" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 "$fuzz-faults" 50 3 "$corpus"/faults/* &&
	valgrind -q --leak-check=full --error-exitcode=9 "$fuzz-device-settings" 20 3 "$corpus"/device-settings/*
'

test_done
