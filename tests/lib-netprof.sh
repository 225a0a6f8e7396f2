# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of sharness
#
# lib-netprof.sh - for tests of the plugin on a private cluster
#
#	. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
#	. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
#	netprof_start 4 auto=yes
#
# All from the build tree.  Where libnetprof.so is not built (--without-mpi)
# an empty library stands for it: what the plugin does can be seen all the same.

netprof_plugin=$NETEMU_BUILDDIR/spank/.libs/netprof.so
netprof_libexec=$NETEMU_BUILDDIR
netprof_lib=$NETEMU_BUILDDIR/.libs/libnetprof.so

test -r "$netprof_plugin" || {
	skip_all="the SPANK plugins are not built"
	test_done
}
if test -r "$netprof_lib"; then
	test_set_prereq PROFILER
else
	# plugstack.conf has no quoting, and the trash directory a blank in its name
	netprof_stub=$(mktemp -d /tmp/netemu-t3.XXXXXX) || error "no temporary directory"
	chmod 755 "$netprof_stub"
	remove_at_end "$netprof_stub"
	netprof_lib=$netprof_stub/libnetprof.so
	${CC:-cc} -shared -o "$netprof_lib" -x c /dev/null || error "no compiler"
fi

# netprof_line ARGUMENT...: the line of plugstack.conf.
netprof_line() {
	echo "optional $netprof_plugin lib=$netprof_lib libexec=$netprof_libexec $*"
}

# netprof_start NODES ARGUMENT...: a cluster with the plugin.
netprof_start() {
	netprof_nodes=$1
	shift
	cluster_plugstack "$(netprof_line "$@")"
	cluster_start "$netprof_nodes" --plugstack plugstack.conf
	netprof_conf=${SLURM_CONF%/*}/plugstack.conf
	test "$(id -u)" != 0 || test_set_prereq ROOT
}

# netprof_set ARGUMENT...: other arguments from now on (slurmd excepted).
netprof_set() {
	netprof_line "$@" >"$netprof_conf"
}

# our_variables: the lines of `env` that are ours.
our_variables() {
	grep -E '^(NETPROF|SLURM_NETPROF|LD_PRELOAD=|OMPI_MCA_orte_fork|PRTE_MCA_prte_fork)' |
		sed 's,/proc/[0-9]*/fd/5$,HELPER,' | sort
}

# what_a_task_has SETTINGS ORIGIN
what_a_task_has() {
	echo "LD_PRELOAD=$netprof_lib"
	echo "NETPROF=$1"
	echo "NETPROF_HELPER=HELPER"
	echo "SLURM_NETPROF_ORIGIN=$2:$1"
}

# what_a_script_has SETTINGS ORIGIN
what_a_script_has() {
	echo "NETPROF=$1"
	echo "NETPROF_HELPER=HELPER"
	echo "NETPROF_LIB=$netprof_lib"
	echo "OMPI_MCA_orte_fork_agent=$netprof_libexec/netemu-agent"
	echo "PRTE_MCA_prte_fork_agent=$netprof_libexec/netemu-agent"
	echo "SLURM_NETPROF_ORIGIN=$2:$1"
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
	processes_of netprof-helper
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
