/* SPDX-License-Identifier: Apache-2.0 */
/* unit-counter.c - counters, live files and their growth, without MPI */
#include "counter.h"
#include "phase.h"
#include "quiet.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static struct livefile file;

static int next_path(char path[PATH_MAX])
{
	static int made;

	if (made++)
		return -1;
	snprintf(path, PATH_MAX, "%s/second.live", dir);
	return 0;
}

static void made(const char *path)
{
	(void)path;
}

static const struct livefile_ops ops = { .next = next_path, .made = made };

static void start(const struct counter_settings *settings)
{
	struct live_header header = {
		.magic = LIVE_MAGIC,
		.version = LIVE_VERSION,
		.byte_order = LIVE_BYTE_ORDER,
		.rank = 1,
		.ranks = 1000000,
		.init_monotonic = settings->zero,
		.window_width = settings->window,
	};
	char path[PATH_MAX];
	struct err err;

	snprintf(dir, sizeof(dir), "/tmp/unit-counter.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/first.live", dir);
	assert_int_equal(counter_start(settings), 0);
	assert_int_equal(livefile_create(&file, path, &header, &ops, &err), 0);
}

static void load(struct rankfile *rank)
{
	const char *paths[LIVEFILE_MAX];
	struct err err = { "" };

	for (int i = 0; i < file.count; i++)
		paths[i] = file.parts[i].path;
	assert_string_equal(live_load(paths, file.count, rank, &err) < 0 ? err.text : "", "");
	livefile_unlink(&file);
	rmdir(dir);
}

/* Counters are of the process: each case has one of its own. */
static void in_child(void (*run)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		run();
		exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define need(condition)                                                             \
	do {                                                                        \
		if (!(condition)) {                                                 \
			print_error("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                    \
		}                                                                   \
	} while (0)

/* A random run beside the plainest model there is. */
#define PEERS    3000
#define MESSAGES 200000

#define SIZES 200

static bool has_exact(const struct rankfile *rank, uint64_t size)
{
	for (size_t i = 0; i < rank->nsizes; i++)
		if (!rank->sizes[i].log2 && rank->sizes[i].size == size)
			return true;
	return false;
}

/* COUNTS[b] messages of b bytes: each in its exact entry or in the bin. */
static void check_sizes(const struct rankfile *rank, const uint64_t *counts)
{
	for (size_t i = 0; i < rank->nsizes; i++) {
		const struct ranksize *size = &rank->sizes[i];
		uint64_t expected = 0;

		if (size->log2) {
			for (uint64_t b = 1ull << size->size; b < 2ull << size->size; b++)
				expected += b < SIZES && !has_exact(rank, b) ? counts[b] : 0;
		} else {
			expected = counts[size->size];
		}
		need(size->tx_messages + size->rx_messages == expected);
	}
}

static void random_run(void)
{
	static struct {
		uint64_t sent, sent_bytes, received, received_bytes;
	} model[PEERS];
	struct counter_settings settings = { .file = &file, .clock = CLOCK_MONOTONIC, .sizes = 50 };
	uint64_t sizes[SIZES] = { 0 };
	struct rankfile rank;

	start(&settings);
	srand(1);
	for (int i = 0; i < MESSAGES; i++) {
		uint32_t peer = (uint32_t)rand() % PEERS;
		uint64_t bytes = (uint64_t)rand() % SIZES;

		sizes[bytes]++;
		if (rand() % 2) {
			counter_sent(counter_shard(), peer, (unsigned)rand() % RANKOP_COUNT, bytes);
			model[peer].sent++;
			model[peer].sent_bytes += bytes;
		} else {
			counter_received(counter_shard(), peer, (unsigned)rand() % RANKOP_COUNT,
					 bytes);
			model[peer].received++;
			model[peer].received_bytes += bytes;
		}
	}
	load(&rank);
	need(rank.peers.count == PEERS);
	for (uint32_t i = 0; i < PEERS; i++) {
		need(rank.peers.rows[i].peer == i);
		need(rank.peers.rows[i].tx_messages == model[i].sent);
		need(rank.peers.rows[i].tx_bytes == model[i].sent_bytes);
		need(rank.peers.rows[i].rx_messages == model[i].received);
		need(rank.peers.rows[i].rx_bytes == model[i].received_bytes);
		need(rank.peers.rows[i].first <= rank.peers.rows[i].last);
	}
	check_sizes(&rank, sizes);
	rankfile_release(&rank);
}

static void adds_up_as_a_model_does(void **state)
{
	(void)state;
	in_child(random_run);
}

/* More threads than shards, at once and one after the other. */
#define THREADS    100
#define PER_THREAD 2000

static pthread_barrier_t all_there;

static void *count_thread(void *data)
{
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < PER_THREAD; i++)
		counter_sent(counter_shard(), (uint32_t)(size_t)data, RANKOP_P2P, 10);
	return NULL;
}

static void *count_alone(void *data)
{
	counter_sent(counter_shard(), (uint32_t)(size_t)data, RANKOP_P2P, 10);
	return NULL;
}

static void threads_run(void)
{
	struct counter_settings settings = { .file = &file, .clock = CLOCK_MONOTONIC, .sizes = 50 };
	pthread_t threads[THREADS];
	struct rankfile rank;

	start(&settings);
	for (size_t i = 0; i < 500; i++) {
		need(!pthread_create(&threads[0], NULL, count_alone, (void *)7));
		pthread_join(threads[0], NULL);
	}
	need(!counter.file->lost);
	pthread_barrier_init(&all_there, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		need(!pthread_create(&threads[i], NULL, count_thread, (void *)(i % 10)));
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	load(&rank);
	need(rank.peers.count == 10);
	for (uint32_t i = 0; i < 10; i++) {
		uint64_t count = 10 * PER_THREAD + (i == 7 ? 500 : 0);

		need(rank.peers.rows[i].tx_messages == count);
		need(rank.peers.rows[i].tx_bytes == 10 * count);
	}
	rankfile_release(&rank);
}

static void more_threads_than_shards_lose_nothing(void **state)
{
	(void)state;
	in_child(threads_run);
}

/* Time is what this clock says. */
static int64_t fake_now;

static int fake_clock(clockid_t clock, struct timespec *now)
{
	(void)clock;
	now->tv_sec = fake_now / 1000000000;
	now->tv_nsec = fake_now % 1000000000;
	return 0;
}

static void windows_run(void)
{
	struct counter_settings settings = {
		.file = &file,
		.clock = CLOCK_MONOTONIC,
		.sizes = 50,
		.window = 10,
		.zero = 1000,
	};
	struct rankfile rank;
	uint64_t total = 0;

	start(&settings);
	counter.clock_read = fake_clock;
	/* One message in each of 5,000 windows of 10 ns. */
	for (int i = 0; i < 5000; i++) {
		fake_now = 1000 + 10 * i + 3;
		counter_sent(counter_shard(), 4, RANKOP_P2P, 2);
	}
	load(&rank);
	/* 5,000 / 8 = 625 windows of 80 ns, 8 messages each. */
	need(rank.window_width == 80);
	need(rank.nwindows == 625);
	for (size_t i = 0; i < rank.nwindows; i++) {
		need(rank.windows[i].start == 80 * (int64_t)i);
		need(rank.windows[i].peers.count == 1);
		need(rank.windows[i].peers.rows[0].tx_messages == 8);
		total += rank.windows[i].peers.rows[0].tx_bytes;
	}
	need(total == 10000);
	rankfile_release(&rank);
}

static void windows_merge_in_pairs(void **state)
{
	(void)state;
	in_child(windows_run);
}

/* No file may be larger than 64 KiB: the second, then memory take the rest. */
static void limited_run(void)
{
	struct counter_settings settings = { .file = &file, .clock = CLOCK_MONOTONIC, .sizes = 50 };
	struct rlimit limit = { 65536, 65536 };
	struct rankfile rank;

	start(&settings);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (uint32_t i = 0; i < 2000; i++)
		counter_sent(counter_shard(), i, RANKOP_P2P, 1);
	need(file.count == 3 && file.in_memory && !file.lost);
	load(&rank);
	need(rank.peers.count == 2000);
	rankfile_release(&rank);
}

static void a_full_file_is_followed_by_another(void **state)
{
	(void)state;
	in_child(limited_run);
}

static void nowhere_run(void)
{
	struct counter_settings settings = { .file = &file, .clock = CLOCK_MONOTONIC, .sizes = 50 };
	struct rlimit limit = { 16384, 16384 };

	start(&settings);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (uint32_t i = 0; i < 5000; i++)
		counter_sent(counter_shard(), i, RANKOP_P2P, 1);
	need(file.lost);
	livefile_unlink(&file);
	rmdir(dir);
}

static void no_room_anywhere_is_said(void **state)
{
	(void)state;
	in_child(nowhere_run);
}

static void phases_run(void)
{
	struct counter_settings settings = { .file = &file, .clock = CLOCK_MONOTONIC, .sizes = 50 };
	struct rankfile rank;

	start(&settings);
	for (int i = 0; i < 300; i++) {
		phase_open(i + 1);
		counter_sent(counter_shard(), 0, RANKOP_P2P, 1);
	}
	phase_open(0);
	counter_sent(counter_shard(), 0, RANKOP_P2P, 1);
	phase_open(-5);
	phase_open(3);
	counter_sent(counter_shard(), 0, RANKOP_P2P, 1);
	load(&rank);
	need(rank.nphases == 257);
	need(rank.phases[2].level == 3 && rank.phases[2].opened == 2);
	need(rank.phases[2].ops[RANKOP_P2P].rows[0].tx_messages == 2);
	need(rank.phases[256].other && rank.phases[256].opened == 45);
	need(rank.phases[256].ops[RANKOP_P2P].rows[0].tx_messages == 44);
	need(rank.peers.rows[0].tx_messages == 302);
	rankfile_release(&rank);
}

static void the_257th_phase_is_other(void **state)
{
	(void)state;
	in_child(phases_run);
}

static void a_signal_that_was_pending_stays(void **state)
{
	struct rlimit limit, old;
	struct quiet quiet;
	sigset_t set;
	FILE *temp = tmpfile();

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1;
	setrlimit(RLIMIT_FSIZE, &limit);
	quiet_begin(&quiet);
	assert_int_equal(write(fileno(temp), "ab", 2), 1);
	assert_int_equal(write(fileno(temp), "c", 1), -1);
	quiet_end(&quiet);
	setrlimit(RLIMIT_FSIZE, &old);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGXFSZ);
	quiet_begin(&quiet);
	quiet_end(&quiet);
	sigpending(&set);
	assert_true(sigismember(&set, SIGXFSZ));
	fclose(temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up_as_a_model_does),
		cmocka_unit_test(more_threads_than_shards_lose_nothing),
		cmocka_unit_test(windows_merge_in_pairs),
		cmocka_unit_test(a_full_file_is_followed_by_another),
		cmocka_unit_test(no_room_anywhere_is_said),
		cmocka_unit_test(the_257th_phase_is_other),
		cmocka_unit_test(a_signal_that_was_pending_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
