# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-device-slurm.sh - run unmodified verbs programs under srun --netemu
#
#	. "$NETEMU_SRCDIR/tests/lib-device-slurm.sh"
#	device_need ib_send_lat
#	device_set transport=queue,link_layer=ethernet
#	pair "ib_send_lat -p PORT" "ib_send_lat -p PORT HOST"
#	...
#	device_done
#
# In place of lib-device.sh, with the same functions.  Servers run on node0 of a
# private cluster and all else on node1, in one step of two tasks for all programs
# after a device_set: to start a step takes longer than most of them.  A task is
# device/at-node, told by named pipes in at/ what to run.

. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-pair.sh"

: "${DEVICE_SECONDS:=180}" # no program takes longer, also on a busy machine
unset NETEMU_FABRIC NETEMU_NODE NETEMU SYSFS_PATH

# An ordinary user's nodes have a user name space each, so that none may touch
# the memory of another: auto finds that out.
if test "$(id -u)" = 0; then
	: "${DEVICE_TRANSPORTS:=direct queue}"
else
	: "${DEVICE_TRANSPORTS:=auto queue}"
fi

# Nodes of the cluster have a /dev/shm each, but are one machine.
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || exit 1
step=
device_cleanup() {
	test -z "$step" || kill "$step" 2>/dev/null
	cluster_stop
	rm -rf "$shm"
	xrc_remove
}
cleanup device_cleanup
trap 'status=$?; device_cleanup; (exit $status); die' EXIT

# device_need PROGRAM...: skip the whole script unless all of them are there; start
# the cluster.
device_need() {
	library=$NETEMU_BUILDDIR/.libs plugins=$NETEMU_BUILDDIR/spank/.libs
	skip_unless "$@"
	test -r "$plugins/netemu.so" && test -r "$library/libnetemu.so" || {
		skip_all="the SPANK plugins or the device are not built"
		test_done
	}
	cluster_plugstack \
		"optional $plugins/netemu.so lib=$library/libnetemu.so bin=$NETEMU_BUILDDIR shm=$shm" \
		"optional $plugins/netprof.so lib=$library/libnetprof.so libexec=$NETEMU_BUILDDIR"
	cluster_start 2 --plugstack plugstack.conf
}

# --- the step ---

# device_set KEY=VALUE,...: end the step, begin one whose device has these settings.
device_set() {
	step_end
	device_settings=device=emulated,$1
	rm -rf at && mkdir at && mkfifo at/node0 at/node1 at/server.done at/client.done || return 1
	srun -N2 -n2 "--netemu=$device_settings" "$NETEMU_SRCDIR/tests/device/at-node" at \
		</dev/null >step.out 2>&1 3>&- 4>&- 5>&- 6<&- &
	step=$!
	if wait_for 60 step_is_ready; then
		# With network name spaces the nodes are not one machine to TCP.
		case ${NETEMU_CLUSTER_OPTIONS:-} in
		*--netns*) device_host=node0 proc_net=/proc/$(cat at/task0)/net ;;
		esac
		return
	fi
	say_why "srun --netemu=$device_settings" step.out
	kill "$step" 2>/dev/null
	step=
	return 1
}

step_is_ready() {
	test -s at/task0 && test -s at/task1
}

# step_end: fails when it does not go, or something of its fabric stays.
step_end() {
	test -n "$step" || return 0
	echo end 1<>at/node0
	echo end 1<>at/node1
	wait "$step"
	step_rc=$?
	step=
	wait_for 20 all_gone && test $step_rc = 0 && return
	ls -lR "$shm" >left
	say_why "the step has ended with $step_rc" step.out left
	return 1
}

all_gone() {
	test -z "$(ls "$shm")"
}

# quoted WORD...: for a shell.
quoted() {
	for word; do
		case $word in
		*\'*) word=$(printf %s "$word" | sed "s/'/'\\\\''/g") ;;
		esac
		printf " '%s'" "$word"
	done
}

# at_node NODE NAME COMMAND...: run it there.  NAME is of this request, one at a time.
at_node() {
	at_node=$1 at_name=$2
	shift 2
	test -n "$step" || return 125
	echo "exec timeout -k 5 $DEVICE_SECONDS$(quoted "$@")" >"at/$at_name.sh"
	echo "$at_name" 1<>"at/node$at_node"
	at_code=$(timeout $((DEVICE_SECONDS + 30)) cat "at/$at_name.done")
	cat "at/$at_name.out"
	cat "at/$at_name.err" >&2
	return "${at_code:-124}"
}

device() {
	at_node 1 client "$@"
}

device_exec() {
	at_node 0 server "$@"
}

device_kill() {
	kill "$(cat at/server.pid)" 2>/dev/null
}

# device_ranks COMMAND...: on 4 ranks of a step of their own.
device_ranks() {
	give_way within "$DEVICE_SECONDS" srun --mpi=pmix -N2 -n4 "--netemu=$device_settings" "$@"
}

# What there is belongs to the step: see step_end.
nothing_left() {
	: >left
}

device_done() {
	test_expect_success 'the step ends, and nothing is left' 'step_end'
	test_expect_success 'no node was drained' '
		sinfo -h -o %T >state && ! grep -e drain -e down state
	'
	test_done
}
