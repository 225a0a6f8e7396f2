#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tests of rdma-core: none fails, and what is skipped is so for a known reason'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-pyverbs.sh"
device_need find gunzip
pyverbs_need

for transport in $DEVICE_TRANSPORTS; do
	for layer in ib ethernet; do
		test_expect_success "over $transport, link layer $layer" '
			device_set "transport=$transport,link_layer=$layer" && suite $layer && nothing_left
		'
	done
done

device_done
