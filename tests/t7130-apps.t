#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='qperf, UCX, Open MPI and libfabric on the device'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-device.sh"
device_need ibv_devices
device_has qperf
device_has ucx_perftest ucx_info
device_has mpirun mpicc
device_has fi_pingpong fi_info

# A test of qperf lasts a second at least; ver_ ones check what they read.
qperf_tests="rc_lat rc_bw uc_lat uc_bw ud_lat ud_bw rc_rdma_write_bw rc_rdma_read_lat
	ver_rc_compare_swap ver_rc_fetch_add"

test_expect_success QPERF 'qperf' '
	pair "qperf -lp PORT" "qperf 127.0.0.1 -lp PORT -t 1 $(echo $qperf_tests) quit" &&
	grep -c -e " latency  = " -e "bw  = " -e "msg_rate  = " client.log >results &&
	test "$(cat results)" -ge "$(echo $qperf_tests | wc -w)"
'

# uct TRANSPORT TEST OPTION...: both sides take the same options.
uct() {
	uct_layer=$1 uct_test=$2
	shift 2
	both ucx_perftest -f -n 500 -w 50 -d netemu0:1 -x "$uct_layer" -t "$uct_test" "$@" && return
	echo "FAILED: $uct_layer $uct_test $*"
	return 1
}

# ucp TRANSPORT TEST OPTION...: over it and nothing else.
ucp() {
	ucp_tls=$1 ucp_test=$2
	shift 2
	both env "UCX_TLS=$ucp_tls,self" UCX_NET_DEVICES=netemu0:1 ucx_perftest -f -n 100 -w 10 \
		-t "$ucp_test" "$@" && return
	echo "FAILED: $ucp_tls $ucp_test $*"
	return 1
}

test_expect_success UCX_PERFTEST 'ucx_info -d lists the device with both transports' '
	device ucx_info -d >out &&
	for transport in rc_verbs ud_verbs; do
		grep -A1 "Transport: $transport" out | grep "Device: netemu0:1" || return 1
	done && nothing_left
'

for transport in $DEVICE_TRANSPORTS; do
	test_expect_success UCX_PERFTEST "ucx_perftest rc_verbs over $transport" '
		device_set transport=$transport &&
		uct rc_verbs am_lat && uct rc_verbs am_bw -s 4096 -D bcopy &&
		uct rc_verbs put_lat && uct rc_verbs put_bw -s 8192 -D zcopy &&
		uct rc_verbs get -s 8192 -D zcopy && uct rc_verbs fadd && uct rc_verbs cswap &&
		uct rc_verbs add_mr
	'
	test_expect_success UCX_PERFTEST "ucx_perftest ud_verbs over $transport" '
		device_set transport=$transport &&
		uct ud_verbs am_lat && uct ud_verbs am_bw -s 2000 -D bcopy
	'
done
device_set transport=direct

for transport in rc_v ud_v; do
	test_expect_success UCX_PERFTEST "UCP over $transport" '
		ucp $transport tag_lat && ucp $transport tag_bw -s 65536 &&
		ucp $transport ucp_put_bw -s 65536 && ucp $transport ucp_get -s 4096 &&
		ucp $transport ucp_fadd
	'
done

test_expect_success MPIRUN 'a program that checks what it gets over MPI' '
	mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c"
'

# mpi OPTION...: mpi-verify on 4 ranks, which alone have the device.
mpi() {
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
		OMPI_MCA_plm_rsh_agent=/bin/false timeout -k 5 "$DEVICE_SECONDS" \
		mpirun -n 4 "$@" >out &&
		echo "4 ranks: right" >expected && test_cmp expected out && nothing_left
}

for transport in rc_v ud_v; do
	test_expect_success MPIRUN "Open MPI over UCX, $transport" '
		mpi --mca pml ucx --mca osc ucx -x UCX_TLS=$transport,self \
			-x UCX_NET_DEVICES=netemu0:1 -x "LD_PRELOAD=$LIBNETEMU" \
			-x "NETEMU=$device_settings" ./verify
	'
done

test_expect_success MPIRUN 'Open MPI over its own verbs, btl openib' '
	mpi --mca pml ob1 --mca osc pt2pt --mca btl openib,self --mca btl_openib_allow_ib 1 \
		--mca btl_openib_warn_no_device_params_found 0 -x "LD_PRELOAD=$LIBNETEMU" \
		-x "NETEMU=$device_settings" ./verify
'

# libfabric names an interface for the address of a domain; the library for
# connections is not emulated, so reliable datagrams stand on datagrams.
FI_VERBS_IFACE=lo
export FI_VERBS_IFACE

test_expect_success FI_PINGPONG 'fi_info finds datagrams' '
	device fi_info -p verbs -t FI_EP_DGRAM >out && grep "domain: netemu0-dgram" out &&
	nothing_left
'

test_expect_success FI_PINGPONG 'fi_pingpong over them: data are right' '
	pair "fi_pingpong -p verbs;ofi_rxd -e rdm -c -I 10 -S 1024 -B PORT" \
		"fi_pingpong -p verbs;ofi_rxd -e rdm -c -I 10 -S 1024 -P PORT 127.0.0.1" &&
	grep "^1k  *10  *=10 " client.log
'

device_done
