#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='contrib/quickstart, from the sources to a picture'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"

skip_unless slurmctld slurmd munged srun lmp gnuplot mpicc
if ! "$NETEMU_SRCDIR/contrib/install-packages" --dry-run 2>packages; then
	skip_all="$(tail -n 1 packages)"
	test_done
fi
if test -e "$NETEMU_SRCDIR/config.status"; then
	skip_all='the source tree is configured itself'
	test_done
fi

# The trash directory has a blank in its name, which configure refuses.
dir=$(mktemp -d "${TMPDIR:-/tmp}/netemu-quick-XXXXXX")
quickstart() {
	# Not optimized: that is half of the time it takes to build.
	give_way env CFLAGS=-O0 CONFIG_SHELL=/bin/sh "$NETEMU_SRCDIR/contrib/quickstart" --dir "$dir" "$@"
}
# One that was killed is stopped too.
trap 'status=$?; quickstart --stop 2>/dev/null; cd /; rm -rf "$dir"; (exit $status); die' EXIT

test_expect_success 'it builds, runs LAMMPS on 16 ranks and shows the matrix' '
	quickstart -j2 >out 2>&1 </dev/null || { cat out; false; }
'

run=$(sed -n 's/^The run  *//p' out)

test_expect_success 'all 16 ranks on all 4 nodes have been counted' '
	test "$(ls "$run"/mpi/rank-*.json | wc -l)" = 16 &&
	test "$(ls "$run"/node-*.json | wc -l)" = 4 &&
	grep "16 ranks on 4 nodes" out
'

test_expect_success 'what it names is there' '
	grep "^<svg" "$run/matrix.svg" &&
	grep "^<svg" "$run/matrix-sizes.svg" &&
	grep -F "quickstart --stop" out &&
	test -x "$dir/install/bin/netemu"
'

test_expect_success 'the installed plugstack.conf names the installed plugins' '
	sed -n "s/^optional //p" "$dir/install/share/netemu/plugstack.conf" >plugins &&
	printf "$dir/install/lib/netemu/spank/%s.so\n" netprof nettrace netemu >expected &&
	test_cmp expected plugins &&
	while read -r plugin; do
		test -f "$plugin" || return 1
	done <plugins
'

test_expect_success 'the commands it proposes work' '
	sed -n "/^Try next/,/^\$/{s/^  //p}" out | grep -v "your-mpi-program" >next &&
	test "$(wc -l <next)" -ge 4 &&
	(cd "$dir/runs" && sh -e "$OLDPWD/next") >next.out </dev/null &&
	grep lammps next.out
'

test_expect_success 'a second run goes on from there' '
	quickstart -j2 >out2 2>&1 </dev/null &&
	grep "is running" out2 &&
	test "$(sed -n "s/^The run  *//p" out2)" != "$run"
'

test_expect_success '--stop ends the cluster and keeps the runs' '
	quickstart --stop &&
	test_expect_code 3 "$CLUSTER" status --name quickstart &&
	test -d "$run"
'

test_done
