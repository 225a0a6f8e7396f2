#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim run: scenarios, sweeps, what they leave'

. "$SHARNESS"

PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export PATH LC_ALL
shared=${NETEMU_SHARED_DATA:-$NETEMU_SRCDIR/../shared/data}
if ! command -v python3 >/dev/null; then
	skip_all='python3 is not installed'
	test_done
fi
if test -f "$shared/pfsim/cg.yml"; then
	test_set_prereq PFSIM
fi
if command -v script >/dev/null; then
	test_set_prereq SCRIPT
fi
if command -v gnuplot >/dev/null; then
	test_set_prereq GNUPLOT
fi

# value FILE.json KEY...: what stands there.
value() {
	python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2:]:
    value = value[int(key) if isinstance(value, list) else key]
print(value)' "$@"
}

q="'" # around texts in what value prints of a mapping

# columns FILE.csv NAME...: these, a line for each row.
columns() {
	python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print(*(row[name] for name in sys.argv[2:]))' "$@"
}

# no_halves DIR: every file has its own name.
no_halves() {
	find "$1" -name '*.??????' ! -name '*.script' | grep -E '\.(csv|tsv|swf|json|txt|svg|graphml|gnuplot)\.[A-Za-z0-9]{6}$' >halves
	test_must_be_empty halves
}

test_must_be_empty() {
	test ! -s "$1" || { cat "$1" && return 1; }
}

test_expect_success '--help, wrong usage' '
	netemu sim run --help >help && grep -q "SCENARIO.yml" help &&
	netemu sim collect --help >help && grep -q "DIR" help &&
	test_expect_code 2 netemu sim run &&
	test_expect_code 2 netemu sim run --wrong x.yml &&
	test_expect_code 2 netemu sim run -j 0 x.yml &&
	test_expect_code 2 netemu sim run --seed=x x.yml &&
	test_expect_code 2 netemu sim run --compat=other x.yml &&
	test_expect_code 2 netemu sim run --only=3-1 x.yml &&
	test_expect_code 2 netemu sim collect
'

test_expect_success 'what is wrong with a scenario is said with file and line' '
	printf "topology: kary:2:2\noutput: o\nalgorithms:\n  routr: x\njobs: []\n" >bad.yml &&
	test_expect_code 1 netemu sim run bad.yml 2>err &&
	echo "netemu sim run: bad.yml:4: algorithms: '\''routr'\'': unknown key (did you mean '\''router'\''?)" >expected &&
	test_cmp expected err &&
	test_expect_code 1 netemu sim run missing.yml 2>err &&
	grep -q "unable to open .missing.yml.: No such file" err &&
	test_expect_code 1 netemu sim run netemu.1.0 2>err &&
	grep -q "is no scenario (.yml), and runs need --topology" err
'

# Case A: 5 nodes; J1 0,2,10  J2 1,4,10  J3 2,1,100  J4 3,1,5  J5 4,1,10.
cat >a.yml <<-\EOT
	topology: kary:5:1
	output: a
	plots: no
	algorithms: {scheduler: [easy, conservative, fcfs]}
	jobs:
	  - list:
	      - {id: 1, submit: 0, nodes: 2, duration: 10}
	      - {id: 2, submit: 1, nodes: 4, duration: 10}
	      - {id: 3, submit: 2, nodes: 1, duration: 100}
	      - {id: 4, submit: 3, nodes: 1, duration: 5}
	      - {id: 5, submit: 4, nodes: 1, duration: 10}
EOT
test_expect_success 'a case of backfill by hand: starts, waits, statistics' '
	netemu sim run a.yml >out 2>err && test_must_be_empty err &&
	printf "%s\n" "1 0.0" "2 10.0" "3 2.0" "4 3.0" "5 20.0" >expected &&
	for i in 0 1; do
		columns a/$i/jobs.csv id start >actual && test_cmp expected actual || return 1
	done &&
	printf "%s\n" "1 0.0" "2 10.0" "3 10.0" "4 20.0" "5 20.0" >expected &&
	columns a/2/jobs.csv id start >actual && test_cmp expected actual &&
	test "$(value a/0/summary.json wait mean)" = 5 &&
	test "$(value a/0/summary.json wait max)" = 16 &&
	test "$(value a/2/summary.json wait mean)" = 10 &&
	test "$(value a/0/summary.json makespan)" = 102 &&
	test "$(value a/0/summary.json seed)" = 1 &&
	test "$(value a/0/summary.json algorithms scheduler)" = easy &&
	sed -n "s/^\([0-9]*\) [0-9]* \([0-9]*\) \([0-9]*\) .*/\1 \2 \3/p" a/0/jobs.swf >actual &&
	printf "%s\n" "1 0 10" "2 9 10" "3 0 100" "4 0 5" "5 16 10" >expected &&
	test_cmp expected actual
'

test_expect_success 'one table for the sweep' '
	grep -c . a/table.tsv >actual && echo 4 >expected && test_cmp expected actual &&
	cut -f1,2,3,4 a/table.tsv >actual &&
	printf "id\tscheduler\tjobs_done\tmakespan\n0\teasy\t5\t102\n" >expected &&
	printf "1\tconservative\t5\t102\n2\tfcfs\t5\t110\n" >>expected &&
	test_cmp expected actual && grep -q conservative out
'

cat >ndtorus.yml <<-\EOT
	topology: {kind: pfsim.topology.NDTorusTopology, params: {n: 2, dims: [4, 3]}}
	output: ndtorus
	duration: 100
	algorithms: {router: dor}
	jobs:
	  - list: [{submit: 0, duration: 10, pattern: ring, ranks: 8, bytes: 10}]
EOT
test_expect_success 'a torus by its name in PFSim, which has none that works' '
	netemu sim run ndtorus.yml >out &&
	test "$(value ndtorus/0/summary.json topology hosts)" = 12 &&
	test "$(value ndtorus/0/summary.json topology switches)" = 12 &&
	test "$(value ndtorus/0/summary.json topology links)" = 72 &&
	test_expect_code 1 netemu sim run --compat=pfsim --output compat-torus ndtorus.yml 2>err &&
	grep -q "ndtorus.yml:1: topology: PFSim.s NDTorusTopology ends with an error" err
'

cat >dotted.yml <<-\EOT
	topology: xgft:2x2:1x2@slots=2
	output: dotted
	duration: 100
	plots: no
	algorithms:
	  scheduler: pfsim.scheduler.FCFSScheduler
	  host_selector: [pfsim.host_selector.LinearHostSelector, pfsim.host_selector.RandomHostSelector]
	  process_mapper: [pfsim.process_mapper.RandomProcessMapper, "plane:2"]
	  router: [pfsim.router.GreedyRouter2, "dmodk:leaves"]
	jobs:
	  - list: [{submit: 0, duration: 10, pattern: ring, ranks: 8, bytes: 10}]
EOT
test_expect_success 'algorithms are called the same in outputs, whatever they were asked by' '
	netemu sim run dotted.yml >out && ! grep -r pfsim dotted out &&
	cut -f1-4 dotted/table.tsv >actual && tr " " "\t" >expected <<-\END &&
	id host_selector process_mapper router
	0 linear random-hosts greedy-max
	1 linear random-hosts dmodk:leaves
	2 linear plane:2 greedy-max
	3 linear plane:2 dmodk:leaves
	4 random random-hosts greedy-max
	5 random random-hosts dmodk:leaves
	6 random plane:2 greedy-max
	7 random plane:2 dmodk:leaves
	END
	test_cmp expected actual &&
	test "$(value dotted/4/summary.json algorithms)" = "{${q}scheduler${q}: ${q}fcfs${q},\
 ${q}host_selector${q}: ${q}random${q}, ${q}process_mapper${q}: ${q}random-hosts${q},\
 ${q}router${q}: ${q}greedy-max${q}}"
'

# Two rows of 8 below each switch of 16 slots exchange 16 with the rest, squares 4 x 4
# as many: the bound is below, the ratio above 1.
cat >placed.yml <<-\EOT
	topology: xgft:2x4:1x2@slots=8
	output: placed
	algorithms: {process_mapper: [aware, block], router: ecmp}
	jobs:
	  - list: [{submit: 0, duration: 10, pattern: nn2d, ranks: 64, bytes: 10}]
EOT
test_expect_success 'how far aware is from what no placement is below' '
	netemu sim run placed.yml >out &&
	test "$(value placed/0/summary.json load_over_placement_bound count)" = 1 &&
	python3 - "$(value placed/0/summary.json load_over_placement_bound max)" <<-\EOT &&
		import sys
		assert 1 <= float(sys.argv[1]) <= 2
	EOT
	test "$(value placed/1/summary.json load_over_placement_bound count)" = 0 &&
	netemu sim load --topology xgft:2x4:1x2 --ranks-per-host 8 --pattern nn2d \
		--routing ecmp --placement aware --summary >text &&
	grep -q "^placement: no other on these hosts is below [0-9.]*, largest [0-9.]*, gap" text
'

# Three flows of 1 from one switch to another over two cables: 2 at best, 1.5 when
# they may be split; the optimum is found, so it is the bound.  The second job finds
# the first one there: three more on 2 and 1 make 3 and 3.
cat >bound.yml <<-\EOT
	topology: xgft:6x2:1x2
	output: bound
	algorithms: {host_selector: explicit, router: [minmax, dmodk]}
	jobs:
	  - list:
	    - {submit: 0, duration: 10, hosts: "h[000-002,006-008]", nodes: 6, ranks: 6, pattern: "shift:3", bytes: 1}
	    - {submit: 0, duration: 10, hosts: "h[003-005,009-011]", nodes: 6, ranks: 6, pattern: "shift:3", bytes: 1}
EOT
test_expect_success 'how far minmax is from its bound' '
	netemu sim run bound.yml >out &&
	test "$(columns bound/0/jobs.csv max_load | tr "\n" " ")" = "2.0 2.0 " &&
	test "$(value bound/0/summary.json load_over_routing_bound count)" = 2 &&
	test "$(value bound/0/summary.json load_over_routing_bound min)" = 1 &&
	python3 -c "import sys; assert 1 <= float(sys.argv[1]) < 1 + 1e-9" \
		"$(value bound/0/summary.json load_over_routing_bound max)" &&
	value bound/0/summary.json link_peaks switch_links bytes max >got && echo 3 >expected &&
	test_cmp expected got &&
	test "$(value bound/1/summary.json load_over_routing_bound count)" = 0
'

# 64 hosts that all send to all for 10 s, then nothing for 10 s: links between
# switches carry 60 and 48 flows, on 128 each (4-ary 3-tree), half of the time.
cat >load.yml <<-\EOT
	topology: kary:4:3
	output: load
	snapshots: [5, 10, 99]
	jobs:
	  - list:
	      - {submit: 0, duration: 10, ranks: 64, pattern: all-to-all, bytes: 1000}
	      - {submit: 10, duration: 10, ranks: 64, pattern: none}
EOT
test_expect_success 'loads of links in closed form, over time and on average' '
	netemu sim run load.yml >out &&
	python3 - <<-\EOT &&
		import csv, json
		rows = list(csv.DictReader(open("load/0/links.tsv"), delimiter="\t"))
		isl = [r for r in rows if not r["src"].startswith("h") and not r["dst"].startswith("h")]
		counts = {}
		for r in isl:
		    assert int(r["bytes"]) == 1000 * int(r["flows"])
		    assert float(r["mean_bytes"]) == int(r["bytes"]) / 2, r
		    assert float(r["mean_flows"]) == int(r["flows"]) / 2, r
		    counts[int(r["flows"])] = counts.get(int(r["flows"]), 0) + 1
		assert counts == {48: 128, 60: 128}, counts
		assert all(int(r["flows"]) == 63 for r in rows if r not in isl)
		s = json.load(open("load/0/summary.json"))
		capacity = float(rows[0]["capacity"])
		congestion = s["series"]["Maximum Congestion"]
		assert congestion["max"] == 60000 / capacity and congestion["min"] == 0
		assert congestion["mean"] == 30000 / capacity and congestion["p50"] == 0
		assert congestion["p90"] == 60000 / capacity
		assert s["series"]["Maximum Number of Flows"]["max"] == 60
		mean, n = 54000 / capacity, 256
		deviation = (n * (6000 / capacity) ** 2 / (n - 1)) ** .5
		assert abs(s["series"]["Congestion StdDev"]["max"] - deviation) < 1e-9 * deviation
		for kind in "link_peaks", "link_means":
		    groups = s[kind]["boundaries"]
		    assert len(groups) == 6 and all(g["imbalance"] == 1 for g in groups)
		    assert abs(s[kind]["switch_links"]["imbalance"] - 60 / 54) < 1e-12
	EOT
	printf "Time,Value\n0.0,60\n10.0,0\n20.0,0\n" >expected &&
	test_cmp expected "load/0/Maximum Number of Flows.csv"
'

test_expect_success 'snapshots show what is on the links at their times' '
	ls load/0 | grep graphml >actual &&
	printf "loads-%s.graphml\n" 10.0 5.0 99.0 >expected && test_cmp expected actual &&
	python3 - <<-\EOT
		import re
		def flows(name):
		    text = open("load/0/" + name).read()
		    key = re.search(r"<key [^>]*attr.name=\"flows\"[^>]*>", text).group(0)
		    key = re.search(r" id=\"([^\"]*)\"", key).group(1)
		    return sorted(int(x) for x in re.findall(r"<data key=\"%s\">(\d+)<" % key, text))
		assert flows("loads-5.0.graphml") == sorted([48] * 128 + [60] * 128 + [63] * 128)
		assert set(flows("loads-10.0.graphml")) <= {0}
		assert set(flows("loads-99.0.graphml")) <= {0}
	EOT
'

test_expect_success GNUPLOT 'pictures stand beside their scripts' '
	for name in load distribution topology; do
		test -s load/0/$name.gnuplot && grep -q "</svg>" load/0/$name.svg || return 1
	done &&
	test -s load/compare.gnuplot && grep -q "</svg>" load/compare.svg
'

test_expect_success 'files that cannot be read are told with the line, old results are not shown' '
	echo "{topology: kary:2:2, output: stale, jobs: [{submit: 1, duration: 1, count: 2, ranks: 1}]}" >stale.yml &&
	netemu sim run stale.yml >out && grep -q jobs_done out &&
	printf "topology: kary:2:2\noutput: stale\njobs: [{swf: none.swf}]\n" >stale.yml &&
	test_expect_code 1 netemu sim run stale.yml >out 2>err &&
	grep -q "stale.yml:3: swf: .*none.swf" err && test_must_be_empty out &&
	printf "topology: kary:2:2\noutput: stale\njobs:\n- list:\n  - {submit: 1, duration: 1, ranks: 1, hosts: \"h[0-\"}\n" >stale.yml &&
	test_expect_code 1 netemu sim run stale.yml 2>err && grep -q "stale.yml:5: " err
'

test_expect_success 'a file without jobs is told' '
	: >empty.swf &&
	printf "topology: kary:2:2\noutput: empty\njobs: [{swf: empty.swf}]\n" >empty.yml &&
	netemu sim run empty.yml >out 2>err && grep -q "there are no jobs" err
'

cat >nothing.yml <<-\EOT
	topology: kary:2:2
	output: nothing
	duration: 1
	algorithms: {router: [dmodk, ecmp], process_mapper: [block, "random"]}
	jobs: [{submit: 5, duration: 1, ranks: 4, pattern: ring, count: 1}]
EOT

test_expect_success GNUPLOT 'gnuplot has nothing to say about any script, even without a job' '
	netemu sim run nothing.yml >/dev/null &&
	for dir in load/0 load nothing/0 nothing; do
		(cd $dir && gnuplot ./*.gnuplot) >said 2>&1 || return 1
		# of files without a sample it says so
		sed "/Skipping data file with no valid points/d" said >out
		test_must_be_empty out || return 1
	done
'

cat >sweep.yml <<-\EOT
	topology: [xgft:4x4:1x2@slots=2, kary:4:2@slots=2]
	output: sweep
	plots: no
	duration: 500
	algorithms:
	  host_selector: [linear, random]
	  process_mapper: [block, random]
	  router: [dmodk, random, greedy-max]
	jobs:
	  - submit: {distribution: exponential, params: {mean: 8}}
	    duration: {distribution: uniform, params: {min: 1, max: 30}}
	    ranks: {from: 4, to: 8, times: 2}
	    pattern: ring
	    bytes: 1k
EOT
test_expect_success 'the same bytes from one worker and from two, twice' '
	netemu sim run sweep.yml -j 1 --output one >out.1 &&
	for turn in 2 3; do
		netemu sim run sweep.yml -j 2 --output two.$turn >out.$turn &&
		test_cmp out.1 out.$turn && diff -r one two.$turn || return 1
	done &&
	test "$(ls one | grep -c "^[0-9]*$")" = 48
'

test_expect_success 'all sub-scenarios have the same jobs, another seed has others' '
	columns one/0/jobs.csv id submit run >expected &&
	for i in 2 6 12 47; do
		columns one/$i/jobs.csv id submit run >actual && test_cmp expected actual || return 1
	done &&
	netemu sim run sweep.yml --only=0 --seed=2 --output other &&
	columns other/0/jobs.csv id submit run >actual && ! cmp -s expected actual
'

# Student: t(0.975; 2) = 4.302652729911275.
test_expect_success 'repetitions: mean and confidence interval' '
	sed "s/^duration.*/duration: 500\nrepeat: 3\nseed: 10/; s/^  router.*/  router: dmodk/" sweep.yml >repeat.yml &&
	netemu sim run repeat.yml --output repeat >out &&
	python3 - <<-\EOT
		import csv, json
		rows = list(csv.DictReader(open("repeat/table.tsv"), delimiter="\t"))
		assert len(rows) == 16
		varied = False
		for row in rows:
		    s = [json.load(open("repeat/%s/%d/summary.json" % (row["id"], r))) for r in range(3)]
		    assert [x["seed"] for x in s] == [10, 11, 12]
		    w = [x["response"]["mean"] for x in s]
		    mean = sum(w) / 3
		    half = 4.302652729911275 * (sum((x - mean) ** 2 for x in w) / 2 / 3) ** .5
		    assert abs(float(row["response_mean"]) - mean) < 1e-9 * mean
		    assert abs(float(row["response_mean_ci95"]) - half) < 1e-6 * half + 1e-12
		    varied = varied or half > 0
		    assert row["repetitions"] == "3"
		assert varied
	EOT
'

cat >fails.yml <<-\EOT
	topology: [kary:2:2, missing.graphml, kary:2:3]
	output: fails
	plots: no
	jobs: [{list: [{submit: 0, duration: 1, ranks: 2, pattern: ring, bytes: 1}]}]
EOT
test_expect_success 'one that fails does not stop the others' '
	test_expect_code 1 netemu sim run fails.yml -j 2 >out 2>err &&
	test -f fails/0/summary.json && test -f fails/2/summary.json &&
	test ! -f fails/1/summary.json && no_halves fails &&
	grep -q "^netemu sim run: sub-scenario 1: .*missing.graphml" err &&
	grep -q "^netemu sim run: 1 of 3 sub-scenarios failed" err &&
	awk -F"\t" "\$1 == 1 { print \$3 }" fails/table.tsv >actual &&
	echo - >expected && test_cmp expected actual &&
	test_expect_code 1 netemu sim collect fails 2>err &&
	grep -q "fails: 1 of 3 sub-scenarios have no results, first .1." err
'

test_expect_success 'a job that fits nowhere is rejected by its id' '
	sed "s/kary:5:1/kary:3:1/" a.yml >rejected.yml &&
	netemu sim run rejected.yml --output rejected >out &&
	test "$(value rejected/0/summary.json jobs first_rejected id)" = 2 &&
	columns rejected/0/jobs.csv id outcome | grep -q "^2 rejected"
'

# The second topology is a FIFO: who has opened it for writing knows that a
# worker reads it, and so that the first sub-scenario is there.
cat >halt.yml <<-\EOT
	topology: [kary:2:2, late.graphml, kary:2:3]
	output: halt
	jobs: [{list: [{submit: 0, duration: 1, ranks: 2, pattern: ring, bytes: 1}]}]
EOT
test_expect_success 'resumed after kill -9 it is as if nothing had been' '
	netemu sim topology kary:3:2 --output whole.graphml &&
	cp whole.graphml late.graphml && netemu sim run halt.yml --output expected.d >out.expected &&
	rm late.graphml && mkfifo late.graphml &&
	{ netemu sim run halt.yml & } && pid=$! &&
	exec 9>late.graphml && kill -9 $pid && { wait $pid || :; } && exec 9>&- &&
	rm late.graphml && cp whole.graphml late.graphml &&
	test -f halt/0/summary.json && test ! -f halt/1/summary.json &&
	: >halt/2.csv.abcdef && mkdir -p halt/2 && : >halt/2/jobs.csv.abcdef &&
	rm halt/2.csv.abcdef &&
	netemu sim run halt.yml --resume -v >out 2>err &&
	printf "netemu sim run: sub-scenario %s\n" "0: was there" "1: done" "2: done" >expected &&
	test_cmp expected err && test_cmp out.expected out && diff -r expected.d halt
'

# Numbers in the SPEC of a generated network are no folders of results.
test_expect_success 'results beside the scenario are none of its inputs' '
	mkdir beside && sed "s/late.graphml/kary:3:1/; s/output: .*/output: ./" halt.yml >beside/s.yml &&
	netemu sim run beside/s.yml >out && netemu sim run beside/s.yml --resume -v >out 2>err &&
	printf "netemu sim run: sub-scenario %s\n" "0: was there" "1: was there" "2: was there" >expected &&
	test_cmp expected err && test "$(value beside/2/summary.json inputs)" = "[]"
'

test_expect_success 'what has changed is not taken for done' '
	netemu sim run halt.yml --resume -v >out 2>err && ! grep done err &&
	netemu sim run halt.yml --resume -v --seed=9 >out 2>err && ! grep "was there" err &&
	netemu sim topology kary:4:2 --output late.graphml &&
	netemu sim run halt.yml --resume -v --seed=9 >out 2>err &&
	printf "netemu sim run: sub-scenario %s\n" "0: was there" "1: done" "2: was there" >expected &&
	test_cmp expected err
'

test_expect_success 'interrupted it says so, ends its workers and leaves whole files' '
	rm late.graphml && mkfifo late.graphml && rm -rf halt &&
	{ (trap - INT && exec netemu sim run halt.yml -j 2 2>err) & } && pid=$! &&
	exec 9>late.graphml && kill -TERM $pid && { wait $pid; test $? = 143; } && exec 9>&- &&
	rm late.graphml && grep -q "interrupted; .* of 3 sub-scenarios are in .halt. (--resume goes on)" err &&
	no_halves halt
'

test_expect_success 'no progress where there is no terminal' '
	netemu sim run a.yml -j 2 2>err >out && test_must_be_empty err && ! grep -q "\[" out
'

test_expect_success SCRIPT 'a bar on a terminal' '
	TERM=xterm script -qec "netemu sim run a.yml" /dev/null </dev/null >typed &&
	grep -q "\[#*\.*\] [0-9]/3" typed
'

test_expect_success 'the examples run' '
	cp "$NETEMU_SRCDIR"/etc/scenarios/*.yml . &&
	netemu sim run routing.yml -j 2 >out && test "$(grep -c . out)" = 11 &&
	netemu sim run backfill.yml -j 2 >out && test "$(grep -c . out)" = 10 &&
	netemu sim run neighbours.yml -j 2 >out && test "$(grep -c . out)" = 7
'

# By minimal routes the 18 hosts of a group need one cable; on any other there
# is less.  Valiant spreads them over 17 groups.
test_expect_success 'the example of a dragonfly shows what it says' '
	netemu sim run dragonfly.yml >out &&
	printf "%s\n" flows_max 18 >expected &&
	awk -F"\t" "NR == 1 { for (i = 1; i <= NF; i++) if (\$i == \"flows_max\") at = i }
		NR < 3 { print \$at } NR == 3 { valiant = \$at }
		END { exit !(valiant < 18) }" out-dragonfly/table.tsv >actual &&
	test_cmp expected actual &&
	awk -F"\t" "\$5 == 18 { print \$4 }" out-dragonfly/0/links.tsv | sort -u >actual &&
	echo $((18 << 30)) >expected && test_cmp expected actual &&
	test "$(awk -F"\t" "\$5 == 18" out-dragonfly/0/links.tsv | wc -l)" = 19
'

test_expect_success 'a swept value of ours and options of PFSim' '
	netemu sim run a.yml -p 2 --output p >out && diff -r a p &&
	netemu sim run --parallel=2 a.yml --output p2 >out && diff -r a p2
'

# Two runs of 8 ranks on 4 nodes, 100 s and 60 s long, the second submitted 20 s
# after the first.
make_run() {
	mkdir -p "$1/mpi" && "$NETEMU_BUILDDIR/tests/gen-ranks" -n 4 "$1/mpi" 8 &&
		cat >"$1/run.json" <<-EOT
			{"version": 1, "cluster": "c", "job": $2, "step": "0", "name": "app",
			 "nodes": [{"name": "n00"}, {"name": "n01"}, {"name": "n02"}, {"name": "n03"}],
			 "submit": $3, "start": $4, "end": $5}
		EOT
}

# Bytes between ranks on different hosts, two ranks in turn on each: what the
# links of hosts have to carry, once up and once down.
between_hosts() {
	netemu-matrix --format=tsv "$1" | awk 'NR > 1 && int($1 / 2) != int($2 / 2) { sum += $3 }
		END { printf "%d\n", sum }'
}

test_expect_success 'what if: recorded runs on other networks' '
	make_run netemu.7.0 7 1700000000 1700000000 1700000100 &&
	make_run netemu.8.0 8 1700000020 1700000100 1700000160 &&
	netemu sim run 7.0 netemu.8.0 --topology kary:2:2@slots=2 --topology xgft:4x4:1x2@slots=2 \
		--routing dmodk,greedy-max --placement block,cyclic -j 2 --output what-if >out 2>err &&
	test "$(grep -c . what-if/table.tsv)" = 9 &&
	printf "%s\n" "7 0.0 0.0 100.0 4" "8 20.0 100.0 60.0 4" >expected &&
	columns what-if/0/jobs.csv id submit start run hosts_used >actual && test_cmp expected actual &&
	printf "%s\n" "7 0.0 0.0 100.0 4" "8 20.0 20.0 60.0 4" >expected &&
	columns what-if/4/jobs.csv id submit start run hosts_used >actual && test_cmp expected actual &&
	between_hosts netemu.7.0 >expected && test "$(cat expected)" -gt 0 &&
	for direction in \$1 \$2; do
		awk -F"\t" "NR > 1 && $direction ~ /^h/ { sum += \$4 } END { printf \"%d\\n\", sum }" \
			what-if/0/links.tsv >actual && test_cmp expected actual || return 1
	done &&
	test "$(value what-if/0/summary.json jobs share_recorded)" = 1 &&
	value what-if/0/summary.json inputs 0 path | grep -q "/netemu.7.0$"
'

test_expect_success 'accounting joined with runs; the share that has a matrix is told' '
	mkdir -p kept && cp -r netemu.7.0 kept &&
	cat >sacct.txt <<-\EOT &&
		JobID|Submit|Start|End|NNodes|NCPUS|NodeList|State
		7|2023-11-14T22:13:20|2023-11-14T22:13:20|2023-11-14T22:15:00|4|8|n[00-03]|COMPLETED
		9|2023-11-14T22:13:21|2023-11-14T22:15:00|2023-11-14T22:20:00|2|4|n[00-01]|COMPLETED
	EOT
	netemu sim run --sacct sacct.txt --runs kept --pattern ring --bytes 1k \
		--topology kary:2:2@slots=2 --output joined >out 2>err &&
	printf "%s\n" "7 0.0 100.0 8" "9 1.0 300.0 4" >expected &&
	columns joined/0/jobs.csv id submit run ranks >actual && test_cmp expected actual &&
	printf "%s\n" recorded 0.4 >expected &&
	awk -F"\t" "{ print \$NF }" joined/table.tsv >actual && test_cmp expected actual
'

# Rank files name two operations; both cross the links between switches.
test_expect_success 'hot links are named with the operations that load them' '
	python3 - <<-\EOT
		import json
		for i in range(8):
		    jobs = json.load(open("what-if/%d/summary.json" % i))["hot_links_of_jobs"]
		    assert [job["job"] for job in jobs] == [7, 8]
		    for job in jobs:
		        if i < 4:
		            assert job["links"]
		        for link in job["links"]:
		            ops = link["operations"]
		            assert {op["name"] for op in ops} <= {"p2p", "allreduce"} and ops
		            assert sum(op["bytes"] for op in ops) == link["bytes"], link
	EOT
'

test_expect_success 'what if needs a network, and runs that are there' '
	test_expect_code 1 netemu sim run 7.0 2>err && grep -q "runs need --topology" err &&
	test_expect_code 1 netemu sim run 99.0 --topology kary:2:2 2>err && grep -q "netemu.99.0" err &&
	test_expect_code 1 netemu sim run a.yml --topology kary:2:2 2>err &&
	grep -q "has its own topology" err
'

# The static values of PFSim on its cluster, which the paper is about.
test_expect_success PFSIM 'scenarios of PFSim run as they are' '
	mkdir there && cp -r "$shared"/pfsim/topologies "$shared"/pfsim/traces "$shared"/pfsim/*.yml there &&
	for name in cg milc xgft-cg; do
		netemu sim run there/$name.yml -j 2 >out && test "$(grep -c . out)" = 13 || return 1
	done &&
	cut -f1,12 there/output/milk-cg/table.tsv | sed -n 2,7p >actual &&
	printf "%s\t%s\n" 0 5928262656 1 3260400000 2 2964262664 3 11708587972 4 10522987972 \
		5 10374525380 >expected &&
	test_cmp expected actual &&
	cut -f1,12 there/output/milk-milc/table.tsv | sed -n 2,7p >actual &&
	printf "%s\t%s\n" 0 4597266432 1 3792248768 2 3792248768 3 5743219456 4 5021909120 \
		5 4848272192 >expected &&
	test_cmp expected actual
'

test_expect_success PFSIM 'with --compat=pfsim they give what PFSim gave, to the byte' '
	netemu sim run there/cg.yml --compat=pfsim --seed=12345 --output compat -j 2 >out &&
	for i in 0 1 2 3 4 5; do
		diff -r -x summary.json -x "*.gnuplot" "$shared/pfsim/golden/dynamic-cg-seed12345/$i" compat/$i ||
			return 1
	done &&
	test "$(value compat/0/summary.json series "Maximum Congestion" max)" = 5928262656.0 &&
	netemu sim run there/xgft-cg.yml --compat=pfsim --output compat-xgft >out &&
	grep -q "Number of Links *| 192 " compat-xgft/0/result.txt
'

test_done
