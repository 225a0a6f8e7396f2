# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-program.sh - `netemu device` with a directory for its fabrics that nobody else uses
#
# $NETEMU_SHM is empty whenever nothing runs, and goes when the script ends.
# $steps is tests/device/steps; prerequisite PERFTEST, when ib_write_bw is there.

: "${LIBNETEMU:=$NETEMU_BUILDDIR/.libs/libnetemu.so}"
test -e "$LIBNETEMU" || { skip_all='built without the emulated device' && test_done; }
unset NETEMU NETEMU_FABRIC NETEMU_NODE NETEMU_RDV SYSFS_PATH
PATH=$NETEMU_BUILDDIR:$PATH
steps=$NETEMU_BUILDDIR/tests/device/steps
NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || error "no directory in shared memory"
export PATH steps NETEMU_SHM
pids=

# later COMMAND...: in the background, ended with the script; $last is its pid.
later() {
	"$@" &
	last=$!
	pids="$pids $last"
}

program_cleanup() {
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null
	done
	rm -rf "$NETEMU_SHM"
}
cleanup program_cleanup
trap 'status=$?; program_cleanup; (exit $status); die' EXIT
trap 'exit 143' INT TERM HUP

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

# State 0A is LISTEN.
port_listens() {
	grep -qs ":$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

# port_next: PORT gets one that nobody uses.
port_next() {
	test -n "$port" || port=$((10240 + $(od -An -N2 -tu2 /dev/urandom) % 20000))
	port=$((port + 1))
	while grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X $port) " /proc/net/tcp /proc/net/tcp6; do
		port=$((10240 + (port + 101) % 20000))
	done
}

# nothing_left: no fabric.
nothing_left() {
	find "$NETEMU_SHM" -mindepth 1 >left
	test_must_be_empty left
}

# python CODE: what it prints about the JSON in standard input, which is DATA.
python() {
	python3 -c "import json, sys; data = json.load(sys.stdin); $1"
}

# exits STATUS COMMAND...
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
