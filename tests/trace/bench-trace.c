/* SPDX-License-Identifier: Apache-2.0 */
/* bench-trace.c - what a call costs; run with and without a tracer by bench-trace.sh
 *
 *	bench-trace empty COUNT   ns of a poll that finds nothing
 *	bench-trace pair COUNT    ns of a post and the poll that takes its completion
 *	bench-trace again COUNT   the same, after as many before
 *	bench-trace writes COUNT  ns of a write, of which some are signaled, in one thread
 *	bench-trace clock COUNT   the same, and what no tracer can do without: the clock
 *	                          before the post and after the poll, and two records that
 *	                          are written as a whole
 *	bench-trace pages COUNT FILE  ns of the room for a record in a new FILE
 *	bench-trace exec COUNT    us of a program that does nothing
 */
#include "ringfile.h"
#include "ticks.h"
#include "tracelib.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double empty(struct ends *ends, int count)
{
	struct ibv_wc wc;
	double begin = now();

	for (int i = 0; i < count; i++)
		ibv_poll_cq(ends->cq, 1, &wc);
	return (now() - begin) / count;
}

static double pair(struct ends *ends, int count)
{
	double begin = now();

	ends_writes(ends, count, 8);
	return (now() - begin) / count;
}

static double again(struct ends *ends, int count)
{
	ends_writes(ends, count, 8);
	return pair(ends, count);
}

#define SIGNALED_EACH (ENDS_DEPTH / 2)

static double writes(struct ends *ends, int count)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)ends->memory,
		.length = 8,
		.lkey = ends->mr->lkey,
	};
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.wr.rdma = {
			.remote_addr = (uintptr_t)ends->memory + ENDS_SIZE / 2,
			.rkey = ends->mr->rkey,
		},
	};
	double begin = now();
	struct ibv_wc wc;

	for (int i = 1; i <= count; i++) {
		wr.wr_id = (uint64_t)i;
		wr.send_flags = i % SIGNALED_EACH ? 0 : IBV_SEND_SIGNALED;
		errno = ibv_post_send(ends->a, &wr, &bad);
		need(!errno, "ibv_post_send");
		if (wr.send_flags)
			ends_poll(ends, &wc);
	}
	return (now() - begin) / count;
}

static void write_record(struct vring_record *record, uint64_t time)
{
	*record = (struct vring_record){ .time = time };
}

static double clocked(struct ends *ends, int count)
{
	static struct vring_record ring[16384]; /* 1 MiB */
	double begin = now();
	uint64_t time;
	struct ibv_wc wc;

	for (int i = 0; i < count; i++) {
		time = ticks_now();
		errno = ends_write(ends, ends->a, (uint64_t)i, 8);
		need(!errno, "ibv_post_send");
		write_record(&ring[2 * i % 16384], time);
		ends_poll(ends, &wc);
		write_record(&ring[(2 * i + 1) % 16384], ticks_now());
	}
	need(ring[1].time, "records");
	return (now() - begin) / count;
}

/* Without a record: what the kernel takes for pages. */
static double pages(const char *file, int count)
{
	const struct vring_header header = { .version = VRING_VERSION };
	static struct ringfile ring;
	double begin = now();
	struct err err;

	need(file && !ringfile_create(&ring, file, &header, 64 * (uint64_t)count, &err), "a file");
	for (int i = 0; i < count; i += VRING_RECORDS)
		need(ringfile_extend(&ring), "room");
	begin = now() - begin;
	unlink(file);
	return begin / count;
}

static double run_true(int count)
{
	char name[] = "true", *argv[] = { name, NULL };
	double begin = now();
	pid_t pid;

	for (int i = 0; i < count; i++)
		need(!posix_spawnp(&pid, "true", NULL, NULL, argv, environ) &&
			     waitpid(pid, NULL, 0) == pid,
		     "true");
	return (now() - begin) / count / 1000;
}

static const struct {
	const char *name;
	double (*measure)(struct ends *ends, int count);
} measures[] = {
	{ "empty", empty },   { "pair", pair },     { "again", again },
	{ "writes", writes }, { "clock", clocked },
};

int main(int argc, char **argv)
{
	int count = argc == 3 || argc == 4 ? atoi(argv[2]) : 0;
	struct ends ends;

	if (count <= 0)
		return fprintf(stderr, "usage: bench-trace WHAT COUNT [FILE]\n"), 2;
	if (strcmp(argv[1], "exec") == 0)
		return printf("%.1f\n", run_true(count)), 0;
	if (strcmp(argv[1], "pages") == 0)
		return printf("%.2f\n", pages(argv[3], count)), 0;
	ticks_init();
	ends_open(&ends, device_open(0));
	ends_writes(&ends, 1000, 8);
	for (size_t i = 0; i < sizeof(measures) / sizeof(*measures); i++)
		if (strcmp(argv[1], measures[i].name) == 0)
			return printf("%.2f\n", measures[i].measure(&ends, count)), 0;
	return fprintf(stderr, "bench-trace: unable to measure '%s'\n", argv[1]), 2;
}
