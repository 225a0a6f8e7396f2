#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim run: run times that follow the network'

. "$SHARNESS"

PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export LC_ALL

# Two leaf switches of four hosts, one cable up, 1 GB/s.  Each pair of hosts
# sends 10 GB each way, which takes 10 s alone.
scenario() {
	cat >s.yml <<-EOF
	topology: xgft:4x2:1x1
	link_rate: 8Gbit/s
	stretch: ${stretch:-yes}
	output: out
	algorithms: {scheduler: $1, host_selector: explicit, process_mapper: block, router: $2}
	jobs:
	  - list:
	    - {submit: 0, duration: 15, hosts: "h000,h004", nodes: 2, ranks: 2, pattern: all-to-all, bytes: 10000000000}
	    - {submit: 0, duration: 15, hosts: "h001,h005", nodes: 2, ranks: 2, pattern: all-to-all, bytes: 10000000000}
	    - {submit: 0, duration: 15, hosts: "h002,h003", nodes: 2, ranks: 2, pattern: all-to-all, bytes: 10000000000}
	    - {submit: 1, duration: 4, hosts: "h000", nodes: 1, ranks: 1}
	EOF
}

# column NAME: that of jobs.csv of sub-scenario 0, on one line.
column() {
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next }
		{ printf "%s%s", (NR > 2 ? " " : ""), $c } END { print "" }' out/0/jobs.csv
}

for scheduler in fcfs easy conservative; do
	for router in dmodk greedy-max; do
		test_expect_success "two jobs on a cable drain twice as long ($scheduler, $router)" '
			scenario $scheduler $router &&
			rm -rf out && netemu-sim run s.yml >table &&
			test "$(column end)" = "25.0 25.0 15.0 29.0"
		'
	done
done

test_expect_success 'without stretch they take what was given' '
	(stretch=no && scenario fcfs dmodk) && rm -rf out && netemu-sim run s.yml >table &&
	test "$(column end)" = "15.0 15.0 15.0 19.0"
'

test_expect_success 'the compute part can be given' '
	scenario fcfs dmodk && sed -i "s/duration: 15,/duration: 15, compute: 1,/" s.yml &&
	rm -rf out && netemu-sim run s.yml >table &&
	test "$(column end)" = "21.0 21.0 11.0 25.0"
'

test_expect_success 'a capacity without unit is refused' '
	scenario fcfs dmodk && sed -i /link_rate/d s.yml && rm -rf out &&
	test_must_fail netemu-sim run s.yml 2>err && grep -e "--link-rate" err &&
	netemu-sim run s.yml --link-rate=8Gbit/s >table &&
	test "$(column end)" = "25.0 25.0 15.0 29.0"
'

test_expect_success 'so is a routing that splits flows' '
	scenario fcfs ecmp && rm -rf out &&
	test_must_fail netemu-sim run s.yml 2>err && grep "ecmp.*one path" err
'

test_done
