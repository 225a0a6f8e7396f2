/* SPDX-License-Identifier: Apache-2.0 */
/* compact.c - hosts below as few leaf switches as possible
 *
 * The rule of Slurm's topology/tree (man page topology.conf: "identify the
 * lowest level switch in the hierarchy that can satisfy the job's request and
 * then allocate resources on its underlying leaf switches based upon a best-fit
 * algorithm"):
 *   - Of the switches of the lowest level below which there are enough free
 *     hosts, the one with the fewest of them, the first of equal ones; where no
 *     switch has enough, all hosts.
 *   - Below it, as long as no leaf switch has all that is still missing, the one
 *     with the most free hosts; then the one with the fewest that has it all.
 * A host belongs to the switch of its first cable; what is below a switch is
 * what can be reached going down only.
 */
#include "selections.h"
#include "engine/hostset.h"

#include <stdio.h>
#include <stdlib.h>

/* A leaf switch: hosts[first .. first + count). */
struct leaf {
	uint32_t first, count;
	bool in_a_row; /* their numbers are */
};

/* Leaves below one or more switches: members[first .. first + count). */
struct group {
	uint32_t level;
	size_t first;
	uint32_t count;
};

struct compact {
	const struct netemu_net *net;
	struct leaf *leaves; /* by their first host */
	uint32_t nleaves;
	uint32_t *hosts;      /* [net->hosts], by leaf */
	struct group *groups; /* ascending level */
	uint32_t ngroups, group_room;
	uint32_t *members;
	size_t nmembers, member_room;
	uint64_t *free; /* [nleaves]: below each, at this call */
	uint32_t *order;
};

/* While it is made. */
struct maker {
	struct compact *compact;
	uint32_t *leaf;  /* [nodes]: of a leaf switch, else NETEMU_NONE */
	uint32_t *group; /* [nodes]: of a switch above, else NETEMU_NONE */
	uint32_t *seen;  /* [leaves]: the last switch that has it */
	uint32_t *list;  /* [leaves] */
};

static void compact_destroy(void *arg)
{
	struct compact *compact = arg;

	free(compact->leaves);
	free(compact->hosts);
	free(compact->groups);
	free(compact->members);
	free(compact->free);
	free(compact->order);
	free(compact);
}

static uint32_t switch_of(const struct netemu_net *net, uint32_t host)
{
	uint32_t node = net->host_node[host];

	return net->first[node] < net->first[node + 1] ? net->link[net->first[node]].to : node;
}

/* Number leaves by their first host, and bring their hosts together. */
static void make_leaves(struct maker *maker)
{
	struct compact *compact = maker->compact;
	const struct netemu_net *net = compact->net;
	uint32_t place = 0;

	for (uint32_t h = 0; h < net->hosts; h++) {
		uint32_t *leaf = &maker->leaf[switch_of(net, h)];

		if (*leaf == NETEMU_NONE)
			*leaf = compact->nleaves++;
		compact->leaves[*leaf].count++;
	}
	for (uint32_t l = 0; l < compact->nleaves; l++) {
		compact->leaves[l].first = place;
		place += compact->leaves[l].count;
		compact->leaves[l].count = 0;
	}
	for (uint32_t h = 0; h < net->hosts; h++) {
		struct leaf *leaf = &compact->leaves[maker->leaf[switch_of(net, h)]];

		compact->hosts[leaf->first + leaf->count++] = h;
	}
	for (struct leaf *leaf = compact->leaves; leaf < compact->leaves + compact->nleaves; leaf++)
		leaf->in_a_row = compact->hosts[leaf->first + leaf->count - 1] -
					 compact->hosts[leaf->first] ==
				 leaf->count - 1;
}

static int number_compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The leaves below SWITCH into LIST, ascending. */
static uint32_t leaves_below(struct maker *maker, uint32_t node)
{
	struct compact *compact = maker->compact;
	const struct netemu_net *net = compact->net;
	uint32_t n = 0;

	for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++) {
		uint32_t below = net->link[i].to, own = maker->leaf[below];
		const struct group *group = maker->group[below] == NETEMU_NONE
						    ? NULL
						    : &compact->groups[maker->group[below]];
		const uint32_t *members = group ? compact->members + group->first : &own;

		if (net->level[below] >= net->level[node] || (!group && own == NETEMU_NONE))
			continue;
		for (uint32_t k = 0; k < (group ? group->count : 1); k++) {
			if (maker->seen[members[k]] == node)
				continue;
			maker->seen[members[k]] = node;
			maker->list[n++] = members[k];
		}
	}
	qsort(maker->list, n, sizeof(*maker->list), number_compare);
	return n;
}

static int reserve(struct compact *compact, uint32_t more)
{
	if (compact->ngroups == compact->group_room) {
		uint32_t room = 2 * compact->group_room + 16;
		struct group *groups = reallocarray(compact->groups, room, sizeof(*groups));

		if (!groups)
			return -1;
		compact->groups = groups;
		compact->group_room = room;
	}
	if (compact->nmembers + more > compact->member_room) {
		size_t room = 2 * (compact->nmembers + more);
		uint32_t *members = reallocarray(compact->members, room, sizeof(*members));

		if (!members)
			return -1;
		compact->members = members;
		compact->member_room = room;
	}
	return 0;
}

/* Switches of a level with the same leaves below are one group: in a fat tree
 * all of a pod, and all at the top.
 */
static int add_group(struct maker *maker, uint32_t node, uint32_t n)
{
	struct compact *compact = maker->compact;
	uint32_t level = compact->net->level[node];

	for (uint32_t g = compact->ngroups; g-- > 0 && compact->groups[g].level == level;) {
		const struct group *group = &compact->groups[g];

		if (group->count == n && memcmp(compact->members + group->first, maker->list,
						n * sizeof(*maker->list)) == 0) {
			maker->group[node] = g;
			return 0;
		}
	}
	if (reserve(compact, n) < 0)
		return -1;
	maker->group[node] = compact->ngroups;
	compact->groups[compact->ngroups++] = (struct group){ level, compact->nmembers, n };
	memcpy(compact->members + compact->nmembers, maker->list, n * sizeof(*maker->list));
	compact->nmembers += n;
	return 0;
}

static int make_groups(struct maker *maker)
{
	const struct netemu_net *net = maker->compact->net;
	uint32_t top = 0;

	for (uint32_t n = 0; n < net->nodes; n++)
		if (net->level[n] != NETEMU_NONE && net->level[n] > top)
			top = net->level[n];
	for (uint32_t level = 2; level <= top; level++) {
		for (uint32_t n = 0; n < net->nodes; n++) {
			uint32_t count = net->level[n] == level ? leaves_below(maker, n) : 0;

			if (count > 0 && add_group(maker, n, count) < 0)
				return -1;
		}
	}
	return 0;
}

static int make(struct compact *compact)
{
	uint32_t nodes = compact->net->nodes, hosts = compact->net->hosts;
	struct maker maker = {
		.compact = compact,
		.leaf = malloc(nodes * sizeof(uint32_t)),
		.group = malloc(nodes * sizeof(uint32_t)),
		.seen = malloc(hosts * sizeof(uint32_t)),
		.list = malloc(hosts * sizeof(uint32_t)),
	};
	int rc = -1;

	if (maker.leaf && maker.group && maker.seen && maker.list) {
		memset(maker.leaf, 0xff, nodes * sizeof(uint32_t));
		memset(maker.group, 0xff, nodes * sizeof(uint32_t));
		memset(maker.seen, 0xff, hosts * sizeof(uint32_t));
		make_leaves(&maker);
		rc = make_groups(&maker);
	}
	free(maker.leaf);
	free(maker.group);
	free(maker.seen);
	free(maker.list);
	return rc;
}

static void *compact_create(const struct netemu_net *net, const char *options, char *why,
			    size_t why_size)
{
	struct compact *compact;

	if (options) {
		snprintf(why, why_size, "'%s': compact has no options", options);
		return NULL;
	}
	compact = calloc(1, sizeof(*compact));
	if (!compact)
		return NULL;
	compact->net = net;
	compact->leaves = calloc(net->hosts, sizeof(*compact->leaves));
	compact->hosts = calloc(net->hosts, sizeof(*compact->hosts));
	compact->free = calloc(net->hosts, sizeof(*compact->free));
	compact->order = calloc(net->hosts, sizeof(*compact->order));
	if (compact->leaves && compact->hosts && compact->free && compact->order &&
	    make(compact) == 0)
		return compact;
	compact_destroy(compact);
	return NULL;
}

static uint64_t worth(const struct netemu_select *select, uint32_t host)
{
	return select->job->nodes ? 1 : select->net->slots[host];
}

static uint64_t free_below(const struct compact *compact, const struct netemu_select *select,
			   const struct leaf *leaf)
{
	const uint32_t *hosts = compact->hosts + leaf->first;
	uint64_t sum = 0;

	if (leaf->in_a_row && select->job->nodes)
		return hostset_between(select->available, hosts[0], hosts[0] + leaf->count);
	for (uint32_t i = 0; i < leaf->count; i++)
		if (hostset_has(select->available, hosts[i]))
			sum += worth(select, hosts[i]);
	return sum;
}

/* The smallest leaf of LIST (NULL: of all) with NEED, or NETEMU_NONE. */
static uint32_t best_leaf(const struct compact *compact, const uint32_t *list, uint32_t count,
			  uint64_t need)
{
	uint32_t best = NETEMU_NONE;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t l = list ? list[i] : i;

		if (compact->free[l] >= need &&
		    (best == NETEMU_NONE || compact->free[l] < compact->free[best]))
			best = l;
	}
	return best;
}

/* The smallest group of the lowest level with NEED, or NULL. */
static const struct group *best_group(const struct compact *compact, uint64_t need)
{
	const struct group *best = NULL;
	uint64_t best_sum = 0;

	for (uint32_t g = 0; g < compact->ngroups; g++) {
		const struct group *group = &compact->groups[g];
		uint64_t sum = 0;

		if (best && group->level != best->level)
			break;
		for (uint32_t i = 0; i < group->count; i++)
			sum += compact->free[compact->members[group->first + i]];
		if (sum >= need && (!best || sum < best_sum)) {
			best = group;
			best_sum = sum;
		}
	}
	return best;
}

/* Free hosts of leaf L into HOSTS until NEED is met. */
static uint32_t take(const struct compact *compact, const struct netemu_select *select, uint32_t l,
		     uint64_t *need, uint32_t *hosts)
{
	const struct leaf *leaf = &compact->leaves[l];
	uint32_t n = 0;

	for (uint32_t i = leaf->first; i<leaf->first + leaf->count && * need> 0; i++) {
		uint32_t host = compact->hosts[i];
		uint64_t has = worth(select, host);

		if (!hostset_has(select->available, host))
			continue;
		hosts[n++] = host;
		*need -= has < *need ? has : *need;
	}
	return n;
}

/* Most free first, then as they are. */
static int free_compare(const void *a, const void *b, void *arg)
{
	const struct compact *compact = arg;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	if (compact->free[left] != compact->free[right])
		return compact->free[left] < compact->free[right] ? 1 : -1;
	return (left > right) - (left < right);
}

static uint32_t take_below(struct compact *compact, const struct netemu_select *select,
			   const struct group *group, uint64_t need, uint32_t *hosts)
{
	uint32_t n = group ? group->count : compact->nleaves, count = 0;

	for (uint32_t i = 0; i < n; i++)
		compact->order[i] = group ? compact->members[group->first + i] : i;
	qsort_r(compact->order, n, sizeof(*compact->order), free_compare, compact);
	for (uint32_t i = 0; i < n && need > 0; i++) {
		uint32_t l = compact->order[i];

		if (compact->free[l] >= need)
			l = best_leaf(compact, compact->order + i, n - i, need);
		count += take(compact, select, l, &need, hosts + count);
	}
	return need > 0 ? 0 : count;
}

static uint32_t compact_select(void *arg, struct netemu_select *select, uint32_t *hosts)
{
	uint64_t need = select->job->nodes ? select->job->nodes : select->job->ranks;
	struct compact *compact = arg;
	uint32_t leaf;

	if (select->job->nodes > select->navailable)
		return 0;
	for (uint32_t l = 0; l < compact->nleaves; l++)
		compact->free[l] = free_below(compact, select, &compact->leaves[l]);
	leaf = best_leaf(compact, NULL, compact->nleaves, need);
	if (leaf != NETEMU_NONE)
		return take(compact, select, leaf, &need, hosts);
	return take_below(compact, select, best_group(compact, need), need, hosts);
}

const struct netemu_policy selection_compact = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SELECTION,
	.name = "compact",
	.help = "below as few leaf switches as possible, by the rule of Slurm's topology/tree",
	.selection = { compact_create, compact_destroy, compact_select },
};
