#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay: Chrome traces, and times against those recorded'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

unset CHROMETRACE CHROMETRACE_SIZE

cat >ring.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 7, "comm_type": "ALL_REDUCE", "comm_size": 4096, "data_deps": [1]}]}
END
# count.py NODES MESSAGES FILE...: a ring of 4, where each rank sends and receives 2 * 3 messages.
# Every event is on Genie's track of it, none of a track is in another, and an end says how long
# ago the message was handed over.
cat >count.py <<\END
import json, sys
from collections import Counter
nodes, messages, files = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
slices = [e for name in files for e in json.load(open(name))["traceEvents"] if e["ph"] == "X"]
tids = {"SIM_SEND": 3, "POLL_SEND_COMPLETE": 4, "SIM_RECV": 5, "POLL_RECV_COMPLETE": 6}
idle = {"POLL_SEND": 4, "POLL_RECV": 6, "POLL_EVENT": 8, "POLL_EVENT_COMPLETE": 8}
found, tracks, handed = Counter(), {}, {}
for e in slices:
    name, tid = e["name"], e["tid"]
    found[name] += 1
    if ":" in name:
        assert tid in (1, 2, 9), e
        continue
    assert tid == (tids.get(name) or idle.get(name) or (7 if name.isdigit() else None)), e
    tracks.setdefault((e["pid"], tid), []).append((e["ts"], e["ts"] + e["dur"]))
    if name in tids:
        key = (name.startswith(("SIM_SEND", "POLL_SEND")), e["pid"], e["args"]["peer"],
               e["args"]["tag"])
        if name.startswith("SIM"):
            handed.setdefault(key, []).append(e["ts"])
        else:
            begin = e["ts"] + e["dur"] - e["args"]["us"]
            assert any(abs(begin - ts) < 0.002 for ts in handed[key]), (e, handed[key])
for key, track in tracks.items():
    track.sort()
    for one, other in zip(track, track[1:]):
        assert other[0] - one[1] > -0.002, (key, one, other)
assert sum(n for name, n in found.items() if ":" in name) == nodes, found
assert all(found[name] == messages for name in tids), found
if messages:
    assert any(name.isdigit() for name in found), found
END
echo '{"all-reduce-implementation": ["ring"], "preferred-dataset-splits": 1}' >system.json

# model ARGS...: one on 4 ranks.
model() {
	rm -f chrome_trace.json
	"$REPLAY" --network=model --ranks 4 --workload ring.json --system system.json "$@"
}

test_expect_success 'there is a Chrome trace when one is asked for, of the level that is' '
	model && test ! -e chrome_trace.json &&
	model --chrome-trace=off && test ! -e chrome_trace.json &&
	model --chrome-trace=workload && python3 count.py 8 0 chrome_trace.json &&
	model --chrome-trace=event --chrome-trace-file=own.json && test ! -e chrome_trace.json &&
	python3 count.py 8 24 own.json
'

test_expect_success 'the environment of Genie counts, the option more' '
	CHROMETRACE=NONE model && test ! -e chrome_trace.json &&
	CHROMETRACE=WORKLOAD model && python3 count.py 8 0 chrome_trace.json &&
	CHROMETRACE=EVENT_QUEUE model && python3 count.py 8 24 chrome_trace.json &&
	CHROMETRACE=EVENT_QUEUE model --chrome-trace=off && test ! -e chrome_trace.json &&
	test_must_fail env CHROMETRACE=ALL "$REPLAY" --network=model --ranks 4 \
		--workload ring.json 2>err &&
	grep "CHROMETRACE=.ALL" err
'

test_expect_success 'a full trace ends, is said once, and the run goes on' '
	CHROMETRACE_SIZE=3 model --chrome-trace=workload >out 2>err &&
	python3 count.py 3 0 chrome_trace.json &&
	test $(grep -c CHROMETRACE_SIZE err) -eq 1 &&
	test $(grep -c "finished" out) -eq 4
'

networks=tcp
test_have_prereq VERBS && networks="tcp verbs"
for network in $networks; do
	test_expect_success "$network: each rank of a real run leaves its own in the run directory" '
		test $network = tcp || replay_over_device &&
		rm -rf run &&
		ranks 4 --network=$network --workload ring.json --system system.json --dir run \
			--chrome-trace=event &&
		for r in 0 1 2 3; do
			python3 count.py 2 6 run/replay/trace_$r.json &&
			grep -q POLL_EVENT_COMPLETE run/replay/trace_$r.json || return 1
		done
	'
done
replay_with=

cat >stuck.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 6, "comm_src": 0, "comm_size": 9, "comm_tag": 3, "data_deps": [1]}]}
END
# unfinished.py RANKS FILE...: of each rank node 1 is there, and that node 2 is not.
cat >unfinished.py <<\END
import json, sys
slices = [e for name in sys.argv[2:] for e in json.load(open(name))["traceEvents"]
          if e["ph"] == "X"]
nodes = [(e["pid"], e["name"].partition(":")[0], e.get("args", {}).get("unfinished", False))
         for e in slices if ":" in e["name"]]
assert sorted(nodes) == [(r, node, node == "2") for r in range(int(sys.argv[1]))
                         for node in ("1", "2")], nodes
assert sum(e["name"] == "SIM_RECV" for e in slices) == int(sys.argv[1]), slices
END
test_expect_success 'a run that fails leaves what there was, and what was under way' '
	rm -f chrome_trace.json &&
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload stuck.json \
		--chrome-trace=event 2>err &&
	python3 unfinished.py 2 chrome_trace.json &&
	rm -rf run && ! ranks 2 --network=tcp --workload stuck.json --dir run --timeout 1 \
		--chrome-trace=event &&
	python3 unfinished.py 2 run/replay/trace_0.json run/replay/trace_1.json &&
	test $(ls run/replay | wc -l) -eq 2
'

cat >exact.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 4, "runtime": 7, "data_deps": [1]}]}
END
cat >long.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 4, "runtime": 60000000, "data_deps": [1]}]}
END
# ended.py RANKS FILE...: of each rank node 1 is there, and that node 2 is not.
sed "/SIM_RECV/d" unfinished.py >ended.py
test_expect_success 'a signal ends all ranks, and each leaves what there was' '
	rm -rf run meeting && mkdir meeting && meeting=file:$PWD/meeting:3 &&
	for r in 0 1 2; do
		(one_rank $r --network=tcp --workload long.json --dir run --verbose \
			--chrome-trace=event 2>err.$r) &
		eval pid$r=\$!
	done &&
	for r in 0 1 2; do
		tail -n +1 -F --pid=$pid2 err.$r 2>tail.$r | grep -q -m1 begins || return 1
	done &&
	kill -TERM $(pgrep -P $pid1 -x netemu-replay) &&
	test_expect_code 143 wait $pid1 && test_expect_code 1 wait $pid0 &&
	test_expect_code 1 wait $pid2 &&
	for r in 0 1 2; do
		grep "rank 1 was interrupted" err.$r || return 1
	done &&
	python3 ended.py 3 run/replay/trace_0.json run/replay/trace_1.json run/replay/trace_2.json &&
	test $(ls run/replay | wc -l) -eq 3
'

test_expect_success 'Ctrl-C ends a model, which leaves what there was' '
	rm -f chrome_trace.json* &&
	{ "$REPLAY" --network=model --ranks 2 --workload exact.json --iterations 1000000000 \
		--chrome-trace=event --against-trace-file rows.tsv 2>err & } &&
	pid=$! &&
	while test -z "$(find . -name "chrome_trace.json.*" -size +100)"; do
		kill -0 $pid || return 1
	done &&
	kill -TERM $pid && test_expect_code 143 wait $pid && grep "interrupted" err &&
	python3 -c "import json; assert len(json.load(open(\"chrome_trace.json\"))[\"traceEvents\"]) > 99" &&
	test ! -e rows.tsv && ! ls rows.tsv.*
'

test_expect_success 'what takes as long as recorded has no error, what takes twice as long 100 %' '
	"$REPLAY" --network=model --ranks 2 --workload exact.json --against-trace=3 >out &&
	grep -E "^all +4 +24.000 +24.000 +0.000 +0.000 +0.000$" out &&
	test $(grep -cE "^ +[01] +[12] " out) -eq 3 &&
	"$REPLAY" --network=model --ranks 2 --workload exact.json --against-trace \
		--compute-scale 2 --summary sum.json >out &&
	grep -E "^all +4 +24.000 +48.000 +100.000 +100.000 +100.000$" out &&
	cat >sum.py <<-\END &&
	import json
	against = json.load(open("sum.json"))["against_trace"]
	assert against["lanes"][-1]["error_p99"] == 1, against
	assert [(n["rank"], n["id"], n["recorded_ns"], n["replayed_ns"])
	        for n in against["nodes"]] == [(0, 2, 7000, 14000), (1, 2, 7000, 14000),
	                                       (0, 1, 5000, 10000), (1, 1, 5000, 10000)]
	END
	python3 sum.py
'

# rows.py FACTOR FILE...: node 1 took 5 us, node 2 after it 7, all so often as long; on each rank.
cat >rows.py <<\END
import csv, sys
factor = int(sys.argv[1])
rows = [r for name in sys.argv[2:] for r in csv.DictReader(open(name), delimiter="\t")]
assert sorted((int(r["rank"]), int(r["id"]), r["lane"], int(r["recorded_ns"])) for r in rows) == \
    [(rank, node, "compute", {1: 5000, 2: 7000}[node]) for rank in (0, 1) for node in (1, 2)], rows
for r in rows:
    took = int(r["replayed_ns"])
    assert took == factor * int(r["recorded_ns"]), r
    assert int(r["start_ns"]) >= (factor * 5000 if r["id"] == "2" else 0), r
END
test_expect_success 'each node as a row of a table, of one process or of several' '
	"$REPLAY" --network=model --ranks 2 --workload exact.json --compute-scale 2 \
		--against-trace-file rows.tsv >out && ! grep recorded out &&
	python3 rows.py 2 rows.tsv &&
	ranks 2 --network=tcp --workload exact.json --compute-scale 2 \
		--against-trace-file rows >out &&
	python3 rows.py 2 rows.0 rows.1 &&
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload exact.json \
		--against-trace-file nowhere/rows 2>err && grep "nowhere/rows" err &&
	rm -f rows.tsv && test_must_fail "$REPLAY" --network=model --ranks 2 --workload stuck.json \
		--against-trace-file rows.tsv && test ! -e rows.tsv
'

device_done
