/* SPDX-License-Identifier: Apache-2.0 */
/* finish.c - a topology, once all its nodes and links are there */
#include "topology/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A link that has no reverse yet: a cable between A < B. */
struct half {
	uint32_t a, b;
	uint32_t a_port, b_port;
	uint32_t link;
	bool back; /* goes from B to A */
};

#define ORDER(x, y)                                \
	do {                                       \
		if ((x) != (y))                    \
			return (x) < (y) ? -1 : 1; \
	} while (0)

static int by_ends(const void *one, const void *two)
{
	const struct half *x = one, *y = two;

	ORDER(x->a, y->a);
	ORDER(x->b, y->b);
	ORDER(x->link, y->link);
	return 0;
}

static int by_ports(const void *one, const void *two)
{
	const struct half *x = one, *y = two;

	ORDER(x->a, y->a);
	ORDER(x->b, y->b);
	ORDER(x->a_port, y->a_port);
	ORDER(x->b_port, y->b_port);
	ORDER(x->link, y->link);
	return 0;
}

static bool same_ends(const struct half *x, const struct half *y)
{
	return x->a == y->a && x->b == y->b;
}

static bool same_ports(const struct half *x, const struct half *y)
{
	return same_ends(x, y) && x->a_port == y->a_port && x->b_port == y->b_port;
}

static struct half *find_halves(const struct topology *topology, size_t *count)
{
	struct half *halves;
	size_t n = 0;

	for (uint32_t i = 0; i < topology->net.links; i++)
		n += topology->net.link[i].reverse == NETEMU_NONE;
	halves = reallocarray(NULL, n + 1, sizeof(*halves));
	*count = n;
	if (!halves)
		return NULL;
	n = 0;
	for (uint32_t i = 0; i < topology->net.links; i++) {
		const struct netemu_link *link = &topology->net.link[i];

		if (link->reverse != NETEMU_NONE)
			continue;
		halves[n++] = link->from < link->to
				      ? (struct half){ link->from,    link->to, link->from_port,
						       link->to_port, i,        false }
				      : (struct half){ link->to,        link->from, link->to_port,
						       link->from_port, i,          true };
	}
	return halves;
}

/* Within HALVES, COUNT of one cable: the first there with the first back, and
 * so on.
 */
static void join_group(struct netemu_link *link, const struct half *halves, size_t count)
{
	size_t there = 0, back = 0;

	for (;;) {
		while (there < count && halves[there].back)
			there++;
		while (back < count && !halves[back].back)
			back++;
		if (there == count || back == count)
			return;
		link[halves[there].link].reverse = halves[back].link;
		link[halves[back].link].reverse = halves[there].link;
		there++;
		back++;
	}
}

/* Sort HALVES, join what is the SAME, keep the rest.  Returns how many. */
static size_t join(struct netemu_link *link, struct half *halves, size_t count,
		   int (*order)(const void *, const void *),
		   bool (*same)(const struct half *, const struct half *))
{
	size_t kept = 0;

	qsort(halves, count, sizeof(*halves), order);
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count && same(&halves[start], &halves[end]);)
			end++;
		join_group(link, halves + start, end - start);
	}
	for (size_t i = 0; i < count; i++)
		if (link[halves[i].link].reverse == NETEMU_NONE)
			halves[kept++] = halves[i];
	return kept;
}

static uint32_t line_of(const struct topology *topology, uint32_t link)
{
	return topology->build->line ? topology->build->line[link] : 0;
}

static int one_way(const struct topology *topology, const struct half *halves, size_t count,
		   struct err *err)
{
	char place[TOPOLOGY_PLACE], text[TOPOLOGY_PLACE];
	uint32_t first = halves[0].link;

	for (size_t i = 1; i < count; i++)
		if (halves[i].link < first)
			first = halves[i].link;
	topology_place(topology, line_of(topology, first), place, sizeof(place));
	topology_link_text(topology, first, text, sizeof(text));
	return err_set(err, "%s: link '%s' has no link back", place, text);
}

/* A port that only the link back knows. */
static void complete_ports(struct topology *topology)
{
	struct netemu_link *link = topology->build->link;

	for (uint32_t i = 0; i < topology->net.links; i++) {
		if (link[i].to_port == NETEMU_NONE)
			link[i].to_port = link[link[i].reverse].from_port;
		if (link[i].from_port == NETEMU_NONE)
			link[i].from_port = link[link[i].reverse].to_port;
	}
}

static int find_reverses(struct topology *topology, struct err *err)
{
	struct netemu_link *link = topology->build->link;
	size_t count;
	struct half *halves = find_halves(topology, &count);
	int rc = 0;

	if (!halves)
		return err_errno(err, "%s", topology->source);
	if (count)
		count = join(link, halves, count, by_ports, same_ports);
	if (count)
		count = join(link, halves, count, by_ends, same_ends);
	if (count)
		rc = one_way(topology, halves, count, err);
	else
		complete_ports(topology);
	free(halves);
	return rc;
}

static int check_capacities(const struct topology *topology, struct err *err)
{
	char place[TOPOLOGY_PLACE], text[TOPOLOGY_PLACE];

	for (uint32_t i = 0; i < topology->net.links; i++) {
		double capacity = topology->net.link[i].capacity;

		if (isfinite(capacity) && capacity > 0)
			continue;
		topology_place(topology, line_of(topology, i), place, sizeof(place));
		topology_link_text(topology, i, text, sizeof(text));
		if (isnan(capacity))
			return err_set(err, "%s: link '%s' has no capacity", place, text);
		return err_set(err, "%s: link '%s': capacity %g is not a finite number above 0",
			       place, text, capacity);
	}
	return 0;
}

/* Where each link goes: stably by `from`.  Fills first[]. */
static void find_positions(const struct topology *topology, uint32_t *first, uint32_t *position)
{
	const struct netemu_net *net = &topology->net;
	uint32_t sum = 0;

	memset(first, 0, ((size_t)net->nodes + 1) * sizeof(*first));
	for (uint32_t i = 0; i < net->links; i++)
		first[net->link[i].from + 1]++;
	for (uint32_t i = 0; i <= net->nodes; i++)
		first[i] = sum += first[i];
	/* first[n] serves as the cursor of node n; afterwards it is first[n + 1] */
	for (uint32_t i = 0; i < net->links; i++)
		position[i] = first[net->link[i].from]++;
	memmove(first + 1, first, (size_t)net->nodes * sizeof(*first));
	first[0] = 0;
}

/* Every link to its position, in place: the cycles of the permutation. */
static void permute(struct netemu_link *link, uint32_t *position, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		while (position[i] != i) {
			uint32_t to = position[i], next = position[to];
			struct netemu_link moved = link[to];

			link[to] = link[i];
			position[to] = to;
			link[i] = moved;
			position[i] = next;
		}
	}
}

static int sort_links(struct topology *topology)
{
	struct topology_private *build = topology->build;
	uint32_t count = topology->net.links;
	uint32_t *position = reallocarray(NULL, (size_t)count + 1, sizeof(*position));
	struct netemu_link *fitting;

	build->first = reallocarray(NULL, (size_t)topology->net.nodes + 1, sizeof(*build->first));
	if (!position || !build->first) {
		free(position);
		return -1;
	}
	find_positions(topology, build->first, position);
	for (uint32_t i = 0; i < count; i++)
		build->link[i].reverse = position[build->link[i].reverse];
	permute(build->link, position, count);
	free(position);
	fitting = reallocarray(build->link, (size_t)count + 1, sizeof(*fitting));
	if (fitting)
		build->link = fitting;
	topology->net.link = build->link;
	topology->net.first = build->first;
	return 0;
}

static int list_nodes(struct topology *topology)
{
	struct topology_private *build = topology->build;
	struct netemu_net *net = &topology->net;
	size_t nodes = net->nodes;

	build->name = reallocarray(NULL, nodes + 1, sizeof(*build->name));
	build->node_host = reallocarray(NULL, nodes + 1, sizeof(*build->node_host));
	build->level = reallocarray(NULL, nodes + 1, sizeof(*build->level));
	build->host_node = reallocarray(NULL, (size_t)net->hosts + 1, sizeof(*build->host_node));
	build->slots = reallocarray(NULL, (size_t)net->hosts + 1, sizeof(*build->slots));
	if (!build->name || !build->node_host || !build->level || !build->host_node ||
	    !build->slots)
		return -1;
	for (uint32_t i = 0, host = 0; i < net->nodes; i++) {
		const struct topology_node *node = &topology->nodes[i];

		build->name[i] = node->name;
		build->node_host[i] = node->is_host ? host : NETEMU_NONE;
		if (!node->is_host)
			continue;
		build->host_node[host] = i;
		build->slots[host++] = node->slots;
	}
	net->name = build->name;
	net->node_host = build->node_host;
	net->level = build->level;
	net->host_node = build->host_node;
	net->slots = build->slots;
	return 0;
}

/* Breadth first from all hosts at once. */
static int find_levels(struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	uint32_t *level = topology->build->level;
	uint32_t *queue = reallocarray(NULL, (size_t)net->nodes + 1, sizeof(*queue));
	uint32_t count = 0;

	if (!queue)
		return -1;
	for (uint32_t i = 0; i < net->nodes; i++) {
		level[i] = topology->nodes[i].is_host ? 0 : NETEMU_NONE;
		if (level[i] == 0)
			queue[count++] = i;
	}
	for (uint32_t done = 0; done < count; done++) {
		uint32_t node = queue[done];

		for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
			uint32_t to = net->link[l].to;

			if (level[to] != NETEMU_NONE)
				continue;
			level[to] = level[node] + 1;
			queue[count++] = to;
		}
	}
	free(queue);
	return 0;
}

static int check_hosts(const struct topology *topology, struct err *err)
{
	const struct netemu_net *net = &topology->net;
	char place[TOPOLOGY_PLACE];

	if (net->hosts == 0)
		return err_set(err, "%s: no host in it", topology->source);
	for (uint32_t i = 0; i < net->hosts; i++) {
		uint32_t n = net->host_node[i];
		const struct topology_node *node = &topology->nodes[n];
		const char *what = NULL;

		if (node->slots == 0)
			what = "has 0 slots";
		else if (net->first[n] == net->first[n + 1])
			what = "has no cable";
		if (!what)
			continue;
		topology_place(topology, node->line, place, sizeof(place));
		return err_set(err, "%s: host '%s' %s", place, node->name, what);
	}
	return 0;
}

int topology_finish(struct topology *topology, struct err *err)
{
	struct netemu_net *net = &topology->net;

	net->hosts = 0;
	for (uint32_t i = 0; i < net->nodes; i++)
		net->hosts += topology->nodes[i].is_host;
	topology->nswitches = net->nodes - net->hosts;
	if (find_reverses(topology, err) < 0 || check_capacities(topology, err) < 0)
		return -1;
	free(topology->build->line);
	topology->build->line = NULL;
	if (sort_links(topology) < 0 || list_nodes(topology) < 0 || find_levels(topology) < 0) {
		errno = ENOMEM;
		return err_errno(err, "%s", topology->source);
	}
	return check_hosts(topology, err);
}
