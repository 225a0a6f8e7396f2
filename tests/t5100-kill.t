#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='what ranks counted survives their death, under srun and under mpirun'

# Small file systems are mounted where only this test and its cluster see them.
if test "$(id -u)" = 0 && test -z "$NETEMU_OWN_MOUNTS" && unshare --mount true 2>/dev/null; then
	NETEMU_OWN_MOUNTS=1 exec unshare --mount /bin/sh "$0" "$@"
fi

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-cluster.sh"
. "$NETEMU_SRCDIR/tests/lib-netprof.sh"
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"

mpi_need

# Programs with blanks in their paths are not what this is about.
work=$(mktemp -d "${TMPDIR:-/tmp}/netemu-kill.XXXXXX") || error "no directory to work in"
small="small-start-srun small-start-mpirun small-finish-srun small-finish-mpirun"
small="$small small-kill-srun small-kill-mpirun apart"
remove_work() {
	for directory in $small; do
		! mountpoint -q "$work/$directory" || umount "$work/$directory"
	done
	rm -rf "$work"
}
cleanup remove_work

# Before slurmd starts, which may have mounts of its own from then on.
mount_small() {
	for directory in $small; do
		mkdir "$work/$directory" || return 1
		test "$directory" = apart ||
			mount -t tmpfs -o "size=256k,mode=755" none "$work/$directory" || return 1
	done
}
test -z "$NETEMU_OWN_MOUNTS" || ! mount_small || test_set_prereq MOUNT

# shellcheck disable=SC2119
cluster_plugstack "$(netprof_line)"
cluster_start 2 --cpus 32 --plugstack plugstack.conf
eval "$cluster_env" # lib-mpi.sh has cleaned the environment
cd "$work" || error "no directory to work in"
DYING=$NETEMU_BUILDDIR/tests/dying

poll() {
	tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		test $tries -gt 0 || return 1
		sleep 0.05
	done
}

job_is_over() {
	test -z "$(squeue -h -n "$1")"
}

# own_directory NAME: an empty one, with an empty TMPDIR for the job in it.
own_directory() {
	rm -rf "$1" && mkdir -p "$1/tmp" && cd "$1" && TMPDIR=$PWD/tmp && export TMPDIR
}

# launch WAY NAME OPTION ARGUMENT...: run dying on 4 ranks and 2 nodes as the
# job NAME until it is over; what Slurm and the launcher make of it is `result`.
launch() {
	way=$1 name=$2 option=$3
	shift 3
	if test "$way" = srun; then
		srun -K -J "$name" -N2 -n4 --mpi=pmix ${option:+"$option"} "$DYING" "$@" >out 2>err
		echo "status $?" >result
		return 0
	fi
	cat >job.sh <<-EOT
	#!/bin/sh
	mpirun -n 4 "$DYING" $*
	status=\$?
	echo "status \$status" >result
	exit \$status
	EOT
	: >result
	sbatch --parsable -J "$name" -N2 -n4 -o out ${option:+"$option"} job.sh >id &&
		poll 90 job_is_over "$name" &&
		scontrol show job -o "$(cat id)" |
		tr ' ' '\n' | grep -E '^(JobState|ExitCode)=' >>result
}

# pair WAY NAME ARGUMENT...: the same without and with --netprof, in NAME/plain
# and NAME/netprof.
pair() {
	pair_way=$1 pair_name=$2
	shift 2
	(own_directory "$pair_name/plain" && launch "$pair_way" "$pair_name-plain" "" "$@") &&
		(own_directory "$pair_name/netprof" && launch "$pair_way" "$pair_name" --netprof "$@")
}

# ended_by NAME COMMAND: while `pair` runs one that waits, do this to both jobs.
end_waiting() {
	end_name=$1
	shift
	for which in plain netprof; do
		poll 60 test -e "$end_name/$which/ready" || return 1
		job=$end_name
		test $which = netprof || job=$end_name-plain
		"$@" "$(squeue -h -o %i -n "$job")" || return 1
	done
}

end_now() {
	scontrol update "JobId=$1" EndTime=now
}

# counted [DIR...]: the rank files below DIR say what the ledgers say.
counted() {
	cat ledger.* | sort >expect &&
		test "$(wc -l <expect)" = 24 &&
		find "${@:-.}" -name 'rank-*.json' -exec "$TESTBIN/rankdump" {} + >dump &&
		grep -E '^(op|rx) p2p ' dump | sort >actual &&
		test_cmp expect actual
}

# counted_something: a rank file each, with nothing in it that was not sent.
counted_something() {
	test "$(ls netemu.*/mpi/rank-*.json | wc -l)" = 4
}

# ranks_are WORD: all four are complete or incomplete.
ranks_are() {
	test "$(grep -c "^rank [0-3] $1 " dump)" = 4
}

# nothing_left: no helper, no live or temporary file, nothing in $TMPDIR (but
# for what Open MPI's daemons leave when they are killed).
nothing_left() {
	poll 90 no_helpers && # those of the jobs with a time limit too, up to a minute
		find . -name '.*' ! -name . ! -name .world >left && test_must_be_empty left &&
		find tmp -mindepth 1 ! -path 'tmp/ompi.*' >left && test_must_be_empty left
}

# nodes_know SIGNAL_OR_NULL...: node files name each rank once.
nodes_know() {
	cat netemu.*/node-*.json | sed -n 's/.*"rank": \([0-9]*\),/\1/p' | sort >known &&
		printf '0\n1\n2\n3\n' | test_cmp - known
}

# survived NAME: after `pair`: the result is the same, the data is there.
survived() {
	test_cmp "$1/plain/result" "$1/netprof/result" &&
		! ls -d "$1"/plain/netemu.* 2>/dev/null &&
		(
			cd "$1/netprof" && counted && ranks_are incomplete && nodes_know &&
				test "$(grep -c "\"ranks\": 4" netemu.*/run.json)" = 1 && nothing_left
		) && no_node_drained
}

# Slurm looks at time limits every 30 s: these run beside the others.
for way in srun mpirun; do
	for which in plain netprof; do
		name=limit-$way/$which
		option=
		test $which = plain || option=--netprof
		(own_directory "$name" && launch $way "limit-$way-$which" "$option" wait) &
	done
done
for way in srun mpirun; do
	for which in plain netprof; do
		poll 60 test -e "limit-$way/$which/ready" &&
			# refused in the second in which the job has begun
			poll 60 end_now "$(squeue -h -o %i -n "limit-$way-$which")"
	done
done

for way in srun mpirun; do
	for how in kill abort exit; do
		test_expect_success "$way: $how" '
			pair $way $how-$way $how && survived $how-$way
		'
	done

	test_expect_success "$way: scancel" '
		pair $way cancel-$way wait &
		end_waiting cancel-$way scancel && wait $! && survived cancel-$way
	'

	test_expect_success "$way: a job that ends well" '
		pair $way finish-$way finish &&
		test_cmp finish-$way/plain/result finish-$way/netprof/result &&
		(cd finish-$way/netprof && counted && ranks_are complete && nothing_left)
	'

	# Neither the run directory, $TMPDIR nor memory takes more than 8 KiB.
	test_expect_success "$way: a limit on the size of files" '
		pair $way file-$way finish limit &&
		test_cmp file-$way/plain/result file-$way/netprof/result &&
		(
			cd file-$way/netprof && counted_something && nothing_left &&
			grep -h "counts were lost" netemu.*/log/*
		)
	'
done

# What the run directory does not take lies in TMPDIR, and a log there says so.
full_from_the_start() {
	small=$work/small-start-$1
	head -c 1000000 /dev/zero >"$small/filler" 2>/dev/null
	(
		own_directory "start-$1" && launch "$1" "start-$1" "--netprof=dir=$small" finish &&
			grep "status 0" result && poll 30 no_helpers &&
			counted . "$small" && ranks_are complete &&
			grep -h "lie in" tmp/netprof.*/netemu.*/log/node-*.log
	) && no_node_drained
}

# fills_up WAY HOW STATUS
fills_up() {
	small=$work/small-$2-$1
	(
		own_directory "fill-$2-$1" &&
			launch "$1" "fill-$2-$1" "--netprof=dir=$small" "$2" "$small/filler" &&
			grep "status $3" result && poll 30 no_helpers &&
			test "$(stat -c %s "$small/filler")" -gt 100000 && counted . "$small"
	) && no_node_drained
}

for way in srun mpirun; do
	test_expect_success MOUNT "$way: a file system that is full from the start" '
		full_from_the_start $way
	'

	test_expect_success MOUNT "$way: a file system that fills up" '
		fills_up $way finish 0
	'

	test_expect_success MOUNT "$way: a file system that fills up before a rank is killed" '
		fills_up $way kill 1[34][37]
	'
done

wait
for way in srun mpirun; do
	test_expect_success "$way: time limit" '
		cat limit-$way/netprof/out limit-$way/netprof/err 2>/dev/null | grep "TIME LIMIT" &&
		survived limit-$way
	'
done

# What is mounted here now is seen by srun and not by the nodes, so each side
# has a directory of that name to itself.
test_expect_success MOUNT 'parts from nodes that do not share the directory come to srun' '
	mount -t tmpfs -o "size=4m,mode=755" none apart &&
	(own_directory gather && launch srun gather "--netprof=dir=$work/apart" kill) &&
	(cd gather && counted ../apart && ranks_are incomplete && nothing_left) &&
	ls apart/netemu.*/node-0.json apart/netemu.*/node-1.json apart/netemu.*/run.json &&
	grep "netprof: $work/apart/netemu.*: 4 ranks, 2 nodes" gather/err &&
	umount apart && ls apart/netemu.*/mpi/rank-0.json
'

test_done
