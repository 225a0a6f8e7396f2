# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-device.sh - run unmodified verbs programs on the emulated device
#
#	. "$NETEMU_SRCDIR/tests/lib-device.sh"
#	device_need ibv_devinfo ib_send_lat
#	device_set transport=queue,link_layer=ethernet
#	device ibv_devinfo
#	pair "ib_send_lat -p PORT" "ib_send_lat -p PORT HOST"
#	...
#	device_done
#
# What the programs share lies in a directory of this test, $NETEMU_SHM, which is
# empty whenever none of them runs; it is removed when the script ends, however it
# ends.  $DEVICE_TRANSPORTS says what data are carried by.

. "$NETEMU_SRCDIR/tests/lib-pair.sh"

: "${LIBNETEMU:=$NETEMU_BUILDDIR/.libs/libnetemu.so}"
: "${GIVE_WAY:=$NETEMU_BUILDDIR/tests/.libs/give-way.so}" # behind it: ranks that wait sleep
: "${DEVICE_TRANSPORTS:=direct queue}"
: "${DEVICE_SECONDS:=180}" # no program takes longer, also on a busy machine
unset NETEMU_FABRIC NETEMU_NODE NETEMU SYSFS_PATH

NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || error "no directory in shared memory"
export NETEMU_SHM
server=
device_cleanup() {
	test -z "$server" || kill "$server" 2>/dev/null
	rm -rf "$NETEMU_SHM"
	xrc_remove
}
# cleanup is for a script that has gone well, the trap for all others.
cleanup device_cleanup
trap 'status=$?; device_cleanup; (exit $status); die' EXIT
trap 'exit 143' INT TERM HUP

# The runtime of the address sanitizer has to come before what is preloaded, and takes address
# space: programs of ours that have it cannot be run so.
nm -D "$NETEMU_BUILDDIR/netemu-device" 2>/dev/null | grep -q __asan || test_set_prereq PLAIN

# device_need PROGRAM...: skip the whole script unless all of them are there.
device_need() {
	test -e "$LIBNETEMU" || skip_all="built without the emulated device"
	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all="$program is not installed"
	done
	test -z "$skip_all" || test_done
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
device_kill() {
	kill "$server" 2>/dev/null
}

# device_ranks COMMAND...: on 4 ranks of MPI, which alone have the device.
device_ranks() {
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
		OMPI_MCA_plm_rsh_agent=/bin/false timeout -k 5 "$DEVICE_SECONDS" \
		mpirun -n 4 -x "LD_PRELOAD=$LIBNETEMU:$GIVE_WAY" -x "NETEMU=$device_settings" "$@"
}

# nothing_left: no file in shared memory; if there is, their names are in `left`.
nothing_left() {
	find "$NETEMU_SHM" -mindepth 1 >left
	test_must_be_empty left
}

device_done() {
	test_expect_success 'nothing is left in shared memory' nothing_left
	test_done
}
