#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='exact traffic of each kind, from Fortran, over ob1 and UCX'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
mpi_need
test -e "$TESTBIN/traffic_f" || skip_all="no Fortran compiler of Open MPI"
test -z "$skip_all" || test_done

# KIND OP MESSAGES BYTES, for 4 ranks, as from C
cat >kinds <<'EOF'
sendrecv p2p 20 4000
thread p2p 20 4000
isend p2p 24 7200
anysource p2p 24 768
persistent p2p 28 21756
subcomm p2p 8 80
bcast bcast 30 30000
allreduce allreduce 40 20480
alltoall alltoall 36 18000
barrier barrier 24 0
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
			mpi_run -n 4 $options -- '$TESTBIN/traffic_f' $kind &&
			expect_complete 4 &&
			expect_total $op $messages $bytes &&
			expect_symmetric &&
			{ test $kind = persistent || expect_as_monitoring; }
		"
	done <kinds
done

test_expect_success 'MPI_Pcontrol opens phases' '
	mpi_run -n 4 -- "$TESTBIN/traffic_f" phases &&
	expect_lines phase "7 0 1 6 1800" "7 1 1 6 1800" "7 2 1 6 1800" "7 3 1 6 1800" &&
	expect_total p2p 44 11200
'

test_done
