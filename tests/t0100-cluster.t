#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the private Slurm cluster of contrib/cluster'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

state_of() {
	"$CLUSTER" run --name "$1" sh -c 'echo $NETEMU_CLUSTER_DIR'
}

pids_of() {
	"$CLUSTER" status --name "$1" | awk '$2 == "pid" { print $3 }'
}

# alive PID...: is one of them still there (and no zombie)?
alive() {
	for pid in "$@"; do
		grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$pid/status" 2>/dev/null && return 0
	done
	return 1
}

# mentioned DIR: does a process have a path in DIR in its command line?
mentioned() {
	pgrep -f -- "$1/" >/dev/null
}

nothing_left() {
	! test -e "$1" && ! mentioned "$1" && ! test -e "$HOME/.cache/netemu/$2"
}

# ranks_on PER_NODE: what mpi-hello says when each node has as many ranks.
ranks_on() {
	rank=0
	for node in 0 1 2 3; do
		for i in $(test_seq 1 "$1"); do
			echo "rank $rank on node$node"
			rank=$((rank + 1))
		done
	done
}

cluster_start 4
test "$(id -u)" != 0 || test_set_prereq ROOT
test "$(id -u)" != 0 || ! unshare --net true || ! command -v ip >/dev/null || test_set_prereq NETNS
! command -v mariadbd >/dev/null || ! command -v slurmdbd >/dev/null || test_set_prereq MARIADB
if command -v mpicc mpirun >/dev/null &&
	mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" 2>/dev/null; then
	test_set_prereq MPI
fi
grep -q "share the host's name" cluster-start.out || test_set_prereq HOSTNAMES

test_expect_success 'all nodes are idle' '
	test "$(sinfo -h -N -o "%N %T" | sort | tr "\n" " ")" = \
		"node0 idle node1 idle node2 idle node3 idle "
'

test_expect_success 'status lists each daemon and succeeds' '
	"$CLUSTER" status --name "$this_test" >status &&
	for name in munged slurmctld slurmd-node0 slurmd-node3; do
		grep "^$name  *pid [0-9]" status || return 1
	done
'

test_expect_success 'srun reaches every node' '
	srun -N4 printenv SLURMD_NODENAME | sort >nodes &&
	printf "node%d\n" 0 1 2 3 >expected &&
	test_cmp expected nodes
'

test_expect_success HOSTNAMES 'each node has a host name of its own' '
	srun -N4 hostname | sort >hosts &&
	printf "node%d\n" 0 1 2 3 >expected &&
	test_cmp expected hosts
'

test_expect_success 'a node has the CPUs and GPUs that were declared' '
	srun -N4 -n16 true &&
	test "$(srun -N1 --gres=gpu:2 sh -c "echo \$CUDA_VISIBLE_DEVICES")" = 0,1
'

test_expect_success 'the variables of another Slurm job do not get in' '
	test "$(SLURM_JOB_ID=99 SBATCH_PARTITION=none "$CLUSTER" run --name "$this_test" \
		sh -c "echo \$SLURM_JOB_ID\$SBATCH_PARTITION")" = ""
'

test_expect_success 'sbatch runs a script' '
	printf "#!/bin/sh\nsrun printenv SLURMD_NODENAME | sort\n" >script &&
	sbatch_wait -N4 -o batch.out script &&
	printf "node%d\n" 0 1 2 3 >expected &&
	test_cmp expected batch.out
'

test_expect_success 'each task of an array runs' '
	sbatch_wait --array=0-3 -o array-%a.out --wrap "echo \$SLURM_ARRAY_TASK_ID" &&
	test "$(cat array-*.out | tr "\n" " ")" = "0 1 2 3 "
'

test_expect_success 'scancel ends a running job' '
	id=$(sbatch --parsable -o sleep.out --wrap "sleep 600") &&
	wait_job_state "$id" RUNNING &&
	scancel "$id" &&
	wait_job_state "$id" CANCELLED
'

test_expect_success MPI 'srun --mpi=pmix starts 16 ranks on 4 nodes' '
	srun -N4 -n16 --ntasks-per-node=4 --mpi=pmix ./mpi-hello >hello &&
	ranks_on 4 >expected &&
	test_cmp expected hello
'

test_expect_success MPI 'mpirun in salloc starts its ranks on all nodes' '
	salloc -N4 -n8 --ntasks-per-node=2 mpirun ./mpi-hello >hello &&
	ranks_on 2 >expected &&
	test_cmp expected hello
'

test_expect_success MPI 'mpirun in sbatch starts its ranks on all nodes' '
	sbatch_wait -N4 -n8 --ntasks-per-node=2 -o mpirun.out --wrap "mpirun ./mpi-hello" &&
	ranks_on 2 >expected &&
	test_cmp expected mpirun.out
'

test_expect_success ROOT 'other users submit to the cluster of root' '
	chmod 755 . &&
	test "$(as_nobody env HOME=/nonexistent srun -D /tmp -N4 id -u | sort -u)" = 65534
'

test_expect_success ROOT 'other users reach no secret of it' '
	state=$(state_of "$this_test") &&
	test_must_fail as_nobody ls "$state" &&
	test_must_fail as_nobody ls "$state/private" &&
	test_must_fail as_nobody cat "$state/private/munge.key" &&
	test_must_fail as_nobody touch "$state/run/x" "$state/etc/x" "$state/spool/node0/x" &&
	as_nobody cat "$state/etc/slurm.conf" >/dev/null
'

test_expect_success 'a cluster that runs is not started again' '
	test_must_fail "$CLUSTER" start 1 --name "$this_test" 2>err &&
	grep "already running" err &&
	srun -N4 true
'

test_expect_success 'wrong arguments are refused with exit 2' '
	for args in "" "fly" "start x" "start 0" "start --acct mysql" "start --cpus many" \
		"start --plugstack" "start --name ../x" "stop --fast" "status x" "run"; do
		test_expect_code 2 "$CLUSTER" $args 2>err &&
		test "$(wc -l <err)" = 1 || { echo "wrong: $args"; return 1; }
	done
'

test_expect_success '--help names every command and option' '
	"$CLUSTER" --help >help &&
	for word in start stop status env run --name --plugstack --acct --cpus --mem --gpus \
		--prolog-flags --conf --netns --verbose --now; do
		grep -e "$word" help || return 1
	done
'

test_expect_success 'without a cluster status, env and run exit 3' '
	test_expect_code 3 "$CLUSTER" status --name none &&
	test_expect_code 3 "$CLUSTER" env --name none &&
	test_expect_code 3 "$CLUSTER" run --name none true
'

# Two more, side by side with the first one.
test_expect_success 'several clusters run side by side' '
	cluster_start_named two 2 --conf "MaxJobCount=77" &&
	cluster_start_named three 3 &&
	test "$("$CLUSTER" run --name two sinfo -h -o %D)" = 2 &&
	test "$("$CLUSTER" run --name three sinfo -h -o %D)" = 3 &&
	test "$(sinfo -h -o %D)" = 4 &&
	"$CLUSTER" run --name two scontrol show config | grep "MaxJobCount *= 77" &&
	{ "$CLUSTER" run --name two srun -N2 true & } &&
	"$CLUSTER" run --name three srun -N3 true &&
	wait $!
'

test_expect_success 'stop leaves no process and no file' '
	state=$(state_of two) &&
	pids=$(pids_of two) &&
	alive $pids &&
	"$CLUSTER" stop --name two &&
	! alive $pids &&
	nothing_left "$state" two &&
	test "$("$CLUSTER" run --name three srun -N3 hostname | wc -l)" = 3
'

test_expect_success 'stop ends running jobs, and tasks whose slurmstepd has died' '
	state=$(state_of three) &&
	"$CLUSTER" run --name three sbatch -N3 -o /dev/null --wrap "srun sleep 601" &&
	"$CLUSTER" run --name three sbatch -o /dev/null --wrap "echo \$\$ >pid; exec sleep 602" &&
	wait_for 60 test -s pid &&
	step=$(awk "/^PPid:/ { print \$2 }" "/proc/$(cat pid)/status") &&
	grep -q slurmstepd "/proc/$step/comm" &&
	kill -KILL "$step" &&
	"$CLUSTER" stop --now --name three &&
	! alive "$(cat pid)" &&
	nothing_left "$state" three
'

# stepds DIR: how many slurmstepds of that cluster there are.
stepds() {
	count=0
	for comm in /proc/[0-9]*/comm; do
		grep -qsx slurmstepd "$comm" &&
			tr "\0" "\n" 2>/dev/null <"${comm%comm}environ" | grep -qsxF "SLURM_CONF=$1/etc/slurm.conf" &&
			count=$((count + 1))
	done
	echo $count
}

test_expect_success 'stop ends a slurmstepd that waits for its slurmctld' '
	cluster_start_named waits 1 &&
	state=$(state_of waits) &&
	{ "$CLUSTER" run --name waits srun sh -c "echo \$\$ >task; exec sleep 604" & } &&
	srun=$! &&
	wait_for 60 test -s task &&
	kill -KILL $("$CLUSTER" status --name waits | awk "\$1 == \"slurmctld\" { print \$3 }") "$(cat task)" &&
	test "$(stepds "$state")" -gt 0 &&
	"$CLUSTER" stop --now --name waits &&
	test "$(stepds "$state")" = 0 &&
	! alive "$srun" &&
	nothing_left "$state" waits
'

test_expect_success 'what a killed cluster left is cleaned up by the next start' '
	cluster_start_named killed 1 &&
	state=$(state_of killed) &&
	kill -KILL $(pids_of killed) &&
	test_must_fail "$CLUSTER" status --name killed &&
	cluster_start_named killed 1 &&
	nothing_left "$state" none &&
	"$CLUSTER" stop --now --name killed
'

test_expect_success 'a start that fails leaves nothing and says why' '
	test_must_fail "$CLUSTER" start 1 --name bad --conf "SelectType=select/nonsense" 2>err &&
	grep "slurmctld did not come up" err &&
	grep nonsense err &&
	test_must_fail "$CLUSTER" status --name bad &&
	! test -e "$HOME/.cache/netemu/bad"
'

test_expect_success 'a start that is interrupted leaves nothing' '
	mkdir bin &&
	printf "#!/bin/sh\nexec sleep 603\n" >bin/slurmd &&
	chmod +x bin/slurmd &&
	{ PATH=$PWD/bin:$PATH "$CLUSTER" start 1 --name slow & } &&
	start=$! &&
	slurmd_waits() { "$CLUSTER" status --name slow 2>/dev/null | grep "^slurmd-node0 *pid"; } &&
	wait_for 30 slurmd_waits &&
	state=$(state_of slow) &&
	pids=$(pids_of slow) &&
	kill -TERM "$start" &&
	test_expect_code 143 wait "$start" &&
	! alive $pids &&
	nothing_left "$state" slow
'

# The remembered state is not believed when somebody else can have made it.
test_expect_success 'a symbolic link as state directory is refused' '
	mkdir -p real/private .cache/netemu && chmod 700 real && ln -s real link &&
	echo "$PWD/link" >.cache/netemu/link &&
	for verb in stop status env start; do
		test_expect_code 1 "$CLUSTER" $verb --name link 2>err &&
		grep "symbolic link: refused" err || return 1
	done &&
	test -d real/private
'

test_expect_success 'a state directory that others can change is refused' '
	mkdir -p open/private && chmod 777 open &&
	echo "$PWD/open" >.cache/netemu/open &&
	test_expect_code 1 "$CLUSTER" stop --name open 2>err &&
	grep "has not mode 7[01][01]: refused" err &&
	test -d open/private
'

test_expect_success ROOT 'a state directory of another user is refused' '
	mkdir -p foreign/private && chmod 711 foreign && chown 65534 foreign &&
	echo "$PWD/foreign" >.cache/netemu/foreign &&
	test_expect_code 1 "$CLUSTER" stop --name foreign 2>err &&
	grep "belongs to another user: refused" err &&
	test -d foreign/private
'

test_expect_success 'a note that is itself a link is refused' '
	ln -s /etc/passwd .cache/netemu/note &&
	test_expect_code 1 "$CLUSTER" stop --name note 2>err &&
	grep "is not a file of this user" err
'

test_expect_success MARIADB 'sacct knows a job when slurmdbd keeps the accounts' '
	cluster_start_named dbd 2 --acct slurmdbd &&
	state=$(state_of dbd) &&
	id=$("$CLUSTER" run --name dbd sbatch --parsable -J counted -o /dev/null --wrap true) &&
	in_sacct() {
		"$CLUSTER" run --name dbd sacct -X -n -P -j "$id" -o jobname,state | grep -x "counted|COMPLETED"
	} &&
	wait_for 60 in_sacct &&
	"$CLUSTER" stop --now --name dbd &&
	nothing_left "$state" dbd
'

test_expect_success NETNS 'with --netns each node has its own address' '
	cluster_start_named net 2 --netns &&
	"$CLUSTER" run --name net srun -N2 ip -o -4 addr show dev eth0 | awk "{ print \$4 }" | sort -u >addr &&
	test "$(wc -l <addr)" = 2 &&
	netns=$(ip netns identify "$("$CLUSTER" status --name net | awk "\$1 == \"slurmd-node0\" { print \$3 }")") &&
	ip netns list | grep -w "$netns" &&
	"$CLUSTER" stop --now --name net &&
	! ip netns list | grep -w "$netns"
'

# The same for an ordinary user.  Run by one, all of the above was that.
user_home=
if test_have_prereq ROOT; then
	user_home=$(mktemp -d /tmp/netemu-user-XXXXXX)
	cp "$CLUSTER" "$user_home/cluster"
	test_have_prereq MPI && cp mpi-hello "$user_home"
	chown -R 65534:65534 "$user_home"
fi
as_user() {
	(cd "$user_home" && as_nobody env HOME="$user_home" "$@")
}

test_expect_success ROOT 'an ordinary user starts a cluster' '
	as_user ./cluster start 4 &&
	as_user ./cluster run srun -N4 id -u | sort -u >uids &&
	echo 65534 >expected &&
	test_cmp expected uids &&
	state=$(as_user ./cluster run sh -c "echo \$NETEMU_CLUSTER_DIR") &&
	test "$(stat -c %a:%u "$state")" = 700:65534
'

test_expect_success ROOT,MPI 'an ordinary user runs MPI programs in it' '
	as_user ./cluster run env OMPI_MCA_mpi_yield_when_idle=0 \
		srun -N4 -n8 --ntasks-per-node=2 --mpi=pmix ./mpi-hello >hello &&
	test "$(grep -c "^rank" hello)" = 8
'

test_expect_success ROOT 'an ordinary user stops it and nothing is left' '
	as_user ./cluster stop &&
	! test -e "$state" && ! mentioned "$state" &&
	rm -r "$user_home"
'

test_done
