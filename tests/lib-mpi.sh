# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-mpi.sh - run MPI programs with libnetprof.so and look at what it wrote
#
#	. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
#	mpi_run -n 4 -- traffic send bcast	# rank files in run/, lines in dump
#	expect_total p2p 12 1200

LIBNETPROF=$NETEMU_BUILDDIR/.libs/libnetprof.so
TESTBIN=$NETEMU_BUILDDIR/tests
MONITORING="--mca pml_monitoring_enable 2 --mca pml_monitoring_enable_output 3"
MONITORING="$MONITORING --mca pml_monitoring_filename ./mon"
UCX="--mca pml ucx,monitoring --mca pml_ucx_tls any --mca pml_ucx_devices any"
# With these, what a collective sends can be worked out by hand.
ALGORITHMS="--mca coll_tuned_use_dynamic_rules 1 --mca coll_tuned_bcast_algorithm 6"
ALGORITHMS="$ALGORITHMS --mca coll_tuned_allreduce_algorithm 3"
ALGORITHMS="$ALGORITHMS --mca coll_tuned_alltoall_algorithm 2"
ALGORITHMS="$ALGORITHMS --mca coll_tuned_barrier_algorithm 3"

OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_mpi_yield_when_idle=0
OMPI_MCA_rmaps_base_oversubscribe=1
OMPI_MCA_plm_rsh_agent=/bin/false # this machine alone
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_mpi_yield_when_idle
export OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_plm_rsh_agent
unset NETPROF NETPROF_HELPER NETPROF_LIB

# What runs here is not part of a job that the tests may themselves run in.
for variable in $(env | sed -n 's/^\(SLURM[A-Z_]*\)=.*/\1/p'); do
	unset "$variable"
done

mpi_need() {
	command -v mpirun >/dev/null || skip_all="mpirun is not installed"
	test -e "$LIBNETPROF" || skip_all="built --without-mpi"
	test -z "$skip_all" || test_done
}

# dump_run DIR...: `dump` gets the lines of all rank files below the directories.
dump_run() {
	for directory; do
		ls "$directory"/mpi/rank-*.json
	done | xargs "$TESTBIN/rankdump" >dump
}

# mpi_run [MPIRUN OPTION...] -- PROGRAM ARGUMENT...: what it writes is in run/.
mpi_run() {
	rm -rf run dump mon.* && mkdir run || return 1
	mpi_options=
	while test "$1" != --; do
		mpi_options="$mpi_options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # options are words
	timeout 120 mpirun $mpi_options -x "LD_PRELOAD=$LIBNETPROF" \
		-x "NETPROF=${netprof:+$netprof,}dir=$PWD/run" "$@"
	mpi_rc=$?
	dump_run run/netemu.* || return 1
	return $mpi_rc
}

# expect_total OP MESSAGES BYTES [RX_MESSAGES RX_BYTES]: over all ranks.
expect_total() {
	echo "total $1 $2 $3 ${4:-$2} ${5:-$3}" >expect
	grep "^total $1 " dump >actual
	test_cmp expect actual
}

# expect_lines TYPE LINE...: these are the lines of TYPE and no others.
expect_lines() {
	line_type=$1
	shift
	printf '%s\n' "$@" | sed '/^$/d' | sort >expect
	sed -n "s/^$line_type //p" dump | sort >actual
	test_cmp expect actual
}

# expect_symmetric: what was sent is what was received, op by op, pair by pair.
expect_symmetric() {
	sed -n 's/^op //p' dump | sort >sent
	sed -n 's/^rx //p' dump | sort >received
	test_cmp sent received
}

expect_complete() {
	grep -c '^rank [0-9]* complete ' dump >actual
	echo "$1" >expect
	test_cmp expect actual
}

# expect_as_monitoring: pml/monitoring, in the same run, says the same of every
# pair.
expect_as_monitoring() {
	cat mon.*.prof | awk '$1 == "E" || $1 == "I" { bytes[$2 " " $3] += $4; messages[$2 " " $3] += $6 }
		END { for (pair in messages) print pair, messages[pair], bytes[pair] }' |
		sort >expect
	awk '$1 == "op" { messages[$3 " " $4] += $5; bytes[$3 " " $4] += $6 }
		END { for (pair in messages) print pair, messages[pair], bytes[pair] }' dump |
		sort >actual
	test -s expect && test_cmp expect actual
}
