#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='netemu trace export: raw JSON, timelines and tables of real programs'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
. "$NETEMU_SRCDIR/tests/lib-apps.sh"
trace_need ibv_rc_pingpong ibv_ud_pingpong ibv_srq_pingpong ib_write_bw python3
apps_have
test -e "$NETEMU_BUILDDIR/.libs/libnetprof.so" && test_set_prereq NETPROF
trace=$NETEMU_BUILDDIR/netemu-trace
tests=$NETEMU_SRCDIR/tests/trace
gen_threads=$NETEMU_BUILDDIR/tests/trace/gen-threads
chrome() { python3 "$tests/check-chrome.py" "$@"; }
raw() { python3 "$tests/check-raw.py" "$@"; }

# two_ranks PROGRAM OPTION...: server and client as ranks 0 and 1 of the run in `run`.
two_ranks() {
	both_ranks="PMI_SIZE=2 $*"
	pair "env PMI_RANK=0 $both_ranks -p PORT" "env PMI_RANK=1 $both_ranks -p PORT HOST" ||
		return 1
	rm -rf run && mkdir -p run/verbs && cp server/*/verbs/* client/*/verbs/* run/verbs
}

# has WORDS NAME=NUMBER...: all of them are there, or it says which is not.
has() {
	words=$1
	shift
	for word; do
		case " $(cat "$words") " in *" $word "*) continue ;; esac
		say_why "no $word" "$words"
		return 1
	done
}

test_expect_success 'usage' '
	"$trace" export --help >help && grep -q -e --merge help &&
	test_expect_code 2 "$trace" export &&
	test_expect_code 2 "$trace" export a b &&
	test_expect_code 2 "$trace" export --format=xml a 2>err && grep -q "chrome, raw, csv" err &&
	test_expect_code 2 "$trace" export --rank=-1 a &&
	test_expect_code 2 "$trace" export --rank=1 --merge a &&
	test_expect_code 1 "$trace" export nowhere 2>err && grep -q nowhere err
'

test_expect_success 'two ranks of a pingpong' '
	two_ranks ibv_rc_pingpong -n 500 -r 50 -s 4096
'

test_expect_success 'a file for each rank' '
	"$trace" export run && "$trace" export --format=raw run && "$trace" export --format=csv run &&
	for rank in 0 1; do
		chrome run/verbs/trace_$rank.json >words_$rank &&
		has words_$rank processes=1 errors=0 &&
		raw run/verbs/raw_trace_$rank.json run/verbs/trace_$rank.json >raw_$rank &&
		has raw_$rank ibv_post_send=500 ibv_poll_cq=1000 SEND.bytes=2048000 &&
		test -s run/verbs/requests_$rank.csv || return 1
	done &&
	rm -f run/verbs/*.json run/verbs/*.csv
'

test_expect_success 'one file of all, with an arrow for each message' '
	"$trace" export --merge -o merged.json run && chrome --whole merged.json >words &&
	has words processes=2 arrows=1000 errors=0 &&
	"$trace" export --merge --format=raw -o merged.raw run && raw merged.raw merged.json >raw &&
	posted=$(sed "s/.*ibv_post_recv=\([0-9]*\).*/\1/" raw) &&
	has words requests=$((posted + 1000)) && has raw ibv_post_send=1000
'

test_expect_success 'records are what ringdump reads' '
	dump server && dump client && cat server.dump client.dump >all.dump &&
	for call in ibv_post_send ibv_post_recv ibv_poll_cq ibv_reg_mr ibv_modify_qp; do
		has raw $call=$(grep -c "call=$call " all.dump) || return 1
	done
'

test_expect_success 'what a person reads is there' '
	cat >look.py <<-"END" &&
		import json
		trace = json.load(open("merged.json"))
		names = {e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
		assert all("ibv_rc_pingpong" in name for name in names), names
		assert {name[:6] for name in names} == {"rank 0", "rank 1"}, names
		tracks = {e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
		assert any(name.startswith("QP ") and " RC to rank 1 QP " in name for name in tracks)
		assert any(name.startswith("thread ") for name in tracks) and "control calls" in tracks
		names = {e["name"] for e in trace["traceEvents"] if e["ph"] == "b" and e["cat"] == "wr"}
		assert names == {"SEND 4096 B", "RECV 4096 B"}, names
		deepest = max(e["args"]["receive"] for e in trace["traceEvents"] if e["ph"] == "C")
		assert deepest == 50, deepest
		processes = trace["otherData"]["processes"]
		assert [p["rank"] for p in processes] == [0, 1] and processes[0]["empty_polls"] > 0
	END
	python3 look.py
'

test_expect_success 'a request in each row of a table' '
	"$trace" export --merge --format=csv -o merged.csv run &&
	cat >table.py <<-"END" &&
		import csv, json
		rows = list(csv.DictReader(open("merged.csv")))
		assert len(rows) == sum(e["ph"] == "b" and e["cat"] == "wr"
		    for e in json.load(open("merged.json"))["traceEvents"])
		sends = [r for r in rows if r["queue"] == "send"]
		received = [r for r in rows if r["queue"] == "receive" and r["status"] == "SUCCESS"]
		assert len(sends) == len(received) == 1000
		assert sum(int(r["bytes"]) for r in sends) == sum(int(r["bytes"]) for r in received)
		assert all(int(r["peer_rank"]) == 1 - int(r["rank"]) for r in sends + received)
		assert all(int(r["latency_ns"]) == int(r["ended_ns"]) - int(r["posted_ns"]) >= 0
		    for r in sends)
		end = {(r["rank"], r["message"]): int(r["ended_ns"]) for r in received}
		assert all(end[r["peer_rank"], r["message"]] >= int(r["posted_ns"]) for r in sends)
		assert {r["status"] for r in rows} <= {"SUCCESS", "WR_FLUSH_ERR", "outstanding"}
	END
	python3 table.py
'

test_expect_success 'one rank, one file, standard output' '
	"$trace" export --rank=1 -o one.json run && chrome one.json &&
	"$trace" export -o - run/verbs/ring-1.bin >other.json && chrome other.json &&
	test_expect_code 1 "$trace" export --rank=7 run 2>err && grep -q "rank 7" err &&
	test_expect_code 1 "$trace" export -o none run 2>err && grep -q -e --merge err &&
	mkdir into && "$trace" export -o into run && test -s into/trace_0.json -a -s into/trace_1.json
'

test_expect_success 'what the user calls it stands before the name' '
	rm -rf into && mkdir into &&
	IBVERBS_INTERCEPT_EXP_TAG=a/b "$trace" export -o into --rank=0 run &&
	test -s into/a_b_trace_0.json &&
	IBVERBS_INTERCEPT_EXP_TAG=mine two_ranks ibv_rc_pingpong -n 5 &&
	"$trace" export --format=raw run && test -s run/verbs/mine_raw_trace_1.json
'

test_expect_success 'bytes are what perftest says, unsignaled requests end' '
	two_ranks ib_write_bw -s 8192 -n 1000 -Q 10 &&
	"$trace" export --format=raw --rank=1 -o raw.json run &&
	"$trace" export --rank=1 -o chrome.json run &&
	chrome chrome.json >words && has words requests=$(($(grep -c "\"ibv_\(wr\|post_send\|post_recv\)\"" raw.json))) &&
	raw raw.json chrome.json >words && has words RDMA_WRITE.bytes=8192000 &&
	"$trace" export --format=csv --rank=1 -o write.csv run &&
	cat >unsignaled.py <<-"END" &&
		import csv, json
		rows = [r for r in csv.DictReader(open("write.csv")) if r["opcode"] == "RDMA_WRITE"]
		assert len(rows) == 1000 and {r["status"] for r in rows} == {"SUCCESS"}
		assert sum(r["signaled"] == "1" for r in rows) == 100
		assert all(r["inferred"] == str(1 - int(r["signaled"])) for r in rows)
		names = [e["name"] for e in json.load(open("chrome.json"))["traceEvents"] if e["ph"] == "b"]
		assert names.count("RDMA_WRITE 8192 B unsignaled") == 900
		assert names.count("RDMA_WRITE 8192 B") == 100
	END
	python3 unsignaled.py
'

test_expect_success 'other ways to post and to poll' '
	for option in "-N" "-t" "-e" "-N -t -c"; do
		two_ranks ibv_rc_pingpong -n 100 $option &&
		"$trace" export --merge -o merged.json run && chrome --whole merged.json >words &&
		has words arrows=200 errors=0 &&
		"$trace" export --merge --format=raw -o merged.raw run &&
		raw merged.raw merged.json >words || return 1
	done
'

test_expect_success 'datagrams, and requests of a shared queue' '
	two_ranks ibv_ud_pingpong -n 100 &&
	"$trace" export --merge -o merged.json run && chrome --whole merged.json >words &&
	has words arrows=0 errors=0 &&
	two_ranks ibv_srq_pingpong -n 100 -q 4 &&
	"$trace" export --merge -o merged.json run && chrome --whole merged.json >words &&
	"$trace" export --merge --format=csv -o merged.csv run &&
	has words arrows=$(grep -c ",receive,RECV,.*,SUCCESS," merged.csv) errors=0 &&
	grep -q "\"SRQ 0x[0-9a-f]*\"" merged.json
'

test_expect_success 'the device has its say' '
	device_set latency=20us && two_ranks ibv_rc_pingpong -n 50 && device_set transport=direct &&
	"$trace" export --merge -o merged.json run && chrome --whole merged.json >words &&
	has words arrows=100 && ! grep -q " device=0\$" words &&
	"$trace" export --merge --format=raw -o merged.raw run && raw merged.raw merged.json &&
	cat >device.py <<-"END" &&
		import json
		ways = {}
		for e in json.load(open("merged.json"))["traceEvents"]:
		    if e.get("cat") == "device" and e["ph"] in "be":
		        ways.setdefault((e["pid"], e["id"]), []).append(e["ts"])
		assert len(ways) >= 100, len(ways)
		assert all(19.9 < end - begin < 30 for begin, end in ways.values()), ways
	END
	python3 device.py
'

test_expect_success 'errors stand out' '
	device_set loss=1 &&
	! pair_quiet "ibv_rc_pingpong -n 10 -p PORT" "ibv_rc_pingpong -n 10 -p PORT HOST"
	device_set transport=direct
	rm -rf run && mkdir -p run/verbs && cp client/*/verbs/* run/verbs &&
	"$trace" export -o error.json run && chrome error.json &&
	grep "\"cname\":\"terrible\"" error.json >errors &&
	test $(grep -c "RETRY_EXC_ERR: SEND 4096 B" errors) = 1
'

test_expect_success 'other timelines of the run are taken over' '
	two_ranks ibv_rc_pingpong -n 20 && "$trace" export run &&
	chrome run/verbs/trace_0.json >before && mkdir run/replay run/mpi &&
	cp run/verbs/trace_0.json run/replay/trace_0.json &&
	"$trace" export run 2>err && test_must_be_empty err && chrome run/verbs/trace_0.json >after &&
	cat before after &&
	slices=$(sed "s/.*slices=\([0-9]*\).*/\1/" before) && has after slices=$((2 * slices)) &&
	echo "{" >run/replay/trace_0.json && "$trace" export run 2>err &&
	grep -q "replay/trace_0.json" err
'

# Tracks and names as replayers of ASTRA-sim's traces have them.
test_expect_success 'a timeline of a replayer: its nodes on the clock of the calls' '
	cat >replay.py <<-"END" &&
		import json, sys
		lanes = ["WORKLOAD_CPU", "WORKLOAD_GPU", "SIM_SEND", "POLL_SEND", "SIM_RECV",
		         "POLL_RECV", "SCHEDULE_EVENT", "POLL_EVENT"]
		start = int(json.load(open("run/verbs/trace_0.json"))["otherData"]["start_ns"])
		def events(pid):
		    for tid, lane in enumerate(lanes, 1):
		        for i in range(20):
		            name = "%d:ALL_REDUCE" % i if tid < 3 else lane + "_COMPLETE" * (i % 2)
		            yield {"name": name, "cat": lane, "ph": "X", "ts": tid + i * 10.125,
		                   "dur": 2.25, "pid": pid, "tid": tid}
		if sys.argv[1] == "array":
		    trace = list(events(0)) + list(events(1))
		else:
		    names = [{"ph": "M", "name": "thread_name", "pid": 4, "tid": tid, "args": {"name": lane}}
		             for tid, lane in enumerate(lanes, 1)]
		    arrow = [dict(e, ph=ph, id=1, name="message") for ph, e in
		             zip("sf", [e for e in events(4) if e["tid"] in (3, 5)][::20])]
		    for e in arrow:
		        del e["dur"]
		        e["cat"] = "message"
		    trace = {"otherData": {"start_ns": str(start + 1000000)},
		             "traceEvents": names + sorted(list(events(4)) + arrow, key=lambda e: e["ts"])}
		json.dump(trace, open("run/replay/trace_0.json", "w"))
	END
	cat >replayed.py <<-"END" &&
		import json, sys
		shift = {"object": 1000, "array": 0}[sys.argv[1]]
		trace = json.load(open("run/verbs/trace_0.json"))["traceEvents"]
		ours = {e["tid"] for e in trace if e.get("cat") in ("verbs", "wr", "device")}
		found = [e for e in trace if e.get("cat", "").startswith(("WORKLOAD_", "SIM_", "POLL_", "SCHED"))]
		assert len(found) == 160, len(found)
		tids = {e["cat"]: e["tid"] for e in found}
		assert len(set(tids.values())) == 8 and not ours & set(tids.values()), tids
		for e in found:
		    assert e["pid"] == 0 and e["dur"] == 2.25 and e["tid"] == tids[e["cat"]], e
		lane = [e for e in found if e["cat"] == "WORKLOAD_GPU"]
		assert [e["ts"] for e in lane] == [shift + 2 + i * 10.125 for i in range(20)], lane
		assert lane[7]["name"] == "7:ALL_REDUCE"
		assert [e for e in found if e["cat"] == "POLL_SEND"][19]["name"] == "POLL_SEND_COMPLETE"
		names = {e["tid"]: e["args"]["name"] for e in trace if e["name"] == "thread_name"}
		assert all(names[tid] == cat for cat, tid in tids.items()), names
	END
	for form in object array; do
		python3 replay.py $form && "$trace" export --rank=0 run 2>err && test_must_be_empty err &&
		chrome run/verbs/trace_0.json >words && python3 replayed.py $form || return 1
	done &&
	echo "[{" >run/replay/trace_0.json && "$trace" export --rank=0 run 2>err &&
	grep -q "replay/trace_0.json" err
'

test_expect_success 'the time of MPI, by netprof' '
	cat >mpi.py <<-"END" &&
		import json
		start = int(json.load(open("run/verbs/trace_1.json"))["otherData"]["start_ns"])
		rank = json.load(open("rank.json"))
		rank.update({"rank": 1, "init_realtime_ns": start + 1234567, "duration": 0.25})
		rank["phases"][0]["spans"] = [{"begin_ns": 1000, "end_ns": 3500}]
		json.dump(rank, open("run/mpi/rank-1.json", "w"))
	END
	cp "$NETEMU_SRCDIR/tests/golden/rank-v1/rank-1.json" rank.json && python3 mpi.py &&
	"$trace" export --rank=1 run 2>err && chrome run/verbs/trace_1.json && cat err &&
	grep "\"cat\":\"mpi\",\"name\":\"MPI\"" run/verbs/trace_1.json >line &&
	grep -q "\"ts\":1234.567,\"dur\":250000.000" line && grep -q "\"phases\":\[{\"phase\":" line &&
	grep "\"cat\":\"phase\"" run/verbs/trace_1.json >line && test "$(wc -l <line)" = 1 &&
	grep -q "\"ts\":1235.567,\"dur\":2.500" line && grep -q "phases (netprof)" run/verbs/trace_1.json
'

# UCX opens the device in MPI_Init, and destroys its queue pairs in MPI_Finalize.
test_expect_success MPIRUN,NETPROF 'phases of a program lie among its verbs calls' '
	(trace_preload=$NETEMU_BUILDDIR/.libs/libnetprof.so:$trace_preload &&
		export OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1 &&
		NETPROF=dir=$PWD/client trace_ranks 2 "$NETEMU_BUILDDIR/tests/traffic" phases >out 2>err) &&
	"$trace" export --merge -o phases.json client/netemu.* && chrome --whole phases.json >words &&
	cat >phases.py <<-"END" &&
		import json
		trace = json.load(open("phases.json"))["traceEvents"]
		for pid in 0, 1:
		    mine = sorted((e for e in trace if e["pid"] == pid and e["ph"] == "X"),
		                  key=lambda e: e["ts"])
		    phases = [e for e in mine if e["cat"] == "phase"]
		    assert [e["name"] for e in phases] == ["phase 7", "phase 9", "phase 7"], phases
		    assert len({e["tid"] for e in phases}) == 1
		    mpi = [e for e in mine if e["name"] == "MPI"][0]
		    assert mpi["tid"] != phases[0]["tid"]
		    assert mpi["ts"] <= phases[0]["ts"]
		    assert phases[-1]["ts"] + phases[-1]["dur"] <= mpi["ts"] + mpi["dur"]
		    assert [e for e in mine if e["name"] == "ibv_open_device"][0]["ts"] < mpi["ts"]
		    assert [e for e in mine if e["name"] == "ibv_destroy_qp"][-1]["ts"] > mpi["ts"] + mpi["dur"]
		    posts = [e["ts"] for e in mine if e["name"] == "ibv_post_send"]
		    for phase in phases:
		        assert any(phase["ts"] < ts < phase["ts"] + phase["dur"] for ts in posts), phase
	END
	python3 phases.py
'

test_expect_success 'a full disk is one sentence, and leaves nothing' '
	rm -r run/replay && test_expect_code 1 "$trace" export --merge -o - run >/dev/full 2>err &&
	test $(wc -l <err) = 1 && grep -q "standard output: No space left on device" err &&
	mkdir small && test_expect_code 1 sh -c "
		trap \"\" XFSZ; ulimit -f 8; exec \"$trace\" export --merge -o small/x run" 2>err &&
	test $(wc -l <err) = 1 && grep -q "unable to write .small/x.: File too large" err &&
	test -z "$(ls -A small)"
'

test_expect_success PLAIN 'much in little memory' '
	"$gen_threads" big.bin 300 >made &&
	sends=$(sed "s/.*sends=\([0-9]*\).*/\1/" made) &&
	receives=$(sed "s/.*receives=\([0-9]*\).*/\1/" made) &&
	for format in chrome raw csv; do
		case $format in
		chrome) request="^{\"ph\":\"b\"" ;;
		raw) request="\"call\":\"ibv_post_" ;;
		csv) request="^0,1" ;;
		esac
		{ (ulimit -v 65536; "$trace" export --format=$format -o - big.bin); echo $? >rc; } |
			grep -c "$request" >requests
		test "$(cat rc requests | tr "\n" " ")" = "0 $((sends + receives)) " ||
			{ say_why "$format" made rc requests; return 1; }
	done
	rm big.bin
'

test_expect_success 'files of version 1 stay readable' '
	raw "$tests/nettrace-raw-1.json" >words && has words ibv_post_send=8 SEND.bytes=2048
'

device_done
