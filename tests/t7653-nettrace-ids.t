#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='--nettrace: job, step, ranks and nodes in the JSON are what Slurm told the tasks'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
trace_need ibv_devinfo python3
trace_start 2

cat >told <<-"END"
	#!/bin/sh
	ibv_devinfo >devinfo.$SLURM_PROCID || exit 1
	echo "$SLURM_JOB_ID $SLURM_STEP_ID $SLURM_PROCID $SLURM_NTASKS $SLURMD_NODENAME"
END
chmod +x told

# compare.py FILE: what tasks of one step have said against all files of the step.
cat >compare.py <<-"END"
	import json, sys
	told = [tuple(line.split()) for line in open(sys.argv[1])]
	(job, step), = {line[:2] for line in told}
	tasks = {int(rank): (int(ranks), node) for _, _, rank, ranks, node in told}
	assert len(tasks) == len(told) > 1 and len({node for _, node in tasks.values()}) == 2, told
	verbs = "netemu.%s.%s/verbs/" % (job, step)

	def load(name):
	    with open(verbs + name) as stream:
	        return json.load(stream)

	def check(head, ranks):
	    assert (head["job"], head["step"]) == (job, step), head
	    rows = [(p["rank"], p["procid"], p["ranks"], p["node"]) for p in head["processes"]]
	    assert rows == [(r, r) + tasks[r] for r in ranks], rows

	def check_chrome(trace, ranks):
	    check(trace["otherData"], ranks)
	    events = trace["traceEvents"]
	    assert {e["pid"] for e in events} == set(ranks)
	    assert any(e["ph"] == "X" and e["name"] == "ibv_open_device" for e in events)
	    for name, key, form in (("process_name", "name", "rank %d on %s (ibv_devinfo)"),
	                            ("process_labels", "labels", None)):
	        said = {e["pid"]: e["args"][key] for e in events if e["name"] == name}
	        assert said == {r: form % (r, tasks[r][1]) if form else "job %s step %s" % (job, step)
	                        for r in ranks}, said

	for rank in tasks:
	    raw = load("raw_trace_%d.json" % rank)
	    check(raw, [rank])
	    assert {e["rank"] for e in raw["events"]} == {rank}
	    chrome = load("trace_%d.json" % rank)
	    check_chrome(chrome, [rank])
	    assert (chrome["otherData"]["rank"], chrome["otherData"]["node"]) == (rank, tasks[rank][1])
	check_chrome(load("trace.json"), sorted(tasks))
	merged = load("raw_trace.json")
	check(merged, sorted(tasks))
	assert {e["rank"] for e in merged["events"]} == set(tasks)
	print(job, step, " ".join(tasks[r][1] for r in sorted(tasks)))
END

# agrees STEP: what is in FILE.STEP, the numbers of job and step are right, too.
agrees() {
	cut -d" " -f3- "told.$1" | sort -n >"tasks.$1"
	for format in chrome raw; do
		"$NETEMU_BUILDDIR/netemu-trace" export --merge --format=$format \
			"netemu.$(cat batch.id).$1" || return 1
	done
	python3 compare.py "told.$1" >"ids.$1" && grep "^$(cat batch.id) $1 " "ids.$1"
}

# So that the number of the job is not also that of a rank or of the first job.
test_expect_success 'a job before' '
	srun true
'

test_expect_success 'two steps of a job, whose ranks are on other nodes each' '
	batch -N2 --ntasks-per-node=3 --netemu --nettrace <<-"END" &&
		srun -l -N2 -n5 --distribution=block ./told >told.0 || exit 1
		srun -l -N2 -n4 --distribution=cyclic ./told >told.1
	END
	unlabel told.0 && unlabel told.1 && test_line_count 5 told.0 && test_line_count 4 told.1
'

test_expect_success 'the first step: all of its files say what its tasks were told' '
	agrees 0
'

test_expect_success 'the second step, too' '
	agrees 1 && ! cmp -s ids.0 ids.1
'

test_expect_success 'no node was drained' no_node_drained

test_done
