#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2086 # words
test_description='topology=: programs share the links of a network, as netemu sim load says'

# shellcheck disable=SC1090
. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-program.sh"

# Two leaves with two hosts each; the first one's way up is slow.
cable() {
	echo "<edge source=\"$1\" target=\"$2\"><data key=\"c\">$3</data></edge>"
}
{
	cat <<-\EOF
	<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
	<key id="t" for="node" attr.name="typ" attr.type="string"/>
	<key id="c" for="edge" attr.name="capacity" attr.type="double"/>
	<key id="u" for="graph" attr.name="capacity_unit" attr.type="string"/>
	<graph edgedefault="undirected"><data key="u">Gbit/s</data>
	EOF
	for host in h0 h1 h2 h3; do
		echo "<node id=\"$host\"><data key=\"t\">host</data></node>"
	done
	for switch in s0 s1 top; do
		echo "<node id=\"$switch\"><data key=\"t\">switch</data></node>"
	done
	cable h0 s0 10 && cable h1 s0 10 && cable h2 s1 10 && cable h3 s1 10
	cable s0 top 1 && cable s1 top 10
	echo "</graph></graphml>"
} >tree.graphml

# start SERVER CLIENT PROGRAM...: the program on two nodes, the client's pid in $last.
start() {
	serving=$1 client=$2
	shift 2
	port_next
	later netemu device run --node $serving "$@" -p $port >server.$port 2>&1
	until_true port_listens $port &&
	later netemu device run --node $client "$@" -p $port 127.0.0.1 >client.$client 2>&1
}

# table FILE COLUMN...: these columns of a table of links, and those that name links.
table() {
	file=$1
	shift
	awk -F "\t" -v "names=src dst src_port dst_port $*" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(names, name, " ") }
		{ line = ""; for (i = 1; i <= n; i++) line = line $at[name[i]] "\t"; print line }' "$file"
}

# In the fabric of a tree while WORK is done; what links have carried is in links.tsv.
# during SETTINGS NODES WORK...
during() {
	rm -rf counted fifo up && mkfifo fifo &&
	later netemu device run "dir=counted,$1" --nodes $2 sh -c "echo up; read line <fifo" >up 2>err &&
	holder=$last && shift 2 && until_true grep up up &&
	"$@" &&
	echo go >fifo && wait $holder && cp counted/netemu.device0/device/links.tsv links.tsv &&
	nothing_left
}

two_over_the_uplink() {
	start 2 0 ib_write_bw -s 65536 -n 200 && one=$last &&
	start 3 1 ib_write_bw -s 65536 -n 200 && other=$last &&
	start 0 2 ib_write_bw -s 65536 -n 200 && third=$last &&
	start 1 3 ib_write_bw -s 65536 -n 200 && wait $last && wait $one && wait $other && wait $third
}

test_expect_success PERFTEST 'two pairs over an uplink of 1 Gbit/s, two back: bytes and messages' '
	begin=$(date +%s%N) &&
	during topology=tree.graphml 4 two_over_the_uplink &&
	test $(($(date +%s%N) - begin)) -ge $((2 * 200 * 65536 * 8)) &&
	netemu sim load --topology tree.graphml --pattern shift:2 --bytes $((200 * 65536)) \
		--routing dmodk >sim.tsv &&
	table sim.tsv bytes >expect && test $(wc -l <expect) = 13 &&
	table links.tsv bytes >actual && test_cmp expect actual &&
	netemu sim load --topology tree.graphml --pattern shift:2 --bytes $((200 * 65536)) \
		--routing dmodk --measured links.tsv --fail 0 >/dev/null
'

test_expect_success PERFTEST 'messages, and who waited' '
	table links.tsv messages | awk -F "\t" "NR > 1 { print \$1, \$2, \$5 }" | sort >actual &&
	for host in "h0 s0" "h1 s0" "h2 s1" "h3 s1"; do
		echo "$host 200" && echo "${host#* } ${host% *} 200"
	done >pairs && for switch in s0 s1; do
		echo "$switch top 400" && echo "top $switch 400"
	done >>pairs && sort pairs >expect && test_cmp expect actual &&
	table links.tsv wire_bytes bytes >wire && awk "NR > 1 && \$5 <= \$6 { exit 1 }" wire &&
	table links.tsv queue_ns | awk -F "\t" "\$1 == \"s0\" && \$2 == \"top\" { exit \$5 == 0 }"
'

test_expect_success PERFTEST 'no pair is faster than the uplink' '
	awk "\$1 == 65536 { seen = 1; if (\$4 > 1e9 / 8 / 1048576) bad = 1 } END { exit bad || !seen }" client.0 &&
	awk "\$1 == 65536 { seen = 1; if (\$4 > 1e9 / 8 / 1048576) bad = 1 } END { exit bad || !seen }" client.1
'

all_to_all() {
	for to in 0 1 2 3; do
		for from in 0 1 2 3; do
			test $to = $from && continue
			start $to $from "$@" && wait $last || return 1
		done
	done
}

test_expect_success PERFTEST 'all to all on a tree by rule, by any routing' '
	for routing in dmodk smodk; do
		during "topology=kary:2:2@rate=10Gbit/s,routing=$routing" 4 \
			all_to_all ib_write_bw -s 1000 -n 50 &&
		netemu sim load --topology kary:2:2@rate=10Gbit/s --pattern all-to-all --bytes 50000 \
			--routing $routing >sim.tsv &&
		table sim.tsv bytes capacity >expect && table links.tsv bytes capacity >actual &&
		test_cmp expect actual || return 1
	done
'

read_over_the_uplink() {
	start 2 0 ib_read_bw -s 1000 -n 80 && wait $last
}

test_expect_success PERFTEST 'bytes of a read count from the target to the reader' '
	during topology=tree.graphml 4 read_over_the_uplink &&
	table links.tsv bytes | awk -F "\t" "NR > 1 && \$5 > 0 { print \$1, \$2, \$5 }" >actual &&
	printf "%s 80000\n" "h2 s1" "s0 h0" "s1 top" "top s0" >expect && test_cmp expect actual
'

# refused SETTINGS SENTENCE: 125, and one line of that.
refused() {
	exits 125 netemu device run "$1" $3 true &&
	test "$(wc -l <exits.err)" = 1 && grep -e "$2" exits.err && nothing_left
}

test_expect_success 'a network that is none is refused' '
	refused topology=not-there.graphml "not-there.graphml" &&
	refused topology=no:kind "no:kind" &&
	refused topology=kary:0:0 "kary:0:0" &&
	echo "no xml" >bad.graphml && refused topology=bad.graphml "bad.graphml" &&
	refused topology=kary:2:1 "topology .kary:2:1. has 2 hosts for 4 nodes"
'

test_expect_success 'so is a routing that is none, or that a device can not have' '
	refused topology=kary:2:2,routing=nothing "nothing" &&
	refused topology=kary:2:2,routing=ecmp "routing .ecmp. sends a pair over several paths" &&
	refused topology=kary:2:2,routing=lft "lft" &&
	sed "s/.*top.*10<.*//" tree.graphml >cut.graphml &&
	refused topology=cut.graphml "finds no path from .h0. to .h2.\|not connected"
'

test_expect_success 'as many nodes as there are hosts' '
	netemu device run topology=kary:2:1 --nodes 2 true &&
	netemu device run topology=torus:2x2x2 --nodes 8 netemu device show links --format=tsv >out &&
	test $(wc -l <out) -gt 24 && nothing_left
'

test_done
