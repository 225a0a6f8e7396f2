# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-helper.sh - for tests that drive netprof-helper without Slurm

HELPER=$NETEMU_BUILDDIR/netprof-helper
PATH=$PATH:$NETEMU_BUILDDIR/tests
export HELPER PATH

test -x "$HELPER" || {
	skip_all='built without Slurm'
	test_done
}

# The trash directory has a blank in its name, which is one quote too many here.
HELPER_WORK=$(mktemp -d "${TMPDIR:-/tmp}/netemu-helper.XXXXXX") && cd "$HELPER_WORK" ||
	error "no directory to work in"
remove_work() {
	rm -rf "$HELPER_WORK"
}
cleanup remove_work

# run_dir NAME: make an empty run directory here and print its path.
run_dir() {
	mkdir -p "$1/mpi" "$1/log" && printf '%s/%s\n' "$PWD" "$1"
}

# step COMMAND: run COMMAND as the tasks of step 5.0 on node0; see fake-step.c.
# $KEYS has further lines for the life pipe.
step() {
	KEYS="$KEYS" fake-step "${CHECKER:+$CHECKER }$HELPER" '
		printf "job 5\nstep 0\nnode node0\nindex 0\nsettings yes\n%s" "$KEYS" >&7
		'"$1" >step.out 2>step.err || { cat step.out step.err; return 1; }
	cat step.out step.err >&2
	test "$(sed -n "s/^exit \([0-9]*\) .*/\1/p" step.out)" = 0 && ! grep command step.out
}

# node_value FILE RANK KEY: what node-<k>.json says.
node_value() {
	awk -v rank="$2" -v key="\"$3\":" '
		$1 == "\"rank\":" { current = $2 + 0 }
		$1 == key && current == rank { sub(/,$/, "", $2); print $2 }' "$1"
}

# value FILE KEY: of a file with one key a line.
value() {
	sed -n 's/^ *"'"$2"'": \(.*[^,]\),*$/\1/p' "$1" | head -n 1
}

# nothing_temporary DIR: no live or temporary file is left below it.
nothing_temporary() {
	test -z "$(find "$1" -name '.*' ! -name .world ! -path "$1" -print)"
}
