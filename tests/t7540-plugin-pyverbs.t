#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: the tests of rdma-core (TEST_LONG=t: over all transports and links)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device-slurm.sh"
. "$NETEMU_SRCDIR/tests/lib-pyverbs.sh"
pyverbs_need
device_need find gunzip

for transport in $DEVICE_TRANSPORTS; do
	for layer in ib ethernet; do
		test -n "$TEST_LONG" || test "$transport $layer" = "queue ethernet" || continue
		device_set "transport=$transport,link_layer=$layer"
		test_expect_success "over $transport, link layer $layer" 'suite $layer'
	done
done

device_done
