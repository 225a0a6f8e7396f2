#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: perftest (TEST_LONG=t: each program with each option and pair of them)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device-slurm.sh"
. "$NETEMU_SRCDIR/tests/lib-perftest.sh"
device_need ib_send_lat ib_atomic_bw

# What is tried where not all is: "first" is over the first of the transports.
cat >some <<'END'
first ib ib_send_lat default
first ib ib_send_lat -e
first ib ib_send_bw -a
first ib ib_send_bw -c UD
first ib ib_send_bw --use-srq
first ib ib_write_lat -c UC
first ib ib_write_bw -q 8
first ib ib_read_lat default
first ib ib_read_bw -b
first ib ib_atomic_lat -e
first ib ib_atomic_bw -c XRC
first ethernet ib_send_lat -c UD
first ethernet ib_write_bw default
queue ib ib_send_lat -e
queue ib ib_send_bw -c UC
queue ib ib_send_bw --use-srq
queue ib ib_write_lat default
queue ib ib_write_bw -q 8
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
	queue-*) sed -n "s/^queue $2 $3 //p" some ;;
	*) sed -n "s/^first $2 $3 //p" some ;;
	esac
}

# What perftest refuses is known of one version, see t7110-perftest.
if known_version; then
	grep -v "^#" "$refused_table" >refused
else
	ask_perftest
fi
test -z "$TEST_LONG" || test_set_prereq LONG

for transport in $DEVICE_TRANSPORTS; do
	for link in ib ethernet; do
		test -n "$TEST_LONG" || grep -q "^queue $link" some || test "$transport" != queue ||
			continue
		device_set "transport=$transport,link_layer=$link"
		each_tool "$transport" $link
	done
done

test_expect_success LONG 'what perftest refuses it refuses in the same words' 'refuses_all'

device_done
