/* SPDX-License-Identifier: Apache-2.0 */
/* conservative.c - conservative backfill: every waiting job has a reservation
 *
 * A job that comes gets the earliest time at which the node selection finds it
 * hosts that nothing that runs (by its limit) or is reserved takes for as long
 * as its own limit, and those hosts.  When a job ends before its limit, every
 * reservation in order of submission is moved to the earliest time there is
 * then, which is never later than the one it had (compression: Mu'alem and
 * Feitelson, IEEE TPDS 12(6), 2001).
 *
 * A job past its limit is expected to run on for as long as it is over it, at
 * least a second; then all is planned anew.  Jobs that share hosts are planned
 * as if they did not.
 */
#include "schedulers.h"
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000000)

struct plan {
	struct netemu_job *job;
	struct plan *next;
	int64_t start, end; /* NETEMU_NEVER: none was found */
	uint64_t changes;   /* of the profile, when they were */
	uint32_t nhosts;
	uint32_t hosts[];
};

struct conservative {
	uint32_t nhosts;
	size_t depth; /* most plans; 0: any number */
	struct profile profile;
	struct plan *first, **last; /* in order of submission; owned */
	size_t nplans;
	struct netemu_job *unplanned; /* the first of them */
	int64_t *until;               /* [hosts]: limit of the job on it; owned */
	uint64_t *licences;           /* [hosts]: of the job whose first host it is; owned */
	netemu_hostset *set;          /* owned */
	uint32_t *hosts;              /* [hosts]; owned */
	int64_t call;                 /* the last one asked for */
	bool anew;                    /* plan all anew in the next pass */
};

static void conservative_destroy(void *arg)
{
	struct conservative *c = arg;
	struct plan *next;

	for (struct plan *plan = c->first; plan; plan = next) {
		next = plan->next;
		free(plan);
	}
	profile_release(&c->profile);
	free(c->until);
	free(c->licences);
	free(c->set);
	free(c->hosts);
	free(c);
}

static int take_options(struct conservative *c, const char *options)
{
	int n = 0;

	if (!options)
		return 0;
	return sscanf(options, "depth=%zu%n", &c->depth, &n) == 1 && !options[n] ? 0 : -1;
}

static void *conservative_create(const struct netemu_net *net, const char *options, char *why,
				 size_t why_size)
{
	struct conservative *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->nhosts = net->hosts;
	c->last = &c->first;
	c->anew = true;
	c->call = INT64_MIN;
	c->until = calloc(net->hosts, sizeof(*c->until));
	c->licences = calloc(net->hosts, sizeof(*c->licences));
	c->set = calloc(hostset_words(net->hosts), sizeof(*c->set));
	c->hosts = calloc(net->hosts, sizeof(*c->hosts));
	if (take_options(c, options) < 0)
		snprintf(why, why_size, "'%s': not depth=JOBS", options);
	else if (c->until && c->licences && c->set && c->hosts &&
		 profile_init(&c->profile, net->hosts) == 0)
		return c;
	conservative_destroy(c);
	return NULL;
}

/* --- plans --- */

/* The earliest time for JOB, and the hosts into c->hosts, unless they are the SAME
 * as what is KNOWN.  Returns how many, 0 when there is none.
 */
static uint32_t find(struct conservative *c, struct netemu_cluster *cluster,
		     const struct netemu_job *job, struct profile_known *known, int64_t *start)
{
	uint32_t need = job->nodes ? job->nodes : 1, n;

	for (size_t i = 0;; i++) {
		*start = profile_find(&c->profile, job, need, known, &i, c->set);
		if (*start == NETEMU_NEVER || known->same)
			return 0;
		n = cluster->select(cluster, job, c->set, c->hosts);
		if (n > 0)
			return n;
	}
}

static struct profile_share share_of(const struct plan *plan)
{
	return (struct profile_share){ plan->hosts, plan->nhosts, plan->job->want[NETEMU_LICENCES],
				       plan->start, plan->end };
}

/* Have the plan at *LINK, or a new one, be what has been found: N of c->hosts at
 * START.  Returns 0, or -1 without memory.
 */
static int set_plan(struct conservative *c, struct netemu_job *job, int64_t start, uint32_t n,
		    struct plan **link)
{
	struct plan *plan = *link;
	bool last = !plan || !plan->next;
	struct profile_share share;

	if (!plan || plan->nhosts < n) {
		plan = realloc(plan, sizeof(*plan) + n * sizeof(*plan->hosts));
		if (!plan)
			return -1;
		if (!*link)
			plan->next = NULL;
		if (last)
			c->last = &plan->next;
		*link = plan;
	}
	plan->job = job;
	plan->start = start;
	plan->end = n ? netemu_job_end_from(job, start) : NETEMU_NEVER;
	plan->nhosts = n;
	if (n)
		memcpy(plan->hosts, c->hosts, n * sizeof(*plan->hosts));
	share = share_of(plan);
	profile_take(&c->profile, &share);
	plan->changes = c->profile.changes;
	return 0;
}

/* Plan JOB in the place of *LINK, which has no share, or as a new one. */
static int make_plan(struct conservative *c, struct netemu_cluster *cluster, struct netemu_job *job,
		     struct plan **link)
{
	struct profile_known known = { .time = INT64_MIN };
	int64_t start;
	uint32_t n = find(c, cluster, job, &known, &start);

	return set_plan(c, job, start, n, link);
}

static bool is_as_planned(const struct conservative *c, const struct plan *plan, int64_t start,
			  uint32_t n)
{
	return start == plan->start && n == plan->nhosts &&
	       memcmp(c->hosts, plan->hosts, n * sizeof(*plan->hosts)) == 0;
}

/* Plan that of *LINK again, at the earliest time there is without it. */
static int improve(struct conservative *c, struct netemu_cluster *cluster, struct plan **link)
{
	struct plan *plan = *link;
	struct profile_known known = { .time = plan->start, .changes = plan->changes };
	struct profile_share share = share_of(plan);
	int64_t start;
	uint32_t n;

	profile_lift(&c->profile, &share);
	n = find(c, cluster, plan->job, &known, &start);
	if (!known.same && !is_as_planned(c, plan, start, n)) {
		profile_leave(&c->profile, plan->start, plan->end);
		return set_plan(c, plan->job, start, n, link);
	}
	profile_put_back(&c->profile, &share);
	plan->changes = c->profile.changes;
	return 0;
}

/* Move each plan to the earliest time there is without it.  One up to whose end
 * nothing has changed since it was made stays as it is.
 */
static int compress(struct conservative *c, struct netemu_cluster *cluster)
{
	for (struct plan **link = &c->first; *link; link = &(*link)->next) {
		if (!profile_has_changed(&c->profile, (*link)->end, (*link)->changes))
			continue;
		if (improve(c, cluster, link) < 0)
			return -1;
	}
	return 0;
}

/* From what runs on; all plans again in their order. */
static int plan_anew(struct conservative *c, struct netemu_cluster *cluster)
{
	profile_clear(&c->profile, cluster->now, cluster->licences);
	for (uint32_t h = 0; h < c->nhosts; h++) {
		if (hostset_has(cluster->idle, h))
			continue;
		profile_take(&c->profile,
			     &(struct profile_share){ &h, 1, 0, cluster->now, c->until[h] });
		if (cluster->licences != UINT64_MAX)
			profile_give(&c->profile,
				     &(struct profile_share){ NULL, 0, c->licences[h], c->until[h],
							      NETEMU_NEVER });
	}
	for (struct plan **link = &c->first; *link; link = &(*link)->next)
		if (make_plan(c, cluster, (*link)->job, link) < 0)
			return -1;
	c->anew = false;
	return 0;
}

/* --- what happened since the last pass --- */

/* Hosts that are idle before the limit of their job are free from now on.
 * Returns whether there are any.
 */
static bool free_early(struct conservative *c, const struct netemu_cluster *cluster)
{
	bool early = false;

	for (size_t w = 0; w < hostset_words(c->nhosts); w++) {
		uint64_t bits = cluster->idle[w] & ~c->profile.piece[0].free[w];

		for (; bits; bits &= bits - 1) {
			uint32_t host = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);

			if (c->until[host] <= cluster->now)
				continue; /* planned from now on */
			profile_give(&c->profile,
				     &(struct profile_share){ &host, 1, c->licences[host],
							      cluster->now, c->until[host] });
			c->until[host] = cluster->now;
			c->licences[host] = 0;
			early = true;
		}
	}
	return early;
}

/* Hosts of jobs past their limits are expected later.  Returns whether there
 * are any.
 */
static bool expect_later(struct conservative *c, const struct netemu_cluster *cluster)
{
	int64_t now = cluster->now;
	bool late = false;

	for (size_t w = 0; w < hostset_words(c->nhosts); w++) {
		uint64_t bits = c->profile.piece[0].free[w] & ~cluster->idle[w];

		for (; bits; bits &= bits - 1) {
			uint32_t host = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
			int64_t over = now - c->until[host];

			c->until[host] = now + (over > SECOND ? over : SECOND);
			late = true;
		}
	}
	return late;
}

static int plan_new_jobs(struct conservative *c, struct netemu_cluster *cluster)
{
	if (!c->unplanned)
		c->unplanned = cluster->arrived;
	while (c->unplanned && (!c->depth || c->nplans < c->depth)) {
		if (make_plan(c, cluster, c->unplanned, c->last) < 0)
			return -1;
		c->nplans++;
		c->unplanned = c->unplanned->next;
	}
	return 0;
}

static void note_start(struct conservative *c, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->nhosts; i++) {
		c->until[plan->hosts[i]] = plan->end;
		c->licences[plan->hosts[i]] = i == 0 ? plan->job->want[NETEMU_LICENCES] : 0;
	}
}

/* Start what is due.  Returns the time of the next plan. */
static int64_t start_due(struct conservative *c, struct netemu_cluster *cluster)
{
	int64_t next = NETEMU_NEVER;

	for (struct plan **link = &c->first; *link;) {
		struct plan *plan = *link;

		if (plan->start > cluster->now) {
			next = plan->start < next ? plan->start : next;
			link = &plan->next;
			continue;
		}
		if (cluster->start(cluster, plan->job, plan->hosts, plan->nhosts) < 0) {
			c->anew = true;
			link = &plan->next;
			continue;
		}
		note_start(c, plan);
		*link = plan->next;
		if (!*link)
			c->last = link;
		c->nplans--;
		free(plan);
	}
	return next;
}

/* A plan's time need not be that of an event: what it was planned behind may
 * have been moved since, or run past its limit.
 */
static int call_back(struct conservative *c, struct netemu_cluster *cluster, int64_t next)
{
	if (next == NETEMU_NEVER || (c->call > cluster->now && c->call <= next))
		return 0;
	c->call = next;
	return cluster->call_at(cluster, next);
}

static int conservative_pass(void *arg, struct netemu_cluster *cluster)
{
	struct conservative *c = arg;
	int64_t next;
	bool early, late;

	profile_advance(&c->profile, cluster->now);
	early = free_early(c, cluster);
	late = expect_later(c, cluster);
	if ((late || c->anew) && plan_anew(c, cluster) < 0)
		return -1;
	if (early && !late && compress(c, cluster) < 0)
		return -1;
	do {
		if (plan_new_jobs(c, cluster) < 0)
			return -1;
		next = start_due(c, cluster);
	} while (c->unplanned && c->depth && c->nplans < c->depth);
	if (c->profile.failed)
		return -1;
	return call_back(c, cluster, next);
}

const struct netemu_policy scheduler_conservative = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "conservative",
	.help = "conservative backfill: a reservation for every waiting job; depth=JOBS",
	.scheduling = { conservative_create, conservative_destroy, conservative_pass },
};
