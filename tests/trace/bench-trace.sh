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
	sort -n "$1" | awk '{ value[NR] = $1 }
		END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# with COMMAND...: traced by $settings; its files are of no interest.
files=$work/files settings=
with() {
	rm -rf "$files"
	mkdir "$files"
	NETTRACE=dir=$files$settings "$@"
}

# in_turn NAME...: of each function NAME that prints a figure, the median becomes $NAME.
in_turn() {
	for name; do : >"$work/$name"; done
	turn=0
	while test $turn -lt "$turns"; do
		turn=$((turn + 1))
		for name; do "$name" >>"$work/$name"; done
	done
	for name; do eval "$name=\$(median \"\$work/\$name\")"; done
}

# calls WHAT COUNT PRELOAD
calls() {
	LD_PRELOAD=$3 on 1 "$bench" "$1" "$2"
}
empty_without() { calls empty 10000000 "$stub"; }
empty_with() { with calls empty 10000000 "$trace:$stub"; }
pair_without() { calls pair 500000 "$stub"; }
pair_clock() { calls clock 500000 "$stub"; }
pair_first() { with calls pair 500000 "$trace:$stub"; }
pair_again() { with calls again 550000 "$trace:$stub"; }
pair_small() { (settings=,ring=1MiB && with calls pair 500000 "$trace:$stub"); }
pair_timed() { (settings=,ring=1MiB,timed=1 && with calls pair 500000 "$trace:$stub"); }
pages() { rm -f "$work/room" && on 1 "$bench" pages 1000000 "$work/room"; }
exec_without() { calls exec 200 ""; }
exec_with() { with calls exec 200 "$trace"; }

# writes of 8 bytes by one thread: what two processes do to each other is not in it
writes_without() { NETEMU=device=emulated calls writes 300000 "$device"; }
writes_with() { (export NETEMU=device=emulated && with calls writes 300000 "$trace:$device"); }

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

# instructions PRELOAD WHAT: of one more call, or post and completion, by valgrind; the
# same whatever else the machine does.
instructions() {
	for count in 20000 40000; do
		LD_PRELOAD=$1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
			"$bench" "$2" "$count" 2>&1 | awk '/Collected/ { print $NF }'
	done | awk 'NR == 1 { first = $1 } END { printf "%.1f\n", ($1 - first) / 20000 }'
}
# more_instructions WHAT: those that the tracer adds.
more_instructions() {
	minus "$(with instructions "$trace:$stub" "$1")" "$(instructions "$stub" "$1")" "$2"
}

in_turn empty_without empty_with
echo "an empty poll: $empty_without ns without, $empty_with with:" \
	"+ $(minus "$empty_with" "$empty_without" 1) ns (aim: 10)"

# each pair is two events
in_turn pair_without pair_clock pair_small pair_again pair_first pair_timed pages
event() { minus "$1" "$pair_without" 2; }
ratio() { awk "BEGIN { printf \"%.2f\", $1 / ($2) }"; }
least=$(event "$pair_clock")
echo "a post and its completion: $pair_without ns without; with: $pair_small in a ring of 1 MiB," \
	"$pair_again in one of 64 MiB that has gone round, $pair_first while that is filled first"
echo "for each event: + $(event "$pair_small"), + $(event "$pair_again")," \
	"+ $(event "$pair_first") ns (aim: 30)"
echo "  of that a reading of the clock and 64 bytes written: $least ns; pages of a new file: $pages"
echo "  all is $(ratio "$(event "$pair_small")" "$least"), $(ratio "$(event "$pair_again")" "$least")," \
	"$(ratio "$(event "$pair_first")" "$least + $pages") times that"
echo "with each post timed (timed=1): + $(event "$pair_timed") ns in 1 MiB"
if command -v valgrind >/dev/null; then
	echo "instructions: + $(more_instructions empty 1) for an empty poll," \
		"+ $(more_instructions pair 2) for each event"
fi

in_turn exec_without exec_with
echo "exec: $exec_without us without, $exec_with with:" \
	"+ $(minus "$exec_with" "$exec_without" 1) us"
in_turn writes_without writes_with
lost=$(minus "100 * $writes_with" "100 * $writes_without" "$writes_with")
echo "writes of 8 bytes by one thread: $writes_without ns without, $writes_with with: the tracer" \
	"takes $lost % of their rate"
if command -v ib_write_bw >/dev/null; then
	in_turn rate_without rate_with
	lost=$(minus "100 * $rate_without" "100 * $rate_with" "$rate_without")
	echo "ib_write_bw of 8 bytes: the tracer takes $lost % of its rate (aim: 10, at most 25)"
fi
