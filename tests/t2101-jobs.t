#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu jobs lists what run.json says'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"
TZ=UTC
export TZ

# run DIR JOB STEP USER NAME START END
run() {
	mkdir -p "$1"
	cat >"$1/run.json" <<-EOF
	{"version": 1, "cluster": "c", "job": $2, "step": "$3", "array_job": null, "array_task": null,
	 "het_job": null, "user": $4, "name": $5, "partition": "p", "account": null,
	 "command": ["./app", "-n", "4 x"], "nodes": [{"name": "n1", "address": "n1", "cpus": 2},
	 {"name": "n2", "address": "n2", "cpus": 2}], "cpus": 4, "gres": null, "memory": "100M",
	 "submit": $6, "start": $6, "end": $7, "instruments": {"netprof": "yes"}, "ranks": 8}
	EOF
}

run netemu.9.0 9 0 '"ann"' '"lammps"' 1700000000 1700003661
run netemu.10.mpirun0 10 mpirun0 '"bob"' '"hpcc"' 1600000000 null
run netemu.10.mpirun1 10 mpirun1 '"bob"' '"hpcc"' 1600000000 1600000001
mkdir -p netemu.local0/mpi netemu.nothing other

test_expect_success 'a table, the oldest first' '
	netemu jobs >out &&
	cat >expected <<-\EOF &&
	JOB         USER  NAME    RANKS  NODES  START                ELAPSED  PATH
	local0                                                                netemu.local0
	10.mpirun0  bob   hpcc    8      2      2020-09-13T12:26:40           netemu.10.mpirun0
	10.mpirun1  bob   hpcc    8      2      2020-09-13T12:26:40  0:00:01  netemu.10.mpirun1
	9.0         ann   lammps  8      2      2023-11-14T22:13:20  1:01:01  netemu.9.0
	EOF
	test_cmp expected out
'

# paths ARG...: the paths listed.
paths() {
	netemu jobs --format=path "$@" | sed 1d | tr '\n' ' '
}

test_expect_success 'only some' '
	test "$(paths --user=ann)" = "netemu.9.0 " &&
	test "$(paths --user an)" = "" &&
	test "$(paths --name="h*c")" = "netemu.10.mpirun0 netemu.10.mpirun1 " &&
	test "$(paths --since=2023-11-14)" = "netemu.9.0 " &&
	test "$(paths --since=2023-11-14T22:13:20)" = "netemu.9.0 " &&
	test "$(paths --since=2023-11-14T22:13:21)" = "" &&
	test "$(paths --since=2023-11-14T22:14)" = "" &&
	test "$(paths --since=1d)" = "" &&
	test "$(paths --since=36500d | wc -w)" -eq 3
'

test_expect_success 'columns as asked for' '
	netemu jobs --format=nodelist,command,memory,instruments,account --user=ann >out &&
	cat >expected <<-\EOF &&
	NODELIST  COMMAND       MEMORY  INSTRUMENTS  ACCOUNT
	n1,n2     ./app -n 4 x  100M    netprof      
	EOF
	test_cmp expected out
'

test_expect_success 'tab-separated, with plain numbers' '
	netemu jobs --format=tsv --user=ann >out &&
	test "$(head -1 out | tr "\t" "\n" | wc -l)" -eq 20 &&
	test "$(sed -n 2p out | tr "\t" "\n" | wc -l)" -eq 20 &&
	test "$(sed -n 2p out | cut -f15,16,17)" = "$(printf "1700000000\t1700003661\t3661")"
'

if command -v python3 >/dev/null; then
	test_set_prereq PYTHON
fi

test_expect_success PYTHON 'JSON has all of run.json, and the path' '
	netemu jobs --format=json >out &&
	cat >check.py <<-\EOF &&
	import json
	rows = json.load(open("out"))
	assert [r["path"] for r in rows][-1] == "netemu.9.0" and len(rows) == 4
	run = json.load(open("netemu.9.0/run.json"))
	assert {k: v for k, v in rows[-1].items() if k != "path"} == run
	EOF
	python3 check.py
'

test_expect_success 'other directories, and one run by itself' '
	test "$(cd other && paths ../netemu.9.0)" = "../netemu.9.0 " &&
	test "$(cd other && paths .. | wc -w)" -eq 4 &&
	test "$(cd other && paths)" = "" &&
	test "$(cd other && NETPROF=dir=.. paths | wc -w)" -eq 4 &&
	test "$(paths . "$PWD" netemu.9.0 netemu.9.0 | tr " " "\n" | grep -c ^netemu.9.0)" -eq 1
'

test_expect_success 'what cannot be read is said, and the rest is listed' '
	mkdir bad && run bad/netemu.1.0 1 0 null null 5 6 && run bad/netemu.2.0 2 0 null null 5 6 &&
	printf "{\"version\": 1,\n \"job\": 2, " >bad/netemu.2.0/run.json &&
	test_expect_code 1 netemu jobs --format=job bad >out 2>err &&
	grep "bad/netemu.2.0/run.json:2: " err && test "$(wc -l <err)" -eq 1 &&
	test "$(sed -n 2p out)" = "1.0" &&
	echo "[]" >bad/netemu.2.0/run.json &&
	test_expect_code 1 netemu jobs bad 2>err >out && grep "not an object" err &&
	test_expect_code 1 netemu jobs nowhere 2>err && grep "unable to read .nowhere.: No such" err
'

test_expect_success 'a run.json of surprising types does no harm' '
	mkdir odd && run odd/netemu.1.0 1 0 "[1]" "{\"a\": 1}" "\"x\"" "1e300" &&
	netemu jobs --format=tsv odd >out && test "$(wc -l <out)" -eq 2 &&
	run odd/netemu.1.0 1 0 "\"a\\u001b[31m\"" "null" 1 2 &&
	netemu jobs odd >out && grep "a?\[31m" out
'

test_expect_success 'wrong command lines exit with 2' '
	test_expect_code 2 netemu jobs --format=job,jbo 2>err && grep "jbo.* is neither table" err &&
	test_expect_code 2 netemu jobs --since=yesterday 2>err && grep "neither a date" err &&
	test_expect_code 2 netemu jobs --nonsense
'

test_done
