/* SPDX-License-Identifier: Apache-2.0 */
/* bench-jobs.c - how fast jobs are read and traffic is folded, `make bench-jobs`
 *
 * Each figure is a ratio to the plainest thing that touches the same bytes, in
 * the same run: counting line ends, or adding up the pairs.
 */
#include "jobs/sacct.h"
#include "jobs/swf.h"
#include "random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static long peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

static char *make(bool swf, int lines, size_t *size)
{
	char *text = malloc((size_t)lines * 128 + 128);
	size_t used = 0;

	if (!text)
		exit(1);
	if (!swf)
		used = (size_t)sprintf(text, "JobID|Submit|Start|End|Timelimit|State|NNodes|NCPUS|"
					     "NodeList|JobName\n");
	for (int i = 0; i < lines; i++)
		used += (size_t)(swf ? sprintf(text + used,
					       "%d %d 0 %d 16 -1 -1 16 3600 -1 1 1 1 1 1 1 -1 -1\n",
					       i + 1, i, i % 1000)
				     : sprintf(text + used,
					       "%d|2026-11-28T%02d:%02d:%02d|2026-11-29T00:00:00|"
					       "2026-11-29T01:00:00|01:10:00|COMPLETED|4|16|"
					       "n[0-3]|app\n",
					       i + 1, i % 24, i / 24 % 60, i / 1440 % 60));
	*size = used;
	return text;
}

static void read_lines(bool swf, int lines)
{
	const struct workload_ask ask = { 0 };
	struct workload workload;
	struct err err = { "" };
	double plain, took;
	size_t size, ends = 0;
	char *text = make(swf, lines, &size);

	plain = now();
	for (const char *p = text; (p = memchr(p, '\n', size - (size_t)(p - text))) != NULL; p++)
		ends++;
	plain = now() - plain;
	workload_init(&workload);
	took = now();
	if ((swf ? swf_parse : sacct_parse)(&workload, text, size, "f", &ask, &err) < 0)
		fprintf(stderr, "%s\n", err.text);
	workload_settle(&workload);
	took = now() - took;
	printf("%-5s %8zu lines: %.2f s, %6.0f times counting them, %.2f M lines/s, peak %ld MiB\n",
	       swf ? "swf" : "sacct", ends, took, took / plain, (double)ends / took / 1e6, peak());
	workload_release(&workload);
	free(text);
}

static void fold(uint32_t ranks, uint32_t hosts, size_t npairs, bool cyclic)
{
	struct netemu_rank_pair *pairs = malloc(npairs * sizeof(*pairs));
	uint32_t *placement = malloc(ranks * sizeof(*placement));
	struct netemu_pair *folded;
	struct random random;
	double plain, took;
	uint64_t sum = 0;
	ssize_t count;

	if (!pairs || !placement)
		exit(1);
	random_init(&random, 1, "bench", 0);
	for (uint32_t r = 0; r < ranks; r++)
		placement[r] = cyclic ? r % hosts : (uint32_t)((uint64_t)r * hosts / ranks);
	for (size_t i = 0; i < npairs; i++)
		pairs[i] = (struct netemu_rank_pair){
			.from = (uint32_t)(i * (uint64_t)ranks / npairs),
			.to = (uint32_t)random_below(&random, ranks),
			.bytes = i,
			.messages = 1,
		};
	plain = now();
	for (size_t i = 0; i < npairs; i++)
		sum += pairs[i].bytes;
	plain = now() - plain;
	took = now();
	count = traffic_fold(pairs, npairs, placement, hosts, &folded);
	took = now() - took;
	printf("fold %zu pairs of %u ranks on %u hosts (%s): %zd pairs, %.1f times adding them up, "
	       "%.1f M pairs/s, peak %ld MiB (%" PRIu64 ")\n",
	       npairs, ranks, hosts, cyclic ? "cyclic" : "block", count, took / plain,
	       (double)npairs / took / 1e6, peak(), sum % 10);
	if (count >= 0)
		free(folded);
	free(pairs);
	free(placement);
}

int main(void)
{
	for (int lines = 10000; lines <= 1000000; lines *= 10) {
		read_lines(true, lines);
		read_lines(false, lines);
	}
	for (int cyclic = 0; cyclic < 2; cyclic++) {
		fold(1000, 100, 10000000, cyclic);
		fold(100000, 10000, 10000000, cyclic);
		fold(1000000, 100000, 10000000, cyclic);
	}
	return 0;
}
