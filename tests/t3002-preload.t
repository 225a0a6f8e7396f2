#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='who gets the library: exactly the tasks, and nobody notices'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

# A place without a blank in its name: slurm.conf has no quoting.
place=$(mktemp -d /tmp/netemu-t3.XXXXXX) || error "no temporary directory"
chmod 755 "$place"
remove_at_end "$place"

# What a task prolog prints goes into the task's environment.
cat >"$place/task-prolog" <<'END'
#!/bin/sh
echo "export PROLOG_SAID=hello"
END
chmod +x "$place/task-prolog"

# What salloc without a command runs, as a step of its own.
cat >"$place/shell" <<END
#!/bin/sh
cd "$PWD" || exit
env >interactive
srun --overlap -N1 env >inside
srun --overlap -N1 --netprof=no env >without
END
chmod +x "$place/shell"

# shellcheck disable=SC2119
cluster_plugstack "$(netprof_line)"
cluster_start 2 --plugstack plugstack.conf --prolog-flags Alloc,Contain \
	--conf "TaskProlog=$place/task-prolog" \
	--conf "LaunchParameters=use_interactive_step" \
	--conf "InteractiveStepOptions=\"--interactive --preserve-env $place/shell\""

# preloads_of COMMAND: LD_PRELOAD of this cluster's processes of that name.
preloads_of() {
	for pid in $(processes_of "$1"); do
		tr "\0" "\n" <"/proc/$pid/environ" 2>/dev/null | grep ^LD_PRELOAD=
	done
	true
}

# tasks_sleep N: so many have the library.
tasks_sleep() {
	preloads_of "sleep" | grep -F "$netprof_lib" >asleep
	test_line_count "$1" asleep >/dev/null
}

# mapped_by COMMAND: where they have the library mapped.
mapped_by() {
	for pid in $(processes_of "$1"); do
		grep -F "$netprof_lib" "/proc/$pid/maps" 2>/dev/null
	done
	true
}

printf '%s\n' 'int user_library;' >user.c
user=$place/libuser.so
${CC:-cc} -shared -o "$user" user.c || error "no compiler"

test_expect_success 'a task has it, and so have its children' '
	srun --netprof sh -c "sh -c \"env | grep ^LD_PRELOAD=\"" >actual &&
	echo "LD_PRELOAD=$netprof_lib" >expected &&
	test_cmp expected actual
'

test_expect_success 'it is really loaded' '
	srun --netprof cat /proc/self/maps >maps &&
	grep -F "$netprof_lib" maps >/dev/null &&
	srun cat /proc/self/maps >maps &&
	! grep -F netprof maps
'

test_expect_success 'a library of the user stays, after ours' '
	LD_PRELOAD=$user srun --netprof sh -c "echo \$LD_PRELOAD" >actual &&
	echo "$netprof_lib:$user" >expected &&
	test_cmp expected actual &&
	srun --netprof --export=ALL,LD_PRELOAD="$user" sh -c "echo \$LD_PRELOAD" >actual &&
	test_cmp expected actual
'

test_expect_success 'without --netprof a library of the user stays alone' '
	LD_PRELOAD=$user srun sh -c "echo \$LD_PRELOAD" >actual &&
	echo "$user" >expected &&
	test_cmp expected actual
'

test_expect_success 'an srun in a task does not add it twice' '
	salloc -N1 --netprof srun --overlap sh -c "srun --overlap sh -c \"echo \\\$LD_PRELOAD\"" >actual &&
	echo "$netprof_lib" >expected &&
	test_cmp expected actual
'

test_expect_success 'an srun in a task can do without it' '
	salloc -N1 --netprof srun --overlap \
		sh -c "srun --overlap --netprof=no env" >out &&
	our_variables <out >actual &&
	test_must_be_empty actual
'

test_expect_success 'a batch script has the agent of mpirun instead' '
	batch --netprof=sizes=5 <<-"END" &&
		env
	END
	what_a_script_has "yes,dir=$PWD,sizes=5" user >expected &&
	our_variables <batch.out >actual &&
	test_cmp expected actual
'

test_expect_success 'a fork agent of the user stays' '
	OMPI_MCA_orte_fork_agent=/my/agent batch --netprof <<-"END" &&
		env
	END
	grep ^OMPI_MCA_orte_fork_agent=/my/agent$ batch.out
'

test_expect_success 'srun, slurmstepd and the extern step do not have it' '
	srun --netprof -N2 sleep 1000 &
	srun_pid=$! &&
	wait_for 30 tasks_sleep 2 &&
	{ preloads_of srun; preloads_of slurmstepd; preloads_of slurmd; preloads_of "sleep"; } >all
	mapped_by srun >mapped; mapped_by slurmstepd >>mapped; mapped_by slurmd >>mapped
	scancel --user="$(id -un)"; wait $srun_pid
	grep -F "$netprof_lib" all >with
	test_line_count 2 with &&
	test_must_be_empty mapped
'

test_expect_success 'an interactive step has what a batch script has, steps inside as usual' '
	salloc --netprof=dir=/tmp/%j.%s -N1 >out 2>err &&
	job=$(sed -n "s/^SLURM_JOB_ID=//p" interactive) &&
	step=$(sed -n "s/^SLURM_STEP_ID=//p" inside) &&
	what_a_script_has "yes,dir=/tmp/$job.%s" user >expected &&
	our_variables <interactive >actual &&
	test_cmp expected actual &&
	grep "^NETPROF=yes,dir=/tmp/$job.$step$" inside &&
	grep "^LD_PRELOAD=$netprof_lib$" inside &&
	our_variables <without >actual &&
	test_must_be_empty actual
'

test_expect_success 'what salloc runs on its own host does not have it, the steps inside do' '
	salloc --netprof -N1 sh -c "echo shell=\$LD_PRELOAD; srun sh -c \"echo task=\\\$LD_PRELOAD\"" >actual &&
	printf "%s\n" "shell=" "task=$netprof_lib" >expected &&
	test_cmp expected actual
'

test_expect_success 'TaskProlog works as before' '
	srun sh -c "echo \$PROLOG_SAID" >expected &&
	test "$(cat expected)" = hello &&
	srun --netprof sh -c "echo \$PROLOG_SAID" >actual &&
	test_cmp expected actual
'

test_expect_success 'stdout is the same byte for byte, with and without' '
	cat >job.sh <<-"END" &&
		#!/bin/sh
		echo out; printf "no newline"; echo err >&2; head -c 1000 /dev/zero; exit 3
	END
	chmod +x job.sh &&
	{ srun --netprof=no -N2 -o expected.%t ./job.sh || :; } 2>/dev/null &&
	{ srun --netprof -N2 -o actual.%t ./job.sh || :; } 2>/dev/null &&
	for task in 0 1; do # each of its own: srun cuts lines as they come
		test -s expected.$task && cmp expected.$task actual.$task || return 1
	done &&
	test_must_fail srun --netprof ./job.sh >out 2>err &&
	test_expect_code 3 srun --netprof ./job.sh >out 2>err &&
	! grep netprof err
'

test_expect_success 'programs that are not MPI programs do not notice' '
	for command in true "bash -c true" "python3 -c pass" "sh -c true"; do
		command -v "${command%% *}" >/dev/null || continue
		srun --netprof $command >out 2>err || { echo "$command: $?"; cat err; return 1; }
		grep -v -e "queued and waiting" -e "has been allocated" err >said
		test_must_be_empty out && test_must_be_empty said || return 1
	done
'

test_expect_success 'no run directory is left by them' '
	! ls -d netemu.*
'

test_expect_success 'no node was drained' no_node_drained

test_done
