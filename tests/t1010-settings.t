#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='what the settings of libnetprof.so do'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
mpi_need

test_expect_success 'MPI_Pcontrol opens phases, which may come again' '
	mpi_run -n 4 -- "$TESTBIN/traffic" phases &&
	expect_total p2p 44 4808 &&
	for rank in 0 1 2 3; do
		echo "7 $rank 2 6 600" && echo "9 $rank 1 3 600"
	done >lines &&
	expect_lines phase "$(cat lines)"
'

test_expect_success 'when they were open is kept, one after the other' '
	cat >spans.py <<-"END" &&
		import glob, json
		files = glob.glob("run/netemu.*/mpi/rank-*.json")
		assert len(files) == 4, files
		for name in files:
		    rank = json.load(open(name))
		    spans = []
		    for phase in rank["phases"]:
		        assert len(phase["spans"]) == phase["opened"], phase
		        assert sum(s["end_ns"] - s["begin_ns"] for s in phase["spans"]) == phase["duration_ns"]
		        spans += [(s["begin_ns"], s["end_ns"], phase["phase"]) for s in phase["spans"]]
		    spans.sort()
		    assert [s[2] for s in spans] == [7, 9, 7], spans
		    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), spans
		    assert 0 <= spans[0][0] and spans[-1][1] <= rank["duration"] * 1e9 + 1, spans
	END
	python3 spans.py
'

test_expect_success 'phases beyond 256 go into one that says so' '
	mpi_run -n 2 -- "$TESTBIN/traffic" manyphases &&
	expect_total p2p 520 4160 &&
	test $(grep -c "^phase [0-9]* 0 1 1 8$" dump) = 256 &&
	grep "^phase other 0 4 4 32$" dump
'

test_expect_success 'sizes beyond the bound go into powers of two' '
	netprof=sizes=100 &&
	mpi_run -n 2 -- "$TESTBIN/traffic" sizes &&
	netprof= &&
	test $(grep -c "^size [0-9]* 1 1$" dump) = 200 &&
	expect_lines "size >=64" "27 27" "27 27" &&
	expect_lines "size >=128" "128 128" "128 128" &&
	expect_lines "size >=1024" "477 477" "477 477"
'

test_expect_success 'windows add up to the totals, also after they were merged' '
	netprof=window=1us,stamps=precise &&
	mpi_run -n 2 -- "$TESTBIN/traffic" slow &&
	netprof= &&
	awk "\$1 == \"op\" { m[\$3] += \$5; b[\$3] += \$6 }
		\$1 == \"rx\" { rm[\$4] += \$5; rb[\$4] += \$6 }
		END { for (r in m) print r, m[r], b[r], rm[r], rb[r] }" dump | sort >expect &&
	awk "\$1 == \"window\" { print \$2, \$5, \$6, \$7, \$8 }" dump | sort >actual &&
	test_cmp expect actual &&
	# A second is a million windows of 1 us: doubled ten times at least.
	awk "\$1 == \"window\" && (\$3 < 1024000 || \$4 > 1024) { exit 1 }" dump
'

# The program exchanges messages for a second by its own clock.
for stamps in coarse precise; do
	test_expect_success "stamps=$stamps: first and last message of each peer" '
		netprof=stamps=$stamps &&
		mpi_run -n 2 -- "$TESTBIN/traffic" slow &&
		netprof= &&
		grep -h "\"stamps\": \"$stamps\"" run/netemu.*/mpi/rank-0.json &&
		awk "\$1 == \"stamps\" {
			n++
			if (\$4 < 0 || \$5 - \$4 < 5e8 || \$5 > \$6 + 2 * \$7)
				exit 1
		} END { exit n != 2 }" dump
	'
done

test_expect_success 'the time of MPI_Init lies within the run' '
	before=$(date +%s%N) &&
	mpi_run -n 2 -- "$TESTBIN/traffic" send &&
	after=$(date +%s%N) &&
	for rank in 0 1; do
		init=$(sed -n "s/.*\"init_realtime_ns\": \([0-9]*\).*/\1/p" run/netemu.*/mpi/rank-$rank.json) &&
		test "$init" -gt "$before" && test "$init" -lt "$after" || return 1
	done
'

test_expect_success 'timing=yes times each send once' '
	netprof=timing=yes &&
	mpi_run -n 4 -- "$TESTBIN/traffic" send isend persistent datatypes &&
	netprof= &&
	for rank in 0 1 2 3; do
		echo "$rank $(((rank + 1) % 4)) 19"
	done >lines &&
	expect_lines timing "$(cat lines)" &&
	expect_symmetric
'

test_expect_success 'an excluded program leaves nothing' '
	mkdir out &&
	NETPROF="exclude=other,traffic,dir=$PWD/out" LD_PRELOAD=$LIBNETPROF \
		mpirun -n 2 "$TESTBIN/traffic" send &&
	test -z "$(ls out)"
'

test_expect_success 'NETPROF=no leaves nothing' '
	NETPROF=no LD_PRELOAD=$LIBNETPROF mpirun -n 2 "$TESTBIN/traffic" send &&
	! ls -d netemu.*
'

test_expect_success 'a wrong setting is one line, and the program runs' '
	NETPROF=widnow=1s LD_PRELOAD=$LIBNETPROF \
		mpirun -n 2 "$TESTBIN/traffic" send 2>err &&
	test $(wc -l <err) = 1 &&
	grep "unknown key .widnow." err
'

test_expect_success 'without dir= the run directory is in the working directory' '
	LD_PRELOAD=$LIBNETPROF mpirun -n 2 "$TESTBIN/traffic" send &&
	LD_PRELOAD=$LIBNETPROF mpirun -n 2 "$TESTBIN/traffic" send send &&
	dump_run netemu.mpirun0 && expect_total p2p 6 600 &&
	dump_run netemu.mpirun1 && expect_total p2p 12 1200 &&
	rm -r netemu.*
'

test_done
