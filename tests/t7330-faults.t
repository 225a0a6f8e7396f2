#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2086 # words
test_description='netemu device run faults=FILE: things go wrong at given times'

# shellcheck disable=SC1090
. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-program.sh"

# Two seconds: until then the program has its device.
test_expect_success 'a port goes down and comes up, not before its time, whatever the order of lines' '
	printf "# a comment\n\n2100ms node=0,state=up\n  2s\tstate=down\n1ms latency=1us,jitter=0\n" >faults &&
	begin=$(date +%s%N) &&
	netemu device run faults=faults "$steps" event event >out &&
	test $(($(date +%s%N) - begin)) -gt 2100000000 &&
	printf "%s\n" "port error 1" "port active 1" >expect && test_cmp expect out && nothing_left
'

# 4.096 us * 2^16 = 268 ms: a try that gets through is one after the link is up.
test_expect_success 'a link fails for a while, and the connection lives through it' '
	printf "0 link=n0/netemu0.up,state=down\n100ms link=n0/netemu0.up,state=up\n" >faults &&
	netemu device run faults=faults "$steps" pair:16:7 \
		"until netemu device show links --format=tsv | grep -q down; do :; done" write:1 poll state >out &&
	printf "1 success\nRTS\n" >expect && test_cmp expect out
'

test_expect_success 'a queue pair of a program, and a request of it' '
	netemu device run "$steps" pair "echo \$QPN" >qpn &&
	printf "10ms qp=%s,complete=5:rem_inv_req_err\n" "$(cat qpn)" >faults &&
	netemu device run faults=faults,latency=1s "$steps" pair write:5 poll >out &&
	echo "5 remote invalid request error" >expect && test_cmp expect out
'

# The same losses for the same seed: the loss begins before anything is sent.
counts() {
	netemu device run faults=faults,latency=1us,seed=$1 "$steps" pair:10:7 \
		"until netemu device show links --format=tsv | grep -q 0.02; do :; done" many:300:20000 \
		"netemu device show links --format=tsv | cut -f 1,7-9,11,12"
}

test_expect_success 'they are repeatable' '
	echo "0 loss=0.02" >faults &&
	counts 5 >one && counts 5 >two && counts 6 >three &&
	test_cmp one two && ! cmp -s one three &&
	awk -F "\t" "\$5 > 0 && NR > 1 { lost++ } END { exit lost != 1 }" one
'

cat >told <<'END'
netemu device: faults:2: there is no link 'nowhere'
netemu device: faults:3: there is no queue pair 99
END

test_expect_success 'one that can not be done is told, with file and line, and the program goes on' '
	printf "\n0 link=nowhere,state=down\n0 qp=99,state=error\n2s state=down\n" >faults &&
	exits 4 netemu device run faults=faults sh -c "\"$steps\" event >out; exit 4" &&
	test_cmp told exits.err &&
	echo "port error 1" >expect && test_cmp expect out
'

while IFS='|' read -r line sentence; do
	test_expect_success "refused: $line" '
		printf "# first\n%s\n" "$line" >faults &&
		exits 125 netemu device run faults=faults touch started &&
		echo "netemu device run: faults:2: $sentence" >expect && test_cmp expect exits.err &&
		test ! -e started && nothing_left
	'
done <<'END'
soon state=down|'soon' is no duration
-1s state=down|'-1s' is no duration
1s|KEY=VALUE is missing
1s @file|'@file' is no KEY=VALUE,...
1s =1|'=1' is no KEY=VALUE,...
1s mtu=4096|'mtu' can not be set; latency, jitter, rate, loss, state and complete can
1s loss=2|loss: '2' is no probability
1s latency=soon|latency: 'soon' is no duration
1s state=sideways|state: 'sideways' is neither up nor down
1s qp=1,complete=7:oops|complete: 'oops' is no status of a completion, as retry_exc_err
1s complete=7:rem_op_err|complete: a queue pair is wanted (--qp)
1s node=x,state=up|node: 'x' is no number
1s yes|KEY=VALUE is wanted
END

test_expect_success 'a folder is no file' '
	mkdir -p folder && exits 125 netemu device run faults=folder true && grep "folder" exits.err
'

test_expect_success 'they end with the program' '
	echo "1h state=down" >faults && netemu device run faults=faults true && nothing_left
'

test_done
