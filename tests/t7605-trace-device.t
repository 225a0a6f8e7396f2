#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='device=yes: what the emulated device says of a message, whether or not a network is emulated'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need ib_write_bw ib_send_bw python3
trace=$NETEMU_BUILDDIR/netemu-trace

# Steps by their numbers (lib/devhook.h).
queued=0 wire=1 delivered=2 completed=3

# run PROGRAM OPTION...: what both have recorded is in all.dump: steps are told by whichever
# process is there when it is time.
run() {
	both "$@" -n 200 -s 512 && dump server && dump client && cat server.dump client.dump >all.dump
}

# posted: requests to send, by either way to post.
posted() {
	echo $(($(count all ibv_post_send) + $(count all ibv_wr)))
}

# has QUEUED WIRE DELIVERED COMPLETED: so many events, none of them of anything that failed.
has() {
	expect_count all "$1" device what=$queued && expect_count all "$2" device what=$wire &&
		expect_count all "$3" device what=$delivered &&
		expect_count all "$4" device what=$completed && expect_count all 0 device what=4 &&
		expect_count all 0 device what=5 && expect_count all $(($1 + $2 + $3 + $4)) device status=0
}

for transport in $DEVICE_TRANSPORTS; do
	for program in ib_write_bw "ib_write_bw -l 8" "ib_read_bw" ib_send_bw "ib_send_bw -c UD"; do
		command -v "${program%% *}" >/dev/null || continue
		for network in ideal latency=30us; do
			settings=transport=$transport
			test $network = ideal || settings=$settings,$network
			test_expect_success "$transport, $network, $program: four events of each message" '
				device_set $settings && trace_set device=yes && run $program &&
				test $(posted) -ge 200 && has $(posted) $(posted) $(posted) $(posted)
			'
		done
	done
done

test_expect_success 'without it, nothing of a message over ideal links' '
	device_set transport=direct && trace_set "" && run ib_write_bw && test $(posted) -ge 200 &&
	has 0 0 0 0
'

test_expect_success 'and all but when it was queued over others' '
	device_set latency=30us && run ib_write_bw && has 0 $(posted) $(posted) $(posted)
'

test_expect_success 'nor where the data path is not recorded, or what the device says' '
	device_set transport=direct &&
	for settings in level=control level=summary call=post; do
		trace_set device=yes,$settings && run ib_write_bw && has 0 0 0 0 || return 1
	done
'

test_expect_success 'times are in order, and in those of the call' '
	trace_set device=yes,timed=1 && run ib_write_bw && rm -rf run && mkdir -p run/verbs &&
	cp "$(rings client)" run/verbs/ring-0.bin && "$trace" export --format=raw -o raw.json --rank=0 run &&
	cat >times.py <<-"END" &&
		import json
		QUEUED, WIRE, DELIVERED, COMPLETED = "queued", "wire", "delivered", "completed"
		NEAR = 1000  # ns: what the readings of two clocks are off
		events = json.load(open("raw.json"))["events"]
		steps = [e for e in events if e["call"] == "device"]
		posts = sorted((e["time"], e["time"] + e["duration"]) for e in events
		               if e["call"] in ("ibv_post_send", "ibv_wr"))
		assert len(steps) == 4 * len(posts) > 0
		ways = []
		for first in range(0, len(steps), 4):
		    one = {e["what"]: e for e in steps[first:first + 4]}
		    q, w, d, c = (one[what] for what in (QUEUED, WIRE, DELIVERED, COMPLETED))
		    assert len({(e["qpn"], e["wr_id"], e["bytes"]) for e in one.values()}) == 1, one
		    assert q["at"] == w["at"] <= w["until"] <= d["at"] == d["until"], one
		    assert d["at"] <= c["at"] == c["until"], one
		    ways.append((w["at"], w["until"]))
		for (begin, end), (at, until) in zip(posts, sorted(ways)):
		    assert begin - NEAR <= at and until <= end + NEAR, (begin, end, at, until)
	END
	python3 times.py && "$trace" export -o chrome.json --rank=0 run &&
	python3 "$NETEMU_SRCDIR/tests/trace/check-chrome.py" chrome.json >words &&
	grep -w device=$((5 * $(posted))) words
'

device_done
