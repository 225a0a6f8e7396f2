#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='runs under --netprof meet the accounting of their jobs'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
# shellcheck source=tests/lib-cluster.sh
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
# shellcheck source=tests/lib-netprof.sh
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
mpi_need
skip_unless mpicc slurmdbd mariadbd
NETEMU_CLUSTER_OPTIONS="${NETEMU_CLUSTER_OPTIONS:-} --acct slurmdbd"
netprof_start 2
PATH=$NETEMU_BUILDDIR:$NETEMU_BUILDDIR/tests:$PATH
export PATH
mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" || error "mpi-hello does not build"

format=jobid,jobidraw,cluster,submit,start,end,elapsed,state,nnodes,alloccpus,ntasks,nodelist,jobname

test_expect_success 'one job with a matrix, one array with one, one without' '
	mkdir runs &&
	srun -N2 -n4 --ntasks-per-node=2 --mpi=pmix -J hello --netprof=dir=runs ./mpi-hello &&
	sbatch_wait --array=5 -n2 -J task -o /dev/null \
		--wrap "srun --mpi=pmix --netprof=dir=$(pwd | sed "s/ /\\\\ /g")/runs ./mpi-hello" &&
	sbatch_wait -J plain -o /dev/null --wrap "sleep 1" &&
	all_there() {
		test "$(sacct -n -X -P -S now-1hour -E now+1hour -o state | grep -c COMPLETED)" = 3
	} &&
	wait_for 90 all_there &&
	sacct -P -S now-1hour -E now+1hour -o $format >sacct.txt
'

# sent DIR: all bytes of a run, as netemu matrix counts them.
sent() {
	netemu-matrix --format=tsv "$1" | awk 'NR > 1 { sum += $3 } END { print sum + 0 }'
}

test_expect_success 'each job gets the matrix, the ranks and the nodes of its run' '
	jobdump sacct sacct.txt runs >jobs &&
	set -- runs/netemu.*.0 && test $# = 2 &&
	hello=$(grep -l "\"hello\"" runs/*/run.json) && task=$(grep -l "\"task\"" runs/*/run.json) &&
	{
		printf "4\tnode0,node1\t%s\thello\n" "$(sent "${hello%/run.json}")" &&
		printf "2\tnode0\t%s\ttask\n" "$(sent "${task%/run.json}")" &&
		printf "1\tnode0\t0\tplain\n"
	} >expected &&
	cut -f 8-11 jobs >got &&
	test_cmp expected got &&
	! grep "	0	hello" got
'

test_expect_success 'without JobIDRaw the task of the array is found as well' '
	sacct -P -S now-1hour -E now+1hour -o $(echo $format | sed s/jobidraw,//) >no-raw.txt &&
	jobdump sacct no-raw.txt runs >jobs-no-raw &&
	cut -f 3-11 jobs >expected &&
	cut -f 3-11 jobs-no-raw >got &&
	test_cmp expected got
'

test_expect_success 'the runs by themselves are the same jobs' '
	jobdump runs runs >alone &&
	cut -f 1,8-11 jobs | grep -v plain >expected &&
	cut -f 1,8-11 alone >got &&
	test_cmp expected got
'

test_expect_success 'netemu sim run replays them where they ran' '
	cat >replay.yml <<-EOF &&
	topology: xgft:2x2:1x2@slots=4
	output: out
	hosts: {"node[0-1]": "h00[0,2]"}
	algorithms: {host_selector: explicit, process_mapper: explicit}
	jobs:
	  - {sacct: sacct.txt, runs: runs, pattern: none}
	EOF
	netemu-sim run replay.yml >table &&
	awk -F, "NR > 1 { print \$2, \$4 }" out/0/jobs.csv >got &&
	printf "%s done\n" hello task plain >expected &&
	test_cmp expected got &&
	# two ranks of 256 bytes each cross the network
	grep "^[^,]*,hello,.*,512.0,h000 h002,$" out/0/jobs.csv
'

# A run of a job that is not in the accounting is told of.
test_expect_success 'the share of node time with a matrix, and what could not be joined' '
	cp -r runs more && hello=$(grep -l "\"hello\"" runs/*/run.json) &&
	sed "s/\"job\": [0-9]*/\"job\": 99/" "$hello" >run.json &&
	cp -r "${hello%/run.json}" more/netemu.99.0 && cp run.json more/netemu.99.0/run.json &&
	mkdir -p more/netemu.98.0/mpi && echo "{" >more/netemu.98.0/mpi/rank-0.json &&
	sacct -P -S now-1hour -E now+1hour -X \
		-o jobid,jobidraw,cluster,submit,start,end,elapsedraw,state,nnodes,ntasks,nodelist,jobname >plain.txt &&
	netemu-sim run --sacct plain.txt --runs more --topology xgft:2x2:1x2@slots=4 \
		--output share >table 2>err &&
	grep "warning: .*1 of 3 runs are of no job in the accounting; 1 of 4 runs cannot be read, first: .*netemu.98.0" err &&
	awk -F"|" "NR > 1 { all += \$7 * \$9; if (\$12 != \"plain\") known += \$7 * \$9 }
		END { printf \"%.6f\n\", known / all }" plain.txt >expected &&
	awk -F"\t" "NR == 2 { printf \"%.6f\n\", \$NF }" share/table.tsv >got &&
	test_cmp expected got && grep " recorded$" table &&
	printf "    \"%s\": %s\n" "runs" 3, "jobs" 2, "runs_of_no_job" 1, "unreadable" 1 >expected &&
	sed -n "/\"joined\": {/,/}/{/[{}]/d;s/^ */    /;p}" share/0/summary.json >got &&
	test_cmp expected got
'

test_done
