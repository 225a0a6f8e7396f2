#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay: the buses between network and memory, against closed forms'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

# finishes COLLECTIVE SYSTEM CYCLES: on each of 4 ranks; 1 MiB, a message of a quarter takes W.
m=262144
W=$((2 * 500 + m / 8))
finishes() {
	echo '{"workload_graph": [{"Id": 0, "NodeType": 7, "comm_type": "'"$1"'",
		"comm_size": 1048576, "data_deps": []}]}' >trace.json &&
	echo "{$2}" >system.json &&
	"$REPLAY" --network=model --ranks=4 --model topology=Switch,bandwidth=8GB/s,latency=500 \
		--workload trace.json --system system.json >out 2>err &&
	test_must_be_empty err &&
	test "$(grep -c "^sys.[0-3]. finished, $3 cycles" out)" -eq 4
}
bus='"model-shared-bus": true, "L": 30, "o": 7, "g": 40, "G": 0.5'
left=$(((m - 1) / 2)) # the last byte after the first
T=$((7 + left + 30 + 7))
# The same over the bus to memory, of 0.0038 ns a byte.
I=$((7 + (m - 1) * 38 / 10000 + 30 + 7))

# What is sent first comes from memory; what came goes there and back to be reduced, then there,
# and back where it is sent on.
test_expect_success 'a ring: out once, then in, and out where it is sent on' '
	finishes REDUCE_SCATTER "$bus" \
		$((I + T + 3 * (W + T + 2 * I + 50 + I) + 2 * (I + T)))
'

test_expect_success 'what is reduced waits for that' '
	P=$((m / 100 * 3 + 50)) &&
	finishes ALL_REDUCE "$bus, \"local-reduction-delay\": 3" \
		$((I + T + 6 * (W + T + I) + 5 * (I + T) + 3 * (2 * I + P))) &&
	M=$((3 * (m / 1600))) &&
	finishes ALL_REDUCE "$bus, \"local-reduction-delay\": 3, \"local-mem-bw\": 1600" \
		$((I + T + 6 * (W + T + I) + 5 * (I + T) + 3 * (2 * I + P + M)))
'

# Three come at a time: the first byte of one is g after the last of the one before.
test_expect_success 'one after the other' '
	finishes ALL_TO_ALL "$bus, \"all-to-all-implementation\": [\"direct\"]" \
		$((I + T + W + 3 * left + 7 + 2 * 40 + 30 + 7 + I)) &&
	small="\"model-shared-bus\": true, \"L\": 30, \"o\": 7, \"g\": 1, \"G\": 0.5" &&
	finishes ALL_TO_ALL "$small, \"all-to-all-implementation\": [\"direct\"]" \
		$((I + T + W + 3 * left + 3 * 7 + 30 + 7 + I))
'

test_expect_success 'without a bus its keys are nothing, and each hand-off takes endpoint-delay' '
	finishes ALL_TO_ALL "\"L\": 30, \"o\": 7, \"g\": 40, \"G\": 0.5, \"endpoint-delay\": 10,
		\"all-to-all-implementation\": [\"direct\"]" $((10 + W + 10))
'

device_done
