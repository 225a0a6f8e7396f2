/* SPDX-License-Identifier: Apache-2.0 */
/* unit-memory-kinds.c - the null region, device memory, windows */
#include "memorylib.h"

/* --- other kinds of regions --- */

static void the_null_region_takes_all_and_gives_zeros(void **state)
{
	struct payload null = { 0 },
		       own = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, 64 } } };
	struct mr mr;

	(void)state;
	assert_int_equal(
		mr_register(&mr, &host.context, &host.pd, MR_NULL, 0, 0, 0, ACCESS_LOCAL_WRITE), 0);
	assert_int_equal(find_as(mr.key, 0xdead0000, 64, ACCESS_LOCAL_WRITE, host.pd.number,
				 host.fabric.self, 0, &null),
			 0);
	memset(memory, 'x', 65);
	assert_int_equal(memory_copy(&host.fabric, &null, 0, &own, 0, 64), 0);
	assert_int_equal(memory[63], 'x');
	assert_int_equal(memory_copy(&host.fabric, &own, 0, &null, 0, 64), 0);
	for (int i = 0; i < 64; i++)
		assert_int_equal(memory[i], 0);
	assert_int_equal(memory[64], 'x');
	assert_int_equal(mr_deregister(&mr), 0);
}

static void device_memory_is_read_and_written(void **state)
{
	struct payload there,
		own = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, 64 } } };
	char text[8] = "";
	struct dm dm;
	struct mr mr;

	(void)state;
	assert_int_equal(
		dm_create(&dm, &host.context, host.context.device->limits.max_dm_size + 1, 0), -1);
	assert_int_equal(dm_create(&dm, &host.context, 100, 0), 0);
	assert_int_equal(mr_register_dm(&mr, &host.pd, &dm, 4, 97, ACCESS_LOCAL_WRITE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
		mr_register_dm(&mr, &host.pd, &dm, 4, 96, ACCESS_LOCAL_WRITE | ACCESS_ZERO_BASED),
		0);
	assert_int_equal(dm_destroy(&dm), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(find_as(mr.key, 0, 97, 0, host.pd.number, host.fabric.self, 0, &there),
			 WC_LOC_PROT_ERR);
	assert_int_equal(find_as(mr.key, 6, 4, ACCESS_LOCAL_WRITE, host.pd.number, host.fabric.self,
				 0, &there),
			 0);
	memcpy(memory, "word", 4);
	assert_int_equal(memory_copy(&host.fabric, &there, 0, &own, 0, 4), 0);
	assert_int_equal(dm_read(&dm, 10, text, 4), 0);
	assert_string_equal(text, "word");
	assert_int_equal(dm_write(&dm, 97, text, 4), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(dm_read(&dm, UINT64_MAX, text, 4), -1);
	assert_int_equal(mr_deregister(&mr), 0);
	assert_int_equal(dm_destroy(&dm), 0);
}

static int few_set_up(void **state)
{
	(void)state;
	lab_open(&lab, "max_dm=3,max_dm_size=8k", 1);
	host_join(&host, &lab, 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED;
}

static void expect_no_memory(uint64_t length)
{
	struct dm dm;

	errno = 0;
	assert_int_equal(dm_create(&dm, &host.context, length, 0), -1);
	assert_int_equal(errno, ENOMEM);
}

static void device_memory_is_no_more_than_there_is(void **state)
{
	struct dm a, b, c;

	(void)state;
	assert_int_equal(dm_create(&a, &host.context, 8192, 0), 0);
	expect_no_memory(1);
	assert_int_equal(dm_destroy(&a), 0);
	assert_int_equal(dm_create(&a, &host.context, 5000, 0), 0);
	expect_no_memory(3193);
	assert_int_equal(dm_create(&b, &host.context, 3190, 12), 0);
	assert_int_equal(dm_create(&c, &host.context, 1, 0), 0);
	expect_no_memory(1); /* as many pieces as may be */
	assert_int_equal(dm_destroy(&b), 0);
	assert_int_equal(dm_destroy(&c), 0);
	assert_int_equal(dm_create(&b, &host.context, 3192, 0), 0);
	assert_int_equal(dm_destroy(&a), 0);
	assert_int_equal(dm_destroy(&b), 0);
}

static void take_all_and_die(void *arg)
{
	struct host other = { 0 };
	struct dm dm;

	(void)arg;
	host_join(&other, &lab, 0);
	assert_int_equal(dm_create(&dm, &other.context, 8192, 0), 0);
	raise(SIGKILL);
}

static void device_memory_of_the_dead_is_free(void **state)
{
	uint32_t number;
	struct dm dm;
	pid_t child;
	int status;

	(void)state;
	number = host.fabric.self;
	child = child_run(take_all_and_die, NULL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		if (i != number &&
		    atomic_load(&host.fabric.segment.header->process[i].state) != PROCESS_FREE)
			fabric_reap(&host.fabric, i);
	assert_int_equal(dm_create(&dm, &host.context, 8192, 0), 0);
	assert_int_equal(dm_destroy(&dm), 0);
}

/* --- windows --- */

static struct end end; /* whose queue pair binds */

static struct shared_sqe binding(const struct mr *window, uint32_t key, const struct mr *region,
				 void *addr, uint64_t length, uint32_t access)
{
	return (struct shared_sqe){
		.opcode = WR_BIND_MW,
		.window = window->key,
		.window_key = key,
		.region_key = region ? region->key : 0,
		.window_addr = (uintptr_t)addr,
		.window_length = length,
		.window_access = access,
	};
}

static int bind(struct shared_sqe sqe)
{
	_Atomic uint64_t *section = section_enter(&host.fabric);
	int status = window_bind(&host.fabric, end.qp.shared, &sqe);

	section_leave(section);
	return status;
}

static int invalidate(uint32_t key)
{
	_Atomic uint64_t *section = section_enter(&host.fabric);
	int status = window_invalidate(&host.fabric, end.qp.shared, key);

	section_leave(section);
	return status;
}

static int find_window(uint32_t key, void *addr, uint64_t length, uint32_t access, uint32_t qpn)
{
	struct payload payload;

	return find_as(key, (uintptr_t)addr, length, access, host.pd.number, host.fabric.self, qpn,
		       &payload);
}

static int make_end(void **state)
{
	struct end_options options = { .type = QP_RC };

	if (set_up(state))
		return -1;
	end_create(&end, &host, &options);
	return 0;
}

static int break_end(void **state)
{
	end_destroy(&end);
	return tear_down(state);
}

#define RR ACCESS_REMOTE_READ
#define RW ACCESS_REMOTE_WRITE

static void a_window_of_kind_1_is_bound_and_bound_anew(void **state)
{
	uint32_t first, second;
	struct mr mw;

	(void)state;
	assert_int_equal(mw_create(&mw, &host.context, &host.pd, MR_WINDOW1), 0);
	assert_int_equal(find_window(mw.key, end.memory, 1, RR, 0), WC_LOC_PROT_ERR);
	first = mw.key + 1;
	assert_int_equal(bind(binding(&mw, first, &end.mr, end.memory + 8, 16, RR)), WC_SUCCESS);
	assert_int_equal(find_window(first, end.memory + 8, 16, RR, 0), 0);
	assert_int_equal(find_window(first, end.memory + 8, 17, RR, 0), WC_LOC_PROT_ERR);
	assert_int_equal(find_window(first, end.memory + 7, 1, RR, 0), WC_LOC_PROT_ERR);
	assert_int_equal(find_window(first, end.memory + 8, 1, RW, 0), WC_LOC_PROT_ERR);
	/* it is no key for own requests */
	assert_int_equal(find_window(first, end.memory + 8, 1, 0, 0), WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&end.mr), -1);
	assert_int_equal(errno, EBUSY);
	second = first + 1;
	assert_int_equal(bind(binding(&mw, second, &end.mr, end.memory + 64, 8, RW)), WC_SUCCESS);
	assert_int_equal(find_window(first, end.memory + 8, 1, RR, 0), WC_LOC_PROT_ERR);
	assert_int_equal(find_window(second, end.memory + 64, 8, RW, 0), 0);
	/* length 0 unbinds */
	assert_int_equal(bind(binding(&mw, second + 1, NULL, NULL, 0, 0)), WC_SUCCESS);
	assert_int_equal(find_window(second, end.memory + 64, 8, RW, 0), WC_LOC_PROT_ERR);
	assert_int_equal(find_window(second + 1, end.memory + 64, 8, RW, 0), WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&end.mr), 0);
	assert_int_equal(mw_destroy(&mw), 0);
	assert_int_equal(register_at(&end.mr, end.memory, end.size, ALL_ACCESS), 0);
}

static void a_window_of_kind_2_is_of_one_queue_pair_until_it_is_invalidated(void **state)
{
	uint32_t qpn = end.qp.number, key;
	struct mr mw;

	(void)state;
	assert_int_equal(mw_create(&mw, &host.context, &host.pd, MR_WINDOW2), 0);
	key = (mw.key & ~0xffU) | ((mw.key + 77) & 0xff);
	assert_int_equal(bind(binding(&mw, key, &end.mr, end.memory, 100, RR | RW)), WC_SUCCESS);
	assert_int_equal(find_window(key, end.memory, 100, RW, qpn), 0);
	assert_int_equal(find_window(key, end.memory, 100, RW, qpn + 256), WC_LOC_PROT_ERR);
	/* bound is bound */
	assert_int_equal(bind(binding(&mw, key + 1, &end.mr, end.memory, 100, RR)), WC_MW_BIND_ERR);
	assert_int_equal(find_window(key, end.memory, 100, RW, qpn), 0);
	assert_int_equal(invalidate(key ^ 1), WC_MW_BIND_ERR);
	assert_int_equal(invalidate(end.mr.key), WC_MW_BIND_ERR);
	assert_int_equal(invalidate(key), WC_SUCCESS);
	assert_int_equal(invalidate(key), WC_MW_BIND_ERR);
	assert_int_equal(find_window(key, end.memory, 100, RW, qpn), WC_LOC_PROT_ERR);
	/* with an address of its own, from 0 */
	assert_int_equal(
		bind(binding(&mw, key + 1, &end.mr, end.memory + 32, 100, RR | ACCESS_ZERO_BASED)),
		WC_SUCCESS);
	assert_int_equal(find_window(key + 1, (void *)99, 1, RR, qpn), 0);
	assert_int_equal(find_window(key + 1, (void *)100, 1, RR, qpn), WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&end.mr), -1);
	/* destroying it while it is bound unbinds it */
	assert_int_equal(mw_destroy(&mw), 0);
	assert_int_equal(mr_deregister(&end.mr), 0);
	assert_int_equal(register_at(&end.mr, end.memory, end.size, ALL_ACCESS), 0);
}

static void what_may_not_be_bound_is_refused(void **state)
{
	struct mr one, two, closed, constant, foreign;
	struct pd other;

	(void)state;
	assert_int_equal(pd_create(&other, &host.context), 0);
	assert_int_equal(mw_create(&one, &host.context, &host.pd, MR_WINDOW1), 0);
	assert_int_equal(mw_create(&two, &host.context, &host.pd, MR_WINDOW2), 0);
	assert_int_equal(mw_create(&foreign, &host.context, &other, MR_WINDOW1), 0);
	assert_int_equal(register_at(&closed, memory, 64, ACCESS_LOCAL_WRITE), 0);
	assert_int_equal(register_at(&constant, memory, 64, ACCESS_MW_BIND), 0);
	const struct shared_sqe bad[] = {
		binding(&one, one.key + 1, &closed, memory, 8, RR),
		binding(&one, one.key + 1, &constant, memory, 8, RW),
		binding(&one, one.key + 1, &constant, memory, 8, ACCESS_REMOTE_ATOMIC),
		binding(&one, one.key + 1, &constant, memory, 65, RR),
		binding(&one, one.key + 1, &constant, memory + 60, 5, RR),
		binding(&one, one.key + 1, &constant, memory - 1, 5, RR),
		binding(&one, one.key + 1, &constant, memory, 8, RR | ACCESS_ZERO_BASED),
		binding(&one, one.key + 1, &two, memory, 8, RR),
		binding(&foreign, foreign.key + 1, &constant, memory, 8, RR),
		binding(&constant, constant.key + 1, &constant, memory, 8, RR),
		binding(&two, two.key + 1, &constant, memory, 0, RR),
	};

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(bind(bad[i]), WC_MW_BIND_ERR);
	assert_int_equal(bind(binding(&one, one.key + 1, &constant, memory, 64, RR)), WC_SUCCESS);
	assert_int_equal(pd_destroy(&other), -1);
	assert_int_equal(mw_destroy(&foreign), 0);
	assert_int_equal(pd_destroy(&other), 0);
	assert_int_equal(mw_destroy(&one), 0);
	assert_int_equal(mw_destroy(&two), 0);
	assert_int_equal(mr_deregister(&closed), 0);
	assert_int_equal(mr_deregister(&constant), 0);
	assert_int_equal(mw_create(&one, &host.context, &host.pd, MR_MEMORY), -1);
	assert_int_equal(errno, EINVAL);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define test_few(name)  cmocka_unit_test_setup_teardown(name, few_set_up, tear_down)
#define test_end(name)  cmocka_unit_test_setup_teardown(name, make_end, break_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(the_null_region_takes_all_and_gives_zeros),
		test_with(device_memory_is_read_and_written),
		test_few(device_memory_is_no_more_than_there_is),
		test_few(device_memory_of_the_dead_is_free),
		test_end(a_window_of_kind_1_is_bound_and_bound_anew),
		test_end(a_window_of_kind_2_is_of_one_queue_pair_until_it_is_invalidated),
		test_end(what_may_not_be_bound_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
