#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='messages of the replayer over real networks, to the byte'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

random=$NETEMU_BUILDDIR/tests/replay/net-random

for ranks in 1 2 5 8; do
	test_expect_success "tcp: random messages between $ranks ranks" '
		timeout 60 "$random" tcp $ranks $((ranks + 40))
	'
done

test_expect_success 'tcp: many small messages' '
	timeout 60 "$random" tcp 4 9 4000 200
'

for ranks in 1 2 5 8; do
	test_expect_success VERBS "verbs: random messages between $ranks ranks" '
		device "$random" verbs $ranks $((ranks + 50))
	'
done

test_expect_success VERBS 'verbs: several queue pairs for each peer' '
	QUEUE_PAIRS=4 device "$random" verbs 4 11 &&
	QUEUE_PAIRS=3 SEGMENT=4096 device "$random" verbs 3 12
'

test_expect_success VERBS 'verbs: many small messages' '
	device "$random" verbs 4 9 4000 200
'

device_set devices=3
test_expect_success VERBS 'verbs: several devices for each rank' '
	DEVICES=netemu0+netemu1+netemu2 device "$random" verbs 3 15 &&
	DEVICES=netemu1+netemu2 QUEUE_PAIRS=8 SEGMENT=8192 device "$random" verbs 3 16 400 300000 &&
	DEVICES=netemu0+netemu1 device "$random" verbs 4 17 4000 200
'
test_expect_success VERBS 'verbs: some ranks have more devices than others' '
	DEVICES=netemu0,netemu1+netemu2,netemu0+netemu1+netemu2 QUEUE_PAIRS=6 \
		device "$random" verbs 5 18 &&
	DEVICES=netemu0+netemu2,netemu1 QUEUE_PAIRS=2 SEGMENT=4097 device "$random" verbs 2 19
'

device_set devices=2,latency=2us,rate=100Gbit/s,loss=0.001
test_expect_success VERBS 'verbs: several devices, latency, rate and loss' '
	DEVICES=netemu0+netemu1 device "$random" verbs 5 20 400 300000
'

device_set latency=2us,rate=100Gbit/s,loss=0.001
test_expect_success VERBS 'verbs: a network with latency, rate and loss' '
	SEGMENT=8192 device "$random" verbs 5 13 400 300000
'

device_set transport=queue,link_layer=ethernet
test_expect_success VERBS 'verbs: addresses as of RoCE' '
	device "$random" verbs 3 14 400 300000
'

# attributes LINE NAME=NUMBER...: what each of two queue pairs is like, as the device says it.
attributes() {
	line=$1
	shift
	printf "%s\n%s\n" "$line" "$line" >expected &&
	device "$NETEMU_BUILDDIR/tests/replay/net-attributes" qps=2 "$@" >actual &&
	test_cmp expected actual
}

device_set link_layer=ib
test_expect_success VERBS 'verbs: queue pairs are as the options say' '
	attributes "mtu=1024 global=1 gid=0 sl=3 tc=96 timeout=10 retry=2" \
		mtu=1024 gid=0 sl=3 tc=96 timeout=10 retry=2 &&
	attributes "mtu=4096 global=0 gid=0 sl=15 tc=0 timeout=14 retry=0" sl=15 retry=0
'

device_set transport=queue,link_layer=ethernet
test_expect_success VERBS 'verbs: and without options as the port is' '
	attributes "mtu=4096 global=1 gid=1 sl=0 tc=0 timeout=14 retry=7" &&
	attributes "mtu=256 global=1 gid=0 sl=0 tc=255 timeout=14 retry=7" mtu=256 gid=0 tc=255
'

test_done
