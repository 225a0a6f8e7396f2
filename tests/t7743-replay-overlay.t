#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='a replay under --netemu --nettrace: its nodes and its verbs calls on one clock'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
trace_need python3
if nm "$NETEMU_BUILDDIR/netemu-replay" 2>/dev/null | grep -q __asan; then
	skip_all="the device cannot be preloaded into what has the address sanitizer"
	test_done
fi
trace_start 2
trace=$NETEMU_BUILDDIR/netemu-trace

# A ring of 4: each rank sends 6 messages for node 2, 3 for node 4, to the next rank.
cat >ring.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 4096, "data_deps": [1]},
{"Id": 3, "NodeType": 4, "runtime": 100, "data_deps": [2]},
{"Id": 4, "NodeType": 7, "comm_type": "ALL_GATHER", "comm_size": 65536, "data_deps": [3]}]}
END
echo '{"all-reduce-implementation": ["ring"], "all-gather-implementation": ["ring"],
"preferred-dataset-splits": 1}' >system.json

# overlay.py RUN FILE RANK...: FILE, a timeline of these ranks.  The replayer's own files
# say when nodes were; what it counted itself, how often it had to post.
cat >overlay.py <<"END"
import json, sys
run, ranks = sys.argv[1], [int(rank) for rank in sys.argv[3:]]
HEADER = 128  # bytes before what a message carries, at most
NEAR = 1000  # ns: what the readings of two clocks are off, at most
SENT = {2: (1024, 6), 4: (65536, 3)}  # node: bytes of a message, messages of a rank

def ns(us):
    whole, part = us.split(".")
    assert len(part) == 3 and not us.startswith("-"), us
    return int(whole + part)

def load(name):
    with open(name, encoding="utf-8") as stream:
        return json.load(stream, parse_float=str)

trace = load(sys.argv[2])
start = int(trace["otherData"]["start_ns"])
assert {e["pid"] for e in trace["traceEvents"]} == set(ranks)
assert all(ns(e["ts"]) >= 0 and ns(e.get("dur", "0.000")) >= 0
           for e in trace["traceEvents"] if "ts" in e)

def slices_of(rank):
    """(track, name, begin, end) of what the replayer did; requests by the begin of their call."""
    tracks = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"]
              if e["pid"] == rank and e["name"] == "thread_name"}
    nodes, posts = [], []
    for e in trace["traceEvents"]:
        if e["pid"] != rank or e["ph"] != "X":
            continue
        begin, end = ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])
        if e["cat"] != "verbs":
            nodes.append((tracks[e["tid"]], e["name"], begin, end))
        elif e["name"] == "ibv_post_send":
            posts += [(begin, end, r["opcode"], r["bytes"]) for r in e["args"]["requests"]]
    return nodes, posts

def check_nodes(rank, nodes):
    own = load("%s/replay/trace_%d.json" % (run, rank))
    names = {e["tid"]: e["args"]["name"] for e in own["traceEvents"] if e["name"] == "thread_name"}
    shift = int(own["otherData"]["start_ns"]) - start
    expected = [(names[e["tid"]], e["name"], ns(e["ts"]) + shift,
                 ns(e["ts"]) + ns(e["dur"]) + shift)
                for e in own["traceEvents"] if e["ph"] == "X"]
    assert sorted(nodes) == sorted(expected), (nodes, expected)
    where = {name: track for track, name, _, _ in nodes if ":" in name}
    assert where == {"1:": "WORKLOAD_GPU", "2:": "WORKLOAD_GPU_COMM", "3:": "WORKLOAD_GPU",
                     "4:": "WORKLOAD_GPU_COMM"}, where
    times = {int(name[:-1]): (begin, end) for _, name, begin, end in nodes if ":" in name}
    assert all(times[n][1] <= times[n + 1][0] for n in (1, 2, 3)), times
    return times

def check_posts(rank, times, posts):
    ledger = load("%s/replay/rank-%d.json" % (run, rank))
    sizes = {s["message_size"]: s["frequency"] for s in ledger["tx_message_sizes"]}
    assert sizes == dict(SENT.values()), sizes
    data = [p for p in posts if p[2] == "RDMA_WRITE_WITH_IMM"]
    for node, (size, count) in SENT.items():
        mine = sorted(p for p in data if 0 < p[3] - size < HEADER)
        assert len(mine) == count, (rank, node, len(mine))
        begin, end = times[node]
        assert begin < mine[0][0] and mine[-1][0] < end, (rank, node, begin, end, mine)
        assert mine[-1][1] < end + NEAR, (rank, node, begin, end, mine)
    # and what it tells rank 0 of itself, when all is over: how long the text is, and the text
    rest = [p for p in data if not any(0 < p[3] - size < HEADER for size in sizes)]
    assert len(rest) == (2 if rank else 0) and all(p[0] > times[4][1] for p in rest), rest
    first = min(p[0] for p in posts)
    assert first > times[2][0], (rank, first, times)

for rank in ranks:
    nodes, posts = slices_of(rank)
    check_posts(rank, check_nodes(rank, nodes), posts)
    if "event" in run:
        names = [name for _, name, _, _ in nodes]
        assert names.count("SIM_SEND") == names.count("POLL_RECV_COMPLETE") == 9, names
END

replay() {
	srun -N2 -n4 --netemu "--nettrace=timed=1,dir=$PWD/$1" "$NETEMU_BUILDDIR/netemu-replay" \
		--workload ring.json --system system.json "--dir=$PWD/$1" "--chrome-trace=$1" \
		>out 2>err && return
	say_why "the replay" out err
	return 1
}

all_exported() {
	test "$(ls "$run"/verbs/trace_[0-3].json | wc -l)" = 4
}

for level in workload event; do
	test_expect_success "$level: a run of four ranks on two nodes" '
		replay $level && test $(grep -c "^sys.[0-3]. finished" out) = 4 &&
		run=$(ls -d $level/netemu.*) && test -d "$run/replay" && test -d "$run/verbs"
	'

	test_expect_success "$level: merged, nodes are where they were, posts within them" '
		"$trace" export --merge "$run" 2>log && test_must_be_empty log &&
		python3 "$NETEMU_SRCDIR/tests/trace/check-chrome.py" --whole "$run/verbs/trace.json" &&
		python3 overlay.py "$run" "$run/verbs/trace.json" 0 1 2 3
	'

	test_expect_success "$level: the same in what the helpers have made of each rank" '
		wait_for 60 no_helpers && all_exported &&
		for rank in 0 1 2 3; do
			python3 overlay.py "$run" "$run/verbs/trace_$rank.json" $rank || return 1
		done
	'
done

test_expect_success 'no node was drained' no_node_drained

test_done
