#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu trace summary and diff: figures of real programs'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
. "$NETEMU_SRCDIR/tests/lib-apps.sh"
trace_need ib_write_bw ibv_rc_pingpong
apps_have
PATH=$NETEMU_BUILDDIR:$PATH

# figure FILE WHAT COLUMN: of a table of `netemu trace summary --format=tsv`.
figure() {
	awk -F '\t' -v what="$2" -v column="$3" '
		NR == 1 && $0 != "# netemu_trace_summary\t1" { exit 1 }
		NR == 2 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
		$1 == what && at { print $at }' "$1"
}

# expect_figure FILE WHAT COLUMN VALUE
expect_figure() {
	got=$(figure "$1" "$2" "$3")
	test "$got" = "$4" && return
	say_why "$3 of $2: '$got', not $4" "$1"
	return 1
}

# summary WHO [OPTION...]: of the only process below WHO, into WHO.tsv.
summary() {
	who=$1
	shift
	netemu trace summary --format=tsv --by=run "$@" -o "$who.tsv" "$who"/netemu.*
}

# posts FILE OPCODE FIELD: of the total of `--format=json`.
posts() {
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["total"]["opcodes"].get(sys.argv[2], {}).get(sys.argv[3], 0))' "$@"
}

# run_has FILE KEY: of the run of `--format=json`.
run_has() {
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$@"
}

misuse=$NETEMU_BUILDDIR/tests/trace/misuse
test -x "$misuse" && test_set_prereq MISUSE

# ib_write_bw posts a message of each queue pair for each iteration.
test_expect_success 'ib_write_bw -q 8: queue pairs, messages and bytes are as it was asked' '
	both ib_write_bw -q 8 -n 200 -s 4096 && summary client &&
	expect_figure client.tsv run messages 1600 &&
	expect_figure client.tsv run bytes 6553600 &&
	expect_figure client.tsv run completed 1600 &&
	expect_figure client.tsv run qps 8 &&
	expect_figure client.tsv run imbalance 1.000 &&
	expect_figure client.tsv run fairness 1.000 &&
	expect_figure client.tsv run errors 0 &&
	netemu trace summary --format=json -o client.json client/netemu.* &&
	test "$(posts client.json RDMA_WRITE messages)" = 1600 &&
	test "$(posts client.json RDMA_WRITE completed_bytes)" = 6553600 &&
	test "$(posts client.json SEND messages)" = 0
'

test_expect_success 'by queue pair there are 8 rows of 200 messages each' '
	netemu trace summary --by=qp --format=tsv -o qp.tsv client/netemu.* &&
	test "$(tail -n +3 qp.tsv | wc -l)" = 8 &&
	test "$(tail -n +3 qp.tsv | cut -f3 | sort -u)" = 200
'

test_expect_success 'rows by any column, the first of them alone' '
	netemu trace summary --by=qp --format=tsv --sort=latency_max_ns -o all.tsv client/netemu.* &&
	netemu trace summary --by=qp --format=tsv --sort=latency_max_ns --top=3 client/netemu.* >top.tsv &&
	head -n 5 all.tsv >expected && test_cmp expected top.tsv &&
	at=$(sed -n 2p all.tsv | tr "\t" "\n" | grep -n "^latency_max_ns$" | cut -d: -f1) &&
	tail -n +3 all.tsv | cut -f"$at" >order && sort -rn order >expected && test_cmp expected order
'

test_expect_success 'the text fits 80 columns and says the same' '
	netemu trace summary client/netemu.* >text &&
	grep "RDMA_WRITE  *1,600 " text && grep "4,096  *1,600 " text &&
	! grep -v "^client/" text | grep ".\{81\}"
'

test_expect_success 'ibv_rc_pingpong: what one sends the other one receives' '
	both ibv_rc_pingpong -n 100 -s 1000 && summary client && summary server &&
	expect_figure client.tsv run messages 100 &&
	expect_figure client.tsv run bytes 100000 &&
	expect_figure client.tsv run received 100 &&
	expect_figure client.tsv run received_bytes 100000 &&
	expect_figure server.tsv run received "$(figure client.tsv run completed)"
'

test_expect_success 'a run is the same as itself, and not as one with more messages' '
	mv client before && both ibv_rc_pingpong -n 150 -s 1000 &&
	netemu trace diff --fail=0 before/netemu.* before/netemu.* &&
	test_expect_code 1 netemu trace diff --fail=49 --format=tsv before/netemu.* client/netemu.* >diff.tsv &&
	netemu trace diff --fail=200 before/netemu.* client/netemu.* &&
	grep "^opcode	SEND	messages	100	150	50	50.000$" diff.tsv &&
	grep "^opcode	SEND	bytes	100000	150000	50000	50.000$" diff.tsv &&
	grep "^size	1000 bytes	messages	100	150	50	50.000$" diff.tsv &&
	netemu trace diff --format=json before/netemu.* client/netemu.* >diff.json &&
	python3 -m json.tool diff.json >json.out
'

test_expect_success 'a level without records of each still has messages and bytes' '
	trace_set level=summary && both ib_write_bw -q 2 -n 200 -s 4096 &&
	summary client && trace_set "" &&
	expect_figure client.tsv run messages 400 &&
	expect_figure client.tsv run bytes 1638400 &&
	expect_figure client.tsv run counted 400
'

# 500 each way, after some to warm up; it waits for what it sent.
test_expect_success UCX_PERFTEST 'ucx_perftest: as many messages as it was asked, all received' '
	uct rc_verbs am_lat -s 8 &&
	summary client && test "$(figure client.tsv run received)" -gt 500 &&
	netemu trace summary --format=json -o server.json server/netemu.* &&
	expect_figure client.tsv run received "$(posts server.json SEND messages)" &&
	expect_figure client.tsv run received_bytes "$(posts server.json SEND bytes)"
'

# A receive ends before its send does. Datagrams are among these.
test_expect_success MPIRUN 'Open MPI over UCX: what was received was sent, rows are the total' '
	make_verify && OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self \
		UCX_NET_DEVICES=netemu0:1 trace_ranks 4 ./verify >out 2>err &&
	grep "4 ranks: right" out &&
	netemu trace summary --format=json --by=peer -o mpi.json client/netemu.* &&
	python3 -c "
import json
s = json.load(open(\"mpi.json\"))
total, rows = s[\"total\"], s[\"rows\"]
assert s[\"ranks\"] == 4 and s[\"records_lost\"] == s[\"records_overwritten\"] == 0
sent = total[\"opcodes\"][\"SEND\"]
assert 1000 < total[\"received\"] == sent[\"messages\"], total
assert 0 < total[\"received_bytes\"] == sent[\"bytes\"], total
assert total[\"unmatched\"] == total[\"errors\"] == 0
for key in \"messages\", \"bytes\", \"received\", \"received_bytes\":
    assert sum(row[key] for row in rows) == total[key], key
pairs = {(row[\"rank\"], row[\"peer\"]) for row in rows if row[\"messages\"]}
assert len([p for p in pairs if p[0] != p[1]]) == 12, pairs
"
'

test_expect_success MPIRUN 'runs of 1 and of 4 ranks are not laid side by side' '
	test_expect_code 1 netemu trace diff before/netemu.* client/netemu.* 2>err &&
	grep "has 1, .* 4$" err
'

test_expect_success 'what takes 50 us on the link takes no less to complete' '
	device_set latency=50us && both ibv_rc_pingpong -n 100 -s 64 && summary client &&
	test "$(figure client.tsv run latency_p50_ns)" -ge 50000
'

# The model says when each was due, which is not before it was posted; which process the
# device tells of it is a matter of chance.
test_expect_success 'how late completions are polled, where the device says when they were due' '
	test "$(figure client.tsv run polled_late)" -le 100 &&
	test "$(figure client.tsv run polled_late_max_ns)" -le "$(figure client.tsv run latency_max_ns)" &&
	netemu trace summary client/netemu.* >text &&
	! grep -v "^client/" text | grep ".\{81\}"; rc=$?
	device_set transport=direct && test $rc = 0 &&
	both ibv_rc_pingpong -n 100 -s 64 && summary client &&
	test "$(figure client.tsv run polled_late)" = 0
'

test_expect_success MISUSE 'messages that wait for a receive request are retries' '
	device "$misuse" && netemu trace summary --format=json -o json client/netemu.* &&
	test "$(run_has json receiver_not_ready)" -ge 1 && test "$(run_has json timeouts)" = 0 &&
	netemu trace summary client/netemu.* >text &&
	grep "^Retries: [1-9][0-9,]* for want of a receive request (RNR), 0 for" text &&
	device "$misuse" clean && netemu trace summary --format=json -o json client/netemu.* &&
	test "$(run_has json receiver_not_ready)" = None -o "$(run_has json receiver_not_ready)" = 0
'

test_expect_success 'packets that are lost are sent again' '
	device_set loss=0.05 && both ibv_rc_pingpong -n 200 -s 4096 && device_set transport=direct &&
	netemu trace summary --format=json -o json client/netemu.* &&
	test "$(run_has json packets_resent)" -ge 1 && test "$(run_has json receiver_not_ready)" = 0
'

test_expect_success 'and says so too where requests are only counted' '
	trace_set level=summary && device_set latency=100us &&
	device "$NETEMU_BUILDDIR/tests/trace/tracee" write 300 8 && summary client && trace_set "" &&
	test "$(figure client.tsv run latency_p50_ns)" -ge 200000 &&
	test "$(figure client.tsv run latency_max_ns)" -ge "$(figure client.tsv run latency_p99_ns)" &&
	netemu trace summary client/netemu.* | grep "of 300 signaled sends, within 3.6 %" &&
	device_set devices=1
'

test_expect_success 'wrong options are refused' '
	test_expect_code 2 netemu trace summary &&
	test_expect_code 2 netemu trace summary --by=day client &&
	test_expect_code 2 netemu trace summary --sort=beauty client &&
	test_expect_code 2 netemu trace diff client &&
	test_expect_code 2 netemu trace diff --fail=some client client &&
	test_expect_code 1 netemu trace diff client nowhere
'

device_done
test_done
