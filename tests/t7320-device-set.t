#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='netemu device set: what programs see when the network changes or breaks'

# shellcheck disable=SC1090
. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-program.sh"

run() {
	netemu device run "$@" >out
}

# said LINE...
said() {
	printf "%s\n" "$@" >expect && test_cmp expect out && nothing_left
}

for transport in direct queue; do
NETEMU=transport=$transport
export NETEMU

test_expect_success "$transport: a queue pair is forced to error" '
	run "$steps" pair write:1 poll state "netemu device set --qp \$QPN state=error" event write:2 poll state &&
	said "1 success" RTS "local work queue catastrophic error A" "2 Work Request Flushed Error" ERR
'

test_expect_success "$transport: requests that wait are flushed" '
	run latency=50s "$steps" pair write:1 write:2 "netemu device set --qp \$QPN state=error" poll poll state &&
	said "1 Work Request Flushed Error" "2 Work Request Flushed Error" ERR
'

test_expect_success "$transport: the other one finds nobody" '
	run "$steps" pair:8:1 "netemu device set --qp \$QPN_B state=error" write:3 poll state &&
	said "3 transport retry counter exceeded" ERR
'

test_expect_success "$transport: a chosen request completes with a status" '
	run "$steps" pair "netemu device set --qp \$QPN complete=7:rem_access_err" write:6 poll write:7 poll \
		write:8 poll state &&
	said "6 success" "7 remote access error" "8 Work Request Flushed Error" ERR
'

cat >statuses <<END
loc_len_err local length error
loc_qp_op_err local QP operation error
loc_prot_err local protection error
wr_flush_err Work Request Flushed Error
mw_bind_err memory management operation error
bad_resp_err bad response error
loc_access_err local access error
rem_inv_req_err remote invalid request error
rem_access_err remote access error
rem_op_err remote operation error
retry_exc_err transport retry counter exceeded
rnr_retry_exc_err RNR retry counter exceeded
rem_abort_err aborted error
fatal_err fatal error
resp_timeout_err response timeout error
general_err general error
END

test_expect_success "$transport: by any status" '
	while read -r name text; do
		run "$steps" pair "netemu device set --qp \$QPN complete=0x11:$name" write:17 poll &&
		said "17 $text" || return 1
	done <statuses
'

test_expect_success "$transport: a request that waits already" '
	run latency=1s "$steps" pair write:1 "netemu device set --qp \$QPN complete=1:rem_op_err" poll state &&
	said "1 remote operation error" ERR
'

test_expect_success "$transport: ports: events and state" '
	run "$steps" port "netemu device set state=down" event port "netemu device set state=down" \
		"netemu device set state=up" event port &&
	said active "port error 1" down "port active 1" active
'

test_expect_success "$transport: ports of one device" '
	run devices=2 "$steps" "netemu device set netemu1.state=down" "netemu device set --node 1 state=down" port \
		"netemu device set -d netemu0 state=down" event port \
		"netemu device show ports --node 0 --format=tsv | cut -f 3,4" &&
	said active "port error 1" down "device	state" "netemu0	down" "netemu1	down"
'

test_expect_success "$transport: a port that is down: retries, then an error" '
	run "$steps" pair:8:2 "netemu device set state=down" write:1 poll state &&
	said "1 transport retry counter exceeded" ERR
'

# 4.096 us * 2^14 = 67 ms, three tries
test_expect_success "$transport: a link that is down: retries, then an error, not before their time" '
	run "$steps" pair:14:2 "netemu device set --link=n0/netemu0.up state=down" time:201 write:1 poll state &&
	said "1 transport retry counter exceeded" ERR
'

test_expect_success "$transport: a link that comes up in time" '
	run "$steps" pair:14:7 "netemu device set link=n0/netemu0.down,state=down" write:1 \
		"netemu device set link=n0/netemu0.down,state=up" poll state &&
	said "1 success" RTS
'

test_expect_success "$transport: the link of another node is none of its own" '
	run "$steps" pair:8:1 "netemu device set --link n1/netemu0.up state=down" write:1 poll &&
	said "1 success"
'

# Sums over the ports, of show.
total() {
	echo "netemu device show ports --format=json | python3 -c \"import json, sys
print($1 sum(row[\\\"$2\\\"] for row in json.load(sys.stdin)))\""
}

test_expect_success "$transport: loss is changed in use" '
	run seed=3 "$steps" pair:8:7 many:200:4096 "$(total 0== packets_lost)" \
		"netemu device set loss=0.05" many:200:4096 "$(total 0\< packets_lost)" "$(total 0\< packets_resent)" \
		"netemu device set loss=0" "netemu device show links --format=json >before" many:100:4096 \
		"netemu device show links --format=json >after" &&
	said True True True &&
	python3 -c "
import json
before, after = (json.load(open(name)) for name in (\"before\", \"after\"))
assert [row[\"lost\"] for row in before] == [row[\"lost\"] for row in after]
assert sum(row[\"lost\"] for row in after) > 0
"
'

test_expect_success "$transport: all is lost" '
	run "$steps" pair:8:1 "netemu device set loss=100%" write:1 poll &&
	said "1 transport retry counter exceeded"
'

test_expect_success "$transport: latency is changed in use: it takes as long at least" '
	run "$steps" pair "netemu device set latency=150ms" time:300 write:1 poll && said "1 success" &&
	run latency=50s "$steps" pair "netemu device set latency=0" write:1 poll && said "1 success"
'

test_expect_success "$transport: so does the rate" '
	run "$steps" pair "netemu device set rate=8Mbit/s" time:250 many:1:250000 &&
	test_must_be_empty out && nothing_left
'

test_expect_success "$transport: show says what has been set" '
	run devices=2 sh -c "
		netemu device set rate=1GB/s,loss=0.25 &&
		netemu device set netemu1.rate=2GB/s &&
		netemu device set node=1,netemu0.loss=0.5,link=n2/netemu0.up,rate=4GB/s,state=down &&
		netemu device show links --format=tsv" &&
	awk -F "\t" "NR > 1 { print \$1, \$4, \$5, \$6 }" out >actual && cat >expect <<-\EOF && test_cmp expect actual
	n0/netemu0.up up 1e+09 0.25
	n0/netemu0.down up 1e+09 0
	n0/netemu1.up up 2e+09 0.25
	n0/netemu1.down up 2e+09 0
	n1/netemu0.up up 1e+09 0.5
	n1/netemu0.down up 1e+09 0
	n1/netemu1.up up 2e+09 0.25
	n1/netemu1.down up 2e+09 0
	n2/netemu0.up down 4e+09 0.25
	n2/netemu0.down up 1e+09 0
	n2/netemu1.up up 2e+09 0.25
	n2/netemu1.down up 2e+09 0
	n3/netemu0.up up 1e+09 0.25
	n3/netemu0.down up 1e+09 0
	n3/netemu1.up up 2e+09 0.25
	n3/netemu1.down up 2e+09 0
	EOF
'

cat >wrong <<'END'
latency=soon|latency: 'soon' is no duration
jitter=-1us|jitter: '-1us' is no duration
rate=much|rate: 'much' is no rate, as 100Gbit/s
loss=2|loss: '2' is no probability
loss=nan|loss: 'nan' is no probability
loss=|loss: '' is no probability
state=sideways|state: 'sideways' is neither up nor down
state=error|state: 'error' is neither up nor down
qp=1,state=up|state: a queue pair can be set to 'error', not 'up'
qp=1,state=error|there is no queue pair 1
qp=0x1000000,state=error|there is no queue pair 16777216
qp=x,state=error|qp: 'x' is no number
node=-1,state=up|node: '-1' is no number
node=9,state=up|no device of the fabric is meant
complete=1:rem_op_err|complete: a queue pair is wanted (--qp)
qp=1,complete=1|complete: '1' should be WR_ID:STATUS
qp=1,complete=1:success|complete: 'success' is no status of a completion, as retry_exc_err
qp=1,complete=1:oops|complete: 'oops' is no status of a completion, as retry_exc_err
link=nowhere,loss=0|there is no link 'nowhere'
nothing.loss=0|no device of the fabric is meant, or it has no links of its own
mtu=1024|'mtu' can not be set; latency, jitter, rate, loss, state and complete can
yes|KEY=VALUE is wanted
END

cat >try-wrong <<'END'
while IFS='|' read -r list sentence; do
	netemu device set "$list" && exit 1
	echo "netemu device set: $sentence" >>expect.err
done <wrong
END

test_expect_success "$transport: what can not be set is said in a sentence" '
	rm -f expect.err && netemu device run sh ./try-wrong 2>err && test_cmp expect.err err
'

done
unset NETEMU

test_expect_success 'wrong usage, and no fabric' '
	exits 2 netemu device set && exits 2 netemu device set --qp=x state=error &&
	exits 2 netemu device set --node=-3 state=up && exits 2 netemu device set --frabric=x state=up &&
	exits 1 netemu device set latency=1us && grep "there is no fabric .default." exits.err &&
	exits 1 netemu device set --fabric=mine latency=1us && grep "there is no fabric .mine." exits.err &&
	exits 1 netemu device set --fabric=/nowhere latency=1us && grep "/nowhere" exits.err &&
	nothing_left
'

test_done
