#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what the tracer adds to a call, in instructions: the same on every machine'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need valgrind
tracee=$NETEMU_BUILDDIR/tests/trace/tracee
stub=$NETEMU_BUILDDIR/tests/trace/.libs/stub-verbs.so
if nm -D "$LIBNETTRACE" | grep -q -e __ubsan -e __asan; then
	skip_all="sanitizers have instructions of their own"
	test_done
fi

# spent LIBRARIES COMMAND...: instructions of tracee with these preloaded.
spent() {
	spent_preload=$1
	shift
	(trace_preload=$spent_preload && device valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$tracee" "$@") 2>&1 | awk '/Collected/ { found = $NF } END { if (!found) exit 1; print found }'
}

# each LIBRARIES MODE: instructions of one more, a write of 8 bytes for instance.
each() {
	each_few=$(spent "$1" "$2" 1000 8) && each_more=$(spent "$1" "$2" 3000 8) &&
		echo $(((each_more - each_few) / 2000))
}

# added DEVICE MODE: without tracer in $without, with it in $with.
added() {
	without=$(each "$1" "$2") && with=$(each "$LIBNETTRACE:$1" "$2") &&
		echo "# $2: $without without, $with with"
}

# About twice what it is when this is written, so that other compilers pass.
test_expect_success 'a poll that finds nothing: 40' '
	added "$stub" polls && test $with -gt $without && test $((with - without)) -le 80
'

test_expect_success 'a post and the poll that takes its completion, two records: 250' '
	added "$stub" write && test $with -gt $without && test $((with - without)) -le 540
'

# With a third more there are a quarter less in the same time.
test_expect_success 'writes of 8 bytes on the emulated device: at most a quarter less' '
	added "$LIBNETEMU" write && test $with -gt $without && test $((3 * with)) -le $((4 * without))
'

test_expect_success 'turned off, nothing' '
	trace_set no && added "$stub" polls && test $with = $without &&
	added "$stub" write && test $with = $without &&
	added "$LIBNETEMU" write && test $with -le $((without + without / 20)) # its threads do something, too
'

device_done
