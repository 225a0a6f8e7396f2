#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='nodes that do not share the directory send their parts to srun'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

skip_unless mpicc mpirun nsenter
test_have_prereq PROFILER || {
	skip_all="libnetprof.so is not built"
	test_done
}
mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" || error "mpicc does not work"
netprof_start 4
test_have_prereq ROOT || {
	skip_all="only root can mount something in the namespace of a node"
	test_done
}

# Here, where srun runs, $place/runs is one directory; on each node it is another.
place=$(mktemp -d /tmp/netemu-t3.XXXXXX) || error "no temporary directory"
chmod 755 "$place"
remove_at_end "$place"
mkdir "$place/runs" "$place/tmp"

slurmd_of() {
	"$CLUSTER" status --name "$this_test" | awk -v name="slurmd-$1" '$1 == name { print $3 }'
}

for node in node0 node1 node2 node3; do
	pid=$(slurmd_of $node)
	test "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" &&
		nsenter --target "$pid" --mount mount -t tmpfs -o mode=755 netemu "$place/runs" || {
		skip_all="the nodes have no file systems of their own here"
		test_done
	}
done

test_expect_success 'the nodes have directories of their own' '
	srun -N4 sh -c "ls $place/runs; touch $place/runs/seen-by-\$SLURMD_NODENAME" >out &&
	test -z "$(cat out)" && test -z "$(ls "$place/runs")"
'

test_expect_success 'all ranks of a step come together where srun runs' '
	TMPDIR=$place/tmp srun --mpi=pmix -N4 --ntasks-per-node=2 --netprof="dir=$place/runs" ./mpi-hello >out 2>err &&
	run=$(ls -d "$place"/runs/netemu.*) &&
	for rank in 0 1 2 3 4 5 6 7; do
		grep -q "\"complete\": *true" "$run/mpi/rank-$rank.json" || return 1
	done &&
	for node in 0 1 2 3; do test -s "$run/node-$node.json" || return 1; done &&
	test -s "$run/run.json" &&
	grep "^netprof: .*8 ranks" err
'

test_expect_success 'and the matrix is whole' '
	"$NETEMU_BUILDDIR/netemu-matrix" "$run" >matrix 2>matrix.err &&
	! grep -i -e missing -e incomplete matrix matrix.err
'

test_expect_success 'sent files are whole: nothing temporary is left' '
	find "$run" -name ".gather*" -o -name "*.tmp*" >left && test_must_be_empty left
'

test_expect_success 'a step that has its rank killed comes together as well' '
	rm -rf "$place"/runs/netemu.* &&
	cat >killed.sh <<-"END" &&
		#!/bin/sh
		test "$SLURM_PROCID" = 3 || exec ./mpi-hello
		./mpi-hello; kill -KILL $$
	END
	chmod +x killed.sh &&
	TMPDIR=$place/tmp srun --mpi=pmix -N4 --netprof="dir=$place/runs" ./killed.sh >out 2>err;
	run=$(ls -d "$place"/runs/netemu.*) &&
	for rank in 0 1 2 3; do test -s "$run/mpi/rank-$rank.json" || return 1; done
'

test_expect_success 'no helper is left' 'wait_for 30 no_helpers'

test_expect_success 'no node was drained' no_node_drained

test_done
