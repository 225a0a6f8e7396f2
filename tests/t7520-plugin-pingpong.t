#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: the pingpong programs of libibverbs (TEST_LONG=t: with every option)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device-slurm.sh"
. "$NETEMU_SRCDIR/tests/lib-pingpong.sh"
device_need ibv_devices ibv_devinfo ibv_rc_pingpong

# some PROGRAM LINK: a few of the options where not all are tried.
some() {
	if test "$1 $2" = "ibv_xsrq_pingpong ib"; then
		pingpong "$1" && pingpong "$1" -e
	elif test "$2" = ib; then
		pingpong "$1" && pingpong "$1" -e -c
	else
		pingpong "$1" -g 0
	fi
}

# all PROGRAM LINK
all() {
	if test "$2" = ib; then
		pingpongs "$1" && pingpong "$1" -g 0 && pingpong "$1" -g 0 -e
	else
		pingpongs "$1" -g 0
	fi
}

test -n "$TEST_LONG" && table=all || table=some

for transport in $DEVICE_TRANSPORTS; do
	for link in ethernet ib; do
		device_set "transport=$transport,link_layer=$link"
		test_expect_success "ibv_devices and ibv_devinfo -v, $transport, $link" 'devices_shown $link'
		for program in $pingpong_programs; do
			test_expect_success "$(needs "$program")" "$program over $transport, $link" '$table $program $link'
		done
	done
	test_expect_success XRC "two clients of one ibv_xsrq_pingpong over $transport" 'two_clients'
	test_expect_success "messages of 1 B and of 1 MiB over $transport" '
		one_size 1 && one_size 1048576
	'
done

device_done
