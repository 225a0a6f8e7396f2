#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='whatever is broken, the job runs on, and no node is drained'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

netprof_start 2

# What is broken is put here: no blanks in its name, and not in the user's home.
place=$(mktemp -d /tmp/netemu-t3.XXXXXX) || error "no temporary directory"
chmod 755 "$place"
remove_at_end "$place"
! command -v mpicc >/dev/null || ! mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c" ||
	test_set_prereq MPI
# A build below a closed home directory is out of reach for the job of another.
! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$NETEMU_BUILDDIR/Makefile" 2>/dev/null ||
	test_set_prereq OPEN_BUILD

# broken LINE...: that plugstack.conf from now on.
broken() {
	printf "%s\n" "$@" >"$netprof_conf"
}

# runs_on: a step, a batch script and the srun in it run and do what they should.
runs_on() {
	srun -N2 -l echo task >out 2>err &&
	test "$(sort out | tr "\n" " ")" = "0: task 1: task " &&
	srun --netprof=yes -N1 sh -c "exit 5" 2>>err
	test $? = 5 || return 1
	NETPROF=yes batch -N2 <<-"END" &&
		echo script && srun echo step
	END
	test "$(grep -c -e "^script$" -e "^step$" batch.out)" = 3
}

# said N PATTERN: that many lines of srun's stderr and none else of ours.
said() {
	test "$(grep -c -e "$2" err)" -eq "$1" || {
		cat err
		return 1
	}
}

test_expect_success 'a missing library: one line' '
	broken "optional $netprof_plugin lib=/nonexistent/libnetprof.so libexec=$netprof_libexec" &&
	srun -l --netprof -N2 env >out 2>err && unlabel out &&
	said 1 "netprof: not profiled: unable to open .*/nonexistent/libnetprof.so.*: No such file" &&
	said 1 "netprof" &&
	our_variables <out >actual && test_must_be_empty actual &&
	NETPROF=yes batch <<-"END" && our_variables <script >actual && test_must_be_empty actual
		env | grep -v ^NETPROF= >script
	END
'

test_expect_success 'a library that is no file' '
	cp "$netprof_lib" "$place/libnetprof.so" &&
	mkdir -p "$place/closed" && mkdir "$place/closed/libnetprof.so" &&
	broken "optional $netprof_plugin lib=$place/closed/libnetprof.so libexec=$netprof_libexec" &&
	srun --netprof env >out 2>err && said 1 "netprof: not profiled:" &&
	our_variables <out >actual && test_must_be_empty actual
'

test_expect_success 'a missing helper: one line, and the ranks write their files themselves' '
	broken "optional $netprof_plugin lib=$netprof_lib libexec=/nonexistent" &&
	srun -l --netprof -N2 env >out 2>err && unlabel out &&
	said 1 "netprof: .*unable to start .*/nonexistent/netprof-helper" &&
	test "$(grep -c "^LD_PRELOAD=$netprof_lib" out)" = 2 &&
	! grep NETPROF_HELPER out
'

test_expect_success 'a helper that fails, hangs or talks nonsense' '
	mkdir -p "$place/libexec" &&
	broken "optional $netprof_plugin lib=$netprof_lib libexec=$place/libexec" &&
	for body in "exit 1" "kill -SEGV \$\$" "echo nonsense >&4" "exec 4>&-; sleep 1" \
		"echo ready >&4"; do
		printf "%s\n" "#!/bin/sh" "$body" >"$place/libexec/netprof-helper" &&
		chmod 755 "$place/libexec/netprof-helper" &&
		srun -l --netprof -N2 env >out 2>err && unlabel out &&
		test "$(grep -c "^LD_PRELOAD=$netprof_lib" out)" = 2 || return 1
	done
'

test_expect_success 'a missing plugin, where the line says optional' '
	broken "optional /nonexistent/netprof.so" &&
	srun -N2 echo task >out 2>/dev/null &&
	test_line_count 2 out
'

test_expect_success 'unknown arguments: a word, and the rest counts' '
	netprof_set colour=red auto=yes smaple=3 yes &&
	srun env >out 2>err &&
	said 1 "netprof: plugstack.conf: unknown key .colour." &&
	said 1 "unknown key .smaple. (did you mean .sample.?)" &&
	said 1 "netprof: plugstack.conf: .yes.: not KEY=VALUE" &&
	grep "^NETPROF=yes" out
'

test_expect_success 'all these do not stop a job' '
	for arguments in "auto=yes lib=/nonexistent" "auto=yes libexec=/nonexistent" \
		"auto=maybe" "dir=relative auto=yes" "dir=%x" "keep=forever"; do
		netprof_set "$arguments" && runs_on || {
			echo "with $arguments"
			return 1
		}
	done
'

test_expect_success 'settings in SLURM_NETPROF that srun did not write are replaced' '
	netprof_set &&
	for text in @/etc/hostname "user:@/etc/hostname" "user:yes,lib=/x" nonsense; do
		SLURM_NETPROF=$text srun --export=ALL env >out &&
		our_variables <out >actual && test_must_be_empty actual || return 1
	done
'

test_expect_success 'and those in a batch script are not believed' '
	netprof_set auto=yes &&
	for text in @/etc/shadow "user:@/etc/shadow" "user:yes,lib=/x" nonsense \
		"user:yes,dir=relative" "$(head -c 90000 /dev/zero | tr "\0" x)"; do
		broken "optional /nonexistent/netprof.so" &&
		printf "%s\n" "#!/bin/sh" "env" >job.sh &&
		SLURM_NETPROF=$text sbatch --parsable --hold -o hostile.out job.sh >id 2>/dev/null &&
		netprof_set auto=yes &&
		scontrol release "$(cat id)" && wait_job_end "$(cat id)" &&
		grep -e "^SLURM_JOB_ID=" hostile.out >/dev/null &&
		test "$(grep -c "error: netprof:" hostile.out)" = 1 &&
		! grep -e "root:" -e ^NETPROF_LIB hostile.out || return 1
	done
'

test_expect_success MPI,PROFILER 'a directory that cannot be written' '
	netprof_set &&
	: >file &&
	srun --mpi=pmix -N2 --netprof=dir=file/sub ./mpi-hello >out 2>err &&
	test "$(grep -c "^rank" out)" = 2 &&
	srun --mpi=pmix -N2 --netprof=dir=/proc ./mpi-hello >out 2>err &&
	test "$(grep -c "^rank" out)" = 2
'

test_expect_success 'a very long directory' '
	long=$(head -c 3000 /dev/zero | tr "\0" x) &&
	NETPROF="dir=/tmp/$long" srun echo task >out 2>err && grep task out &&
	test_must_fail srun --netprof="dir=/tmp/$long" true 2>err &&
	said 1 "netprof: --netprof=: longer than"
'

# A comma and a key in the name of the directory: no list can say that.
test_expect_success 'a submit directory that no list of settings can name' '
	mkdir -p "a,dir=b" && (cd "a,dir=b" && srun --netprof env >../out 2>../err) &&
	said 1 "netprof: not profiled:" &&
	our_variables <out >actual && test_must_be_empty actual
'

# Only root has jobs of somebody else to start.
test_expect_success ROOT,OPEN_BUILD 'a job of another user: his helper, his files, nothing of root' '
	netprof_set dir=/tmp auto=no &&
	cat >"$place/job.sh" <<-"END" &&
		#!/bin/sh
		for pid in $(pgrep -x netprof-helper); do
			tr "\0" "\n" <"/proc/$pid/environ" 2>/dev/null | grep -qFx "SLURM_CONF=$SLURM_CONF" &&
				grep ^Uid: "/proc/$pid/status"
		done
		grep ^Uid: /proc/self/status
		test -w "$NETPROF_HELPER" && echo writable
	END
	chmod 755 "$place/job.sh" &&
	srun --uid=65534 --gid=65534 --netprof --chdir=/ "$place/job.sh" >out 2>err &&
	printf "Uid:\t65534\t65534\t65534\t65534\n%.0s" 1 2 >expected &&
	echo writable >>expected &&
	test_cmp expected out
'

test_expect_success ROOT 'a link in the way is not followed as root' '
	mkdir "$place/target" && chmod 755 "$place/target" &&
	mkdir "$place/shared" && chmod 1777 "$place/shared" &&
	netprof_set "dir=$place/shared keep=1d" &&
	ln -s "$place/target" "$place/shared/netemu.1.0" &&
	srun --uid=65534 --gid=65534 --netprof --chdir=/ true 2>err &&
	test -z "$(ls -A "$place/target")"
'

test_expect_success 'no helper is left' 'wait_for 30 no_helpers'

test_expect_success 'no node was drained' no_node_drained

test_done
