/* SPDX-License-Identifier: Apache-2.0 */
/* load-verbs - get at the device as NCCL does: nothing of verbs is linked, versions of
 * functions are asked for
 *
 * Prints the first device's name, its max_qp and the state of its port.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <infiniband/verbs.h>
#include <stdio.h>
#undef ibv_query_port
#undef ibv_reg_mr
#define GET(name, version)                                                             \
	__typeof__(&name) p_##name = (__typeof__(&name))dlvsym(verbs, #name, version); \
	if (!p_##name)                                                                 \
	return fprintf(stderr, "no %s\n", #name), 1

int main(void)
{
	void *verbs = dlopen("libibverbs.so.1", RTLD_NOW);
	struct ibv_device **list;
	struct ibv_context *context;
	struct ibv_device_attr attr;
	struct ibv_port_attr port;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	char memory[64];
	int count = 0;

	if (!verbs)
		return 2;
	GET(ibv_get_device_list, "IBVERBS_1.1");
	GET(ibv_free_device_list, "IBVERBS_1.1");
	GET(ibv_get_device_name, "IBVERBS_1.1");
	GET(ibv_open_device, "IBVERBS_1.1");
	GET(ibv_close_device, "IBVERBS_1.1");
	GET(ibv_query_device, "IBVERBS_1.1");
	GET(ibv_query_port, "IBVERBS_1.1");
	GET(ibv_alloc_pd, "IBVERBS_1.1");
	GET(ibv_dealloc_pd, "IBVERBS_1.1");
	GET(ibv_reg_mr, "IBVERBS_1.1");
	GET(ibv_reg_mr_iova2, "IBVERBS_1.8");
	GET(ibv_dereg_mr, "IBVERBS_1.1");
	list = p_ibv_get_device_list(&count);
	printf("%s\n", p_ibv_get_device_name(list[0]));
	context = p_ibv_open_device(list[0]);
	p_ibv_free_device_list(list);
	if (!context || p_ibv_query_device(context, &attr) ||
	    p_ibv_query_port(context, 1, (void *)&port))
		return 3;
	printf("%d %d\n", attr.max_qp, port.state);
	pd = p_ibv_alloc_pd(context);
	mr = p_ibv_reg_mr_iova2(pd, memory, sizeof(memory), (uintptr_t)memory,
				IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_RELAXED_ORDERING);
	if (!mr || p_ibv_dereg_mr(mr))
		return 4;
	mr = p_ibv_reg_mr(pd, memory, sizeof(memory), IBV_ACCESS_LOCAL_WRITE);
	return !mr || p_ibv_dereg_mr(mr) || p_ibv_dealloc_pd(pd) || p_ibv_close_device(context);
}
