#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# bench-device.sh - what the emulated device costs, and how near a network asked
# for it comes
#
# Run by `make bench-device`, with the build's folder as argument.  Prints figures and
# ratios; nothing passes or fails.
build=$1
library=$build/.libs/libnetemu.so
NETEMU_SHM=$(mktemp -d /dev/shm/nt.XXXXXX) || exit 1
export NETEMU_SHM
work=$(mktemp -d) || exit 1
trap 'rm -rf "$NETEMU_SHM" "$work"' EXIT
trap 'exit 130' INT TERM HUP
port=18600

# both SETTINGS TOOL [OPTION...]: the client's line of figures.
both() {
	settings=$1
	shift
	port=$((port + 1))
	NETEMU=$settings LD_PRELOAD=$library timeout 60 "$@" -F -p $port >"$work/server" 2>&1 &
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q ":$(printf %04X $port) 0*:0000 0A" /proc/net/tcp /proc/net/tcp6 && break
		sleep 0.1
	done
	NETEMU=$settings LD_PRELOAD=$library timeout 60 "$@" -F -p $port 127.0.0.1 >"$work/client" 2>&1
	wait
	grep -E '^ *[0-9]+ +[0-9]+ +[0-9.]+' "$work/client" | tail -n 1
}

has() {
	command -v "$1" >/dev/null
}

echo "== transport=direct"
NETEMU=transport=direct LD_PRELOAD=$library timeout -s KILL 60 "$build/tests/device/bench-device"
echo "== transport=queue"
BENCH_PLAIN=yes NETEMU=transport=queue LD_PRELOAD=$library timeout -s KILL 60 \
	"$build/tests/device/bench-device"

if has ib_read_lat; then
	echo "== perftest, typical latency in us with a latency L (reads: 2 L to 2 L + 1, sends: L to L + 2.5)"
	for us in 0 2 5 20 100; do
		read=$(both latency=${us}us ib_read_lat -n 2000 | awk '{ print $5 }')
		send=$(both latency=${us}us ib_send_lat -n 2000 | awk '{ print $5 }')
		echo "L = $us: read $read, send $send"
	done
	echo "== perftest, MiB/s of 64 KiB writes at a rate, and its part of the rate"
	for rate in 1 10 40 100; do
		both rate=${rate}Gbit/s ib_write_bw -n $((rate * 500)) |
			awk -v r=$rate '{ printf "%d Gbit/s: %s, %.4f\n", r, $4, $4 * 1048576 * 8 / (r * 1e9) }'
	done
	echo "== two queue pairs of one program at 10 Gbit/s together"
	both rate=10Gbit/s ib_write_bw -q 2 -n 2000 | awk '{ print $4 " MiB/s" }'
fi

if has ucx_perftest; then
	echo "== beside it, UCX: tag_lat of 8 bytes, us"
	for tls in sysv,self tcp,self rc_v,self; do
		port=$((port + 1))
		UCX_TLS=$tls LD_PRELOAD=$library timeout 60 ucx_perftest -p $port >"$work/server" 2>&1 &
		server=$!
		sleep 1
		UCX_TLS=$tls LD_PRELOAD=$library timeout 60 ucx_perftest -p $port 127.0.0.1 -t tag_lat \
			-n 20000 >"$work/client" 2>&1
		kill $server 2>/dev/null
		wait
		awk -v t=$tls '/^Final:/ { print t ": " $3 }' "$work/client"
	done
fi
