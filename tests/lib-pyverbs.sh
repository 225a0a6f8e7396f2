# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-pyverbs.sh - the tests that rdma-core ships
#
#	pyverbs_need
#	device_set link_layer=ib && suite ib
#
# After lib-device.sh or lib-device-slurm.sh.

rdma_tests=${RDMA_CORE_TESTS:-/usr/share/doc/rdma-core/tests}
passes=110 # at least

# pyverbs_need: skip the whole script unless the tests are there; `suite` is a copy
# of them.
pyverbs_need() {
	for python in python3 /usr/bin/python3; do
		$python -c 'import pyverbs.device' 2>/dev/null && break
		python=
	done
	test -n "$python" || skip_all="python3-pyverbs is not installed"
	test -e "$rdma_tests/run_tests.py" || skip_all="no tests of rdma-core in $rdma_tests"
	test -z "$skip_all" || test_done
	cp -R "$rdma_tests" suite && find suite -name '*.gz' -exec gunzip {} + ||
		error "no copy of the tests"
}

# reasons LINK_LAYER: the table of what may be skipped, without what does not hold
# here.
reasons() {
	holds="$1 root"
	test "$(id -u)" = 0 || holds="$1 user"
	grep -q "^HugePages_Total: *0$" /proc/meminfo && holds="$holds nohuge"
	holds=$(echo "$holds" | tr " " "|")
	sed -E -e '/^(#|$)/d' -e "s/^\[($holds)\] //" "$NETEMU_SRCDIR/tests/device/pyverbs-skips.txt" |
		grep -v '^\['
}

# skips LOG: "TEST: REASON" of each test that was skipped.  One with a description
# has that on a second line, which ends in the result.
skips() {
	awk '
		match($0, /\(tests\.[^)]*\)/) { test = substr($0, RSTART + 7, RLENGTH - 8) }
		match($0, / \.\.\. skipped ./) {
			print test ": " substr($0, RSTART + RLENGTH, length($0) - RSTART - RLENGTH)
		}
	' "$1"
}

# suite LINK_LAYER: its tests one by one in log, those skipped for no known reason
# in unknown.
suite() {
	reasons "$1" >known
	device "$python" -B suite/run_tests.py --dev netemu0 --gid 0 -v >log 2>&1
	rc=$?
	test $rc = 0 || { grep -E "^(ERROR|FAIL):" log >bad; say_why "exit code $rc" bad log; return 1; }
	skips log >skipped
	sed "s/[^:]*: //" skipped | sort | uniq -c | sort -rn
	ran=$(sed -n "s/^Ran \([0-9]*\) tests.*/\1/p" log)
	grep -x "OK (skipped=$(wc -l <skipped))" log || { say_why "skips" skipped log; return 1; }
	passed=$((ran - $(wc -l <skipped)))
	echo "$passed passed"
	grep -vxEf known skipped >unknown
	test ! -s unknown && test $passed -ge $passes && return
	say_why "$passed passed; skipped for no known reason:" unknown
	return 1
}
