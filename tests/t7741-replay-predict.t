#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay --predict: measured beside what the model says'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

echo '{"workload_graph": [{"Id": 0, "NodeType": 7, "comm_type": "ALL_REDUCE",
	"comm_size": 1048576, "data_deps": []}]}' >reduce.json
# no time at the ends: only the network counts
echo '{"endpoint-delay": 0}' >system.json

# predicted CYCLES: all 4 ranks are predicted so, and none of them was earlier.
cat >predicted.py <<\END
import json, sys
summary = json.load(open("sum.json"))
predicted = summary["predicted"]
finish = {r["rank"]: r["finish_ns"] for r in predicted["ranks"]}
assert finish == {r: int(sys.argv[1]) for r in range(4)}, finish
assert len(summary["ranks"]) == 4
for rank in summary["ranks"]:
    assert len(sys.argv) > 2 or rank["finish_ns"] >= finish[rank["rank"]], (rank, finish)
assert [c["mean_ns"] for c in predicted["collectives"]] == [int(sys.argv[1])], predicted
END
predicted() { python3 predicted.py "$@"; }
command -v python3 >/dev/null && test_set_prereq PYTHON3

# on_nodes SETTINGS: 4 ranks on nodes of their own; what rank 0 prints is in out.
trace=reduce.json
on_node() {
	export NETEMU_RDV NETEMU_RANK
	export SLURMD_NODENAME
	NETEMU_RDV=file:$PWD/meeting:4 NETEMU_RANK=$1 SLURMD_NODENAME=n$1
	# shellcheck disable=SC2086 # words
	timeout -k 5 60 "$NETEMU_BUILDDIR/netemu-device" run --fabric=predicted --nodes=4 \
		--node="$1" "$2" "$REPLAY" --workload $trace --system system.json --predict \
		--summary sum.json $devices
}
devices=
on_nodes() {
	rm -rf meeting && mkdir meeting &&
	{ (on_node 1 "$1" >out.1) & (on_node 2 "$1" >out.2) & (on_node 3 "$1" >out.3) & } &&
	on_node 0 "$1" >out && wait
}
test -x "$NETEMU_BUILDDIR/netemu-device" && test_set_prereq DEVICE

# A ring of 4: 6 steps of a quarter each, 100 us and 262144 bytes at 125 bytes a us; in the end
# the last answer is 100 us on its way.
test_expect_success VERBS,DEVICE,PYTHON3 'the model is that of the device, and nothing is early' '
	on_nodes latency=100us,rate=1Gbit/s &&
	predicted $((6 * (100000 + 262144 * 8) + 100000)) &&
	test $(grep -c "^sys.[0-3]. .* 13282.912 " out) -eq 4 &&
	grep "^all-reduce *4 *1048576 .* 13282.912 " out
'

test_expect_success VERBS,DEVICE,PYTHON3 'other settings, another model' '
	on_nodes latency=10us,rate=8Gbit/s &&
	predicted $((6 * (10000 + 262144) + 10000))
'

test_expect_success VERBS,DEVICE,PYTHON3 'what the model leaves out is said, and only then' '
	on_nodes latency=10us,rate=8Gbit/s 2>err && test_must_be_empty err &&
	on_nodes latency=10us,rate=8Gbit/s,loss=0.000001 2>err &&
	grep "^netemu replay: .* without the losses of the device$" err &&
	on_nodes latency=10us,rate=8Gbit/s,jitter=1us 2>err && predicted $((6 * (10000 + 262144) + 10000)) any &&
	grep "^netemu replay: .* without the jitter of the device$" err
'

test_expect_success VERBS,DEVICE,PYTHON3 'topology=: the links of that topology' '
	on_nodes latency=100us,topology=kary:2:2@rate=1Gbit/s &&
	predicted $((6 * (100000 + 262144 * 8) + 100000))
'

# All to all: 3 messages at once over each up and each down link.
cat >all.json <<\END
{"workload_graph": [{"Id": 0, "NodeType": 7, "comm_type": "ALL_TO_ALL", "comm_size": 1048576,
	"data_deps": []}]}
END
test_expect_success VERBS,DEVICE,PYTHON3 'what shares a link shares its rate' '
	trace=all.json && cp system.json ring.json &&
	echo "{\"endpoint-delay\": 0, \"all-to-all-implementation\": [\"direct\"]}" >system.json &&
	on_nodes latency=100us,rate=1Gbit/s &&
	predicted $((3 * 262144 * 8 + 2 * 100000)) &&
	cp ring.json system.json
'
trace=reduce.json

# Each device carries its part of a message; what is smaller than two parts goes by one of them.
# on_devices N BYTES WIRE: N devices for each rank; of a step they carry WIRE bytes each.
on_devices() {
	devices="--rdma_driver netemu0"
	for d in $(seq 1 $(($1 - 1))); do
		devices="$devices+netemu$d"
	done
	sed "s/1048576/$2/" reduce.json >of-size.json && trace=of-size.json &&
	on_nodes devices="$1",latency=100us,rate=1Gbit/s &&
	predicted $((6 * (100000 + $3 * 8) + 100000))
}
test_expect_success VERBS,DEVICE,PYTHON3 'several devices of a rank carry a message together' '
	on_devices 2 1048576 131072 && on_devices 3 1048572 87381 &&
	on_devices 3 131072 16384 && on_devices 2 131068 32767
'

# From rank 3 to rank 0, and from that to rank 1, a message takes twice as long.
cat >slower.py <<\END
import json
latency, wire = 100000, [2097152, 1048576, 1048576, 2097152]
came, free = [0] * 4, [0] * 4
for step in range(6):
    free = [max(came[r], free[r]) + wire[r] for r in range(4)]
    came = [free[r - 1] + latency for r in range(4)]
expected = {r: max(came[r], free[r] + 2 * latency) for r in range(4)}
summary = json.load(open("sum.json"))
finish = {r["rank"]: r["finish_ns"] for r in summary["predicted"]["ranks"]}
assert finish == expected, (finish, expected)
for rank in summary["ranks"]:
    assert rank["finish_ns"] >= finish[rank["rank"]], (rank, finish)
END
test_expect_success VERBS,DEVICE,PYTHON3 'a rank with one device among ranks with two' '
	trace=reduce.json && echo "n0 netemu1" >map && echo "* netemu0+netemu1" >>map &&
	devices="--rdma_driver @map --num_qps 2" && on_nodes devices=2,latency=100us,rate=1Gbit/s &&
	python3 slower.py
'
trace=reduce.json
devices=

# All 4 messages of a step go over the two links of the one device.
device_set latency=100us,rate=1Gbit/s
replay_over_device
cat >shared.py <<\END
import json
summary = json.load(open("sum.json"))
wire = 4 * 6 * 262144 * 8
last = max(rank["finish_ns"] for rank in summary["predicted"]["ranks"])
assert wire <= last <= wire + 7 * 100000, (wire, last)
assert max(rank["finish_ns"] for rank in summary["ranks"]) >= wire, summary["ranks"]
END
test_expect_success VERBS,PYTHON3 'ranks that share a device share its links' '
	ranks 4 --workload reduce.json --system system.json --predict --summary sum.json >out &&
	python3 shared.py
'

test_expect_success VERBS,PYTHON3 'without --predict nothing is predicted' '
	ranks 4 --workload reduce.json --system system.json --summary sum.json >out &&
	! grep predicted out && ! grep predicted sum.json
'

replay_with=
test_expect_success PYTHON3 'tcp: --model says what network' '
	ranks 4 --network=tcp --workload reduce.json --system system.json --predict --summary sum.json \
		--model topology=Switch,bandwidth=8Gbit/s,latency=1us >out &&
	predicted $((6 * (2000 + 262144))) any
'

test_expect_success 'tcp without --model: one sentence asks for it' '
	! ranks 2 --network=tcp --workload reduce.json --system system.json --predict >out 2>err &&
	grep "nothing is known of the network under tcp: say with --model" err.0
'

# all_fail SENTENCE ARGS...: each of 3 ranks ends with 1 and says so.
all_fail() {
	sentence=$1
	shift
	! ranks 3 --network=tcp --workload reduce.json --system system.json "$@" >out 2>err &&
	for r in 0 1 2; do
		test "$(cat status.$r)" = 1 && grep "$sentence" err.$r || return 1
	done
}
test_expect_success 'what rank 0 cannot predict or write fails on all ranks, with its sentence' '
	all_fail "topology" --predict --model topology=kary:2:1@rate=1GB/s &&
	all_fail "nothing is known of the network" --predict &&
	all_fail "unable to write .nowhere/sum.json" --summary nowhere/sum.json
'

device_done
