#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what patterns put on the links of networks, against closed forms'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-load.sh"

if test -d "$shared/pfsim/golden"; then
	test_set_prereq GOLDEN
else
	echo "# no $shared/pfsim/golden: what PFSim computed is not compared"
fi

# K-ary N-trees: all links of boundary l carry K^N - K^l flows both ways, those of
# hosts K^N - 1 (a K-ary N-tree is a fat tree in which D-mod-K spreads evenly).
tree() {
	k=$1 n=$2 routing=$3
	network "kary:$k:$n" all-to-all "$routing" || return 1
	hosts=1 l=0
	while test $l -lt "$n"; do
		hosts=$((hosts * k)) l=$((l + 1))
	done
	l=1 below=$k
	is "$((hosts - 1)):$hosts" hist h s1 && is "$((hosts - 1)):$hosts" hist s1 h || return 1
	while test $l -lt "$n"; do
		is "$((hosts - below)):$hosts" hist "s$l-" "s$((l + 1))-" &&
		is "$((hosts - below)):$hosts" hist "s$((l + 1))-" "s$l-" &&
		is "$((hosts - below)):$hosts" group "boundary $l up" &&
		is "$((hosts - below)):$hosts" group "boundary $l down" || return 1
		below=$((below * k)) l=$((l + 1))
	done
}

for routing in dmodk smodk; do
	for kn in "4 3" "2 4" "12 2" "4 2" "3 3" "18 2" "5 3" "3 4" "2 7" "7 2"; do
		test_expect_success "all-to-all on a $kn tree, $routing" '
			tree $kn $routing
		'
	done
done

test_expect_success '4-ary 3-tree: links between switches, hops, destinations' '
	network kary:4:3 all-to-all dmodk &&
	is "48:128 60:128" group "between switches" &&
	is "256 links, 13824 bytes, 13824 flows" what "between switches" &&
	is "2:192 4:768 6:3072" what "pairs by links on the path" &&
	is "4032 routed, 0 unroutable" what "pairs of hosts" &&
	is "1:128 3:64 15:64" what "links between switches by destinations"
'

for routing in dmodk smodk; do
	for kn in 4:2 4:3 2:4 3:3 12:2 18:2; do
		test_expect_success "no shift loads a link of kary:$kn twice, $routing" '
			network kary:$kn shift:all $routing &&
			count=$(($(wc -l <links) - 1)) &&
			is "1:$count" what "shifts by their largest flows on a link" &&
			awk "NR > 1 && (\$1 != NR - 1 || \$2 != 1 || \$3 != 1 || \$4 != 0)" links >bad &&
			test_must_be_empty bad
		'
	done
done

# the most flows on a link
most() {
	awk 'NR > 1 && $5 > most { most = $5 } END { print most + 0 }' links
}

# 18 leaves with 18 hosts, 9 spines, 2 cables to each
test_expect_success '324 nodes with parallel cables' '
	network xgft:18x18:1x9:1x2 all-to-all dmodk &&
	is "306:648" group "between switches" &&
	is "648 links, 198288 bytes, 198288 flows" what "between switches" &&
	is "1:324 17:324" what "links between switches by destinations" &&
	network xgft:18x18:1x9:1x2 shift:all dmodk &&
	is "1:323" what "shifts by their largest flows on a link"
'

test_expect_success 'a slimmed tree' '
	network xgft:4x4x3:1x2x2 all-to-all dmodk &&
	is 47:48 hist h s1 && is 47:48 hist s1 h &&
	is 88:24 hist s1 s2 && is 88:24 hist s2 s1 &&
	is 128:12 hist s2 s3 && is 128:12 hist s3 s2 &&
	network xgft:4x4x3:1x2x2 shift:all dmodk &&
	is "1:4 2:12 3:8 4:23" what "shifts by their largest flows on a link" &&
	network xgft:4x4x3:1x2x2 permutation:complement dmodk &&
	is 4 most
'

test_expect_success 'an uneven modulus: 20 hosts, 4 edges, 2 cores' '
	milk >milk.graphml &&
	network milk.graphml all-to-all dmodk &&
	is "35:4 40:4" hist edge core && is "30:4 45:4" hist core edge &&
	network milk.graphml shift:all dmodk &&
	is "1:4 2:4 3:11" what "shifts by their largest flows on a link" &&
	network milk.graphml all-to-all smodk &&
	is "30:4 45:4" hist edge core && is "35:4 40:4" hist core edge
'

for routing in dmodk smodk; do
	test_expect_success "permutations, $routing" '
		while read -r spec name expected; do
			network $spec permutation:$name $routing && is $expected most || return 1
		done <<-END
		kary:4:3 complement 1
		kary:4:3 half 1
		kary:4:3 reversal:4 3
		kary:12:2 reversal:12 11
		xgft:18x18:1x9:1x2 reversal:18 17
		END
	'
done

# A ring of K switches with ties to +: over N / K rings, of each dimension.
ring() {
	k=$1 n=$2
	if test $((k % 2)) = 0; then
		half=$((k / 2))
		echo "$((n * half * (half + 1) / 2 / k)) $((n * (half - 1) * half / 2 / k))"
	else
		half=$(((k - 1) / 2))
		echo "$((n * half * (half + 1) / 2 / k)) $((n * half * (half + 1) / 2 / k))"
	fi
}

# torus DIMS: what DOR gives in each dimension, and the sum of hops between switches
torus() {
	n=1 hops=0 dim=0
	for k in $(echo "$1" | tr x ' '); do
		n=$((n * k))
	done
	network "torus:$1" all-to-all dor || return 1
	for k in $(echo "$1" | tr x ' '); do
		set -- "$(ring "$k" $n)"
		set -- "${1% *}" "${1#* }"
		is "$1:$n" group "boundary 1 +$dim" && is "$2:$n" group "boundary 1 -$dim" || return 1
		hops=$((hops + n * $1 + n * $2)) dim=$((dim + 1))
	done
	is "$hops" sum_of_hops
}

sum_of_hops() {
	what "pairs by links on the path" | tr ' ' '\n' |
		awk -F: '{ sum += ($1 - 2) * $2 } END { print sum }'
}

for dims in 4x4x4 5x5 8x8 3x4x5 6x3 7 3x3x3x3; do
	test_expect_success "torus $dims in dimension order" '
		torus $dims
	'
done

test_expect_success 'torus: the figures themselves' '
	is "48 16" ring 4 64 && is "15 15" ring 5 25 && is "80 48" ring 8 64 &&
	network torus:4x4x4 all-to-all dor && is 12288 sum_of_hops &&
	network torus:5x5 all-to-all dor && is 1500 sum_of_hops &&
	network torus:8x8 all-to-all dor && is 16384 sum_of_hops &&
	network torus:3x4x5 all-to-all dor && is 10320 sum_of_hops
'

# Canonical dragonflies: global links (P A)^2, local ones P^2 (1 + 2 A H)
for pah in "2 4 2" "4 8 4" "1 2 1" "3 6 3"; do
	test_expect_success "dragonfly $pah, minimal" '
		set -- $pah && groups=$(($2 * $3 + 1)) &&
		network dragonfly:$1:$2:$3 all-to-all minimal &&
		is "$(($1 * $2 * $1 * $2)):$((groups * $2 * $3))" group "boundary 1 global" &&
		is "$(($1 * $1 * (1 + 2 * $2 * $3))):$((groups * $2 * ($2 - 1)))" group "boundary 1 local"
	'
done

test_expect_success 'minmax: the bound and how far it is' '
	network kary:4:3 permutation:reversal:4 minmax &&
	is 1 most && grep -qx "bound 1, largest 1, gap 0.00 %" summary &&
	load --topology kary:4:3 --pattern permutation:reversal:4 --routing minmax \
		--summary=json >json &&
	python3 -c "
import json
bound = json.load(open(\"json\"))[\"bound\"]
assert bound == {\"bound\": 1, \"most\": 1, \"gap\": 0}, bound"
'

# --- as PFSim ---

test_expect_success 'PFSim takes the destination modulo the width at every level' '
	network kary:4:3 all-to-all dmodk --compat=pfsim &&
	is "0:96 60:128 192:32" group "between switches" &&
	network kary:4:3 shift:all dmodk --compat=pfsim &&
	is "1:8 2:8 3:8 4:39" what "shifts by their largest flows on a link" &&
	network kary:2:4 all-to-all dmodk --compat=pfsim &&
	is 14:16 hist s1- s2- && is "0:8 24:8" hist s2- s3- && is "0:12 32:4" hist s3- s4-
'

test_expect_success 'PFSim counts on no link of a host' '
	network milk.graphml all-to-all dmodk --compat=pfsim &&
	is 0:20 hist m edge && is "35:4 40:4" hist edge core &&
	! grep -q "boundary 0" summary
'

# golden TRACE MAPPER ROUTER PLACEMENT ROUTING: links to the byte, and the row of
# static-summary.csv: integers exact, means to 1e-12
golden() {
	load --topology "$shared/pfsim/topologies/milk.graphml" --compat=pfsim \
		--pattern "$shared/pfsim/traces/$1.tar.gz" --placement "$4" --routing "$5" \
		--output links --summary=json >summary &&
	awk -F'\t' 'NR > 1 && $1 !~ /^milk/ && $2 !~ /^milk/ { print $1 "," $2 "," $3 "," $4 "," $5 }' \
		links | sort >actual &&
	tail -n +2 "$shared/pfsim/golden/milk.$1.$2.$3.csv" | tr -d '\r' | sort >expected &&
	test_cmp expected actual &&
	grep "^milk,$1,$2,$3," "$shared/pfsim/golden/static-summary.csv" >row &&
	python3 - <<-END
	import json
	row = open("row").read().strip().split(",")
	links = json.load(open("summary"))["switch_links"]
	congestion = links["congestion"]
	assert congestion["max"] == float(row[8]) and congestion["min"] == float(row[9])
	assert abs(congestion["mean"] / float(row[10]) - 1) < 1e-12
	assert abs(congestion["variance"] ** 0.5 / float(row[11]) - 1) < 1e-12
	assert links["flows"]["max"] == int(row[12]) and links["bytes"]["sum"] == int(row[13])
	END
}

for trace in cg-c-128 milc-128; do
	for mapper in Linear:block Cyclic:cyclic; do
		for router in DmodKRouter:dmodk GreedyRouter:greedy GreedyRouter2:greedy-max; do
			test_expect_success GOLDEN "PFSim: $trace, $mapper, $router" '
				golden $trace ${mapper%:*}ProcessMapper ${router%:*} ${mapper#*:} ${router#*:}
			'
		done
	done
done

# --- what the outputs say together ---

test_expect_success 'table, JSON and summary agree' '
	load --topology milk.graphml --pattern nn2d --routing smodk --ranks-per-host 3 \
		--bytes 1000 >links &&
	load --topology milk.graphml --pattern nn2d --routing smodk --ranks-per-host 3 \
		--bytes 1000 --format json >links.json &&
	load --topology milk.graphml --pattern nn2d --routing smodk --ranks-per-host 3 \
		--bytes 1000 --summary=json >summary.json &&
	python3 - <<-END
	import json
	rows = [line.rstrip("\n").split("\t") for line in open("links")]
	assert rows.pop(0) == "src dst capacity bytes flows src_port dst_port".split()
	document = json.load(open("links.json"))
	assert document["version"] == 1
	assert document["summary"] == json.load(open("summary.json"))
	def cell(value):
	    return "-" if value is None else str(value)
	assert rows == [[cell(link[key]) for key in "src dst capacity bytes flows src_port dst_port".split()]
	                for link in document["links"]]
	assert rows == sorted(rows, key=lambda row: (row[0], row[1]))
	summary = document["summary"]
	for group in summary["boundaries"]:
	    assert sum(bin["links"] for bin in group["bytes"]["histogram"]) == group["links"]
	assert sum(group["bytes"]["sum"] for group in summary["boundaries"]) == sum(int(row[3]) for row in rows)
	assert sum(group["flows"]["sum"] for group in summary["boundaries"]) == sum(int(row[4]) for row in rows)
	assert all(int(row[3]) == 1000 * int(row[4]) for row in rows)
	hot = summary["hot"]
	isl = sorted((int(row[3]) for row in rows if "m" not in row[0] + row[1]), reverse=True)
	assert [link["bytes"] for link in hot] == isl[:10]
	# all pairs of a link when there are few
	for link in hot:
	    if link["pairs"] == len(link["top_pairs"]):
	        assert sum(pair["bytes"] for pair in link["top_pairs"]) == link["bytes"]
	assert summary["ranks"] == 60 and summary["pattern"] == "nn2d"
	END
'

test_expect_success 'several ranks on a host: flows are pairs of ranks' '
	network kary:2:2 all-to-all dmodk --ranks-per-host 3 --bytes 10 &&
	is 27:4 hist h s1 && is 18:4 hist s1 s2 &&
	awk -F"\t" "NR > 1 && \$4 != 10 * \$5" links >bad && test_must_be_empty bad
'

# Every pattern once more by hand: 4 hosts on one switch
test_expect_success 'placements move ranks' '
	network xgft:4:1 shift:1 dmodk --ranks-per-host 2 &&
	is 1:4 hist h s1 &&
	network xgft:4:1 shift:1 dmodk --ranks-per-host 2 --placement cyclic &&
	is 2:4 hist h s1
'

test_expect_success 'outputs have our names, whatever algorithms were asked by' '
	load --topology kary:2:2 --pattern ring --routing pfsim.router.DmodKRouter \
		--placement pfsim.process_mapper.CyclicProcessMapper --summary=json >json &&
	python3 -c "
import json
summary = json.load(open(\"json\"))
assert (summary[\"routing\"], summary[\"placement\"]) == (\"dmodk\", \"cyclic\")" &&
	load --topology kary:2:2 --pattern ring --routing pfsim.router.DmodKRouter \
		--placement pfsim.process_mapper.CyclicProcessMapper --summary >summary &&
	grep -qx "pattern ring: 4 ranks, placement cyclic, routing dmodk" summary
'

test_expect_success 'the same bytes again, other routes for another seed' '
	for i in 1 2; do
		load --topology kary:4:3 --pattern random:7 --routing random --seed 5 \
			--format json >out$i || return 1
	done &&
	test_cmp out1 out2 &&
	load --topology kary:4:3 --pattern random:7 --routing random --seed 6 --format json >out3 &&
	! cmp -s out1 out3
'

test_expect_success 'a summary does not change what is routed' '
	for routing in random greedy-max ecmp; do
		spec=kary:4:2 &&
		load --topology $spec --pattern all-to-all --routing $routing >plain &&
		network $spec all-to-all $routing && test_cmp plain links || return 1
	done
'

# 144 hosts: 143 pairs on the link of each, 12 x 132 leave each leaf over 12 links.
test_expect_success 'large all-to-all: pairs are named where they are known' '
	for routing in dmodk smodk ecmp random; do
		load --topology xgft:12x12:1x12 --pattern all-to-all --routing $routing --top 3 \
			--summary=json >json-$routing || return 1
	done &&
	python3 - <<-END
	import json
	for routing in "dmodk", "smodk", "ecmp", "random":
	    for which in "hot", "hot_hosts":
	        for link in json.load(open("json-" + routing))[which]:
	            if which == "hot_hosts":
	                assert link["pairs"] == link["flows"] == 143
	            elif routing == "random":
	                assert link["pairs"] == link["flows"] >= 132
	            else:
	                assert link["flows"] == 132 and link["pairs"] == (1584 if routing == "ecmp" else 132)
	END
'

test_expect_success 'ECMP splits without losing anything' '
	network xgft:4x4x3:1x2x3 all-to-all ecmp --bytes 1 &&
	load --topology xgft:4x4x3:1x2x3 --pattern all-to-all --routing ecmp --summary=json >json &&
	python3 - <<-END
	import json
	boundaries = json.load(open("json"))["boundaries"]
	total = [group["flows"]["sum"] for group in boundaries]
	# 48 x 47 pairs, 48 x 44 leave the leaf, 48 x 32 the subtree
	assert total == [2256, 2256, 2112, 2112, 1536, 1536], total
	END
'

test_expect_success '--link-rate: congestion in seconds' '
	network kary:2:2 all-to-all dmodk --bytes 1000000 --link-rate 8Gbit/s &&
	awk -F"\t" "NR > 1 && \$3 != 1000000000" links >bad && test_must_be_empty bad &&
	grep -A3 "^between switches" summary | grep -q "congestion max 0.002 " &&
	test_must_fail load --topology kary:2:2@rate=100Gbit/s --pattern all-to-all \
		--routing dmodk --link-rate 8Gbit/s 2>err &&
	grep -q "^netemu sim load: --link-rate: the capacities of .kary:2:2@rate=100Gbit/s. have a unit" err
'

test_expect_success 'GraphML with the loads, which is a topology again' '
	load --topology kary:3:2 --pattern all-to-all --routing dmodk --graphml out.graphml >links &&
	grep -q "attr.name=\"bytes\"" out.graphml && grep -q "attr.name=\"flows\"" out.graphml &&
	load --topology out.graphml --pattern all-to-all --routing dmodk >again &&
	test_cmp links again
'

test_expect_success 'pairs without a way are counted and one is named' '
	sed "/source=\"edge4\"/d" milk.graphml >cut.graphml &&
	network cut.graphml all-to-all dmodk &&
	is "230 routed, 150 unroutable (the first: m01 -> m16)" what "pairs of hosts"
'

# --- measured ---

test_expect_success 'what is measured is compared link by link' '
	network kary:2:2 all-to-all dmodk --bytes 100 &&
	load --topology kary:2:2 --pattern all-to-all --routing dmodk --bytes 100 \
		--measured links --fail 0 >out &&
	grep -q "^difference: 0.00 % " out &&
	{ printf "src\tdst\tbytes\tflows\tsrc_port\tdst_port\tmessages\twire_bytes\tqueue_ns\n" &&
	  awk -F"\t" "NR > 1 && NR < 17 { print \$1 \"\t\" \$2 \"\t\" \$4 + (NR == 2 ? 30 : 0) \"\t\" \$5 \"\t\" \$6 \"\t\" \$7 \"\t1\t2\t3\" }
		END { print \"x\ty\t6\t1\t1\t1\t1\t1\t1\" }" links; } >measured &&
	load --topology kary:2:2 --pattern all-to-all --routing dmodk --bytes 100 \
		--measured measured --format tsv >out &&
	head -2 out | cut -f 1,2,5- >actual &&
	printf "src\tdst\tpredicted\tmeasured\tdifference\tratio\tmessages\twire_bytes\tqueue_ns\n" >expected &&
	printf "h000\ts1-0.0\t300\t330\t30\t1.1\t1\t2\t3\n" >>expected &&
	test_cmp expected actual &&
	load --topology kary:2:2 --pattern all-to-all --routing dmodk --bytes 100 \
		--measured measured --format json >json &&
	python3 - <<-END
	import json
	diff = json.load(open("json"))
	lost = int(open("links").read().split("\n")[16].split("\t")[3])
	total = sum(int(line.split("\t")[3]) for line in open("links").read().split("\n")[1:17])
	assert diff["moved"] == 30 + 6 + lost and diff["only"] == [1, 1] and diff["changed"] == 3
	assert abs(diff["difference"] - diff["moved"] / total) < 1e-15
	assert diff["top"][1]["bytes"] == [300, 330] and diff["top"][2]["bytes"] == [None, 6]
	END
'

test_expect_success '--fail: exit status 1 and a sentence' '
	test_expect_code 1 load --topology kary:2:2 --pattern all-to-all --routing dmodk \
		--bytes 100 --measured measured --fail=1% >out 2>err &&
	grep -q "^netemu sim load: .measured. differs from the prediction by .* %, more than 1 %$" err &&
	load --topology kary:2:2 --pattern all-to-all --routing dmodk --bytes 100 \
		--measured measured --fail=100 >out
'

# --- compare ---

test_expect_success 'two tables: what changed, largest first' '
	load --topology kary:4:3 --pattern all-to-all --routing dmodk >good &&
	load --topology kary:4:3 --pattern all-to-all --routing dmodk --format json >good.json &&
	sed "s/\t60\t60\t/\t192\t192\t/" good >bad &&
	netemu-sim compare --fail 0 good good.json >out &&
	grep -q "^difference: 0.00 %" out && ! grep -q "^s" out &&
	netemu-sim compare --top 3 good bad >out &&
	grep -q "^links in both 384, only A 0, only B 0, with other bytes 128$" out &&
	grep -q "^most on a link  *63  *192 " out &&
	grep -q "^and 125 links more$" out &&
	test_expect_code 1 netemu-sim compare --fail 10% good bad >out 2>err &&
	grep -q "^netemu sim compare: .good. and .bad. differ by .* %, more than 10 %$" err &&
	netemu-sim compare --format tsv good bad >out &&
	test $(wc -l <out) = 385 &&
	test $(grep -c "60	192	132	3.2$" out) = 128
'

test_expect_success 'two folders: links and jobs' '
	mkdir one two && cp good one/links.tsv && cp bad two/links.tsv &&
	printf "id,name,source,outcome,wait,run\n0,a,0,done,0,10\n1,\"b, c\",0,done,5,10\n" >one/jobs.csv &&
	printf "id,name,source,outcome,wait,run\n0,a,0,done,0,10\n1,\"b, c\",0,done,2.5,15\n" >two/jobs.csv &&
	netemu-sim compare one two >out &&
	grep -q "^wait, s  *5  *2.5  -50.00 %$" out && grep -q "^run, s  *20  *25  +25.00 %$" out &&
	grep -q "^1  *5.0  *2.5  *10.0  *15.0  done done$" out &&
	netemu-sim compare --what jobs --format tsv one two >out &&
	printf "id\tsource\twait_a\twait_b\trun_a\trun_b\toutcome_a\toutcome_b\n" >expected &&
	printf "0\t0\t0.0\t0.0\t10.0\t10.0\tdone\tdone\n1\t0\t5.0\t2.5\t10.0\t15.0\tdone\tdone\n" >>expected &&
	test_cmp expected out &&
	netemu-sim compare --format json one two >json &&
	python3 -c "
import json
diff = json.load(open(\"json\"))
assert diff[\"jobs\"][\"changed\"] == 1 and diff[\"jobs\"][\"difference\"] == 7.5 / 25
assert diff[\"links\"][\"changed\"] == 128"
'

# Every job reverses the digits of its hosts' addresses: D-mod-K puts three pairs on a
# link, greedy-max one.
test_expect_success 'two combinations of a sweep' '
	cat >sweep.yml <<-END &&
	duration: 100.0
	topology: [kary:4:2@slots=1]
	output: sweep
	algorithms:
	  scheduler: [fcfs]
	  host_selector: [linear]
	  process_mapper: [block]
	  router: [dmodk, greedy-max]
	jobs:
	  - submit: {distribution: constant, params: {value: 1.0}}
	    duration: {distribution: constant, params: {value: 5.0}}
	    pattern: permutation:reversal:4
	    ranks: 16
	END
	netemu-sim run sweep.yml >out 2>&1 &&
	netemu-sim compare sweep/0 sweep/0 --fail 0 >out &&
	netemu-sim compare sweep/0 sweep/1 >out &&
	grep -q "^most on a link  *3  *1  -66.67 %$" out &&
	grep -q "^jobs in both 100, only A 0, only B 0, not the same 0$" out &&
	load --topology kary:4:2 --pattern permutation:reversal:4 --routing dmodk >links &&
	netemu-sim compare links sweep/0 --what links --fail 0 >out &&
	test_expect_code 1 netemu-sim compare sweep sweep/1 2>err &&
	grep -q "^netemu sim compare: .sweep.: has neither .*: sweep/0)$" err
'

# --- bad input ---

# refused CODE SENTENCE ARGUMENT...
refused() {
	code=$1 sentence=$2
	shift 2
	test_expect_code "$code" netemu-sim "$@" >out 2>err </dev/null &&
	head -1 err | grep -qx "$sentence" || {
		echo "expected: $sentence" && cat err
		return 1
	}
	test "$code" = 2 || test "$(wc -l <err)" = 1
}

test_expect_success 'bad input: one sentence each' '
	printf "src\tdst\tbytes\na\tb\tmany\n" >bad.tsv && : >empty && mkdir none &&
	refused 2 "netemu sim load: --topology is missing" load &&
	refused 2 "netemu sim load: --pattern is missing" load --topology kary:2:2 &&
	refused 2 "netemu sim load: --routing is missing" load --topology kary:2:2 --pattern none &&
	set -- load --topology kary:2:2 --routing dmodk --pattern &&
	refused 2 "netemu sim load: .x.: takes options only" "$@" none x &&
	refused 2 "netemu sim load: --ranks-per-host: .0. is not a whole number from 1 to 65535" \
		"$@" none --ranks-per-host 0 &&
	refused 2 "netemu sim load: --bytes: .-3. is not a size .*" "$@" none --bytes -3 &&
	refused 2 "netemu sim load: --format: .xml. is none of tsv json text" "$@" none --format xml &&
	refused 2 "netemu sim load: --compat: .orcs. is none of pfsim" "$@" none --compat=orcs &&
	refused 2 "netemu sim load: --fail: .-1. is not a percentage" "$@" none --fail -1 &&
	refused 2 "netemu sim load: --fail goes with --measured only" "$@" none --fail 1 &&
	refused 2 "netemu sim load: --link-rate: .fast. is not a rate .*" "$@" none --link-rate fast &&
	refused 2 "netemu sim load: shift:all has no loads of links: .*" "$@" shift:all --graphml x &&
	refused 1 "netemu sim load: .*shift:x.*" "$@" shift:x &&
	refused 1 "netemu sim load: .*permutation:twist.*" "$@" permutation:twist &&
	refused 1 "netemu sim load: .*no-such-run.*" "$@" ./no-such-run &&
	refused 1 "netemu sim load: .*nowhere.*" "$@" none --placement nowhere &&
	refused 1 "netemu sim load: .*" "$@" all-to-all --ranks-per-host 60000 --bytes 999999999999 &&
	refused 1 "netemu sim load: unable to open .missing.tsv.: No such file or directory" \
		"$@" none --measured missing.tsv &&
	refused 1 "netemu sim load: bad.tsv:2: bytes: .many. is no such number" \
		"$@" none --measured bad.tsv &&
	refused 1 "netemu sim load: empty:1: no header: the file is empty" "$@" none --measured empty &&
	refused 1 "netemu sim load: .*no/where.*" "$@" none --output no/where &&
	refused 1 "netemu sim load: .*kary:0:2.*" load --topology kary:0:2 --pattern none --routing dmodk &&
	refused 1 "netemu sim load: unknown routing .teleport.*" \
		load --topology kary:2:2 --pattern none --routing teleport &&
	refused 1 "netemu sim load: .*" load --topology kary:2:2 --pattern none --routing dor &&
	refused 2 "netemu sim compare: takes two results.*" compare &&
	refused 2 "netemu sim compare: takes two results, not 1" compare good &&
	refused 2 "netemu sim compare: --fail: .x. is not a percentage" compare good bad --fail x &&
	refused 1 "netemu sim compare: unable to open .missing.: No such file or directory" \
		compare good missing &&
	refused 1 "netemu sim compare: .none.: has neither links.tsv nor jobs.csv .*" compare none good &&
	refused 1 "netemu sim compare: bad.tsv:2: .*" compare bad.tsv good &&
	refused 1 "netemu sim compare: .good. and .bad.: not both have jobs" compare --what jobs good bad
'

test_expect_success 'standard output that is full' '
	test_expect_code 1 load --topology kary:4:3 --pattern all-to-all --routing dmodk 2>err >/dev/full &&
	grep -q "^netemu sim load: unable to write standard output" err
'

# --- any bytes ---

for target in links jobtable; do
	test_expect_success "the corpus of $target, and changes of it" '
		fuzz-$target 5000 1 "$NETEMU_SRCDIR/tests/corpus/$target"/*
	'
done

if command -v valgrind >/dev/null && ! nm "$NETEMU_BUILDDIR/tests/fuzz-links" 2>/dev/null | grep -q __asan; then
	test_set_prereq VALGRIND
fi

test_expect_success VALGRIND 'nothing uninitialised, nothing leaked' '
	check() {
		valgrind -q --leak-check=full --error-exitcode=9 "$NETEMU_BUILDDIR/netemu-sim" "$@" >out 2>err
	} &&
	for target in links jobtable; do
		valgrind -q --leak-check=full --error-exitcode=9 \
			"$NETEMU_BUILDDIR/tests/fuzz-$target" 50 3 "$NETEMU_SRCDIR/tests/corpus/$target"/* || return 1
	done &&
	check load --topology milk.graphml --pattern all-to-all --routing smodk --summary &&
	check load --topology milk.graphml --pattern nn3d --routing dmodk --format json --graphml g &&
	check load --topology kary:2:2 --pattern shift:all --routing dmodk --summary=json &&
	check load --topology kary:2:2 --pattern ring --routing dmodk --measured measured &&
	check compare one two && check compare --format json one two &&
	test_expect_code 1 check load --topology kary:2:2 --pattern shift:x --routing dmodk &&
	test_expect_code 1 check compare bad.tsv good
'

test_done
