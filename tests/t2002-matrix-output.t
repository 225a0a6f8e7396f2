#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu-matrix: formats, pictures, the terminal, the command line'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

mkdir run && gen-ranks -n 4 -p -w 1000000 run 64
netemu-matrix --format=tsv run >run.tsv

test_expect_success 'the same input gives the same bytes' '
	for format in text tsv json pfsim; do
		netemu-matrix --format=$format run >one && netemu-matrix --format=$format run >two &&
		cmp one two || return 1
	done
'

if command -v python3 >/dev/null; then
	test_set_prereq PYTHON
fi

test_expect_success PYTHON 'JSON is JSON, and says what the table says' '
	netemu-matrix --format=json run >out.json &&
	cat >check.py <<-\EOF &&
	import json
	run = json.load(open("out.json"))
	rows = [line.split() for line in open("run.tsv")][1:]
	m = run["matrix"]
	assert [list(map(str, r)) for r in zip(m["from"], m["to"], m["bytes"], m["messages"])] == rows
	assert run["summary"]["bytes"] == sum(m["bytes"]) == sum(o["bytes"] for o in run["ops"].values())
	assert sum(run["windows"]["messages"]) == run["summary"]["messages"]
	assert run["nodes"] == ["n00", "n01", "n02", "n03"] and run["node_of_rank"][16] == 1
	assert sum(s["messages"] for s in run["sizes"]) == run["summary"]["messages"]
	within = sum(b for f, t, b in zip(m["from"], m["to"], m["bytes"]) if f // 16 == t // 16)
	assert run["summary"]["within_node_bytes"] == within
	assert [p["phase"] for p in run["phases"]] == [1, 2]
	EOF
	python3 check.py
'

test_expect_success 'an archive for PFSim gives the same matrix again' '
	for suffix in tar tar.gz tgz tar.bz2 tar.xz tar.zst; do
		netemu-matrix --format=pfsim -o out.$suffix run &&
		netemu-matrix --format=tsv out.$suffix >out 2>err &&
		test_cmp run.tsv out && test_must_be_empty err || return 1
	done &&
	gzip -t out.tgz && xz -t out.tar.xz &&
	netemu-matrix --by=node --format=tsv out.tgz >out && netemu-matrix --by=node --format=tsv run >expected &&
	test_cmp expected out
'

test_expect_success PYTHON 'PFSim, which reads three keys of each member, sees the same' '
	cat >pfsim.py <<-\EOF &&
	import json, tarfile
	rows = []
	tar = tarfile.open("out.tar.gz", "r:*")
	names = tar.getnames()
	assert names == sorted(names), "ties are broken by the order of members"
	for name in names:
	    rank = json.load(tar.extractfile(name))
	    for to, messages in enumerate(rank["tx_messages"]):
	        if messages > 0:
	            rows.append((rank["rank"], to, rank["tx_bytes"][to], messages))
	expected = [tuple(map(int, line.split())) for line in list(open("run.tsv"))[1:]]
	assert sorted(rows) == expected
	EOF
	python3 pfsim.py
'

test_expect_success 'an archive of a selection holds the selection' '
	netemu-matrix --format=pfsim --op=allreduce -o part.tar run &&
	netemu-matrix --format=tsv part.tar >out && test "$(sums out)" = "30720 3840 384"
'

test_expect_success 'an unknown suffix or an unwritable place leaves nothing' '
	test_expect_code 1 netemu-matrix --format=pfsim -o out.rar run 2>err &&
	grep "suffix is none of" err && ! test -e out.rar &&
	test_expect_code 1 netemu-matrix -o nowhere/out run 2>err &&
	grep "unable to write .nowhere/out.: No such file" err
'

if test -w /dev/full; then
	test_set_prereq FULL
fi

test_expect_success FULL 'a full disk is an error' '
	test_expect_code 1 netemu-matrix --format=json run >/dev/full 2>err &&
	grep "unable to write .standard output.: No space left" err &&
	test_expect_code 1 netemu-matrix -o /dev/full run 2>err && grep "No space left" err &&
	test -c /dev/full
'

test_expect_success 'the heat map keeps to the width, in ASCII outside UTF-8, without colours in a file' '
	netemu-matrix run >out && ! grep -q "$(printf "\033")" out &&
	! LC_ALL=C grep -q "[^ -~]" out &&
	for columns in 40 80 132; do
		COLUMNS=$columns netemu-matrix run | grep "|$" >map &&
		awk -v most=$columns "length > most { exit 1 }" map || return 1
	done &&
	test "$(COLUMNS=40 netemu-matrix run | grep -c "|$")" -le 17 &&
	mkdir -p many && gen-ranks many 1000 && netemu-matrix many | grep "|$" | awk "length > 80 { exit 1 }"
'

test_expect_success 'a known matrix has a known map' '
	mkdir known && pfprof 0 3 "1, 0, 100" "1, 0, 1" "1, 0, 0" "1, 0, 0" >known/0.json &&
	pfprof 1 3 "0, 0, 0" "0, 0, 4" "0, 0, 0" "0, 0, 0" >known/1.json &&
	pfprof 2 3 "0, 0, 0" "0, 0, 0" "100, 0, 0" "1, 4, 0" >known/2.json &&
	netemu-matrix known | grep "|$" >out &&
	cat >expected <<-\EOF &&
	0 |::  @@|
	1 |    ..|
	2 |      |
	EOF
	test_cmp expected out &&
	netemu-matrix known --what=messages | grep "|$" >out &&
	cat >expected <<-\EOF &&
	0 |::  ::|
	1 |    @@|
	2 |      |
	EOF
	test_cmp expected out
'

if locale -a 2>/dev/null | grep -qi "^c.utf-\?8$" && command -v script >/dev/null; then
	test_set_prereq TERMINAL
fi

test_expect_success TERMINAL 'blocks in UTF-8, colours on a terminal alone' '
	LC_ALL=C.UTF-8 netemu-matrix run >out && grep -q "█" out &&
	TERM=xterm script -qec "netemu-matrix run" typescript </dev/null >out &&
	grep -q "$(printf "\033\[48;5;")" out &&
	TERM=xterm NO_COLOR=1 script -qec "netemu-matrix run" typescript </dev/null >out &&
	! grep -q "$(printf "\033")" out
'

test_expect_success 'names from files cannot send escapes to the terminal' '
	mkdir evil && ours 0 1 0 1 1 1 1 "\"program\": \"a\\u001b[31mb\"" >evil/rank-0.json &&
	netemu-matrix evil >out && grep "a?\[31mb" out &&
	cp evil/rank-0.json "$(printf "x\033[31m.json")" && rm evil/rank-0.json &&
	sed -i "s/\"node\": \"n0\"/\"node\": \"n\\\\u001b[31m\\\\u009b32m\"/" x*.json &&
	printf "{" >"$(printf "y\033[31m.json")" &&
	{ netemu-matrix --by=node x*.json; netemu-matrix --by=node --diff x*.json x*.json
	netemu-matrix --by=node --format=tsv x*.json; netemu-matrix y*.json; } >out 2>&1
	! LC_ALL=C grep "$(printf "\033")" out && grep "n?\[31m?32m" out
'

test_expect_success 'sizes as a histogram and as a table' '
	netemu-matrix --what=sizes run >out && grep -E "^ +8-15 +" out &&
	netemu-matrix --what=sizes --format=tsv run >out &&
	test "$(awk "NR > 1 { sum += \$3 } END { print sum }" out)" = "$(sums run.tsv | cut -d" " -f2)"
'

if command -v gnuplot >/dev/null; then
	test_set_prereq GNUPLOT
fi

test_expect_success GNUPLOT 'pictures are drawn, with their scripts beside them' '
	for suffix in svg png pdf; do
		mkdir $suffix && netemu-matrix --plot=$suffix/a.$suffix run >out 2>err &&
		test_must_be_empty err && test -s out &&
		test -s $suffix/a.$suffix && test -s $suffix/a-sizes.$suffix &&
		test -s $suffix/a.gnuplot && test -s $suffix/a-sizes.gnuplot || return 1
	done &&
	grep -q "<svg" svg/a.svg && test "$(head -c 4 pdf/a.pdf)" = "%PDF" &&
	head -c 4 png/a.png | grep -q PNG
'

test_expect_success GNUPLOT 'the script draws the picture again' '
	rm svg/a.svg && (cd svg && gnuplot a.gnuplot) && test -s svg/a.svg
'

test_expect_success GNUPLOT 'strange names, one pair only, nothing at all' '
	mkdir "it'\''s \$x" && netemu-matrix --plot="it'\''s \$x/b'\''c.svg" run >out 2>err &&
	test_must_be_empty err && test -s "it'\''s \$x/b'\''c.svg" &&
	mkdir lone && ours 0 1 0 5 1 5 1 >lone/rank-0.json &&
	netemu-matrix --plot=lone/a.svg lone >out 2>err && test -s lone/a.svg &&
	grep "no sizes were recorded" err && ! test -e lone/a-sizes.svg &&
	mkdir none && ours 0 1 "" "" "" "" "" >none/rank-0.json &&
	netemu-matrix --plot=none.svg none >out 2>err && test -s none.svg
'

test_expect_success 'without gnuplot it is said, and the script is kept' '
	mkdir bin && ln -s "$(command -v netemu-matrix)" bin/netemu-matrix &&
	test_expect_code 1 env PATH="$PWD/bin" bin/netemu-matrix --plot=lone.svg run >out 2>err &&
	grep "gnuplot is not installed (Debian package .gnuplot-nox.)" err &&
	test -s lone.gnuplot && ! test -e lone.svg
'

# wrong SENTENCE ARG...: exit 2.
wrong() {
	sentence=$1
	shift
	test_expect_code 2 netemu-matrix "$@" >out 2>err && test_must_be_empty out &&
		grep -F -e "$sentence" err
}

test_expect_success 'wrong command lines exit with 2 and one sentence' '
	wrong "name a run" &&
	wrong "unrecognized option" --nonsense run &&
	wrong "--what: '\''byte'\'' is not bytes, messages or sizes" --what=byte run &&
	wrong "--by: '\''host'\'' is not rank or node" --by=host run &&
	wrong "--op: '\''putt'\'' is not p2p" --op=putt run &&
	wrong "--phase: '\''x'\'' is not a whole number" --phase=x run &&
	wrong "--phase: '\'''\'' is not a whole number" --phase= run &&
	wrong "--window: '\''-1'\'' is not a whole number" --window=-1 run &&
	wrong "--format: '\''yaml'\''" --format=yaml run &&
	wrong "--from: '\''tcp'\'' is not mpi, verbs or replay" --from=tcp run &&
	wrong "none of .svg .png .pdf" --plot=a.jpg run &&
	wrong "none of .svg .png .pdf" --plot=.svg run &&
	wrong "--diff takes two runs, not 1" --diff run &&
	wrong "--fail goes with --diff only" --fail=5% run &&
	wrong "is not a percentage" --diff --fail=5x run run &&
	wrong "is not a percentage" --diff --fail=-5 run run &&
	wrong "compares matrices" --diff --format=pfsim run run &&
	wrong "windows are not counted by operation" --op=p2p --window=0 run &&
	wrong "sizes are counted for the whole run only" --what=sizes --op=p2p run &&
	wrong "is by rank" --format=pfsim --by=node run
'

test_expect_success '--version and --help' '
	netemu-matrix --version | grep "^netemu-matrix [0-9]" &&
	netemu-matrix --help | grep -e "--plot=FILE"
'

test_done
