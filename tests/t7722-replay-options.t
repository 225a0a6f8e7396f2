#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay: each option does what it says, each mistake is named'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

# trace NODE...: a trace of nodes, what is between the braces of each.
trace() {
	printf '{"workload_graph": ['
	comma=
	for node; do
		printf '%s{%s}' "$comma" "$node"
		comma=,
	done
	echo ']}'
}
reduce='"Id": 1, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 4000'

# model ARGS...: what it says in `out`, sums in `sent` and `cycles`, pairs in `pairs`.
model() {
	"$REPLAY" --network=model --model topology=Ring,bandwidth=50,latency=500 \
		--summary sum.json "$@" >out &&
	jq '[.pairs[].bytes] | add // 0' sum.json >sent &&
	jq '[.ranks[].finish_ns] | max' sum.json >cycles &&
	jq -r '.pairs[] | "\(.src) \(.dst) \(.bytes)"' sum.json | sort >pairs
}
# is NAME NUMBER: what is in it.
is() {
	echo "$2" >expected && test_cmp expected "$1"
}
command -v jq >/dev/null && test_set_prereq JQ

trace "$reduce" >reduce.json
trace '"Id": 1, "NodeType": 5, "comm_dst": 1, "comm_size": 1000' >p2p.0.json
trace '"Id": 1, "NodeType": 6, "comm_src": 0, "comm_size": 1000' >p2p.1.json

test_expect_success JQ '--comm-scale: bytes of collectives and of messages' '
	model --ranks 4 --workload reduce.json && is sent 24000 &&
	model --ranks 4 --workload reduce.json --comm-scale 0.25 && is sent 6000 &&
	model --ranks 2 --workload p2p --comm-scale 3 && is sent 3000
'

test_expect_success JQ '--injection-scale: the delay of endpoints, one before each message and one first' '
	echo "{\"endpoint-delay\": 10}" >system.json &&
	model --ranks 4 --workload reduce.json --system system.json && cp cycles before &&
	model --ranks 4 --workload reduce.json --system system.json --injection-scale 5 &&
	is cycles $(($(cat before) + 7 * 40))
'

test_expect_success JQ '--compute-scale: computation, not the recorded time of messages' '
	trace "\"Id\": 1, \"NodeType\": 4, \"runtime\": 8" >comp.json &&
	model --ranks 2 --workload comp.json --compute-scale 2.5 && is cycles 20000
'

test_expect_success JQ '--iterations and --warmup: times that count, and those before' '
	model --ranks 4 --workload reduce.json && cp cycles once &&
	model --ranks 4 --workload reduce.json --iterations 3 --warmup 2 &&
	is cycles $((3 * $(cat once))) &&
	grep "^all-reduce *4 *4000 *3 " out
'

test_expect_success JQ '--allgather-size: of each or of all, as the result says' '
	trace "\"Id\": 1, \"NodeType\": 7, \"comm_type\": \"ALL_GATHER\", \"comm_size\": 1200" >gather.json &&
	model --ranks 4 --workload gather.json && is sent 14400 &&
	grep "^all-gather *4 *4800 *1 " out &&
	model --ranks 4 --workload gather.json --allgather-size=total && is sent 3600 &&
	grep "^all-gather *4 *1200 *1 " out
'

test_expect_success JQ 'involved_dim: only ranks that differ in it' '
	trace "$reduce, \"involved_dim\": [false, true]" >second.json &&
	model --workload second.json --logical_topology 3x2 && is sent $((3 * 2 * 4000)) &&
	printf "0 3 4000\n1 4 4000\n2 5 4000\n3 0 4000\n4 1 4000\n5 2 4000\n" >expected &&
	test_cmp expected pairs
'

test_expect_success JQ '--merged-lanes, --replay-only, --deps' '
	trace "\"Id\": 1, \"NodeType\": 4, \"runtime\": 5" "\"Id\": 2, \"NodeType\": 7,
		\"comm_type\": 0, \"comm_size\": 4000, \"runtime\": 7, \"ctrl_deps\": [1]" >both.json &&
	model --ranks 4 --workload both.json --replay-only && is cycles 7000 && is sent 0 &&
	model --ranks 4 --workload both.json --replay-only --deps=data+ctrl && is cycles 12000 &&
	model --ranks 4 --workload both.json --replay-only --merged-lanes && is cycles 12000
'

echo '{"1": [0, 2, 4], "2": [1, 3]}' >groups.json
echo '{"1": [3, 1]}' >groups4.json
for r in 0 2 4; do
	trace '"Id": 1, "NodeType": 7, "comm_type": "ALL_TO_ALL", "comm_size": 999, "pg_name": "1"' \
		'"Id": 2, "NodeType": 7, "comm_type": "BROADCAST", "comm_size": 77, "root": 1, "pg_name": "1", "data_deps": [1]' \
		'"Id": 3, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 1001, "data_deps": [2]' >two.$r.json
done
for r in 1 3; do
	trace '"Id": 9, "NodeType": 7, "comm_type": "REDUCE_SCATTER", "comm_size": 1003, "pg_name": "2"' \
		'"Id": 10, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 1001, "data_deps": [9]' >two.$r.json
done
networks=tcp
test_have_prereq VERBS && networks="tcp verbs"
for network in $networks; do
	test_expect_success "$network: two groups with programs of their own, then all together" '
		replay_with= && { test $network = tcp || replay_over_device; } &&
		ranks 5 --network=$network --workload two --comm_group groups.json --verify >out &&
		test $(grep -c "^sys" out) -eq 5 &&
		grep "^all-to-all *3 *999 *1 " out && grep "^reduce-scatter *2 *1003 *1 " out &&
		grep "^all-reduce *5 *1001 *1 " out
	'
done
replay_with=

echo '{"preferred-dataset-splits": 7, "active-chunks-per-dimension": 1,
	"all-reduce-implementation": ["ring", "halvingDoubling", "direct"],
	"all-gather-implementation": ["ring"], "reduce-scatter-implementation": ["direct1"],
	"all-to-all-implementation": ["direct"], "collective-optimization": "localBWAware"}' >deep.json
trace '"Id": 1, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 100003' \
	'"Id": 2, "NodeType": 7, "comm_type": "ALL_GATHER", "comm_size": 10007, "data_deps": [1]' \
	'"Id": 3, "NodeType": 7, "comm_type": "REDUCE_SCATTER", "comm_size": 100003, "data_deps": [2]' \
	'"Id": 4, "NodeType": 7, "comm_type": "ALL_TO_ALL", "comm_size": 100003, "data_deps": [3]' >four.json
for network in $networks; do
	test_expect_success "$network: more chunks than are active, in three dimensions" '
		replay_with= && { test $network = tcp || replay_over_device; } &&
		ranks 8 --network=$network --workload four.json --system deep.json \
			--logical_topology 2x2x2 --iterations 3 --verify >out &&
		test $(grep -c "^sys" out) -eq 8 && grep "^all-to-all *8 *100003 *3 " out
	'
done
replay_with=

# A map of devices by node; this one is called as in the map, or not.
device_map() {
	printf "other* mlx5_7\n%s netemu0:1\n" "$1" >map
	SLURMD_NODENAME=here && export SLURMD_NODENAME
	ranks 2 --workload reduce.json --rdma_driver @map >out
	rc=$?
	unset SLURMD_NODENAME
	return $rc
}
test_expect_success VERBS '--rdma_driver=@FILE: devices by node' '
	replay_over_device &&
	device_map "he[qr]e" &&
	test_must_fail device_map elsewhere 2>err && grep "map: no line is for node .here." err &&
	test_must_fail ranks 2 --workload reduce.json --rdma_driver netemu0:3 2>err &&
	grep "netemu0. has no port 3, it has 1" err
'
replay_with=

test_expect_success JQ 'the short options of Genie, also those that are not needed' '
	echo "{\"memory-type\": \"NO_MEMORY_EXPANSION\"}" >memory.json &&
	echo "{\"logical-dims\": [\"4\"]}" >line.json &&
	model -w reduce.json -s system.json -m memory.json -l line.json -d mlx5_0 -p 1 -x 3 -q 2 \
		-c groups4.json -t 2 -g log.yml -r 4 -n 0 -i 10.0.0.1 -R 0 --redis_num_ranks 4 &&
	is sent 48000
'

# ---- what a trace does not do ----

test_expect_success 'edges, nodes and traces that do nothing are told of, once' '
	trace "\"Id\": 1, \"NodeType\": 4, \"data_deps\": [1, 7, 8]" \
		"\"Id\": 2, \"NodeType\": 99" >odd.json &&
	"$REPLAY" --network=model --ranks 3 --workload odd.json 2>err >out &&
	echo "netemu replay: odd.json: 2 edges to nodes that are not in it," \
		"1 edges of nodes to themselves, 1 nodes of kinds that nobody knows do nothing" >expected &&
	test_cmp expected err &&
	"$REPLAY" --network=model --ranks 3 --workload odd.json --quiet 2>err >out &&
	test_must_be_empty err &&
	trace >empty.json && "$REPLAY" --network=model --ranks 1 --workload empty.json 2>err >out &&
	grep "empty.json: there are no nodes in it" err
'

# cut BYTES RECORDS FILE: what of it are so many records, and so many bytes of the next.
cat >cut.py <<\END
import sys
data, at = open(sys.argv[3], "rb").read(), 0
for _ in range(int(sys.argv[2])):
    size = shift = 0
    while True:
        size |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            break
    at += size
print(at, file=sys.stderr)
sys.stdout.buffer.write(data[:at + int(sys.argv[1])])
END
test_expect_success CHAKRA 'a trace that ends inside a record: file, record, offset' '
	for bytes in 1 2 40; do
		python3 cut.py $bytes 2000 "$CHAKRA/pytorch_ddp.0.et" >cut.et 2>at &&
		test_must_fail "$REPLAY" --network=model --ranks 1 --workload cut.et 2>err &&
		grep "cut.et: record 2001 at byte $(($(cat at) + (bytes > 1 ? 2 : 0))): the file ends in it" err ||
			return 1
	done
'
test_expect_success CHAKRA 'one that ends between two records is shorter, and how long it is is said' '
	python3 cut.py 0 2000 "$CHAKRA/pytorch_ddp.0.et" >half.et 2>at &&
	ranks 1 --network=tcp --workload half.et --replay-only --verbose >out 2>err &&
	grep "rank 0 of 1 begins, 1999 nodes" err && grep "^nodes: 1999$" out &&
	cp half.et whole.0.et && cp "$CHAKRA/pytorch_ddp.0.et" whole.1.et &&
	all=$("$REPLAY" info --json "$CHAKRA/pytorch_ddp.0.et" | grep -o "\"nodes\": *[0-9]*") &&
	"$REPLAY" --network=model --ranks 2 --workload whole --replay-only >out 2>err &&
	grep "^nodes: 1999 (rank 0) to ${all##*[ :]} (rank 1) of each rank$" out
'

# ---- mistakes ----

# one_sentence STATUS ARGS...: it ends so, and says one line, which has $why in it.
one_sentence() {
	test_expect_code "$@" >out 2>err && test_must_be_empty out &&
		test "$(grep -c . err)" -eq 1 && grep -e "$why" err || {
		echo "$*"
		cat out err
		return 1
	}
}
wrong_trace() {
	why=$2
	printf '%s' "$1" >bad.json
	one_sentence 1 "$REPLAY" --network=model --ranks 2 --workload bad.json
}
wrong_file() {
	why=$3
	printf '%s' "$2" >bad.file
	one_sentence 1 "$REPLAY" --network=model --workload reduce.json --ranks 2 "$1" bad.file
}
wrong_option() {
	why=$1
	shift
	test_expect_code 2 "$REPLAY" --network=model --workload reduce.json "$@" >out 2>err &&
		test_must_be_empty out && head -n 1 err | grep -e "^netemu replay: $why"
}
comm='"Id": 5, "NodeType": 7, "comm_type": 0'

test_expect_success 'traces: file, place and thing' '
	wrong_trace "" "bad.json: the file is empty" &&
	wrong_trace hello "bad.json: record 1 at byte 1: the file ends in it: cut off, or not a trace" &&
	wrong_trace "[1, 2]" "bad.json: record 1 at byte 1: .*not a trace" &&
	wrong_trace "{\"workload_graph\": 7}" "bad.json: .*no workload_graph" &&
	wrong_trace "{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 4}" "bad.json: .*ends in the list" &&
	wrong_trace "$(trace "\"Id\": \"a\"")" "bad.json: record 1 at byte 20: its id is no number" &&
	wrong_trace "$(trace "\"Id\": 1, \"NodeType\": 4, \"runtime\": -3")" "record 1 .*a time in it" &&
	wrong_trace "$(trace "\"Id\": 1, \"NodeType\": 4, \"data_deps\": 7")" "dependencies are no list" &&
	wrong_trace "$(trace "$comm, \"comm_size\": 1.5")" "record 1 .*its comm_size is not of the kind" &&
	wrong_trace "$(trace "$comm, \"comm_size\": [1]")" "record 1 .*its comm_size is not of the kind" &&
	wrong_trace "$(trace "\"Id\": 5, \"NodeType\": 7, \"comm_type\": \"ALL\"")" "its comm_type is not" &&
	wrong_trace "$(trace "$comm, \"comm_size\": 1, \"involved_dim\": 3")" "its involved_dim is not" &&
	wrong_trace "$(trace "$comm, \"comm_size\": -5")" "bad.json: node 5 .*comm_size is negative" &&
	wrong_trace "$(trace "$comm, \"comm_size\": \"9223372036854775808\"")" "node 5 .*too large" &&
	wrong_trace "$(trace "$comm, \"comm_size\": 4611686018427387904")" \
		"node 5 .*4611686018427387904 bytes are too many for 2 ranks" &&
	wrong_trace "$(trace "$comm")" "bad.json: node 5 .*comm_size is missing" &&
	wrong_trace "$(trace "\"Id\": 1" "\"Id\": 1")" "bad.json: two nodes have the id 1"
'

test_expect_success 'what is no trace: a directory, a pipe, a cut archive' '
	mkdir -p dir.et && mkfifo pipe.et &&
	why="unable to open .dir.et.: Is a directory" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload dir.et &&
	why=".pipe.et. is not a file: it is to be read twice" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload pipe.et &&
	"$REPLAY" generate --ranks=1 --count=2000 all-reduce made >out &&
	gzip -c made.0.et | head -c 8000 >cut.et.gz && gzip -c </dev/null >nothing.et.gz &&
	why="cut.et.gz: record [1-9][0-9]* at byte [0-9]*: the compressed file is cut off" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload cut.et.gz &&
	head -c 20 cut.et.gz >head.et.gz && why="head.et.gz: at byte 0: the compressed file is cut off" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload head.et.gz &&
	why="nothing.et.gz: the file is empty" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload nothing.et.gz &&
	why="no trace of rank 0: .nowhere/x.0.et. is not there" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 1 --workload nowhere/x
'

test_expect_success 'the files beside it' '
	wrong_file --system "{" "bad.file:1: " &&
	wrong_file --system "[]" "bad.file: an object, {...}, is wanted" &&
	wrong_file --system "{\"preferred-dataset-splits\": 0}" "bad.file: .preferred-dataset-splits.: at least 1" &&
	wrong_file --system "{\"preferred-dataset-splits\": 65537}" "at most 65536" &&
	wrong_file --system "{\"all-reduce-implementation\": \"rng\"}" "bad.file: .*no algorithm .rng.: there are" &&
	wrong_file --logical_topology "{\"logical-dims\": [\"4\", \"x\"]}" "bad.file: .logical-dims.: a number" &&
	wrong_file --logical_topology "{\"dims\": [2]}" "bad.file: .logical-dims.: a list of sizes is wanted" &&
	wrong_file --logical_topology "{\"logical-dims\": [65536, 65536]}" "dimensions for 4294967296 ranks, of at most" &&
	wrong_file --logical_topology "{\"logical-dims\": [4, 2]}" "dimensions for 8 ranks, but there are 2" &&
	wrong_file --memory "{\"memory-type\": \"MEMORY_POOL\"}" "bad.file: .remote-mem-latency.: a number" &&
	wrong_file --comm_group "{\"1\": [0, 9]}" "bad.file: group 1 has a rank 9, but there are 2 ranks" &&
	wrong_file --comm_group "{\"18446744073709551616\": [0]}" "a group.s name is a number above 0" &&
	rm bad.file && mkdir bad.file &&
	for option in --system --logical_topology --memory --comm_group; do
		why="unable to read .bad.file.: Is a directory" &&
		one_sentence 1 "$REPLAY" --network=model --workload reduce.json --ranks 2 $option bad.file ||
			return 1
	done
'

test_expect_success 'results that cannot be written are said before the run' '
	why="unable to write .nowhere/sum.json.: No such file or directory" &&
	one_sentence 1 "$REPLAY" --network=model --ranks 2 --workload reduce.json --summary nowhere/sum.json &&
	test_must_fail ranks 2 --network=tcp --workload reduce.json --dir nowhere/run >out 2>err &&
	test_must_be_empty out &&
	test "$(grep -c "unable to make .nowhere/run/replay.: No such file or directory" err)" -eq 2
'

test_expect_success 'options: what was said, and what may be' '
	wrong_option "--ranks=.0.: not between 1 and 1048576" --ranks 0 &&
	wrong_option "--ranks=.-1.: not a number" --ranks=-1 &&
	wrong_option "--comm-scale=.nan.: not a number above 0" --comm-scale nan &&
	wrong_option "--mtu=.300.: none of 256, 512, 1024, 2048 and 4096" --mtu 300 &&
	wrong_option "--network=.ether.: none of verbs, tcp and model" --network ether &&
	wrong_option "--deps=.ctrl.: neither data nor data+ctrl" --deps ctrl &&
	wrong_option "--segment=.1.: not between 4096" --segment 1 &&
	wrong_option "--spin=.soon.: not a duration" --spin soon &&
	wrong_option "--workload=..: a value is missing" --workload= &&
	wrong_option ".x.: there are options only" x &&
	wrong_option "unrecognized option .--foo." --foo &&
	wrong_option "option .--network. requires an argument" --network
'

test_expect_success 'without a launcher: what would be one' '
	unset PMIX_NAMESPACE SLURM_NETEMU_RDV NETEMU_RDV &&
	why="no rendezvous: .*srun --netemu and mpirun make one, --network=model needs none" &&
	one_sentence 1 "$REPLAY" --network=tcp --workload reduce.json
'

test_done
