# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of sharness
#
# lib-recorder.sh - for tests of the plugins netprof and nettrace on a private cluster
#
#	. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
#	recorder=nettrace
#	. "$NETEMU_SRCDIR/tests/lib-recorder.sh"
#	recorder_start 4 auto=yes
#
# All from the build tree.  Where the library is not built (--without-mpi,
# --without-verbs) an empty one stands for it: what the plugin does can be seen
# all the same.

RECORDER=$(echo "$recorder" | tr '[:lower:]' '[:upper:]')

recorder_plugin=$NETEMU_BUILDDIR/spank/.libs/$recorder.so
recorder_libexec=$NETEMU_BUILDDIR
recorder_lib=$NETEMU_BUILDDIR/.libs/lib$recorder.so
case $recorder in
nettrace) recorder_bin=bin=$NETEMU_BUILDDIR ;;
*) recorder_bin= ;;
esac

test -r "$recorder_plugin" || {
	skip_all="the SPANK plugins are not built"
	test_done
}
if test -r "$recorder_lib"; then
	test_set_prereq PROFILER
else
	# plugstack.conf has no quoting, and the trash directory a blank in its name
	recorder_stub=$(mktemp -d /tmp/netemu-t3.XXXXXX) || error "no temporary directory"
	chmod 755 "$recorder_stub"
	remove_at_end "$recorder_stub"
	recorder_lib=$recorder_stub/lib$recorder.so
	${CC:-cc} -shared -o "$recorder_lib" -x c /dev/null || error "no compiler"
fi

# recorder_line ARGUMENT...: the line of plugstack.conf.
recorder_line() {
	echo "optional $recorder_plugin lib=$recorder_lib libexec=$recorder_libexec $recorder_bin $*"
}

# recorder_start NODES ARGUMENT...: a cluster with the plugin.
recorder_start() {
	recorder_nodes=$1
	shift
	cluster_plugstack "$(recorder_line "$@")"
	cluster_start "$recorder_nodes" --plugstack plugstack.conf
	recorder_conf=${SLURM_CONF%/*}/plugstack.conf
	test "$(id -u)" != 0 || test_set_prereq ROOT
}

# recorder_set ARGUMENT...: other arguments from now on (slurmd excepted).
recorder_set() {
	recorder_line "$@" >"$recorder_conf"
}

# our_variables: the lines of `env` that are ours.
our_variables() {
	grep -E "^($RECORDER|SLURM_$RECORDER|LD_PRELOAD=|OMPI_MCA_orte_fork|PRTE_MCA_prte_fork)" |
		sed 's,/proc/[0-9]*/fd/5$,HELPER,' | sort
}

# what_a_task_has SETTINGS ORIGIN
what_a_task_has() {
	echo "LD_PRELOAD=$recorder_lib"
	echo "${RECORDER}=$1"
	echo "${RECORDER}_HELPER=HELPER"
	echo "SLURM_${RECORDER}_ORIGIN=$2:$1"
}

# what_a_script_has SETTINGS ORIGIN
what_a_script_has() {
	echo "${RECORDER}=$1"
	echo "${RECORDER}_HELPER=HELPER"
	echo "${RECORDER}_LIB=$recorder_lib"
	echo "OMPI_MCA_orte_fork_agent=$recorder_libexec/netemu-agent"
	echo "PRTE_MCA_prte_fork_agent=$recorder_libexec/netemu-agent"
	echo "SLURM_${RECORDER}_ORIGIN=$2:$1"
}

# refused SENTENCE CMD...: fails, says that sentence once, submits nothing.
refused() {
	sentence=$1
	before=$(submitted)
	shift
	test_must_fail "$@" >out 2>err || return 1
	grep -cF "error: $recorder: $sentence" err >count
	test "$(cat count)" = 1 || {
		cat err
		return 1
	}
	test "$(submitted)" = "$before"
}

# task_has SETTINGS ORIGIN CMD...: what the tasks that CMD starts find.
task_has() {
	what_a_task_has "$1" "$2" >expected
	shift 2
	"$@" >out && our_variables <out >actual && test_cmp expected actual
}

# task_has_none CMD...
task_has_none() {
	"$@" >out && our_variables <out >actual && test_must_be_empty actual
}

# batch OPTION... <<SCRIPT: run it by sbatch and wait; its output is batch.out.
batch() {
	{
		echo '#!/bin/sh'
		cat
	} >batch.sh
	: >batch.out
	sbatch_wait -o batch.out "$@" batch.sh
	batch_status=$?
	echo "$sbatch_id" >batch.id
	return $batch_status
}

# unlabel FILE: what `srun -l` wrote, without the numbers of the tasks.  Only so
# are lines of several tasks whole.
unlabel() {
	sed -i "s/^ *[0-9]*: //" "$1"
}

# submitted: how many jobs there have ever been (ids are given in order).
submitted() {
	scontrol show job -o 2>/dev/null | grep -c '^JobId='
}

test_must_be_empty() {
	test -s "$1" || return 0
	cat "$1"
	return 1
}

# test_line_count NUMBER FILE
test_line_count() {
	test "$(wc -l <"$2")" -eq "$1" || {
		cat "$2"
		return 1
	}
}

# processes_of NAME: the pids of this cluster's processes of that name.
processes_of() {
	for process in $(pgrep -x "$1"); do
		grep -qzFx "SLURM_CONF=$SLURM_CONF" "/proc/$process/environ" 2>/dev/null &&
			echo "$process"
	done
	true
}

# helpers: the pids of this cluster's helpers.
helpers() {
	processes_of "$recorder-helper"
}

no_helpers() {
	test -z "$(helpers)"
}

# no_node_drained: nothing any job did may have cost a node.
no_node_drained() {
	test -z "$(sinfo -h -R)" || {
		sinfo -R
		return 1
	}
}
