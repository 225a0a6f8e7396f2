#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay: what comes of traces, and what goes wrong'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-replay.sh"
. "$NETEMU_SRCDIR/tests/lib-completion.sh"

# nodes FILE NODE...: a trace of nodes, each a JSON object.
nodes() {
	file=$1
	shift
	printf "{\"workload_graph\": [" >"$file"
	comma=
	for node in "$@"; do
		printf "%s%s" "$comma" "$node" >>"$file"
		comma=,
	done
	echo "]}" >>"$file"
}
coll() { echo "{\"Id\": $1, \"NodeType\": 7, \"comm_type\": \"$2\", \"comm_size\": $3, \"data_deps\": [${4:-}]}"; }
comp() { echo "{\"Id\": $1, \"NodeType\": 4, \"runtime\": $2, \"data_deps\": [${3:-}]}"; }
send() { echo "{\"Id\": $1, \"NodeType\": 5, \"comm_dst\": $2, \"comm_size\": $3, \"comm_tag\": ${5:-0}, \"data_deps\": [${4:-}]}"; }
recv() { echo "{\"Id\": $1, \"NodeType\": 6, \"comm_src\": $2, \"comm_size\": $3, \"comm_tag\": ${5:-0}, \"data_deps\": [${4:-}]}"; }

networks=tcp
test_have_prereq VERBS && networks="tcp verbs"
# over NETWORK: what ranks run with.
over() {
	replay_with=
	test "$1" != verbs || replay_over_device
}

test_expect_success '--help names every option of the manual, and the manual each of --help' '
	"$REPLAY" run --help >help &&
	sed -n "s/^ *\(-.,\)\{0,1\} *--\([a-z_-]*\).*/\2/p" help | sort -u >in-help &&
	for option in $(cat in-help); do
		grep -q -e "--$(echo "$option" | sed "s/_/[\\\\\\\\_]*_/g")" \
			"$NETEMU_SRCDIR/doc/netemu-replay.1.scd" || {
			echo "$option is not in the manual"
			return 1
		}
	done
'

test_expect_success BASH 'completion knows the options of each command' '
	for command in run info convert generate plot; do
		"$REPLAY" $command --help |
			sed -n "s/^ *\(-.,\)\{0,1\} *\(--[a-z_-]*\).*/\2/p" | sort -u >expected &&
		complete_words netemu replay $command -- | sed "s/=$//" | sort -u >actual &&
		test_cmp expected actual || return 1
	done
'

test_expect_success 'wrong usage is refused with 2 and a sentence' '
	for args in "" "--workload" "--workload x --network ether" "--workload x --mtu ten" \
		"--workload x --comm-scale 0" "--workload x --spin soon" "--workload x y"; do
		test_expect_code 2 "$REPLAY" run $args 2>err && test -s err || return 1
	done &&
	test_expect_code 2 "$REPLAY" rum 2>err && grep "run" err
'

nodes all.json "$(coll 1 ALL_REDUCE 1000003)" "$(coll 2 ALL_GATHER 5001 1)" \
	"$(coll 3 REDUCE_SCATTER 70001 2)" "$(coll 4 ALL_TO_ALL 9999 3)" \
	"$(coll 5 BROADCAST 12345 4)" "$(coll 6 REDUCE 12345 5)" "$(coll 7 GATHER 1001 6)" \
	"$(coll 8 SCATTER 1001 7)" "$(coll 9 BARRIER 0 8)"
for splits in 1 4; do
	for algorithm in ring direct direct2 halvingDoubling doubleBinaryTree; do
		other=$algorithm
		test $algorithm != doubleBinaryTree || other=ring
		a2a=direct
		test $algorithm != ring || a2a=ring
		echo "{\"preferred-dataset-splits\": $splits, \"active-chunks-per-dimension\": 2,
			\"all-reduce-implementation\": [\"$algorithm\"],
			\"all-gather-implementation\": [\"$other\"],
			\"reduce-scatter-implementation\": [\"$other\"],
			\"all-to-all-implementation\": [\"$a2a\"]}" >system.$algorithm.$splits
	done
done

test_expect_success 'model: every collective by every algorithm, each byte as it must be' '
	for n in 1 3 5; do
		for system in system.*; do
			"$REPLAY" --network=model --ranks $n --workload all.json --system $system \
				--verify >out || return 1
		done
	done &&
	test $(grep -c "^sys" out) -eq 5
'

for network in $networks; do
	test_expect_success "$network: every collective, each byte as it must be" '
		over $network &&
		for system in system.ring.4 system.direct.1 system.halvingDoubling.4 \
			system.doubleBinaryTree.4; do
			ranks 5 --network=$network --workload all.json --system $system --verify \
				>out || return 1
		done &&
		test $(grep -c "^sys" out) -eq 5 &&
		grep "^all-reduce *5 *1000003 *1 " out
	'
done

test_expect_success 'what all networks carry is the same, pair by pair' '
	"$REPLAY" --network=model --ranks 5 --workload all.json --system system.ring.4 \
		--summary model.json >out &&
	for network in $networks; do
		over $network &&
		ranks 5 --network=$network --workload all.json --system system.ring.4 \
			--summary $network.json >out || return 1
	done &&
	cat >compare.py <<-\END &&
	import json, sys
	pairs = [json.load(open(f + ".json"))["pairs"] for f in sys.argv[1:]]
	assert pairs[0] and all(p == pairs[0] for p in pairs), pairs
	END
	python3 compare.py model $networks
'

test_expect_success 'the ledger is what netemu matrix says' '
	over tcp &&
	ranks 5 --network=tcp --workload all.json --dir run --summary tcp.json >out &&
	"$NETEMU_BUILDDIR/netemu-matrix" --from=replay --format=json run >matrix.json &&
	cat >ledger.py <<-\END &&
	import json
	summary = json.load(open("tcp.json"))
	total = sum(p["bytes"] for p in summary["pairs"])
	text = open("matrix.json").read()
	assert str(total) in text, (total, text[:500])
	END
	python3 ledger.py
'

for r in 0 1 2 3; do
	next=$((r + 1)) before=$((r - 1))
	if test $r = 0; then
		nodes pipe.$r.json "$(comp 1 5000)" "$(send 2 1 1048576 1)"
	elif test $r = 3; then
		nodes pipe.$r.json "$(recv 1 2 1048576)" "$(comp 2 5000 1)"
	else
		nodes pipe.$r.json "$(recv 1 $before 1048576)" "$(comp 2 5000 1)" \
			"$(send 3 $next 1048576 2)"
	fi
done
for network in $networks; do
	test_expect_success "$network: a pipeline: each stage ends a computation after the one before" '
		over $network &&
		ranks 4 --network=$network --workload pipe >out &&
		awk "/^sys/ { ranks++; if (\$3 < ranks * 5000000) exit 1 } END { exit ranks != 4 }" out
	'
done

nodes overlap.json "$(comp 1 20000)" "$(coll 2 ALL_REDUCE 1000)" "$(comp 3 20000 1)"
test_expect_success 'communication runs beside computation, or, with merged lanes, after it' '
	"$REPLAY" --network=model --ranks 2 --workload overlap.json >out &&
	grep "sys.0. finished, 40000000 cycles, exposed communication 0 cycles" out &&
	"$REPLAY" --network=model --ranks 2 --workload overlap.json --merged-lanes >out &&
	! grep " 40000000 cycles" out
'

# ---- what goes wrong ----

# fails NETWORK SENTENCE N ARGS...: on all ranks, and soon.
fails() {
	over "$1"
	network=$1 sentence=$2 n=$3
	shift 3
	start=$(date +%s)
	test_must_fail ranks "$n" "--network=$network" --wait 4 --timeout 2 "$@" &&
	! grep -qx 0 status.* && ! grep -qx 124 status.* &&
	test $(($(date +%s) - start)) -le 20 &&
	grep -e "$sentence" err.*
}

nodes sizes.0.json "$(send 1 1 100 "" 7)"
nodes sizes.1.json "$(recv 5000000001 0 200 "" 7)"
nodes alone.0.json "$(comp 1 1)"
nodes alone.1.json "$(recv 4 0 64 "" 3)"
nodes cycle.json "$(comp 1 1 3)" "$(comp 2 1 1)" "$(comp 3 1 2)"
nodes stray.json "$(send 1 9 100)"
nodes nowhere.json "{\"Id\": 7, \"Name\": \"p2p\", \"NodeType\": 5, \"comm_size\": 5}"
nodes group.json "{\"Id\": 7, \"NodeType\": 7, \"comm_type\": 0, \"comm_size\": 5, \"pg_name\": \"4\"}"
for network in $networks; do
	test_expect_success "$network: sizes that differ are named, both of them" '
		fails $network "rank 0 sends 100 bytes.*rank 1 (node 5000000001) receives 200" 2 \
			--workload sizes
	'
	test_expect_success "$network: what waits for ever is named: rank, node, peer, tag" '
		fails $network "rank 1 .*node 4 .*COMM_RECV, of rank 0, tag 3, 64 bytes" 2 \
			--workload alone
	'
	test_expect_success "$network: a missing rank is named" '
		over $network &&
		mkdir -p missing && rm -rf missing/* &&
		test_must_fail env "NETEMU_RDV=file:$PWD/missing:2" NETEMU_RANK=0 \
			$replay_with "$REPLAY" --network=$network --wait 2 --workload alone 2>err &&
		grep "1 of 2 ranks is missing: 1" err
	'
	test_expect_success "$network: a missing trace" '
		fails $network "no trace of rank 2: .alone.2.et. is not there" 3 --workload alone
	'
	test_expect_success "$network: a topology of another size" '
		fails $network "dimensions for 8 ranks, but there are 3" 3 --workload all.json \
			--logical_topology 4x2
	'
done
test_expect_success 'model: what waits for ever is named' '
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload alone 2>err &&
	grep "rank 1" err
'
test_expect_success 'a cycle, a rank that is not there, a send to nowhere, an unknown group' '
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload cycle.json 2>err &&
	grep "cycle.json: nodes wait for each other: " err &&
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload stray.json 2>err &&
	grep "node 1 .*there is no such rank" err &&
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload nowhere.json 2>err &&
	grep "node 7 .p2p. (COMM_SEND): comm_dst is missing" err &&
	test_must_fail "$REPLAY" --network=model --ranks 2 --workload group.json 2>err &&
	grep "node 7 .*its group is not known" err
'
test_expect_success VERBS 'a device that is not there: those that are, are named' '
	over verbs &&
	test_must_fail ranks 2 --network=verbs --rdma_driver mlx5_9 --workload all.json 2>err &&
	grep "no RDMA device .mlx5_9.: there are netemu0" err
'

nodes long.json "$(comp 1 60000000)" "$(coll 2 ALL_REDUCE 100 1)"
for network in $networks; do
	test_expect_success "$network: a killed rank ends all, and is named" '
		over $network &&
		rm -rf meeting && mkdir meeting && meeting=file:$PWD/meeting:3 &&
		for r in 0 1 2; do
			(one_rank $r --network=$network --workload long.json --verbose 2>err.$r) &
			eval pid$r=\$!
		done &&
		for r in 0 1 2; do
			tail -n +1 -F --pid=$pid2 err.$r 2>tail.$r | grep -q -m1 begins || return 1
		done &&
		kill -9 $(pgrep -P $pid2 -x netemu-replay) &&
		! wait $pid0 && ! wait $pid1 && ! wait $pid2 &&
		grep "rank 2 (.*) is gone" err.0 && grep "rank 2 (.*) is gone" err.1
	'
done

# On Ctrl-C a terminal tells all at once, srun and mpirun too.
for network in $networks; do
	test_expect_success "$network: interrupted ranks end at once, and leave nothing" '
		over $network &&
		rm -rf meeting dir err.* && mkdir meeting && meeting=file:$PWD/meeting:3 &&
		for r in 0 1 2; do
			(one_rank $r --network=$network --workload long.json --verbose --dir dir \
				--summary sum.json --chrome-trace=event 2>err.$r) &
			eval pid$r=\$!
		done &&
		for r in 0 1 2; do
			tail -n +1 -F --pid=$pid2 err.$r 2>tail.$r | grep -q -m1 begins || return 1
		done &&
		kill $(pgrep -P $pid0,$pid1,$pid2 -x netemu-replay) &&
		for r in $pid0 $pid1 $pid2; do
			test_expect_code 143 wait $r || return 1
		done &&
		test $(cat err.* | grep -c "rank [0-2] was interrupted") -eq 3 &&
		nothing_left && ! test -e sum.json && ! ls dir/replay/*.json.*
	'
done
test_expect_success "interrupted before all have come: a rank ends at once" '
	over tcp &&
	rm -rf meeting && mkdir meeting && meeting=file:$PWD/meeting:2 &&
	(one_rank 0 --network=tcp --workload long.json 2>err) & pid=$! &&
	until ls meeting/*/*/fence.* >fences 2>/dev/null; do kill -0 $pid || return 1; done &&
	kill $(pgrep -P $pid -x netemu-replay) &&
	test_expect_code 143 wait $pid
'

# ---- the published sample ----

test_expect_success CHAKRA 'the sample of PyTorch: replayed by its durations alone' '
	"$REPLAY" --network=model --ranks 1 --workload "$CHAKRA/pytorch_ddp.0.et" --replay-only \
		>out &&
	grep "finished, 297046000 cycles" out
'
for network in $networks; do
	test_expect_success CHAKRA "$network: the sample of PyTorch on 4 ranks: all bytes of its 7 collectives" '
		over $network &&
		ranks 4 --network=$network --workload "$CHAKRA/pytorch_ddp.0.et" \
			--summary sum.json >out &&
		cat >sum.py <<-\END &&
		import json
		reduced = 8196000 + 31502336 + 26255360 + 26550272 + 9724160
		broadcast = 212480 + 424
		total = sum(p["bytes"] for p in json.load(open("sum.json"))["pairs"])
		assert total == 2 * 3 * reduced + 3 * broadcast, total
		END
		python3 sum.py
	'
done
test_expect_success CHAKRA,VERBS 'Genie'"'"'s example with its own files and flags' '
	over verbs &&
	genie=$CHAKRA/genie_all_gather_4 &&
	ranks 4 --workload "$genie/ALL_GATHER" --system "$genie/system.json" \
		--memory "$genie/remote_memory.json" \
		--logical_topology "$genie/logical_topology_4.json" \
		--rdma_driver netemu0 --rdma_port 1 >out &&
	test $(grep -c "^sys.[0-3]. finished, [0-9]* cycles, exposed communication [0-9]* cycles.$" \
		out) -eq 4
'

test_done
