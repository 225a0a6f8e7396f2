#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='from a job under --netprof to the links it heats

A real job on 4 nodes, then netemu sim run and load on what it left, over two
networks and every routing that fits them.  What must be on the links is worked
out here, from the tables of netemu matrix, from node-*.json and the rule of each
routing.'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
# shellcheck source=tests/lib-cluster.sh
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
# shellcheck source=tests/lib-netprof.sh
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
mpi_need
skip_unless python3
netprof_start 4
PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export PATH LC_ALL

# Two leaves of two nodes, two spines: the nodes by their own names ...
cat >topology.conf <<'END'
SwitchName=leaf0 Nodes=node[0-1]
SwitchName=leaf1 Nodes=node[2-3]
SwitchName=spine0 Switches=leaf[0-1]
SwitchName=spine1 Switches=leaf[0-1]
END
named=slurm:topology.conf@slots=2@rate=100Gbit/s
# ... and a tree with names of its own, whose hosts they become in order.
tree=kary:2:2@slots=2@rate=200Gbit/s
routings=dmodk,smodk,random,ecmp,greedy,greedy-max,minmax

# What must be, by hand: `links FOLDER NAMES RULE' and so on.
cat >byhand.py <<'END'
import csv, glob, itertools, json, subprocess, sys

RUN = glob.glob("run/netemu.*")[0]
NAMES = {"named": ("node%d", "leaf%d", "spine%d"), "tree": ("h00%d", "s1-%d.0", "s2-%d.0")}

def matrix(*options):
    text = subprocess.run(["netemu-matrix", "--format=tsv", *options, RUN], check=True,
                          capture_output=True, text=True).stdout
    return {(r["from"], r["to"]): int(r["bytes"]) for r in csv.DictReader(text.splitlines(), delimiter="\t")}

def node_of_rank():
    at = {}
    for name in glob.glob(RUN + "/node-*.json"):
        node = json.load(open(name))
        for rank in node["ranks"]:
            at[str(rank["rank"])] = int(node["node"][4:])
    return at

AT = node_of_rank()
OPS = json.loads(subprocess.run(["netemu-matrix", "--format=json", RUN], check=True, capture_output=True,
                                text=True).stdout)["ops"]

# Bytes between nodes of what the options of netemu matrix select, from its pairs of ranks.
def between_nodes(*options):
    sums = {}
    for (a, b), size in matrix(*options).items():
        if AT[a] != AT[b] and size:
            sums[AT[a], AT[b]] = sums.get((AT[a], AT[b]), 0) + size
    return sums

# The links of the pair a, b: those of hosts, and over which spine it goes.
def path(a, b, spine):
    if a // 2 == b // 2:
        return [("h", a, "l", a // 2), ("l", a // 2, "h", b)]
    return [("h", a, "l", a // 2), ("l", a // 2, "s", spine), ("s", spine, "l", b // 2), ("l", b // 2, "h", b)]

RULES = {"dmodk": lambda a, b: b % 2, "smodk": lambda a, b: a % 2}

def loads(pairs, rule):
    links = {}
    for (a, b), size in pairs.items():
        for link in path(a, b, RULES[rule](a, b)):
            links[link] = links.get(link, 0) + size
    return links

def named(names, link):
    name = dict(zip("hls", NAMES[names]))
    return name[link[0]] % link[1], name[link[2]] % link[3]

# A table of links: bytes by (source, destination), without the idle ones.
def table(path, column="bytes"):
    rows = csv.DictReader(open(path), delimiter="\t")
    sums = {}
    for r in rows: # parallel cables together
        if float(r[column]):
            sums[r["src"], r["dst"]] = sums.get((r["src"], r["dst"]), 0) + float(r[column])
    return sums

def is_switch(name):
    return not name.startswith(("h0", "node"))

def between_switches(links):
    return {link: size for link, size in links.items() if is_switch(link[0]) and is_switch(link[1])}

PAIRS = between_nodes()

def crossing(a, b):
    return a // 2 != b // 2

# The least maximum: the pairs from one leaf to the other shared out over two spines.
def least_maximum():
    worst = 0
    for leaf in 0, 1:
        sizes = [size for (a, b), size in PAIRS.items() if a // 2 == leaf and crossing(a, b)]
        worst = max(worst, min(max(sum(s for s, k in zip(sizes, way) if k), sum(s for s, k in zip(sizes, way) if not k))
                               for way in itertools.product((0, 1), repeat=len(sizes))))
    return worst
END

test_expect_success PROFILER 'a job of 8 ranks on 4 nodes, recorded in windows of 100 ms' '
	srun -N4 -n8 --ntasks-per-node=2 --mpi=pmix -J e2e --netprof="dir=$PWD/run,window=100ms" \
		"$TESTBIN/traffic" send alltoall slow allreduce datatypes 2>err &&
	dump_run run/netemu.* && expect_complete 8 && expect_symmetric &&
	grep -q "8 ranks, 4 nodes" err
'
run=$(echo run/netemu.*)
test ! -d "$run" || test_set_prereq RUN

test_expect_success RUN 'netemu sim run, two networks, seven routings, the nodes and ranks it had' '
	netemu sim run "$run" --topology "$named" --topology "$tree" --routing $routings \
		--selection explicit --placement explicit --output out -j 2 >table 2>err &&
	test_line_count 15 table &&
	test "$(grep -c warning: err)" = 1 && grep -q "warning: .*node0" err &&
	awk -F"\t" "NR > 1 { print \$2, \$3 }" out/table.tsv | sed "s,.*topology.conf,named,
		s,kary:2:2,tree," | sed "s/@[^ ]*//" >actual &&
	for network in named tree; do
		for routing in $(echo $routings | tr , " "); do
			echo "$network $routing" || return 1
		done
	done >expected &&
	test_cmp expected actual
'

test_expect_success RUN 'D-mod-K and S-mod-K, link by link' '
	python3 - <<-\END
		from byhand import *
		for sub, names, rule in (0, "named", "dmodk"), (1, "named", "smodk"), (7, "tree", "dmodk"), (8, "tree", "smodk"):
		    expected = {named(names, link): size for link, size in loads(PAIRS, rule).items()}
		    assert table("out/%d/links.tsv" % sub) == expected, (sub, expected)
	END
'

test_expect_success RUN 'nothing is lost: links between switches carry the bytes times the hops' '
	python3 - <<-\END
		from byhand import *
		by_node = {(int(a[4:]), int(b[4:])): size for (a, b), size in matrix("--by=node").items()}
		expected = sum(2 * size for (a, b), size in by_node.items() if crossing(a, b))
		assert expected > 0
		for sub in range(14):
		    links = table("out/%d/links.tsv" % sub)
		    assert sum(between_switches(links).values()) == expected, sub
		    for leaf in 0, 1:
		        up = sum(s for (a, b), s in between_switches(links).items()
		                 if a in ("leaf%d" % leaf, "s1-%d.0" % leaf))
		        assert up == sum(s for (a, b), s in by_node.items() if crossing(a, b) and a // 2 == leaf)
	END
'

test_expect_success RUN 'ecmp halves, minmax is the optimum, no greedy one is below it' '
	python3 - <<-\END
		from byhand import *
		optimum = least_maximum()
		for first in 0, 7:
		    top = [max(between_switches(table("out/%d/links.tsv" % (first + k))).values()) for k in range(7)]
		    half = max(sum(s for (a, b), s in PAIRS.items() if crossing(a, b) and a // 2 == leaf) for leaf in (0, 1)) / 2
		    assert top[3] == half, top
		    assert top[6] == optimum, (top, optimum)
		    assert all(t >= optimum for k, t in enumerate(top) if k != 3), (top, optimum)
	END
'

test_expect_success RUN 'hot links are named, with the operations that heat them' '
	python3 - <<-\END
		from byhand import *
		by_op = {op: between_nodes("--op=" + op) for op in OPS}
		assert {"p2p", "alltoall", "allreduce"} <= set(by_op)
		for sub, names, rule in (0, "named", "dmodk"), (1, "named", "smodk"), (7, "tree", "dmodk"), (8, "tree", "smodk"):
		    on = {op: {named(names, l): s for l, s in loads(pairs, rule).items()} for op, pairs in by_op.items()}
		    all = {named(names, l): s for l, s in loads(PAIRS, rule).items()}
		    summary = json.load(open("out/%d/summary.json" % sub))
		    [job] = summary["hot_links_of_jobs"]
		    assert job["name"] == "e2e" and len(job["links"]) == 5, job
		    hottest = sorted(between_switches(all).values(), reverse=True)[:5]
		    assert [link["bytes"] for link in job["links"]] == hottest
		    for link in job["links"]:
		        where = link["src"], link["dst"]
		        assert link["bytes"] == all[where]
		        assert {op["name"]: op["bytes"] for op in link["operations"]} == \
		            {op: on[op][where] for op in on if where in on[op]}, (link, on)
		        assert sum(pair["bytes"] for pair in link["top_pairs"]) == all[where]
		    seen = {(l["src"], l["dst"]): l["bytes"] for l in summary["hottest_links"]}
		    assert all.items() >= seen.items() and seen
	END
'

test_expect_success RUN 'netemu sim load puts the same on the links' '
	sub=0 &&
	for network in "$named" "$tree"; do
		for routing in $(echo $routings | tr , " "); do
			netemu sim load --topology "$network" --pattern "$run" --routing $routing \
				--output links.tsv --summary >summary 2>err &&
			cut -f 1-7 out/$sub/links.tsv >expected &&
			test_cmp expected links.tsv || return 1
			sub=$((sub + 1))
		done
	done &&
	netemu sim compare --fail=0% out/0 out/0/links.tsv --what=links >/dev/null &&
	test_expect_code 1 netemu sim compare --fail=1% out/0 out/1 --what=links >/dev/null
'

test_expect_success RUN 'and the same when the job id names the run' '
	job=$(echo "$run" | sed "s/.*netemu\.//") && (
		cd run &&
		netemu sim load --topology "slurm:../${named#slurm:}" --pattern "$job" --routing minmax
	) >actual &&
	cut -f 1-7 out/6/links.tsv >expected && test_cmp expected actual
'

# A snapshot each 100 ms shows each window once.
test_expect_success RUN 'window by window: never more than the total, in sum all of it' '
	sed "s/^output:.*/output: .\ntraffic: windows\nplots: no\nsnapshots: {every: 0.1}/" \
		out/scenario.yml >windows.yml &&
	netemu sim run windows.yml --output windows -j 2 >table 2>err &&
	python3 - <<-\END
		from byhand import *
		import xml.etree.ElementTree as xml
		text = subprocess.run(["netemu-matrix", "--window", "--format=tsv", RUN], check=True,
		                      capture_output=True, text=True).stdout
		windows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
		assert len(windows) >= 10, windows
		assert all(int(w["start_ns"]) == 100000000 * int(w["window"]) for w in windows), windows
		parts = [between_nodes("--window=" + w["window"]) for w in windows]

		# bytes of links by the names of their ends
		def snapshot(file):
		    space = "{http://graphml.graphdrawing.org/xmlns}"
		    root = xml.parse(file).getroot()
		    [key] = [k.get("id") for k in root.iter(space + "key") if k.get("attr.name") == "bytes"]
		    links = {}
		    for edge in root.iter(space + "edge"):
		        for data in edge.iter(space + "data"):
		            if data.get("key") == key and float(data.text):
		                links[edge.get("source"), edge.get("target")] = float(data.text)
		    return links

		for sub in range(14):
		    names, rule = ("named", "tree")[sub // 7], ("dmodk", "smodk")[sub % 7] if sub % 7 < 2 else None
		    files = ["windows/%d/loads-%s.graphml" % (sub, int(w["window"]) / 10) for w in windows]
		    total, sums = table("out/%d/links.tsv" % sub), {}
		    for file, part in zip(files, parts):
		        links = snapshot(file)
		        if rule:
		            assert links == {named(names, link): size for link, size in loads(part, rule).items()}, file
		        for link, size in links.items():
		            sums[link] = sums.get(link, 0) + size
		    assert sums == total, (sub, sums, total)
		    peak = table("windows/%d/links.tsv" % sub)
		    assert all(peak[link] <= total[link] for link in peak)
		    highest = [max(float(r["Value"]) for r in csv.DictReader(open("%s/%d/Maximum Congestion.csv" % (where, sub))))
		               for where in ("windows", "out")]
		    assert 0 < highest[0] <= highest[1], (sub, highest)
	END
'

# Rings and dragonflies, with the routings that are theirs.
test_expect_success RUN 'other kinds of networks, the routings that are theirs' '
	netemu sim run "$run" --topology torus:2x2@slots=2 --routing dor,ecmp,minmax \
		--selection explicit --placement explicit --output torus >table 2>err &&
	netemu sim run "$run" --topology dragonfly:1:2:1@slots=2 --routing minimal,valiant \
		--selection explicit --placement explicit --output dragonfly >table 2>err &&
	python3 - <<-\END
		from byhand import *
		sent = sum(PAIRS.values())
		# neighbours on the torus are one hop apart, opposite corners two
		hops = sum(size * (2 if {a, b} in ({0, 3}, {1, 2}) else 1) for (a, b), size in PAIRS.items())
		for sub in range(3):
		    links = table("torus/%d/links.tsv" % sub)
		    assert sum(between_switches(links).values()) == hops, sub
		    assert sum(links.values()) == hops + 2 * sent
		for sub in range(2):
		    links = table("dragonfly/%d/links.tsv" % sub)
		    assert sum(links.values()) - sum(between_switches(links).values()) == 2 * sent
	END
'

test_expect_success RUN 'a routing that does not fit says so, the others are there' '
	test_expect_code 1 netemu sim run "$run" --topology "$tree" --routing dor,dmodk \
		--output misfit >table 2>err &&
	grep -q "^netemu sim run: sub-scenario 0: .*dor" err &&
	test -f misfit/1/summary.json && test ! -f misfit/0/summary.json
'

test_done
