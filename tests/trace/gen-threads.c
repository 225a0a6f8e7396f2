/* SPDX-License-Identifier: Apache-2.0 */
/* gen-threads.c - a file of calls of several threads that nobody has made
 *
 *	gen-threads FILE MIB [QPS [THREADS]]
 *
 * About MIB MiB of records: QPS connected queue pairs (4), on which each of THREADS
 * threads (2) posts sends, every fourth one signaled, and receives, and takes their
 * completions.  What is posted is completed, so requests = posts.  Prints how many of
 * each there are, as words NAME=NUMBER.
 */
#include "vring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND  1000000000
#define BATCH   4 /* sends that one completion ends */
#define THREADS 16

enum { SIGNALED = 2, SEND = 2, RECV = 128, RC = 2 };

static struct {
	FILE *file;
	uint64_t time; /* ns, which are ticks here */
	uint64_t sends, receives, completions;
	uint32_t qps;
} gen;

struct extent {
	struct vring_extent head;
	struct vring_record record[VRING_RECORDS];
};

static struct extent extents[THREADS];
static uint64_t firsts[THREADS];

static struct vring_anchor anchor(uint64_t time)
{
	return (struct vring_anchor){
		.ticks = time,
		.monotonic = (int64_t)time,
		.realtime = (int64_t)time + INT64_C(1700000000) * SECOND,
	};
}

static void put(const void *data, size_t size)
{
	if (fwrite(data, 1, size, gen.file) != size) {
		perror("gen-threads");
		exit(1);
	}
}

static void put_extent(struct extent *extent, uint64_t *first)
{
	extent->head.first = *first;
	*first += extent->head.used;
	put(extent, sizeof(*extent));
	extent->head.used = 0;
}

/* A record, with COUNT - 1 that belong to it. */
static void add(struct extent *extent, uint64_t *first, const void *records, uint32_t count)
{
	if (extent->head.used + count > VRING_RECORDS)
		put_extent(extent, first);
	if (!extent->head.used)
		extent->head.anchor = anchor(gen.time);
	memcpy(&extent->record[extent->head.used], records, count * sizeof(struct vring_record));
	extent->head.used += count;
}

static void put_header(void)
{
	static union {
		struct vring_header header;
		char bytes[VRING_HEADER_SIZE];
	} head;

	head.header = (struct vring_header){
		.magic = VRING_MAGIC,
		.version = VRING_VERSION,
		.byte_order = VRING_BYTE_ORDER,
		.clean = 1,
		.clock = VRING_MONOTONIC,
		.level = VRING_FULL,
		.ranks = 1,
		.pid = 4242,
		.first = anchor(gen.time),
		.last = anchor(gen.time + 1000 * (uint64_t)SECOND),
		.node = "nowhere",
		.program = "/usr/bin/gen-threads",
		.job = "7",
		.step = "0",
	};
	put(&head, sizeof(head));
}

/* As far as queue pairs have to be known. */
static void put_calls(void)
{
	static struct extent calls = { .head = { .kind = VRING_CALLS, .series = 1 } };
	uint64_t first = 0;

	for (uint32_t i = 0; i < gen.qps; i++) {
		struct {
			struct vring_call call;
			struct vring_qp_init init;
		} create = {
			.call = {
				.time = gen.time,
				.duration = 5000,
				.call = VCALL_CREATE_QP,
				.more = 1,
				.object = 0x1000 + 256 * i,
				.number = 100 + i,
				.a = 0x500,
				.b = 0x500,
			},
			.init = { .type = RC, .max_send_wr = 128, .max_recv_wr = 128 },
		};

		gen.time += 10000;
		add(&calls, &first, &create, 2);
	}
	put_extent(&calls, &first);
}

static void add_data(uint32_t thread, void *record)
{
	struct vring_record *common = record;

	common->time = gen.time;
	add(&extents[thread], &firsts[thread], record, 1);
	gen.time += common->duration + 50;
}

/* So many sends, one receive, and both completions. */
static void turn(uint32_t thread, uint32_t qpn, uint64_t number)
{
	struct vring_receive receive = {
		.duration = 60,
		.call = VCALL_POST_RECV,
		.qpn = qpn,
		.sges = 1,
		.bytes = 65536,
		.wr_id = number,
		.address = 0x7f0000000000,
		.lkey = 17,
	};
	struct vring_wc wc = { .call = VCALL_POLL_CQ, .qpn = qpn, .wr_id = number, .empty = 12 };

	add_data(thread, &receive);
	for (uint32_t i = 0; i < BATCH; i++) {
		struct vring_send send = {
			.duration = 120,
			.call = VCALL_POST_SEND,
			.qpn = qpn,
			.opcode = SEND,
			.flags = i == BATCH - 1 ? SIGNALED : 0,
			.sges = 1,
			.bytes = (uint32_t)(number * 64 % 65536),
			.wr_id = BATCH * number + i,
			.address = 0x7f0000010000 + 4096 * i,
			.lkey = 17,
		};

		add_data(thread, &send);
	}
	wc.wr_id = BATCH * number + BATCH - 1;
	add_data(thread, &wc);
	wc.wr_id = number;
	wc.opcode = RECV;
	wc.bytes = 4096;
	add_data(thread, &wc);
	gen.sends += BATCH;
	gen.receives++;
	gen.completions += 2;
}

int main(int argc, char **argv)
{
	uint32_t threads = argc > 4 ? (uint32_t)atoi(argv[4]) : 2;
	uint64_t turns, mib = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	gen.qps = argc > 3 ? (uint32_t)atoi(argv[3]) : 4;
	if (!mib || !gen.qps || !threads || threads > THREADS ||
	    !(gen.file = fopen(argv[1], "w"))) {
		fprintf(stderr, "usage: gen-threads FILE MIB [QPS [THREADS]]\n");
		return 2;
	}
	gen.time = SECOND;
	put_header();
	put_calls();
	for (uint32_t i = 0; i < threads; i++)
		extents[i].head = (struct vring_extent){ .kind = VRING_DATA,
							 .thread = 1000 + i,
							 .series = 2 + i };
	turns = mib * 1024 * 1024 / (64 * (BATCH + 3));
	/* threads take turns on queue pairs of their own */
	for (uint64_t i = 0; i < turns; i++)
		turn((uint32_t)(i % threads), 100 + (uint32_t)(i % gen.qps), i);
	for (uint32_t i = 0; i < threads; i++)
		put_extent(&extents[i], &firsts[i]);
	if (fclose(gen.file)) {
		perror("gen-threads");
		return 1;
	}
	printf("sends=%" PRIu64 " receives=%" PRIu64 " completions=%" PRIu64 " calls=%u\n",
	       gen.sends, gen.receives, gen.completions, gen.qps);
	return 0;
}
