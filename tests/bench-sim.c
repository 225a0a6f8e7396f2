/* SPDX-License-Identifier: Apache-2.0 */
/* bench-sim.c - how fast jobs are scheduled
 *
 *	bench-sim [MOST_JOBS]
 *	bench-sim SCHEDULER SELECTION HOSTS JOBS LOAD		one case
 *
 * For each scheduler: jobs per second of processor time, from 1,000 to MOST_JOBS
 * (1,000,000) jobs and from 100 to 10,000 hosts, without network; beside it, in the
 * same run, the bare event queue with as many events (two for each job), which
 * nothing can be faster than.  Jobs are drawn so that the cluster is asked for LOAD of what
 * it has; run times are a half to all of the limits.  Each case is a process of
 * its own, whose peak memory is told beside that of the jobs alone.
 */
#include "engine/sim.h"
#include "evq.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

/* Sizes are powers of two up to a quarter of the cluster, small ones as likely
 * as large ones; times 1 to 100 s.
 */
static void draw_jobs(struct workload *workload, size_t count, uint32_t hosts, double load)
{
	struct random random;
	double time = 0, mean_size = 0;
	unsigned int sizes = 1;

	while (2u << sizes <= hosts / 4 && sizes < 8)
		sizes++;
	for (unsigned int i = 0; i < sizes; i++)
		mean_size += (double)(1u << i) / sizes;
	random_init(&random, 1, "bench", 0);
	workload->jobs = calloc(count, sizeof(*workload->jobs));
	if (!workload->jobs)
		exit(1);
	workload->count = count;
	for (size_t i = 0; i < count; i++) {
		struct workload_job *job = &workload->jobs[i];

		time += random_exponential(&random, load * hosts / (mean_size * 0.75 * 50.5));
		job->job.id = i;
		job->job.submit = (int64_t)(time * 1e9);
		job->job.nodes = 1u << random_below(&random, sizes);
		job->job.ranks = job->job.nodes;
		job->job.limit = (int64_t)(1 + random_below(&random, 100)) * SECOND;
		job->duration =
			(int64_t)((double)job->job.limit * (0.5 + 0.5 * random_real(&random)));
	}
}

/* Events as the simulation has them, and nothing done at them. */
static double bare(const struct workload *workload)
{
	struct evq_node *nodes = calloc(workload->count, sizeof(*nodes));
	double start = now();
	struct evq q;

	if (!nodes)
		exit(1);
	evq_init(&q);
	for (size_t i = 0; i < workload->count; i++) {
		int64_t submit = workload->jobs[i].job.submit;

		while (evq_peek(&q) && evq_peek(&q)->time <= submit)
			evq_next(&q);
		evq_add(&q, &nodes[i], submit + workload->jobs[i].duration, 0);
	}
	while (evq_next(&q))
		;
	start = now() - start;
	evq_release(&q);
	free(nodes);
	return start;
}

static double wait_mean(const struct sim *sim)
{
	double sum = 0;
	size_t count;
	const struct sim_job *jobs = sim_jobs(sim, &count);

	for (size_t i = 0; i < count; i++)
		sum += (double)(jobs[i].start - jobs[i].what->job.submit) / 1e9;
	return sum / (double)count;
}

static int run_case(const char *scheduler, const char *selection, uint32_t hosts, size_t count,
		    double load)
{
	struct topology topology;
	struct workload workload = { 0 };
	struct sim_settings settings = {
		.topology = &topology,
		.scheduler = scheduler,
		.selection = selection,
		.until = NETEMU_NEVER,
		.no_network = true,
		.seed = 1,
	};
	double time, limit;
	struct sim *sim;
	struct err err;
	char spec[64];
	long before;

	snprintf(spec, sizeof(spec), "xgft:%ux%u:1x1", hosts / 20, 20);
	if (topology_open(&topology, spec, NULL, &err) < 0)
		goto failed;
	draw_jobs(&workload, count, hosts, load);
	before = peak();
	limit = bare(&workload);
	time = now();
	if (sim_create(&sim, &settings, &workload, &err) < 0 || sim_run(sim, &err) < 0)
		goto failed;
	time = now() - time;
	printf("%-13s %-8s %6u %8zu %5.2f %10.0f %9.1fx %8ld %8ld %10.1f\n", scheduler, selection,
	       hosts, count, load, (double)count / time, time / limit, before, peak() - before,
	       wait_mean(sim));
	sim_destroy(sim);
	free(workload.jobs);
	topology_release(&topology);
	return 0;
failed:
	fprintf(stderr, "bench-sim: %s\n", err.text);
	return 1;
}

/* In a process of its own. */
static void run(const char *scheduler, const char *selection, uint32_t hosts, size_t count,
		double load)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int rc = run_case(scheduler, selection, hosts, count, load);

		fflush(stdout);
		_exit(rc);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		perror("bench-sim");
}

int main(int argc, char **argv)
{
	size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	static const char *const schedulers[] = { "fcfs", "sjf", "easy-count", "easy" };
	static const char *const selections[] = { "random", "compact" };

	if (argc == 6)
		return run_case(argv[1], argv[2], (uint32_t)atoi(argv[3]),
				strtoul(argv[4], NULL, 10), atof(argv[5]));
	printf("%-13s %-8s %6s %8s %5s %10s %10s %8s %8s %10s\n", "scheduler", "nodes", "hosts",
	       "jobs", "load", "jobs/s", "to queue", "jobs/MB", "sim/MB", "wait/s");
	for (size_t s = 0; s < sizeof(schedulers) / sizeof(*schedulers); s++) {
		for (size_t count = 1000; count <= most; count *= 10)
			run(schedulers[s], "linear", 1000, count, 0.7);
		run(schedulers[s], "linear", 100, most / 10, 0.7);
		run(schedulers[s], "linear", 10000, most / 10, 0.7);
		run(schedulers[s], "linear", 1000, most / 10, 0.95);
		run(schedulers[s], "linear", 1000, most / 10, 1.2);
	}
	run("easy", "linear", 1000, most, 1.2);
	run("easy", "compact", 10000, most / 10, 0.95);
	for (size_t s = 0; s < sizeof(selections) / sizeof(*selections); s++)
		run("fcfs", selections[s], 1000, most / 10, 0.7);
	run("conservative", "linear", 100, most / 100, 0.7);
	run("conservative", "linear", 1000, most / 100, 0.7);
	run("conservative:depth=100", "linear", 1000, most / 100, 1.2);
	return 0;
}
