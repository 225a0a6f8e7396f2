#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# shellcheck disable=SC2009 # pgrep does not look for states

test_description='one helper per node and step, and none when the step is over'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

netprof_start 2

# of_step JOB.STEP: pids of this cluster's slurmstepd of that step.
of_step() {
	pgrep -f "^slurmstepd: \[$1\]" | while read -r pid; do
		tr "\0" "\n" <"/proc/$pid/environ" 2>/dev/null | grep -qFx "SLURM_CONF=$SLURM_CONF" &&
			echo "$pid"
	done
	true
}

helpers_are() {
	test "$(helpers | wc -l)" -eq "$1"
}

all_run() {
	test "$(wc -l <ids)" -eq "$1"
}

# running -N<NODES>: a step in the background with a task on each node that
# waits; its id in $step.  What a case that failed has left is ended before.
running() {
	squeue -h -o %A | xargs -r scancel
	: >ids
	srun --netprof "$1" sh -c 'echo $SLURM_JOB_ID.$SLURM_STEP_ID >>ids; exec sleep 1000' >srun.out 2>&1 &
	srun_pid=$!
	wait_for 30 all_run "${1#-N}" || return 1
	step=$(head -n 1 ids)
}

# over: the background step has ended, whatever became of it, and left nothing.
over() {
	wait "$srun_pid"
	wait_for 30 no_helpers || {
		helpers | xargs ps -fp
		return 1
	}
	wait_for 30 no_jobs && wait_for 10 no_tasks && no_zombies
}

no_jobs() {
	test -z "$(squeue -h -o %A)"
}

no_tasks() {
	test -z "$(processes_of sleep)"
}

# Zombies of slurmstepd, that is; how soon init reaps is not our matter.
no_zombies() {
	! ps -o stat=,ppid=,comm= -u "$(id -u)" | awk "\$2 != 1" | grep "^Z.*netprof"
}

test_expect_success 'one on each node, and gone when the step has ended' '
	running -N2 &&
	helpers_are 2 &&
	for pid in $(helpers); do
		tr "\0" "\n" <"/proc/$pid/environ" | sed -n "s/^SLURMD_NODENAME=//p"
	done | sort >nodes &&
	printf "%s\n" node0 node1 >expected &&
	test_cmp expected nodes &&
	scancel "$step" &&
	over
'

test_expect_success 'it is the user, in a session of its own, no child of slurmstepd' '
	running -N1 &&
	pid=$(helpers) &&
	test "$(ps -o uid= -p "$pid" | tr -d " ")" = "$(id -u)" &&
	test "$(ps -o sid= -p "$pid")" != "$(ps -o sid= -p "$(of_step "$step" | head -n 1)")" &&
	test "$(ps -o ppid= -p "$pid" | tr -d " ")" != "$(of_step "$step" | head -n 1)" &&
	scancel "$step" &&
	over
'

test_expect_success 'it keeps nothing open but its own' '
	running -N1 &&
	ls -l "/proc/$(helpers)/fd" | sed -n "s/.* -> //p" >open &&
	scancel "$step" &&
	over &&
	! grep -v -e ^/dev/null -e "^socket:" -e "^pipe:" -e "^/memfd:netprof" \
		-e "^anon_inode:" open
'

test_expect_success 'none without --netprof' '
	srun -N2 sleep 0 && no_helpers
'

test_expect_success 'the tasks get no descriptor of it' '
	srun --netprof=no ls -l /proc/self/fd | sed -n "s/.* \([0-9]*\) -> \([a-z/]*\).*/\1 \2/p" >expected &&
	srun --netprof ls -l /proc/self/fd | sed -n "s/.* \([0-9]*\) -> \([a-z/]*\).*/\1 \2/p" >actual &&
	test_cmp expected actual
'

test_expect_success 'scancel -s KILL' '
	running -N2 && scancel -s KILL "$step" && over
'

test_expect_success 'scancel of the job' '
	running -N2 && scancel "${step%.*}" && over
'

test_expect_success 'a time limit' '
	running -N1 &&
	scontrol update JobId="${step%.*}" EndTime=now &&
	over &&
	wait_job_state "${step%.*}" TIMEOUT
'

test_expect_success 'srun killed' '
	running -N2 && kill -KILL "$srun_pid" && scancel "${step%.*}" && over
'

test_expect_success 'slurmstepd killed: the helper goes when its tasks are gone' '
	running -N1 &&
	helpers_are 1 &&
	tasks=$(processes_of sleep) &&
	for pid in $(of_step "$step"); do kill -KILL "$pid"; done &&
	for pid in $tasks; do kill -KILL "$pid" 2>/dev/null; done;
	wait_for 30 no_helpers &&
	scancel "${step%.*}" && wait_for 60 no_jobs
'

test_expect_success 'a program that cannot be started' '
	test_must_fail srun --netprof -N2 /nonexistent >out 2>&1 &&
	wait_for 30 no_helpers
'

test_expect_success 'a working directory that is not there' '
	srun --netprof -N2 --chdir=/nonexistent true >out 2>&1;
	wait_for 30 no_helpers
'

test_expect_success 'two steps on one node are independent' '
	cat >two.sh <<-"END" &&
		#!/bin/sh
		srun --overlap -N1 -n1 sh -c "echo first \$SLURM_STEP_ID >>ids; exec sleep 1000" &
		first=$!
		srun --overlap -N1 -n1 sh -c "echo second >>ids; cat >/dev/null <fifo; echo \$NETPROF_HELPER" >second.out &
		while test "$(wc -l <ids)" -lt 2; do sleep 0.05; done
		echo both >state
		while test -e state; do sleep 0.05; done
		scancel "$SLURM_JOB_ID.$(sed -n "s/^first //p" ids)"
		wait $first
		echo one >state
		wait
	END
	chmod +x two.sh && mkfifo fifo && : >ids && rm -f state &&
	sbatch --parsable --netprof -N1 -n2 -o two.out two.sh >two.id &&
	wait_for 60 test -e state &&
	helpers_are 3 &&
	rm state &&
	wait_for 60 test -e state &&
	wait_for 20 helpers_are 2 &&
	echo go >fifo &&
	wait_job_end "$(cat two.id)" &&
	wait_for 30 no_helpers
'

test_expect_success 'a batch script has one, which ends with it' '
	cat >wait.sh <<-"END" &&
		#!/bin/sh
		echo run >batch-runs
		exec sleep 1000
	END
	rm -f batch-runs &&
	sbatch --parsable --netprof -o /dev/null wait.sh >id &&
	wait_for 30 test -s batch-runs &&
	helpers_are 1 &&
	scancel "$(cat id)" &&
	wait_job_end "$(cat id)" &&
	wait_for 30 no_helpers
'

# Twenty steps one after the other: nothing grows.
test_expect_success 'many steps leave nothing behind' '
	batch -N2 --netprof <<-"END" &&
		for i in 1 2 3 4 5 6 7 8 9 10; do srun true || exit 1; done
	END
	wait_for 30 no_helpers && no_zombies
'

test_expect_success 'no node was drained' no_node_drained

test_done
