#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='programs nobody here wrote, on a real Slurm

LAMMPS on 16 ranks, started in three ways, and HPCC on 8, over 4 nodes: what
was sent is what was received on every pair, and pml/monitoring in the same
run says the same.'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
# shellcheck source=tests/lib-cluster.sh
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
# shellcheck source=tests/lib-netprof.sh
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
mpi_need
netprof_start 4
command -v lmp >/dev/null && test_set_prereq LAMMPS
command -v hpcc >/dev/null && test_set_prereq HPCC
MATRIX=$NETEMU_BUILDDIR/netemu-matrix

monitoring_on() {
	OMPI_MCA_pml_monitoring_enable=2
	OMPI_MCA_pml_monitoring_enable_output=3
	OMPI_MCA_pml_monitoring_filename=$PWD/mon
	export OMPI_MCA_pml_monitoring_enable OMPI_MCA_pml_monitoring_enable_output
	export OMPI_MCA_pml_monitoring_filename
	rm -f mon.*
}

monitoring_off() {
	unset OMPI_MCA_pml_monitoring_enable OMPI_MCA_pml_monitoring_enable_output
	unset OMPI_MCA_pml_monitoring_filename
}

# one_run: the directory of the only run below run/.
one_run() {
	set -- run/netemu.*
	test $# = 1 && test -d "$1" && echo "$1"
}

test_expect_success LAMMPS 'lammps by srun: complete, symmetric, as pml/monitoring counts' '
	monitoring_on &&
	give_way srun -N4 -n16 --ntasks-per-node=4 --mpi=pmix --netprof="dir=$PWD/run" \
		lmp -in "$NETEMU_SRCDIR/etc/lammps-melt.in" -log none >out &&
	monitoring_off &&
	grep "^Loop time" out &&
	dump_run "$(one_run)" &&
	expect_complete 16 &&
	expect_symmetric &&
	expect_as_monitoring
'

test_expect_success LAMMPS 'its ranks are where Slurm put them' '
	awk "\$1 == \"rank\" { print \$2, \$5 }" dump | sort -n >actual &&
	for rank in $(seq 0 15); do
		echo "$rank node$((rank / 4))"
	done >expect &&
	test_cmp expect actual &&
	mv run srun
'

test_expect_success LAMMPS 'lammps by mpirun in salloc: all ranks, the same matrix' '
	give_way salloc -N4 --ntasks-per-node=4 --netprof="dir=$PWD/run" \
		mpirun lmp -in "$NETEMU_SRCDIR/etc/lammps-melt.in" -log none >out &&
	dump_run "$(one_run)" &&
	expect_complete 16 &&
	expect_symmetric &&
	"$MATRIX" --diff --fail=0% srun/netemu.* run/netemu.* &&
	rm -r run
'

test_expect_success LAMMPS 'lammps by mpirun in sbatch, twice: two whole runs, the same matrix' '
	give_way batch -N4 --ntasks-per-node=4 --netprof="dir=$PWD/run" <<-EOF &&
	mpirun lmp -in "$NETEMU_SRCDIR/etc/lammps-melt.in" -log none
	mpirun lmp -in "$NETEMU_SRCDIR/etc/lammps-melt.in" -log none
	EOF
	set -- run/netemu.* &&
	test $# = 2 &&
	for run in run/netemu.*; do
		dump_run "$run" &&
		expect_complete 16 &&
		expect_symmetric &&
		"$MATRIX" --diff --fail=0% srun/netemu.* "$run" || return 1
	done &&
	rm -r run
'

# HPL, PTRANS, RandomAccess, STREAM, FFT, DGEMM and latency/bandwidth, tiny.
cat >hpccinf.txt <<'EOF'
tiny
by hand
HPL.out  where results go
8        to standard error is 7, to a file is any other
1        one size
200      N
1        one block size
20       NB
0        by rows
1        one grid
2        P
4        Q
16.0     threshold
1        one panel factorisation
2        right
1        one stop
4        NBMIN
1        one division
2        NDIV
1        one recursion
1        Crout
1        one broadcast
1        1rM
1        one depth
1        look ahead
2        mixed swapping
64       where they swap over
0        L1 transposed
0        U transposed
1        equilibrate
8        alignment
separator
0        no more sizes for PTRANS
200
0        no more blocks for PTRANS
20
EOF

test_expect_success HPCC 'hpcc on 8 ranks: complete, symmetric, as pml/monitoring counts' '
	monitoring_on &&
	give_way srun -N4 -n8 --ntasks-per-node=2 --mpi=pmix --netprof="dir=$PWD/run" hpcc >out &&
	monitoring_off &&
	grep "HPL_Tflops=" hpccoutf.txt &&
	dump_run "$(one_run)" &&
	expect_complete 8 &&
	expect_symmetric &&
	expect_as_monitoring
'

test_done
