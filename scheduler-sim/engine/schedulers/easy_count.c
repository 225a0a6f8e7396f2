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

#include <stdio.h>
#include <stdlib.h>

struct easy_count {
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

static void backfill(struct easy_count *easy, struct netemu_cluster *cluster,
		     struct netemu_job *job)
{
	uint32_t need = hosts_of(easy, job);
	bool ends_before = netemu_job_end_from(job, cluster->now) <= easy->shadow;

	if ((!ends_before && need > easy->extra) || !cluster->fits(cluster, job) ||
	    cluster->start(cluster, job, NULL, 0) < 0)
		return;
	if (!ends_before)
		easy->extra -= need;
}

static int easy_count_pass(void *arg, struct netemu_cluster *cluster)
{
	struct easy_count *easy = arg;
	struct netemu_job *job, *next;

	while (cluster->queue && cluster->fits(cluster, cluster->queue) &&
	       cluster->start(cluster, cluster->queue, NULL, 0) == 0)
		easy->head = NULL;
	if (!cluster->queue)
		return 0;
	job = cluster->arrived;
	if (!easy->head || cluster->ended) {
		find_shadow(easy, cluster);
		job = cluster->queue->next;
	}
	for (; job && cluster->nidle > 0; job = next) {
		next = job->next;
		backfill(easy, cluster, job);
	}
	return 0;
}

const struct netemu_policy scheduler_easy_count = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "easy-count",
	.help = "EASY backfill as in the textbook: counts hosts",
	.scheduling = { easy_count_create, free, easy_count_pass },
};
