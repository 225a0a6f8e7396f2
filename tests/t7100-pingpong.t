#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the pingpong programs of libibverbs, with every option they offer'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-pingpong.sh"
device_need ibv_devices ibv_devinfo ibv_rc_pingpong

test_expect_success 'ibv_devices and ibv_devinfo -v show the device' 'devices_shown ib && nothing_left'

for transport in $DEVICE_TRANSPORTS; do
	for program in $pingpong_programs; do
		test_expect_success "$(needs "$program")" "$program over $transport, InfiniBand" '
			device_set "transport=$transport,link_layer=ib" &&
			pingpongs $program && pingpong $program -g 0 && pingpong $program -g 0 -e
		'
		test_expect_success "$(needs "$program")" "$program over $transport, Ethernet" '
			device_set "transport=$transport,link_layer=ethernet" &&
			pingpongs $program -g 0
		'
	done

	test_expect_success XRC "two clients of one ibv_xsrq_pingpong over $transport" '
		device_set "transport=$transport,link_layer=ib" &&
		two_clients
	'

	test_expect_success "messages of 1 B and of 1 MiB over $transport" '
		device_set "transport=$transport" &&
		one_size 1 && one_size 1048576
	'
done

device_done
