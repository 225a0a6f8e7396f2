#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='programs of a step find each other, by PMIx and by a server'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

cluster_start 4

try=$NETEMU_BUILDDIR/tests/rdv-try
server=
trap 'status=$?; test -z "$server" || kill "$server" 2>/dev/null; cluster_stop; (exit $status); die' EXIT

# met WAY RANKS GENERATION: what the ranks say, $per_node on each node
met() {
	way=$1 ranks=$2 generation=$3
	for rank in $(seq 0 $((ranks - 1))); do
		echo "$way: rank $rank of $ranks on node$((rank / per_node)), generation $generation, clock right"
	done
}

# What netemu was built without is not tested: a test's prerequisite says which.
grep -q "define HAVE_PMIX" "$NETEMU_BUILDDIR/config.h" && test_set_prereq PMIX_H
srun --mpi=list 2>&1 | grep -qw pmix && test_set_prereq SLURM_PMIX
command -v mpirun >/dev/null && test_set_prereq MPIRUN

test_expect_success SLURM_PMIX,PMIX_H 'srun --mpi=pmix: all get what all have put' '
	per_node=2 &&
	srun --mpi=pmix -N4 --ntasks-per-node=2 "$try" meet one >out &&
	sort out >got && met pmix 8 1 | sort >want && test_cmp want got
'

test_expect_success SLURM_PMIX,PMIX_H 'srun --mpi=pmix: one program after the other' '
	per_node=1 &&
	srun --mpi=pmix -N4 sh -c "\"$try\" meet one && \"$try\" meet one && \"$try\" meet two" >out &&
	sort out >got &&
	{ met pmix 4 1 && met pmix 4 2 && met pmix 4 1; } | sort >want && test_cmp want got
'

# misses SESSION: ranks wait for rank 2, which does not come in time.  What they say
# goes to a file: srun -K1 loses words of tasks that it ends.
cat >misses <<END
#!/bin/sh
exec "$try" miss "\$1" 5000 2 2>"said.\$SLURM_PROCID"
END
chmod +x misses

# names_rank_2: all others said who is missing, or were ended before; one did.
names_rank_2() {
	cat said.* >err && rm said.* &&
		grep -x "rdv-try: barrier .start.: after 5\(\.0\)\{0,1\} s 1 of 4 ranks is missing: 2 (node2)" err
}

test_expect_success SLURM_PMIX,PMIX_H 'srun --mpi=pmix: who is missing is named' '
	! srun -K1 --mpi=pmix -N4 ./misses one && names_rank_2
'

# One program only: when a rank runs a second one mpirun of Open MPI 4.1 now and then
# loses what it prints, or spins in PMIx and does not end.
test_expect_success MPIRUN,PMIX_H 'mpirun: all get what all have put' '
	timeout -k 5 60 mpirun -n 3 "$try" meet one >out &&
	sed "s/ on .*, gen/, gen/" out | sort >got &&
	for rank in 0 1 2; do
		echo "pmix: rank $rank of 3, generation 1, clock right"
	done >want && test_cmp want got
'

test_expect_success 'a server where srun is' '
	{ "$try" serve 4 address & } && server=$! &&
	wait_for 30 test -s address
'

test_expect_success 'srun: all get what all have put, also under --export=NONE' '
	per_node=1 &&
	SLURM_NETEMU_RDV=$(cat address) srun --mpi=none -N4 "$try" meet one >out &&
	sort out >got && met tcp 4 1 >want && test_cmp want got &&
	SLURM_NETEMU_RDV=$(cat address) srun --mpi=none --export=NONE -N4 "$try" meet one >out &&
	sort out >got && met tcp 4 2 >want && test_cmp want got
'

test_expect_success 'srun: who is missing is named' '
	! SLURM_NETEMU_RDV=$(cat address) srun -K1 --mpi=none -N4 ./misses miss && names_rank_2
'

test_expect_success 'a directory that all see' '
	per_node=1 &&
	NETEMU_RDV=file:$PWD/rdv srun --mpi=none -N4 sh -c "\"$try\" meet one && \"$try\" meet one" >out &&
	sort out >got && { met file 4 1 && met file 4 2; } | sort >want && test_cmp want got
'

test_done
