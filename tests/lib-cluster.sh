# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-cluster.sh - for tests that need a private Slurm cluster
#
#	test_description='...'
#	. "$SHARNESS"
#	. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
#	cluster_plugstack "optional $NETEMU_BUILDDIR/.libs/netprof.so lib=..."
#	cluster_start 4 --plugstack plugstack.conf
#	test_expect_success 'srun runs' 'srun -N4 hostname'
#	test_done
#
# The cluster is stopped when the script ends, however it ends, and then what was
# given to remove_at_end is removed.  A failed test's daemon logs are left in the
# "cluster-log" of its trash directory.

CLUSTER=$NETEMU_SRCDIR/contrib/cluster
export CLUSTER
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# What is remembered about clusters lies in $HOME, the trash directory.
unset XDG_RUNTIME_DIR NETEMU_CLUSTER
cluster_names=

# skip_unless PROGRAM...: skip the whole script unless all of them are there.
skip_unless() {
	for program in "$@"; do
		command -v "$program" >/dev/null && continue
		skip_all="$program is not installed"
		test_done
	done
}

# cluster_plugstack LINE...: write plugstack.conf in the current directory.
cluster_plugstack() {
	printf '%s\n' "$@" >plugstack.conf
}

# cluster_start N [OPTION...]: start a cluster named after the test and export
# its environment.  $NETEMU_CLUSTER_OPTIONS (make soak: --netns) goes before the
# options.  Skips the script where Slurm or munge is not installed.
cluster_start() {
	skip_unless slurmctld slurmd munged srun
	cluster_nodes=$1
	shift
	# shellcheck disable=SC2086 # words
	cluster_start_named "$this_test" "$cluster_nodes" ${NETEMU_CLUSTER_OPTIONS:-} "$@"
	cluster_env=$("$CLUSTER" env --name "$this_test") || error "no environment of the cluster"
	eval "$cluster_env"
	mpi_env
}

# cluster_start_named NAME N [OPTION...]: one more cluster; its environment is
# not exported: use `"$CLUSTER" run --name NAME ...`.
cluster_start_named() {
	cluster_name=$1
	shift
	cluster_names="$cluster_names $cluster_name"
	"$CLUSTER" start --name "$cluster_name" "$@" >cluster-start.out 2>&1 || {
		sed 's/^/# /' cluster-start.out >&5
		error "the cluster did not start" >&5
	}
}

# cluster_stop: stop all clusters of this script.
cluster_stop() {
	for cluster_name in $cluster_names; do
		test "$test_failure" = 0 || cluster_keep_logs "$cluster_name"
		"$CLUSTER" stop --now --name "$cluster_name" 2>/dev/null
	done
	cluster_names=
}

cluster_keep_logs() {
	mkdir -p "$SHARNESS_TRASH_DIRECTORY/cluster-log/$1"
	(
		eval "$("$CLUSTER" env --name "$1")" &&
			cp "$NETEMU_CLUSTER_DIR"/log/* "$SHARNESS_TRASH_DIRECTORY/cluster-log/$1"
	) 2>/dev/null
}

# remove_at_end DIRECTORY: when nothing of a cluster writes there any more.
remove_at_end() {
	ends_with="$ends_with $1"
}
ends_with=

cluster_end() {
	cluster_stop
	# shellcheck disable=SC2086 # words
	rm -rf $ends_with
}

# cleanup runs before sharness removes $HOME, the trap when a test has failed
# or the script was interrupted.
cleanup cluster_end
trap 'status=$?; cluster_end; (exit $status); die' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# mpi_env: many ranks on few CPUs, also as root, without talk about missing
# devices.
mpi_env() {
	export OMPI_MCA_mpi_yield_when_idle=0
	export OMPI_MCA_rmaps_base_oversubscribe=1
	export OMPI_MCA_btl_base_warn_component_unused=0
	export OMPI_MCA_hwloc_base_binding_policy=none
	export OMPI_ALLOW_RUN_AS_ROOT=1
	export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

: "${GIVE_WAY:=$NETEMU_BUILDDIR/tests/.libs/give-way.so}"

# give_way CMD...: run it; its MPI ranks, more than there are processors, sleep for a
# moment where they would spin (tests/give-way.c).
give_way() {
	(
		export OMPI_MCA_mpi_yield_when_idle=1
		export LD_PRELOAD="$GIVE_WAY"
		"$@"
	)
}

# wait_for SECONDS CMD...: until CMD succeeds; fails when time is up.
wait_for() {
	wait_end=$(($(date +%s) + $1 + 1))
	shift
	until "$@"; do
		if test "$(date +%s)" -ge "$wait_end"; then
			echo "waited in vain for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# job_state JOBID: PENDING, RUNNING, COMPLETED, ...
job_state() {
	scontrol show job "$1" | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | head -n 1
}

job_is() {
	test "$(job_state "$1")" = "$2"
}

# wait_job_state JOBID STATE [SECONDS]
wait_job_state() {
	wait_for "${3:-60}" job_is "$1" "$2"
}

# wait_job_end JOBID [SECONDS]: until it is no longer pending, running or
# completing.
wait_job_end() {
	wait_for "${2:-60}" job_has_ended "$1"
}

job_has_ended() {
	case $(job_state "$1") in
	PENDING | CONFIGURING | RUNNING | COMPLETING | SUSPENDED | STOPPED) return 1 ;;
	esac
}

# sbatch_wait OPTION... [SCRIPT]: sbatch, until all tasks of the job have ended; its
# status is the job's.  (sbatch -W itself looks 2, 10 and 42 s after it was called.)
sbatch_wait() {
	sbatch_id=$(sbatch --parsable "$@") || return
	wait_for 300 all_have_ended "$sbatch_id" || return
	return "$(echo "$sbatch_job" | sed -n 's/.*ExitCode=\([0-9]*\):.*/\1/p' | sort -n | tail -n 1)"
}

# all_have_ended JOBID: the tasks of an array, too; what Slurm says is in $sbatch_job.
all_have_ended() {
	sbatch_job=$(scontrol show job "$1") || return
	case $sbatch_job in
	*=PENDING* | *=CONFIGURING* | *=RUNNING* | *=COMPLETING* | *=SUSPENDED* | *=STOPPED*) return 1 ;;
	esac
}
