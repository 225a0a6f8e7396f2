/* SPDX-License-Identifier: Apache-2.0 */
/* bench-trace.c - what a call costs; run with and without a tracer by bench-trace.sh
 *
 *	bench-trace empty COUNT   ns of a poll that finds nothing
 *	bench-trace pair COUNT    ns of a post and the poll that takes its completion
 *	bench-trace exec COUNT    us of a program that does nothing
 */
#include "tracelib.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

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

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;
	struct ends ends;

	if (count <= 0)
		return fprintf(stderr, "usage: bench-trace empty|pair|exec COUNT\n"), 2;
	if (strcmp(argv[1], "exec") == 0)
		return printf("%.1f\n", run_true(count)), 0;
	ends_open(&ends, device_open(0));
	ends_writes(&ends, 1000, 8);
	printf("%.2f\n", strcmp(argv[1], "pair") == 0 ? pair(&ends, count) : empty(&ends, count));
	return 0;
}
