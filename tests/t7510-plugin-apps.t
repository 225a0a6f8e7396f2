#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='srun --netemu: qperf, UCX, Open MPI and libfabric, also with --netprof'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device-slurm.sh"
. "$NETEMU_SRCDIR/tests/lib-apps.sh"
device_need ibv_devices
apps_have
srun --mpi=list 2>&1 | grep -qw pmix && test_set_prereq PMIX
test -r "$NETEMU_BUILDDIR/.libs/libnetprof.so" && test_set_prereq NETPROF


# A test of qperf keeps both CPUs busy for a second: without TEST_LONG there is one.
test -n "$TEST_LONG" || qperf_tests=ver_rc_compare_swap

for transport in $DEVICE_TRANSPORTS; do
	device_set "transport=$transport"
	test_expect_success UCX_PERFTEST "ucx_info -d lists the device, $transport" 'ucx_lists'
	test_expect_success "a program that loads libibverbs by itself, $transport" 'loads_verbs'
	if test "$transport" = queue && test -z "$TEST_LONG"; then
		test_expect_success UCX_PERFTEST 'ucx_perftest over queue' '
			uct rc_verbs put_bw -s 8192 -D zcopy && uct ud_verbs am_lat
		'
		continue
	fi
	test_expect_success QPERF "qperf over $transport" 'run_qperf $qperf_tests'
	test_expect_success UCX_PERFTEST "ucx_perftest rc_verbs over $transport" 'uct_rc'
	test_expect_success UCX_PERFTEST "ucx_perftest ud_verbs over $transport" 'uct_ud'
	for layer in rc_v ud_v; do
		test_expect_success UCX_PERFTEST "UCP by $layer over $transport" 'ucp_all $layer'
	done
	test_expect_success FI_PINGPONG "fi_pingpong over $transport: data are right" '
		fi_lists && fi_exchanges
	'
done

test_expect_success MPIRUN,PMIX 'a program that checks what it gets over MPI' 'make_verify'

for layer in rc_v ud_v; do
	test_expect_success MPIRUN,PMIX "Open MPI over UCX, $layer" 'mpi_ucx $layer'
done

test_expect_success MPIRUN,PMIX 'Open MPI over its own verbs, btl openib' 'mpi_openib'

# profiled WHAT OPTION...: messages alone; `WHAT.ops` is what ranks sent to whom.
profiled() {
	what=$1
	shift
	rm -rf netemu.*
	give_way within "$DEVICE_SECONDS" srun --mpi=pmix -N2 -n4 --netprof "$@" ./verify messages >out 2>err &&
		echo "4 ranks: right" >expected && test_cmp expected out &&
		ls netemu.*/mpi/rank-*.json >files && test "$(wc -l <files)" = 4 &&
		xargs "$NETEMU_BUILDDIR/tests/rankdump" <files | grep "^op " | sort >"$what.ops" &&
		test -s "$what.ops" && return
	say_why "srun --netprof $*" out err files
	return 1
}

test_expect_success MPIRUN,PMIX,NETPROF 'with --netprof too: what is sent is what it is without the device' '
	OMPI_MCA_pml=ucx UCX_TLS=rc_v,self UCX_NET_DEVICES=netemu0:1 profiled with --netemu &&
	OMPI_MCA_pml=ob1 profiled without && test_cmp without.ops with.ops
'

device_done
