#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='jobs out of the accounting of a real Slurm'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

PATH=$NETEMU_BUILDDIR/tests:$PATH
skip_unless slurmdbd mariadbd
cluster_start 4 --acct slurmdbd --conf 'JobCompType=jobcomp/filetxt' \
	--conf "JobCompLoc=\"$PWD/jobcomp\""

# columns LIST <FILE: of what jobdump prints
columns() {
	cut -f "$1"
}

test_expect_success 'jobs of all kinds run' '
	sbatch_wait -N2 -n6 --overcommit --time=2 -J "a|b c" -o /dev/null --wrap "srun true" &&
	sbatch_wait --array=3-4 -J arr -o /dev/null --wrap true &&
	test_must_fail sbatch_wait -n3 --time=1 -J fails -o /dev/null --wrap "exit 3" &&
	id=$(sbatch --parsable -N4 -J ended -o /dev/null --wrap "sleep 600") &&
	wait_job_state "$id" RUNNING &&
	gone=$(sbatch --parsable -N4 -J gone -o /dev/null --wrap true) &&
	scancel "$gone" &&
	scancel "$id" &&
	wait_job_end "$id" &&
	srun -J het -N1 -n2 : -J het -N1 -n1 true
'

format=jobname,jobid,jobidraw,submit,start,end,elapsed,timelimit,state,nnodes,alloccpus,ntasks,nodelist

test_expect_success 'sacct tells all of them' '
	all_there() {
		sacct -P -D -S now-1hour -E now+1hour -o $format >sacct.txt &&
		test "$(grep -c "^\(a|b c\|arr\|fails\|ended\|gone\|het\)|" sacct.txt)" -ge 8 &&
		! grep -q "Unknown|Unknown\|RUNNING" sacct.txt
	} &&
	wait_for 90 all_there
'

test_expect_success 'they are read, with their ranks, and the rest is counted' '
	jobdump sacct sacct.txt >jobs 2>left &&
	columns 1,2,7,8,11 <jobs >got &&
	cat >expected <<-EOF &&
	1	-	2	6	a|b c
	EOF
	head -n 1 got >first && test_cmp expected first &&
	columns 2,11 <jobs | grep arr | sort >got && printf "3\tarr\n4\tarr\n" >expected &&
	test_cmp expected got &&
	test "$(columns 6,11 <jobs | grep "a|b c")" = "$(printf "120\ta|b c")" &&
	grep "ended$" jobs &&
	! grep "gone$" jobs &&
	test "$(grep -c "het$" jobs)" = 2 &&
	grep "steps of jobs" left &&
	grep "1 jobs that never started" left
'

test_expect_success 'jobcomp/filetxt says the same' '
	grep JobId= jobcomp &&
	jobdump jobcomp jobcomp >completed 2>left &&
	columns 1-5,7,9,11 <jobs | sort >from-sacct &&
	columns 1-5,7,9,11 <completed | sort >from-jobcomp &&
	test_cmp from-sacct from-jobcomp &&
	grep "1 jobs that never started" left
'

test_expect_success 'seconds since the epoch and another time zone give the same' '
	SLURM_TIME_FORMAT=%s sacct -P -D -S now-1hour -E now+1hour -o $format >epoch.txt &&
	jobdump sacct epoch.txt >epoch &&
	test_cmp jobs epoch &&
	TZ=America/New_York sacct -P -D -S now-1hour -E now+1hour -o $format >zone.txt &&
	TZ=America/New_York jobdump sacct zone.txt >zone &&
	test_cmp jobs zone
'

test_expect_success 'what sacct prints unasked is refused by name' '
	sacct -P >plain.txt &&
	test_must_fail jobdump sacct plain.txt 2>err &&
	grep "plain.txt:1: there is no column .Submit." err
'

test_done
