/* SPDX-License-Identifier: Apache-2.0 */
/* rounds.c - a scheduler of one's own for netemu sim, to start from
 *
 *	cc -O2 -Wall -shared -fPIC -o rounds.so rounds.c
 *	scheduler: ./rounds.so:60	in a scenario: rounds of 60 s
 *
 * Jobs take turns: at the end of each round, when others wait, all that runs is
 * stopped, and those that have run least so far go first.  It shows what a
 * scheduler can do beside starting jobs: stop one, which goes on later from
 * where it was, and ask to be called at a time.
 */
#include <netemu/policy.h>

#include <stdio.h>
#include <stdlib.h>

struct rounds {
	int64_t length; /* ns */
	int64_t end;    /* of the round that is on */
};

static void *rounds_create(const struct netemu_net *net, const char *options, char *why,
			   size_t why_size)
{
	double seconds = 60;
	struct rounds *rounds;
	char rest;

	(void)net;
	if (options && (sscanf(options, "%lf%c", &seconds, &rest) != 1 || !(seconds >= 1e-9) ||
			!(seconds < 1e9))) {
		snprintf(why, why_size, "'%s': not the length of a round in seconds", options);
		return NULL;
	}
	rounds = calloc(1, sizeof(*rounds));
	if (!rounds)
		return NULL;
	rounds->length = (int64_t)(seconds * 1e9);
	rounds->end = INT64_MIN;
	return rounds;
}

/* The waiting job that fits and has run least, the first of equal ones. */
static struct netemu_job *next_job(const struct netemu_cluster *cluster)
{
	struct netemu_job *best = NULL;

	for (struct netemu_job *job = cluster->queue; job; job = job->next)
		if ((!best || job->ran < best->ran) && cluster->fits(cluster, job))
			best = job;
	return best;
}

/* At each instant at which a job came or ended, or a round is over. */
static int rounds_pass(void *state, struct netemu_cluster *cluster)
{
	struct rounds *rounds = state;
	struct netemu_job *job;

	if (cluster->now >= rounds->end) {
		while (cluster->queue && cluster->nrunning > 0)
			if (cluster->stop(cluster, cluster->running[0]) < 0)
				return -1;
		rounds->end = cluster->now + rounds->length;
	}
	while ((job = next_job(cluster)))
		if (cluster->start(cluster, job, NULL, 0) < 0)
			break;
	return cluster->queue ? cluster->call_at(cluster, rounds->end) : 0;
}

__attribute__((visibility("default"))) const struct netemu_policy netemu_policy = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "rounds",
	.help = "jobs take turns in rounds",
	.scheduling = { rounds_create, free, rounds_pass },
};
