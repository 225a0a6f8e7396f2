#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes in a file of jobs do harm'

. "$SHARNESS"

PATH=$NETEMU_BUILDDIR/tests:$PATH
corpus=$NETEMU_SRCDIR/tests/corpus

for format in swf sacct jobcomp numbers; do
	test_expect_success "the corpus of $format, and changes of it" '
		fuzz-$format 5000 1 "$corpus"/$format/*
	'
done

if command -v valgrind >/dev/null &&
	! nm "$NETEMU_BUILDDIR/tests/fuzz-swf" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	for format in swf sacct jobcomp numbers; do
		valgrind -q --leak-check=full --error-exitcode=9 \
			"$NETEMU_BUILDDIR/tests/fuzz-$format" 20 3 "$corpus"/$format/* || return 1
	done
'

test_expect_success 'a compressed log is read as it is' '
	gzip -c "$corpus/swf/small.swf" >small.swf.gz &&
	jobdump swf small.swf.gz >got &&
	jobdump swf "$corpus/swf/small.swf" >expected &&
	test_cmp expected got &&
	test "$(wc -l <got)" = 3
'

test_done
