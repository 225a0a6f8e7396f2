#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='qperf, UCX, Open MPI and libfabric on the device'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
. "$NETEMU_SRCDIR/tests/lib-apps.sh"
device_need ibv_devices
apps_have

test_expect_success QPERF 'qperf' 'run_qperf $qperf_tests'

test_expect_success UCX_PERFTEST 'ucx_info -d lists the device with both transports' '
	ucx_lists && nothing_left
'

for transport in $DEVICE_TRANSPORTS; do
	device_set "transport=$transport"
	test_expect_success UCX_PERFTEST "ucx_perftest rc_verbs over $transport" 'uct_rc'
	test_expect_success UCX_PERFTEST "ucx_perftest ud_verbs over $transport" 'uct_ud'
done
device_set transport=direct

for transport in rc_v ud_v; do
	test_expect_success UCX_PERFTEST "UCP over $transport" 'ucp_all $transport'
done

test_expect_success MPIRUN 'a program that checks what it gets over MPI' 'make_verify'

for transport in rc_v ud_v; do
	test_expect_success MPIRUN "Open MPI over UCX, $transport" '
		mpi_ucx $transport && nothing_left
	'
done

test_expect_success MPIRUN 'Open MPI over its own verbs, btl openib' '
	mpi_openib && nothing_left
'

test_expect_success FI_PINGPONG 'fi_info finds datagrams' 'fi_lists && nothing_left'
test_expect_success FI_PINGPONG 'fi_pingpong over them: data are right' 'fi_exchanges'

device_done
