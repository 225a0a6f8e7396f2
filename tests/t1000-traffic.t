#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='exact traffic of each kind, from C, over ob1 and UCX

The amounts are worked out by hand for 4 ranks (tests/traffic.c), and compared
with what pml/monitoring counts in the same run.'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
mpi_need

# KIND OP MESSAGES BYTES, for 4 ranks
cat >kinds <<'EOF'
send p2p 12 1200
sendrecv p2p 20 4000
isend p2p 24 7200
anysource p2p 24 768
ianysource p2p 6 384
persistent p2p 28 21756
self p2p 4 200
subcomm p2p 8 80
mprobe p2p 8 336
completion p2p 60 660
modes p2p 12 72
datatypes p2p 12 4194496
bcast bcast 30 30000
allreduce allreduce 40 20480
alltoall alltoall 36 18000
barrier barrier 24 0
neighbor neighbor 8 128
EOF

ompi_info 2>/dev/null | grep -q 'MCA pml: ucx' && test_set_prereq UCX
for pml in ob1 ucx; do
	if test $pml = ucx; then
		options="$ALGORITHMS $MONITORING $UCX"
		need=UCX
	else
		options="$ALGORITHMS $MONITORING"
		need=
	fi
	while read -r kind op messages bytes; do
		# shellcheck disable=SC2086 # nothing, or one word
		test_expect_success $need "$pml: $kind: $messages messages, $bytes bytes" "
			mpi_run -n 4 $options -- '$TESTBIN/traffic' $kind &&
			expect_complete 4 &&
			expect_total $op $messages $bytes &&
			expect_symmetric &&
			{ test $kind = persistent || expect_as_monitoring; }
		"
	done <kinds
	for kind in intercomm collectives nonblocking io; do
		# shellcheck disable=SC2086 # nothing, or one word
		test_expect_success $need "$pml: $kind: as pml/monitoring counts" "
			mpi_run -n 4 $options -- '$TESTBIN/traffic' $kind &&
			expect_complete 4 &&
			expect_symmetric &&
			expect_as_monitoring
		"
	done
	# shellcheck disable=SC2086
	test_expect_success $need "$pml: the PML is named" "
		mpi_run -n 2 ${options#*"$MONITORING"} -- '$TESTBIN/traffic' send &&
		test \$(grep -c '^rank [01] complete $pml ' dump) = 2
	"
done

test_expect_success 'persistent sends count at each start, which pml/monitoring misses' '
	mpi_run -n 4 $MONITORING -- "$TESTBIN/traffic" persistent &&
	for rank in 0 1 2 3; do
		echo "p2p $rank $(((rank + 1) % 4)) 7 5439"
	done >lines &&
	expect_lines op "$(cat lines)" &&
	test $(cat mon.*.prof | grep -c "^E") = 0
'

test_expect_success 'ANY_SOURCE receives count for the rank that matched' '
	mpi_run -n 4 -- "$TESTBIN/traffic" anysource &&
	expect_lines rx "p2p 1 0 8 256" "p2p 2 0 8 256" "p2p 3 0 8 256" &&
	mpi_run -n 4 -- "$TESTBIN/traffic" ianysource &&
	expect_lines rx "p2p 1 0 2 128" "p2p 2 0 2 128" "p2p 3 0 2 128"
'

test_expect_success 'sub-communicators count as world ranks' '
	mpi_run -n 4 -- "$TESTBIN/traffic" subcomm &&
	grep "^op p2p" dump | sort >actual &&
	printf "op p2p %s 2 20\n" "0 2" "1 3" "2 0" "3 1" >expect &&
	test_cmp expect actual
'

test_expect_success 'oneself is a peer' '
	mpi_run -n 2 -- "$TESTBIN/traffic" self &&
	expect_lines op "p2p 0 0 1 50" "p2p 1 1 1 50"
'

test_expect_success 'processes of another world are outside, and have a run of their own' '
	mpi_run -n 2 -- "$TESTBIN/traffic" spawn &&
	dump_run run/netemu.mpirun0 && expect_complete 2 &&
	expect_lines outside "0 2 0" "1 2 0" &&
	dump_run run/netemu.mpirun1 && expect_complete 2 &&
	expect_lines outside "0 0 2" "1 0 2"
'

test_expect_success 'a truncated receive is there, and said' '
	mpi_run -n 4 -- "$TESTBIN/traffic" truncate &&
	expect_total p2p 4 400 &&
	sed -n "s/^unseen \(.*\) [0-9]*$/\1/p" dump >actual &&
	echo "p2p truncated 4" >expect &&
	test_cmp expect actual
'

test_expect_success 'a cancelled receive is listed as unseen' '
	mpi_run -n 4 -- "$TESTBIN/traffic" cancel &&
	expect_lines total "" &&
	expect_lines unseen "p2p cancelled 4 280"
'

test_expect_success 'a freed receive is listed as unseen' '
	mpi_run -n 4 -- "$TESTBIN/traffic" freed &&
	expect_total p2p 4 320 0 0 &&
	expect_lines unseen "p2p freed 4 320"
'

test_expect_success 'receives inside non-blocking collectives are marked' '
	mpi_run -n 4 -- "$TESTBIN/traffic" nonblocking &&
	awk "\$1 == \"total\" && \$2 == \"nonblocking\" { print \"unseen nonblocking posted\", \$5, \$6 }" \
		dump >expect &&
	grep ^unseen dump >actual &&
	test_cmp expect actual
'

test_expect_success 'one-sided calls are counted, and what carries them is named' '
	mpi_run -n 4 --mca osc rdma -- "$TESTBIN/traffic" rma &&
	expect_lines rma "put 20 200000" "get 12 240000" "accumulate 4 32" "fetch_and_op 4 32" &&
	expect_lines bypass osc/rdma osc/rdma osc/rdma osc/rdma
'

test_expect_success 'osc/pt2pt goes through the PML: sent is received' '
	mpi_run -n 4 $MONITORING --mca osc pt2pt -- "$TESTBIN/traffic" rma &&
	expect_symmetric &&
	expect_as_monitoring &&
	expect_lines bypass ""
'

test_expect_success 'coll/sm is named as a bypass' '
	mpi_run -n 4 --mca coll_sm_priority 99 -- "$TESTBIN/traffic" bcast &&
	expect_lines bypass coll/sm coll/sm coll/sm coll/sm
'

test_done
