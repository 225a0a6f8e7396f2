#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='MPI programs under srun and mpirun, automatic profiling, opting out'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

skip_unless mpicc mpirun
test_have_prereq PROFILER || {
	skip_all="libnetprof.so is not built"
	test_done
}

mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" || error "mpicc does not work"
netprof_start 4 auto=yes


# complete DIR RANKS: the files of all ranks, and each says it is complete.
complete() {
	for rank in $(test_seq 0 $(($2 - 1))); do
		grep -q "\"complete\": *true" "$1/mpi/rank-$rank.json" || {
			echo "rank $rank is missing in $1"
			ls -la "$1" "$1/mpi"
			return 1
		}
	done
	test "$(find "$1/mpi" -name "rank-*" | wc -l)" = "$2" &&
		test "$(find "$1/mpi" -name ".*.live" | wc -l)" = 0
}

# no_run: no directory of a run is here.
no_run() {
	! ls -d netemu.* 2>/dev/null
}

# clean_environment FILE: `env` output without anything of ours in it.
clean_environment() {
	our_variables <"$1" >ours
	test_must_be_empty ours
}

# job N...: as job N, or whatever srun makes of it.
job_of() {
	sed -n 's/.*JobId=\([0-9]*\).*/\1/p' "$1" | head -n 1
}

test_expect_success 'srun --mpi=pmix: all ranks' '
	srun --mpi=pmix -N4 --ntasks-per-node=2 sh -c "echo JobId=\$SLURM_JOB_ID; exec ./mpi-hello" >out &&
	complete "netemu.$(job_of out).0" 8
'

test_expect_success 'the closing line is on stderr, once' '
	srun --mpi=pmix -N2 ./mpi-hello >out 2>err &&
	grep "^netprof: .*netemu\.[0-9]*\.0: 2 ranks" err &&
	test "$(grep -c "^netprof:" err)" = 1 &&
	! grep netprof out
'

test_expect_success 'quiet=yes leaves it out' '
	netprof_set auto=yes quiet=yes &&
	srun --mpi=pmix -N2 ./mpi-hello >out 2>err &&
	! grep netprof out err &&
	netprof_set auto=yes
'

test_expect_success 'mpirun in sbatch: all ranks on all nodes, two runs in two directories' '
	batch -N4 --ntasks-per-node=2 <<-"END" &&
		mpirun ./mpi-hello && mpirun ./mpi-hello
	END
	complete "netemu.$(cat batch.id).mpirun0" 8 &&
	complete "netemu.$(cat batch.id).mpirun1" 8
'

test_expect_success 'mpirun in salloc: all ranks' '
	salloc -N4 --ntasks-per-node=2 sh -c "echo JobId=\$SLURM_JOB_ID; mpirun ./mpi-hello" >out 2>err &&
	complete "netemu.$(job_of out).mpirun0" 8
'

test_expect_success 'opting out of a step leaves no trace' '
	rm -rf netemu.* &&
	srun --netprof=no --mpi=pmix -N2 ./mpi-hello >out 2>err && no_run && ! grep netprof err &&
	NETPROF=no srun --mpi=pmix -N2 ./mpi-hello >out 2>err && no_run && ! grep netprof err &&
	srun --netprof=no env >out && clean_environment out
'

test_expect_success 'opting out of a job leaves no trace' '
	for how in --netprof=no --export=ALL,NETPROF=no; do
		batch -N2 --ntasks-per-node=2 $how <<-"END" || return 1
			env | grep -v ^NETPROF=no$ >script
			mpirun ./mpi-hello
			srun --mpi=pmix ./mpi-hello
		END
		clean_environment script && no_run || return 1
	done
'

test_expect_success 'opting out of one mpirun in a script' '
	batch -N2 --ntasks-per-node=2 <<-"END" &&
		NETPROF=no mpirun ./mpi-hello
		mpirun ./mpi-hello
	END
	complete "netemu.$(cat batch.id).mpirun0" 4 &&
	test "$(ls -d netemu.* | wc -l)" = 1
'

test_expect_success 'opting out of an allocation leaves no trace' '
	rm -rf netemu.* &&
	salloc --netprof=no -N2 --ntasks-per-node=2 sh -c "env >script; mpirun ./mpi-hello" >out 2>err &&
	clean_environment script && no_run
'

test_expect_success 'auto=no, and no auto= at all, leave no trace' '
	for arguments in auto=no ""; do
		netprof_set $arguments &&
		srun --mpi=pmix -N2 ./mpi-hello >out 2>err && no_run || return 1
		! grep netprof err || return 1
		srun env >out && clean_environment out || return 1
		batch -N2 --ntasks-per-node=1 <<-"END" || return 1
			env >script; mpirun ./mpi-hello
		END
		clean_environment script && no_run || return 1
	done
'

test_expect_success 'a user may ask where nothing is automatic' '
	srun --netprof --mpi=pmix -N2 ./mpi-hello >out 2>err &&
	test "$(ls -d netemu.* | wc -l)" = 1
'

# netprof(8): 64-bit FNV-1a of "JOB.STEP", or "JOB" for a script, modulo N.
fnv() {
	python3 -c "
import sys
h = 0xcbf29ce484222325
for c in sys.argv[1].encode():
    h = (h ^ c) * 0x100000001b3 & (1 << 64) - 1
print(h % int(sys.argv[2]))" "$1" "$2"
}

test_expect_success 'sample=N takes the steps and scripts that its hash says' '
	netprof_set auto=yes sample=2 &&
	batch -N2 <<-"END" &&
		echo "script $SLURM_JOB_ID ${NETPROF:+yes}"
		for step in 0 1 2 3 4 5; do
			srun sh -c "echo \"step \$SLURM_JOB_ID.\$SLURM_STEP_ID \${NETPROF:+yes}\""
		done
	END
	grep -e "^script " -e "^step " batch.out >words &&
	test_line_count 13 words &&
	while read -r kind id said; do
		expected=
		test "$(fnv "$id" 2)" != 0 || expected=yes
		test "$said" = "$expected" || {
			echo "$kind $id: $said"
			return 1
		}
	done <words &&
	grep "^step .* yes" words && grep "^step .* $" words
'

test_expect_success 'all ranks of mpirun are in the sample, or none' '
	rm -rf netemu.* &&
	batches=0 &&
	while test $batches -lt 6; do
		batch -N2 --ntasks-per-node=2 <<-"END" || return 1
			mpirun ./mpi-hello
		END
		if test "$(fnv "$(cat batch.id)" 2)" = 0; then
			complete "netemu.$(cat batch.id).mpirun0" 4 || return 1
			taken=yes
		else
			! test -e "netemu.$(cat batch.id).mpirun0" || return 1
			left=yes
		fi
		test "$taken$left" != yesyes || break
		batches=$((batches + 1))
	done
'

test_expect_success 'a user who asks is not sampled' '
	for i in 1 2 3 4; do
		srun --netprof sh -c "echo \${NETPROF:+yes}" >out &&
		grep yes out || return 1
	done
'

test_expect_success 'minnodes= leaves small jobs out' '
	netprof_set auto=yes minnodes=3 &&
	srun -l -N2 env >out && unlabel out && clean_environment out &&
	srun -l -N3 env >out && unlabel out && test "$(grep -c "^NETPROF=yes" out)" = 3 &&
	batch -N2 <<-"END" && clean_environment batch.out &&
		env
	END
	batch -N3 <<-"END" && grep "^NETPROF=yes" batch.out
		env
	END
'

test_expect_success 'exclude= leaves a program out' '
	rm -rf netemu.* &&
	netprof_set auto=yes exclude=other,mpi-hello &&
	srun --mpi=pmix -N2 ./mpi-hello >out 2>err && no_run &&
	cp mpi-hello mpi-hallo &&
	srun --mpi=pmix -N2 ./mpi-hallo >out 2>err &&
	test "$(ls -d netemu.* | wc -l)" = 1
'

test_expect_success 'no helper is left' 'wait_for 20 no_helpers'

test_expect_success 'no node was drained' no_node_drained

test_done
