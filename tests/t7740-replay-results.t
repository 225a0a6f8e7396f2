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
# A ring of 4: each rank sends and receives 2 * 3 messages.
cat >count.py <<END
import json, sys
slices = [e for name in sys.argv[3:] for e in json.load(open(name))["traceEvents"]
          if e["ph"] == "X"]
nodes = sum(":" in e["name"] for e in slices)
sent = sum(e["name"] == "SIM_SEND" for e in slices)
came = sum(e["name"] == "POLL_RECV_COMPLETE" for e in slices)
assert (nodes, sent, came) == (int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[2])), \
    (nodes, sent, came)
assert len(slices) == nodes + sent + came
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

test_expect_success 'each rank of a real run leaves its own in the run directory' '
	ranks 4 --network=tcp --workload ring.json --system system.json --dir run \
		--chrome-trace=event &&
	for r in 0 1 2 3; do
		python3 count.py 2 6 run/replay/trace_$r.json || return 1
	done
'

cat >exact.json <<END
{"workload_graph": [
{"Id": 1, "NodeType": 4, "runtime": 5, "data_deps": []},
{"Id": 2, "NodeType": 4, "runtime": 7, "data_deps": [1]}]}
END
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

test_done
