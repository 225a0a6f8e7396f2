#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
test_description='libnetprof.so does no harm'

# shellcheck disable=SC1090
. "$SHARNESS"
# shellcheck source=tests/lib-mpi.sh
. "$NETEMU_SRCDIR/tests/lib-mpi.sh"
mpi_need

# but for a sanitizer's runtime
ubsan=
grep -q "^GUEST_SAN_CFLAGS = ." "$NETEMU_BUILDDIR/Makefile" && ubsan="\|libubsan"

test_expect_success 'it needs libc alone' '
	libc=$(ldd /bin/true | sed -n "s/.*=> \(.*libc\.so[^ ]*\) .*/\1/p") &&
	loader=$(ldd /bin/true | sed -n "s/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\) .*/\1/p") &&
	nm -D --defined-only "$libc" "$loader" | sed -n "s/.* //; s/@.*//p" | sort -u >defined &&
	nm -D --undefined-only "$LIBNETPROF" | awk "\$1 == \"U\" { print \$2 }" |
		sed "s/@.*//" | sort -u >undefined &&
	test -s defined && test -s undefined &&
	comm -13 defined undefined >missing &&
	test_must_be_empty missing &&
	readelf -d "$LIBNETPROF" | grep NEEDED >needed &&
	! grep -v "libc\.so\|ld-linux$ubsan" needed
'

test_expect_success 'it exports MPI functions and no others' '
	nm -D --defined-only "$LIBNETPROF" | awk "{ print \$3 }" | grep -v "^P\?MPI_" >others ||
	test_must_be_empty others
'

for program in /bin/true "bash -c :" "python3 -c pass"; do
	test_expect_success "it loads into $program" "
		if command -v ${program%% *}; then
			LD_BIND_NOW=1 LD_PRELOAD='$LIBNETPROF' $program >out 2>err &&
			test_must_be_empty out &&
			test_must_be_empty err
		fi
	"
done

test_expect_success 'stdout, stderr and exit code are those of the program alone' '
	mpirun -n 2 "$TESTBIN/traffic" send nonsense >out.without 2>err.without
	echo $? >rc.without
	LD_PRELOAD=$LIBNETPROF NETPROF=dir=$PWD/run0 \
		mpirun -n 2 "$TESTBIN/traffic" send nonsense >out.with 2>err.with
	echo $? >rc.with
	test_cmp out.without out.with && test_cmp rc.without rc.with &&
	grep "^traffic" err.without | sort >expect && grep "^traffic" err.with | sort >actual &&
	test_cmp expect actual && grep 2 rc.with
'

test_expect_success 'several threads: MPI_THREAD_MULTIPLE' '
	mpi_run -n 4 -- "$TESTBIN/traffic" threads &&
	expect_total p2p 8000 192000 &&
	expect_symmetric
'

test_expect_success 'a forked child counts nothing and writes nothing' '
	mpi_run -n 2 -- "$TESTBIN/traffic" fork &&
	expect_complete 2 &&
	expect_total p2p 4 36
'

test_expect_success 'exit() without MPI_Finalize: the file is there, marked incomplete' '
	! mpi_run -n 4 -- "$TESTBIN/traffic" exit 2>/dev/null &&
	grep "^rank 0 incomplete" dump &&
	grep "^op p2p 0 1 1000 13000$" dump
'

test_expect_success 'another tool between the program and MPI keeps working' '
	cat >tool.c <<-\EOF &&
	#include <mpi.h>
	#include <stdio.h>
	static int starts;
	int MPI_Start(MPI_Request *request)
	{
		starts++;
		return PMPI_Start(request);
	}
	int MPI_Finalize(void)
	{
		FILE *file = fopen("tool.out", "a");

		fprintf(file, "%d\n", starts);
		fclose(file);
		return PMPI_Finalize();
	}
	EOF
	mpicc -shared -fPIC -o libtool.so tool.c &&
	for order in "$LIBNETPROF:./libtool.so" "./libtool.so:$LIBNETPROF"; do
		rm -rf run tool.out &&
		LD_PRELOAD=$order NETPROF=dir=$PWD/run mpirun -n 2 "$TESTBIN/traffic" persistent &&
		printf "8\n8\n" >expect && test_cmp expect tool.out &&
		dump_run run/netemu.* && expect_total p2p 14 10878 || return 1
	done
'

test_expect_success 'linked instead of preloaded' '
	mpicc -o linked "$NETEMU_SRCDIR/tests/traffic.c" \
		-Wl,--no-as-needed "$LIBNETPROF" -Wl,-rpath,"${LIBNETPROF%/*}" -lpthread &&
	rm -rf run &&
	NETPROF=dir=$PWD/run mpirun -n 2 ./linked send persistent &&
	dump_run run/netemu.* && expect_total p2p 20 11478
'

test_expect_success 'MPI opened by an interpreter with RTLD_LOCAL' '
	cat >host.c <<-\EOF &&
	#include <dlfcn.h>
	#include <stdio.h>
	int main(int argc, char **argv)
	{
		void *module = dlopen("./module.so", RTLD_NOW | RTLD_LOCAL);
		int (*run)(int, char **) = module ? dlsym(module, "main") : 0;

		if (!run)
			fprintf(stderr, "%s\n", dlerror());
		return run ? run(argc, argv) : 1;
	}
	EOF
	gcc -o host host.c -ldl &&
	mpicc -shared -fPIC -o module.so "$NETEMU_SRCDIR/tests/traffic.c" -lpthread &&
	rm -rf run &&
	LD_PRELOAD=$LIBNETPROF NETPROF=dir=$PWD/run mpirun -n 2 ./host send persistent &&
	dump_run run/netemu.* && expect_total p2p 20 11478
'

command -v mpicc.mpich >/dev/null && command -v mpiexec.hydra >/dev/null && test_set_prereq MPICH
test_expect_success MPICH 'another MPI is left alone, and named in the log' '
	cat >other.c <<-\EOF &&
	#include <mpi.h>
	#include <stdio.h>
	int main(int argc, char **argv)
	{
		long sum = 1, put = 5, cell = 0;
		int rank, size;
		MPI_Request request;
		MPI_Win win;

		MPI_Init(&argc, &argv);
		MPI_Comm_rank(MPI_COMM_WORLD, &rank);
		MPI_Comm_size(MPI_COMM_WORLD, &size);
		MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
		MPI_Win_create(&cell, sizeof(cell), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &win);
		MPI_Win_fence(0, win);
		MPI_Put(&put, 1, MPI_LONG, (rank + 1) % size, 0, 1, MPI_LONG, win);
		MPI_Win_fence(0, win);
		MPI_Win_free(&win);
		MPI_Send_init(&put, 1, MPI_LONG, MPI_PROC_NULL, 0, MPI_COMM_WORLD, &request);
		MPI_Start(&request);
		MPI_Wait(&request, MPI_STATUS_IGNORE);
		MPI_Request_free(&request);
		printf("%ld %ld\n", sum, cell);
		MPI_Finalize();
		return 0;
	}
	EOF
	mpicc.mpich -o other other.c &&
	rm -rf run &&
	LD_PRELOAD=$LIBNETPROF NETPROF=dir=$PWD/run mpiexec.hydra -n 3 ./other >out 2>err &&
	mpiexec.hydra -n 3 ./other >expect &&
	test_cmp expect out &&
	test $(grep -c "^3 " out) = 3 &&
	test_must_be_empty err &&
	cat run/netemu.*/log/*.log >log &&
	test $(wc -l <log) = 1 &&
	grep "not profiled: .MPICH.* is not Open MPI" log &&
	! ls run/netemu.*/mpi/*
'

# The program's own table comes first, and is as good for Open MPI.
test_expect_success 'tables of a shape nobody knows are left alone' '
	echo "void *mca_pml[512];" >table.c &&
	gcc -shared -fPIC -o libtable.so table.c &&
	rm -rf run &&
	LD_PRELOAD=$LIBNETPROF:./libtable.so NETPROF=dir=$PWD/run \
		mpirun -n 2 "$TESTBIN/traffic" send bcast 2>err &&
	test_must_be_empty err &&
	cat run/netemu.*/log/*.log >log &&
	test $(wc -l <log) = 1 &&
	grep "not profiled: Open MPI.*a table .mca_pml. of 4096 bytes is not known" log &&
	! ls run/netemu.*/mpi/*
'

# The rank file is larger than the limit, the counters fit into two files.
test_expect_success 'a file-size limit: the program runs on, the counters stay' '
	rm -rf run tmp && mkdir tmp &&
	cat >limited <<-EOF &&
	#!/bin/bash
	ulimit -f 40
	LD_PRELOAD=$LIBNETPROF exec "\$@"
	EOF
	chmod +x limited &&
	TMPDIR=$PWD/tmp NETPROF=dir=$PWD/run,sizes=100000 \
		mpirun -n 2 --mca btl self,tcp ./limited "$TESTBIN/traffic" sizes &&
	for rank in 0 1; do
		find run tmp -name ".rank-$rank.live" >parts &&
		test $(wc -l <parts) = 2 &&
		xargs "$TESTBIN/rankdump" -l <parts >dump.$rank &&
		grep "^total p2p 1500 1125750 1500 1125750$" dump.$rank || return 1
	done &&
	grep "rank-0.json.*File too large" run/netemu.*/log/*.log
'

test_done
