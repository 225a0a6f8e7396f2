#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu trace matrix: what ranks moved with verbs, of real programs'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
. "$NETEMU_SRCDIR/tests/lib-apps.sh"
trace_need ib_write_bw ib_read_bw ib_send_bw ib_atomic_bw
device_has mpirun mpicc
PATH=$NETEMU_BUILDDIR:$PATH

pair_as_ranks

# matrix COMMAND...: both of them, and who moved what to whom: lines of FROM TO BYTES
# MESSAGES in `moved`.
matrix() {
	rm -rf run && mkdir run && both "$@" && netemu trace matrix run/netemu.* >out &&
		moved run && return
	say_why "$*" out err
	return 1
}

# moved WHERE: the rank files say the same as the table, and sent is received.
moved() {
	run=$(echo "$1"/netemu.*)
	netemu matrix --from=verbs --strict --format=tsv "$run" 2>err | tail -n +2 >moved &&
		netemu trace matrix --format=tsv "$run" 2>>err | tail -n +2 >table &&
		test_cmp moved table
}

# is FROM TO BYTES MESSAGES: that, and nothing else.
is() {
	echo "$*" | tr ' ' '\t' >expected && test_cmp expected moved
}

# same_as_summary RUN: the matrix has what the rows of `summary --by=peer` add up to: what
# was read goes the other way there, an atomic is 8 bytes each way.  What never completed,
# but arrived, is in the matrix, too.
same_as_summary() {
	netemu trace summary --by=peer --format=json -o peers.json "$1" &&
		netemu trace matrix --format=tsv "$1" | tail -n +2 | cut -f1-4 >table &&
		python3 - <<-"END"
		import collections, json
		least, most = collections.Counter(), collections.Counter()
		def add(sums, here, there, opcode, messages, bytes_):
		    if opcode == "RDMA_READ":
		        here, there = there, here
		    elif opcode.startswith("ATOMIC_"):
		        bytes_ = 8 * messages
		        sums[there, here, "messages"] += messages
		        sums[there, here, "bytes"] += bytes_
		    sums[here, there, "messages"] += messages
		    sums[here, there, "bytes"] += bytes_
		unfinished = 0
		for row in json.load(open("peers.json"))["rows"]:
		    unfinished += row["unfinished"]
		    assert "peer" in row or not row["messages"], row
		    for opcode, n in row["opcodes"].items():
		        pair = row["rank"], row["peer"], opcode
		        add(least, *pair, n["completed"], n["completed_bytes"])
		        add(most, *pair, n["messages"], n["bytes"])
		table = collections.Counter()
		for line in open("table"):
		    a, b, bytes_, messages = map(int, line.split("\t"))
		    table[a, b, "bytes"], table[a, b, "messages"] = bytes_, messages
		assert table
		for key in table.keys() | most.keys():
		    assert least[key] <= table[key] <= most[key], (key, least[key], table[key], most[key])
		assert unfinished or table == +least, (table, least)
		END
}

for transport in $DEVICE_TRANSPORTS; do
	device_set "transport=$transport"

	test_expect_success "ib_write_bw: all bytes of all writes, $transport" '
		matrix ib_write_bw -n 200 -s 65536 && is 1 0 13107200 200 && same_as_summary run/netemu.*
	'

	test_expect_success "ib_read_bw: from the target to the reader, $transport" '
		matrix ib_read_bw -n 100 -s 4096 -q 3 && is 0 1 1228800 300 && same_as_summary run/netemu.*
	'

	test_expect_success "ib_send_bw: as it is received, $transport" '
		matrix ib_send_bw -n 300 -s 1000 && is 1 0 300000 300 && same_as_summary run/netemu.*
	'

	test_expect_success "ib_send_bw over datagrams, $transport" '
		matrix ib_send_bw -c UD -n 200 -s 1000 -r 512 && is 1 0 200000 200 && same_as_summary run/netemu.*
	'

	test_expect_success "ib_atomic_bw: 8 bytes there and back, $transport" '
		matrix ib_atomic_bw -n 100 &&
		printf "0\t1\t800\t100\n1\t0\t800\t100\n" >expected && test_cmp expected moved &&
		same_as_summary run/netemu.*
	'
done

test_expect_success 'operations are told apart, and all formats say the same' '
	netemu matrix --from=verbs --op=atomic run/netemu.* >out && grep "1,600" out &&
	netemu trace matrix --format=json run/netemu.* >json &&
	netemu matrix --from=verbs --format=json run/netemu.* >json.files &&
	python3 -c "
import json
a, b = json.load(open(\"json\")), json.load(open(\"json.files\"))
assert a[\"ops\"] == b[\"ops\"], (a[\"ops\"], b[\"ops\"])
assert a[\"ops\"][\"atomic\"] == {\"bytes\": 1600, \"messages\": 200}, a[\"ops\"]
assert a[\"complete\"] and b[\"complete\"]
" &&
	netemu trace matrix --format=text run/netemu.* >out && grep "^atomic " out
'

test_expect_success 'a file alone: its peer is nobody, told by address and number' '
	run=$(echo run/netemu.*) && mkdir alone &&
	netemu trace matrix -o alone $run/verbs/ring-1.bin >out 2>err &&
	grep "^rank 1: no rank.s: queue pair 0x[0-9a-f]* at .*: atomic, sent 800 bytes in 100 messages" out &&
	test -e alone/rank-1.json &&
	grep "nothing was recorded of 1 of 2 ranks" err &&
	netemu matrix --from=verbs alone >out 2>err && grep "outside the run: 800 bytes sent" out
'

test_expect_success 'a single file has no place of its own for rank files' '
	test_expect_code 1 netemu trace matrix $run/verbs/ring-1.bin 2>err && grep -e --output= err
'

test_expect_success 'the simulator takes the files' '
	netemu sim load --topology kary:2:2 --pattern "$run/verbs" --routing dmodk >load &&
	test -s load
'

test_expect_success 'a ring that was overwritten makes no complete matrix' '
	rm -rf run && mkdir run && trace_set ring=1MiB &&
	both ib_write_bw -n 20000 -s 64 && trace_set "" &&
	netemu trace matrix run/netemu.* >out 2>err && grep "records were dropped" err &&
	grep "\"complete\": false" run/netemu.*/verbs/rank-1.json &&
	grep "\"dropped\": [1-9]" run/netemu.*/verbs/rank-1.json &&
	netemu matrix --from=verbs run/netemu.* >out 2>err &&
	grep "not all of theirs was recorded" err
'

test_expect_success MPIRUN '4 ranks of Open MPI over UCX: sent is received on each pair' '
	make_verify && OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self \
		UCX_NET_DEVICES=netemu0:1 trace_ranks 4 ./verify >out 2>err &&
	grep "4 ranks: right" out && netemu trace matrix client/netemu.* >out &&
	moved client &&
	test $(awk "\$1 != \$2" moved | wc -l) = 12 && same_as_summary client/netemu.*
'

test_expect_success MPIRUN 'its sums are those of the good completions' '
	dump client && received=$(count client ibv_poll_cq opcode=128 status=0) &&
	test $received -gt 1000 && echo $received >expected &&
	python3 -c "
import glob, json
n = 0
for f in glob.glob(\"client/netemu.*/verbs/rank-*.json\"):
    for op in (\"send\", \"datagram\"):
        n += sum(json.load(open(f))[\"ops\"].get(op, {\"rx_messages\": []})[\"rx_messages\"])
print(n)" >actual && test_cmp expected actual
'

test_expect_success 'wrong usage' '
	test_expect_code 2 netemu trace matrix && test_expect_code 2 netemu trace matrix a b &&
	test_expect_code 2 netemu trace matrix --format=xml a &&
	test_expect_code 2 netemu trace matrix --format=tsv -o d a &&
	test_expect_code 1 netemu trace matrix no-such-run
'

device_done
