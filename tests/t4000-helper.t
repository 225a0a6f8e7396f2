#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the per-node helper, driven without Slurm'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-helper.sh"

test "$(id -u)" != 0 || test_set_prereq ROOT
# valgrind and the sanitizers do not run each other's programs.
! command -v valgrind >/dev/null || grep -q __asan_init "$HELPER" || test_set_prereq VALGRIND
! unshare --user --map-root-user --mount true 2>/dev/null || test_set_prereq MOUNT

# poll SECONDS COMMAND...: until it succeeds.
poll() {
	tries=$(($1 * 50))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		test $tries -gt 0 || return 1
		sleep 0.02
	done
}

test_expect_success 'a dead rank gets its rank file, node and run file are written' '
	run=$(run_dir netemu.5.0) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2 1:p2p:100:2:50:1 1:bcast:8:1:0:0" &&
	test "$(value netemu.5.0/mpi/rank-0.json tx_bytes)" = "[0,108]" &&
	test "$(value netemu.5.0/mpi/rank-0.json rx_messages)" = "[0,1]" &&
	test "$(value netemu.5.0/mpi/rank-0.json complete)" = false &&
	test "$(value netemu.5.0/node-0.json node)" = "\"node0\"" &&
	test "$(node_value netemu.5.0/node-0.json 0 complete)" = false &&
	test "$(value netemu.5.0/run.json ranks)" = 2 &&
	test "$(value netemu.5.0/run.json job)" = 5 &&
	test "$(value netemu.5.0/run.json step)" = "\"0\"" &&
	test "$(value netemu.5.0/run.json name)" = null &&
	nothing_temporary netemu.5.0
'

test_expect_success 'files can be written by their owner alone' '
	test -z "$(find netemu.5.0 -perm /022)"
'

test_expect_success 'exit code and signal are those of the task' '
	run=$(run_dir netemu.5.0) &&
	step "SLURM_PROCID=2 make-live -t $run $run/mpi/.rank-0.live 0 3
		SLURM_PROCID=0 make-live -t $run $run/mpi/.rank-1.live 1 3
		make-live -t $run $run/mpi/.rank-2.live 2 3 & pid=\$!; wait
		echo exit 0 1000001 768 >&7; echo exit 1 \$pid 0 >&7; echo exit 2 1000003 9 >&7" &&
	test "$(node_value netemu.5.0/node-0.json 0 signal)" = 9 &&
	test "$(node_value netemu.5.0/node-0.json 0 exit_code)" = null &&
	test "$(node_value netemu.5.0/node-0.json 1 exit_code)" = 3 &&
	test "$(node_value netemu.5.0/node-0.json 1 signal)" = null &&
	test "$(node_value netemu.5.0/node-0.json 2 exit_code)" = 0
'

test_expect_success 'a rank under mpirun has no exit code of its own' '
	run=$(run_dir netemu.5.mpirun0) &&
	step "SLURM_PROCID=0 make-live -t $run $run/mpi/.rank-0.live 0 1
		echo exit 0 1000001 0 >&7" &&
	test "$(node_value netemu.5.mpirun0/node-0.json 0 exit_code)" = null &&
	test "$(value netemu.5.mpirun0/run.json step)" = "\"mpirun0\"" &&
	test "$(value netemu.5.mpirun0/run.json slurm_step)" = "\"0\""
'

test_expect_success 'a rank that is done keeps its own file' '
	run=$(run_dir netemu.5.1) &&
	echo mine >netemu.5.1/mpi/rank-0.json &&
	step "printf \"done 0 2 1 -1\t$run\t$run/mpi/rank-0.json\n\" >&8" &&
	echo mine | test_cmp - netemu.5.1/mpi/rank-0.json &&
	test "$(node_value netemu.5.1/node-0.json 0 complete)" = true
'

test_expect_success 'a rank that never sent gets a file, a clean one is complete' '
	run=$(run_dir netemu.5.2) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2
		make-live -c -t $run $run/mpi/.rank-1.live 1 2" &&
	test "$(value netemu.5.2/mpi/rank-0.json tx_messages)" = "[0,0]" &&
	test "$(value netemu.5.2/mpi/rank-0.json complete)" = false &&
	test "$(value netemu.5.2/mpi/rank-1.json complete)" = true
'

test_expect_success 'live files elsewhere are summed and their directory goes' '
	run=$(run_dir netemu.5.3) && private=$(run_dir netemu-abc/netemu.5.3) &&
	echo "no room" >netemu-abc/netemu.5.3/log/netprof.node0.log &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2 1:p2p:100:2:50:1
		make-live $private/mpi/.rank-0.live 0 2 1:p2p:11:1:0:0
		pid=\$(cut -d\" \" -f4 /proc/\$HELPER_PID/fd/5)
		printf \"live 0 2 \$pid -1\t$run\t$private/mpi/.rank-0.live\n\" >&8" &&
	test "$(value netemu.5.3/mpi/rank-0.json tx_bytes)" = "[0,111]" &&
	test "$(value netemu.5.3/mpi/rank-0.json tx_messages)" = "[0,3]" &&
	grep "no room" netemu.5.3/log/netprof.node0.log &&
	! test -e netemu-abc
'

test_expect_success 'a rank file elsewhere is fetched and its directory goes' '
	run=$(run_dir netemu.5.13) && private=$(run_dir netemu-def/netemu.5.13) &&
	echo mine >netemu-def/netemu.5.13/mpi/rank-0.json &&
	step "printf \"done 0 2 1 -1\t$run\t$private/mpi/rank-0.json\n\" >&8" &&
	echo mine | test_cmp - netemu.5.13/mpi/rank-0.json &&
	test "$(node_value netemu.5.13/node-0.json 0 complete)" = true &&
	! test -e netemu-def
'

test_expect_success 'a run directory that is not there is made' '
	private=$(run_dir netemu-ghi/netemu.5.14) &&
	step "make-live -t $PWD/new/netemu.5.14 $private/mpi/.rank-0.live 0 2 1:p2p:11:1:0:0" &&
	test "$(value new/netemu.5.14/mpi/rank-0.json tx_bytes)" = "[0,11]" &&
	test "$(value new/netemu.5.14/run.json ranks)" = 2 &&
	! test -e netemu-ghi
'

test_expect_success 'a live file nobody spoke of is taken when it is of this node' '
	run=$(run_dir netemu.5.4) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 3 1:p2p:1:1:0:0
		make-live $run/mpi/.rank-1.live 1 3 0:p2p:7:1:0:0
		make-live -n node1 $run/mpi/.rank-2.live 2 3 0:p2p:7:1:0:0" &&
	test "$(value netemu.5.4/mpi/rank-1.json tx_bytes)" = "[7,0,0]" &&
	test -e netemu.5.4/mpi/.rank-2.live &&
	! test -e netemu.5.4/mpi/rank-2.json
'

test_expect_success 'a broken part is named and does not spoil the rest' '
	run=$(run_dir netemu.5.5) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2 1:p2p:100:2:50:1
		make-live -s 5000 $run/mpi/.rank-0.1.live 0 2 1:p2p:100:2:50:1
		pid=\$(cut -d\" \" -f4 /proc/\$HELPER_PID/fd/5)
		printf \"live 0 2 \$pid -1\t$run\t$run/mpi/.rank-0.1.live\n\" >&8
		make-live -s 8000 -t $run $run/mpi/.rank-1.live 1 2 0:p2p:1:1:0:0" &&
	test "$(value netemu.5.5/mpi/rank-0.json tx_bytes)" = "[0,100]" &&
	grep "rank-0.1.live: byte 4096: an extent" netemu.5.5/log/node-0.log &&
	grep "rank-1.live: byte 4096: an extent" netemu.5.5/log/node-0.log &&
	test -e netemu.5.5/mpi/.rank-1.live &&
	! test -e netemu.5.5/mpi/rank-1.json
'

test_expect_success 'one that was killed before it had a header leaves nothing' '
	run=$(run_dir netemu.5.6) &&
	: >netemu.5.6/mpi/.rank-1.live &&
	step "make-live -s 0 -t $run $run/mpi/.rank-0.live 0 2" &&
	! test -e netemu.5.6/mpi/.rank-0.live &&
	! test -e netemu.5.6/log/node-0.log
'

test_expect_success 'counters in the memory of a killed rank are saved' '
	run=$(run_dir netemu.5.7) && mkfifo stay && {
		exec 9<>stay
		step "make-live -w -m -t $run memory 0 2 1:p2p:100:2:50:1 <$PWD/stay 9<&- & pid=\$!
			for i in \$(seq 500); do
				ls -l /proc/\$HELPER_PID/fd | grep -v list | grep -q memfd:netprof && break
				sleep 0.02
			done
			kill -9 \$pid; wait; :" 
		rc=$?
		exec 9>&-
		test $rc = 0
	} &&
	test "$(value netemu.5.7/mpi/rank-0.json tx_bytes)" = "[0,100]"
'

test_expect_success 'slurmstepd goes on while the helper waits for a rank to be killed' '
	run=$(run_dir netemu.5.8) && rm -f step.out && {
		exec 9<>stay
		step "make-live -w -t $run $run/mpi/.rank-0.live 0 2 1:p2p:100:2:50:1 \
			<$PWD/stay 7>&- 8>&- 9<&- >/dev/null 2>&1 &
			echo \$! >rank.pid
			until grep -q live /proc/\$HELPER_PID/fd/5; do sleep 0.02; done" &
		poll 20 grep -s ack step.out &&
		! test -e netemu.5.8/mpi/rank-0.json &&
		kill -9 "$(cat rank.pid)" &&
		wait $!
		rc=$?
		exec 9>&-
		test $rc = 0
	} &&
	test "$(value netemu.5.8/mpi/rank-0.json tx_bytes)" = "[0,100]" &&
	nothing_temporary netemu.5.8
'

test_expect_success 'signals meant for the job do not end it' '
	run=$(run_dir netemu.5.9) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2
		for signal in TERM INT HUP QUIT USR1 USR2 XCPU; do kill -\$signal \$HELPER_PID; done" &&
	test -e netemu.5.9/mpi/rank-0.json
'

test_expect_success 'two worlds of one step are kept apart' '
	one=$(run_dir netemu.6.mpirun0) && two=$(run_dir netemu.6.mpirun1) &&
	step "make-live -t $one $one/mpi/.rank-0.live 0 2
		make-live -t $two $two/mpi/.rank-0.live 0 4
		make-live -t $two $two/mpi/.rank-3.live 3 4" &&
	test "$(value netemu.6.mpirun0/run.json ranks)" = 2 &&
	test "$(value netemu.6.mpirun1/run.json ranks)" = 4 &&
	test "$(grep -c "\"pid\"" netemu.6.mpirun0/node-0.json)" = 1 &&
	test "$(grep -c "\"pid\"" netemu.6.mpirun1/node-0.json)" = 2
'

test_expect_success 'the helper without rank 0 writes no run file' '
	run=$(run_dir netemu.6.1) &&
	step "make-live -t $run $run/mpi/.rank-1.live 1 2" &&
	test -e netemu.6.1/node-0.json && ! test -e netemu.6.1/run.json
'

test_expect_success 'helpers of one node that serve the same run merge' '
	run=$(run_dir netemu.6.2) && before=$(ls -d /tmp/netprof.*/netemu.6.2 2>/dev/null)
	for rank in 0 1 2 3 4 5; do
		mkdir -p helper$rank && (
			cd helper$rank &&
			step "make-live -t $run $run/mpi/.rank-$rank.live $rank 6"
		) &
	done
	wait
	for rank in 0 1 2 3 4 5; do
		test "$(node_value netemu.6.2/node-0.json $rank complete)" = false &&
		test -e netemu.6.2/mpi/rank-$rank.json || return 1
	done &&
	test "$(ls netemu.6.2)" = "log
mpi
node-0.json
run.json" && test -z "$(ls netemu.6.2/log)" && test "$(ls -d /tmp/netprof.*/netemu.6.2 2>/dev/null)" = "$before" &&
	nothing_temporary netemu.6.2
'

test_expect_success 'two nodes with one index get two names' '
	run=$(run_dir netemu.6.3) &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2" &&
	step "echo node other >&7; make-live -t $run $run/mpi/.rank-1.live 1 2" &&
	test "$(value netemu.6.3/node-0.json node)" = "\"node0\"" &&
	test "$(value netemu.6.3/node-1.json node)" = "\"other\""
'

test_expect_success 'a foreign node file is not overwritten' '
	run=$(run_dir netemu.6.4) &&
	echo "not JSON" >netemu.6.4/node-0.json &&
	ln -s nowhere netemu.6.4/node-1.json &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2" &&
	echo "not JSON" | test_cmp - netemu.6.4/node-0.json &&
	test -h netemu.6.4/node-1.json &&
	test "$(value netemu.6.4/node-2.json node)" = "\"node0\""
'

test_expect_success 'lines that make no sense are refused' '
	run=$(run_dir netemu.6.5) && mkdir -p plain/mpi &&
	echo precious >.rank-1.txt && echo precious >precious &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 9
		make-live $PWD/plain/mpi/.rank-1.live 1 9
		tab=\"\$(printf \\\\t)\"; x=/proc/\$HELPER_PID/fd/5
		line() { printf \"%s\\t%s\\t%s\\n\" \"\$1\" \"\$2\" \"\$3\" >&8; }
		line \"live 1 9 1 -1\" $PWD/plain $PWD/plain/mpi/.rank-1.live
		line \"live 1 9 1 -1\" $run/../netemu.6.5 $run/mpi/.rank-1.live
		line \"live 1 9 1 -1\" netemu.6.5 $run/mpi/.rank-1.live
		line \"live 1 9 1 -1\" $run $PWD/precious
		line \"live 1 9 1 -1\" $run $PWD/.rank-1.txt
		line \"live 9 9 1 -1\" $run $run/mpi/.rank-9.live
		line \"live 1 8 1 -1\" $run $run/mpi/.rank-1.live
		line \"live 1 9 0 -1\" $run $run/mpi/.rank-1.live
		line \"kill 1 9 1 -1\" $run $run/mpi/.rank-1.live
		line \"live -1 9 1 -1\" $run $run/mpi/.rank-1.live
		echo \"live 1 9 1 -1\" >&8
		head -c 100000 /dev/zero | tr \"\\\\0\" x >&8; echo >&8
		head -c 3000 /dev/urandom >&8" &&
	grep "lines of the list of ranks make no sense" netemu.6.5/log/node-0.log &&
	test -e netemu.6.5/mpi/rank-0.json &&
	! test -e netemu.6.5/mpi/rank-1.json &&
	test -e plain/mpi/.rank-1.live && ! test -e plain/mpi/rank-1.json &&
	echo precious | test_cmp - precious && echo precious | test_cmp - .rank-1.txt
'

test_expect_success ROOT 'the directory of another user is refused' '
	run=$(run_dir netemu.6.6) && chown 65534 netemu.6.6 &&
	mkdir tmp6 && (
		TMPDIR=$PWD/tmp6 && export TMPDIR &&
		step "make-live -t $run $run/mpi/.rank-0.live 0 1 0:p2p:11:1:0:0"
	) &&
	! test -e netemu.6.6/node-0.json && ! test -e netemu.6.6/mpi/rank-0.json &&
	test "$(value tmp6/netprof.*/netemu.6.6/mpi/rank-0.json tx_bytes)" = "[11]" &&
	grep "lie in .$PWD/tmp6/netprof" tmp6/netprof.*/netemu.6.6/log/node-0.log
'

test_expect_success 'odd things on the life pipe are passed over' '
	run=$(run_dir netemu.6.7) &&
	KEYS="color blue
nonsense

exit one two
command {\"not\": \"a list\"}
job abc
index -4
" && export KEYS &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 1; printf \"half a li\" >&7" &&
	KEYS= &&
	test "$(value netemu.6.7/run.json command)" = null &&
	test "$(value netemu.6.7/run.json job)" = null &&
	test -e netemu.6.7/node-0.json
'

test_expect_success 'without an answer of Slurm the rest is written' '
	run=$(run_dir netemu.6.8) &&
	KEYS="libslurm /nonexistent/libslurm.so
" && export KEYS &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 1" &&
	grep "no data of the job from Slurm: /nonexistent" netemu.6.8/log/node-0.log &&
	test "$(value netemu.6.8/run.json job)" = 5 &&
	test "$(value netemu.6.8/run.json cluster)" = null &&
	library=$(find /usr/lib /usr/lib64 -name "libslurmfull.so" 2>/dev/null | head -n 1) &&
	if test -n "$library"; then
		run=$(run_dir netemu.6.9) &&
		KEYS="libslurm $library
" &&
		(
			SLURM_CONF=$PWD/none.conf && export SLURM_CONF &&
			step "make-live -t $run $run/mpi/.rank-0.live 0 1"
		) &&
		grep "no data of the job from Slurm" netemu.6.9/log/node-0.log &&
		test "$(value netemu.6.9/run.json ranks)" = 1
	fi &&
	KEYS=
'

# in_small COMMAND: a step whose run directory lies in a file system of 16 KiB
# that only it sees; COMMAND goes on after the rank has counted, as a user who
# may mount there.  What is left of the file system is copied to after/.
in_small() {
	rm -rf small tmp after && mkdir small tmp &&
	cat >small.sh <<-EOT &&
	mount -t tmpfs -o size=16k,mode=700 none small && cd small && run=\$(run_dir netemu.7.0) &&
	cd .. && TMPDIR=$PWD/tmp && export TMPDIR && KEYS= &&
	step "make-live -t $PWD/small/netemu.7.0 $PWD/small/netemu.7.0/mpi/.rank-0.live 0 2 \
		1:p2p:100:2:50:1
		$1" && cp -r small/netemu.7.0 after
	EOT
	sed -n "/^[a-z_]*() {/,/^}/p" "$NETEMU_SRCDIR/tests/lib-helper.sh" >functions.sh &&
	unshare --user --map-root-user --mount sh -c ". ./functions.sh; . ./small.sh"
}

test_expect_success MOUNT 'in a full file system the rank file takes the place of the counters' '
	in_small "head -c 100000 /dev/zero >$PWD/small/filler 2>/dev/null; :" &&
	test "$(value after/mpi/rank-0.json tx_bytes)" = "[0,100]" &&
	nothing_temporary after && test -z "$(ls tmp)"
'

test_expect_success MOUNT 'when nothing can be written there any more it is kept elsewhere' '
	in_small "mount -o remount,bind,ro $PWD/small" &&
	test "$(value tmp/netprof.*/netemu.7.0/mpi/rank-0.json tx_bytes)" = "[0,100]" &&
	test "$(value tmp/netprof.*/netemu.7.0/node-0.json node)" = "\"node0\""
'

test_expect_success MOUNT 'when TMPDIR is full too it is kept in /tmp' '
	id=$$ && cat >full.sh <<-EOT &&
	mount -t tmpfs -o size=16k,mode=700 none small && mkdir small/tmp && cd small &&
	run=\$(run_dir netemu.$id.0) && cd .. && TMPDIR=$PWD/small/tmp && export TMPDIR && KEYS= &&
	step "make-live -t $PWD/small/netemu.$id.0 $PWD/small/netemu.$id.0/mpi/.rank-0.live 0 2 \
		1:p2p:100:2:50:1
		mount -o remount,bind,ro $PWD/small"
	EOT
	unshare --user --map-root-user --mount sh -c ". ./functions.sh; . ./full.sh" &&
	kept=$(ls -d /tmp/netprof.*/netemu.$id.0) &&
	value "$kept/mpi/rank-0.json" tx_bytes >kept && rm -r "${kept%/*}" &&
	echo "[0,100]" | test_cmp - kept
'

test_expect_success VALGRIND 'valgrind finds nothing wrong' '
	run=$(run_dir netemu.7.1) &&
	CHECKER="exec valgrind -q --error-exitcode=9 --leak-check=full --track-fds=yes \
		--log-file=valgrind.log" &&
	step "make-live -t $run $run/mpi/.rank-0.live 0 2 1:p2p:100:2:50:1
		printf \"done 1 2 1 -1\t$run\t$run/mpi/rank-1.json\n\" >&8; echo exit 0 1 0 >&7; echo nonsense >&8" &&
	test "$(value netemu.7.1/mpi/rank-0.json tx_bytes)" = "[0,100]" &&
	! grep -E "ERROR|definitely" valgrind.log
'
CHECKER=

test_expect_success 'by itself it says how it is meant' '
	"$HELPER" --help >help && grep -- --closing help &&
	"$HELPER" --version | grep netprof-helper &&
	test_expect_code 1 "$HELPER" 3<&- 4<&- 5<&- 2>err && grep "started by the plugin" err &&
	test_expect_code 2 "$HELPER" argument &&
	test_expect_code 2 "$HELPER" --closing &&
	test_expect_code 2 "$HELPER" --nonsense
'

test_expect_success 'the closing line adds up what is there' '
	run=$(run_dir netemu.8.0) &&
	step "make-live -c -t $run $run/mpi/.rank-0.live 0 3 1:p2p:1048576:2:50:1
		make-live -n node1 -t $run $run/mpi/.rank-1.live 1 3 0:bcast:1048576:1232:0:0" &&
	echo "netprof: $run: 2 ranks, 2 nodes, 2.00 MiB in 1,234 messages; 1 rank incomplete; 1 rank missing" >expected &&
	"$HELPER" --closing "$run" >closing &&
	test_cmp expected closing &&
	echo "{" >netemu.8.0/mpi/rank-2.json &&
	"$HELPER" --closing "$run" | grep "; 1 rank not readable$" &&
	test_expect_code 1 "$HELPER" --closing "$PWD/nothing"
'

test_done
