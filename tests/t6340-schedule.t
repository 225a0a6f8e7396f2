#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim predicts what a real Slurm does (with TEST_LONG=t: live, 5 minutes)'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

PATH=$NETEMU_BUILDDIR:$PATH
LC_ALL=C
export LC_ALL
golden=$NETEMU_SRCDIR/tests/golden/schedule

if command -v python3 >/dev/null; then
	test_set_prereq PYTHON
fi

# predict CASE SCHEDULER: simulate the jobs of CASE.sacct and compare.
predict() {
	echo "SwitchName=leaf Nodes=node[0-4]" >topology.conf &&
	cat >"$1.yml" <<-EOF &&
	topology: slurm:topology.conf
	output: $1.$2
	network: no
	algorithms: {scheduler: $2, host_selector: linear, process_mapper: block, router: dmodk}
	jobs:
	  - sacct: $1.sacct
	EOF
	netemu-sim run "$1.yml" >table && echo "# case $1, $2" >&5 &&
	python3 "$NETEMU_SRCDIR/tests/schedule-compare.py" "$1.sacct" "$1.$2/0/jobs.csv" >report
	status=$?
	sed "s/^/# /" report >&5
	return $status
}

# Accounting of two small workloads on five nodes of a private cluster, by
# sched/backfill: in `a` jobs fill holes, in `d` one must not, because the idle
# node is one of those that the first job in the queue will get.
test_expect_success PYTHON 'recorded: starts, nodes and who waits for whom are as in Slurm' '
	cp "$golden"/*.sacct . &&
	for case in a d; do
		predict $case easy && predict $case conservative || return 1
	done
'

test_expect_success PYTHON 'recorded: other schedulers would have done something else' '
	test_must_fail predict a fcfs && test_must_fail predict d easy-count
'

# start CASE: a cluster of that name.
start() {
	cluster_start_named "$1" 5 --acct slurmdbd --gpus 0 \
		--conf "SchedulerParameters=bf_interval=1,bf_resolution=1,sched_interval=1"
}

# live CASE "SUBMIT NODES MINUTES"...: run sleep jobs on its cluster; SUBMIT counts
# units of 12 s, a job sleeps 3 s less than its limit.  What still runs when all
# have started is cancelled.  Makes CASE.sacct.
live() {
	case=$1 began=$(date +%s) &&
	shift &&
	(
		eval "$("$CLUSTER" env --name "$case")" &&
		for job; do
			# shellcheck disable=SC2086 # words
			set -- $job
			while test $(($(date +%s) - began)) -lt $(($1 * 12)); do
				sleep 0.2
			done
			sbatch --exclusive -N "$2" -t "$3" -o /dev/null \
				--wrap "sleep $(($3 * 60 - 3))" || exit
		done
		while squeue -h -t PENDING | grep -q .; do
			sleep 1
		done
		sleep 8 # so that no start seems to wait for what is cancelled now
		scancel -u "$(id -un)"
		while squeue -h | grep -q .; do
			sleep 1
		done
		until sacct -P -X -S now-1hour -o JobID,NNodes,NodeList,Submit,Start,End,Timelimit,State \
			>"$case.sacct" && test "$(wc -l <"$case.sacct")" = 6 &&
			! grep -q "Unknown\|RUNNING" "$case.sacct"; do
			sleep 1
		done
	)
}

if test -n "${TEST_LONG:-}" && command -v slurmdbd >/dev/null && command -v mariadbd >/dev/null; then
	test_set_prereq LIVE
fi

test_expect_success PYTHON,LIVE 'live: two clusters side by side, predicted' '
	skip_unless slurmctld slurmd munged sbatch &&
	rm -rf a.* d.* && start d && start a &&
	{
		live d "0 2 20" "0 1 1" "0 2 2" "2 2 4" "3 1 10" &
		live a "0 2 2" "1 4 2" "2 1 20" "3 1 1" "4 1 2" && wait
	} &&
	for case in a d; do
		predict $case easy && predict $case conservative || return 1
	done
'

cluster_stop
test_done
