#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tracer records each call of unmodified programs once'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need ibv_rc_pingpong ibv_srq_pingpong ibv_ud_pingpong
device_has ib_write_bw ib_read_bw ib_send_bw ib_atomic_bw
tracee=$NETEMU_BUILDDIR/tests/trace/tracee

# pingpong PROGRAM OPTION...: 100 messages each way, 400 receive requests at first.
pingpong() {
	both "$@" -n 100 -r 400 && dump server && dump client
}

# counts POST POLLED...: on both sides: 100 sends by POST, 400 receives, 200 completions
# by POLLED together.
counts() {
	post=$1
	shift
	for who in server client; do
		expect_count $who 100 "$post" && expect_count $who 400 ibv_post_recv || return 1
		polled=0
		for call; do polled=$((polled + $(count $who "$call" status=0))); done
		test $polled = 200 || { say_why "$polled completions" $who.dump; return 1; }
		test "$(header $who lost) $(header $who dropped)" = "0 0" || return 1
	done
}

for transport in $DEVICE_TRANSPORTS; do
	device_set "transport=$transport"

	test_expect_success "ibv_rc_pingpong over $transport" '
		pingpong ibv_rc_pingpong && counts ibv_post_send ibv_poll_cq
	'

	test_expect_success "its bytes, queue pairs and ids" '
		test $(sum client bytes call=ibv_post_send opcode=2) = 409600 &&
		test $(sum client bytes call=ibv_poll_cq opcode=128) = 409600 &&
		values client qpn call=ibv_create_qp >expected &&
		values client qpn call=ibv_post_send | sort -u >actual &&
		test_cmp expected actual &&
		values server qpn call=ibv_create_qp >expected &&
		values client dest_qpn call=ibv_modify_qp state=2 >actual &&
		test_cmp expected actual &&
		test "$(values client wr_id call=ibv_post_send | sort -u)" = 2 &&
		test "$(values client wr_id call=ibv_post_recv | sort -u)" = 1
	'

	test_expect_success "ibv_wr_*() over $transport" '
		pingpong ibv_rc_pingpong -N && counts ibv_wr ibv_poll_cq &&
		expect_count client 0 ibv_post_send && expect_count client 1 ibv_create_qp_ex
	'

	test_expect_success "ibv_start_poll() over $transport" '
		pingpong ibv_rc_pingpong -t && counts ibv_post_send ibv_start_poll ibv_next_poll &&
		expect_count client 0 ibv_poll_cq && expect_count client 1 ibv_create_cq_ex &&
		values client timestamp call=ibv_start_poll >stamps &&
		test $(sort -n stamps | uniq | wc -l) = $(wc -l <stamps) && ! grep -x 0 stamps
	'

	test_expect_success "events over $transport" '
		pingpong ibv_rc_pingpong -e && counts ibv_post_send ibv_poll_cq &&
		test $(count client ibv_get_cq_event result=0) -gt 0 &&
		test $(count client ibv_req_notify_cq) = $(($(count client ibv_get_cq_event) + 1)) &&
		test $(sum client count call=ibv_ack_cq_events) = $(count client ibv_get_cq_event)
	'

	test_expect_success "datagrams over $transport: to whom" '
		both ibv_ud_pingpong -s 1000 -n 100 -r 400 && dump server && dump client &&
		counts ibv_post_send ibv_poll_cq && expect_count client 1 ibv_create_ah &&
		values server qpn call=ibv_create_qp >expected &&
		values client remote_qpn call=ibv_post_send | sort -u >actual &&
		test_cmp expected actual && values client ah call=ibv_create_ah >expected &&
		values client ah call=ibv_post_send | sort -u >actual && test_cmp expected actual
	'

	test_expect_success "a shared receive queue over $transport" '
		both ibv_srq_pingpong -n 100 -q 4 -r 100 && dump server && dump client &&
		sent=$(count client ibv_post_send) &&
		received=$(count server ibv_poll_cq opcode=128 status=0) &&
		test $sent -ge 100 && test $received -ge 100 && test $received -le $sent &&
		test $(count client ibv_post_srq_recv) -ge 100 &&
		values client srq call=ibv_create_srq >expected &&
		values client srq call=ibv_post_srq_recv | sort -u >actual && test_cmp expected actual &&
		values client qpn call=ibv_create_qp | sort >expected && test $(wc -l <expected) = 4 &&
		values client qpn call=ibv_post_send | sort -u >actual && test_cmp expected actual
	'

	# opcodes: RDMA_WRITE 0, SEND 2, RDMA_READ 4, FETCH_AND_ADD 6
	for what in "ib_write_bw 0" "ib_send_bw 2" "ib_read_bw 4" "ib_atomic_bw 6"; do
		tool=${what% *} opcode=${what#* } size=4096
		test "$tool" != ib_atomic_bw || size=8
		options="-F -n 300"
		test $size = 8 || options="$options -s $size"
		test_expect_success IB_WRITE_BW "$tool over $transport: bytes are size times iterations" '
			both $tool $options && dump client && dump server &&
			calls="$(count client ibv_post_send) $(count client ibv_wr)" &&
			{ test "$calls" = "300 0" || test "$calls" = "0 300"; } &&
			test $(sum client bytes opcode=$opcode sges=1) = $((300 * size)) &&
			test $(lines client opcode=$opcode sges=1 | wc -l) = 300 &&
			expect_count server 0 ibv_post_send && expect_count server 0 ibv_wr
		'
		test_expect_success IB_WRITE_BW "$tool by ibv_post_send()" '
			both $tool $options --use_old_post_send && dump client &&
			expect_count client 300 ibv_post_send opcode=$opcode &&
			test $(sum client bytes call=ibv_post_send) = $((300 * size))
		'
	done
done
device_set devices=1

test_expect_success 'times: no call ends before it begins, none before the one before it' '
	pingpong ibv_rc_pingpong &&
	awk "/^call=/ { sub(/.* time=/, \"\"); print \$1 }" client.dump >times &&
	sort -n -c times
'

# timed N FIELD: of the file's posts, whose draw lets none to 2 N - 2 others be between two
# that are timed: how many have a duration is as much as can be.
timed() {
	test "$(header client timed)" = "$1" && values client duration "call=$2" >durations &&
	awk -v n="$1" "{ if (\$1) { timed++; run = 0 } else if (++run > 2 * n - 2) exit 1 }
		END { if (timed < NR / n * 0.8 || timed > NR / n * 1.2) exit 1 }" durations ||
	{ say_why "$(grep -vcx 0 durations) are timed of $(wc -l <durations)" client.dump; return 1; }
}

# of 4000, 1000 and 16 (their standard deviation)
test_expect_success 'one post in N is timed, by lot; all have a time, and all completions none' '
	trace_set timed=4,stream=yes && device "$tracee" write 4000 8 && dump client &&
	timed 4 ibv_post_send && expect_count client 4000 ibv_post_send &&
	test "$(values client duration call=ibv_poll_cq | sort -u)" = 0 &&
	cp durations first && device "$tracee" write 4000 8 && dump client &&
	timed 4 ibv_post_send && ! test_cmp first durations >/dev/null
'

test_expect_success 'timed=1: all posts; as said, one in 16' '
	trace_set timed=1 && both ibv_rc_pingpong -n 100 -r 400 && dump client &&
	values client duration call=ibv_post_send >durations &&
	values client duration call=ibv_post_recv >>durations &&
	test $(wc -l <durations) = 500 && ! grep -x 0 durations &&
	both ibv_rc_pingpong -N -n 100 -r 400 && dump client &&
	values client duration call=ibv_wr >durations && test $(wc -l <durations) = 100 &&
	! grep -x 0 durations && trace_set stream=yes && device "$tracee" write 20000 8 &&
	dump client && timed 16 ibv_post_send
'

test_expect_success 'each completion of ibv_next_poll() has a time of its own' '
	device "$tracee" batch 20 30000 && dump client && expect_count client 1 ibv_start_poll &&
	expect_count client 19 ibv_next_poll &&
	awk "/^call=ibv_(start|next)_poll/ { sub(/.* time=/, \"\"); print \$1 }" client.dump >times &&
	test $(wc -l <times) = 20 && awk "NR > 1 && \$1 < last + 25000 { exit 1 } { last = \$1 }" times
'

test_expect_success 'a program that loads libibverbs and asks for versions' '
	cc -o load "$NETEMU_SRCDIR/tests/device/load-verbs.c" -ldl && device ./load >out &&
	grep netemu0 out && dump client &&
	for call in open_device close_device alloc_pd dealloc_pd reg_mr reg_mr_iova2; do
		expect_count client 1 ibv_$call || return 1
	done && expect_count client 2 ibv_dereg_mr
'

test_expect_success 'a full ring keeps the newest, and says how many it does not' '
	trace_set ring=1MiB,call=post,poll,memory && device "$tracee" write 20000 8 && dump client &&
	dropped=$(header client dropped) && test $dropped -gt 0 &&
	kept=$(($(count client ibv_post_send) + $(count client ibv_poll_cq))) &&
	test $((kept + dropped)) = 40000 && test $kept -gt 10000 && test "$(header client lost)" = 0 &&
	test "$(values client wr_id call=ibv_post_send | tail -n 1)" = 19999 &&
	test "$(values client wr_id call=ibv_poll_cq | tail -n 1)" = 19999
'

test_expect_success 'no control call gives room' '
	expect_count client 2 ibv_create_qp && expect_count client 6 ibv_modify_qp &&
	expect_count client 1 ibv_reg_mr && expect_count client 1 ibv_open_device
'

test_expect_success 'stream keeps all' '
	trace_set stream=yes && device "$tracee" write 20000 8 && dump client &&
	expect_count client 20000 ibv_post_send && expect_count client 20000 ibv_poll_cq &&
	test "$(header client stream) $(header client dropped)" = "1 0"
'

for signal in 9 6; do
	test_expect_success "a program that signal $signal ends leaves a whole file" '
		trace_set && test_expect_code $((128 + signal)) device "$tracee" die $signal 500 2>err &&
		dump client && expect_count client 500 ibv_post_send &&
		expect_count client 500 ibv_poll_cq && expect_count client 2 ibv_create_qp &&
		test "$(header client clean)" = 0
	'
done

test_expect_success 'what is killed is swept by the next' 'device "$tracee" write 1 8'

test_expect_success 'turned off: the operations are those of the device' '
	trace_set && device "$tracee" whose >on && ! grep -v "libnettrace.so$" on &&
	trace_set no && device "$tracee" whose >off && ! grep -v "libnetemu.so$" off &&
	test -z "$(rings client)"
'
trace_set ""

device_done
