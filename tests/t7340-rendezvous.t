#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2086 # words
test_description='netemu device rendezvous: programs find each other without MPI or Slurm'

# shellcheck disable=SC1090
. "$SHARNESS"

PATH=$NETEMU_BUILDDIR:$PATH
try=$NETEMU_BUILDDIR/tests/rdv-try
unset NETEMU_RDV SLURM_NETEMU_RDV PMIX_NAMESPACE
export PATH
pids=
cleanup 'for pid in $pids; do kill -9 $pid 2>/dev/null; done; :'
test -x "$try" || { skip_all='no rdv-try' && test_done; }

# serve OPTION...: a server in the background, $last, and its address in NETEMU_RDV.
serve() {
	: >address
	netemu device rendezvous "$@" >address &
	last=$!
	pids="$pids $last"
	tries=3000
	until test -s address; do
		tries=$((tries - 1))
		test $tries -gt 0 && kill -0 $last || return 1
		sleep 0.01
	done
	NETEMU_RDV=$(head -n 1 address)
	export NETEMU_RDV
}

# meet N: N programs, and what they say.
meet() {
	clients=
	for rank in $(seq 0 $(($1 - 1))); do
		"$try" meet one >out.$rank 2>err.$rank &
		clients="$clients $!"
	done
	for pid in $clients; do
		wait $pid || return 1
	done
	cat out.* | sed "s/^.*: rank \([0-9]*\) of \([0-9]*\).*generation \([0-9]*\).*/\1 \2 \3/" | sort -n
	rm out.*
}

test_expect_success 'all get what all have put, again and again' '
	serve --size=3 &&
	for generation in 1 2; do
		meet 3 >out && printf "%d 3 $generation\n" 0 1 2 >expect && test_cmp expect out || return 1
	done
'

test_expect_success 'a signal ends it, in peace' '
	kill $last && wait $last
'

test_expect_success 'the first line is all there is, and it has a cookie' '
	test $(wc -l <address) = 1 && grep -x "127\.0\.0\.1:[0-9]*:[0-9a-f]*:3" address &&
	cookie=$(cut -d : -f 3 address) && test ${#cookie} -ge 32
'

test_expect_success '--once' '
	serve -s 2 --once && meet 2 >out && test $(wc -l <out) = 2 && wait $last
'

test_expect_success 'where it listens' '
	serve --size=2 --listen=::1 && grep "^\[::1\]:" address && meet 2 >out && test $(wc -l <out) = 2 &&
	kill $last && wait $last
'

test_expect_success 'a port that is taken, an address that is not here' '
	serve --size=1 && port=$(cut -d : -f 2 address) &&
	! netemu device rendezvous --size=1 --port=$port 2>err && test $(wc -l <err) = 1 &&
	! netemu device rendezvous --size=1 --listen=192.0.2.1 2>err && test $(wc -l <err) = 1 &&
	kill $last && wait $last &&
	serve --size=1 -p $port && grep ":$port:" address && kill $last && wait $last
'

test_expect_success 'another cookie is refused' '
	serve --size=1 &&
	! NETEMU_RDV=$(echo "$NETEMU_RDV" | sed "s/:[0-9a-f]*:1$/:00112233445566778899aabbccddeeff:1/") \
		"$try" meet one 2>err && test -s err &&
	meet 1 >out && test $(wc -l <out) = 1 && kill $last && wait $last
'

# What people write by the manual: the client in it, and the numbers of the header.
page="$NETEMU_SRCDIR/doc/netemu-rendezvous.7.scd"
command -v python3 >/dev/null && test_set_prereq PYTHON

test_expect_success PYTHON 'a client by the manual finds others of its kind' '
	sed -n "/^import/,/^\`\`\`/p" "$page" | sed "/^\`\`\`/d" >client.py &&
	serve --size=3 --once && clients= &&
	for rank in 0 1 2; do
		python3 client.py >heard.$rank &
		clients="$clients $!"
	done &&
	for pid in $clients; do
		wait $pid || return 1
	done &&
	printf "from %d\n" 0 1 2 >expect &&
	for rank in 0 1 2; do
		test_cmp expect heard.$rank || return 1
	done &&
	wait $last
'

test_expect_success PYTHON 'and is told when the cookie is wrong' '
	serve --size=1 &&
	! NETEMU_RDV=$(echo "$NETEMU_RDV" | sed "s/:[0-9a-f]*:1$/:00112233445566778899aabbccddeeff:1/") \
		python3 client.py 2>err && grep "OSError: the cookie is not" err &&
	kill $last && wait $last
'

test_expect_success 'the manual tells the limits that there are' '
	sed -n "/^# LIMITS/,/^Names/{s/^:  //p;}" "$page" | sort >told &&
	for name in RANKS NAME NODE VALUE KEYS; do
		sed -n "s/^#define RENDEZVOUS_$name  *\([0-9]*\).*/$name \1/p" "$NETEMU_SRCDIR/lib/rendezvous.h"
	done >known && test $(wc -l <known) = 5 &&
	while read -r name number; do
		case $name in
		NAME | NODE) number=$((number - 1)) ;; # with NUL
		esac
		grep -qx $number told || return 1
	done <known
'

test_expect_success 'wrong usage' '
	for options in "" "--size=0" "--size=x" "--size=99999999" "--size=1 --port=0" "--size=1 --port=65536"; do
		status=0
		netemu device rendezvous $options >out 2>&1 || status=$?
		test $status = 2 || return 1
	done
'

test_done
