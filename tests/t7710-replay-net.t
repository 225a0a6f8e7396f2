#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
test_description='messages of the replayer over real networks'
. "${SHARNESS:-/usr/share/sharness/sharness.sh}"

random=$NETEMU_BUILDDIR/tests/replay/net-random

for ranks in 1 2 5 8; do
	test_expect_success "tcp: random messages between $ranks ranks, to the byte" "
		timeout 60 '$random' tcp $ranks $((ranks + 40))
	"
done

test_expect_success 'tcp: many small messages' "
	timeout 60 '$random' tcp 4 9 4000 200
"

test_done
