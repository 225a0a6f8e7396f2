#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='from srun --netprof to netemu jobs and netemu matrix, on a real Slurm'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
# shellcheck source=tests/lib-cluster.sh
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
# shellcheck source=tests/lib-netprof.sh
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
mpi_need
skip_unless mpicc
netprof_start 2
PATH=$NETEMU_BUILDDIR:$PATH
export PATH
mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" || error "mpi-hello does not build"

test_expect_success 'a job is found by its id, where it was submitted' '
	srun -N2 -n4 --ntasks-per-node=2 --mpi=pmix --job-name=hello --netprof ./mpi-hello >out &&
	set -- netemu.*.0 && test $# = 1 && test -d "$1" &&
	job=${1#netemu.} && job=${job%.0} && echo "$job" >job &&
	netemu matrix --strict --format=tsv "$job" >by-id &&
	netemu matrix --strict --format=tsv "$job.0" >by-step &&
	netemu matrix --strict --format=tsv "$1" >by-path &&
	test_cmp by-id by-step && test_cmp by-id by-path &&
	awk "NR > 1 && \$2 == 0 && \$1 > 0 { found = 1 } END { exit !found }" by-id
'

test_expect_success 'what was gathered at rank 0 is what was sent: 256 bytes of each' '
	netemu matrix --op=gather --format=tsv "$(cat job)" >gather &&
	awk "NR > 1 { if (\$2 == 0) sum += \$3; if (\$1 == 0) bad = 1 } END { exit sum != 768 || bad }" gather
'

test_expect_success 'by node it is the two nodes of the job' '
	netemu matrix --by=node --format=tsv "$(cat job)" >out &&
	awk "NR > 1 { print \$1; print \$2 }" out | sort -u >actual &&
	scontrol show job -o "$(cat job)" | sed "s/.* NodeList=\([^ ]*\).*/\1/" >list &&
	scontrol show hostnames "$(cat list)" | sort -u >expected &&
	test_cmp expected actual
'

test_expect_success 'jobs says what Slurm knows of it' '
	netemu jobs --format=tsv --name=hello >out &&
	test_line_count 2 out &&
	value() {
		awk -F "\t" -v key="$1" "NR == 1 { for (i = 1; i <= NF; i++) if (\$i == key) at = i }
			NR == 2 { print \$at }" out
	} &&
	test "$(value job)" = "$(cat job).0" &&
	test "$(value user)" = "$(id -un)" &&
	test "$(value ranks)" = 4 &&
	test "$(value nodes)" = 2 &&
	test "$(value command)" = "./mpi-hello" &&
	test "$(value start)" -gt 1500000000 && test "$(value end)" -ge "$(value start)" &&
	test "$(value instruments)" = netprof &&
	netemu jobs --user="$(id -un)" --since=1d | grep "hello"
'

test_expect_success 'two mpiruns of one script are two runs, each by its name' '
	batch -N2 -n4 --ntasks-per-node=2 --netprof <<-\EOF &&
	mpirun ./mpi-hello && mpirun -n 2 ./mpi-hello
	EOF
	job=$(cat batch.id) &&
	test_expect_code 1 netemu matrix "$job" 2>err &&
	grep "means 2 runs" err && grep "$job.mpirun0" err && grep "$job.mpirun1" err &&
	netemu matrix --strict "$job.mpirun0" | grep "4 ranks on 2 nodes" &&
	netemu matrix --strict "$job.mpirun1" | grep "2 ranks on 1 node" &&
	netemu jobs --format=job >out && grep "^$job.mpirun0$" out && grep "^$job.mpirun1$" out
'

test_expect_success 'the same job again differs by nothing, packed or not' '
	srun -N2 -n4 --ntasks-per-node=2 --mpi=pmix --netprof=dir=again ./mpi-hello >out &&
	tar -czf first.tgz "netemu.$(cat job).0" &&
	netemu matrix --diff --fail=0 first.tgz again/netemu.*.0
'

test_done
