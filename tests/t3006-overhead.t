#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what the plugin costs: no thread in slurmstepd; time and memory are printed'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"

netprof_start 4

# look OPTION...: threads and memory (PSS, kB) of the slurmstepd of a task's step,
# as the task sees it.
cat >look.sh <<'END'
#!/bin/sh
test "$(ps -o comm= -p "$PPID")" = slurmstepd || exit 1
awk '$1 == "Threads:" { print "threads", $2 }' "/proc/$PPID/status"
awk '$1 == "Private_Dirty:" { print "kB", $2 }' "/proc/$PPID/smaps_rollup" 2>/dev/null
true
END
chmod +x look.sh

look() {
	srun -N4 "$@" ./look.sh | sort
}

threads() {
	awk '$1 == "threads" { print $2 }' "$1"
}

mean_kb() {
	awk '$1 == "kB" { sum += $2; n++ } END { if (n) printf "%.0f", sum / n }' "$1"
}

# Several times, the fastest counts.
time_of() {
	best=999999
	for i in 1 2 3 4 5; do
		start=$(date +%s%N)
		srun -N4 "$@" true 2>/dev/null || return 1
		spent=$((($(date +%s%N) - start) / 1000000))
		test $spent -ge $best || best=$spent
	done
	echo "$best"
}

test_expect_success 'slurmstepd has as many threads with --netprof as without' '
	look --netprof=no >without &&
	look --netprof >with &&
	threads without >expected &&
	test_line_count 4 expected &&
	threads with >actual &&
	test_cmp expected actual
'

test_expect_success 'and without the plugin' '
	cp "$netprof_conf" conf && : >"$netprof_conf" &&
	look >none && cp conf "$netprof_conf" &&
	threads none >expected &&
	test_cmp expected actual
'

test_expect_success 'time and memory' '
	without=$(time_of --netprof=no) && with=$(time_of --netprof) &&
	: >"$netprof_conf" && none=$(time_of) && cp conf "$netprof_conf" &&
	echo "srun -N4 true: $none ms without the plugin, $without ms with --netprof=no," \
		"$with ms with --netprof" >numbers &&
	echo "own memory of slurmstepd: $(mean_kb none) kB without the plugin," \
		"$(mean_kb without) kB with --netprof=no, $(mean_kb with) kB with --netprof" >>numbers
'
sed 's/^/# /' numbers

test_done
