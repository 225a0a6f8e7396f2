#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description="mpirun's fork agent names the library and becomes the program"

. "$SHARNESS"

AGENT=$NETEMU_BUILDDIR/netemu-agent
test -x "$AGENT" || {
	skip_all='built without Slurm'
	test_done
}
# LD_PRELOAD cannot name a file with a blank in its path, as those here have.
work=$(mktemp -d "${TMPDIR:-/tmp}/netemu-agent.XXXXXX") && cd "$work" || error "no directory"
remove_work() {
	rm -rf "$work"
}
cleanup remove_work
echo 'int netprof_agent_test;' | ${CC:-cc} -shared -o libnetprof.so -x c - 2>/dev/null || {
	skip_all='no C compiler'
	test_done
}
NETPROF_LIB=$PWD/libnetprof.so
NETPROF=yes
export NETPROF_LIB NETPROF
unset LD_PRELOAD

# preloads VALUE: what the program sees, ld.so's complaints apart.
preloads() {
	"$AGENT" sh -c 'echo "$LD_PRELOAD"' 2>/dev/null >seen
	echo "$1" | test_cmp - seen
}

test_expect_success 'the library is named' '
	preloads "$NETPROF_LIB"
'

test_expect_success 'before what the user has there' '
	(LD_PRELOAD=/user.so:/more.so && export LD_PRELOAD && preloads "$NETPROF_LIB:/user.so:/more.so")
'

test_expect_success 'once' '
	for list in "$NETPROF_LIB:/b.so" "/b.so:$NETPROF_LIB" "$NETPROF_LIB /b.so:$NETPROF_LIB"; do
		(LD_PRELOAD=$list && export LD_PRELOAD && preloads "$NETPROF_LIB:/b.so") || return 1
	done
'

test_expect_success 'not where the user has another file of that name' '
	(LD_PRELOAD=/x$NETPROF_LIB && export LD_PRELOAD && preloads "/x$NETPROF_LIB")
'

test_expect_success 'libraries have the order they have in a step of srun' '
	cp libnetprof.so libnettrace.so &&
	(NETTRACE_LIB=$PWD/libnettrace.so && NETTRACE=yes && export NETTRACE_LIB NETTRACE &&
		preloads "$NETPROF_LIB:$NETTRACE_LIB" &&
		LD_PRELOAD=/l/libnetemu.so:/user.so && export LD_PRELOAD &&
		preloads "$NETPROF_LIB:$NETTRACE_LIB:/l/libnetemu.so:/user.so" &&
		NETPROF=no && preloads "$NETTRACE_LIB:/l/libnetemu.so:/user.so" &&
		NETTRACE=no && preloads "/l/libnetemu.so:/user.so")
'

test_expect_success 'not when the settings say no' '
	(NETPROF=no && preloads "") &&
	(NETPROF=no,window=1s && preloads "") &&
	(NETPROF=nonsense && preloads "")
'

test_expect_success 'not a library that is not there' '
	(NETPROF_LIB=$PWD/none.so && preloads "") &&
	(NETPROF_LIB=libnetprof.so && preloads "") &&
	(unset NETPROF_LIB && preloads "") &&
	mkdir "a b" && cp libnetprof.so "a b" &&
	(NETPROF_LIB="$PWD/a b/libnetprof.so" && preloads "")
'

test_expect_success 'arguments, status and signal are those of the program' '
	NETPROF=no "$AGENT" printf "%s|" a "b c" "" >out && printf "a|b c||" | test_cmp - out &&
	test_expect_code 7 env NETPROF=no "$AGENT" sh -c "exit 7" &&
	test_expect_code 137 env NETPROF=no sh -c "\"$AGENT\" sh -c \"kill -9 \\\$\\\$\"; exit \$?"
'

test_expect_success 'a program that cannot be run is said' '
	echo text >text &&
	test_expect_code 127 env NETPROF=no "$AGENT" ./none 2>err && grep "./none" err &&
	test_expect_code 126 env NETPROF=no "$AGENT" ./text 2>err &&
	test_expect_code 2 "$AGENT"
'

test_done
