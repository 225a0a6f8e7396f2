#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='no memory error of libnetprof.so under valgrind

Open MPI itself is not clean, so only what has our code in its stack counts.'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
mpi_need
command -v valgrind >/dev/null || skip_all="valgrind is not installed"
test -z "$skip_all" || test_done

cat >under <<EOF
#!/bin/sh
LD_PRELOAD=$LIBNETPROF exec valgrind --leak-check=full --show-leak-kinds=definite \\
	--num-callers=30 --fullpath-after= --log-file="$PWD/log.%p" "\$@"
EOF
chmod +x under

# ours LOG...: the errors that happen in our code or in what it calls, but not
# in what Open MPI does inside of a call that merely passes through us.
ours() {
	sed 's/^==[0-9]*== *$//; s/^==[0-9]*== //' "$@" | awk '
		BEGIN { RS = ""; FS = "\n" }
		{
			for (i = 2; i <= NF; i++) {
				if ($i !~ /^ *(at|by) 0x/ || $i ~ /libmpi|libopen|\?\?\?/)
					break
				if ($i ~ /profiler\/mpi\//) {
					print $0 "\n"
					break
				}
			}
		}'
}

test_expect_success 'an error of ours would be found' '
	cat >log.1 <<-EOF &&
	==1== Invalid read of size 8
	==1==    at 0x484C4C4: somewhere (/src/ompi/pml.c:10)
	==1==    by 0x484C4C5: main (/src/main.c:11)
	==1== 
	==1== Invalid read of size 8
	==1==    at 0x484C4C4: memcpy (/src/glibc/memcpy.c:10)
	==1==    by 0x484C4C5: begin (/src/netemu/profiler/mpi/session.c:11)
	==1== 
	==1== 5 bytes in 1 blocks are definitely lost in loss record 4 of 72
	==1==    at 0x48417B4: malloc (in /usr/libexec/valgrind/vgpreload_memcheck.so)
	==1==    by 0x4981EA8: ompi_mpi_init (in /usr/lib/libmpi.so.40.30.4)
	==1==    by 0x485AA85: around_Init (/src/netemu/profiler/mpi/entry.c:49)
	EOF
	ours log.1 >errors &&
	test $(wc -l <errors) = 4
'

for kinds in "send isend persistent subcomm intercomm mprobe completion datatypes cancel" \
	"freed collectives nonblocking neighbor phases" "threads"; do
	test_expect_success "$kinds" "
		rm -rf log.* run &&
		NETPROF=dir=\$PWD/run,window=1ms mpirun -n 2 ./under '$TESTBIN/traffic' $kinds &&
		test \$(ls log.* | wc -l) = 2 &&
		dump_run run/netemu.* &&
		expect_complete 2 &&
		ours log.* >errors &&
		{ test ! -s errors || { cat errors; false; }; }
	"
done

test_expect_success 'a forked child' '
	rm -rf log.* run &&
	NETPROF=dir=$PWD/run mpirun -n 1 ./under "$TESTBIN/traffic" fork &&
	ours log.* >errors &&
	{ test ! -s errors || { cat errors; false; }; }
'

test_done
