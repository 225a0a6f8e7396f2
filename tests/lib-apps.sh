# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# lib-apps.sh - qperf, UCX, Open MPI and libfabric on the device
#
#	apps_have
#	device_set transport=queue && uct rc_verbs am_lat && run_qperf
#
# After lib-device.sh or lib-device-slurm.sh.

# apps_have: set the prerequisites QPERF, UCX_PERFTEST, MPIRUN, FI_PINGPONG.
apps_have() {
	device_has qperf
	device_has ucx_perftest ucx_info
	device_has mpirun mpicc
	device_has fi_pingpong fi_info
}

# A test of qperf lasts a second at least; ver_ ones check what they read.
qperf_tests="rc_lat rc_bw uc_lat uc_bw ud_lat ud_bw rc_rdma_write_bw rc_rdma_read_lat
	ver_rc_compare_swap ver_rc_fetch_add"

# run_qperf TEST...
run_qperf() {
	pair "qperf -lp PORT" "qperf HOST -lp PORT -t 1 $* quit" || return 1
	grep -c -e " latency  = " -e "bw  = " -e "msg_rate  = " client.log >results
	test "$(cat results)" -ge $# && return
	say_why "$(cat results) results of $#" client.log
	return 1
}

# uct TRANSPORT TEST OPTION...: both sides take the same options.
uct() {
	uct_layer=$1 uct_test=$2
	shift 2
	both ucx_perftest -f -n 500 -w 50 -d netemu0:1 -x "$uct_layer" -t "$uct_test" "$@" && return
	say_why "FAILED: $uct_layer $uct_test $*"
	return 1
}

# ucp TRANSPORT TEST OPTION...: over it and nothing else.
ucp() {
	ucp_tls=$1 ucp_test=$2
	shift 2
	both env "UCX_TLS=$ucp_tls,self" UCX_NET_DEVICES=netemu0:1 ucx_perftest -f -n 100 -w 10 \
		-t "$ucp_test" "$@" && return
	say_why "FAILED: $ucp_tls $ucp_test $*"
	return 1
}

# ucx_lists: the device with both transports.
ucx_lists() {
	device ucx_info -d >out || return 1
	for layer in rc_verbs ud_verbs; do
		grep -A1 "Transport: $layer" out | grep -q "Device: netemu0:1" && continue
		say_why "no $layer" out
		return 1
	done
}

uct_rc() {
	uct rc_verbs am_lat && uct rc_verbs am_bw -s 4096 -D bcopy &&
		uct rc_verbs put_lat && uct rc_verbs put_bw -s 8192 -D zcopy &&
		uct rc_verbs get -s 8192 -D zcopy && uct rc_verbs fadd && uct rc_verbs cswap &&
		uct rc_verbs add_mr
}

uct_ud() {
	uct ud_verbs am_lat && uct ud_verbs am_bw -s 2000 -D bcopy
}

# ucp_all TRANSPORT
ucp_all() {
	ucp "$1" tag_lat && ucp "$1" tag_bw -s 65536 && ucp "$1" ucp_put_bw -s 65536 &&
		ucp "$1" ucp_get -s 4096 && ucp "$1" ucp_fadd
}

make_verify() {
	mpicc -o verify "$NETEMU_SRCDIR/tests/device/mpi-verify.c"
}

# mpi NAME=VALUE...: mpi-verify on 4 ranks, which alone have the device.
mpi() {
	device_ranks env "$@" ./verify >out 2>err && echo "4 ranks: right" >expected &&
		test_cmp expected out && return
	say_why "FAILED: $*" out err
	return 1
}

# mpi_ucx TRANSPORT
mpi_ucx() {
	mpi OMPI_MCA_pml=ucx OMPI_MCA_osc=ucx "UCX_TLS=$1,self" UCX_NET_DEVICES=netemu0:1
}

mpi_openib() {
	mpi OMPI_MCA_pml=ob1 OMPI_MCA_osc=pt2pt OMPI_MCA_btl=openib,self \
		OMPI_MCA_btl_openib_allow_ib=1 OMPI_MCA_btl_openib_warn_no_device_params_found=0
}

# libfabric names an interface for the address of a domain; the library for
# connections is not emulated, so reliable datagrams stand on datagrams.
FI_VERBS_IFACE=lo
export FI_VERBS_IFACE

fi_lists() {
	device fi_info -p verbs -t FI_EP_DGRAM >out && grep "domain: netemu0-dgram" out && return
	say_why "no datagrams" out
	return 1
}

fi_exchanges() {
	pair "fi_pingpong -p verbs;ofi_rxd -e rdm -c -I 10 -S 1024 -B PORT" \
		"fi_pingpong -p verbs;ofi_rxd -e rdm -c -I 10 -S 1024 -P PORT HOST" || return 1
	grep "^1k  *10  *=10 " client.log && return
	say_why "not 10 of 10" client.log
	return 1
}

# loads_verbs: a program that is not linked with libibverbs, as NCCL.
loads_verbs() {
	"${CC:-cc}" -o load-verbs "$NETEMU_SRCDIR/tests/device/load-verbs.c" &&
		device ./load-verbs >actual 2>err && printf "%s\n" netemu0 "65000 4" >expected &&
		test_cmp expected actual && return
	say_why "device or port are not as asked for" actual err
	return 1
}
