#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what a replay sent, on the links of netemu sim'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"

command -v python3 >/dev/null || skip_all="python3 is not installed"
test -x "$NETEMU_BUILDDIR/netemu-sim" || skip_all="netemu-sim is not built"
test -x "$NETEMU_BUILDDIR/netemu-matrix" || skip_all="netemu-matrix is not built"
test -z "$skip_all" || test_done

# load SPEC ROUTING RUN ARGS...: the links under that run, rank r on host r.
load() {
	spec=$1 routing=$2 run=$3
	shift 3
	"$NETEMU_BUILDDIR/netemu-sim" load --topology "$spec" --routing "$routing" --pattern "$run" \
		--placement block --ranks-per-host 1 "$@"
}
matrix() {
	"$NETEMU_BUILDDIR/netemu-matrix" --format=tsv "$@"
}
# coll TYPE SIZE: a trace of that collective.
coll() {
	echo "{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 7, \"comm_type\": \"$1\",
		\"comm_size\": $2, \"data_deps\": []}]}"
}
echo '{"all-reduce-implementation": ["ring"], "all-to-all-implementation": ["direct"],
	"preferred-dataset-splits": 1}' >system.json
networks=tcp
test_have_prereq VERBS && networks="tcp verbs"

# each FILE BYTES COUNT: all links carry so many bytes, and there are so many of them.
each() {
	awk -F"\t" -v bytes="$2" -v count="$3" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bytes") column = i; next }
		{ n++ } $column != bytes { print; bad = 1 }
		END { exit bad || n != count }' "$1"
}

# In a ring each rank sends 2 (N - 1) shards of S / N, and receives as many; in a direct all-to-all
# N - 1 blocks of S / N: on a star that is what each link carries, in both directions.
for network in $networks; do
	test_expect_success "$network: ring all-reduce and all-to-all on a star, by the formula" '
		replay_with= &&
		test $network = tcp || replay_over_device &&
		coll ALL_REDUCE 1048576 >reduce.json && coll ALL_TO_ALL 1048576 >a2a.json &&
		for n in 2 4 8; do
			rm -rf reduce a2a &&
			ranks $n --network=$network --workload reduce.json --system system.json \
				--dir reduce >out &&
			load xgft:$n:1 dmodk reduce >links &&
			each links $((2 * (n - 1) * 1048576 / n)) $((2 * n)) &&
			ranks $n --network=$network --workload a2a.json --system system.json \
				--dir a2a >out &&
			load xgft:$n:1 dmodk a2a --from=replay >links &&
			each links $(((n - 1) * 1048576 / n)) $((2 * n)) || return 1
		done
	'
done
replay_with=

test_expect_success 'odd sizes: the links up carry 2 (N - 1) S in all, and those down too' '
	coll ALL_REDUCE 1000003 >odd.json &&
	ranks 5 --network=tcp --workload odd.json --system system.json --dir odd >out &&
	load xgft:5:1 dmodk odd >links &&
	test "$(awk -F"\t" "NR > 1 { sum += \$4 } END { print sum }" links)" -eq \
		$((2 * 2 * 4 * 1000003))
'

# A run that netprof might have recorded: uneven bytes and messages between 8 ranks, some pairs
# silent, some of one empty message.
cat >record.py <<\END
import json, os, random
draw = random.Random(20261129)
ranks = 8
sent = {(a, b): (draw.randrange(100000), draw.randrange(1, 9))
        for a in range(ranks) for b in range(ranks) if a != b and draw.random() < 0.7}
sent[(0, 1)] = (0, 1)
os.makedirs("recorded/mpi")
for me in range(ranks):
    sums = {}
    for (a, b), (size, count) in sent.items():
        for rank, peer, k in ((a, b, 0), (b, a, 2)):
            if rank == me:
                cell = sums.setdefault(peer, [0] * 4)
                cell[k] += size
                cell[k + 1] += count
    names = ["tx_bytes", "tx_messages", "rx_bytes", "rx_messages"]
    peers = sorted(sums)
    table = {"peer": peers}
    table.update({name: [sums[p][k] for p in peers] for k, name in enumerate(names)})
    document = {"version": 1, "complete": True, "rank": me, "n_procs": ranks, "node": "n%d" % me,
                "peers": dict(table, first_ns=[0] * len(peers), last_ns=[1000] * len(peers)),
                "ops": {"p2p": table}}
    document.update({name: [sums.get(p, [0] * 4)[k] for p in range(ranks)]
                     for k, name in enumerate(names)})
    json.dump(document, open("recorded/mpi/rank-%d.json" % me, "w"))
END
test_expect_success 'what was recorded, generated and replayed loads the same links' '
	python3 record.py &&
	"$REPLAY" generate --from=recorded again &&
	ranks 8 --network=tcp --workload again --dir replayed >out &&
	matrix recorded >expected && matrix --from=replay replayed >actual &&
	test_cmp expected actual &&
	for spec in xgft:8:1 xgft:2x4:1x2 torus:2x4 dragonfly:1:4:1; do
		for routing in dmodk smodk ecmp dor minimal; do
			load $spec $routing recorded >expected 2>err || continue
			load $spec $routing replayed >actual && test_cmp expected actual || return 1
			echo $spec $routing >>compared
		done
	done &&
	for spec in xgft:8:1 xgft:2x4:1x2 torus:2x4 dragonfly:1:4:1; do
		grep "^$spec" compared || return 1
	done
'

test_expect_success 'of a run with several matrices the one that is asked for' '
	cp -R recorded both && cp -R reduce/replay both/ &&
	load xgft:8:1 dmodk both --from=replay >actual && load xgft:8:1 dmodk reduce >expected &&
	test_cmp expected actual &&
	load xgft:8:1 dmodk both >actual && load xgft:8:1 dmodk recorded >expected &&
	test_cmp expected actual &&
	test_must_fail load xgft:8:1 dmodk reduce --from=mpi 2>err &&
	grep "no .mpi. in it" err &&
	test_expect_code 2 load xgft:8:1 dmodk reduce --from=ether 2>err && grep ether err
'

test_expect_success 'a scenario takes a run with a ledger as the traffic of a job' '
	for run in recorded replayed; do
		mkdir -p scene.$run && cp -R $run scene.$run/run &&
		cat >scene.$run/scene.yml <<-END &&
		topology: xgft:2x4:1x2
		output: out
		jobs:
		  - list: [{submit: 0, nodes: 8, duration: 10, trace: run}]
		END
		(cd scene.$run && "$NETEMU_BUILDDIR/netemu-sim" run scene.yml) || return 1
	done &&
	test -s scene.recorded/out/table.tsv &&
	grep -q "^[1-9]" "scene.recorded/out/0/Maximum Congestion.csv" &&
	: "summary.json has digests of the files that were read" &&
	diff -r -x "*.svg" -x "*.gnuplot" -x summary.json scene.recorded/out scene.replayed/out
'

device_done
