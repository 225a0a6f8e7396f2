#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='netemu device list, show, stat: what a fabric holds'

# shellcheck disable=SC1090
. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-program.sh"

# While a program has two queue pairs and has written 10 * 1000 bytes.
test_expect_success 'a fabric and a program in it' '
	{ later netemu device run latency=1us,rate=80Gbit/s,devices=2 "$steps" pair:14:7 many:10:1000 \
		"echo \$QPN \$QPN_B >qpns" sleep; } >sleeping 2>&1 &&
	until_true grep sleeping sleeping && run=$last
'

test_expect_success 'list, and show fabric' '
	netemu device list --format=json >list.json && netemu device show fabric --format=json >fabric.json &&
	test_cmp list.json fabric.json &&
	python "
row, = data
assert list(row) == [\"fabric\", \"nodes\", \"devices\", \"processes\", \"memory\", \"settings\", \"path\"]
assert row[\"fabric\"] == \"default\" and row[\"nodes\"] == 4 and row[\"devices\"] == 8
assert row[\"processes\"] == 2, row
import os
assert os.path.dirname(row[\"path\"]) == os.environ[\"NETEMU_SHM\"]
assert row[\"memory\"] <= os.stat(row[\"path\"] + \"/segment\").st_size
assert row[\"memory\"] > 100000
" <list.json
'

test_expect_success 'processes' '
	netemu device show processes --format=json >processes.json &&
	python "
import os
assert [list(row) for row in data] == 2 * [[\"process\", \"pid\", \"node\", \"command\"]]
commands = {row[\"pid\"]: row[\"command\"] for row in data}
assert \"netemu-device\" in commands[$run], commands
other, = set(commands) - {$run}
assert commands[other].startswith(\"steps\")
assert os.readlink(f\"/proc/{other}/exe\").endswith(\"steps\")
" <processes.json &&
	netemu device show processes --node 1 --format=json | python "assert data == []"
'

test_expect_success 'queue pairs' '
	read -r a b <qpns &&
	netemu device show qps --format=json | python "
a, b = data
assert (a[\"qpn\"], a[\"remote_qpn\"], b[\"qpn\"], b[\"remote_qpn\"]) == ($a, $b, $b, $a)
for row in data:
    assert (row[\"node\"], row[\"device\"], row[\"type\"], row[\"state\"]) == (0, \"netemu0\", \"RC\", \"RTS\")
    assert row[\"waiting\"] == row[\"resent\"] == row[\"rnr\"] == row[\"timeouts\"] == 0
assert (a[\"tx_bytes\"], a[\"tx_messages\"]) == (10000, 10)
assert (b[\"rx_bytes\"], b[\"rx_messages\"]) == (10000, 10), b
assert (b[\"tx_messages\"], a[\"rx_messages\"]) == (0, 0)
"
'

# Path MTU 1024: a message is one packet of 26 bytes of headers and 16 more of a write.
test_expect_success 'links' '
	netemu device show links --format=json | python "
at = {row[\"link\"]: row for row in data}
assert len(at) == 16
for name in (\"n0/netemu0.up\", \"n0/netemu0.down\"):
    row = at[name]
    assert (row[\"state\"], row[\"rate\"], row[\"loss\"]) == (\"up\", 1e10, 0)
    assert (row[\"bytes\"], row[\"messages\"], row[\"lost\"], row[\"resent_bytes\"]) == (10000, 10, 0, 0)
    assert row[\"wire_bytes\"] > 10000
assert sum(row[\"bytes\"] for row in data) == 20000
"
'

test_expect_success 'ports, of one node' '
	netemu device show ports --node 0 --format=json | python "
one, other = data
assert (one[\"device\"], other[\"device\"]) == (\"netemu0\", \"netemu1\")
assert (one[\"host\"], one[\"state\"], one[\"layer\"], one[\"mtu\"]) == (\"n0\", \"active\", \"ib\", 4096)
assert one[\"lid\"] != other[\"lid\"]
assert one[\"xmit_packets\"] >= 10 and one[\"xmit_bytes\"] > 10000
assert (one[\"xmit_bytes\"], one[\"xmit_packets\"]) == (one[\"rcv_bytes\"], one[\"rcv_packets\"])
assert other[\"xmit_packets\"] == other[\"rcv_packets\"] == 0
for row in data:
    assert row[\"packets_lost\"] == row[\"packets_resent\"] == row[\"timeouts\"] == row[\"drops\"] == 0
" && netemu device show ports --format=json | python "assert len(data) == 8"
'

test_expect_success 'lateness: of all messages that had to wait for a time' '
	netemu device show lateness --format=json | python "
row, = data
assert (row[\"node\"], row[\"device\"]) == (0, \"netemu0\")
assert 0 < row[\"p50_below_ns\"] <= row[\"p99_below_ns\"]
assert row[\"delayed_messages\"] == 10
"
'

test_expect_success 'the three formats say the same' '
	for table in fabric ports links processes qps lateness; do
		netemu device show $table --format=json >json && netemu device show $table --format=tsv >tsv &&
		netemu device show $table >text && python3 - <<-EOF || return 1
		import csv, json
		rows = json.load(open("json"))
		def same(text, value):
		    return float(text) == value if isinstance(value, float) else text == str(value)
		tsv = list(csv.DictReader(open("tsv"), delimiter="\t", quoting=csv.QUOTE_NONE))
		assert rows and len(rows) == len(tsv)
		lines = open("text").read().splitlines()
		assert lines[0].split() == list(rows[0]) == list(tsv[0])
		assert len(lines) == len(rows) + 1
		for row, other, line in zip(rows, tsv, lines[1:]):
		    assert list(row) == list(other)
		    for key, value in row.items():
		        assert same(other[key], value), (key, value, other[key])
		        assert other[key] in line
		EOF
	done
'

test_expect_success 'all at once' '
	netemu device show --format=json | python "
assert list(data) == [\"fabric\", \"ports\", \"links\", \"processes\", \"qps\", \"lateness\"]
assert all(isinstance(rows, list) and rows for rows in data.values())
" &&
	netemu device show >out && grep -x "Ports" out && grep -x "Queue pairs" out && grep -x "Lateness" out
'

test_expect_success 'stat: counters, so often' '
	netemu device stat --format=json | python "assert list(data) == [\"ports\", \"links\", \"lateness\"]" &&
	netemu device stat links --interval=1ms --count=3 --format=tsv >out &&
	test $(grep -c "^link	" out) = 3 && test $(grep -c "^n0/netemu0.up	" out) = 3 &&
	test $(wc -l <out) = 51
'

test_expect_success 'stat until a signal' '
	{ later netemu device stat links --interval=1ms --format=tsv; } >many 2>&1 &&
	until_true sh -c "test \$(grep -c ^link many) -gt 3" &&
	kill $last && status=0 && { wait $last || status=$?; } && test $status = 143
'

test_expect_success 'it can not write' '
	test -e /dev/full &&
	for command in "show links" list "stat ports"; do
		status=0
		netemu device $command >/dev/full 2>err || status=$?
		test $status = 1 && grep "unable to write standard output" err || return 1
	done
'

test_expect_success 'wrong usage, and no fabric' '
	exits 2 netemu device show --format=xml && exits 2 netemu device show nothing &&
	exits 2 netemu device list --format=xml && exits 2 netemu device stat --interval=soon &&
	exits 2 netemu device stat --count=0 && exits 2 netemu device stat qps &&
	exits 2 netemu device show qps links &&
	exits 1 netemu device show --fabric=mine && grep "there is no fabric .mine." exits.err
'

test_expect_success 'who only looks leaves no trace' '
	netemu device show fabric --format=json | python "assert data[0][\"processes\"] == 2" &&
	netemu device show processes --format=json >again.json && test_cmp processes.json again.json
'

test_expect_success 'nothing is left' '
	pid=$(python "print([row[\"pid\"] for row in data if row[\"pid\"] != $run][0])" <processes.json) &&
	kill $pid && { wait $run || :; } && nothing_left &&
	netemu device list >out && test_must_be_empty out &&
	netemu device list --format=json | python "assert data == []"
'

# 200 * 4096 bytes one way; what perftest sends to agree on things goes over TCP.
traffic() {
	port_next
	netemu device run sh -c "
		netemu device run --node 1 $1 -p $port >server.log 2>&1 &
		until grep -qs ':$(printf %04X $port) [0-9A-F]*:0000 0A ' /proc/net/tcp /proc/net/tcp6; do :; done
		netemu device run --node 2 $1 -p $port 127.0.0.1 >client.log 2>&1 && wait \$! &&
		netemu device show links --format=json"
}

test_expect_success PERFTEST 'what ib_write_bw has written' '
	traffic "ib_write_bw -s 4096 -n 200" >links.json && python "
sent = {row[\"link\"]: row[\"bytes\"] for row in data if row[\"bytes\"]}
assert sent == {\"n2/netemu0.up\": 200 * 4096, \"n1/netemu0.down\": 200 * 4096}, sent
" <links.json
'

test_expect_success PERFTEST 'what ib_read_bw has read' '
	traffic "ib_read_bw -s 4096 -n 200" >links.json && python "
sent = {row[\"link\"]: row[\"bytes\"] for row in data if row[\"bytes\"]}
assert sent == {\"n1/netemu0.up\": 200 * 4096, \"n2/netemu0.down\": 200 * 4096}, sent
" <links.json
'

test_expect_success PERFTEST 'what ib_send_lat has sent, both ways' '
	traffic "ib_send_lat -s 64 -n 100" >links.json && python "
sent = {row[\"link\"]: (row[\"bytes\"], row[\"messages\"]) for row in data if row[\"bytes\"]}
assert sent == {f\"n{n}/netemu0.{way}\": (6400, 100) for n in (1, 2) for way in (\"up\", \"down\")}, sent
" <links.json
'

test_done
