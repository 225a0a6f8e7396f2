# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-program.sh - `netemu device`, besides what lib-device.sh has
#
# $steps is tests/device/steps; prerequisites PERFTEST and PINGPONG, when ib_write_bw
# and ibv_rc_pingpong are there.

. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need python3
unset NETEMU_RDV
PATH=$NETEMU_BUILDDIR:$PATH
# What programs on the device call, with it preloaded.
if ! test_have_prereq PLAIN; then
	mkdir bin
	printf '#!/bin/sh\nunset LD_PRELOAD\nexec "%s/netemu" "$@"\n' "$NETEMU_BUILDDIR" >bin/netemu
	chmod +x bin/netemu
	PATH=$PWD/bin:$PATH
fi
steps=$NETEMU_BUILDDIR/tests/device/steps
export PATH steps

# later COMMAND...: in the background, ended with the script; $last is its pid.
pids=
later() {
	"$@" &
	last=$!
	pids="$pids $last"
}

# In place of that of pairs.
device_cleanup() {
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$NETEMU_SHM"
}

! command -v ib_write_bw >/dev/null || test_set_prereq PERFTEST
! command -v ibv_rc_pingpong >/dev/null || test_set_prereq PINGPONG

# until_true COMMAND...: wait for it, a minute at most.
until_true() {
	tries=6000
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		test $tries -gt 0 || return 1
		sleep 0.01
	done
}

# python CODE: what it says about the JSON in standard input, which is DATA.
python() {
	python3 -c "import json, sys; data = json.load(sys.stdin); $1"
}

# exits STATUS COMMAND...: what it has written is in exits.out and exits.err.
exits() {
	wanted=$1
	shift
	status=0
	"$@" >exits.out 2>exits.err || status=$?
	test $status = "$wanted" && return
	echo "$*: $status, not $wanted"
	cat exits.out exits.err
	return 1
}
