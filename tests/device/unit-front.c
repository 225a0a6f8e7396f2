/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, contexts and the small objects through the verbs' own interface, as a program
 * sees them that has the device preloaded.
 */
#define _GNU_SOURCE
#include "preloaded.h"

#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PAGE         4096

#define ALL                                                                          \
	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | \
	 IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND)

static struct ibv_context *context;
static struct ibv_pd *pd;
static char memory[4 * PAGE] __attribute__((aligned(PAGE)));

static struct ibv_context *open_first(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *opened = list && list[0] ? ibv_open_device(list[0]) : NULL;

	if (list)
		ibv_free_device_list(list);
	return opened;
}

static int set_up(void **state)
{
	(void)state;
	context = open_first();
	pd = context ? ibv_alloc_pd(context) : NULL;
	return pd ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return ibv_dealloc_pd(pd) || ibv_close_device(context);
}

/* --- the list --- */

static void a_list_may_be_freed_in_both_ways(void **state)
{
	struct ibv_device **list;
	int count = -1;

	(void)state;
	list = ibv_get_device_list(&count);
	assert_non_null(list);
	assert_true(count >= 1);
	assert_string_equal(ibv_get_device_name(list[0]), "netemu0");
	assert_null(list[count]);
	ibv_free_device_list(list);
	list = ibv_get_device_list(NULL);
	assert_string_equal(ibv_get_device_name(list[0]), "netemu0");
	free(list);
}

static void a_device_is_the_same_in_every_list(void **state)
{
	struct ibv_device **one = ibv_get_device_list(NULL), **two = ibv_get_device_list(NULL);

	(void)state;
	assert_ptr_equal(one[0], two[0]);
	assert_ptr_equal(context->device, one[0]);
	assert_true(ibv_get_device_guid(one[0]) != 0);
	assert_true(ibv_get_device_index(one[0]) >= 0);
	ibv_free_device_list(one);
	ibv_free_device_list(two);
}

/* Drivers look at their own structure behind a device to see whether it is theirs. */
static void behind_a_device_there_are_zeros(void **state)
{
	static const char zeros[256];

	(void)state;
	assert_memory_equal(context->device + 1, zeros, sizeof(zeros));
}

/* --- a context --- */

static void no_function_of_a_context_is_missing(void **state)
{
	struct verbs_context *verbs = verbs_get_ctx(context);
	void **slot = (void **)verbs, **ops = (void **)&context->ops;
	size_t private = offsetof(struct verbs_context, priv) / sizeof(void *);
	size_t old[] = { offsetof(struct verbs_context, ABI_placeholder1) / sizeof(void *),
			 offsetof(struct verbs_context, ABI_placeholder2) / sizeof(void *) };

	(void)state;
	assert_int_equal(verbs->sz, sizeof(*verbs));
	for (size_t i = 0; i < offsetof(struct verbs_context, _ABI_placeholder3) / sizeof(void *);
	     i++)
		if (i != private && i != old[0] && i != old[1])
			assert_non_null(slot[i]);
	for (size_t i = 0; i < sizeof(context->ops) / sizeof(void *); i++)
		assert_non_null(ops[i]);
}

static void what_is_not_there_is_refused(void **state)
{
	struct ibv_flow_attr flow = { 0 };
	struct ibv_wq_init_attr wq = { 0 };
	struct ibv_counters_init_attr counters = { 0 };
	struct ibv_rwq_ind_table_init_attr table = { 0 };
	struct ibv_qp qp = { .context = context };

	(void)state;
#define REFUSED(call)                                \
	do {                                         \
		errno = 0;                           \
		assert_null(call);                   \
		assert_int_equal(errno, EOPNOTSUPP); \
	} while (0)
	REFUSED(ibv_create_flow(&qp, &flow));
	REFUSED(ibv_create_wq(context, &wq));
	REFUSED(ibv_create_counters(context, &counters));
	REFUSED(ibv_create_rwq_ind_table(context, &table));
	REFUSED(ibv_reg_dmabuf_mr(pd, 0, PAGE, 0, 0, IBV_ACCESS_LOCAL_WRITE));
	assert_int_equal(ibv_modify_qp_rate_limit(&qp, NULL), EOPNOTSUPP);
}

static void what_moderates_events_is_known_and_checked(void **state)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = { .cq_count = 4, .cq_period = 10 },
	};
	struct ibv_cq *cq = ibv_create_cq(context, 16, NULL, NULL, 0);
	struct ibv_device_attr_ex all;

	(void)state;
	assert_non_null(cq);
	assert_int_equal(ibv_query_device_ex(context, NULL, &all), 0);
	assert_int_equal(all.cq_mod_caps.max_cq_count, UINT16_MAX);
	assert_int_equal(all.cq_mod_caps.max_cq_period, UINT16_MAX);
	assert_int_equal(ibv_modify_cq(cq, &attr), 0);
	attr.attr_mask = IBV_CQ_ATTR_MODERATE << 1;
	assert_int_equal(ibv_modify_cq(cq, &attr), EINVAL);
	assert_int_equal(ibv_destroy_cq(cq), 0);
}

static void contexts_have_descriptors_of_their_own(void **state)
{
	struct ibv_context *other = open_first();

	(void)state;
	assert_non_null(other);
	assert_ptr_not_equal(other, context);
	assert_int_not_equal(other->cmd_fd, context->cmd_fd);
	assert_int_not_equal(other->async_fd, context->async_fd);
	assert_true(fcntl(other->cmd_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(other->async_fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ibv_close_device(other), 0);
}

static void a_closed_context_leaves_no_descriptor(void **state)
{
	struct ibv_context *other = open_first();
	int cmd_fd = other->cmd_fd, async_fd = other->async_fd;

	(void)state;
	assert_int_equal(ibv_close_device(other), 0);
	assert_int_equal(fcntl(cmd_fd, F_GETFD), -1);
	assert_int_equal(fcntl(async_fd, F_GETFD), -1);
}

/* A kernel takes away what is left; a queue that is left must not make us fall over. */
static void a_context_may_be_closed_before_its_queues(void **state)
{
	struct ibv_context *other = open_first();
	struct ibv_cq *cq = ibv_create_cq(other, 16, NULL, NULL, 0);
	struct ibv_wc wc;

	(void)state;
	assert_non_null(cq);
	assert_int_equal(ibv_close_device(other), 0);
	assert_int_equal(ibv_poll_cq(cq, 1, &wc), 0);
	assert_int_equal(ibv_destroy_cq(cq), 0);
}

/* --- attributes --- */

static void attributes_go_no_further_than_the_program_says(void **state)
{
	struct ibv_device_attr_ex full;
	char some[sizeof(full)];
	struct verbs_context *verbs = verbs_get_ctx(context);

	(void)state;
	assert_int_equal(ibv_query_device_ex(context, NULL, &full), 0);
	for (size_t size = sizeof(struct ibv_device_attr); size < sizeof(full); size++) {
		memset(some, 0x5a, sizeof(some));
		assert_int_equal(verbs->query_device_ex(context, NULL, (void *)some, size), 0);
		assert_memory_equal(some, &full, size);
		for (size_t i = size; i < sizeof(some); i++)
			assert_int_equal(some[i], 0x5a);
	}
	assert_int_equal(verbs->query_device_ex(context, NULL, (void *)some, 8), EINVAL);
}

static void attributes_longer_than_ours_end_in_zeros(void **state)
{
	char some[sizeof(struct ibv_device_attr_ex) + 64];

	(void)state;
	memset(some, 0x5a, sizeof(some));
	assert_int_equal(
		verbs_get_ctx(context)->query_device_ex(context, NULL, (void *)some, sizeof(some)),
		0);
	for (size_t i = sizeof(struct ibv_device_attr_ex); i < sizeof(some); i++)
		assert_int_equal(some[i], 0);
}

#undef ibv_query_port

/* The function of that name is of the time before port_cap_flags2. */
static void an_old_port_query_writes_an_old_structure(void **state)
{
	union {
		struct ibv_port_attr attr;
		char bytes[sizeof(struct ibv_port_attr)];
	} old, new;

	(void)state;
	memset(&old, 0x5a, sizeof(old));
	assert_int_equal(ibv_query_port(context, 1, (void *)&old), 0);
	assert_int_equal(___ibv_query_port(context, 1, &new.attr), 0);
	assert_memory_equal(&old, &new, offsetof(struct ibv_port_attr, port_cap_flags2));
	for (size_t i = offsetof(struct ibv_port_attr, port_cap_flags2); i < sizeof(old); i++)
		assert_int_equal(old.bytes[i], 0x5a);
}

static void there_is_one_port(void **state)
{
	struct ibv_port_attr attr;

	(void)state;
	assert_int_equal(___ibv_query_port(context, 0, &attr), EINVAL);
	assert_int_equal(___ibv_query_port(context, 2, &attr), EINVAL);
	assert_int_equal(___ibv_query_port(context, 1, &attr), 0);
	assert_int_equal(attr.state, IBV_PORT_ACTIVE);
	assert_int_equal(attr.pkey_tbl_len, 1);
}

static void gids_are_the_same_in_every_way_to_ask(void **state)
{
	struct ibv_gid_entry table[64], entry;
	ssize_t count = ibv_query_gid_table(context, table, COUNT(table), 0);
	static const union ibv_gid zero;
	struct ibv_port_attr port;
	union ibv_gid gid;

	(void)state;
	___ibv_query_port(context, 1, &port);
	assert_true(count >= 1 && count <= port.gid_tbl_len);
	assert_int_equal(ibv_query_gid_table(context, table, (size_t)count - 1, 0), -EINVAL);
	for (int i = 0; i < count; i++) {
		assert_int_equal(ibv_query_gid(context, 1, i, &gid), 0);
		assert_memory_equal(&gid, &table[i].gid, sizeof(gid));
		assert_memory_not_equal(&gid, &zero, sizeof(gid));
		assert_int_equal(ibv_query_gid_ex(context, 1, (uint32_t)i, &entry, 0), 0);
		assert_memory_equal(&entry, &table[i], sizeof(entry));
	}
	for (int i = (int)count; i < port.gid_tbl_len; i++) {
		assert_int_equal(ibv_query_gid_ex(context, 1, (uint32_t)i, &entry, 0), ENODATA);
		assert_int_equal(ibv_query_gid(context, 1, i, &gid), 0);
		assert_memory_equal(&gid, &zero, sizeof(gid));
	}
	assert_int_equal(ibv_query_gid(context, 1, port.gid_tbl_len, &gid), -1);
	assert_int_equal(ibv_query_gid(context, 1, -1, &gid), -1);
	assert_int_equal(ibv_query_gid(context, 2, 0, &gid), -1);
}

static void the_partition_key_is_the_default_one(void **state)
{
	__be16 key = 0;

	(void)state;
	assert_int_equal(ibv_query_pkey(context, 1, 0, &key), 0);
	assert_int_equal(key, 0xffff);
	assert_int_equal(ibv_get_pkey_index(context, 1, key), 0);
	assert_int_equal(ibv_get_pkey_index(context, 1, 0x1234), -1);
	assert_int_equal(ibv_query_pkey(context, 1, 1, &key), -1);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void the_raw_clock_counts_nanoseconds(void **state)
{
	struct ibv_values_ex values = { .comp_mask = IBV_VALUES_MASK_RAW_CLOCK };
	struct ibv_device_attr_ex attr;
	int64_t before = now(), after;

	(void)state;
	assert_int_equal(ibv_query_rt_values_ex(context, &values), 0);
	after = now();
	assert_in_range(values.raw_clock.tv_nsec, before, after);
	assert_int_equal(ibv_query_device_ex(context, NULL, &attr), 0);
	assert_int_equal(attr.hca_core_clock, 1000000);
	values.comp_mask = IBV_VALUES_MASK_RESERVED;
	assert_int_equal(ibv_query_rt_values_ex(context, &values), EINVAL);
}

/* --- memory --- */

static void memory_that_is_not_there_is_not_registered(void **state)
{
	char *hole =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ibv_mr *mr;

	(void)state;
	assert_int_equal(munmap(hole + PAGE, PAGE), 0);
	errno = 0;
	assert_null(ibv_reg_mr(pd, hole, 3 * PAGE, IBV_ACCESS_LOCAL_WRITE));
	assert_int_equal(errno, EFAULT);
	mr = ibv_reg_mr(pd, hole, PAGE, IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	mr = ibv_reg_mr(pd, hole, 3 * PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_ON_DEMAND);
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	munmap(hole, PAGE);
	munmap(hole + 2 * PAGE, PAGE);
}

static void writing_from_afar_needs_writing_here(void **state)
{
	static const int bad[] = { IBV_ACCESS_REMOTE_WRITE, IBV_ACCESS_REMOTE_ATOMIC,
				   IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		errno = 0;
		assert_null(ibv_reg_mr(pd, memory, PAGE, bad[i]));
		assert_int_equal(errno, EINVAL);
	}
}

static void flags_that_may_be_ignored_are(void **state)
{
	struct ibv_mr *mr =
		ibv_reg_mr(pd, memory, PAGE, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_OPTIONAL_RANGE);

	(void)state;
	assert_non_null(mr);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void all_of_the_memory_is_registered_on_demand(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, NULL, SIZE_MAX, ALL | IBV_ACCESS_ON_DEMAND);
	struct ibv_mr *null = ibv_alloc_null_mr(pd);
	struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = PAGE };

	(void)state;
	assert_non_null(mr);
	assert_non_null(null);
	sge.lkey = mr->lkey;
	assert_int_equal(ibv_advise_mr(pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE,
				       IBV_ADVISE_MR_FLAG_FLUSH, &sge, 1),
			 0);
	assert_int_equal(ibv_dereg_mr(null), 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void advice_is_checked(void **state)
{
	const int access = IBV_ACCESS_REMOTE_READ | IBV_ACCESS_ON_DEMAND;
	struct ibv_mr *pinned = ibv_reg_mr(pd, memory, PAGE, ALL);
	struct ibv_mr *reads = ibv_reg_mr(pd, memory, PAGE, access);
	struct ibv_pd *other = ibv_alloc_pd(context);
	const struct {
		struct ibv_pd *pd;
		uint32_t advice, flags, key, length;
		int rc;
	} cases[] = {
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE, 0 },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT, 0, reads->lkey, PAGE, 0 },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, 0, reads->lkey, PAGE, EPERM },
		{ other, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE, EPERM },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, reads->lkey, PAGE + 1, EFAULT },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, pinned->lkey, PAGE, EINVAL },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 0, 0x7fffff00, PAGE, EINVAL },
		{ pd, IBV_ADVISE_MR_ADVICE_PREFETCH, 2, reads->lkey, PAGE, EINVAL },
		{ pd, 77, 0, reads->lkey, PAGE, EOPNOTSUPP },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ibv_sge sge = { .addr = (uintptr_t)memory,
				       .length = cases[i].length,
				       .lkey = cases[i].key };

		assert_int_equal(
			ibv_advise_mr(cases[i].pd, cases[i].advice, cases[i].flags, &sge, 1),
			cases[i].rc);
	}
	assert_int_equal(ibv_dereg_mr(pinned), 0);
	assert_int_equal(ibv_dereg_mr(reads), 0);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

static void a_region_is_changed_or_left_as_it_was(void **state)
{
	struct ibv_pd *other = ibv_alloc_pd(context);
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL), old = *mr;
	const struct {
		int flags;
		struct ibv_pd *pd;
		void *addr;
		size_t length;
		int access;
	} bad[] = {
		{ 0, NULL, NULL, 0, 0 },
		{ 8, NULL, NULL, 0, 0 },
		{ IBV_REREG_MR_CHANGE_TRANSLATION, NULL, NULL, PAGE, 0 },
		{ IBV_REREG_MR_CHANGE_TRANSLATION, NULL, memory, 0, 0 },
		{ IBV_REREG_MR_CHANGE_PD, NULL, NULL, 0, 0 },
		{ IBV_REREG_MR_CHANGE_PD, other, NULL, 0, IBV_ACCESS_LOCAL_WRITE },
		{ IBV_REREG_MR_CHANGE_ACCESS, NULL, NULL, 0, IBV_ACCESS_REMOTE_WRITE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(ibv_rereg_mr(mr, bad[i].flags, bad[i].pd, bad[i].addr,
					      bad[i].length, bad[i].access),
				 IBV_REREG_MR_ERR_INPUT);
		assert_memory_equal(mr, &old, sizeof(old));
	}
	assert_int_equal(ibv_rereg_mr(mr, IBV_REREG_MR_CHANGE_TRANSLATION | IBV_REREG_MR_CHANGE_PD,
				      other, memory + PAGE, 2 * PAGE, 0),
			 0);
	assert_ptr_equal(mr->addr, memory + PAGE);
	assert_int_equal(mr->length, 2 * PAGE);
	assert_ptr_equal(mr->pd, other);
	assert_int_equal(mr->rkey, old.rkey);
	assert_int_equal(ibv_dealloc_pd(other), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_dealloc_pd(other), 0);
}

static void device_memory_is_written_and_read(void **state)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_device_attr_ex device;
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr);
	char text[16] = "";
	struct ibv_mr *mr;

	(void)state;
	assert_non_null(dm);
	assert_int_equal(ibv_memcpy_to_dm(dm, 100, "what is here\0\0\0", 16), 0);
	assert_int_equal(ibv_memcpy_from_dm(text, dm, 100, 16), 0);
	assert_string_equal(text, "what is here");
	assert_int_equal(ibv_memcpy_to_dm(dm, PAGE - 4, text, 8), EINVAL);
	assert_int_equal(ibv_memcpy_to_dm(dm, 2, text, 4), EINVAL);
	assert_int_equal(ibv_memcpy_from_dm(text, dm, 4, 6), EINVAL);
	mr = ibv_reg_dm_mr(pd, dm, 0, PAGE, IBV_ACCESS_ZERO_BASED | IBV_ACCESS_LOCAL_WRITE);
	assert_non_null(mr);
	assert_int_equal(ibv_free_dm(dm), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_free_dm(dm), 0);
	ibv_query_device_ex(context, NULL, &device);
	attr.length = device.max_dm_size + 1;
	assert_null(ibv_alloc_dm(context, &attr));
	attr = (struct ibv_alloc_dm_attr){ .length = PAGE, .comp_mask = 1 };
	assert_null(ibv_alloc_dm(context, &attr));
}

static void a_region_with_windows_stays(void **state)
{
	struct ibv_mw *one = ibv_alloc_mw(pd, IBV_MW_TYPE_1),
		      *two = ibv_alloc_mw(pd, IBV_MW_TYPE_2);

	(void)state;
	assert_non_null(one);
	assert_non_null(two);
	assert_int_not_equal(one->rkey, two->rkey);
	assert_int_equal(one->type, IBV_MW_TYPE_1);
	assert_null(ibv_alloc_mw(pd, 3));
	assert_int_equal(ibv_dealloc_mw(one), 0);
	assert_int_equal(ibv_dealloc_mw(two), 0);
}

/* --- what is in use stays --- */

static void a_domain_in_use_stays(void **state)
{
	struct ibv_pd *own = ibv_alloc_pd(context);
	struct ibv_port_attr port;
	struct ibv_ah_attr attr = { .port_num = 1, .is_global = 1 };
	struct ibv_ah *ah;
	struct ibv_mr *mr;
	struct ibv_mw *mw;

	(void)state;
	___ibv_query_port(context, 1, &port);
	attr.dlid = port.lid;
	ibv_query_gid(context, 1, 0, &attr.grh.dgid);
	mr = ibv_reg_mr(own, memory, PAGE, ALL);
	assert_int_equal(ibv_dealloc_pd(own), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	ah = ibv_create_ah(own, &attr);
	assert_non_null(ah);
	assert_int_equal(ibv_dealloc_pd(own), EBUSY);
	assert_int_equal(ibv_destroy_ah(ah), 0);
	mw = ibv_alloc_mw(own, IBV_MW_TYPE_1);
	assert_int_equal(ibv_dealloc_pd(own), EBUSY);
	assert_int_equal(ibv_dealloc_mw(mw), 0);
	assert_int_equal(ibv_dealloc_pd(own), 0);
}

static void *some_alloc(struct ibv_pd *domain, void *arg, size_t size, size_t align, uint64_t type)
{
	(void)domain;
	(void)arg;
	(void)size;
	(void)align;
	(void)type;
	return IBV_ALLOCATOR_USE_DEFAULT;
}

static void some_free(struct ibv_pd *domain, void *arg, void *at, uint64_t type)
{
	(void)domain;
	(void)arg;
	(void)at;
	(void)type;
}

static void a_parent_domain_holds_what_it_is_made_of(void **state)
{
	struct ibv_td_init_attr none = { 0 };
	struct ibv_td *td = ibv_alloc_td(context, &none);
	struct ibv_pd *own = ibv_alloc_pd(context), *parent;
	struct ibv_parent_domain_init_attr attr = {
		.pd = own,
		.td = td,
		.comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS |
			     IBV_PARENT_DOMAIN_INIT_ATTR_PD_CONTEXT,
		.alloc = some_alloc,
		.free = some_free,
	};
	struct ibv_mr *mr;

	(void)state;
	parent = ibv_alloc_parent_domain(context, &attr);
	assert_non_null(parent);
	mr = ibv_reg_mr(parent, memory, PAGE, ALL);
	assert_non_null(mr);
	assert_ptr_equal(mr->pd, parent);
	assert_int_equal(ibv_dealloc_td(td), EBUSY);
	assert_int_equal(ibv_dealloc_pd(own), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
	assert_int_equal(ibv_dealloc_pd(parent), 0);
	assert_int_equal(ibv_dealloc_td(td), 0);
	assert_int_equal(ibv_dealloc_pd(own), 0);
}

static void a_parent_domain_is_checked(void **state)
{
	struct ibv_parent_domain_init_attr bad[] = {
		{ .pd = NULL },
		{ .pd = pd, .comp_mask = 4 },
		{ .pd = pd,
		  .comp_mask = IBV_PARENT_DOMAIN_INIT_ATTR_ALLOCATORS,
		  .alloc = some_alloc },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		errno = 0;
		assert_null(ibv_alloc_parent_domain(context, &bad[i]));
		assert_int_equal(errno, EINVAL);
	}
}

static void xrc_domains_go_by_their_file(void **state)
{
	struct ibv_xrcd_init_attr attr = {
		.comp_mask = IBV_XRCD_INIT_ATTR_FD | IBV_XRCD_INIT_ATTR_OFLAGS,
		.fd = fileno(tmpfile()),
	};
	struct ibv_xrcd *one, *two;

	(void)state;
	assert_null(ibv_open_xrcd(context, &attr));
	assert_int_equal(errno, ENOENT);
	attr.oflags = O_CREAT;
	one = ibv_open_xrcd(context, &attr);
	assert_non_null(one);
	attr.oflags = O_CREAT | O_EXCL;
	assert_null(ibv_open_xrcd(context, &attr));
	assert_int_equal(errno, EEXIST);
	attr.oflags = 0;
	two = ibv_open_xrcd(context, &attr);
	assert_non_null(two);
	assert_int_equal(ibv_close_xrcd(one), 0);
	assert_int_equal(ibv_close_xrcd(two), 0);
	assert_null(ibv_open_xrcd(context, &attr));
	close(attr.fd);
	attr.fd = -1;
	assert_null(ibv_open_xrcd(context, &attr));
	assert_int_equal(errno, EINVAL);
	attr.comp_mask = 0;
	assert_null(ibv_open_xrcd(context, &attr));
	assert_int_equal(errno, EINVAL);
}

/* --- addresses --- */

static void an_answer_goes_back_to_the_sender(void **state)
{
	struct ibv_wc wc = { .slid = 7, .sl = 3, .dlid_path_bits = 0, .wc_flags = IBV_WC_GRH };
	struct ibv_grh grh = { .version_tclass_flow = htobe32(6u << 28 | 0x21u << 20 | 0x12345),
			       .hop_limit = 9 };
	struct ibv_ah_attr attr;
	struct ibv_ah *ah;

	(void)state;
	ibv_query_gid(context, 1, 0, &grh.dgid);
	memset(grh.sgid.raw, 0x77, sizeof(grh.sgid.raw));
	grh.sgid.raw[0] = 0xfd;
	assert_int_equal(ibv_init_ah_from_wc(context, 1, &wc, &grh, &attr), 0);
	assert_int_equal(attr.dlid, 7);
	assert_int_equal(attr.sl, 3);
	assert_int_equal(attr.is_global, 1);
	assert_int_equal(attr.port_num, 1);
	assert_int_equal(attr.grh.sgid_index, 0);
	assert_int_equal(attr.grh.flow_label, 0x12345);
	assert_int_equal(attr.grh.traffic_class, 0x21);
	assert_memory_equal(&attr.grh.dgid, &grh.sgid, sizeof(grh.sgid));
	ah = ibv_create_ah_from_wc(pd, &wc, &grh, 1);
	assert_non_null(ah);
	assert_int_equal(ibv_destroy_ah(ah), 0);
	memset(grh.dgid.raw, 0x12, sizeof(grh.dgid.raw));
	assert_int_equal(ibv_init_ah_from_wc(context, 1, &wc, &grh, &attr), -1);
	assert_null(ibv_create_ah_from_wc(pd, &wc, &grh, 1));
}

static void an_ipv4_header_is_read_too(void **state)
{
	struct ibv_wc wc = { .wc_flags = IBV_WC_GRH };
	union ibv_gid gid;
	struct ibv_ah_attr attr;
	struct ibv_grh grh;
	uint8_t ip[20] = { 0x45, 0x28, [8] = 33, [12] = 10, 1, 2, 3 };

	(void)state;
	ibv_query_gid(context, 1, 0, &gid);
	memset(&grh, 0, sizeof(grh));
	/* to a group, since none of our own may be an IPv4 address */
	memcpy(ip + 16, (uint8_t[]){ 224, 0, 0, 1 }, 4);
	memcpy((char *)&grh + 20, ip, sizeof(ip));
	if (ibv_init_ah_from_wc(context, 1, &wc, &grh, &attr) == 0) {
		assert_int_equal(attr.grh.hop_limit, 33);
		assert_int_equal(attr.grh.traffic_class, 0x28);
		assert_memory_equal(attr.grh.dgid.raw + 12, ip + 12, 4);
	}
}

static void addresses_are_checked(void **state)
{
	struct ibv_ah_attr bad[] = {
		{ .port_num = 0, .dlid = 1 },
		{ .port_num = 2, .dlid = 1 },
		{ .port_num = 1, .is_global = 1, .grh = { .sgid_index = 200 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		errno = 0;
		assert_null(ibv_create_ah(pd, &bad[i]));
		assert_int_equal(errno, EINVAL);
	}
}

/* --- import --- */

static void what_is_imported_is_the_same(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL), *mr2;
	struct ibv_context *imported = ibv_import_device(dup(context->cmd_fd));
	struct ibv_pd *pd2;

	(void)state;
	assert_non_null(imported);
	assert_ptr_equal(imported->device, context->device);
	assert_null(ibv_import_pd(imported, 0x7fffff00));
	pd2 = ibv_import_pd(imported, pd->handle);
	assert_non_null(pd2);
	assert_null(ibv_import_mr(pd2, 0x7fffff00));
	mr2 = ibv_import_mr(pd2, mr->handle);
	assert_non_null(mr2);
	assert_int_equal(mr2->lkey, mr->lkey);
	assert_int_equal(mr2->rkey, mr->rkey);
	assert_int_equal(mr2->length, mr->length);
	ibv_unimport_mr(mr2);
	ibv_unimport_pd(pd2);
	assert_int_equal(ibv_close_device(imported), 0);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void another_descriptor_is_no_device(void **state)
{
	int fd = open("/dev/null", O_RDWR);

	(void)state;
	assert_null(ibv_import_device(-1));
	assert_null(ibv_import_device(fd));
	close(fd);
	fd = memfd_create("nothing", MFD_CLOEXEC);
	assert_null(ibv_import_device(fd));
	close(fd);
}

static void send_fd(int socket, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { { 0 } };
	struct iovec part = { .iov_base = (char[]){ 'x' }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static int receive_fd(int socket)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &message, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* What the child finds out: a code per thing that is not as it should be. */
static int import_in_child(int socket, uint32_t pd_handle, uint32_t mr_handle, uint32_t rkey)
{
	struct ibv_context *imported = ibv_import_device(receive_fd(socket));
	struct ibv_pd *pd2 = imported ? ibv_import_pd(imported, pd_handle) : NULL;
	struct ibv_mr *mr2 = pd2 ? ibv_import_mr(pd2, mr_handle) : NULL;
	struct ibv_mr *own;

	if (!imported)
		return 2;
	if (!pd2)
		return 3;
	if (!mr2 || mr2->rkey != rkey || mr2->length != PAGE)
		return 4;
	own = ibv_reg_mr(pd2, memory, PAGE, ALL);
	if (!own || ibv_dereg_mr(own))
		return 5;
	ibv_unimport_mr(mr2);
	ibv_unimport_pd(pd2);
	return ibv_close_device(imported) ? 6 : 0;
}

static void another_process_can_import(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL);
	int sockets[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	child = fork();
	if (child == 0)
		exit(import_in_child(sockets[1], pd->handle, mr->handle, mr->rkey));
	send_fd(sockets[0], context->cmd_fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(sockets[0]);
	close(sockets[1]);
	/* and what it did has changed nothing here */
	assert_int_equal(ibv_dealloc_pd(pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static void device_memory_is_imported(void **state)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr), *dm2;
	struct ibv_context *imported = ibv_import_device(dup(context->cmd_fd));
	char text[8] = "";

	(void)state;
	assert_null(ibv_import_dm(imported, 0x7fffff00));
	dm2 = ibv_import_dm(imported, dm->handle);
	assert_non_null(dm2);
	assert_int_equal(ibv_memcpy_to_dm(dm, 8, "shared\0", 8), 0);
	assert_int_equal(ibv_memcpy_from_dm(text, dm2, 8, 8), 0);
	assert_string_equal(text, "shared");
	ibv_unimport_dm(dm2);
	assert_int_equal(ibv_close_device(imported), 0);
	assert_int_equal(ibv_free_dm(dm), 0);
}

/* --- fork --- */

static int use_in_child(void)
{
	struct ibv_context *own = open_first();
	struct ibv_pd *domain = own ? ibv_alloc_pd(own) : NULL;
	struct ibv_mr *mr = domain ? ibv_reg_mr(domain, memory, PAGE, ALL) : NULL;

	return !mr || ibv_dereg_mr(mr) || ibv_dealloc_pd(domain) || ibv_close_device(own);
}

static void a_child_opens_the_device_anew(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		exit(use_in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_non_null(context);
}

static int go_on_in_child(void)
{
	struct ibv_alloc_dm_attr attr = { .length = PAGE };
	struct ibv_dm *dm = ibv_alloc_dm(context, &attr);
	struct ibv_pd *domain = ibv_alloc_pd(context);
	struct ibv_mr *mr = domain ? ibv_reg_mr(domain, memory, PAGE, ALL) : NULL;
	struct ibv_port_attr port;

	if (!dm || ibv_memcpy_to_dm(dm, 0, "one", 4) || ibv_free_dm(dm))
		return 2;
	if (!mr || ibv_dereg_mr(mr) || ibv_dealloc_pd(domain))
		return 3;
	return ___ibv_query_port(context, 1, &port) || port.state != IBV_PORT_ACTIVE ? 4 : 0;
}

static void a_child_goes_on_with_a_context_of_its_parent(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0)
		exit(go_on_in_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What a child does with its parent's objects is of no use, but does no harm. */
static void a_child_that_closes_changes_nothing_for_its_parent(void **state)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, PAGE, ALL);
	int status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		ibv_close_device(context);
		exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(ibv_dealloc_pd(pd), EBUSY);
	assert_int_equal(ibv_dereg_mr(mr), 0);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_may_be_freed_in_both_ways),
		cmocka_unit_test(a_device_is_the_same_in_every_list),
		cmocka_unit_test(behind_a_device_there_are_zeros),
		cmocka_unit_test(no_function_of_a_context_is_missing),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(what_moderates_events_is_known_and_checked),
		cmocka_unit_test(contexts_have_descriptors_of_their_own),
		cmocka_unit_test(a_closed_context_leaves_no_descriptor),
		cmocka_unit_test(a_context_may_be_closed_before_its_queues),
		cmocka_unit_test(attributes_go_no_further_than_the_program_says),
		cmocka_unit_test(attributes_longer_than_ours_end_in_zeros),
		cmocka_unit_test(an_old_port_query_writes_an_old_structure),
		cmocka_unit_test(there_is_one_port),
		cmocka_unit_test(gids_are_the_same_in_every_way_to_ask),
		cmocka_unit_test(the_partition_key_is_the_default_one),
		cmocka_unit_test(the_raw_clock_counts_nanoseconds),
		cmocka_unit_test(memory_that_is_not_there_is_not_registered),
		cmocka_unit_test(writing_from_afar_needs_writing_here),
		cmocka_unit_test(flags_that_may_be_ignored_are),
		cmocka_unit_test(all_of_the_memory_is_registered_on_demand),
		cmocka_unit_test(advice_is_checked),
		cmocka_unit_test(a_region_is_changed_or_left_as_it_was),
		cmocka_unit_test(device_memory_is_written_and_read),
		cmocka_unit_test(a_region_with_windows_stays),
		cmocka_unit_test(a_domain_in_use_stays),
		cmocka_unit_test(a_parent_domain_holds_what_it_is_made_of),
		cmocka_unit_test(a_parent_domain_is_checked),
		cmocka_unit_test(xrc_domains_go_by_their_file),
		cmocka_unit_test(an_answer_goes_back_to_the_sender),
		cmocka_unit_test(an_ipv4_header_is_read_too),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(what_is_imported_is_the_same),
		cmocka_unit_test(another_descriptor_is_no_device),
		cmocka_unit_test(another_process_can_import),
		cmocka_unit_test(device_memory_is_imported),
		cmocka_unit_test(a_child_opens_the_device_anew),
		cmocka_unit_test(a_child_goes_on_with_a_context_of_its_parent),
		cmocka_unit_test(a_child_that_closes_changes_nothing_for_its_parent),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

int main(int argc, char **argv)
{
	(void)argc;
	return preloaded(argv, LIBNETEMU, "device=emulated,link_layer=ib", run);
}
