#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: the clocks of nodes, side by side, in run.json'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

skip_unless python3
library=$NETEMU_BUILDDIR/.libs plugins=$NETEMU_BUILDDIR/spank/.libs
test -r "$plugins/netemu.so" && test -r "$library/libnetemu.so" || {
	skip_all="the SPANK plugins or the device are not built"
	test_done
}
shm=$(mktemp -d "${TMPDIR:-/tmp}/nt.XXXXXX") && chmod 1777 "$shm" || exit 1
remove_at_end "$shm"
cluster_plugstack \
	"optional $plugins/netemu.so lib=$library/libnetemu.so bin=$NETEMU_BUILDDIR shm=$shm" \
	"optional $plugins/netprof.so lib=$library/libnetprof.so libexec=$NETEMU_BUILDDIR"
cluster_start 3 --plugstack plugstack.conf

# Each task waits until all have come: then the helper of each node is there.
cat >together.sh <<\END
#!/bin/sh
touch here.$1.$SLURM_PROCID
until test "$(ls here.$1.* | wc -l)" = "$SLURM_NTASKS"; do
	sleep 0.05
done
END
chmod +x together.sh

# run FILE EXPRESSION: of its content R, and the list of its clocks C.
cat >run.py <<\END
import json, sys
r = json.load(open(sys.argv[1]))
c = r.get("clock")
value = eval(sys.argv[2])
if isinstance(value, bool):
    sys.exit(not value)
print(value)
END

# The helper of the last node to end may still write.
clock_is_there() {
	python3 run.py "$1/run.json" "c is not None" 2>/dev/null
}

test_expect_success 'each node of the step has an offset to the first' '
	srun -N3 -n3 --netemu ./together.sh one && run=$(ls -d netemu.*.0) &&
	wait_for 20 clock_is_there "$run" &&
	python3 run.py "$run/run.json" "[n[\"node\"] for n in c] == [\"node0\", \"node1\", \"node2\"]"
'

# They are one machine: no measurement may claim otherwise.
test_expect_success 'that is 0, as far as is said to be known' '
	python3 run.py "$run/run.json" "all(abs(n[\"offset\"]) <= n[\"uncertainty\"] for n in c)" &&
	python3 run.py "$run/run.json" "c[0][\"offset\"] == c[0][\"uncertainty\"] == 0" &&
	python3 run.py "$run/run.json" "all(0 < n[\"uncertainty\"] < 10**9 for n in c[1:])"
'

test_expect_success 'the run is one of the job' '
	python3 run.py "$run/run.json" "r[\"version\"] == 1 and r[\"step\"] == \"0\"" &&
	test "$run" = "netemu.$(python3 run.py "$run/run.json" "r[\"job\"]").0"
'

test_expect_success 'offsets are to the first node of the step' '
	cat >job.sh <<-\END &&
	#!/bin/sh
	srun -w node1,node2 -N2 -n2 --netemu ./together.sh two
	END
	chmod +x job.sh && salloc -N3 ./job.sh 2>err && job=$(sed -n "s/.*Granted job allocation //p" err) &&
	wait_for 20 clock_is_there "netemu.$job.0" &&
	python3 run.py "netemu.$job.0/run.json" "[n[\"node\"] for n in c] == [\"node1\", \"node2\"]"
'

# at RUN: the second of the measurement that is there.
at() {
	python3 run.py "$1/run.json" "c[0][\"at\"]"
}

# The first task ends when the clocks have been measured once and a second has passed
# since; the others with it.
test_expect_success 'they are measured once more when the step has ended' '
	rm -rf netemu.* && cat >late.sh <<-\END &&
	#!/bin/sh
	if test "$SLURM_PROCID" = 0; then
		until first=$(sed -n "s/.*\"at\": \([0-9]*\).*/\1/p" netemu.*/run.json 2>/dev/null | head -n 1) &&
			test -n "$first" && test "$(date +%s)" -gt "$first"; do
			sleep 0.1
		done
		date +%s >ended
	fi
	./together.sh late
	END
	chmod +x late.sh && srun -N3 -n3 --netemu ./late.sh && run=$(ls -d netemu.*.0) &&
	wait_for 20 eval "test \"\$(at \"$run\")\" -ge \"\$(cat ended)\"" &&
	python3 run.py "$run/run.json" "all(abs(n[\"offset\"]) <= n[\"uncertainty\"] for n in c)"
'

test_expect_success 'one node has nothing to compare' '
	srun -N1 --netemu sh -c "echo \$SLURM_JOB_ID" >job &&
	wait_for 20 test -e "netemu.$(cat job).0/device/links.tsv" &&
	! test -e "netemu.$(cat job).0/run.json"
'

# It is in srun itself that servers say who is missing.
test_expect_success 'the plugin lacks nothing that srun and libc do not have' '
	for plugin in netemu netprof; do
		nm -D --undefined-only "$plugins/$plugin.so" | grep -v -e @ -e " w " || :
	done >undefined && awk "{ print \$NF }" undefined | grep -v -e ^slurm_ -e ^spank_ >left
	test_must_be_empty left
'

test_expect_success 'the server of it is not for the tasks' '
	srun -N2 --netemu env >out && ! grep SLURM_NETEMU_CLOCK out && grep SLURM_NETEMU_RDV out
'

if command -v mpicc >/dev/null && test -r "$library/libnetprof.so" &&
	mpicc -o mpi-hello "$NETEMU_SRCDIR/tests/mpi-hello.c"; then
	test_set_prereq MPI
fi

both_are_there() {
	python3 run.py "$1/run.json" "bool(c and r.get(\"ranks\"))" 2>/dev/null
}

test_expect_success MPI 'what another instrument says of the run stays, and this too' '
	cat >both.sh <<-\END &&
	#!/bin/sh
	./mpi-hello >/dev/null && ./together.sh three
	END
	chmod +x both.sh && srun --mpi=pmix -N3 -n3 --netemu --netprof ./both.sh && run=$(ls -td netemu.*.0 | head -n 1) &&
	wait_for 20 both_are_there "$run" &&
	python3 run.py "$run/run.json" "r[\"ranks\"] == len(c) == 3 and r[\"uid\"] is not None"
'

test_done
