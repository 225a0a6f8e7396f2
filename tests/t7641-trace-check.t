#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu trace check: misuse is found once, what is right is left alone'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need ibv_rc_pingpong ibv_srq_pingpong ibv_ud_pingpong ib_write_bw
device_has mpirun mpicc
misuse=$NETEMU_BUILDDIR/tests/trace/misuse
test -x "$misuse" && test_set_prereq MISUSE
PATH=$NETEMU_BUILDDIR:$PATH

# found RULE NUMBER WORDS: so many findings of it, that say WORDS.
found() {
	grep "^[a-z]*: $1: " out >of && test "$(wc -l <of)" = "$2" && grep -q "$3" of && return
	say_why "$1: not $2 times" out
	return 1
}

# Two of the misuses make the device say something: a wrong key, a full queue.
test_expect_success MISUSE 'each misuse is reported once' '
	device "$misuse" && test_expect_code 1 netemu trace check client/netemu.* >out &&
	found unsignaled 1 "all 4 requests .* 1 post was refused since" &&
	found send-queue-full 1 "1 send was refused with ENOMEM, the first while 4 of at most 4" &&
	found receive-queue-full 1 "1 receive request was refused" &&
	found post-refused 1 "with EINVAL" &&
	found unaligned-atomic 1 "no multiple of 8" &&
	found completion-error 2 "RDMA_WRITE .* REM_ACCESS_ERR; 2 requests were flushed behind it" &&
	found async-error 2 "the device said CQ_ERR, 1 time" &&
	found cq-overflow 1 "2 completions were due for a completion queue with room for 1" &&
	found receive-queue-dry 1 "1 message was sent by rank 0" &&
	found srq-dry 1 "no request left 1 time" &&
	found armed-late 1 "1 time an event was waited for without a poll" &&
	found never-solicited 1 "none of the 1 that rank 0 has sent" &&
	found mtu-differs 1 "512 bytes here, and 1024" &&
	found memory-pulled 1 "region of 4,096 bytes .* while 1 request was outstanding" &&
	found never-connected 1 "never made ready to receive" &&
	found error-kept 1 "kept until the program ended" &&
	found leak 6 "1 memory region (4,096 bytes) was never deregistered" &&
	found events-unacknowledged 1 "1 of 1 completion events" &&
	found call-failed 1 "ibv_dealloc_pd failed with EBUSY, 1 time" &&
	found call-refused 1 "ibv_create_cq failed with EINVAL, 1 time" &&
	found registered-again 1 "the same 8,192 bytes .* 20 times" &&
	found busy-polling 1 "polls found nothing" &&
	found not-inline 1 "are small enough to be inline" &&
	found all-signaled 1 "have a completion each" &&
	found no-timeout 1 "timeout 0"
'

# The device refuses what is posted early (post-refused): others do not.
test_expect_success MISUSE 'no rule is left out' '
	netemu trace check --list | cut -d" " -f1 | grep -v "^posted-early$" | sort >expected &&
	grep -o "^[a-z]*: [a-z-]*: rank" out | cut -d" " -f2 | tr -d : | sort -u >actual &&
	test_cmp expected actual
'

test_expect_success MISUSE 'a sentence has rank, queue pair, time and call' '
	grep -E "^error: unsignaled: rank 0, queue pair 0x[0-9a-f]{6} \(RC, to rank 0\), at [0-9.]+ s, ibv_post_send: .*; ask for a completion" out
'

test_expect_success MISUSE 'rules can be chosen' '
	netemu trace check --rule=leak,no-timeout client/netemu.* >out &&
	cut -d" " -f2 out | grep -v errors, | sort -u >actual &&
	printf "leak:\nno-timeout:\n" >expected && test_cmp expected actual
'

test_expect_success MISUSE 'JSON has the same findings' '
	test_expect_code 1 netemu trace check client/netemu.* >out &&
	test_expect_code 1 netemu trace check --format=json client/netemu.* >json &&
	python3 -c "
import json
d = json.load(open(\"json\"))
lines = open(\"out\").read().splitlines()
assert len(d[\"findings\"]) == len(lines) - 1
for f, line in zip(d[\"findings\"], lines):
    assert line.startswith(f[\"severity\"] + \": \" + f[\"rule\"] + \": rank 0\"), line
    assert line.endswith(f[\"text\"] + \"; \" + f[\"advice\"]), line
by = {s: sum(f[\"severity\"] == s for f in d[\"findings\"]) for s in (\"error\", \"warning\", \"advice\")}
assert by == {\"error\": d[\"errors\"], \"warning\": d[\"warnings\"], \"advice\": d[\"advice\"]}, by
assert d[\"errors\"] == 9, by
"
'

test_expect_success MISUSE 'the same done right: nothing' '
	device "$misuse" clean && netemu trace check client/netemu.* >out &&
	echo "0 errors, 0 warnings, 0 pieces of advice" >expected && test_cmp expected out
'

# quiet COMMAND...: both programs have no error and no warning.
quiet() {
	both "$@" || return 1
	for who in server client; do
		netemu trace check $who/netemu.* >out &&
			grep "^0 errors, 0 warnings" out && continue
		say_why "$who: $*" out
		return 1
	done
}

for transport in $DEVICE_TRANSPORTS; do
	device_set "transport=$transport"
	for program in "ibv_rc_pingpong -n 500" "ibv_rc_pingpong -e -n 500" "ibv_rc_pingpong -N -t" \
		"ibv_ud_pingpong -n 100 -r 200" "ibv_srq_pingpong -n 100" "ib_write_bw -n 500"; do
		test_expect_success "$program over $transport is right" 'quiet $program'
	done
done

# The program that timeout runs.  (pgrep overlooks some where many come and go.)
child() {
	cat "/proc/$1/task/$1/children"
}

test_expect_success 'who was killed is not accused of leaks' '
	port_next &&
	{ device_exec ibv_rc_pingpong -p $port -n 100000000 >server.log 2>&1 & server=$!; } &&
	listening $server $port &&
	{ (traced client ibv_rc_pingpong -p $port -n 100000000 127.0.0.1) >client.log 2>&1 & client=$!; } &&
	tries=300 &&
	until test -n "$(rings client)" && netemu trace summary --by=run --format=json client/netemu.* 2>/dev/null | grep -q "\"completed\":[1-9]" ||
		test $tries = 0; do tries=$((tries - 1)); sleep 0.1; done && test $tries != 0 &&
	kill -9 $(child $client) $(child $server); wait $client $server; server=
	netemu trace check client/netemu.* >out && ! grep -E "leak|never-connected" out
'

test_expect_success MPIRUN 'Open MPI over UCX has no errors' '
	mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c" &&
	OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1 \
		trace_ranks 4 ./verify >out 2>err && grep "4 ranks: right" out &&
	netemu trace check client/netemu.* >out && grep "^0 errors" out
'

test_expect_success 'the manual has every rule' '
	netemu trace check --list | cut -d" " -f1 >listed && test -s listed &&
	while read -r rule; do
		grep "_${rule}_" "$NETEMU_SRCDIR/doc/netemu-trace.1.scd" || return 1
	done <listed
'

test_expect_success 'wrong usage' '
	test_expect_code 2 netemu trace check && test_expect_code 2 netemu trace check a b &&
	test_expect_code 2 netemu trace check --rule=nonsense a 2>err && grep nonsense err &&
	test_expect_code 2 netemu trace check --format=tsv a &&
	test_expect_code 1 netemu trace check no-such-run
'

device_done
