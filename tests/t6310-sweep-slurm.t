#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu sim run --slurm spreads a sweep over a cluster, collect gathers it'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

PATH=$NETEMU_BUILDDIR:$PATH
cluster_start 2

# Array jobs are over when none of their tasks is in the queue.
queue_is_empty() {
	test -z "$(squeue -h -t all -o %T | grep -vE "COMPLETED|FAILED|CANCELLED")"
}

cat >sweep.yml <<-\EOT
	topology: [kary:2:3@slots=2, xgft:4x4:1x2@slots=2]
	output: here
	plots: no
	repeat: 2
	algorithms:
	  process_mapper: [block, random]
	  router: [dmodk, random]
	jobs:
	  - submit: {distribution: exponential, params: {mean: 8}}
	    duration: {distribution: exponential, params: {mean: 20}}
	    count: 50
	    ranks: 6
	    pattern: ring
	    bytes: 1k
EOT

test_expect_success 'an array job computes what one machine does' '
	netemu sim run sweep.yml >expected &&
	netemu sim run sweep.yml --output=there --slurm >out &&
	grep -q "^Submitted batch job" out &&
	grep -q "^#SBATCH --array=0-15$" there/sweep.sbatch &&
	wait_for 120 queue_is_empty &&
	netemu sim collect there >actual && test_cmp expected actual &&
	rm there/sweep.sbatch there/sweep.*.log && diff -r here there
'

test_expect_success 'options go to sbatch, the command line to the tasks' '
	netemu sim run sweep.yml --seed=7 --output=seven >expected &&
	netemu sim run sweep.yml --seed=7 --output=blank\ folder -j 2 \
		--slurm="--nodes=1 --job-name=other" >out &&
	job=$(sed "s/.* //" out) && scontrol show job "$job" | grep -q "JobName=other" &&
	wait_for 120 queue_is_empty &&
	netemu sim collect "blank folder" >actual && test_cmp expected actual
'

test_expect_success 'what is missing is told, and goes on' '
	rm there/3/1/summary.json &&
	test_expect_code 1 netemu sim collect there 2>err &&
	grep -q "there: 1 of 16 sub-scenarios have no results, first .3/1." err &&
	netemu sim run sweep.yml --output=there --resume -v 2>err >actual &&
	grep -c "was there" err >count && echo 15 >expected.count && test_cmp expected.count count &&
	netemu sim run sweep.yml >expected && test_cmp expected actual
'

test_expect_success 'what sbatch refuses is told' '
	test_expect_code 1 netemu sim run sweep.yml --output=no --slurm=--partition=nowhere 2>err &&
	grep -q "netemu sim run: sbatch refused the job" err
'

test_done
