#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the library changes nothing where no device is used, and fails in one sentence'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need ibv_devices
inert=$NETEMU_BUILDDIR/tests/device/inert
device_has python3
test "$(id -u)" != 0 || test_set_prereq ROOT
unshare -m true 2>/dev/null && test_set_prereq MOUNT

# same COMMAND...: it says the same with the library, on both streams.
same() {
	"$@" >expected 2>expected.err
	expected_rc=$?
	device "$@" >actual 2>actual.err
	test $? = $expected_rc && test_cmp expected actual && test_cmp expected.err actual.err &&
		nothing_left
}

test_expect_success 'a shell: same output, descriptors and threads' '
	same sh -c "echo out; echo err >&2; ls /proc/self/fd; grep Threads: /proc/self/status; exit 3"
'

test_expect_success PYTHON3 'python3 too' '
	cat >state.py <<-\END &&
	import os, threading, subprocess
	print(sorted(os.listdir("/proc/self/fd")), os.listdir("/proc/self/task").__len__())
	print(sorted(os.listdir("/sys/class"))[:3], subprocess.check_output(["echo", "child"]))
	END
	same python3 state.py
'

test_expect_success ROOT 'a program with another owner' '
	dir=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 755 "$dir" &&
	cp /usr/bin/id "$dir/id" && chmod 4755 "$dir/id" &&
	same setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/id" -u
	rc=$?; rm -rf "$dir"; test $rc = 0 && test "$(cat actual)" = 0
'

printf '#include <stdio.h>\nint main(void) { puts("static"); return 0; }\n' >static.c
cc -static -o static static.c 2>/dev/null && test_set_prereq STATIC

test_expect_success STATIC 'a static program' 'same ./static'

test_expect_success 'files of this library alone are not hidden or shown' '
	same ls -la /sys/class /dev && same stat -c %n /etc/passwd /none
'

# ticks PID: of CPU time that it has used.
ticks() {
	sed "s/.*) //" "/proc/$1/stat" | awk "{ print \$12 + \$13 }"
}

# What is measured is the time in between.
test_expect_success 'a program that waits for completions uses no CPU' '
	(device_exec "$inert" wait >waiting) & server=$! &&
	tries=1000 &&
	until grep -q waiting waiting || test $tries = 0; do
		tries=$((tries - 1)) && sleep 0.01
	done &&
	pid=$(pgrep -P $server -x inert || pgrep -P "$(pgrep -P $server)" -x inert) &&
	before=$(ticks $pid) && sleep 1 && after=$(ticks $pid) && kill -9 $pid &&
	{ wait $server; server=; true; } && test $((after - before)) -le 2
'

test_expect_success 'what a killed program has left is swept by the next' '
	device ibv_devinfo >out && nothing_left
'

mkdir small
test_expect_success MOUNT 'a small /dev/shm is enough for a list of devices' '
	device unshare -m sh -c "mount -t tmpfs -o size=16m tmpfs small &&
		NETEMU_SHM=\$PWD/small ibv_devices" >out 2>err &&
	grep netemu0 out && test_must_be_empty err
'

test_expect_success MOUNT 'when it is full: ENOMEM, one sentence' '
	device unshare -m sh -c "mount -t tmpfs -o size=16m tmpfs small &&
		NETEMU_SHM=\$PWD/small $inert fill" >out 2>err &&
	echo "some: ENOMEM" >expected && test_cmp expected out &&
	test "$(grep -c "^netemu: " err)" = 1
'

test_expect_success 'a directory that cannot be written to: no device, one sentence' '
	NETEMU_SHM=$PWD/none device ibv_devices >out 2>err; ! grep netemu0 out &&
	test "$(grep -c "^netemu: " err)" = 1
'

device_done
