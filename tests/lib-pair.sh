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

# within SECONDS COMMAND...: as timeout(1), for what hangs at most once in a hundred runs.
# Shortly before its time is up all processes are listed on its standard error: whether
# somebody waits, or has no processor, cannot be told afterwards.
within() {
	sh -c '
		trap "kill \$!; exit" TERM
		sleep $(($1 - 5)) &
		wait $!
		uptime
		ps -u "$(id -u)" -o pid,ppid,stat,wchan:20,etimes,time,args |
			grep -v -w -e make -e ps -e sleep | tail -n 30 | cut -c 1-160
	' what-runs "$1" >&2 &
	within_watch=$!
	timeout -k 15 "$@"
	within_code=$?
	kill "$within_watch" 2>/dev/null
	wait "$within_watch" 2>/dev/null
	return $within_code
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

# For XRC, programs make files of fixed names in /tmp and leave them there, where they
# stop the programs of all other users.
xrc_files="/tmp/xrc_domain /tmp/xrc_domain_client /tmp/xrc_domain_server"

xrc_remove() {
	for xrc_file in $xrc_files; do
		test ! -O "$xrc_file" || rm -f "$xrc_file"
	done
}

# xrc_possible: set the prerequisite XRC, or say why not.
xrc_possible() {
	for xrc_file in $xrc_files; do
		test -e "$xrc_file" || continue
		test -O "$xrc_file" && continue
		echo "# $xrc_file is of another user: no tests of XRC"
		return
	done
	test_set_prereq XRC
}

# State 0A is LISTEN.
port_listens() {
	grep -qs ":$(printf %04X "$1") [0-9A-F]*:0000 0A " "${proc_net:-/proc/net}/tcp" "${proc_net:-/proc/net}/tcp6"
}

port_used() {
	grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") " "${proc_net:-/proc/net}/tcp" "${proc_net:-/proc/net}/tcp6"
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

# pair SERVER CLIENT: both are words, with PORT for the port and HOST for the
# server's host, run by device_exec and device.  What they write is
# in server.log and client.log, their exit codes are in $server_rc and $client_rc.
# Fails when one of them fails or leaves anything in shared memory, and shows why.
# A server that ends before it listens stays alone: client_rc is empty.
pair() {
	for pair_try in 1 2 3 4 5; do
		pair_quiet "$@" && return
		grep -q "^Correlation coefficient" server.log client.log || break
		pair_again
	done
	say_why "server: $1: $server_rc" server.log
	say_why "client: $2: $client_rc" client.log
	say_why "in shared memory" left
	return 1
}

# pair_again: on a busy machine perftest may not find out how fast the processor's clock
# is, and gives up, which is its own affair: clear what the run has left besides its logs.
pair_again() {
	:
}

# filled WORDS: with the port and the host.
filled() {
	echo "$1" | sed "s/PORT/$port/g; s/HOST/${device_host:-127.0.0.1}/g"
}

pair_quiet() {
	port_next
	: >client.log
	client_rc=
	# shellcheck disable=SC2046 # words
	device_exec $(filled "$1") >server.log 2>&1 &
	server=$!
	if listening $server "$port"; then
		# shellcheck disable=SC2046 # words
		device $(filled "$2") >client.log 2>&1
		client_rc=$?
		test $client_rc = 0 || device_kill
	else
		device_kill
	fi
	wait $server
	server_rc=$?
	server=
	test "$server_rc $client_rc" = "0 0" || return 1
	nothing_left
}

# both COMMAND...: a pair of the same program, which takes "-p PORT" and a host.
both() {
	pair "$* -p PORT" "$* -p PORT HOST"
}
