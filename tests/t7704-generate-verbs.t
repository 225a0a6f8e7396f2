#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay generate --from a run of nettrace: what verbs moved, once more'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"
trace_need ib_send_bw
PATH=$NETEMU_BUILDDIR:$PATH

pair_as_ranks

# What was replayed is what was recorded.
replayed() {
	netemu-matrix --from=replay --format=tsv dir >actual && test_cmp moved actual
}

test_expect_success 'bytes and messages of each pair are as recorded' '
	mkdir run && both ib_send_bw -b -s 3001 -n 50 && netemu-trace matrix run/netemu.* >out &&
	netemu-matrix --from=verbs --format=tsv run/netemu.* >moved && test "$(wc -l <moved)" -eq 3 &&
	"$REPLAY" generate --from="$(echo run/netemu.*)" --instrument=verbs made >out &&
	grep "2 traces, made.<rank>.et" out &&
	ranks 2 --network=tcp --workload made --dir dir >out && replayed
'

test_expect_success VERBS 'over the device too, and recorded from there it is the same again' '
	rm -rf dir && replay_over_device &&
	ranks 2 --workload made --dir dir >out && replayed &&
	"$REPLAY" generate --from=dir --instrument=replay again >out && rm -rf dir &&
	ranks 2 --workload again --dir dir >out && replayed
'

device_done
