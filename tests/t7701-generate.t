#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay generate: what the traces say is what ranks send'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

replay=$NETEMU_BUILDDIR/netemu-replay

# run PREFIX [OPTION...]: on a model; pairs as "from to bytes messages" in `pairs`.
run() {
	prefix=$1 && shift &&
	"$replay" run --quiet --network=model --model topology=Switch,bandwidth=50,latency=500 \
		--workload "$prefix" --summary=summary.json "$@" >out &&
	jq -r '.pairs[] | [.src, .dst, .bytes, .messages] | @tsv' summary.json |
		sort -n -k1,1 -k2,2 >pairs
}

# What all ranks send, by their pairs.
total() {
	awk '{ sum += $3 } END { printf "%d\n", sum }' pairs
}

while read -r kind expected; do
	test_expect_success "$kind: five ranks, 1,000,003 bytes" '
		"$replay" generate --ranks=5 --size=1000003 --compute=20us $kind $kind &&
		run $kind --ranks=5 &&
		test "$(grep -c "^sys.*finished" out)" = 5 && test "$(total)" = "$expected"
	'
done <<-\EOF
	all-reduce 8000024
	all-gather 20000060
	reduce-scatter 4000012
	broadcast 4000012
	reduce 4000012
	barrier 0
	gather 4000012
	scatter 800003
	all-to-all 10000030
EOF

test_expect_success 'pipeline: each boundary is crossed by all micro-batches, both ways' '
	"$replay" generate --ranks=4 --count=3 --size=1000 --compute=5us pipeline p &&
	run p --ranks=4 &&
	for i in 0 1 2; do
		printf "%d\t%d\t3000\t3\n%d\t%d\t3000\t3\n" $i $((i + 1)) $((i + 1)) $i
	done | sort -n -k1,1 -k2,2 >expected &&
	test_cmp expected pairs
'

test_expect_success 'pipeline: its time is that of the longest way' '
	"$replay" generate --ranks=3 --count=2 --size=0 --compute=100us pipeline p &&
	run p --ranks=3 && sed -n "s/^sys\[0\] finished, \([0-9]*\) .*/\1/p" out >cycles &&
	# forward 2 + 2 in front of the last stage, then 2 and 2 back
	test "$(cat cycles)" -ge $(((4 + 8) * 100000)) && test "$(cat cycles)" -lt 1220000
'

test_expect_success 'transformer: groups are those of its directions' '
	"$replay" generate --data=2 --tensor=2 --pipeline=2 transformer t &&
	jq -c . t.groups.json >actual &&
	echo "{\"1\":[0,1],\"2\":[2,3],\"3\":[4,5],\"4\":[6,7],\"5\":[0,2],\"6\":[1,3],\"7\":[4,6],\"8\":[5,7]}" >expected &&
	test_cmp expected actual
'

test_expect_success 'transformer: bytes between neighbours in each direction' '
	"$replay" generate --data=2 --tensor=2 --pipeline=2 --layers=4 --count=3 --size=1000 \
		--parameters=4000 transformer t &&
	run t --comm_group t.groups.json &&
	awk "\$1 == 0" pairs | cut -f1-3 >actual &&
	# 3 micro-batches x 2 layers x 4 halves; 2 layers of 4000 / 2 bytes; 3 micro-batches
	printf "0\t1\t24000\n0\t2\t4000\n0\t4\t3000\n" >expected &&
	test_cmp expected actual
'

test_expect_success 'moe: what is sent there comes back, and no two are the same' '
	"$replay" generate --ranks=6 --layers=3 --size=6M moe m && run m --ranks=6 &&
	awk "{ bytes[\$1 \" \" \$2] = \$3 }
		END { for (pair in bytes) { split(pair, of, \" \");
			if (bytes[pair] != bytes[of[2] \" \" of[1]]) exit 1 } }" pairs &&
	test "$(cut -f3 pairs | sort -u | wc -l)" = 15 &&
	"$replay" generate --ranks=6 --layers=3 --size=6M moe again && cmp m.3.et again.3.et &&
	"$replay" generate --ranks=6 --layers=3 --size=6M --seed=2 moe other &&
	! cmp m.3.et other.3.et
'

test_expect_success 'from a run: bytes and messages of each pair as recorded' '
	mkdir recorded && gen-ranks -n 5 recorded 16 &&
	"$replay" generate --from=recorded r && run r --ranks=16 &&
	netemu-matrix --format=tsv recorded | tail -n +2 | cut -f1-4 >expected &&
	test -s expected && test_cmp expected pairs
'

test_expect_success 'from a run: gaps are those between the recorded times' '
	"$replay" info --json r.3.et | jq ".[0].durations_us.cpu" >actual &&
	jq "([.peers | .tx_messages, .last_ns] | transpose | map(select(.[0] > 0)[1]) | max) / 1000 |
		floor" recorded/rank-3.json >expected &&
	test_cmp expected actual
'

test_expect_success 'from a run: a rank that left no file is an error' '
	rm recorded/rank-7.json &&
	test_expect_code 1 "$replay" generate --from=recorded r 2>err && grep "of 16 ranks only 15" err
'

test_expect_success 'wrong usage is 2, what cannot be written is 1' '
	test_expect_code 2 "$replay" generate &&
	test_expect_code 2 "$replay" generate all-reduce &&
	test_expect_code 2 "$replay" generate no-kind x &&
	test_expect_code 2 "$replay" generate --from=recorded &&
	test_expect_code 2 "$replay" generate --ranks=0 all-reduce x &&
	test_expect_code 2 "$replay" generate --ranks=2 --root=2 broadcast x &&
	test_expect_code 2 "$replay" generate --layers=1 transformer x &&
	test_expect_code 2 "$replay" generate --compute=5ns all-reduce x &&
	test_expect_code 1 "$replay" generate all-reduce nowhere/x 2>err && grep nowhere/x err &&
	test_expect_code 1 "$replay" generate --from=nowhere x && ! ls x.*
'

test_done
