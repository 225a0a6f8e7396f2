#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

test_description='the tracer over a driver of libibverbs, without the emulated device'

. "$SHARNESS"
. "$NETEMU_SRCDIR/tests/lib-trace.sh"
trace_need cc
. "$NETEMU_SRCDIR/tests/lib-stub.sh"
stub_make

# It posts and polls; what the driver lacks is refused.
cat >program.c <<'END'
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL), *device = list[argc > 1 ? 1 : 0];
	struct ibv_context *context = ibv_open_device(device);
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_cq *cq = ibv_create_cq(context, 8, NULL, NULL, 0);
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC };
	struct ibv_qp *qp = ibv_create_qp(pd, &init);
	struct ibv_sge sge = { .length = 7 };
	struct ibv_send_wr wr[3], *bad = NULL;
	struct ibv_wc wc[4];

	(void)argv;
	printf("%s\n", ibv_get_device_name(device));
	for (int i = 0; i < 3; i++)
		wr[i] = (struct ibv_send_wr){
			.wr_id = 5 + (uint64_t)i,
			.next = i < 2 ? &wr[i + 1] : NULL,
			.sg_list = &sge,
			.num_sge = 1,
			.opcode = IBV_WR_RDMA_WRITE,
			.send_flags = IBV_SEND_SIGNALED,
		};
	for (int i = 0; i < 100; i++)
		if (ibv_post_send(qp, wr, &bad) || ibv_poll_cq(cq, 4, wc) != 3 || wc[2].wr_id != 7)
			return 2;
	wr[1].num_sge = 9;
	printf("%d", ibv_post_send(qp, wr, &bad));
	printf(" %d\n", bad == &wr[1]);
	errno = 0;
	printf("%d", ibv_create_srq(pd, &(struct ibv_srq_init_attr){ 0 }) != NULL);
	printf(" %d\n", errno);
	return ibv_destroy_qp(qp) || ibv_destroy_cq(cq) || ibv_dealloc_pd(pd) ||
	       ibv_close_device(context);
}
END
cc -o program program.c "$stub_real" && LD_PRELOAD=./node.so ./program >plain

trace_preload=$LIBNETTRACE:./node.so

# of_stub: the program's calls on the device.
of_stub() {
	dump client && values client name call=ibv_open_device | grep stub0 &&
	expect_count client 1 ibv_open_device result=0 guid=0x11223344556677 &&
	expect_count client 302 ibv_post_send qpn=42 &&
	expect_count client 301 ibv_post_send error=0 bytes=7 &&
	expect_count client 1 ibv_post_send wr_id=6 error=12 &&
	expect_count client 300 ibv_poll_cq qpn=42 status=0 &&
	expect_count client 100 ibv_poll_cq batch=2 wr_id=7 &&
	expect_count client 1 ibv_create_qp qpn=42 result=0 &&
	expect_count client 1 ibv_destroy_qp qpn=42 result=0 &&
	expect_count client 1 ibv_create_srq result=95 srq=0x0 &&
	expect_count client 1 ibv_close_device result=0
}

test_expect_success STUB 'its calls are recorded, and what it says is passed on' '
	printf "%s\n" stub0 "12 1" "0 95" >expected && test_cmp expected plain &&
	device ./program >actual && test_cmp plain actual && of_stub
'

trace_preload=$LIBNETTRACE:$LIBNETEMU:./node.so

test_expect_success STUB 'beside the emulated device' '
	device ./program second >actual && test_cmp plain actual && of_stub
'

# Turn about on two devices, on queue pairs of the same number; on the second device also
# by ibv_wr_*(), begun before and ended after what is posted on the first one.
cat >two.c <<'END'
#include "tracelib.h"
#include <stdio.h>

static struct ibv_qp *extended(struct ibv_context *context, struct ibv_pd *pd, struct ibv_cq *cq,
			       uint32_t *number)
{
	struct ibv_qp_init_attr_ex init = {
		.qp_context = number,
		.send_cq = cq,
		.recv_cq = cq,
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE,
	};

	return ibv_create_qp_ex(context, &init);
}

int main(void)
{
	struct ibv_context *context = device_open(1);
	struct ibv_pd *pd = ibv_alloc_pd(context);
	struct ibv_cq *cq = ibv_create_cq(context, 8, NULL, NULL, 0);
	struct ibv_qp_init_attr init = { .send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC };
	struct ibv_send_wr wr = { .opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED };
	struct ibv_send_wr *bad;
	struct ibv_sge sge = { .length = 3 };
	struct ibv_qp *qp, *other;
	struct ibv_qp_ex *ex;
	struct ends ends;
	struct ibv_wc wc;

	ends_open(&ends, device_open(0));
	init.qp_context = &ends.a->qp_num;
	need((qp = ibv_create_qp(pd, &init)), "ibv_create_qp");
	need((other = extended(context, pd, cq, &ends.b->qp_num)), "ibv_create_qp_ex");
	need((ex = ibv_qp_to_qp_ex(other)), "ibv_qp_to_qp_ex");
	wr.sg_list = &sge;
	wr.num_sge = 1;
	for (uint64_t i = 0; i < 50; i++) {
		wr.wr_id = ex->wr_id = 1000 + i;
		ex->wr_flags = IBV_SEND_SIGNALED;
		ibv_wr_start(ex);
		ibv_wr_rdma_write(ex, 1, 2);
		need(!ends_write(&ends, ends.a, i, 8), "the first device");
		need(!ibv_post_send(qp, &wr, &bad), "the second device");
		ibv_wr_set_sge(ex, 1, 2, 5);
		need(!ibv_wr_complete(ex), "ibv_wr_complete");
		ends_poll(&ends, &wc);
		need(wc.wr_id == i, "the first device's completion");
		for (int k = 0; k < 2; k++)
			need(ibv_poll_cq(cq, 1, &wc) == 1 && wc.wr_id == 1000 + i, "the second's");
		need(ibv_poll_cq(cq, 1, &wc) == 0, "no more");
	}
	printf("%u %u\n", ends.a->qp_num, ends.b->qp_num);
	ends_close(&ends);
	return ibv_destroy_qp(other) || ibv_destroy_qp(qp) || ibv_destroy_cq(cq) ||
	       ibv_dealloc_pd(pd) || ibv_close_device(context);
}
END
lib=$NETEMU_SRCDIR/tests/trace
cc -I"$lib" -o two two.c "$lib/tracelib.c" "$stub_real"
stub=context=0 emulated=context=1

test_expect_success STUB 'on both in turn: each call belongs to its device' '
	device ./two >out && read -r a b <out && dump client &&
	values client name call=ibv_open_device >actual &&
	printf "%s\n" "'\''stub0'\''" "'\''netemu0'\''" >expected && test_cmp expected actual &&
	for context in $stub $emulated; do
		expect_count client 1 ibv_alloc_pd $context &&
		expect_count client 1 ibv_create_cq $context &&
		expect_count client 50 ibv_post_send $context qpn=$a &&
		expect_count client 2 ibv_destroy_qp $context &&
		expect_count client 1 ibv_close_device $context || return 1
	done &&
	expect_count client 2 ibv_create_qp $emulated &&
	expect_count client 0 ibv_create_qp_ex $emulated &&
	expect_count client 1 ibv_create_qp $stub qpn=$a &&
	expect_count client 1 ibv_create_qp_ex $stub qpn=$b &&
	expect_count client 50 ibv_wr $stub qpn=$b opcode=0 bytes=5 &&
	expect_count client 50 ibv_wr &&
	expect_count client 50 ibv_post_send $emulated bytes=8 &&
	expect_count client 50 ibv_post_send $stub bytes=3 &&
	expect_count client 50 ibv_poll_cq $emulated qpn=$a &&
	expect_count client 50 ibv_poll_cq $stub qpn=$a &&
	expect_count client 50 ibv_poll_cq $stub qpn=$b &&
	expect_count client 150 ibv_poll_cq && test "$(header client empty_polls)" -ge 50
'

test_expect_success STUB 'so does what is only counted' '
	trace_set level=summary && device ./two >out && read -r a b <out && dump client &&
	expect_count client 1 summary $stub qpn=$a requests0=50 bytes0=150 sent=50 &&
	expect_count client 1 summary $stub qpn=$b requests0=50 bytes0=250 sent=50 &&
	expect_count client 1 summary $emulated qpn=$a requests0=50 bytes0=400 sent=50 &&
	expect_count client 3 summary && trace_set
'

device_done
