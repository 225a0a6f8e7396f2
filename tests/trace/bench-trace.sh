#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench-trace.sh - what the verbs tracer costs
#
# Run by `make bench-trace`, with the build's folder as argument.  Prints medians, and
# what the tracer adds to what is measured without it in the same run; with and without
# are measured in turn.  Nothing passes or fails.
build=$1
trace=$build/.libs/libnettrace.so
device=$build/.libs/libnetemu.so
stub=$build/tests/trace/.libs/stub-verbs.so
test -e "$stub" || stub=$build/.libs/stub-verbs.so
bench=$build/tests/trace/bench-trace
turns=${BENCH_TURNS:-7}
NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || exit 1
export NETEMU_SHM
work=$(mktemp -d) || exit 1
trap 'rm -rf "$NETEMU_SHM" "$work"' EXIT
trap 'exit 130' INT TERM HUP
unset NETTRACE

# on CPU COMMAND...: there, before all others, where that is allowed.
on() {
	cpu=$1
	shift
	if test "$(nproc)" -gt 1 && command -v taskset >/dev/null; then
		set -- taskset -c "$cpu" "$@"
		chrt -f 1 true 2>/dev/null && set -- chrt -f 1 "$@"
	fi
	timeout 60 "$@"
}

median() {
	sort -n "$1" | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] :
		(value[NR / 2] + value[NR / 2 + 1]) / 2 }'
}

# traced DIRECTORY COMMAND...: its files are of no interest.
files=$work/files
with() {
	rm -rf "$files"
	mkdir "$files"
	NETTRACE=dir=$files "$@"
}

# in_turn NAME WITHOUT WITH: two functions that print a figure each; into files.
in_turn() {
	: >"$work/$1.without"
	: >"$work/$1.with"
	turn=0
	while test $turn -lt "$turns"; do
		turn=$((turn + 1))
		"$2" >>"$work/$1.without"
		"$3" >>"$work/$1.with"
	done
	without=$(median "$work/$1.without") with=$(median "$work/$1.with")
}

# calls WHAT COUNT PRELOAD
calls() {
	LD_PRELOAD=$3 on 1 "$bench" "$1" "$2"
}
empty_without() { calls empty 10000000 "$stub"; }
empty_with() { with calls empty 10000000 "$trace:$stub"; }
pair_without() { calls pair 500000 "$stub"; }
pair_with() { with calls pair 500000 "$trace:$stub"; }
exec_without() { calls exec 200 ""; }
exec_with() { with calls exec 200 "$trace"; }

# rate PRELOAD: million messages of 8 bytes per second.
port=18700
rate() {
	port=$((port + 1))
	LD_PRELOAD=$1 NETEMU=device=emulated on 0 ib_write_bw -F -s 8 -n 200000 -p $port \
		>"$work/server" 2>&1 &
	tries=500
	until grep -q ":$(printf %04X $port) 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; do
		tries=$((tries - 1))
		test $tries -gt 0 || return
		sleep 0.01
	done
	LD_PRELOAD=$1 NETEMU=device=emulated on 1 ib_write_bw -F -s 8 -n 200000 -p $port \
		127.0.0.1 >"$work/client" 2>&1
	wait
	awk '$1 == 8 && $2 == 200000 { print $5 }' "$work/client"
}
rate_without() { rate "$device"; }
rate_with() { with rate "$trace:$device"; }

minus() {
	awk "BEGIN { printf \"%.1f\", ($1 - $2) / $3 }"
}

in_turn empty empty_without empty_with
echo "an empty poll: $without ns without, $with with: + $(minus "$with" "$without" 1) ns (aim: 10)"
in_turn pair pair_without pair_with
echo "a post and its completion: $without ns without, $with with:" \
	"+ $(minus "$with" "$without" 2) ns for each event (aim: 30)"
in_turn exec exec_without exec_with
echo "exec: $without us without, $with with: + $(minus "$with" "$without" 1) us"
if command -v ib_write_bw >/dev/null; then
	in_turn rate rate_without rate_with
	echo "writes of 8 bytes: the tracer takes $(minus "100 * $without" "100 * $with" "$without") %" \
		"of their rate (aim: 10, at most 25)"
fi
