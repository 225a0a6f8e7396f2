/* SPDX-License-Identifier: Apache-2.0 */
/* The heap and the tables of the shared segment against plain models, with
 * processes that are killed in the middle of what they do.
 */
#include "device/fabric.h"
#include "device/lock.h"
#include "device/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* A segment in a directory of its own; processes of it hold their byte of the
 * file of locks, as those of a fabric do.
 */
struct fixture {
	struct fabric fabric;
	char dir[64];
	int dir_fd;
};

static struct segment *open_segment(struct fixture *f, uint32_t self)
{
	f->fabric.segment.fabric = &f->fabric;
	f->fabric.segment.self = f->fabric.self = self;
	return &f->fabric.segment;
}

static void hold_byte(struct fixture *f)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = f->fabric.self,
		.l_len = 1,
	};

	if (fcntl(f->fabric.lock_fd, F_SETLK, &lock))
		_exit(99);
}

static struct segment *make_segment(struct fixture *f, const char *parent)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%s/unit-segment-XXXXXX", parent);
	assert_non_null(mkdtemp(f->dir));
	f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->fabric.lock_fd = openat(f->dir_fd, "locks", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(segment_create(&f->fabric.segment, f->dir_fd, "segment", NULL), 0);
	return open_segment(f, 0);
}

static void end_segment(struct fixture *f)
{
	segment_close(&f->fabric.segment);
	unlinkat(f->dir_fd, "segment", 0);
	unlinkat(f->dir_fd, "locks", 0);
	close(f->dir_fd);
	close(f->fabric.lock_fd);
	rmdir(f->dir);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	make_segment(f, "/dev/shm");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	end_segment(*state);
	free(*state);
	return 0;
}

/* Run CHILD in a process of its own; its exit status as of waitpid(). */
static int in_child(struct fixture *f, int (*child)(struct fixture *f))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(child(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* --- the heap --- */

#define BLOCKS 300

struct block {
	uint64_t at, size;
	uint8_t fill;
};

static uint64_t any_size(struct random *random)
{
	uint64_t most = 1ULL << (1 + random_below(random, 18));

	return 1 + random_below(random, most);
}

/* Whether all of BLOCK is VALUE. */
static bool filled(const struct segment *s, const struct block *block, uint8_t value)
{
	const uint8_t *bytes = segment_at(s, block->at);

	for (uint64_t i = 0; i < block->size; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

/* A new block for BLOCK, or the end of the one that it is.  Returns whether all was right. */
static bool heap_step(struct segment *s, struct random *random, struct block *block)
{
	bool right;

	if (block->at) {
		right = filled(s, block, block->fill);
		segment_free(s, block->at, block->size);
		block->at = 0;
		return right;
	}
	block->size = any_size(random);
	block->fill = (uint8_t)(1 + random_below(random, 255));
	block->at = segment_alloc(s, block->size);
	if (!block->at || block->at % (block->size > 2048 ? 4096 : 64) || !filled(s, block, 0))
		return false;
	memset(segment_at(s, block->at), block->fill, block->size);
	return true;
}

static void blocks_are_zeros_aligned_and_apart(void **state)
{
	struct fixture *f = *state;
	struct block block[BLOCKS] = { 0 };
	struct random random;

	random_init(&random, 1, "heap", 0);
	for (uint32_t i = 0; i < 20000; i++)
		assert_true(heap_step(&f->fabric.segment, &random,
				      &block[random_below(&random, BLOCKS)]));
}

static void what_is_given_back_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	uint64_t size;

	for (uint32_t i = 0; i < 100; i++)
		segment_free(s, segment_alloc(s, 1 << 20), 1 << 20);
	size = atomic_load(&s->header->size);
	for (uint32_t i = 0; i < 10000; i++)
		segment_free(s, segment_alloc(s, 1 << 20), 1 << 20);
	assert_int_equal(atomic_load(&s->header->size), size);
}

static void what_cannot_be_is_enomem(void **state)
{
	struct fixture *f = *state;
	uint64_t size[] = { 1ULL << 40, 1ULL << 47, (1ULL << 47) + 1, UINT64_MAX };

	for (uint32_t i = 0; i < 4; i++) {
		errno = 0;
		assert_int_equal(segment_alloc(&f->fabric.segment, size[i]), 0);
		assert_int_equal(errno, ENOMEM);
	}
	assert_int_not_equal(segment_alloc(&f->fabric.segment, 100), 0);
}

static void nothing_is_given_back_for_0(void **state)
{
	struct fixture *f = *state;

	segment_free(&f->fabric.segment, 0, 4096);
	assert_int_not_equal(segment_alloc(&f->fabric.segment, 4096), 0);
}

/* --- tables --- */

#define RECORDS 500

struct record {
	struct shared_head head;
	uint64_t value;
	uint8_t more[100];
};

struct known {
	struct record *record;
	uint32_t number;
	uint64_t value;
};

static struct shared_table *make_table(struct segment *s, uint32_t record, uint32_t limit)
{
	struct shared_table *table = segment_at(s, segment_alloc(s, sizeof(*table)));

	table_init(table, record, limit);
	return table;
}

static bool is_clear(const struct record *record)
{
	static const uint8_t zeros[sizeof(record->more)];

	return !record->value && !memcmp(record->more, zeros, sizeof(zeros));
}

static bool table_begin(struct segment *s, struct shared_table *table, struct known *known,
			uint64_t value)
{
	known->record = (struct record *)table_add(s, table, &known->number);
	if (!known->record || known->record->head.number || known->record->head.owner != s->self ||
	    !is_clear(known->record))
		return false;
	known->value = known->record->value = value;
	memset(known->record->more, 1, sizeof(known->record->more));
	table_publish(&known->record->head, known->number);
	return true;
}

static bool table_end(struct segment *s, struct shared_table *table, struct known *known)
{
	bool right = known->record->value == known->value &&
		     table_find(s, table, known->number) == &known->record->head;

	table_hide(&known->record->head);
	right = right && !table_find(s, table, known->number) &&
		!table_index(s, table, known->number);
	table_remove(s, table, &known->record->head);
	known->record = NULL;
	return right;
}

static void records_are_found_by_their_number_alone(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	struct shared_table *table = make_table(s, sizeof(struct record), 1000);
	struct known known[RECORDS] = { 0 };
	struct random random;

	random_init(&random, 2, "table", 0);
	for (uint32_t i = 0; i < 50000; i++) {
		struct known *k = &known[random_below(&random, RECORDS)];

		assert_true(k->record ? table_end(s, table, k) : table_begin(s, table, k, i + 1));
	}
	for (uint32_t i = 0; i < RECORDS; i++) {
		if (!known[i].record)
			continue;
		assert_ptr_equal(table_find(s, table, known[i].number), known[i].record);
		assert_null(table_find(s, table, known[i].number ^ 1));
		assert_ptr_equal(table_index(s, table, known[i].number ^ 1), known[i].record);
	}
	assert_null(table_find(s, table, 0));
	assert_null(table_find(s, table, UINT32_MAX));
}

static void whoever_looks_on_sees_each_once(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	struct shared_table *table = make_table(s, sizeof(struct record), 1000);
	struct known known[100];
	uint32_t index = 0, seen = 0;

	assert_null(table_next(s, table, &index));
	for (uint32_t i = 0; i < 100; i++)
		assert_true(table_begin(s, table, &known[i], i));
	for (uint32_t i = 0; i < 100; i += 3)
		assert_true(table_end(s, table, &known[i]));
	index = 0;
	for (struct record *r; (r = (struct record *)table_next(s, table, &index)); seen++)
		assert_int_equal(r->value % 3, seen % 2 + 1);
	assert_int_equal(seen, 66);
}

/* A removed number must not lead to another record for a long time. */
static void numbers_are_not_used_again_soon(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	struct shared_table *table = make_table(s, 64, 1000);
	static uint8_t given[1 << 24];
	uint32_t number;

	memset(given, 0, sizeof(given));
	for (uint32_t i = 0; i < 10000; i++) {
		struct shared_head *head = table_add(s, table, &number);

		assert_true(number < 1 << 24);
		assert_int_equal(given[number]++, 0);
		table_publish(head, number);
		table_hide(head);
		table_remove(s, table, head);
	}
}

static void no_more_than_the_limit(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	struct shared_table *table = make_table(s, 64, 65000);
	struct shared_head *head = NULL;
	uint32_t number;

	for (uint32_t i = 0; i < 65000; i++) {
		head = table_add(s, table, &number);
		assert_non_null(head);
		assert_true(number < 1 << 24);
		assert_int_not_equal(number >> 8, 0);
	}
	errno = 0;
	assert_null(table_add(s, table, &number));
	assert_int_equal(errno, ENOMEM);
	table_remove(s, table, head);
	assert_non_null(table_add(s, table, &number));
	assert_null(table_add(s, table, &number));
}

/* --- killed --- */

#define ROUNDS 200

struct arena {
	struct shared_table table;
	_Atomic uint64_t steps;
};

/* Until it is killed; returns when something was not right. */
static int work(struct fixture *f, struct arena *arena, uint32_t seed)
{
	struct segment *s = &f->fabric.segment;
	struct block block[40] = { 0 };
	struct known known[40] = { 0 };
	struct random random;

	hold_byte(f);
	random_init(&random, seed, "killed", 0);
	for (;;) {
		struct known *k = &known[random_below(&random, 40)];

		if (!heap_step(s, &random, &block[random_below(&random, 40)]))
			return 1;
		if (!(k->record ? table_end(s, &arena->table, k)
				: table_begin(s, &arena->table, k, random_next(&random))))
			return 2;
		atomic_fetch_add(&arena->steps, 1);
	}
}

/* What a fabric does behind a process that has died. */
static void clear_up(struct segment *s, struct shared_table *table, uint32_t dead)
{
	uint32_t end = atomic_load(&table->end);

	lock_orphan(&table->lock, dead);
	lock_orphan(&s->header->heap_lock, dead);
	for (uint32_t i = 1; i < end; i++) {
		struct shared_head *head = table_record(s, table, i);

		if (atomic_load(&head->used) && head->owner == dead)
			table_remove(s, table, head);
	}
}

static void kill_one(struct fixture *f, struct arena *arena, struct random *random, uint32_t round)
{
	struct segment *s = &f->fabric.segment;
	uint64_t until = atomic_load(&arena->steps) + 1 + random_below(random, 200);
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		open_segment(f, 1 + round % 3);
		_exit(work(f, arena, round));
	}
	while (atomic_load(&arena->steps) < until && !waitpid(pid, &status, WNOHANG))
		;
	for (uint64_t i = random_below(random, 3000); i; i--)
		__asm__ volatile("");
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) == pid)
		assert_true(WIFSIGNALED(status));
	else
		fail_msg("a worker found blocks that overlap");
	clear_up(s, &arena->table, 1 + round % 3);
}

static void heap_and_tables_outlive_who_is_killed(void **state)
{
	struct fixture *f = *state;
	struct segment *s = &f->fabric.segment;
	struct arena *arena = segment_at(s, segment_alloc(s, sizeof(*arena)));
	struct block block[BLOCKS] = { 0 };
	struct known known[RECORDS] = { 0 };
	struct random random;

	table_init(&arena->table, sizeof(struct record), 2000);
	random_init(&random, 3, "survivor", 0);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		kill_one(f, arena, &random, round);
		for (uint32_t i = 0; i < 50; i++) {
			struct known *k = &known[random_below(&random, RECORDS)];

			assert_true(heap_step(s, &random, &block[random_below(&random, BLOCKS)]));
			assert_true(k->record ? table_end(s, &arena->table, k)
					      : table_begin(s, &arena->table, k, i));
		}
	}
	for (uint32_t i = 0; i < RECORDS; i++)
		assert_true(!known[i].record || table_end(s, &arena->table, &known[i]));
	assert_int_equal(atomic_load(&arena->table.used), 0);
}

/* --- what there is not enough of --- */

/* Allocate all there is, in blocks of SIZE, and write to all of it. */
static uint32_t use_up(struct segment *s, uint64_t size)
{
	uint32_t blocks = 0;
	uint64_t at;

	for (; (at = segment_alloc(s, size)); blocks++)
		memset(segment_at(s, at), 1, size);
	return errno == ENOMEM ? blocks : 0;
}

static int fill_file_system(struct fixture *f)
{
	struct segment *s = &f->fabric.segment;
	uint64_t at = segment_alloc(s, 64);
	uint32_t blocks = use_up(s, 1 << 20);

	if (blocks < 8 || blocks > 23)
		return 2;
	if (!use_up(s, 64))
		return 3;
	segment_free(s, at, 64);
	return segment_alloc(s, 64) == at ? 0 : 4;
}

static int on_small_tmpfs(struct fixture *f)
{
	(void)f;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=24m"))
		return 77;
	make_segment(f, "/dev/shm");
	return fill_file_system(f);
}

static void a_full_file_system_is_enomem(void **state)
{
	struct fixture f;
	int status = in_child(&f, on_small_tmpfs);

	(void)state;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("cannot mount a small tmpfs here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static int small_files(struct fixture *f)
{
	struct segment *s = open_segment(f, 1);
	struct rlimit limit = {
		.rlim_cur = atomic_load(&s->header->size) + (8 << 20),
		.rlim_max = RLIM_INFINITY,
	};

	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 2;
	return use_up(s, 1 << 16) > 64 ? 0 : 3;
}

static void a_limit_on_files_is_enomem(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(in_child(f, small_files), 0);
	assert_int_not_equal(segment_alloc(&f->fabric.segment, 32 << 20), 0);
}

static int small_memory(struct fixture *f)
{
	struct rlimit limit = { .rlim_cur = 1 << 30, .rlim_max = RLIM_INFINITY };
	struct segment *s = open_segment(f, 1);

	segment_close(s);
	if (setrlimit(RLIMIT_AS, &limit) || segment_open(s, f->dir_fd, "segment", NULL))
		return 2;
	if (s->mapped >= 1 << 30)
		return 3;
	open_segment(f, 1);
	return use_up(s, 1 << 20) > 16 ? 0 : 4;
}

static void nobody_grows_it_beyond_what_one_can_map(void **state)
{
	struct fixture *f = *state;
	uint64_t mapped = f->fabric.segment.mapped;

	if (SANITIZED) {
		print_message("the sanitizer needs more than the limit\n");
		skip();
	}
	assert_int_equal(in_child(f, small_memory), 0);
	assert_true(mapped >= 1 << 30);
	assert_true(use_up(&f->fabric.segment, 1 << 20) < 1024);
}

static void other_files_are_refused(void **state)
{
	struct fixture *f = *state;
	struct segment other;
	struct err err = { "" };
	int fd = openat(f->dir_fd, "locks", O_RDWR);

	assert_int_equal(segment_open(&other, f->dir_fd, "locks", &err), -1);
	assert_string_equal(err.text, "'locks' is no segment of a fabric");
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	assert_int_equal(segment_open(&other, f->dir_fd, "locks", &err), -1);
	assert_string_equal(err.text, "'locks' is no segment of a fabric");
	f->fabric.segment.header->version++;
	assert_int_equal(segment_open(&other, f->dir_fd, "segment", &err), -1);
	assert_string_equal(err.text, "'segment' is of another version of netemu");
	assert_int_equal(segment_create(&other, f->dir_fd, "segment", &err), -1);
	assert_string_equal(err.text, "unable to make 'segment': File exists");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(blocks_are_zeros_aligned_and_apart),
		CASE(what_is_given_back_is_used_again),
		CASE(what_cannot_be_is_enomem),
		CASE(nothing_is_given_back_for_0),
		CASE(records_are_found_by_their_number_alone),
		CASE(whoever_looks_on_sees_each_once),
		CASE(numbers_are_not_used_again_soon),
		CASE(no_more_than_the_limit),
		CASE(heap_and_tables_outlive_who_is_killed),
		cmocka_unit_test(a_full_file_system_is_enomem),
		CASE(a_limit_on_files_is_enomem),
		CASE(nobody_grows_it_beyond_what_one_can_map),
		CASE(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
