#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the files of a device, and what it tells a tracer'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need ibv_devices ibv_rc_pingpong
device_has python3

ib=/sys/class/infiniband
test ! -e $ib || {
	skip_all="this host has RDMA devices of its own"
	test_done
}

test_expect_success 'they are what the settings say' '
	device_set rate=40Gbit/s,link_layer=ethernet,devices=2 &&
	device cat $ib/netemu1/ports/1/state $ib/netemu1/ports/1/rate $ib/netemu1/ports/1/link_layer \
		>actual &&
	printf "4: ACTIVE\n40 Gb/sec (4X QDR)\nEthernet\n" >expected && test_cmp expected actual &&
	device cat /sys/class/infiniband_verbs/uverbs_netemu1/ibdev >actual && echo netemu1 >expected &&
	test_cmp expected actual && device_set devices=1
'

test_expect_success 'GUID and GID are those of the device' '
	device sh -c "ibv_devices; cat $ib/netemu0/node_guid $ib/netemu0/ports/1/gids/0" >out &&
	guid=$(awk "/netemu0/ { print \$2 }" out) &&
	test "$(tail -n 2 out | head -n 1 | tr -d :)" = "$guid" &&
	test "$(tail -n 1 out | tr -d :)" = "fe80000000000000$guid"
'

test_expect_success 'the shell lists and matches them' '
	device sh -c "cd $ib/netemu0 && cat node_type; echo $ib/*; ls /dev/infiniband" >actual &&
	printf "1: CA\n$ib/netemu0\nuverbs_netemu0\n" >expected && test_cmp expected actual
'

test_expect_success PYTHON3 'so does Python, by other functions' '
	cat >look.py <<-\END &&
	import glob, os, stat
	ib = "/sys/class/infiniband"
	print(os.listdir(ib), [e.name for e in os.scandir(ib)], glob.glob(ib + "/*/ports/1/lid"))
	print(os.path.realpath(ib + "/netemu0/device"), os.access(ib + "/netemu0", os.R_OK))
	print(stat.S_ISCHR(os.stat("/dev/infiniband/uverbs_netemu0").st_mode))
	print(os.readlink(ib + "/netemu0"), os.path.exists(ib + "/mlx5_0"))
	END
	device python3 look.py >actual && cat >expected <<-\END &&
	['\''netemu0'\''] ['\''netemu0'\''] ['\''/sys/class/infiniband/netemu0/ports/1/lid'\'']
	/sys/devices/virtual/netemu/netemu0/device True
	True
	../../devices/virtual/netemu/netemu0 False
	END
	test_cmp expected actual
'

test_expect_success 'counters grow with what is sent: 4 bytes are one' '
	port_next && cat >count.sh <<-END &&
	exec 9<$ib/netemu0/node_type # the fabric stays
	cat $ib/netemu0/ports/1/counters/port_xmit_data
	ibv_rc_pingpong -p $port -n 100 -s 4096 >server.out &
	for try in \$(seq 100); do
		ibv_rc_pingpong -p $port -n 100 -s 4096 127.0.0.1 >client.out 2>err && break
		sleep 0.1
	done
	wait
	cat $ib/netemu0/ports/1/counters/port_xmit_data
	END
	device sh count.sh >out && grep "100 iters" client.out &&
	awk "NR == 1 { before = \$1 } NR == 2 { sent = \$1 - before }
		END { exit !(sent >= 2 * 100 * 4096 / 4 && sent < 2 * 100 * 5000 / 4) }" out
'

test_expect_success 'other files are what they were' '
	cat /sys/kernel/mm/transparent_hugepage/enabled /proc/sys/kernel/ostype >expected &&
	device cat /sys/kernel/mm/transparent_hugepage/enabled /proc/sys/kernel/ostype >actual &&
	test_cmp expected actual && ls -d /sys/class/net /dev/null >expected &&
	device ls -d /sys/class/net /dev/null >actual && test_cmp expected actual &&
	test_must_fail device cat /sys/class/infiniband_mad/abi_version 2>err
'

hook=$NETEMU_BUILDDIR/.libs/hook.so
test -e "$hook" || hook=$NETEMU_BUILDDIR/tests/device/.libs/hook.so

# traced: pingpong with a hook on both sides, 50 messages each way.
traced() {
	rm -f hook.*
	port_next
	cat >traced.sh <<-END
	export LD_PRELOAD=$hook:$LIBNETEMU
	HOOK_FILE=hook.one ibv_rc_pingpong -p $port -n 50 >server.out &
	for try in \$(seq 100); do
		HOOK_FILE=hook.other ibv_rc_pingpong -p $port -n 50 127.0.0.1 >client.out 2>err && break
		rm -f hook.other
		sleep 0.1
	done
	wait
	END
	device sh traced.sh && grep "50 iters" client.out
}

test_expect_success 'a tracer is told of every message, once' '
	device_set latency=100us && traced &&
	for side in one other; do
		for what in queued wire; do
			test "$(grep -c "^$what	1	" hook.$side)" = 50 || return 1
		done
	done &&
	for what in delivered completed; do # by whoever is there when it is time
		test "$(cat hook.one hook.other | grep -c "^$what	1	")" = 100 || return 1
	done &&
	awk "\$7 != 4096 || \$8 != 0" hook.one hook.other >wrong && test_must_be_empty wrong
'

test_expect_success 'times are in order, and nothing is delivered before its own' '
	awk "
		\$1 == \"queued\" { queued[\$6 FS ++q] = \$3; last = \$3 }
		\$1 == \"wire\" && (\$4 < \$3 || \$4 - last < 100000) { print \"wire\", \$0 }
		\$1 == \"delivered\" && \$3 < \$4 { print \"early\", \$0 }" hook.one hook.other >wrong &&
	test_must_be_empty wrong
'

device_set devices=1
device_done
