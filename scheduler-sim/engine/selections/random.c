/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - hosts drawn from the free ones, without replacement
 *
 * All sets are equally likely; the hosts are handed out in ascending order.
 */
#include "selections.h"
#include "engine/hostset.h"

#include <stdio.h>
#include <stdlib.h>

static void *random_create(const struct netemu_net *net, const char *options, char *why,
			   size_t why_size)
{
	if (!options) /* hosts that may be drawn, then those that were */
		return calloc((size_t)net->hosts + hostset_words(net->hosts) * 2 + 2,
			      sizeof(uint32_t));
	snprintf(why, why_size, "'%s': random has no options", options);
	return NULL;
}

/* Draw from the LEFT first of FREE until the job has what it needs (Fisher and
 * Yates, cut short), marking them in DRAWN.  Returns whether it has.
 */
static bool draw(struct netemu_select *select, uint32_t *free, uint32_t left, netemu_hostset *drawn)
{
	uint64_t need = select->job->nodes ? select->job->nodes : select->job->ranks, got = 0;

	while (got < need && left > 0) {
		uint64_t i = select->random(select, left);
		uint32_t host = free[i];

		free[i] = free[--left];
		hostset_add(drawn, host);
		got += select->job->nodes ? 1 : select->net->slots[host];
	}
	return got >= need;
}

/* The same without a list, where few of many are wanted: draw from all hosts,
 * and again when that one is not free or was drawn before.
 */
static void draw_from_all(struct netemu_select *select, netemu_hostset *drawn)
{
	for (uint32_t got = 0; got < select->job->nodes;) {
		uint32_t host = (uint32_t)select->random(select, select->net->hosts);

		if (!hostset_has(select->available, host) || hostset_has(drawn, host))
			continue;
		hostset_add(drawn, host);
		got++;
	}
}

/* An eighth of all hosts or more can be drawn at every time. */
static bool few_of_many(const struct netemu_select *select)
{
	uint32_t nodes = select->job->nodes;

	return nodes && select->navailable >= nodes + select->net->hosts / 8;
}

static bool draw_some(struct netemu_select *select, uint32_t *free, netemu_hostset *drawn)
{
	uint32_t n = 0;

	hostset_clear(drawn, select->net->hosts);
	if (few_of_many(select)) {
		draw_from_all(select, drawn);
		return true;
	}
	HOSTSET_FOREACH (h, select->available, select->net->hosts)
		free[n++] = h;
	return draw(select, free, n, drawn);
}

static uint32_t random_select(void *arg, struct netemu_select *select, uint32_t *hosts)
{
	uint32_t nhosts = select->net->hosts, n = 0;
	netemu_hostset *drawn = arg;
	uint32_t *free = (uint32_t *)(drawn + hostset_words(nhosts));

	if (select->job->nodes > select->navailable)
		return 0;
	if (!draw_some(select, free, drawn))
		return 0;
	HOSTSET_FOREACH (h, drawn, nhosts)
		hosts[n++] = h;
	return n;
}

const struct netemu_policy selection_random = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SELECTION,
	.name = "random",
	.alias = "pfsim.host_selector.RandomHostSelector",
	.help = "free hosts at random, each at most once",
	.selection = { random_create, free, random_select },
};
