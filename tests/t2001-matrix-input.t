#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='netemu-matrix: everything that can be named as a run, whole and broken'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-matrix.sh"

mkdir -p netemu.17.0/mpi netemu.17.0/log
job=17
ours 0 2 1 10 1 0 0 >netemu.17.0/mpi/rank-0.json
ours 1 2 0 0 0 10 1 >netemu.17.0/mpi/rank-1.json
echo '{"version": 1}' >netemu.17.0/run.json
echo '{"version": 1}' >netemu.17.0/node-0.json
tsv '0 1 10 1' >expected

# is ARG...: gives just the expected matrix.
is() {
	netemu-matrix --format=tsv "$@" >out 2>err && test_cmp expected out && test_must_be_empty err
}

# refused SENTENCE ARG...: exit 1, that sentence, no output.
refused() {
	sentence=$1
	shift
	test_expect_code 1 netemu-matrix "$@" >out 2>err && test_must_be_empty out &&
		grep -F "$sentence" err && test "$(wc -l <err)" -eq 1
}

test_expect_success 'a run directory, its folder and its files' '
	is netemu.17.0 &&
	is netemu.17.0/ &&
	is netemu.17.0/mpi &&
	is netemu.17.0/mpi/rank-0.json netemu.17.0/mpi/rank-1.json
'

test_expect_success 'a job id, with and without step' '
	is 17 && is 17.0
'

test_expect_success 'a job with several runs asks which one' '
	cp -R netemu.17.0 netemu.17.1 && sed -i "s/\"step\": \"0\"/\"step\": \"1\"/" netemu.17.1/mpi/* &&
	test_expect_code 1 netemu-matrix 17 2>err &&
	grep "17.* means 2 runs, name one: netemu.17.0, netemu.17.1$" err &&
	is 17.1
'

test_expect_success 'a job that nobody ran' '
	refused "no run directory netemu.99.0" 99.0
'

test_expect_success 'parts of one run on several nodes' '
	mkdir -p n0/netemu.18.0/mpi n1/netemu.18.0/mpi &&
	cp netemu.17.0/mpi/rank-0.json n0/netemu.18.0/mpi &&
	cp netemu.17.0/mpi/rank-1.json n1/netemu.18.0/mpi &&
	is n0/netemu.18.0 n1/netemu.18.0 &&
	refused "n0/netemu.18.0: 1 of 2 ranks is missing: 1" n0/netemu.18.0
'

test_expect_success 'archives in any compression, of files and of run directories' '
	for c in "" z j J --zstd; do
		case $c in
		--*) tar -c $c -f run.tar netemu.17.0 ;;
		*) tar -c${c}f run.tar netemu.17.0 ;;
		esac && is run.tar || return 1
	done &&
	tar -cf files.tar -C netemu.17.0/mpi rank-0.json rank-1.json && is files.tar
'

test_expect_success 'only the instrument that is asked for' '
	mkdir netemu.17.0/verbs && ours 0 1 0 5 1 5 1 >netemu.17.0/verbs/rank-0.json &&
	is netemu.17.0 &&
	tar -cf both.tar netemu.17.0 && is both.tar &&
	netemu-matrix --from=verbs --format=tsv netemu.17.0 >out &&
	tsv "0 0 5 1" >verbs && test_cmp verbs out &&
	netemu-matrix --from=verbs --format=tsv both.tar >out && test_cmp verbs out &&
	refused "no '\''replay'\'' in it" --from=replay netemu.17.0
'

test_expect_success 'live files that were left over are read, and it is said' '
	mkdir live whole && gen-ranks whole 8 && gen-ranks -L 3 live 8 &&
	netemu-matrix --format=tsv whole >expected-live &&
	netemu-matrix --format=tsv live >out 2>err &&
	test_cmp expected-live out &&
	grep "warning: live: 1 of 8 ranks read from their live counters: left over" err &&
	tar -czf live.tgz live && netemu-matrix --format=tsv live.tgz >out 2>err &&
	test_cmp expected-live out && grep "1 of 8 ranks read from their live counters" err
'

test_expect_success 'a live file beside its finished rank file does not count twice' '
	cp whole/rank-3.json live && netemu-matrix --format=tsv live >out 2>err &&
	test_cmp expected-live out && test_must_be_empty err
'

test_expect_success 'all live files of a rank are added up, from any place' '
	mkdir -p several elsewhere &&
	make-live several/.rank-0.live 0 2 1:p2p:60:1:0:0 && make-live several/.rank-0.1.live 0 2 1:p2p:30:2:0:0 &&
	make-live elsewhere/.rank-0.2.live 0 2 1:p2p:10:1:0:0 && make-live several/.rank-1.live 1 2 0:p2p:0:0:100:4 &&
	netemu-matrix --format=tsv several elsewhere >out 2>err &&
	tsv "0 1 100 4" >all && test_cmp all out && ! grep differ err &&
	netemu-matrix --format=tsv several >out 2>err &&
	tsv "0 1 90 3" >some && test_cmp some out && grep "differ on 1 of 1 pairs, by 10 bytes" err
'

test_expect_success 'a broken live file is said' '
	rm live/rank-3.json && truncate -s 5000 live/.rank-3.live &&
	refused "live/.rank-3.live: byte 4096: an extent" live &&
	truncate -s 100 live/.rank-3.live &&
	refused "live/.rank-3.live: ends at byte 100" live
'

test_expect_success 'missing ranks are listed' '
	mkdir holes && gen-ranks holes 20 && rm holes/rank-0.json holes/rank-[567].json holes/rank-19.json &&
	refused "holes: 5 of 20 ranks are missing: 0, 5-7, 19" holes
'

test_expect_success 'a rank that is there twice' '
	refused "rank 0 is in '\''netemu.17.0/mpi/rank-0.json'\'' and in '\''n0/netemu.18.0/mpi/rank-0.json'\''" \
		netemu.17.0 n0/netemu.18.0
'

test_expect_success 'files of different runs are not one run' '
	mkdir mixed && cp whole/rank-0.json netemu.17.0/mpi/rank-1.json mixed &&
	refused "is of a run of 2 ranks, '\''mixed/rank-0.json'\'' of one of 8" mixed &&
	(job=18 && ours 1 2 0 0 0 10 1 >other.json) &&
	refused "is of job 18.0, '\''netemu.17.0/mpi/rank-0.json'\'' of 17.0" netemu.17.0/mpi/rank-0.json other.json
'

test_expect_success 'JSON that is no rank file is named with its place' '
	mkdir junk && cp netemu.17.0/mpi/* junk && printf "{\n \"a\": 1\n}\n" >junk/package.json &&
	refused "junk/package.json:3: the key '\''rank'\'' is missing" junk &&
	printf "{\"rank\": 0,\n \"n_procs\": x}" >junk/package.json &&
	refused "junk/package.json:2: '\''n_procs'\'': a whole number should be where '\''x'\'' is" junk
'

test_expect_success 'a truncated rank file is never taken, wherever it ends' '
	mkdir cut && cp netemu.17.0/mpi/rank-1.json cut &&
	size=$(wc -c <netemu.17.0/mpi/rank-0.json) && at=0 &&
	while test $at -lt $((size - 2)); do
		head -c $at netemu.17.0/mpi/rank-0.json >cut/rank-0.json &&
		refused "cut/rank-0.json:" cut || return 1
		at=$((at + 17))
	done
'

test_expect_success 'a truncated archive is never taken' '
	tar -czf whole.tgz whole && size=$(wc -c <whole.tgz) &&
	for part in 1 20 50 90 99; do
		head -c $((size * part / 100)) whole.tgz >cut.tgz &&
		refused "cut.tgz" cut.tgz || return 1
	done &&
	tar -cf whole.tar whole && head -c 20480 whole.tar >cut.tar &&
	refused cut.tar cut.tar
'

test_expect_success 'what is no run at all' '
	refused "unable to open '\''nothing'\'': No such file" nothing &&
	refused "unable to open '\''./nothing'\''" ./nothing &&
	mkdir empty && refused "'\''empty'\'': no rank files there" empty &&
	: >zero && refused "'\''zero'\'' is neither a rank file nor a whole tar archive" zero &&
	: >zero.json && refused "zero.json:1: the file ends" zero.json &&
	echo text >text && refused "'\''text'\'' is neither" text &&
	mkfifo fifo && refused fifo fifo
'

test_expect_success 'a directory of no MPI program' '
	mkdir -p netemu.20.0/log && refused "nothing was recorded there" netemu.20.0
'

test_expect_success 'a world that cannot be is refused, not allocated' '
	(n=4294967295 && ours 0 2 1 10 1 0 0 | sed "s/\"n_procs\": 2/\"n_procs\": $n/;
		s/\"tx_bytes\": \[0,10\].*}/\"x\": 0}/" >big.json) &&
	refused "ranks are too many to be true" big.json
'

# 0 sends to 1: p2p 3 of 100 bytes, bcast 8, nonblocking 16.  1 sends to 0 one
# message of 5,000,000,000 bytes, and to itself two of none.
test_expect_success 'the golden files of the first version stay readable' '
	golden=$NETEMU_SRCDIR/tests/golden/rank-v1 &&
	netemu-matrix --strict --format=tsv "$golden" >out &&
	tsv "0 1 324 5" "1 0 5000000000 1" "1 1 0 2" >golden.tsv && test_cmp golden.tsv out &&
	netemu-matrix --format=tsv --op=bcast "$golden" >out &&
	tsv "0 1 8 1" >golden.tsv && test_cmp golden.tsv out &&
	netemu-matrix --format=tsv --phase=5 "$golden" >out && test_cmp golden.tsv out &&
	netemu-matrix --format=tsv --phase=other "$golden" >out && tsv >golden.tsv && test_cmp golden.tsv out &&
	netemu-matrix --format=tsv --window=4 "$golden" >out &&
	tsv "0 1 16 1" "1 0 5000000000 1" >golden.tsv && test_cmp golden.tsv out &&
	netemu-matrix --format=tsv --what=sizes "$golden" >out &&
	printf "from\tto\tmessages\n0\t0\t2\n8\t8\t1\n16\t16\t1\n100\t100\t3\n4294967296\t8589934591\t1\n" >sizes &&
	test_cmp sizes out &&
	netemu-matrix "$golden" >out &&
	grep "2 ranks on 2 nodes, 2.500 s, /home/m.*\"ller/app" out &&
	grep "osc/rdma" out && grep "one-sided put: 2 calls, 2,000 bytes" out &&
	grep "outside MPI_COMM_WORLD: 7 bytes sent to, 9 received" out &&
	grep "posted: 1 messages, 16 bytes" out
'

if nm "$NETEMU_BUILDDIR/netemu-matrix" 2>/dev/null | grep -q __asan; then
	say 'skipping the bound on memory: the address sanitizer needs more'
else
	test_set_prereq NOASAN
fi

test_expect_success NOASAN '10,000 ranks fit into 512 MiB of address space' '
	mkdir many && gen-ranks -n 100 many 10000 &&
	(ulimit -v 524288 && netemu-matrix --format=tsv many >out) &&
	test "$(wc -l <out)" -gt 300000 &&
	rm -r many out
'

test_done
