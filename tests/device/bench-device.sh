#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench-device.sh - what the emulated device costs, and how near a network asked
# for it comes
#
# Run by `make bench-device`, with the build's folder as argument.  Prints figures and
# ratios; nothing passes or fails.  What is compared is measured in turn, several times;
# figures are medians, with the least and the most.  The two sides are kept on CPUs of
# their own, with a real-time priority, where that is allowed.
build=$1
library=$build/.libs/libnetemu.so
bench=$build/tests/device/bench-device
turns=5
NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || exit 1
export NETEMU_SHM
work=$(mktemp -d) || exit 1
trap 'rm -rf "$NETEMU_SHM" "$work"' EXIT
trap 'exit 130' INT TERM HUP
port=18600

has() {
	command -v "$1" >/dev/null
}

# on CPU COMMAND...: there, where that can be chosen.
on() {
	cpu=$1
	shift
	test "$(nproc)" -gt 1 && has taskset && set -- taskset -c "$cpu" "$@"
	timeout 60 "$@"
}

# first_on CPU COMMAND...: before all others that would run there, where that is allowed.
first_on() {
	cpu=$1
	shift
	test "$(nproc)" -gt 1 && chrt -f 1 true 2>/dev/null && set -- chrt -f 1 "$@"
	on "$cpu" "$@"
}

# Until somebody listens on $port, 5 s at most.
wait_for_port() {
	tries=500
	until grep -q ":$(printf %04X $port) 0*:0000 0A" /proc/net/tcp /proc/net/tcp6; do
		tries=$((tries - 1))
		test $tries -gt 0 || return
		sleep 0.01
	done
}

# both SETTINGS TOOL [OPTION...]: the client's line of figures.
both() {
	settings=$1
	shift
	port=$((port + 1))
	NETEMU=$settings LD_PRELOAD=$library first_on 0 "$@" -F -p $port >"$work/server" 2>&1 &
	wait_for_port
	NETEMU=$settings LD_PRELOAD=$library first_on 1 "$@" -F -p $port 127.0.0.1 >"$work/client" 2>&1
	wait
	grep -E '^ *[0-9]+ +[0-9]+ +[0-9.]+' "$work/client" | tail -n 1
}

# keep NAME [COLUMN]: a value of that line.
keep() {
	awk -v c="${2:-1}" 'NF { print $c }' >>"$work/$1"
}

# of NAME: "MEDIAN (LEAST to MOST)" of the values kept.
of() {
	sort -n "$work/$1" | awk '
		{ value[NR] = $1 }
		END { if (NR) print value[int((NR + 1) / 2)] " (" value[1] " to " value[NR] ")" }'
}

# ratio NAME RAW: of medians.
ratio() {
	echo "$(of "$1") $(of "$2")" | awk '{ if ($5 > 0) printf "%.2f", $1 / $5 }'
}

# each_turn COMMAND...
each_turn() {
	turn=0
	while test $turn -lt $turns; do
		"$@"
		turn=$((turn + 1))
	done
}

raw_and_perftest() {
	timeout 60 "$bench" raw >"$work/raw"
	keep raw_write 1 <"$work/raw"
	keep raw_read 2 <"$work/raw"
	for tool in write send read; do
		both "" ib_${tool}_lat -s 8 -n 5000 | keep $tool 5
	done
}

latencies() {
	for us in 0 2 5 20 100; do
		both latency=${us}us ib_read_lat -n 2000 | keep read$us 5
		both latency=${us}us ib_send_lat -n 2000 | keep send$us 5
	done
}

rates() {
	for rate in 1 10 40 100; do
		both rate=${rate}Gbit/s ib_write_bw -n $((rate * 500)) | awk -v r=$rate \
			'{ printf "%.4f\n", $4 * 1048576 * 8 / (r * 1e9) }' | keep rate$rate
	done
	both rate=10Gbit/s ib_write_bw -q 2 -n 2000 |
		awk '{ printf "%.4f\n", $4 * 1048576 * 8 / 1e10 }' | keep two
}

# Over TCP not before all others: UCX has been seen to stand still then.
# ucx TRANSPORTS TEST SIZE COUNT: the last line of figures.
ucx() {
	place=first_on
	test "$1" = tcp,self && place=on
	port=$((port + 1))
	UCX_TLS=$1 LD_PRELOAD=$library $place 0 ucx_perftest -p $port >"$work/server" 2>&1 &
	server=$!
	wait_for_port
	UCX_TLS=$1 LD_PRELOAD=$library $place 1 ucx_perftest -p $port 127.0.0.1 -t "$2" -s "$3" \
		-n "$4" >"$work/client" 2>&1
	kill $server 2>/dev/null
	wait
	grep '^Final:' "$work/client"
}

ucx_transports="posix sysv tcp rc_v"

ucx_figures() {
	for tls in $ucx_transports; do
		ucx "$tls",self tag_lat 8 20000 | keep "$tls.lat" 3
		ucx "$tls",self tag_bw 65536 2000 | keep "$tls.bw" 7
	done
}

echo "== transport=direct (the aims are for it)"
NETEMU=transport=direct LD_PRELOAD=$library timeout -s KILL 120 "$bench"
echo "== transport=queue"
BENCH_PLAIN=yes NETEMU=transport=queue LD_PRELOAD=$library timeout -s KILL 300 "$bench"

echo "== starting a program with the library"
first_on 0 "$build/tests/device/bench-exec" "$library"

if has ib_read_lat; then
	echo "== perftest, typical latency of 8 bytes in us, and as part of the raw path's"
	each_turn raw_and_perftest
	echo "raw half round trip $(of raw_write), raw read $(of raw_read)"
	echo "ib_write_lat $(of write): $(ratio write raw_write)"
	echo "ib_send_lat $(of send): $(ratio send raw_write)"
	echo "ib_read_lat $(of read): $(ratio read raw_read)"
	echo "== perftest, typical latency in us with a latency L (reads: 2 L to 2 L + 1, sends: L to L + 2.5)"
	each_turn latencies
	for us in 0 2 5 20 100; do
		echo "L = $us: read $(of read$us), send $(of send$us)"
	done
	echo "== perftest, 64 KiB writes at a rate, as part of the rate"
	each_turn rates
	for rate in 1 10 40 100; do
		echo "$rate Gbit/s: $(of rate$rate)"
	done
	echo "10 Gbit/s, two queue pairs of one program together: $(of two)"
fi

if has ucx_perftest; then
	echo "== UCX over its own transports and, last, over the device (tcp without priority)"
	each_turn ucx_figures
	for tls in $ucx_transports; do
		echo "$tls: 8 bytes $(of "$tls.lat") us, 64 KiB $(of "$tls.bw") MB/s"
	done
fi
