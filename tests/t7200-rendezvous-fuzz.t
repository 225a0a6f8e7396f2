#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='no bytes from a client harm the server of a rendezvous'

. "$SHARNESS"

fuzz=$NETEMU_BUILDDIR/tests/fuzz-rendezvous
corpus=$NETEMU_SRCDIR/tests/corpus/rendezvous

test_expect_success 'what clients say, and changes of it' '
	"$fuzz" 3000 1 "$corpus"/*
'

if command -v valgrind >/dev/null && ! nm "$fuzz" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	valgrind -q --leak-check=full --error-exitcode=9 --track-fds=no "$fuzz" 30 3 "$corpus"/*
'

test_done
