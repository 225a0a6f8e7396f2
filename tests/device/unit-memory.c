/* SPDX-License-Identifier: Apache-2.0 */
/* unit-memory.c - keys open what they are meant to and nothing else, and bytes get there */
#include "memorylib.h"

static void a_key_opens_its_range_and_no_byte_more(void **state)
{
	struct mr mr;

	(void)state;
	assert_int_equal(register_at(&mr, memory + 100, 1000, ACCESS_REMOTE_READ), 0);
	assert_int_equal(find(mr.key, memory + 100, 1000, ACCESS_REMOTE_READ), 0);
	assert_int_equal(find(mr.key, memory + 1099, 1, ACCESS_REMOTE_READ), 0);
	assert_int_equal(find(mr.key, memory + 99, 1, ACCESS_REMOTE_READ), WC_LOC_PROT_ERR);
	assert_int_equal(find(mr.key, memory + 1100, 1, ACCESS_REMOTE_READ), WC_LOC_PROT_ERR);
	assert_int_equal(find(mr.key, memory + 100, 1001, ACCESS_REMOTE_READ), WC_LOC_PROT_ERR);
	assert_int_equal(find(mr.key, memory + 1099, 2, ACCESS_REMOTE_READ), WC_LOC_PROT_ERR);
	assert_int_equal(find(mr.key, memory + 100, UINT64_MAX, ACCESS_REMOTE_READ),
			 WC_LOC_PROT_ERR);
	assert_int_equal(find(mr.key, memory + 101, UINT64_MAX, ACCESS_REMOTE_READ),
			 WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&mr), 0);
}

static void of_nothing_no_key_is_looked_at(void **state)
{
	(void)state;
	assert_int_equal(find(0x12345678, NULL, 0, ACCESS_REMOTE_WRITE), 0);
}

static void an_iova_stands_for_the_address(void **state)
{
	struct payload payload;
	struct mr mr;

	(void)state;
	assert_int_equal(mr_register(&mr, &host.context, &host.pd, MR_MEMORY, (uintptr_t)memory,
				     8192, 0x10000, ACCESS_LOCAL_WRITE),
			 0);
	assert_int_equal(find_as(mr.key, 0x10010, 32, ACCESS_LOCAL_WRITE, host.pd.number,
				 host.fabric.self, 0, &payload),
			 0);
	assert_ptr_equal(payload.part[0].iov_base, memory + 16);
	assert_int_equal(find(mr.key, memory, 1, 0), WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&mr), 0);
}

static void a_key_is_for_its_domain_process_and_device(void **state)
{
	uint32_t self = host.fabric.self, pd = host.pd.number;
	struct payload payload;
	struct pd other;
	struct mr mr;

	(void)state;
	assert_int_equal(pd_create(&other, &host.context), 0);
	assert_int_equal(register_at(&mr, memory, 64, 0), 0);
	assert_int_equal(find_as(mr.key, (uintptr_t)memory, 8, 0, pd, self, 0, &payload), 0);
	assert_int_equal(find_as(mr.key, (uintptr_t)memory, 8, 0, other.number, self, 0, &payload),
			 WC_LOC_PROT_ERR);
	assert_int_equal(find_as(mr.key, (uintptr_t)memory, 8, 0, pd, self + 1, 0, &payload),
			 WC_LOC_PROT_ERR);
	assert_int_equal(mr_deregister(&mr), 0);
	assert_int_equal(pd_destroy(&other), 0);
}

/* Every access that may be registered against every one that may be needed. */
static void access_is_what_was_registered(void **state)
{
	const uint32_t writes = ACCESS_REMOTE_WRITE | ACCESS_REMOTE_ATOMIC;

	(void)state;
	for (uint32_t has = 0; has < 16; has++) {
		bool valid = has & ACCESS_LOCAL_WRITE || !(has & writes);
		struct mr mr;
		int rc = register_at(&mr, memory, 64, has);

		assert_int_equal(rc, valid ? 0 : -1);
		if (rc) {
			assert_int_equal(errno, EINVAL);
			continue;
		}
		for (uint32_t needs = 0; needs < 16; needs++)
			assert_int_equal(find(mr.key, memory, 64, needs),
					 (has | needs) == has ? 0 : WC_LOC_PROT_ERR);
		assert_int_equal(mr_deregister(&mr), 0);
	}
}

static void what_cannot_be_registered_is_refused(void **state)
{
	char *hole =
		mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t users = atomic_load(&host.pd.shared->users);
	struct {
		void *addr;
		uint64_t length;
		uint32_t access;
		int error;
	} bad[] = {
		{ memory, 0, 0, EINVAL },
		{ memory, 64, 1 << 10, EINVAL },
		{ memory, 64, 1U << 30, EINVAL },
		{ memory, UINT64_MAX, 0, EINVAL },
		{ memory, host.context.device->limits.max_mr_size + 1, 0, EINVAL },
		{ NULL, 64, 0, EFAULT },
		{ hole, 4 * 4096, 0, EFAULT },
		{ hole + 4096, 1, 0, EFAULT },
		{ constant, 4096, ACCESS_LOCAL_WRITE, EFAULT },
	};

	(void)state;
	munmap(hole + 4096, 4096);
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct mr mr;

		errno = 0;
		assert_int_equal(register_at(&mr, bad[i].addr, bad[i].length, bad[i].access), -1);
		assert_int_equal(errno, bad[i].error);
	}
	assert_int_equal(atomic_load(&host.pd.shared->users), users);
	munmap(hole, 4096);
	munmap(hole + 2 * 4096, 2 * 4096);
	munmap(constant, 4096);
}

static void read_only_memory_can_be_sent(void **state)
{
	char *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mr mr;

	(void)state;
	assert_int_equal(register_at(&mr, constant, 4096, ACCESS_REMOTE_READ), 0);
	assert_int_equal(mr_deregister(&mr), 0);
	munmap(constant, 4096);
}

static void old_keys_open_nothing(void **state)
{
	uint32_t old[64];
	struct mr mr;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_equal(register_at(&mr, memory, 64, 0), 0);
		old[i] = mr.key;
		assert_int_equal(mr_deregister(&mr), 0);
	}
	assert_int_equal(register_at(&mr, memory, 64, 0), 0);
	for (uint32_t i = 0; i < 64; i++) {
		assert_int_not_equal(old[i], mr.key);
		assert_int_equal(find(old[i], memory, 1, 0), WC_LOC_PROT_ERR);
	}
	assert_int_equal(mr_deregister(&mr), 0);
}

static void registering_anew_changes_what_was_asked(void **state)
{
	struct payload payload;
	struct pd other;
	struct mr mr;
	uint32_t old;

	(void)state;
	assert_int_equal(pd_create(&other, &host.context), 0);
	assert_int_equal(register_at(&mr, memory, 64, 0), 0);
	old = mr.key;
	assert_int_equal(mr_reregister(&mr, 4, NULL, 0, 0, ACCESS_REMOTE_READ), 0);
	assert_int_equal(mr.key, old); /* as the kernel's drivers keep it */
	assert_int_equal(find(mr.key, memory, 64, ACCESS_REMOTE_READ), 0);
	assert_int_equal(mr_reregister(&mr, 1, NULL, (uintptr_t)memory + 4096, 128, 0), 0);
	assert_int_equal(find(mr.key, memory + 4096, 128, ACCESS_REMOTE_READ), 0);
	assert_int_equal(find(mr.key, memory, 64, 0), WC_LOC_PROT_ERR);
	assert_int_equal(mr_reregister(&mr, 2, &other, 0, 0, 0), 0);
	assert_int_equal(find_as(mr.key, (uintptr_t)memory + 4096, 128, 0, other.number,
				 host.fabric.self, 0, &payload),
			 0);
	assert_int_equal(pd_destroy(&other), -1);
	assert_int_equal(errno, EBUSY);
	old = mr.key;
	assert_int_equal(mr_reregister(&mr, 4, NULL, 0, 0, ACCESS_REMOTE_WRITE), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(mr_reregister(&mr, 0, NULL, 0, 0, 0), -1);
	assert_int_equal(mr_reregister(&mr, 8, NULL, 0, 0, 0), -1);
	assert_int_equal(mr.key, old);
	assert_int_equal(mr_deregister(&mr), 0);
	assert_int_equal(pd_destroy(&other), 0);
}

static void scattered_memory_is_checked_piece_by_piece(void **state)
{
	struct shared_sge sge[3];
	struct payload payload;
	struct mr mr, constant;

	(void)state;
	assert_int_equal(register_at(&mr, memory, 4096, ACCESS_LOCAL_WRITE), 0);
	assert_int_equal(register_at(&constant, memory + 4096, 4096, 0), 0);
	sge[0] = (struct shared_sge){ (uintptr_t)memory + 10, 20, mr.key };
	sge[1] = (struct shared_sge){ 1, 0, 99 };
	sge[2] = (struct shared_sge){ (uintptr_t)memory + 4096, 30, constant.key };
	assert_int_equal(memory_gather(&host.fabric, host.context.number, sge, 3, false,
				       host.pd.number, host.fabric.self, &payload),
			 0);
	assert_int_equal(payload_length(&payload), 50);
	assert_int_equal(payload.process, PAYLOAD_HERE);
	assert_int_equal(memory_gather(&host.fabric, host.context.number, sge, 3, true,
				       host.pd.number, host.fabric.self, &payload),
			 WC_LOC_PROT_ERR);
	assert_int_equal(memory_gather(&host.fabric, host.context.number, sge, 2, true,
				       host.pd.number, host.fabric.self, &payload),
			 0);
	assert_int_equal(mr_deregister(&mr), 0);
	assert_int_equal(mr_deregister(&constant), 0);
}

/* --- copying, against arrays that lie in one piece --- */

/* LENGTH bytes of MEMORY cut at random, some pieces nowhere; FLAT: where byte I lies,
 * or -1.
 */
static void cut(struct random *dice, struct payload *payload, uint64_t length, int32_t *flat)
{
	uint64_t at = 0;

	*payload = (struct payload){ .process = PAYLOAD_HERE };
	while (at < length) {
		uint64_t some = 1 + random_below(dice, length);
		uint64_t place = random_below(dice, SIZE - 2048);
		bool nowhere = !random_below(dice, 6);

		if (some > length - at || payload->parts == PAYLOAD_PARTS - 1)
			some = length - at;
		payload->part[payload->parts++] = (struct iovec){
			.iov_base = nowhere ? NULL : memory + place,
			.iov_len = some,
		};
		for (uint64_t i = 0; i < some; i++, at++)
			flat[at] = nowhere ? -1 : (int32_t)(place + i);
	}
}

static void copies_as_byte_after_byte(void **state)
{
	static int32_t to_flat[2048], from_flat[2048];
	static char before[SIZE], expected[SIZE];
	struct random dice;
	uint32_t compared = 0;

	(void)state;
	random_init(&dice, 4, "memory", 0);
	for (uint32_t round = 0; round < 3000; round++) {
		uint64_t length = 1 + random_below(&dice, 1000);
		uint64_t to_at = random_below(&dice, 1000), from_at = random_below(&dice, 1000);
		struct payload to, from;
		bool overlap = false;

		for (uint32_t i = 0; i < SIZE; i++)
			before[i] = (char)(random_next(&dice) >> 9);
		memcpy(memory, before, SIZE);
		memcpy(expected, before, SIZE);
		cut(&dice, &to, to_at + length, to_flat);
		cut(&dice, &from, from_at + length, from_flat);
		for (uint64_t i = 0; i < length; i++) {
			int32_t t = to_flat[to_at + i], f = from_flat[from_at + i];

			if (t < 0)
				continue;
			expected[t] = f < 0 ? 0 : before[f];
			for (uint64_t k = 0; k < length && !overlap; k++)
				overlap = from_flat[from_at + k] == t ||
					  (k != i && to_flat[to_at + k] == t);
		}
		if (overlap)
			continue;
		assert_int_equal(memory_copy(&host.fabric, &to, to_at, &from, from_at, length), 0);
		assert_memory_equal(memory, expected, SIZE);
		compared++;
	}
	assert_in_range(compared, 500, 3000);
}

static void what_is_longer_than_its_memory_is_refused(void **state)
{
	struct payload to = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, 8 } } };
	struct payload from = { .process = PAYLOAD_HERE,
				.parts = 1,
				.part = { { memory + 100, 16 } } };

	(void)state;
	assert_int_equal(memory_copy(&host.fabric, &to, 0, &from, 0, 9), -1);
	assert_int_equal(errno, EFAULT);
}

/* --- other processes --- */

/* What a child shows of itself. */
struct shown {
	_Atomic uint32_t ready, stop;
	uint32_t process, key;
	uint64_t memory;
	uint32_t device;
};

static struct shown *shown; /* of two children */
static struct lab *shared_lab;

static void live(void *arg)
{
	struct shown *own = arg;
	static struct host self;
	char *block = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mr mr;

	host_join(&self, shared_lab, 0);
	memset(block, 'a' + (int)(own - shown), SIZE);
	if (mr_register(&mr, &self.context, &self.pd, MR_MEMORY, (uintptr_t)block, SIZE,
			(uintptr_t)block, ALL_ACCESS))
		_exit(1);
	munmap(block + SIZE - 4096, 4096);
	own->process = self.fabric.self;
	own->key = mr.key;
	own->memory = (uintptr_t)block;
	atomic_store(&own->ready, 1);
	while (!atomic_load(&own->stop))
		usleep(100);
	/* what the other one has copied from us to it, or the first what came from outside */
	if (block[100] != (own == shown ? 'Z' : 'a'))
		_exit(2);
	mr_deregister(&mr);
	host_leave(&self);
}

static struct payload theirs(const struct shown *of, uint64_t offset, uint64_t length)
{
	return (struct payload){
		.process = of->process,
		.parts = 1,
		.part = { { (void *)(uintptr_t)(of->memory + offset), length } },
	};
}

static void memory_of_other_processes_is_reached(void **state)
{
	struct payload here = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, SIZE } } };
	struct payload to, from;
	pid_t pid[2];

	(void)state;
	shared_lab = &lab;
	shown = share(2 * sizeof(*shown));
	for (int i = 0; i < 2; i++)
		pid[i] = child_run(live, &shown[i]);
	for (int i = 0; i < 2; i++)
		while (!atomic_load(&shown[i].ready))
			usleep(100);
	assert_int_equal(fabric_reach(&host.fabric, shown[0].process), REACH_DIRECT);

	/* from the first to the second, through us */
	from = theirs(&shown[0], 0, 50000);
	to = theirs(&shown[1], 0, 50000);
	assert_int_equal(memory_copy(&host.fabric, &to, 0, &from, 0, 50000), 0);
	/* read what it has */
	from = theirs(&shown[1], 0, SIZE - 4096);
	assert_int_equal(memory_copy(&host.fabric, &here, 0, &from, 0, SIZE - 4096), 0);
	for (int i = 0; i < SIZE - 4096; i++)
		assert_int_equal(memory[i], i < 50000 ? 'a' : 'b');
	/* write to the first */
	memory[7] = 'Z';
	to = theirs(&shown[0], 100, 1);
	assert_int_equal(memory_copy(&host.fabric, &to, 0, &here, 7, 1), 0);
	/* what is not there is an error, not a crash */
	from = theirs(&shown[0], SIZE - 4096, 64);
	assert_int_equal(memory_copy(&host.fabric, &here, 0, &from, 0, 64), -1);
	assert_int_equal(errno, EFAULT);

	for (int i = 0; i < 2; i++)
		atomic_store(&shown[i].stop, 1);
	for (int i = 0; i < 2; i++)
		child_wait(pid[i]);
}

static void memory_of_the_dead_is_gone(void **state)
{
	struct payload here = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, SIZE } } };
	struct payload from;
	pid_t pid;

	(void)state;
	shared_lab = &lab;
	shown = share(2 * sizeof(*shown));
	pid = child_run(live, &shown[0]);
	while (!atomic_load(&shown[0].ready))
		usleep(100);
	from = theirs(&shown[0], 0, 64);
	assert_int_equal(memory_copy(&host.fabric, &here, 0, &from, 0, 64), 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(memory_copy(&host.fabric, &here, 0, &from, 0, 64), -1);
	assert_int_equal(errno, ESRCH);
}

/* --- atomics --- */

#define ADDERS 3
#define ADDS   4000

struct counter {
	_Atomic uint32_t ready;
	uint32_t process;
	uint64_t addr;
	_Atomic uint64_t sum; /* of what was there before each addition */
};

static struct counter *counter;

static void add(void *arg)
{
	static struct host self;
	struct payload where = { .parts = 1 };
	uint64_t before, sum = 0;

	(void)arg;
	while (!atomic_load(&counter->ready))
		usleep(100);
	host_join(&self, shared_lab, 0);
	where.process = counter->process;
	where.part[0] = (struct iovec){ (void *)(uintptr_t)counter->addr, 8 };
	for (int i = 0; i < ADDS; i++) {
		if (memory_atomic(&self.fabric, self.context.number, &where,
				  WR_ATOMIC_FETCH_AND_ADD, 1, 0, &before))
			_exit(1);
		sum += before;
	}
	atomic_fetch_add(&counter->sum, sum);
	host_leave(&self);
}

static void additions_of_many_processes_are_exact(void **state)
{
	struct payload own = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, 8 } } };
	const uint64_t all = (ADDERS + 1) * ADDS;
	uint64_t before, sum = 0;
	pid_t pid[ADDERS];

	(void)state;
	shared_lab = &lab;
	counter = share(sizeof(*counter));
	memset(memory, 0, 8);
	counter->process = host.fabric.self;
	counter->addr = (uintptr_t)memory;
	for (int i = 0; i < ADDERS; i++)
		pid[i] = child_run(add, NULL);
	atomic_store(&counter->ready, 1);
	for (int i = 0; i < ADDS; i++) {
		assert_int_equal(memory_atomic(&host.fabric, host.context.number, &own,
					       WR_ATOMIC_FETCH_AND_ADD, 1, 0, &before),
				 0);
		sum += before;
	}
	for (int i = 0; i < ADDERS; i++)
		child_wait(pid[i]);
	memcpy(&before, memory, 8);
	assert_int_equal(before, all);
	/* each number was seen by one of them */
	assert_int_equal(sum + atomic_load(&counter->sum), all * (all - 1) / 2);
}

static void a_number_is_swapped_when_it_is_the_expected_one(void **state)
{
	struct payload own = { .process = PAYLOAD_HERE, .parts = 1, .part = { { memory, 8 } } };
	uint64_t number = 5, before = 0;

	(void)state;
	memcpy(memory, &number, 8);
	assert_int_equal(memory_atomic(&host.fabric, host.context.number, &own,
				       WR_ATOMIC_CMP_AND_SWP, 4, 9, &before),
			 0);
	assert_int_equal(before, 5);
	memcpy(&number, memory, 8);
	assert_int_equal(number, 5);
	assert_int_equal(memory_atomic(&host.fabric, host.context.number, &own,
				       WR_ATOMIC_CMP_AND_SWP, 5, 9, &before),
			 0);
	assert_int_equal(before, 5);
	memcpy(&number, memory, 8);
	assert_int_equal(number, 9);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(a_key_opens_its_range_and_no_byte_more),
		test_with(of_nothing_no_key_is_looked_at),
		test_with(an_iova_stands_for_the_address),
		test_with(a_key_is_for_its_domain_process_and_device),
		test_with(access_is_what_was_registered),
		test_with(what_cannot_be_registered_is_refused),
		test_with(read_only_memory_can_be_sent),
		test_with(old_keys_open_nothing),
		test_with(registering_anew_changes_what_was_asked),
		test_with(scattered_memory_is_checked_piece_by_piece),
		test_with(copies_as_byte_after_byte),
		test_with(what_is_longer_than_its_memory_is_refused),
		test_with(memory_of_other_processes_is_reached),
		test_with(memory_of_the_dead_is_gone),
		test_with(additions_of_many_processes_are_exact),
		test_with(a_number_is_swapped_when_it_is_the_expected_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
