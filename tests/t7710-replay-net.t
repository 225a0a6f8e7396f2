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

device_set latency=2us,rate=100Gbit/s,loss=0.001
test_expect_success VERBS 'verbs: a network with latency, rate and loss' '
	SEGMENT=8192 device "$random" verbs 5 13 400 300000
'

device_set transport=queue,link_layer=ethernet
test_expect_success VERBS 'verbs: addresses as of RoCE' '
	device "$random" verbs 3 14 400 300000
'

test_done
