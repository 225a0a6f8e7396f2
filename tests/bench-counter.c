/* SPDX-License-Identifier: Apache-2.0 */
/* bench-counter.c - what counting costs by itself, in time and memory
 *
 *   bench-counter DIR
 *
 * Counts messages to 4, 1,000 and 100,000 simulated peers into a live file in
 * DIR.  Beside the time of a message stands that of the least any counting
 * must do, a clock and six additions; memory is that of the live file and of
 * the private index.
 */
#include "counter.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS   7
#define MESSAGES 2000000

static int no_next(char path[PATH_MAX])
{
	(void)path;
	return -1;
}

static void no_made(const char *path)
{
	(void)path;
}

static const struct livefile_ops ops = { .next = no_next, .made = no_made };

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

typedef void (*count_fn)(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes);

static void least(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes)
{
	static struct live_cell cell;
	static struct live_size size;

	(void)shard;
	(void)peer;
	(void)op;
	counter_stamp(&cell, counter_now());
	cell.tx_bytes += bytes;
	cell.tx_messages++;
	size.tx_messages++;
	__asm__ volatile("" ::: "memory");
}

static double best_of(count_fn count, uint32_t peers)
{
	struct counter_shard *shard = counter_shard();
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		uint32_t peer = 0;
		double begin = now();

		for (int i = 0; i < MESSAGES; i++) {
			count(shard, peer, RANKOP_P2P, 8);
			peer = peer + 1 < peers ? peer + 1 : 0;
		}
		begin = now() - begin;
		if (begin < best)
			best = begin;
	}
	return best / MESSAGES;
}

/* In a process of its own: peers must not be known from before. */
static void measure(const char *dir, uint32_t peers)
{
	static struct livefile file;
	struct live_header header = { .magic = LIVE_MAGIC, .ranks = peers };
	struct counter_settings settings = {
		.file = &file,
		.clock = CLOCK_MONOTONIC_COARSE,
		.sizes = 1024,
	};
	char path[PATH_MAX];
	double send, receive, floor;
	size_t before = mallinfo2().uordblks;
	size_t private;
	struct err err;

	snprintf(path, sizeof(path), "%s/.bench-%d.live", dir, (int)getpid());
	if (counter_start(&settings) < 0 || livefile_create(&file, path, &header, &ops, &err) < 0) {
		fprintf(stderr, "bench-counter: %s\n", err.text);
		exit(1);
	}
	send = best_of(counter_sent, peers);
	receive = best_of(counter_received, peers);
	floor = best_of(least, peers);
	private = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	printf("%7u peers: send %5.1f ns, receive %5.1f ns (least possible %.1f ns, ratio %.1f); "
	       "live file %8llu B, private %8zu B, %.0f B a peer\n",
	       peers, send, receive, floor, send / floor, (unsigned long long)file.parts[0].size,
	       private, (double)(file.parts[0].size + private) / peers);
	livefile_unlink(&file);
}

int main(int argc, char **argv)
{
	static const char *const peers[] = { "4", "1000", "100000" };
	char command[PATH_MAX + 64];

	if (argc < 2) {
		fprintf(stderr, "usage: bench-counter DIR\n");
		return 2;
	}
	if (argc > 2) {
		measure(argv[1], (uint32_t)atoi(argv[2]));
		return 0;
	}
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		snprintf(command, sizeof(command), "'%s' '%s' %s", argv[0], argv[1], peers[i]);
		if (system(command))
			return 1;
	}
	return 0;
}
