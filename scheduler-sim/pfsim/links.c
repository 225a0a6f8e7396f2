/* SPDX-License-Identifier: Apache-2.0 */
/* links.c - a job's traffic on the links between switches, as PFSim counts it */
#include "config.h"

#include "pfsim/world.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hosts of one job with a table of all pairs of them; more are refused. */
#define MOST_HOSTS 8192

/* What goes from one host to another, itself included. */
struct pair {
	uint32_t from, to; /* hosts */
	uint64_t bytes, flows;
	uint32_t index; /* in the order of the trace */
};

struct pairs {
	struct pair *pair;
	size_t count;
};

static int heaviest_first(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Number the different hosts of PLACE; NUMBER is [hosts]. */
static uint32_t number_hosts(const uint32_t *place, uint32_t ranks, uint32_t *number)
{
	uint32_t count = 0;

	for (uint32_t r = 0; r < ranks; r++)
		if (number[place[r]] == NETEMU_NONE)
			number[place[r]] = count++;
	return count;
}

/* The pairs of hosts in the order of their first pair of ranks. */
static void fold(const struct traffic *traffic, const uint32_t *place, const uint32_t *number,
		 uint32_t count, uint32_t *table, struct pairs *pairs)
{
	memset(table, 0xff, (size_t)count * count * sizeof(*table));
	for (size_t i = 0; i < traffic->npairs; i++) {
		const struct netemu_rank_pair *ranks = &traffic->pairs[i];
		uint32_t from = place[ranks->from], to = place[ranks->to];
		uint32_t *slot = &table[(size_t)number[from] * count + number[to]];
		struct pair *pair;

		if (*slot == NETEMU_NONE) {
			*slot = (uint32_t)pairs->count;
			pairs->pair[pairs->count++] =
				(struct pair){ .from = from, .to = to, .index = *slot };
		}
		pair = &pairs->pair[*slot];
		pair->bytes += ranks->bytes;
		pair->flows++;
	}
}

/* PAIRS of hosts of a job placed on PLACE, the heaviest first; to be freed. */
static int host_pairs(const struct pfsim_world *world, const struct traffic *traffic,
		      const uint32_t *place, struct pairs *pairs, struct err *err)
{
	const struct netemu_net *net = &world->topology->net;
	uint32_t *number = malloc(net->hosts * sizeof(*number)), *table = NULL, count = 0;

	pairs->count = 0;
	pairs->pair = malloc((traffic->npairs + 1) * sizeof(*pairs->pair));
	if (number) {
		memset(number, 0xff, net->hosts * sizeof(*number));
		count = number_hosts(place, traffic->ranks, number);
		if (count <= MOST_HOSTS)
			table = malloc(((size_t)count * count + 1) * sizeof(*table));
	}
	if (!number || !table || !pairs->pair) {
		free(number);
		free(table);
		free(pairs->pair);
		return count > MOST_HOSTS
			       ? err_set(err, "a job on %u hosts: --compat=pfsim is for %u at most",
					 count, MOST_HOSTS)
			       : err_set(err, "out of memory");
	}
	fold(traffic, place, number, count, table, pairs);
	qsort(pairs->pair, pairs->count, sizeof(*pairs->pair), heaviest_first);
	free(number);
	free(table);
	return 0;
}

static int use_link(struct pfsim_world *world, struct pfsim_job *job, uint32_t link,
		    const struct pair *pair)
{
	if (job->nuses == job->room) {
		size_t room = job->room ? 2 * job->room : 256;
		struct pfsim_use *uses = reallocarray(job->uses, room, sizeof(*uses));

		if (!uses)
			return -1;
		job->uses = uses;
		job->room = room;
	}
	job->uses[job->nuses++] =
		(struct pfsim_use){ .link = link, .bytes = pair->bytes, .flows = pair->flows };
	world->traffic[link] += (double)pair->bytes;
	world->flows[link] += (double)pair->flows;
	return 0;
}

/* All but the first and last link of the path lie between switches. */
static int send_pair(struct pfsim_world *world, uint32_t index, const struct pair *pair,
		     struct err *err)
{
	const uint32_t *links;
	ssize_t count = pfsim_router_path(world->router, pair->from, pair->to, index,
					  world->traffic, &links, err);

	if (count < 0)
		return -1;
	for (ssize_t i = 1; i < count - 1; i++)
		if (use_link(world, &world->jobs[index], links[i], pair) < 0)
			return err_set(err, "out of memory");
	return 0;
}

/* The way back has a path as well, without traffic. */
static int find_way_back(struct pfsim_world *world, const struct pair *pair, struct err *err)
{
	const uint32_t *links;

	if (pfsim_router_has(world->router, pair->to, pair->from))
		return 0;
	return pfsim_router_path(world->router, pair->to, pair->from, PFSIM_NO_JOB, world->traffic,
				 &links, err) < 0
		       ? -1
		       : 0;
}

int pfsim_load(struct pfsim_world *world, uint32_t index, struct err *err)
{
	struct pfsim_job *job = &world->jobs[index];
	const struct traffic *traffic = world->scenario->jobs[job->generator].traffic;
	struct pairs pairs;
	int rc = host_pairs(world, traffic, job->place, &pairs, err);

	free(job->place);
	job->place = NULL;
	if (rc < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < pairs.count; i++)
		rc = send_pair(world, index, &pairs.pair[i], err);
	for (size_t i = 0; rc == 0 && i < pairs.count; i++)
		rc = find_way_back(world, &pairs.pair[i], err);
	free(pairs.pair);
	return rc;
}

void pfsim_unload(struct pfsim_world *world, uint32_t index)
{
	struct pfsim_job *job = &world->jobs[index];

	pfsim_router_forget(world->router, index);
	for (size_t i = 0; i < job->nuses; i++) {
		world->traffic[job->uses[i].link] -= (double)job->uses[i].bytes;
		world->flows[job->uses[i].link] -= (double)job->uses[i].flows;
	}
	free(job->uses);
	job->uses = NULL;
	job->nuses = job->room = 0;
}

int pfsim_sample_links(struct pfsim_world *world)
{
	struct pfsim_series congestion, flows;
	double now = world->now;

	pfsim_series_init(&congestion, "Congestion", false, false, false);
	pfsim_series_init(&flows, "Flows", false, true, false);
	for (uint32_t i = 0; i < world->nisl; i++) {
		uint32_t link = world->isl[i];

		pfsim_series_add(&congestion, 0,
				 world->traffic[link] / world->topology->net.link[link].capacity);
		pfsim_series_add(&flows, 0, world->flows[link]);
	}
	if (pfsim_series_add(&world->series[PFSIM_MAX_CONGESTION], now, congestion.max) < 0)
		return -1;
	if (pfsim_series_add(&world->series[PFSIM_CONGESTION_DEVIATION], now,
			     sqrt(pfsim_series_variance(&congestion))) < 0)
		return -1;
	return pfsim_series_add(&world->series[PFSIM_MAX_FLOWS], now, flows.max);
}
