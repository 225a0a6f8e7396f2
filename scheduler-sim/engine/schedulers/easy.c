/* SPDX-License-Identifier: Apache-2.0 */
/* easy.c - EASY backfill with sets of hosts, as Slurm's backfill reserves them
 *
 * The first job that does not fit gets a reservation: of the hosts that by the
 * limits of what runs are free at its shadow time, the earliest time at which
 * the node selection finds enough, those that it chooses then.  A later job may
 * start when it ends by its limit at or before the shadow time, or on other
 * hosts than the reserved ones.  The reservation stays until a job ends.
 *
 * A limit that has passed counts as passing now.  Of hosts that are shared a
 * reservation takes those that have enough left now, or that all jobs have left
 * by then.
 */
#include "schedulers.h"
#include "waiting.h"
#include "engine/hostset.h"

#include <stdio.h>
#include <stdlib.h>

struct easy {
	uint32_t hosts;
	size_t depth; /* jobs looked at behind the first; 0: all */
	struct waiting waiting;
	const struct netemu_job *head; /* who has the reservation; NULL: none */
	int64_t shadow;
	uint32_t nreserved;
	uint64_t licences;               /* left for jobs that run on after the shadow time */
	netemu_hostset *reserved, *open; /* owned; open: what may be had */
	uint32_t *chosen;                /* [hosts]; owned */
	uint32_t *jobs;                  /* [hosts]: that share it and do not end before; owned */
};

static void easy_destroy(void *arg)
{
	struct easy *easy = arg;

	waiting_release(&easy->waiting);
	free(easy->reserved);
	free(easy->open);
	free(easy->chosen);
	free(easy->jobs);
	free(easy);
}

static int take_options(struct easy *easy, const char *options)
{
	int n = 0;

	if (!options)
		return 0;
	return sscanf(options, "depth=%zu%n", &easy->depth, &n) == 1 && !options[n] ? 0 : -1;
}

static void *easy_create(const struct netemu_net *net, const char *options, char *why,
			 size_t why_size)
{
	struct easy *easy = calloc(1, sizeof(*easy));

	if (!easy)
		return NULL;
	easy->hosts = net->hosts;
	easy->reserved = calloc(hostset_words(net->hosts), sizeof(*easy->reserved));
	easy->open = calloc(hostset_words(net->hosts), sizeof(*easy->open));
	easy->chosen = calloc(net->hosts, sizeof(*easy->chosen));
	easy->jobs = calloc(net->hosts, sizeof(*easy->jobs));
	if (take_options(easy, options) < 0)
		snprintf(why, why_size, "'%s': not depth=JOBS", options);
	else if (easy->reserved && easy->open && easy->chosen && easy->jobs)
		return easy;
	easy_destroy(easy);
	return NULL;
}

/* --- the reservation --- */

/* How many jobs share each host. */
static void count_sharing(struct easy *easy, const struct netemu_cluster *cluster)
{
	memset(easy->jobs, 0, easy->hosts * sizeof(*easy->jobs));
	for (size_t i = 0; i < cluster->nrunning; i++)
		for (uint32_t k = 0; cluster->running[i]->shares && k < cluster->running[i]->nhosts;
		     k++)
			easy->jobs[cluster->running[i]->hosts[k]]++;
}

/* JOB ends: its hosts are open when it was the last on them.  Returns how many
 * of them were not yet.
 */
static uint32_t open_hosts(struct easy *easy, const struct netemu_job *job)
{
	uint32_t opened = 0;

	for (uint32_t i = 0; i < job->nhosts; i++) {
		uint32_t host = job->hosts[i];

		if (job->shares && --easy->jobs[host] > 0)
			continue;
		opened += !hostset_has(easy->open, host);
		hostset_add(easy->open, host);
	}
	return opened;
}

/* Choose hosts for the head job out of those that are open. */
static bool reserve(struct easy *easy, struct netemu_cluster *cluster, uint64_t licences)
{
	const struct netemu_job *head = easy->head;
	uint64_t want = head->want[NETEMU_LICENCES];

	if (want > licences)
		return false;
	easy->nreserved = cluster->select(cluster, head, easy->open, easy->chosen);
	for (uint32_t i = 0; i < easy->nreserved; i++)
		hostset_add(easy->reserved, easy->chosen[i]);
	easy->licences = licences - want;
	return easy->nreserved > 0;
}

/* Let running jobs end in order until the head job has its hosts. */
static void make_reservation(struct easy *easy, struct netemu_cluster *cluster)
{
	uint64_t licences = cluster->licences;
	uint32_t count;
	bool counted = false;

	hostset_clear(easy->reserved, easy->hosts);
	easy->head = cluster->queue;
	count = cluster->available(cluster, easy->head, easy->open);
	for (size_t i = 0; i < cluster->nrunning;) {
		int64_t end = netemu_job_end(cluster->running[i]);

		for (; i < cluster->nrunning && netemu_job_end(cluster->running[i]) == end; i++) {
			if (cluster->running[i]->shares && !counted) {
				count_sharing(easy, cluster);
				counted = true;
			}
			count += open_hosts(easy, cluster->running[i]);
			if (licences != UINT64_MAX)
				licences += cluster->running[i]->want[NETEMU_LICENCES];
		}
		easy->shadow = end > cluster->now ? end : cluster->now;
		if (count >= easy->head->nodes && reserve(easy, cluster, licences))
			return;
	}
	easy->shadow = NETEMU_NEVER;
	easy->nreserved = 0;
	easy->licences = UINT64_MAX;
}

/* --- the pass --- */

/* Start JOB on hosts that are free and not reserved. */
static int start_beside(struct easy *easy, struct netemu_cluster *cluster, struct netemu_job *job)
{
	uint32_t n;

	if (job->want[NETEMU_LICENCES] > easy->licences)
		return -1;
	cluster->available(cluster, job, easy->open);
	for (size_t w = 0; w < hostset_words(easy->hosts); w++)
		easy->open[w] &= ~easy->reserved[w];
	n = cluster->select(cluster, job, easy->open, easy->chosen);
	if (n == 0 || cluster->start(cluster, job, easy->chosen, n) < 0)
		return -1;
	easy->licences -= job->want[NETEMU_LICENCES];
	return 0;
}

/* How many idle hosts are not reserved. */
static uint32_t count_beside(const struct easy *easy, const struct netemu_cluster *cluster)
{
	uint32_t count = 0;

	for (size_t w = 0; w < hostset_words(easy->hosts); w++)
		count += (uint32_t)__builtin_popcountll(cluster->idle[w] & ~easy->reserved[w]);
	return count;
}

/* Start those from PLACE on that do not delay the first one. */
static void backfill(struct easy *easy, struct netemu_cluster *cluster, size_t place, size_t end)
{
	struct waiting *waiting = &easy->waiting;
	struct waiting_wanted wanted = { .time = easy->shadow };

	if (easy->shadow != NETEMU_NEVER)
		wanted.time -= cluster->now;
	for (;; place++) {
		struct netemu_job *job;
		bool started;

		wanted.hosts = cluster->nidle;
		wanted.beside = count_beside(easy, cluster);
		place = waiting_find(waiting, place, end, &wanted);
		if (place >= end)
			return;
		job = waiting->item[place].job;
		if (waiting->item[place].time <= wanted.time)
			started = cluster->start(cluster, job, NULL, 0) == 0;
		else
			started = start_beside(easy, cluster, job) == 0;
		if (started)
			waiting_remove(waiting, place);
	}
}

/* Where the jobs behind the first that are looked at end. */
static size_t find_end(const struct easy *easy, size_t first)
{
	size_t end = easy->waiting.count, place = first;

	if (!easy->depth)
		return end;
	for (size_t n = 0; n <= easy->depth && place < end; n++)
		place = waiting_find(&easy->waiting, place, end, NULL) + 1;
	return place < end ? place : end;
}

/* Start jobs in order as long as they fit.  Returns the place of the first that
 * does not, or that of the end.
 */
static size_t start_in_order(struct easy *easy, struct netemu_cluster *cluster)
{
	struct waiting *waiting = &easy->waiting;
	size_t place;

	while ((place = waiting_first(waiting)) < waiting->count) {
		struct netemu_job *job = waiting->item[place].job;

		if (!cluster->fits(cluster, job) || cluster->start(cluster, job, NULL, 0) < 0)
			break;
		waiting_remove(waiting, place);
		easy->head = NULL;
	}
	return place;
}

/* Since the reservation was made only jobs that came can have become ones that
 * start: hosts and time have got less.
 */
static int easy_pass(void *arg, struct netemu_cluster *cluster)
{
	struct easy *easy = arg;
	size_t came = 0, first, from;

	for (struct netemu_job *job = cluster->arrived; job; job = job->next, came++)
		if (waiting_add(&easy->waiting, job) < 0)
			return -1;
	from = easy->waiting.count - came;
	first = start_in_order(easy, cluster);
	if (first >= easy->waiting.count)
		return 0;
	if (!easy->head || cluster->ended) {
		make_reservation(easy, cluster);
		from = first + 1;
	}
	backfill(easy, cluster, from, find_end(easy, first));
	return 0;
}

const struct netemu_policy scheduler_easy = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "easy",
	.help = "EASY backfill, the first job's hosts reserved as Slurm does; depth=JOBS",
	.scheduling = { easy_create, easy_destroy, easy_pass },
};
