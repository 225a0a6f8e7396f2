/* SPDX-License-Identifier: Apache-2.0 */
/* unit-device-deaths.c - what a fabric makes of processes that die */
#include "fabriclib.h"

/* --- death --- */

static struct fabric survivor;

static uint32_t other_process(void)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		if (i != survivor.self &&
		    atomic_load(&survivor.segment.header->process[i].state) == PROCESS_ALIVE)
			return i;
	}
	fail_msg("the other process is not there");
	return 0;
}

static void a_death_is_seen_and_a_place_rests(void **state)
{
	struct other other;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(join_and_wait);
	await(&other);
	dead = other_process();
	assert_true(fabric_alive(&survivor, dead));
	assert_int_equal(fabric_reach(&survivor, dead), REACH_DIRECT);
	finish(&other, SIGKILL);
	/* what was seen a moment ago may be believed for a millisecond */
	while (fabric_alive(&survivor, dead))
		;
	fabric_reap(&survivor, dead);
	assert_int_equal(atomic_load(&survivor.segment.header->process[dead].state), PROCESS_FREE);
	other = start(join_and_wait);
	await(&other);
	assert_int_not_equal(other_process(), dead);
	assert_true(fabric_alive(&survivor, other_process()));
	go_on(&other);
	assert_int_equal(finish(&other, 0), 0);
	fabric_leave(&survivor);
}

static int take_lock_and_wait(struct ends *ends)
{
	static struct fabric fabric;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	lock_take(&fabric, &fabric.segment.header->service_lock, fabric.self);
	lock_take(&fabric, &fabric_device(&fabric, 0)->atomics, fabric.self);
	say(ends);
	hear(ends);
	return 0;
}

static void locks_are_taken_from_the_dead_alone(void **state)
{
	struct shared_lock *first, *second;
	struct other other;
	bool stolen = false;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	first = &survivor.segment.header->service_lock;
	second = &fabric_device(&survivor, 0)->atomics;
	other = start(take_lock_and_wait);
	await(&other);
	dead = other_process();
	assert_false(lock_try(&survivor, first, &stolen));
	finish(&other, SIGKILL);
	assert_true(lock_take(&survivor, first, survivor.self));
	assert_false(lock_try(&survivor, first, &stolen));
	lock_drop(first);
	assert_true(lock_try(&survivor, first, &stolen));
	assert_false(stolen);
	lock_drop(first);
	/* the other one when its holder's place is another's */
	fabric_reap(&survivor, dead);
	assert_true(lock_take(&survivor, second, survivor.self));
	lock_drop(second);
	fabric_leave(&survivor);
}

static int enter_section_and_wait(struct ends *ends)
{
	static struct fabric fabric;
	_Atomic uint64_t *section;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	section = section_enter(&fabric);
	say(ends);
	hear(ends);
	section_leave(section);
	say(ends);
	hear(ends);
	return 0;
}

static _Atomic bool waited;

static void *wait_for_sections(void *arg)
{
	section_wait(arg);
	atomic_store(&waited, true);
	return NULL;
}

static void sections_are_waited_for(void **state)
{
	struct other other;
	pthread_t thread;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(enter_section_and_wait);
	await(&other);
	atomic_store(&waited, false);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_sections, &survivor), 0);
	for (int i = 0; i < 50; i++) {
		poll(NULL, 0, 1);
		assert_false(atomic_load(&waited));
	}
	go_on(&other);
	await(&other);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&waited));
	finish(&other, SIGKILL);
	fabric_leave(&survivor);
}

static void sections_of_the_dead_are_not(void **state)
{
	struct other other;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	other = start(enter_section_and_wait);
	await(&other);
	finish(&other, SIGKILL);
	section_wait(&survivor);
	fabric_reap(&survivor, other_process());
	section_wait(&survivor);
	fabric_leave(&survivor);
}

static void *use_sections(void *arg)
{
	for (int i = 0; i < 2000; i++)
		section_leave(section_enter(arg));
	return NULL;
}

/* More threads than places, and one more in a signal handler's place. */
static void a_process_may_have_many_threads(void **state)
{
	pthread_t thread[3 * FABRIC_THREADS];
	_Atomic uint64_t *outer, *inner;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	for (int i = 0; i < 3 * FABRIC_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, use_sections, &survivor), 0);
	outer = section_enter(&survivor);
	inner = section_enter(&survivor);
	assert_ptr_not_equal(outer, inner);
	section_leave(inner);
	section_leave(outer);
	for (int i = 0; i < 3 * FABRIC_THREADS; i++)
		pthread_join(thread[i], NULL);
	section_wait(&survivor);
	fabric_leave(&survivor);
}

/* --- what a process leaves behind --- */

static int make_records_and_wait(struct ends *ends)
{
	static struct fabric fabric;
	struct shared_device *device;
	struct shared_qp *qp;
	struct shared_cq *cq;
	uint32_t number;
	int fd;

	if (fabric_join(&fabric, path, 0, true, NULL))
		return 2;
	device = fabric_device(&fabric, 0);
	qp = (struct shared_qp *)table_add(&fabric.segment, &device->qp, &number);
	qp->sq_capacity = 64;
	qp->sq_stride = 512;
	qp->sq_at = segment_alloc(&fabric.segment, 64 * 512);
	table_publish(&qp->head, number);
	cq = (struct shared_cq *)table_add(&fabric.segment, &device->cq, &number);
	cq->capacity = 128;
	cq->ring_at = segment_alloc(&fabric.segment, 128 * sizeof(struct shared_cqe));
	/* not published: it dies before it has */
	table_add(&fabric.segment, &device->pd, &number);
	fd = openat(fabric.dir_fd, "event.x", O_RDWR | O_CREAT, 0600);
	close(fd);
	snprintf(fabric.path, sizeof(fabric.path), "event.%u.7", fabric.self);
	fd = openat(fabric.dir_fd, fabric.path, O_RDWR | O_CREAT, 0600);
	close(fd);
	if (service_add(&fabric, 0, 77))
		return 3;
	say(ends);
	hear(ends);
	return 0;
}

static uint32_t in_use(const struct shared_device *device)
{
	return atomic_load(&device->qp.used) + atomic_load(&device->cq.used) +
	       atomic_load(&device->pd.used);
}

static void what_a_dead_process_had_is_cleared_up(void **state)
{
	struct shared_device *device;
	struct other other;
	uint64_t brk = 0;
	uint32_t dead;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	device = fabric_device(&survivor, 0);
	/* records and queues of the dead are used again: in the end nothing grows */
	for (int round = 0; round < 200; round++) {
		other = start(make_records_and_wait);
		await(&other);
		dead = other_process();
		assert_int_equal(in_use(device), 3);
		assert_int_equal(service_find(&survivor, 0, 77), dead);
		assert_int_equal(entries(path), 4);
		finish(&other, SIGKILL);
		fabric_reap(&survivor, dead);
		assert_int_equal(in_use(device), 0);
		assert_int_equal(service_find(&survivor, 0, 77), UINT32_MAX);
		assert_int_equal(entries(path), 3);
		if (round == 120)
			brk = survivor.segment.header->brk;
	}
	assert_int_equal(survivor.segment.header->brk, brk);
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

/* It clears up behind the dead as it joins. */
static int join_and_go(struct ends *ends)
{
	static struct fabric fabric;

	say(ends);
	return fabric_join(&fabric, path, 0, true, NULL) ? 2 : 0;
}

static void reap_all(void)
{
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		fabric_reap(&survivor, i);
}

/* Blocks of SIZE are given once only, which they would not be after a second free. */
static void blocks_differ(uint64_t size)
{
	uint64_t at[16];

	for (int i = 0; i < 16; i++) {
		at[i] = segment_alloc(&survivor.segment, size);
		assert_int_not_equal(at[i], 0);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(at[i], at[j]);
	}
	for (int i = 0; i < 16; i++)
		segment_free(&survivor.segment, at[i], size);
}

static void who_clears_up_may_be_killed_too(void **state)
{
	struct shared_device *device;
	struct other other;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	device = fabric_device(&survivor, 0);
	for (int round = 0; round < 150; round++) {
		other = start(make_records_and_wait);
		await(&other);
		finish(&other, SIGKILL);
		other = start(join_and_go);
		await(&other);
		/* the whole of it takes about half a millisecond */
		for (int i = 0; i < (round % 50) * 20000; i++)
			__asm__ volatile("");
		finish(&other, SIGKILL);
		reap_all();
		assert_int_equal(in_use(device), 0);
		assert_int_equal(service_find(&survivor, 0, 77), UINT32_MAX);
		blocks_differ(64 * 512);
		blocks_differ(128 * sizeof(struct shared_cqe));
	}
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

/* As if a thousand had been killed, each in a section and with the heap's lock. */
static void places_of_the_dead_are_taken_when_there_are_no_others(void **state)
{
	struct shared_header *header;
	struct other other;
	uint32_t alive = 0;

	(void)state;
	make("one", 1, "yes");
	join(&survivor, 0);
	header = survivor.segment.header;
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++) {
		if (i == survivor.self)
			continue;
		atomic_store(&header->process[i].sections, 1);
		atomic_store(&header->process[i].section[0].count, 1);
		atomic_store(&header->process[i].state, PROCESS_ALIVE);
		atomic_fetch_or(&header->present[i / 64], 1ULL << i % 64);
		atomic_store(&header->heap_lock.owner, i + 1);
	}
	other = start(join_and_wait);
	await(&other);
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		alive += atomic_load(&header->process[i].state) != PROCESS_FREE;
	assert_int_equal(alive, 2);
	assert_true(fabric_alive(&survivor, other_process()));
	section_wait(&survivor);
	assert_int_not_equal(segment_alloc(&survivor.segment, 64), 0);
	go_on(&other);
	assert_int_equal(finish(&other, 0), 0);
	fabric_leave(&survivor);
	assert_int_equal(entries(shm), 0);
}

static void a_service_has_one_listener(void **state)
{
	struct fabric fabric;

	(void)state;
	make("one", 2, "yes");
	join(&survivor, 0);
	join(&fabric, 1);
	assert_int_equal(service_add(&survivor, 0, 5), 0);
	assert_int_equal(service_add(&fabric, 0, 5), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(service_add(&fabric, 1, 5), 0);
	assert_int_equal(service_find(&survivor, 1, 5), fabric.self);
	assert_int_equal(service_find(&survivor, 0, 5), survivor.self);
	service_remove(&fabric, 0, 5);
	assert_int_equal(service_find(&survivor, 0, 5), survivor.self);
	service_remove(&survivor, 0, 5);
	assert_int_equal(service_find(&survivor, 0, 5), UINT32_MAX);
	for (uint64_t i = 100; i < 100 + FABRIC_SERVICES - 1; i++)
		assert_int_equal(service_add(&survivor, 0, i), 0);
	assert_int_equal(service_add(&survivor, 0, 99), -1);
	assert_int_equal(errno, ENOMEM);
	fabric_leave(&survivor);
	assert_int_equal(service_find(&fabric, 0, 100), UINT32_MAX);
	assert_int_equal(service_add(&fabric, 0, 100), 0);
	fabric_leave(&fabric);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_death_is_seen_and_a_place_rests),
		CASE(locks_are_taken_from_the_dead_alone),
		CASE(sections_are_waited_for),
		CASE(sections_of_the_dead_are_not),
		CASE(a_process_may_have_many_threads),
		CASE(what_a_dead_process_had_is_cleared_up),
		CASE(who_clears_up_may_be_killed_too),
		CASE(places_of_the_dead_are_taken_when_there_are_no_others),
		CASE(a_service_has_one_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
