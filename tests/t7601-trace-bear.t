#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tracer bears what programs do, and changes nothing for them'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need ibv_devices
tracee=$NETEMU_BUILDDIR/tests/trace/tracee
unshare -m true 2>/dev/null && test_set_prereq MOUNT
test "$(id -u)" != 0 || test_set_prereq ROOT
test -e /usr/lib/*/librdmacm.so.1 && device_has rping

test_expect_success 'threads have a series each' '
	device "$tracee" threads 10 100 && dump client && expect_count client 1000 ibv_post_send &&
	expect_count client 1000 ibv_poll_cq && expect_count client 20 ibv_create_qp &&
	lines client call=ibv_post_send | sed "s/.* thread=\([0-9]*\) series=\([0-9]*\) .*/\1 \2/" |
		sort | uniq -c >threads && test $(wc -l <threads) = 10 &&
	! grep -v "^ *100 " threads
'

test_expect_success 'threads that end leave theirs, and more of them than the ring has room for' '
	trace_set ring=1MiB && device "$tracee" threads 40 20 3 && dump client &&
	sent=$(count client ibv_post_send) && told=$(count client device) &&
	test $((sent + $(count client ibv_poll_cq) + told + $(header client dropped))) = 4800 &&
	test "$(header client lost)" = 0 && expect_count client 240 ibv_create_qp
'

test_expect_success 'several contexts of several devices' '
	trace_set && device_set devices=2 && device "$tracee" contexts 4 100 2 && dump client &&
	values client name call=ibv_open_device | sort | uniq -c | sed "s/^ *//" >actual &&
	printf "2 '\''netemu0'\''\n2 '\''netemu1'\''\n" >expected && test_cmp expected actual &&
	for context in 0 1 2 3; do
		expect_count client $((100 + context)) ibv_post_send context=$context &&
		expect_count client 2 ibv_create_qp context=$context || return 1
	done && device_set devices=1
'

test_expect_success 'a context that is imported' '
	device "$tracee" import 50 && dump client && expect_count client 1 ibv_import_device &&
	values client context call=ibv_import_device | head -n 1 >out &&
	expect_count client 50 ibv_post_send && expect_count client 2 ibv_close_device
'

test_expect_success 'a child of fork() that opens the device has its own file' '
	device "$tracee" fork 50 && rings client >files && test $(wc -l <files) = 2 &&
	while read -r file; do
		"$ringdump" "$file" >one.dump && count one ibv_post_send
		grep -c "^header clean=1" one.dump
	done <files | sort -n >actual &&
	printf "1\n1\n100\n100\n" >expected && test_cmp expected actual
'

test_expect_success 'descriptors are those that are there without' '
	device "$tracee" fds >expected && device "$tracee" open-fds >actual &&
	test_cmp expected actual && device "$tracee" exec 10 >actual && test_cmp expected actual &&
	dump client && expect_count client 10 ibv_post_send
'

test_expect_success 'errno is kept by what succeeds' '
	device "$tracee" errno >actual && echo 77 >expected && test_cmp expected actual
'

test_expect_success 'of a list the requests up to the refused one, which is not looked into' '
	rc=$(device "$tracee" list) && dump client && expect_count client 2 ibv_post_send &&
	expect_count client 1 ibv_post_send wr_id=1 error=0 sges=3 bytes=33 &&
	expect_count client 1 ibv_post_send wr_id=2 error=$rc sges=0 &&
	lines client wr_id=1 call=ibv_post_send | grep " sge1=0x[0-9a-f]*:11:[0-9]* sge2=0x[0-9a-f]*:12:"
'

# --- levels and filters ---

# summary FIELD: of the queue pair that writes.
summary() {
	lines client call=summary | sed -n "s/.* requests0=.*/&/p" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"
}

for level in summary control; do
	test_expect_success "level=$level counts by queue pair, with no record of each" '
		trace_set level=$level && device "$tracee" write 500 100 && dump client &&
		expect_count client 0 ibv_post_send && expect_count client 0 ibv_poll_cq &&
		expect_count client 0 device && test "$(summary requests0) $(summary bytes0)" = "500 50000" &&
		test "$(summary sent) $(summary status0) $(summary send_size7)" = "500 500 500" &&
		test "$(summary failed) $(summary refused)" = "0 0"
	'
done

test_expect_success 'level=control has the control calls, level=summary not' '
	expect_count client 2 ibv_create_qp && expect_count client 6 ibv_modify_qp &&
	trace_set level=summary && device "$tracee" write 5 100 && dump client &&
	expect_count client 0 ibv_create_qp && expect_count client 1 ibv_open_device
'

test_expect_success 'size: smaller messages are counted' '
	trace_set size=100 && device "$tracee" write 50 99 && dump client &&
	expect_count client 0 ibv_post_send && test "$(summary requests0)" = 50 &&
	device "$tracee" write 50 100 && dump client && expect_count client 50 ibv_post_send &&
	expect_count client 0 summary
'

test_expect_success 'qp: others are counted' '
	qpn=$(values client qpn call=ibv_create_qp | head -n 1) &&
	trace_set qp=$qpn && device "$tracee" write 50 8 && dump client &&
	expect_count client 50 ibv_post_send && expect_count client 50 ibv_poll_cq &&
	expect_count client 0 summary &&
	trace_set qp=$((qpn + 1)) && device "$tracee" write 50 8 && dump client &&
	expect_count client 0 ibv_post_send && test "$(summary requests0)" = 50 &&
	expect_count client 2 ibv_create_qp
'

test_expect_success 'call: names and classes' '
	trace_set call=post_send && device "$tracee" write 50 8 && dump client &&
	expect_count client 50 ibv_post_send && expect_count client 0 ibv_poll_cq &&
	expect_count client 0 ibv_reg_mr && expect_count client 2 ibv_create_qp &&
	trace_set call=poll,ibv_reg_mr && device "$tracee" write 50 8 && dump client &&
	expect_count client 0 ibv_post_send && expect_count client 50 ibv_poll_cq &&
	expect_count client 1 ibv_reg_mr && expect_count client 0 ibv_dereg_mr
'

test_expect_success 'a setting that is none: one sentence, no trace, the program runs' '
	trace_set call=ibv_nothing && device "$tracee" write 5 8 2>err && test -z "$(rings client)" &&
	grep "^nettrace: not traced: .*ibv_nothing" err && test $(wc -l <err) = 1
'

test_expect_success 'exclude leaves a program alone' '
	trace_set exclude=other,tracee && device "$tracee" whose >out &&
	test -z "$(rings client)" && ! grep -v "libnetemu.so$" out
'
trace_set ""

# --- the device ---

test_expect_success 'without links the device has nothing to tell that calls do not' '
	device "$tracee" write 50 8 && dump client && expect_count client 0 device
'

test_expect_success 'the device tells of each message, at its own times' '
	device_set latency=100us && device "$tracee" write 50 8 && dump client &&
	for what in 1 2 3; do expect_count client 50 device what=$what || return 1; done &&
	lines client call=device what=1 | sed "s/.* at=\([0-9]*\) until=\([0-9]*\) .*/\1 \2/" |
		awk "\$2 - \$1 < 100000" >early && test_must_be_empty early && device_set devices=1
'

# --- room ---

test_expect_success MOUNT 'a full disk costs records, and nothing else' '
	mkdir -p small && trace_set stream=yes &&
	rm -rf client && unshare -m sh -c "mount -t tmpfs -o size=700k tmpfs small &&
		env \"LD_PRELOAD=$trace_preload\" NETEMU=device=emulated \
			\"NETTRACE=dir=\$PWD/small,stream=yes\" $tracee write 20000 8 &&
		mkdir client && cp -r small/* client/" >out 2>err &&
	dump client && lost=$(header client lost) && test $lost -gt 0 &&
	got=$(($(count client ibv_post_send) + $(count client ibv_poll_cq) + $(count client device))) &&
	test $((got + lost)) -ge 40000 && test $got -gt 2000 && test_must_be_empty err
'

test_expect_success MOUNT 'in a ring the newest are kept all the same' '
	rm -rf client && unshare -m sh -c "mount -t tmpfs -o size=900k tmpfs small &&
		env \"LD_PRELOAD=$trace_preload\" NETEMU=device=emulated \
			\"NETTRACE=dir=\$PWD/small\" $tracee write 20000 8 &&
		mkdir client && cp -r small/* client/" >out 2>err && dump client &&
	test "$(values client wr_id call=ibv_post_send | tail -n 1)" = 19999 &&
	test "$(header client dropped)" -gt 0 && test_must_be_empty err
'

test_expect_success 'a limit of file sizes raises no signal' '
	trace_set stream=yes && device "$tracee" limited 400000 20000 >out 2>err &&
	dump client && test "$(header client lost)" -gt 0 && test_must_be_empty err
'
trace_set ""

test_expect_success 'no directory to write to: it runs, and says so once' '
	TMPDIR=/none NETEMU=device=emulated NETTRACE=dir=/proc/none LD_PRELOAD=$trace_preload \
		"$tracee" write 100 8 >out 2>err && test_must_be_empty out &&
	test $(grep -c "^nettrace: " err) = 1
'

# --- memory ---

device_has valgrind
valgrind="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
test_expect_success VALGRIND 'valgrind finds nothing' '
	device $valgrind ibv_devices >out 2>err && test_must_be_empty err &&
	device $valgrind "$tracee" write 2000 8 2>err && test_must_be_empty err &&
	dump client && expect_count client 2000 ibv_post_send &&
	trace_set level=control && device $valgrind "$tracee" contexts 3 20 2>err &&
	test_must_be_empty err && trace_set ring=1MiB &&
	both $valgrind ibv_rc_pingpong -N -t -n 20 -r 40 && dump client && expect_count client 20 ibv_wr
'
trace_set ""

# --- who is not traced ---

# same COMMAND...: it says the same with the tracer, on both streams, and nothing is written.
same() {
	"$@" >expected 2>expected.err
	expected_rc=$?
	device "$@" >actual 2>actual.err
	test $? = $expected_rc && test_cmp expected actual && test_cmp expected.err actual.err &&
		test -z "$(rings client)"
}

test_expect_success 'a program without a device: same output, descriptors and threads' '
	same sh -c "echo out; echo err >&2; ls /proc/self/fd; grep Threads: /proc/self/status; exit 3"
'

test_expect_success 'one that only lists devices has no file' '
	device ibv_devices >out && grep netemu0 out && test -z "$(rings client)"
'

# as_user COMMAND...: as somebody else, with libraries and directories of his.
as_user() {
	(
		NETEMU_SHM=$dir/shm
		trace_preload=$dir/libnettrace.so:$dir/libnetemu.so
		TMPDIR=$dir/shm
		export TMPDIR
		device setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	)
}

# The libraries are named by paths: whoever runs a program of another owner has no say in
# what that loads.  Without the bit it is a program like any other.
test_expect_success ROOT 'a setuid program opens no device of ours and has no file' '
	dir=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 755 "$dir" && mkdir "$dir/shm" &&
	chown 65534 "$dir/shm" && cp "$tracee" "$LIBNETTRACE" "$LIBNETEMU" "$dir" &&
	trace_set "dir=$dir/shm" && as_user "$dir/tracee" write 5 8 >out 2>&1 &&
	rings "$dir/shm" >files && test $(wc -l <files) = 1 && rm -rf "$dir"/shm/netemu.* &&
	chmod 4755 "$dir/tracee" &&
	test_expect_code 1 setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$dir/tracee" write 5 8 >expected 2>&1 &&
	test_expect_code 1 as_user "$dir/tracee" write 5 8 >actual 2>&1 &&
	test_cmp expected actual && grep ibv_get_device_list actual &&
	find "$dir/shm" -mindepth 1 >left && test_must_be_empty left
	rc=$?; rm -rf "$dir"; trace_set ""; test $rc = 0
'

printf '#include <stdio.h>\nint main(void) { puts("static"); return 0; }\n' >static.c
cc -static -o static static.c 2>/dev/null && test_set_prereq STATIC
test_expect_success STATIC 'a static program' 'same ./static'

test_expect_success RPING 'without a connection manager, its programs fail as they do' '
	device rping -s -C 1 -a 127.0.0.1 >actual 2>&1; actual_rc=$? &&
	trace_preload=$LIBNETEMU && device rping -s -C 1 -a 127.0.0.1 >expected 2>&1
	rc=$?; trace_preload=$LIBNETTRACE:$LIBNETEMU; test $rc = $actual_rc && test $rc != 0 &&
	test_cmp expected actual
'

device_done
