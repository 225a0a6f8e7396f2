# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-device.sh - run unmodified verbs programs on the emulated device
#
#	. "$NETEMU_SRCDIR/tests/lib-device.sh"
#	device_need ibv_devinfo ib_send_lat
#	device_set transport=queue,link_layer=ethernet
#	device ibv_devinfo
#	pair "ib_send_lat -p PORT" "ib_send_lat -p PORT 127.0.0.1"
#	...
#	device_done
#
# What the programs share lies in a directory of this test, $NETEMU_SHM, which is
# empty whenever none of them runs; it is removed when the script ends, however it
# ends.  $DEVICE_TRANSPORTS says what data are carried by.

. "$NETEMU_SRCDIR/tests/lib-pair.sh"

: "${LIBNETEMU:=$NETEMU_BUILDDIR/.libs/libnetemu.so}"
: "${DEVICE_TRANSPORTS:=direct queue}"
: "${DEVICE_SECONDS:=60}" # no program takes longer
unset NETEMU_FABRIC NETEMU_NODE NETEMU SYSFS_PATH

NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || error "no directory in shared memory"
export NETEMU_SHM
server=
device_cleanup() {
	test -z "$server" || kill "$server" 2>/dev/null
	rm -rf "$NETEMU_SHM"
}
# cleanup is for a script that has gone well, the trap for all others.
cleanup device_cleanup
trap 'status=$?; device_cleanup; (exit $status); die' EXIT
trap 'exit 143' INT TERM HUP

# device_need PROGRAM...: skip the whole script unless all of them are there.
device_need() {
	test -e "$LIBNETEMU" || skip_all="built without the emulated device"
	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all="$program is not installed"
	done
	test -z "$skip_all" || test_done
}

# device_has PROGRAM...: set the prerequisite of the first one's name, or say why
# not.
device_has() {
	prerequisite=$(echo "$1" | tr 'a-z-' 'A-Z_')
	for program in "$@"; do
		command -v "$program" >/dev/null && continue
		echo "# $program is not installed: its tests are skipped"
		return
	done
	test_set_prereq "$prerequisite"
}

# device_set KEY=VALUE,...: what the programs from here on have, besides the device.
device_set() {
	device_settings=device=emulated,$1
}
device_settings=device=emulated

# device COMMAND...: run it with the device.
device() {
	timeout -k 5 "$DEVICE_SECONDS" env "LD_PRELOAD=$LIBNETEMU" "NETEMU=$device_settings" "$@"
}

# The same in place of the shell: to be put in the background, and killed there.
device_exec() {
	exec timeout -k 5 "$DEVICE_SECONDS" env "LD_PRELOAD=$LIBNETEMU" "NETEMU=$device_settings" "$@"
}

# nothing_left: no file in shared memory.
nothing_left() {
	find "$NETEMU_SHM" -mindepth 1 >left
	test_must_be_empty left
}

device_done() {
	test_expect_success 'nothing is left in shared memory' nothing_left
	test_done
}

# --- pairs ---

# pair SERVER CLIENT: both are words, with PORT for the port.  What they write is
# in server.log and client.log, their exit codes are in $server_rc and $client_rc.
# Fails when one of them fails or leaves anything in shared memory, and shows why.
# A server that ends before it listens stays alone: client_rc is empty.
pair() {
	pair_quiet "$@" && return
	say_why "server: $1: $server_rc" server.log
	say_why "client: $2: $client_rc" client.log
	find "$NETEMU_SHM" -mindepth 1 >left
	say_why "in shared memory" left
	return 1
}

pair_quiet() {
	port_next
	: >client.log
	client_rc=
	# shellcheck disable=SC2046 # words
	device_exec $(echo "$1" | sed "s/PORT/$port/g") >server.log 2>&1 &
	server=$!
	if listening $server "$port"; then
		# shellcheck disable=SC2046 # words
		device $(echo "$2" | sed "s/PORT/$port/g") >client.log 2>&1
		client_rc=$?
		test $client_rc = 0 || kill $server 2>/dev/null
	else
		kill $server 2>/dev/null
	fi
	wait $server
	server_rc=$?
	server=
	test "$server_rc $client_rc" = "0 0" || return 1
	find "$NETEMU_SHM" -mindepth 1 >left
	test ! -s left
}

# both COMMAND...: a pair of the same program, which takes "-p PORT" and a host.
both() {
	pair "$* -p PORT" "$* -p PORT 127.0.0.1"
}
