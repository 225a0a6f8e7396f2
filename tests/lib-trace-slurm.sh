# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of sharness
#
# lib-trace-slurm.sh - verbs programs under srun --netemu --nettrace
#
#	. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
#	trace_need ibv_rc_pingpong
#	trace_start 2
#	trace_pingpong --nettrace -- -n 100
#	test "$(ring_lines 0 call=ibv_post_send | wc -l)" = 100
#
# All of lib-recorder.sh, for nettrace, on a cluster that has all three plugins.

. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-pair.sh"
recorder=nettrace
. "$NETEMU_SRCDIR/tests/lib-recorder.sh"

plugins=$NETEMU_BUILDDIR/spank/.libs library=$NETEMU_BUILDDIR/.libs
ringdump=$NETEMU_BUILDDIR/tests/trace/ringdump

# Nodes of the cluster have a /dev/shm each, but are one machine.  No blank is in
# these names, as plugstack.conf has no quoting.
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || error "no temporary directory"
remove_at_end "$shm"

# trace_need PROGRAM...: skip the whole script unless all of them are there.
trace_need() {
	skip_unless "$@"
	test -r "$plugins/netemu.so" && test -r "$library/libnetemu.so" &&
		test -r "$library/libnettrace.so" || {
		skip_all="the tracer or the device is not built"
		test_done
	}
}

# trace_line PLUGIN [ARGUMENT...]: its line in plugstack.conf.
trace_line() {
	trace_plugin=$1
	shift
	case $trace_plugin in
	netemu) set -- "bin=$NETEMU_BUILDDIR" "shm=$shm" "$@" ;;
	netprof) set -- "libexec=$NETEMU_BUILDDIR" "$@" ;;
	nettrace) set -- "libexec=$NETEMU_BUILDDIR" "bin=$NETEMU_BUILDDIR" "$@" ;;
	esac
	echo "optional $plugins/$trace_plugin.so lib=$library/lib$trace_plugin.so $*"
}

# trace_plugins PLUGIN...: plugstack.conf has these, in this order.
trace_plugins() {
	for trace_each; do
		trace_line "$trace_each"
	done >"${recorder_conf:-plugstack.conf}"
}

# trace_start NODES [OPTION...]: of a cluster.
trace_start() {
	trace_plugins netprof nettrace netemu
	trace_nodes=$1
	shift
	cluster_start "$trace_nodes" --plugstack plugstack.conf "$@"
	recorder_conf=${SLURM_CONF%/*}/plugstack.conf
	test "$(id -u)" != 0 || test_set_prereq ROOT
	case ${NETEMU_CLUSTER_OPTIONS:-} in
	*--netns*) trace_host=node0 ;;
	*) trace_host=127.0.0.1 ;;
	esac
	trace_pingpong_script
}

# pingpong PORT HOST ARGUMENT...: as task 0 the server, as task 1 the client.  A client
# that comes too early would try again, and be a second program.
trace_pingpong_script() {
	cat >pingpong <<-"END"
		#!/bin/sh
		port=$1 host=$2 there=there.$1
		shift 2
		listens() {
			grep -qs ":$(printf %04X "$port") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
		}
		if test "$SLURM_PROCID" = 0; then
			ibv_rc_pingpong -p "$port" "$@" >server.out &
			until listens || ! kill -0 $!; do sleep 0.01; done
			: >"$there"
			wait $!
		else
			until test -e "$there"; do sleep 0.01; done
			exec ibv_rc_pingpong -p "$port" "$@" "$host" >client.out
		fi
	END
	chmod +x pingpong
}

# trace_pingpong SRUN-OPTION... -- ARGUMENT...: on two nodes; what srun says is in `err'.
trace_pingpong() {
	port_next
	rm -rf netemu.* server.out client.out there.*
	trace_options=
	while test "$1" != --; do
		trace_options="$trace_options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # words
	within 180 srun -N2 -n2 --netemu $trace_options ./pingpong "$port" "$trace_host" "$@" \
		>out 2>err && return
	trace_code=$?
	say_why "srun$trace_options: $trace_code" err server.out client.out
	return $trace_code
}

# ring_lines RANK WORD...: lines of its records that have all these words.
ring_lines() {
	"$ringdump" netemu.*/verbs/ring-"$1".bin >"ring.$1" || return 1
	trace_ring=ring.$1
	shift
	for trace_word; do
		grep -w -e "$trace_word" "$trace_ring" >"$trace_ring.some"
		mv "$trace_ring.some" "$trace_ring"
	done
	cat "$trace_ring"
}

# ring_has RANK NUMBER WORD...: so many such lines.
ring_has() {
	trace_rank=$1 trace_want=$2
	shift 2
	trace_got=$(ring_lines "$trace_rank" "$@" | wc -l)
	test "$trace_got" = "$trace_want" && return
	say_why "rank $trace_rank has $trace_got of $*, not $trace_want"
	return 1
}

# exported RANK...: there are both files of JSON of each, and they are JSON.
exported() {
	for trace_rank; do
		ls netemu.*/verbs/raw_trace_"$trace_rank".json netemu.*/verbs/trace_"$trace_rank".json
	done >exports &&
		python3 -c "import json; [json.load(open(f.strip())) for f in open('exports')]" && return
	say_why "not exported" exports netemu.*/log/*
	return 1
}

# exported_none: there are none.
exported_none() {
	! ls netemu.*/verbs/*.json 2>/dev/null
}

# shm_is_empty: no fabric is left.
shm_is_empty() {
	test -z "$(ls "$shm")"
}
