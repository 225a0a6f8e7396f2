/* SPDX-License-Identifier: Apache-2.0 */
/* easy_count.c - EASY backfill by numbers of hosts
 *
 * The textbook's (Lifka, 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001):
 * the first job that does not fit starts at the shadow time, when by the limits
 * of what runs enough hosts will be free; what is more than it needs is extra.
 * A later job may start when it ends before the shadow time or takes no more
 * than the extra hosts.  Which hosts they are is not looked at; that is what
 * easy does.  A limit that has passed counts as passing now.
 */
#include "schedulers.h"
#include "waiting.h"

#include <stdio.h>
#include <stdlib.h>

struct easy_count {
	struct waiting waiting;
	uint32_t least_slots;          /* of a host */
	const struct netemu_job *head; /* whose shadow it is; NULL: none */
	int64_t shadow;
	uint32_t extra;
};

static void *easy_count_create(const struct netemu_net *net, const char *options, char *why,
			       size_t why_size)
{
	struct easy_count *easy;

	if (options) {
		snprintf(why, why_size, "'%s': easy-count has no options", options);
		return NULL;
	}
	easy = calloc(1, sizeof(*easy));
	if (!easy)
		return NULL;
	easy->least_slots = UINT32_MAX;
	for (uint32_t h = 0; h < net->hosts; h++)
		if (net->slots[h] < easy->least_slots)
			easy->least_slots = net->slots[h];
	return easy;
}

static uint32_t hosts_of(const struct easy_count *easy, const struct netemu_job *job)
{
	return job->nodes ? job->nodes : (job->ranks - 1) / easy->least_slots + 1;
}

static void find_shadow(struct easy_count *easy, const struct netemu_cluster *cluster)
{
	uint32_t need = hosts_of(easy, cluster->queue), free = cluster->nidle;
	size_t i = 0;

	easy->head = cluster->queue;
	easy->shadow = cluster->now;
	while (free < need && i < cluster->nrunning) {
		easy->shadow = netemu_job_end(cluster->running[i]);
		for (; i < cluster->nrunning && netemu_job_end(cluster->running[i]) == easy->shadow;
		     i++)
			free += cluster->running[i]->nhosts;
	}
	if (free < need)
		easy->shadow = NETEMU_NEVER;
	else if (easy->shadow < cluster->now)
		easy->shadow = cluster->now;
	easy->extra = free < need ? 0 : free - need;
}

/* Start JOB when it does not delay the first one.  Returns whether it did. */
static bool start_behind(struct easy_count *easy, struct netemu_cluster *cluster,
			 struct netemu_job *job)
{
	bool ends_before = netemu_job_end_from(job, cluster->now) <= easy->shadow;
	uint32_t need = hosts_of(easy, job);

	if ((!ends_before && need > easy->extra) || !cluster->fits(cluster, job) ||
	    cluster->start(cluster, job, NULL, 0) < 0)
		return false;
	if (!ends_before)
		easy->extra -= need;
	return true;
}

static void backfill(struct easy_count *easy, struct netemu_cluster *cluster, size_t place)
{
	struct waiting *waiting = &easy->waiting;
	struct waiting_wanted wanted = { .time = easy->shadow };

	if (easy->shadow != NETEMU_NEVER)
		wanted.time -= cluster->now;
	for (;; place++) {
		wanted.hosts = cluster->nidle;
		wanted.beside = easy->extra < cluster->nidle ? easy->extra : cluster->nidle;
		place = waiting_find(waiting, place, waiting->count, &wanted);
		if (place >= waiting->count)
			return;
		if (start_behind(easy, cluster, waiting->item[place].job))
			waiting_remove(waiting, place);
	}
}

/* Since the shadow time was found only jobs that came can have become ones that
 * start: hosts and time have got less.
 */
static int easy_count_pass(void *arg, struct netemu_cluster *cluster)
{
	struct easy_count *easy = arg;
	struct waiting *waiting = &easy->waiting;
	size_t came = 0, place, from;

	for (struct netemu_job *job = cluster->arrived; job; job = job->next, came++)
		if (waiting_add(waiting, job) < 0)
			return -1;
	from = waiting->count - came;
	while ((place = waiting_first(waiting)) < waiting->count &&
	       cluster->fits(cluster, waiting->item[place].job) &&
	       cluster->start(cluster, waiting->item[place].job, NULL, 0) == 0) {
		waiting_remove(waiting, place);
		easy->head = NULL;
	}
	if (place >= waiting->count)
		return 0;
	if (!easy->head || cluster->ended) {
		find_shadow(easy, cluster);
		from = place + 1;
	}
	backfill(easy, cluster, from);
	return 0;
}

static void easy_count_destroy(void *arg)
{
	struct easy_count *easy = arg;

	waiting_release(&easy->waiting);
	free(easy);
}

const struct netemu_policy scheduler_easy_count = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "easy-count",
	.help = "EASY backfill as in the textbook: counts hosts",
	.scheduling = { easy_count_create, easy_count_destroy, easy_count_pass },
};
