#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: a device in the tasks, and one fabric for a job'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-pair.sh"

skip_unless ibv_devices ibv_devinfo ib_write_bw ibv_rc_pingpong
library=$NETEMU_BUILDDIR/.libs/libnetemu.so
plugin=$NETEMU_BUILDDIR/spank/.libs/netemu.so
test -r "$plugin" && test -r "$library" || {
	skip_all="the SPANK plugins or the device are not built"
	test_done
}

# Nodes of the cluster have a /dev/shm each, but are one machine.
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || exit 1
remove_at_end "$shm"
cluster_plugstack "optional $plugin lib=$library bin=$NETEMU_BUILDDIR shm=$shm"
cluster_start 4 --plugstack plugstack.conf

# Nothing of a fabric is left; the helper may still be on its way.
all_gone() {
	test -z "$(ls "$shm")"
}
gone() {
	wait_for 20 all_gone || {
		ls -lR "$shm"
		# shellcheck disable=SC2009 # to be read
		ps -e -o pid,ppid,pgid,stat,lstart,args | grep -e netemu -e sleep
		return 1
	}
}

test_expect_success 'without --netemu there is no device, nothing is set' '
	srun -N2 sh -c "env | grep -e NETEMU_FABRIC -e NETEMU_NODE -e SLURM_NETEMU ; ibv_devices | grep netemu ; echo ran" >out &&
	sort -u out >actual && echo ran >expected && test_cmp expected actual && all_gone
'

test_expect_success 'with it each task has one' '
	srun -N4 --netemu sh -c "ibv_devices | grep -c netemu0" >out && sort -u out >actual &&
	echo 1 >expected && test_cmp expected actual && test "$(wc -l <out)" = 4 && gone
'

test_expect_success 'nodes have an address each' '
	srun -N4 --netemu sh -c "ibv_devinfo | grep -e port_lid -e node_guid" >out &&
	test "$(grep port_lid out | sort -u | wc -l)" = 4 &&
	test "$(grep node_guid out | sort -u | wc -l)" = 4
'

test_expect_success 'the tasks of a step reach each other' '
	port_next && srun -N2 -n2 --netemu sh -c "
		if test \$SLURM_PROCID = 0; then
			ibv_rc_pingpong -p $port -n 200 -c >server.out
		else
			for try in \$(seq 100); do
				ibv_rc_pingpong -p $port -n 200 -c localhost >client.out 2>err && exit 0
				sleep 0.3
			done
			exit 1
		fi" &&
	grep "200 iters" server.out && grep "200 iters" client.out
'

# A step of its own for each end, as in an interactive allocation.
test_expect_success 'so do the steps of a job' '
	cat >job.sh <<-\END &&
	#!/bin/sh
	srun -w node0 -N1 -n1 --overlap --netemu=latency=50us ibv_rc_pingpong -p $1 -n 100 >one.out &
	for try in $(seq 100); do
		srun -w node1 -N1 -n1 --overlap --netemu=latency=50us \
			ibv_rc_pingpong -p $1 -n 100 localhost >other.out 2>other.err && break
		sleep 0.3
	done
	wait
	END
	chmod +x job.sh && port_next && salloc -w node0,node1 ./job.sh $port 2>err &&
	grep "100 iters" one.out && grep "100 iters" other.out && gone
'

test_expect_success 'the latency asked for is there: never early' '
	usec=$(sed -n "s/.*100 iters.* = \([0-9.]*\) usec.iter/\1/p" other.out) &&
	awk -v t="$usec" "BEGIN { exit !(t >= 100) }"
'

test_expect_success 'a batch script has the device, and hands it on to its steps' '
	cat >batch.sh <<-\END &&
	#!/bin/sh
	exec 2>/dev/null
	ibv_devices | grep -c netemu0
	srun -N2 sh -c "ibv_devices | grep -c netemu0"
	srun -N2 --netemu=no sh -c "ibv_devices | grep -c netemu0"
	END
	sbatch_wait -N2 --netemu -o batch.out batch.sh; sort batch.out | uniq -c >actual &&
	awk "{ print \$1, \$2 }" actual >counts && printf "2 0\n3 1\n" >expected &&
	test_cmp expected counts && gone
'

test_expect_success 'settings: environment, and the option above it' '
	NETEMU=devices=2 srun -N1 sh -c "ibv_devices | grep -c netemu" >actual &&
	NETEMU=devices=2 srun -N1 --netemu=devices=3 sh -c "ibv_devices | grep -c netemu" >>actual &&
	printf "2\n3\n" >expected && test_cmp expected actual
'

test_expect_success 'a wrong one submits nothing, and says which' '
	test_must_fail srun -N1 --netemu=latency=soon true 2>err && grep "latency" err &&
	test_must_fail srun -N1 --netemu=what=ever true 2>err && grep "what" err &&
	test_must_fail sbatch --netemu=loss=2 --wrap true 2>err && grep "loss" err
'

test_expect_success 'a device that cannot be had fails the step with one sentence' '
	test_must_fail srun -N2 --netemu=topology=no.graphml sh -c "echo ran" >out 2>err &&
	test_must_be_empty out && grep "netemu: no device: .*no.graphml" err &&
	sinfo -h -o %T >state && ! grep -e drain -e down state && gone
'

test_expect_success 'device=none: no device, but a rendezvous' '
	srun -N1 --netemu=device=none sh -c "ibv_devices | grep -c netemu; echo \$SLURM_NETEMU_RDV" >out &&
	head -n 1 out >actual && echo 0 >expected && test_cmp expected actual &&
	grep -E "^:[0-9]+:[0-9a-f]{32}:1$" out
'

test_expect_success 'links.tsv in the run directory' '
	rm -rf netemu.* && srun -N2 -n2 --netemu ibv_devices >out && gone && ls -d netemu.*.0 &&
	head -n 1 netemu.*.0/device/links.tsv | grep -w messages
'

test_expect_success 'the user is told where the fabric is, others cannot look' '
	srun -N1 --netemu sh -c "stat -c %a \$NETEMU_FABRIC \$NETEMU_FABRIC/segment; echo \$NETEMU_NODE" >actual &&
	printf "700\n600\n0\n" >expected && test_cmp expected actual
'

test_expect_success 'two jobs do not meet' '
	srun -N1 -w node0 --netemu sh -c "echo \$NETEMU_FABRIC" >one &
	srun -N1 -w node1 --netemu sh -c "echo \$NETEMU_FABRIC" >other && wait &&
	! test_cmp one other
'

test_expect_success 'scope=step: two steps of a job do not meet' '
	cat >steps.sh <<-\END &&
	#!/bin/sh
	srun -N1 -n1 -w node0 --overlap --netemu=scope=step sh -c "echo \$NETEMU_FABRIC" >one
	srun -N1 -n1 -w node0 --overlap --netemu=scope=step sh -c "echo \$NETEMU_FABRIC" >other
	END
	chmod +x steps.sh && salloc -N1 -w node0 ./steps.sh 2>err && ! test_cmp one other && gone
'

# start_sleeper: a step that lasts; its job is $job.
start_sleeper() {
	rm -f started
	srun -N2 --netemu sh -c "echo \$SLURM_JOB_ID >started.\$\$ &&
		mv started.\$\$ started; sleep 300" 2>sleeper.err &
	srun_pid=$!
	wait_for 20 test -e started && job=$(cat started)
}

test_expect_success 'nothing is left after scancel' '
	start_sleeper && scancel $job && gone
'
test_expect_success 'nothing is left after scancel -s KILL' '
	start_sleeper && scancel -s KILL $job && gone
'
test_expect_success 'nothing is left after srun is killed' '
	start_sleeper && kill -9 $srun_pid && gone
'

test_expect_success 'a program that is killed leaves the others alone' '
	srun -N1 -n2 --netemu sh -c "
		if test \$SLURM_PROCID = 0; then
			ibv_devinfo >/dev/null && kill -9 \$\$
		fi
		ibv_devinfo | grep -c PORT_ACTIVE" >out 2>err
	echo 1 >expected && test_cmp expected out && gone
'

test_expect_success 'no node was drained' '
	sinfo -h -o %T >state && ! grep -e drain -e down state
'

test_done
