#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the links under a recorded run: which operations load them'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-load.sh"

# run DIR NODE...: a run whose rank r was on the r-th NODE and sent what standard
# input says: OPERATION FROM TO BYTES MESSAGES
cat >make-run.py <<'END'
import json, os, sys
dir, nodes = sys.argv[1], sys.argv[2:]
rows = [line.split() for line in sys.stdin]
rows = [(op, int(a), int(b), int(size), int(count)) for op, a, b, size, count in rows]
ranks = len(nodes)
os.makedirs(dir + "/mpi")

def dense(sums, k):
    return [sums.get(peer, [0] * 4)[k] for peer in range(ranks)]

def table(sums, times):
    peers = sorted(sums)
    names = ["tx_bytes", "tx_messages", "rx_bytes", "rx_messages"]
    made = {"peer": peers}
    made.update({name: [sums[p][k] for p in peers] for k, name in enumerate(names)})
    if times:
        made.update({"first_ns": [0 for p in peers], "last_ns": [1 for p in peers]})
    return made

for rank in range(ranks):
    ops, all = {}, {}
    for op, a, b, size, count in rows:
        for me, peer, k in ((a, b, 0), (b, a, 2)):
            if me == rank:
                for sums in (ops.setdefault(op, {}), all):
                    cell = sums.setdefault(peer, [0] * 4)
                    cell[k] += size
                    cell[k + 1] += count
    document = {"version": 1, "complete": True, "rank": rank, "n_procs": ranks,
                "node": nodes[rank], "job": "7", "step": "0",
                "tx_bytes": dense(all, 0), "tx_messages": dense(all, 1),
                "rx_bytes": dense(all, 2), "rx_messages": dense(all, 3),
                "peers": table(all, True),
                "ops": {op: table(ops[op], False) for op in sorted(ops)}}
    json.dump(document, open("%s/mpi/rank-%d.json" % (dir, rank), "w"))
names = sorted(set(nodes), key=nodes.index)
for k, name in enumerate(names):
    json.dump({"version": 1, "node": name,
               "ranks": [{"rank": r, "exit": 0} for r in range(ranks) if nodes[r] == name]},
              open("%s/node-%d.json" % (dir, k), "w"))
json.dump({"version": 1, "job": 7, "step": "0", "nodes": [{"name": name} for name in names]},
          open(dir + "/run.json", "w"))
END

# Two hosts on each of two leaves, two spines; by D-mod-K to host 2 over one and
# to host 3 over the other spine.
cat >traffic <<'END'
p2p 0 2 1000 2
p2p 1 2 500 1
bcast 0 1 300 1
bcast 0 2 300 1
bcast 0 3 300 1
allreduce 1 2 40 5
allreduce 2 1 40 5
END

# the hottest links between switches of `json'
cat >hot.py <<'END'
import json
for link in json.load(open("json"))["hot"]:
    print(link["src"], link["bytes"], link["flows"],
          "pairs " + " ".join("%s>%s:%g" % (p["from"], p["to"], p["bytes"]) for p in link["top_pairs"]),
          "ops " + " ".join("%s:%g" % (op["name"], op["bytes"]) for op in link["operations"]))
END

run() {
	load --topology kary:2:2 --pattern "$@" --summary=json >json 2>err &&
	python3 hot.py >actual
}

test_expect_success 'hot links with their pairs and operations' '
	python3 make-run.py netemu.7.0 h000 h001 h002 h003 <traffic &&
	run netemu.7.0 --routing dmodk --output links &&
	test_must_be_empty err &&
	cat >expected <<-END &&
	s1-0.0 1840 2 pairs h000>h002:1300 h001>h002:540 ops p2p:1500 bcast:300 allreduce:40
	s2-0.0 1840 2 pairs h000>h002:1300 h001>h002:540 ops p2p:1500 bcast:300 allreduce:40
	s1-0.0 300 1 pairs h000>h003:300 ops bcast:300
	s2-1.0 300 1 pairs h000>h003:300 ops bcast:300
	s1-1.0 40 1 pairs h002>h001:40 ops allreduce:40
	s2-1.0 40 1 pairs h002>h001:40 ops allreduce:40
	END
	sort -k 2,2nr -k 1,1 actual >sorted && test_cmp expected sorted &&
	grep -q "\"placement\":.*\"given\"" json
'

test_expect_success 'by its job id as well' '
	run 7 --routing dmodk && sort -k 2,2nr -k 1,1 actual >sorted && test_cmp expected sorted
'

test_expect_success 'the operations of a link make up its bytes' '
	python3 - <<-END
	import json
	for which in "hot", "hot_hosts":
	    for link in json.load(open("json"))[which]:
	        assert sum(op["bytes"] for op in link["operations"]) == link["bytes"]
	        assert sum(pair["bytes"] for pair in link["top_pairs"]) == link["bytes"]
	END
'

# Up from leaf 0 go 1840 + 300, half over each spine.
test_expect_success 'operations of flows that are split' '
	run netemu.7.0 --routing ecmp &&
	grep "^s1-0.0 " actual >out &&
	cat >expected <<-END &&
	s1-0.0 1070 1.5 pairs h000>h002:650 h001>h002:270 h000>h003:150 ops p2p:750 bcast:300 allreduce:20
	s1-0.0 1070 1.5 pairs h000>h002:650 h001>h002:270 h000>h003:150 ops p2p:750 bcast:300 allreduce:20
	END
	test_cmp expected out
'

test_expect_success 'hosts of the same names, whatever their order' '
	python3 make-run.py turned h003 h002 h001 h000 <traffic &&
	run turned --routing dmodk &&
	test_must_be_empty err &&
	grep "^s1-1.0 1840 2 pairs h003>h001:1300 h002>h001:540 ops p2p:1500 bcast:300 allreduce:40" actual
'

test_expect_success 'two ranks on a host say nothing to the links' '
	python3 make-run.py packed h000 h000 h002 h002 <traffic &&
	run packed --routing dmodk &&
	grep "^s1-0.0 2140 3 pairs h000>h002:2140 ops p2p:1500 bcast:600 allreduce:40" actual
'

test_expect_success 'other names: in order, with a warning' '
	python3 make-run.py foreign c4 c3 c2 c1 <traffic &&
	run foreign --routing dmodk &&
	grep -q "^netemu sim load: warning: .*c1" err &&
	grep "^s1-1.0 1840 2 pairs h003>h001:1300 h002>h001:540 " actual
'

if netemu-sim load --topology kary:2:2 --pattern none --routing dmodk --hosts 'c[1-2]=h[000-001]' >out 2>&1; then
	test_set_prereq HOSTLIST
fi

test_expect_success HOSTLIST '--hosts says which they are' '
	run foreign --routing dmodk --hosts "c[1-3]=h[000-002]" --hosts c4=h003 &&
	test_must_be_empty err &&
	grep "^s1-1.0 1840 2 pairs h003>h001:1300 h002>h001:540 " actual &&
	test_expect_code 2 load --topology kary:2:2 --pattern foreign --routing dmodk \
		--hosts c1 2>err &&
	grep -q "^netemu sim load: --hosts: .c1. is not NODES=HOSTS" err &&
	test_expect_code 1 load --topology kary:2:2 --pattern foreign --routing dmodk \
		--hosts c1=nowhere 2>err &&
	grep -q "^netemu sim load: .*nowhere" err
'

# Ranks 0 and 2 on h000 send 300 + 300 + 40 to the others, in 3 pairs.
test_expect_success 'another placement of the same run' '
	run netemu.7.0 --routing dmodk --placement cyclic --ranks-per-host 2 &&
	test_must_be_empty actual &&
	load --topology kary:2:2 --pattern netemu.7.0 --routing dmodk --placement cyclic \
		--ranks-per-host 2 >links &&
	awk -F"\t" "\$1 == \"h000\" { print \$4, \$5 }" links >out &&
	echo "640 3" >expected && test_cmp expected out
'

test_expect_success 'a folder of rank files has no hosts' '
	load --topology kary:2:2 --pattern netemu.7.0/mpi --routing dmodk --summary=json >json &&
	grep -q "\"placement\":.*\"block\"" json &&
	test_expect_code 1 load --topology kary:2:2 --pattern netemu.7.0/mpi --routing dmodk \
		--placement given 2>err &&
	grep -q "^netemu sim load: .netemu.7.0/mpi.: does not say on which hosts of .kary:2:2. its ranks were$" err
'

test_expect_success 'more ranks than there is room' '
	python3 make-run.py six a b c d e f <traffic &&
	test_expect_code 1 load --topology kary:2:2 --pattern six --routing dmodk \
		--placement block 2>err &&
	grep -q "^netemu sim load: .six. has 6 ranks, more than the 4 hosts of .kary:2:2. take" err &&
	load --topology kary:2:2@slots=2 --pattern six --routing dmodk --placement block >out
'

test_expect_success 'several runs of a job: name one' '
	cp -r netemu.7.0 netemu.7.1 &&
	test_expect_code 1 load --topology kary:2:2 --pattern 7 --routing dmodk 2>err &&
	grep -q "^netemu sim load: .7. has 2 runs, name one: " err &&
	load --topology kary:2:2 --pattern 7.1 --routing dmodk >out
'

test_expect_success 'a run of 64 ranks from gen-ranks: nothing gets lost' '
	mkdir many && gen-ranks -n 8 many 64 &&
	load --topology kary:4:2@slots=4 --pattern many --routing greedy-max --summary=json \
		--top 1000 >json &&
	python3 - <<-END
	import json
	summary = json.load(open("json"))
	assert summary["ranks"] == 64
	for link in summary["hot"] + summary["hot_hosts"]:
	    assert sum(op["bytes"] for op in link["operations"]) == link["bytes"]
	    assert link["operations"][0]["name"] == "p2p"
	END
'

test_done
