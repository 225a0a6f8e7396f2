# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-pair.sh - for tests with a server and a client: free ports, who listens, and
# what both had to say when something is wrong
#
#	. "$NETEMU_SRCDIR/tests/lib-pair.sh"
#	port_next
#	ib_send_lat -p $port >server.log 2>&1 &
#	listening $! $port && ib_send_lat -p $port 127.0.0.1 >client.log 2>&1 ||
#		say_why "it failed" server.log client.log

# say_why WHAT FILE...: the end of each file, in the log of the test whether or not
# it is verbose.  Descriptor 5 is sharness's standard output.
say_why() {
	{
		echo "# $1"
		shift
		for why; do
			test -s "$why" || continue
			echo "# --- $why"
			tail -n 40 "$why" | sed "s/^/# /"
		done
	} >&5
}

# State 0A is LISTEN.
port_listens() {
	grep -qs ":$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6
}

port_used() {
	grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") " /proc/net/tcp /proc/net/tcp6
}

# port_next: PORT gets one that nobody uses, below those that clusters take (from
# 16000 on) and those that the kernel gives away.
port_next() {
	test -n "$port" || port=$((10000 + $(od -An -N2 -tu2 /dev/urandom) % 6000))
	port=$((10000 + (port + 1) % 6000))
	while port_used $port; do
		port=$((10000 + (port + 101) % 6000))
	done
}

# listening PID PORT: wait until somebody listens on PORT, or PID has ended.
listening() {
	tries=3000
	until port_listens "$2"; do
		tries=$((tries - 1))
		test $tries -gt 0 && kill -0 "$1" 2>/dev/null || return 1
		sleep 0.01
	done
}
