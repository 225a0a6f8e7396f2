#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='--netprof in srun, sbatch and salloc: values, precedence, inheritance'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

netprof_start 2
! command -v valgrind >/dev/null || test_set_prereq VALGRIND

settings="yes,dir=$PWD"

test_expect_success 'srun, sbatch and salloc list the option' '
	for command in srun sbatch salloc; do
		$command --help >help 2>err &&
		grep -F -e "--netprof=yes|no|KEY=VALUE" help &&
		test_must_be_empty err || return 1
	done
'

test_expect_success 'the plugin is loaded in every slurmd' '
	for pid in $("$CLUSTER" status --name "$this_test" |
		awk "/^slurmd/ && \$2 == \"pid\" { print \$3 }"); do
		grep -F netprof.so "/proc/$pid/maps" >/dev/null && echo "$pid"
	done >loaded &&
	test_line_count 2 loaded
'

test_expect_success 'no option of Slurm conflicts with it' '
	srun true 2>err &&
	! grep -i -e conflict -e netprof err
'

test_expect_success VALGRIND 'srun is clean under valgrind' '
	valgrind -q --error-exitcode=9 --log-file=valgrind.log srun --netprof -N2 true &&
	valgrind -q --error-exitcode=9 --log-file=valgrind.log srun --netprof=no true
'

test_expect_success 'without it the tasks have nothing of ours' '
	task_has_none srun env
'

test_expect_success '--netprof' '
	task_has "$settings" user srun --netprof env
'

test_expect_success '--netprof=yes and --netprof=KEY=VALUE,...' '
	task_has "$settings" user srun --netprof=yes env &&
	task_has "yes,dir=/tmp/x,window=100000000ns,sizes=7" user \
		srun --netprof=dir=/tmp/x,window=100ms,sizes=7 env
'

test_expect_success '--netprof=@FILE' '
	printf "%s\n" "# mine" stamps=precise timing=yes >list &&
	task_has "$settings,stamps=precise,timing=yes" user srun --netprof=@list env
'

test_expect_success 'NETPROF=yes and NETPROF=KEY=VALUE,...' '
	task_has "$settings" user env NETPROF=yes srun env &&
	task_has "$settings,timing=yes" user env NETPROF=timing=yes srun env &&
	task_has_none env NETPROF= srun sh -c "env | grep -v ^NETPROF=$"
'

test_expect_success 'a wrong value is one sentence and submits nothing' '
	maybe="--netprof: '\''maybe'\'': neither yes, no nor KEY=VALUE" &&
	refused "$maybe" srun --netprof=maybe true &&
	refused "$maybe" salloc --netprof=maybe true &&
	refused "$maybe" sbatch --netprof=maybe --wrap true &&
	refused "--netprof: unknown key '\''widnow'\'' (did you mean '\''window'\''?)" \
		srun --netprof=widnow=1s true &&
	refused "--netprof: '\''sample'\'' can only be set in plugstack.conf" \
		srun --netprof=sample=1 true &&
	refused "--netprof: unable to open '\''nofile'\'': No such file or directory" \
		srun --netprof=@nofile true
'

test_expect_success 'so is one in a batch script' '
	printf "%s\n" "#!/bin/sh" "#SBATCH --netprof=dir=%x" true >bad.sh &&
	refused "--netprof: '\''%x'\'' in dir=%x: unknown conversion" sbatch bad.sh
'

test_expect_success 'so is one in the environment' '
	maybe="NETPROF: '\''maybe'\'': neither yes, no nor KEY=VALUE" &&
	NETPROF=maybe refused "$maybe" srun true &&
	NETPROF=maybe refused "$maybe" salloc true &&
	NETPROF=maybe refused "$maybe" sbatch --wrap true
'

test_expect_success 'plugstack < environment < option' '
	netprof_set dir=/tmp/p window=1s &&
	task_has "yes,dir=/tmp/p,window=1000000000ns" user srun --netprof env &&
	task_has "yes,dir=/tmp/e,window=1000000000ns" user \
		env NETPROF=dir=/tmp/e srun env &&
	task_has "yes,dir=/tmp/e,window=2000000000ns" user \
		env NETPROF=dir=/tmp/e,window=3s srun --netprof=window=2s env &&
	task_has_none env NETPROF=yes srun --netprof=no env &&
	task_has "yes,dir=/tmp/p,window=1000000000ns" user env NETPROF=no srun --netprof env &&
	netprof_set
'

test_expect_success 'dir= expands and is relative to the submit directory' '
	task_has "yes,dir=$PWD/sub/$(id -un)" user srun --netprof=dir=sub/%u env &&
	srun --netprof=dir=/tmp/%j.%s.%% sh -c "echo \$SLURM_JOB_ID.\$SLURM_STEP_ID; echo \$NETPROF" >out &&
	test "$(sed -n 2p out)" = "yes,dir=/tmp/$(sed -n 1p out).%%"
'

test_expect_success 'what sbatch was told reaches every srun inside' '
	batch --netprof=timing=yes <<-"END" &&
		srun env >first
		srun -N1 env >second
		NETPROF=no srun env >third
		srun --netprof=no env >fourth
		NETPROF=no srun --netprof env >fifth
		NETPROF=no srun --netprof=timing=yes env >sixth
	END
	what_a_task_has "$settings,timing=yes" user >expected &&
	for step in first second sixth; do
		our_variables <$step | grep -v _FORK >actual
		grep -v -e ^NETPROF_LIB -e fork_agent actual >tasks
		test_cmp expected tasks || return 1
	done &&
	grep -v -e "^SLURM_SPANK_" third | grep -i netprof >actual
	echo NETPROF=no >expected &&
	test_cmp expected actual &&
	our_variables <fourth >actual &&
	test_must_be_empty actual &&
	our_variables <fifth >actual &&
	grep "^NETPROF=$settings,timing=yes$" actual
'

test_expect_success 'so does an option of the script, which sbatch itself overrides' '
	printf "%s\n" "#!/bin/sh" "#SBATCH --netprof=sizes=5" "srun env" >job.sh &&
	sbatch_wait -o job.out job.sh &&
	grep "^NETPROF=$settings,sizes=5$" job.out &&
	sbatch_wait -o job.out --netprof=sizes=6 job.sh &&
	grep "^NETPROF=$settings,sizes=6$" job.out &&
	sbatch_wait -o job.out --netprof=no job.sh &&
	our_variables <job.out >actual &&
	test_must_be_empty actual
'

test_expect_success 'sbatch --netprof=no counts more than NETPROF=yes for all inside' '
	NETPROF=yes batch --netprof=no <<-"END" &&
		env
		srun env
	END
	our_variables <batch.out >actual &&
	test_must_be_empty actual
'

test_expect_success 'a step inside may refine what the job was told' '
	batch --netprof=timing=yes <<-"END" &&
		srun --netprof=sizes=9 env
	END
	grep "^NETPROF=$settings,timing=yes,sizes=9$" batch.out
'

test_expect_success 'salloc passes it on as well' '
	salloc --netprof=sizes=8 srun env >out &&
	grep "^NETPROF=$settings,sizes=8$" out &&
	salloc --netprof=sizes=8 srun --netprof=no env >out &&
	our_variables <out >actual &&
	test_must_be_empty actual
'

test_expect_success '--export=NONE: a step and a batch script are told all the same' '
	task_has "$settings" user srun --export=NONE --netprof /usr/bin/env &&
	batch --export=NONE --netprof <<-"END" &&
		/usr/bin/env >script
		srun /usr/bin/env >step
	END
	what_a_script_has "$settings" user >expected &&
	our_variables <script >actual &&
	test_cmp expected actual &&
	grep "^NETPROF=$settings$" step
'

test_expect_success 'the same words twice are told apart by where they stand' '
	batch --netprof <<-"END" &&
		NETPROF=no srun --netprof=yes env
	END
	grep "^NETPROF=$settings$" batch.out &&
	batch --netprof=yes <<-"END" &&
		NETPROF=no srun --netprof=yes env
	END
	grep "^NETPROF=$settings$" batch.out &&
	batch --netprof=yes <<-"END" &&
		NETPROF=no srun env
	END
	grep "^NETPROF=no$" batch.out
'

test_expect_success 'a job submitted from a profiled one starts afresh' '
	batch --netprof=dir=/tmp/%j <<-"END" &&
		unset SLURM_SPANK__SLURM_SPANK_OPTION_netprof_netprof
		sbatch --parsable -o inner.out --wrap "env; srun env" >inner.id
	END
	wait_job_end "$(cat inner.id)" &&
	grep "^SLURM_STEP_ID=" inner.out &&
	our_variables <inner.out >actual &&
	test_must_be_empty actual
'

test_expect_success 'both halves of a heterogeneous job have it' '
	srun -l --netprof env : env >out && unlabel out &&
	test "$(grep -c "^NETPROF=yes" out)" = 2
'

test_expect_success 'array tasks have their own directory' '
	printf "%s\n" "#!/bin/sh" "srun sh -c '\''echo \$SLURM_JOB_ID \$NETPROF'\''" >job.sh &&
	sbatch_wait -o array.%a --array=0-1 --netprof=dir=/tmp/%j job.sh &&
	cat array.0 array.1 >out &&
	test_line_count 2 out &&
	while read -r job text; do
		test "$text" = "yes,dir=/tmp/$job" || return 1
	done <out
'

test_expect_success 'no node was drained' no_node_drained

test_done
