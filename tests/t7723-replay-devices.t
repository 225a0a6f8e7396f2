#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay over several devices for each rank'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

device_need python3
replay_is_plain || {
	skip_all="the device cannot be preloaded into what has the address sanitizer"
	test_done
}

echo '{"workload_graph": [{"Id": 0, "NodeType": 7, "comm_type": "ALL_REDUCE",
	"comm_size": 1048576, "data_deps": []}]}' >reduce.json
echo '{"endpoint-delay": 0}' >system.json

# A rank on each of 2 nodes; what the ports have carried is in ports.json.
cat >pair.sh <<\END
for r in 0 1; do
	NETEMU_RDV=file:$PWD/meeting:2 NETEMU_RANK=$r timeout -k 5 60 \
		"$NETEMU_BUILDDIR/netemu-device" run --fabric=rails --node=$r devices=3 \
		"$NETEMU_BUILDDIR/netemu-replay" --system system.json --quiet "$@" >out.$r 2>err.$r &
	ranks="$ranks $!"
done
for pid in $ranks; do
	wait "$pid" || exit 1
done
"$NETEMU_BUILDDIR/netemu-device" show ports --fabric=rails --format=json >ports.json
END
pair() {
	rm -rf meeting && mkdir meeting &&
	timeout -k 5 90 "$NETEMU_BUILDDIR/netemu-device" run --fabric=rails --nodes=2 devices=3 \
		sh pair.sh "$@" || {
		cat err.?
		false
	}
}

# ports SHARE...: each node has sent so many bytes by its devices, and heads and credits, and has
# got what the other has sent.
cat >ports.py <<\END
import json, sys
shares = [int(share) for share in sys.argv[1:]]
ports = {(p["node"], p["device"]): p for p in json.load(open("ports.json"))}
for (node, name), port in ports.items():
    share = shares[int(name[len("netemu"):])]
    assert share <= port["xmit_bytes"] <= share * 1.05, (node, name, port, share)
    assert port["rcv_bytes"] == ports[1 - node, name]["xmit_bytes"], ports
END
ports() { python3 ports.py "$@"; }

test_expect_success 'one device carries all, several their parts' '
	pair --workload reduce.json && ports 1048576 0 0 &&
	pair --workload reduce.json --rdma_driver netemu2+netemu0 && ports 524288 0 524288 &&
	pair --workload reduce.json --rdma_driver netemu0+netemu1+netemu2 &&
	ports 349524 349524 349524 &&
	pair --workload reduce.json --rdma_driver netemu0+netemu1 --num_qps 6 --segment=5000 &&
	ports 524288 524288 0
'

# Of 28672 bytes a rank sends 14336 twice: once by each of two devices.
test_expect_success 'small messages go by one device each, in turn' '
	sed "s/1048576/28672/" reduce.json >small.json &&
	pair --workload small.json --rdma_driver netemu1+netemu2 && ports 0 14336 14336 &&
	pair --workload small.json --rdma_driver netemu0+netemu1 --iterations 3 && ports 43008 43008 0
'

cat >deep.json <<\END
{"preferred-dataset-splits": 5, "active-chunks-per-dimension": 2, "endpoint-delay": 0,
 "all-reduce-implementation": ["ring", "halvingDoubling"],
 "all-gather-implementation": ["direct"], "reduce-scatter-implementation": ["ring"],
 "all-to-all-implementation": ["direct"]}
END
cat >all.json <<\END
{"workload_graph": [
 {"Id": 1, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 1000003},
 {"Id": 2, "NodeType": 7, "comm_type": "ALL_GATHER", "comm_size": 200003, "data_deps": [1]},
 {"Id": 3, "NodeType": 7, "comm_type": "REDUCE_SCATTER", "comm_size": 400003, "data_deps": [2]},
 {"Id": 4, "NodeType": 7, "comm_type": "ALL_TO_ALL", "comm_size": 300007, "data_deps": [3]},
 {"Id": 5, "NodeType": 7, "comm_type": "BROADCAST", "comm_size": 300007, "data_deps": [4]}]}
END
device_set devices=4
replay_over_device
test_expect_success 'collectives over pairs of devices are right to the byte' '
	ranks 4 --workload all.json --system deep.json --logical_topology 2x2 --verify --iterations 2 \
		--rdma_driver netemu0+netemu1,netemu2+netemu3 --verbose >out 2>err &&
	test $(grep -c "^sys" out) -eq 4 && grep "^broadcast *4 *300007 *2 " out &&
	for r in 0 2; do
		grep "rank $r of 4 begins, 5 nodes, verbs over netemu0:1+netemu1:1$" err || return 1
	done &&
	for r in 1 3; do
		grep "rank $r of 4 begins, 5 nodes, verbs over netemu2:1+netemu3:1$" err || return 1
	done
'

test_expect_success 'and between ranks that have one, two and three' '
	ranks 3 --workload all.json --verify --num_qps 6 \
		--rdma_driver netemu0,netemu1+netemu2,netemu3+netemu1+netemu0 >out &&
	test $(grep -c "^sys" out) -eq 3 && grep "^all-reduce *3 *1000003 *1 " out
'

# refuses SENTENCE ARGS...: both ranks say so.
refuses() {
	sentence=$1
	shift
	test_must_fail ranks 2 --workload reduce.json "$@" >out 2>err &&
	for r in 0 1; do
		grep "^netemu replay: $sentence" err.$r || return 1
	done
}
test_expect_success 'what does not fit together is said' '
	refuses "rank [01] has [12] queue pairs for each peer, this one [12]: what --num_qps says" \
		--rdma_driver netemu0,netemu1+netemu2 &&
	refuses "3 queue pairs for each peer do not go evenly over 2 devices" \
		--rdma_driver netemu0+netemu1 --num_qps 3 &&
	refuses ".netemu0+netemu0.: a rank has .netemu0. twice" --rdma_driver netemu0+netemu0 &&
	refuses "no RDMA device .netemu4.: there are netemu0, netemu1, netemu2, netemu3" \
		--rdma_driver netemu0+netemu4 &&
	refuses ".netemu1. has no port 2, it has 1" --rdma_driver netemu0+netemu1:2
'

device_done
