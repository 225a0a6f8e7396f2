#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu replay info and convert: what is in traces, and other forms of them'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

replay=$NETEMU_BUILDDIR/netemu-replay
data=$shared/chakra
test -d "$data" && test_set_prereq DATA

# same TRACE...: all say the same of their nodes.
same() {
	for trace; do
		"$replay" info --json "$trace" |
			jq 'map(del(.trace, .form, .gzip, .size, .version, .schema))' >said || return 1
		test -e first_said || mv said first_said
		test ! -e said || test_cmp first_said said || return 1
	done
	rm -f first_said said
}

test_expect_success DATA 'the numbers of the published sample' '
	"$replay" info --json "$data"/pytorch_ddp.0.et >out &&
	jq -c ".[0] | [.form, .schema, .nodes, .types, .gpu_nodes, .ids, .first]" out >actual &&
	cat >expected <<-\EOF &&
	["protobuf, schema 0.0.4","1.0.1",3664,{"COMP":3643,"COMM_COLL":21},1216,[216,7022],[216,432,541,619,1634]]
	EOF
	test_cmp expected actual &&
	jq -c ".[0] | .data_edges, .ctrl_edges" out >actual &&
	cat >expected <<-\EOF &&
	{"count":181878,"self":0,"dangling":0}
	{"count":3664,"self":383,"dangling":1277}
	EOF
	test_cmp expected actual &&
	jq -r ".[0].communication[] | [.what, .cpu, .count, .bytes] | @tsv" out >actual &&
	printf "ALL_REDUCE\tfalse\t5\t102228128\nBROADCAST\tfalse\t2\t212904\nCOLL\ttrue\t14\t0\n" >expected &&
	test_cmp expected actual
'

test_expect_success DATA 'and in text' '
	"$replay" info "$data"/pytorch_ddp.0.et >out &&
	grep "^  data edges  *181,878;" out && grep "^  ready at first *216 432 541 619 1634$" out
'

test_expect_success DATA 'its edges of both kinds are a cycle, which is named' '
	test_expect_code 1 "$replay" info --deps=data+ctrl "$data"/pytorch_ddp.0.et 2>err &&
	grep "pytorch_ddp.0.et: nodes wait for each other: \([0-9]*\) -> .*\1 " err
'

test_expect_success DATA 'every sample comes back from JSON as the same bytes' '
	find "$data" -name "*.et" >traces && test "$(wc -l <traces)" -gt 50 &&
	while read -r trace; do
		"$replay" convert "$trace" a.json && "$replay" convert a.json b.et &&
		cmp "$trace" b.et && jq -e . a.json >/dev/null || return 1
	done <traces
'

test_expect_success DATA 'all forms say the same' '
	trace=$data/pytorch_ddp.0.et &&
	"$replay" convert "$trace" p.json && "$replay" convert "$trace" p.et.gz &&
	"$replay" convert --to=workload "$trace" w.json && "$replay" convert w.json w.et &&
	test "$(wc -c <p.et.gz)" -lt 1000000 && gzip -dc p.et.gz | cmp - "$trace" &&
	same "$trace" p.json p.et.gz w.json w.et
'

test_expect_success DATA 'several gzip members in one file are one trace' '
	trace=$data/pytorch_ddp.0.et &&
	{ head -c 1000000 "$trace" | gzip && tail -c +1000001 "$trace" | gzip; } >two.et &&
	same "$trace" two.et
'

test_expect_success DATA 'the other JSON' '
	"$replay" info --json "$data"/small_chakra.0.json >out &&
	jq -c ".[0] | [.nodes, .types, .gpu_nodes, .first]" out >actual &&
	echo "[7,{\"COMP\":4,\"COMM_COLL\":3},2,[216,432,541]]" >expected &&
	test_cmp expected actual &&
	"$replay" convert "$data"/small_chakra.0.json small.et &&
	same "$data"/small_chakra.0.json small.et
'

# GlobalMetadata{} and Node{id=3,name="a",type=4,duration=7}, then what nobody knows (field 11).
printf '\0\013\010\003\022\001a\030\004\070\007\130\001' >odd.et

test_expect_success 'what nobody knows comes back too' '
	"$replay" convert odd.et odd.json && grep @record odd.json &&
	"$replay" convert odd.json again.et && cmp odd.et again.et
'

test_expect_success 'numbers in more than one piece' '
	printf "\0\010\010\001\030\004\052\002\002\003" >packed.et &&
	printf "\0\010\010\001\030\004\050\002\050\003" >loose.et &&
	"$replay" convert packed.et packed.json && ! grep @record packed.json &&
	"$replay" convert loose.et loose.json && grep @record loose.json &&
	"$replay" convert loose.json again.et && cmp loose.et again.et &&
	same packed.et loose.et
'

test_expect_success 'a file that ends in a record is an error with its place' '
	head -c 10 odd.et >cut.et && test_expect_code 1 "$replay" info cut.et 2>err &&
	grep "cut.et: record 2 at byte 2: the file ends in it" err &&
	test_expect_code 1 "$replay" convert cut.et out.et 2>err && test ! -e out.et
'

test_expect_success 'one that ends between records is shorter' '
	head -c 1 odd.et >short.et &&
	"$replay" info --json short.et | jq -e ".[0].nodes == 0"
'

test_expect_success 'JSON that is none of a trace, with its place' '
	echo "{\"id\": \"1\", \"type\": \"COMP_NODE\"} {\"id\": []}" >bad.json &&
	test_expect_code 1 "$replay" info bad.json 2>err && grep "bad.json: record 2 at byte" err &&
	echo "{\"id\": \"1\", \"type\": \"COMP_NODE\", \"durationMicros\": \"x\"}" >bad.json &&
	test_expect_code 1 "$replay" convert bad.json bad.et 2>err && grep "bad.json: record 1" err
'

test_expect_success 'wrong usage is 2, a trace that is not there is 1' '
	test_expect_code 2 "$replay" info && test_expect_code 2 "$replay" convert odd.et &&
	test_expect_code 2 "$replay" convert --to=x odd.et out &&
	test_expect_code 2 "$replay" info --deps=ctrl odd.et &&
	test_expect_code 1 "$replay" info nowhere.et 2>err && grep nowhere.et err &&
	"$replay" info --help && "$replay" convert --help
'

test_done
