#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu netemu replay: nothing else has to be set up'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

skip_unless python3
library=$NETEMU_BUILDDIR/.libs plugins=$NETEMU_BUILDDIR/spank/.libs
test -r "$plugins/netemu.so" && test -r "$library/libnetemu.so" || {
	skip_all="the SPANK plugins or the device are not built"
	test_done
}
if nm "$NETEMU_BUILDDIR/netemu-replay" 2>/dev/null | grep -q __asan; then
	skip_all="the device cannot be preloaded into what has the address sanitizer"
	test_done
fi
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || exit 1
remove_at_end "$shm"
cluster_plugstack \
	"optional $plugins/netemu.so lib=$library/libnetemu.so bin=$NETEMU_BUILDDIR shm=$shm" \
	"optional $plugins/netprof.so lib=$library/libnetprof.so libexec=$NETEMU_BUILDDIR"
cluster_start 4 --plugstack plugstack.conf
srun --mpi=list 2>&1 | grep -qw pmix && test_set_prereq PMIX
command -v mpirun >/dev/null && test_set_prereq MPIRUN
command -v lmp >/dev/null && test -r "$library/libnetprof.so" && test_set_prereq LAMMPS
mpi_env

PATH=$NETEMU_BUILDDIR:$PATH
NETEMU_REPLAY_INPUTS=$NETEMU_SRCDIR/etc/replay
export PATH NETEMU_REPLAY_INPUTS
inputs="--workload $NETEMU_REPLAY_INPUTS/training.json --system $NETEMU_REPLAY_INPUTS/system.json"
all_begin() { test "$(grep -c begins err)" = 3; }
ends() { test "$(grep -c '^sys.[0-9]*. finished, [0-9]* cycles' "$1")" -eq "$2"; }

test_expect_success 'salloc -N4 and the script are all there is to type' '
	salloc -N4 sh -c "sh $NETEMU_BUILDDIR/etc/replay/replay.sh --verify" >out 2>err || {
		cat err
		false
	} &&
	ends out 4 && grep "^all-reduce *4 *16777216 *1 " out && grep "^all-gather *4 " out
'

test_expect_success 'the run directory holds ledgers and results of all ranks' '
	run=$(ls -d netemu.*.0) &&
	ls "$run"/replay/rank-[0-3].json "$run/replay/summary.json" &&
	cat >sum.py <<-\END &&
	import json, sys
	summary = json.load(open(sys.argv[1] + "/replay/summary.json"))
	total = sum(p["bytes"] for p in summary["pairs"])
	assert total == 2 * 3 * (16777216 + 8388608) + 4 * 3 * 2097152, total
	assert len({json.load(open("%s/replay/rank-%d.json" % (sys.argv[1], r)))["node"]
	            for r in range(4)}) == 4
	END
	python3 sum.py "$run" &&
	"$NETEMU_BUILDDIR/netemu-matrix" --from=replay "$run" >matrix &&
	grep "4 ranks on 4 nodes" matrix
'

test_expect_success PMIX 'ranks of srun --mpi=pmix, two on a node' '
	srun --mpi=pmix --netemu -N2 -n4 netemu-replay $inputs --verify --quiet >out && ends out 4
'

test_expect_success 'two devices for each rank' '
	srun --netemu=devices=2 -N4 netemu-replay $inputs --rdma_driver netemu0+netemu1 --verify \
		--verbose --quiet >out 2>err && ends out 4 &&
	test $(grep -c "begins.* verbs over netemu0:1+netemu1:1$" err) -eq 4
'

test_expect_success 'over TCP, without a device' '
	srun --netemu -N4 netemu-replay $inputs --network=tcp --verify --quiet >out && ends out 4
'

test_expect_success MPIRUN,PMIX 'under mpirun, over TCP' '
	mpirun --oversubscribe -n 4 netemu-replay $inputs --network=tcp --verify --quiet >out && ends out 4
'

# What LAMMPS sends is recorded, made a trace, and sent again as RDMA.
test_expect_success LAMMPS,PMIX 'lammps under --netprof, replayed over netemu0: the same matrix' '
	give_way srun -N4 -n4 --mpi=pmix --netprof="dir=$PWD/recorded" \
		lmp -in "$NETEMU_SRCDIR/etc/lammps-melt.in" -log none >out &&
	netemu-replay generate --from="$(echo recorded/netemu.*)" lammps &&
	srun --netemu -N4 -n4 netemu-replay --workload lammps --dir "$PWD/replayed" --quiet >out &&
	ends out 4 &&
	netemu-matrix --format=tsv recorded/netemu.* >expected &&
	netemu-matrix --format=tsv --from=replay replayed/netemu.* >actual &&
	test "$(wc -l <expected)" -gt 8 && test_cmp expected actual
'

test_expect_success 'a rank that is killed ends the step, and all say who it was' '
	cat >slow.json <<-\END &&
	{ "workload_graph": [{ "Id": 1, "NodeType": 4, "runtime": 90000000 },
		{ "Id": 2, "NodeType": 7, "comm_type": 0, "comm_size": 8, "data_deps": [1] }] }
	END
	cat >one.sh <<-\END &&
	#!/bin/sh
	test "$SLURM_PROCID" != 2 || echo $$ >pid.tmp
	test "$SLURM_PROCID" != 2 || mv pid.tmp pid
	exec netemu-replay --workload slow.json --network=tcp --verbose
	END
	chmod +x one.sh &&
	{ srun --netemu -K0 -N3 ./one.sh >out 2>err & } && step=$! &&
	wait_for 60 all_begin &&
	kill -9 "$(cat pid)" &&
	! wait $step &&
	grep "rank 2 (node2) is gone" err
'

test_done
