# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-trace.sh - run unmodified verbs programs on the emulated device, and see what
# the tracer has recorded of them
#
#	. "$NETEMU_SRCDIR/tests/lib-trace.sh"
#	trace_need ibv_rc_pingpong
#	trace_set ring=1MiB
#	both ibv_rc_pingpong -n 100
#	dump server && dump client
#	test "$(count client ibv_post_send)" = 100
#	test "$(sum client bytes call=ibv_post_send opcode=2)" = 4096
#	...
#	device_done
#
# All of lib-device.sh, whose device, device_exec and pair run programs with the
# tracer here.  The files of what device_exec has run, the server of a pair, are
# below the directory `server`, those of device, the client, below `client`; each
# run replaces them.

. "$NETEMU_SRCDIR/tests/lib-device.sh"

: "${LIBNETTRACE:=$NETEMU_BUILDDIR/.libs/libnettrace.so}"
ringdump=$NETEMU_BUILDDIR/tests/trace/ringdump
unset NETTRACE NETTRACE_HELPER IBVERBS_INTERCEPT_EXP_TAG
trace_preload=$LIBNETTRACE:$LIBNETEMU # before the programs
trace_settings=

# trace_need PROGRAM...: skip the whole script unless all of them are there.
trace_need() {
	test -e "$LIBNETTRACE" || skip_all="built without the verbs tracer"
	device_need "$@"
}

# trace_set KEY=VALUE,...: what the tracer is told from here on, besides the directory;
# "no" turns it off.
trace_set() {
	trace_settings=$1
}

# traced WHO COMMAND...: run it in place of the shell, its files below WHO.
traced() {
	rm -rf "$1"
	mkdir "$1"
	traced_settings="dir=$PWD/$1${trace_settings:+,$trace_settings}"
	test "$trace_settings" != no || traced_settings=no
	shift
	exec timeout -k 5 "$DEVICE_SECONDS" env "LD_PRELOAD=$trace_preload" \
		"NETEMU=$device_settings" "NETTRACE=$traced_settings" "$@"
}

device() {
	(traced client "$@")
}

device_exec() {
	traced server "$@"
}

# pair_as_ranks: from here on the two programs of a pair are ranks 0 (the server) and 1
# of one run, which is in the directory `run`, made by the test.
pair_as_ranks() {
	as_rank() {
		rank=$1
		shift
		exec timeout -k 5 "$DEVICE_SECONDS" env "LD_PRELOAD=$trace_preload" \
			"NETEMU=$device_settings" "NETTRACE=dir=$PWD/run${trace_settings:+,$trace_settings}" \
			PMIX_NAMESPACE=pair PMI_SIZE=2 "PMIX_RANK=$rank" "$@"
	}
	device() {
		(as_rank 1 "$@")
	}
	device_exec() {
		as_rank 0 "$@"
	}
	pair_again() {
		rm -rf run && mkdir run
	}
}

# trace_ranks COUNT COMMAND...: on so many ranks of MPI, which alone have device and
# tracer; the files are below `client`.
trace_ranks() {
	ranks=$1
	shift
	rm -rf client
	mkdir client
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
		OMPI_MCA_plm_rsh_agent=/bin/false timeout -k 5 "$DEVICE_SECONDS" \
		mpirun -n "$ranks" -x "LD_PRELOAD=$trace_preload:$GIVE_WAY" -x "NETEMU=$device_settings" \
		-x "NETTRACE=dir=$PWD/client${trace_settings:+,$trace_settings}" "$@"
}

# rings WHO: paths of the files of records below WHO.
rings() {
	find "$1" -name 'ring-*.bin' | sort
}

# dump WHO: what was recorded below WHO, as text, into WHO.dump: lines of ringdump, of
# all files one after the other.
dump() {
	: >"$1.dump"
	rings "$1" >"$1.rings"
	test -s "$1.rings" || { say_why "no file of records below $1"; return 1; }
	while read -r trace_file; do
		"$ringdump" "$trace_file" >>"$1.dump" || return 1
	done <"$1.rings"
}

# lines WHO WORD...: of the dump, those that have all these words.
lines() {
	trace_dump=$1.dump
	shift
	awk 'BEGIN { for (i = 1; i < ARGC - 1; i++) { want[i] = ARGV[i]; ARGV[i] = "" } n = ARGC - 2 }
		{ line = " " $0 " "
		for (i = 1; i <= n; i++) if (!index(line, " " want[i] " ")) next
		print }' "$@" "$trace_dump"
}

# count WHO CALL [WORD...]: how many there are.
count() {
	trace_who=$1 trace_call=$2
	shift 2
	lines "$trace_who" "call=$trace_call" "$@" | wc -l
}

# sum WHO FIELD WORD...: of the values that FIELD has in these lines.
sum() {
	trace_who=$1 trace_field=$2
	shift 2
	values "$trace_who" "$trace_field" "$@" | awk '{ total += $1 } END { printf "%d\n", total }'
}

# values WHO FIELD WORD...: what FIELD is in these lines, one per line.
values() {
	trace_who=$1 trace_field=$2
	shift 2
	lines "$trace_who" "$@" | sed -n "s/.* $trace_field=\([^ ]*\).*/\1/p"
}

# header WHO FIELD: what the header says; and the counts of the reader.
header() {
	sed -n "s/^header.* $2='\{0,1\}\([^ ']*\).*/\1/p; s/^end.* $2=\([^ ]*\).*/\1/p" "$1.dump"
}

# expect_count WHO NUMBER CALL [WORD...]: that many, or it says how many.
expect_count() {
	trace_who=$1 trace_want=$2
	shift 2
	trace_got=$(count "$trace_who" "$@")
	test "$trace_got" = "$trace_want" && return
	say_why "$trace_who: $*: $trace_got, not $trace_want"
	return 1
}
