#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# shellcheck disable=SC2009 # pgrep does not look for titles of slurmstepd with its job

test_description='--nettrace: what was recorded survives whatever ends the job'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace-slurm.sh"
trace_need ibv_rc_pingpong python3 pgrep
trace_start 2

# endless: a step whose two ranks exchange messages until they are ended, in the
# background; $step is its id, $job that of its job.
endless() {
	rm -rf netemu.* there.* server.out client.out
	port_next
	srun -N2 -n2 --netemu --nettrace=ring=1MiB ./pingpong "$port" "$trace_host" -e -n 2000000000 \
		>out 2>err 5>&- &
	srun_pid=$!
	wait_for 30 both_have_recorded || {
		say_why "the step does not run" out err
		return 1
	}
	job=$(ls -d netemu.*) && job=${job#netemu.} && step=$job && job=${job%.*}
}

both_have_recorded() {
	for rank in 0 1; do
		test "$(cat netemu.*/verbs/ring-$rank.bin 2>/dev/null | wc -c)" -gt 300000 || return 1
	done
}

# pids_of NAME: of this cluster's processes on all nodes.
pids_of() {
	processes_of "$1" | tr '\n' ' '
}

# over: the step has ended, whatever of; nothing of it is left, no node is drained.
over() {
	wait "$srun_pid"
	wait_for 40 no_helpers && wait_for 40 no_tasks && wait_for 40 no_jobs && no_node_drained &&
		wait_for 40 "${1:-shm_is_empty}" && return
	ls -lR "$shm" >left
	ps -e -o pid,ppid,pgid,stat,lstart,args | grep -e netemu -e pingpong -e slurmstepd >>left
	say_why "something is left" left out err
	return 1
}

no_tasks() {
	test -z "$(processes_of ibv_rc_pingpong)"
}

no_jobs() {
	test -z "$(squeue -h -o %A)"
}

# whole RANK CLEAN: its ring can be read to its end, says whether the process ended by
# itself, and tells of a queue pair, and of requests and completions that belong together.
whole() {
	"$ringdump" netemu.*/verbs/ring-"$1".bin >"ring.$1" &&
		grep -q "^header clean=$2 .* lost=0 " "ring.$1" && grep -q "^end " "ring.$1" &&
		grep -q call=ibv_create_qp "ring.$1" &&
		sends=$(grep -c call=ibv_post_send "ring.$1") &&
		done=$(grep -c "call=ibv_poll_cq .* status=0 opcode=0" "ring.$1") &&
		test "$sends" -gt 100 && test $((sends - done)) -ge -1 && test $((sends - done)) -le 1 && return
	say_why "rank $1: $sends sends, $done completions"
	grep -v -e call=ibv_post -e call=ibv_poll_cq -e call=device "ring.$1" >ring.rest
	say_why "the rest" ring.rest
	return 1
}

# ended_by SIGNAL RANK: so says the node's file.
ended_by() {
	grep -A6 "\"rank\": $2," netemu.*/node-"$2".json >row &&
		grep "\"signal\": $1" row && grep "\"clean\": false" row
}

test_expect_success 'a rank that is killed, and the one that is ended for it' '
	endless && kill -KILL $(pids_of ibv_rc_pingpong) && over &&
	whole 0 0 && whole 1 0 && ended_by 9 1 && exported 0 1 &&
	grep "^nettrace: .* 2 ranks, 2 nodes, .*; 2 ranks incomplete" err
'

test_expect_success 'scancel' '
	endless && scancel "$job" && over && whole 0 0 && whole 1 0 && exported 0 1
'

timed_out() {
	scontrol show job "$job" >state && grep JobState=TIMEOUT state && return
	say_why "no time limit has ended it" state err
	return 1
}

test_expect_success 'a time limit' '
	endless && scontrol update JobId="$job" EndTime=now && over &&
	timed_out && whole 0 0 && whole 1 0 && exported 0 1
'

# Nobody is left who could remove the fabric; the next one on the node does.
test_expect_success 'slurmstepd killed: the helpers finish what its tasks leave' '
	endless &&
	for pid in $(pgrep -f "^slurmstepd: \[$step\]"); do
		grep -qzFx "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" && kill -KILL "$pid"
	done
	for pid in $(pids_of ibv_rc_pingpong) $(pids_of pingpong); do kill -KILL "$pid"; done
	scancel "$job"
	over true && whole 0 0 && whole 1 0 && exported 0 1 &&
	srun -N2 --netemu true && wait_for 30 shm_is_empty
'

if command -v mpirun >/dev/null && mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c" &&
	test -r "$library/libnetprof.so"; then
	test_set_prereq MPI
fi

test_expect_success MPI 'mpirun in a batch script: all ranks on both nodes' '
	rm -rf netemu.* && give_way batch -N2 --ntasks-per-node=2 --netemu --nettrace --netprof <<-"END" &&
		export OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1
		mpirun sh -c "test \$OMPI_COMM_WORLD_RANK != 3 || echo \$LD_PRELOAD >preload; exec ./verify messages"
	END
	grep "^4 ranks: right" batch.out && test "$(ls -d netemu.*.mpirun*)" = "netemu.$(cat batch.id).mpirun0" &&
	wait_for 30 no_helpers &&
	rm -rf netemu.*.batch && mv netemu.*.mpirun0 netemu.mpi &&
	for rank in 0 1 2 3; do
		ring_has $rank 1 ranks=4 clean=1 lost=0 || return 1
	done && exported 0 1 2 3 &&
	test "$(cat netemu.mpi/node-*.json | grep -c "\"clean\": true")" = 4 &&
	echo "$library/libnetprof.so:$library/libnettrace.so:$library/libnetemu.so:$GIVE_WAY" >expected &&
	test_cmp expected preload && wait_for 30 shm_is_empty
'

# Where srun runs, $runs is one directory; on each node it is a file system of its own.
runs=$shm.runs
mkdir "$runs" && remove_at_end "$runs"
slurmd_of() {
	"$CLUSTER" status --name "$this_test" | awk -v name="slurmd-$1" '$1 == name { print $3 }'
}
on_nodes() {
	for node in node0 node1; do
		nsenter --target "$(slurmd_of $node)" --mount "$@" || return 1
	done
}
if test_have_prereq ROOT && command -v nsenter >/dev/null &&
	test "$(readlink "/proc/$(slurmd_of node0)/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" &&
	on_nodes mount -t tmpfs -o mode=755,size=64m netemu "$runs"; then
	test_set_prereq OWN_DIRECTORIES
fi

# collected: what has come to the host of srun stands where functions look for it.
collected() {
	rm -rf netemu.* && cp -r "$runs"/netemu.* .
}

test_expect_success OWN_DIRECTORIES 'nodes that share no directory send records and JSON to srun' '
	trace_pingpong "--nettrace=dir=$runs" -- -n 100 && collected &&
	for rank in 0 1; do
		ring_has $rank 100 call=ibv_post_send && test -s netemu.*/node-$rank.json || return 1
	done && exported 0 1 && test -s netemu.*/run.json &&
	grep "^nettrace: $runs/netemu.*: 2 ranks, 2 nodes, [0-9,]* records$" err &&
	! ls -A "$runs"/netemu.*/verbs | grep -v -e "^ring-[01].bin$" -e "trace_[01].json$"
'

test_expect_success OWN_DIRECTORIES 'a full disk costs records, not the job' '
	rm -rf "$runs"/netemu.* && on_nodes sh -c "rm -rf $runs/*" &&
	on_nodes mount -o remount,size=1500k "$runs" &&
	trace_pingpong "--nettrace=stream=yes,dir=$runs" -- -n 20000 &&
	test "$(grep -l "20000 iters" server.out client.out | wc -l)" = 2 && collected &&
	for rank in 0 1; do
		"$ringdump" netemu.*/verbs/ring-$rank.bin >ring && grep "^header clean=1" ring &&
			! grep "^header.* lost=0 " ring && grep -q call=ibv_create_qp ring &&
			test "$(grep -c call=ibv_post_send ring)" -gt 1000 || return 1
	done &&
	grep "^nettrace: .*2 ranks, 2 nodes, .*; [0-9,]* records found no room" err
'

test_expect_success 'no helper, no fabric is left' '
	wait_for 20 no_helpers && wait_for 20 shm_is_empty
'

test_expect_success 'no node was drained' no_node_drained

test_done
