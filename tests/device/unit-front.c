/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, contexts and the small objects through the verbs' own interface, as a program
 * sees them that has the device preloaded.
 */
#define _GNU_SOURCE
#include "frontlib.h"

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
		cmocka_unit_test(a_domain_in_use_stays),
		cmocka_unit_test(a_parent_domain_holds_what_it_is_made_of),
		cmocka_unit_test(a_parent_domain_is_checked),
		cmocka_unit_test(xrc_domains_go_by_their_file),
		cmocka_unit_test(an_answer_goes_back_to_the_sender),
		cmocka_unit_test(an_ipv4_header_is_read_too),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

int main(int argc, char **argv)
{
	(void)argc;
	return preloaded(argv, LIBNETEMU, "device=emulated,link_layer=ib", run);
}
