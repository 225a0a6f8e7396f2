/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.c - selection of hosts and mapping of processes as PFSim does them */
#include "config.h"

#include "pfsim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Consecutive free hosts. */
struct block {
	uint32_t first, count, index;
	uint64_t slots;
};

bool pfsim_fits(const struct pfsim_world *world, const struct pfsim_job *job)
{
	const struct netemu_net *net = &world->topology->net;
	uint64_t slots = 0, ranks = pfsim_ranks(world, job);

	for (uint32_t h = 0; h < net->hosts; h++)
		if (!world->allocated[h])
			slots += net->slots[h];
	return slots >= ranks;
}

static uint32_t find_blocks(const struct pfsim_world *world, struct block *blocks)
{
	const struct netemu_net *net = &world->topology->net;
	uint32_t count = 0;
	bool inside = false;

	for (uint32_t h = 0; h < net->hosts; h++) {
		if (world->allocated[h]) {
			inside = false;
			continue;
		}
		if (!inside) {
			blocks[count] = (struct block){ .first = h, .index = count };
			count++;
		}
		blocks[count - 1].count++;
		blocks[count - 1].slots += net->slots[h];
		inside = true;
	}
	return count;
}

static int longest_first(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static void take_block(const struct netemu_net *net, const struct block *block,
		       struct pfsim_job *job, int64_t *left)
{
	for (uint32_t i = 0; i<block->count && * left> 0; i++) {
		job->hosts[job->nhosts++] = block->first + i;
		*left -= net->slots[block->first + i];
	}
}

/* The shortest block that holds the job, else all blocks, the longest first. */
static int select_linear(struct pfsim_world *world, struct pfsim_job *job)
{
	const struct netemu_net *net = &world->topology->net;
	struct block *blocks = malloc(net->hosts * sizeof(*blocks));
	const struct block *best = NULL;
	int64_t left = pfsim_ranks(world, job);
	uint32_t count;

	job->hosts = malloc(net->hosts * sizeof(*job->hosts));
	if (!blocks || !job->hosts) {
		free(blocks);
		return -1;
	}
	count = find_blocks(world, blocks);
	for (uint32_t i = 0; i < count; i++)
		if (blocks[i].slots >= (uint64_t)left && (!best || blocks[i].count < best->count))
			best = &blocks[i];
	if (best) {
		take_block(net, best, job, &left);
	} else {
		qsort(blocks, count, sizeof(*blocks), longest_first);
		for (uint32_t i = 0; i < count; i++)
			take_block(net, &blocks[i], job, &left);
	}
	free(blocks);
	return 0;
}

static int by_name(const void *a, const void *b, void *world)
{
	const struct netemu_net *net = &((struct pfsim_world *)world)->topology->net;
	const char *x = net->name[net->host_node[*(const uint32_t *)a]];
	const char *y = net->name[net->host_node[*(const uint32_t *)b]];
	unsigned long i, j;
	char *x_end, *y_end;

	/* generated nodes have numbers for names, which PFSim compares as such */
	i = strtoul(x, &x_end, 10);
	j = strtoul(y, &y_end, 10);
	if (x_end != x && y_end != y && !*x_end && !*y_end)
		return i < j ? -1 : i > j;
	return strcmp(x, y);
}

/* Any free host again and again: a host may be taken several times. */
static int select_random(struct pfsim_world *world, struct pfsim_job *job)
{
	const struct netemu_net *net = &world->topology->net;
	int64_t left = pfsim_ranks(world, job);
	uint32_t *free_hosts = malloc(net->hosts * sizeof(*free_hosts)), nfree = 0;

	job->hosts = calloc((size_t)left + 1, sizeof(*job->hosts)); /* each has a slot */
	if (!free_hosts || !job->hosts) {
		free(free_hosts);
		return -1;
	}
	for (uint32_t h = 0; h < net->hosts; h++)
		if (!world->allocated[h])
			free_hosts[nfree++] = h;
	while (left > 0) {
		uint32_t host = free_hosts[mt19937_below(&world->mt, nfree)];

		job->hosts[job->nhosts++] = host;
		left -= net->slots[host];
	}
	qsort_r(job->hosts, job->nhosts, sizeof(*job->hosts), by_name, world);
	free(free_hosts);
	return 0;
}

int pfsim_select(struct pfsim_world *world, struct pfsim_job *job)
{
	int rc = world->random_hosts ? select_random(world, job) : select_linear(world, job);

	for (uint32_t i = 0; rc == 0 && i < job->nhosts; i++)
		world->allocated[job->hosts[i]] = true;
	return rc;
}

/* RANKS over HOSTS in turns; a host drops out when it is full. */
static void deal(const struct netemu_net *net, const uint32_t *hosts, uint32_t nhosts,
		 uint32_t *place, uint32_t ranks)
{
	uint32_t rank = 0;

	for (uint32_t round = 0; rank < ranks; round++)
		for (uint32_t i = 0; i < nhosts && rank < ranks; i++)
			if (round < net->slots[hosts[i]])
				place[rank++] = hosts[i];
}

static void fill(const struct netemu_net *net, const uint32_t *hosts, uint32_t nhosts,
		 uint32_t *place, uint32_t ranks)
{
	uint32_t rank = 0;

	for (uint32_t i = 0; i < nhosts; i++)
		for (uint32_t slot = 0; slot < net->slots[hosts[i]] && rank < ranks; slot++)
			place[rank++] = hosts[i];
}

int pfsim_place(struct pfsim_world *world, struct pfsim_job *job)
{
	const struct netemu_net *net = &world->topology->net;
	uint32_t ranks = pfsim_ranks(world, job), *hosts;

	job->place = malloc((ranks + (size_t)job->nhosts) * sizeof(*job->place));
	if (!job->place)
		return -1;
	hosts = job->place + ranks; /* a copy to shuffle */
	memcpy(hosts, job->hosts, job->nhosts * sizeof(*hosts));
	if (world->mapper == PFSIM_SHUFFLE)
		mt19937_shuffle(&world->mt, hosts, job->nhosts);
	if (world->mapper == PFSIM_CYCLIC)
		deal(net, hosts, job->nhosts, job->place, ranks);
	else
		fill(net, hosts, job->nhosts, job->place, ranks);
	return 0;
}
