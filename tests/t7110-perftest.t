#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='perftest: each program with each option (TEST_LONG=t: every pair of them)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-perftest.sh"
device_need ib_send_lat ib_atomic_bw

# perftest measures the clock for 0.2 s at each size of messages: without TEST_LONG
# few runs have all sizes (-a), and few are carried by queues.
cat >some-sizes <<'END'
direct ib ib_send_bw -a
direct ib ib_write_lat -a
END
cat >some-queues <<'END'
queue ib ib_send_lat default
queue ib ib_send_lat -e
queue ib ib_send_bw -b
queue ib ib_send_bw -c UC
queue ib ib_send_bw -c UD
queue ib ib_send_bw -c XRC
queue ib ib_send_bw --use-srq
queue ib ib_write_lat default
queue ib ib_write_bw -q 8
queue ib ib_write_bw -s 1048576
queue ib ib_read_lat default
queue ib ib_read_bw -s 1048576
queue ib ib_atomic_lat default
queue ib ib_atomic_bw -b
END

# tried TRANSPORT LINK TOOL: the combinations that are.
tried() {
	case $1-$2-$TEST_LONG in
	*-ib-?*) cat all ;;
	*-ethernet-?*) cat singles ;;
	direct-ib-) grep -vx -e -a singles ;;
	direct-ethernet-) echo default ;;
	esac
	test -n "$TEST_LONG" || sed -n "s/^$1 $2 $3 //p" some-sizes some-queues
}

ask_perftest
if known_version; then
	test_set_prereq KNOWN
else
	echo "# another version of perftest than the table's"
fi

test_expect_success KNOWN 'perftest refuses what it is known to refuse, and no more' '
	grep -v "^#" "$refused_table" >expected && test_cmp expected refused
'

test_expect_success 'it does so in the same words where there is a device' 'refuses_all'

for transport in $DEVICE_TRANSPORTS; do
	for link in ib ethernet; do
		device_set "transport=$transport,link_layer=$link"
		each_tool "$transport" $link
	done
done

# Over transport=auto, by a client that may not touch the server's memory, to a server
# that never calls the library while it is written to.
unshare --user --map-root-user true 2>/dev/null && test_set_prereq USERNS

test_expect_success USERNS 'who may not touch the memory of its peer sends by queues' '
	device_set transport=auto &&
	for tool in ib_write_bw ib_write_lat ib_read_bw ib_atomic_bw ib_send_lat; do
		pair "$tool -F -n 100 -p PORT" \
			"unshare --user --map-root-user $tool -F -n 100 -p PORT 127.0.0.1" || return
	done
'

device_done
