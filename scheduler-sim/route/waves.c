/* SPDX-License-Identifier: Apache-2.0 */
#include "waves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)512 << 20)

struct wave {
	uint32_t *hops;  /* [inner], NETEMU_NONE: not reached */
	uint32_t *start; /* [inner + 1] into link */
	uint32_t link[];
};

/* The node that a host hangs on with its only cable, or its own. */
static uint32_t home_of(const struct netemu_net *net, uint32_t host)
{
	uint32_t node = net->host_node[host], to;

	if (net->first[node + 1] - net->first[node] != 1)
		return node;
	to = net->link[net->first[node]].to;
	return net->node_host[to] == NETEMU_NONE ? to : node;
}

int waves_init(struct waves *waves, const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;

	*waves = (struct waves){ .net = net };
	waves->index = malloc((net->nodes + 1) * sizeof(*waves->index));
	for (uint32_t n = 0; waves->index && n < net->nodes; n++) {
		uint32_t host = net->node_host[n];
		bool inner = host == NETEMU_NONE || home_of(net, host) == n;

		waves->index[n] = inner ? waves->inner++ : NETEMU_NONE;
	}
	waves->wave = calloc(waves->inner + 1, sizeof(*waves->wave));
	waves->queue = malloc((waves->inner + 1) * sizeof(*waves->queue));
	if (waves->index && waves->wave && waves->queue)
		return 0;
	waves_release(waves);
	errno = ENOMEM;
	return -1;
}

static void drop_all(struct waves *waves)
{
	for (uint32_t i = 0; waves->wave && i < waves->inner; i++) {
		free(waves->wave[i]);
		waves->wave[i] = NULL;
	}
	waves->bytes = 0;
}

void waves_release(struct waves *waves)
{
	drop_all(waves);
	free(waves->index);
	free(waves->wave);
	free(waves->queue);
	*waves = (struct waves){ 0 };
}

/* Distances from node ROOT; the nodes that were passed through stand in
 * waves->queue, the return value is how many.
 */
static uint32_t search(struct waves *waves, uint32_t root, uint32_t *hops)
{
	const struct netemu_net *net = waves->net;
	uint32_t reached = 0;

	memset(hops, 0xff, waves->inner * sizeof(*hops));
	hops[waves->index[root]] = 0;
	waves->queue[reached++] = root;
	for (uint32_t head = 0; head < reached; head++) {
		uint32_t node = waves->queue[head];

		for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
			uint32_t to = net->link[l].to, index = waves->index[to];

			if (index == NETEMU_NONE || hops[index] != NETEMU_NONE)
				continue;
			hops[index] = hops[waves->index[node]] + 1;
			if (net->node_host[to] == NETEMU_NONE)
				waves->queue[reached++] = to;
		}
	}
	return reached;
}

/* Call the links that shortest paths take: count them by the node they lead to
 * (LINK NULL) or put them in their places.
 */
static void visit(const struct waves *waves, uint32_t reached, const uint32_t *hops,
		  uint32_t *start, uint32_t *link)
{
	const struct netemu_net *net = waves->net;

	for (uint32_t head = 0; head < reached; head++) {
		uint32_t node = waves->queue[head], from = waves->index[node];

		for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
			uint32_t to = waves->index[net->link[l].to];

			if (to == NETEMU_NONE || hops[to] != hops[from] + 1)
				continue;
			if (link)
				link[start[to]++] = l;
			else
				start[to + 1]++;
		}
	}
}

static struct wave *make(struct waves *waves, uint32_t root)
{
	const uint32_t inner = waves->inner;
	uint32_t *hops = malloc(inner * sizeof(*hops)), reached;
	uint32_t *start = calloc(inner + 1, sizeof(*start));
	struct wave *wave = NULL;
	size_t size = 0;

	if (hops && start) {
		reached = search(waves, root, hops);
		visit(waves, reached, hops, start, NULL);
		for (uint32_t i = 0; i < inner; i++)
			start[i + 1] += start[i];
		size = sizeof(*wave) + (start[inner] + 2 * (size_t)inner + 1) * sizeof(*start);
		wave = malloc(size);
	}
	if (wave) {
		wave->hops = wave->link + start[inner];
		wave->start = wave->hops + inner;
		memcpy(wave->hops, hops, inner * sizeof(*hops));
		memcpy(wave->start, start, (inner + 1) * sizeof(*start));
		visit(waves, reached, hops, start, wave->link);
		waves->bytes += size;
	}
	free(hops);
	free(start);
	return wave;
}

static const struct wave *find(struct waves *waves, uint32_t root)
{
	struct wave **wave = &waves->wave[waves->index[root]];

	if (*wave)
		return *wave;
	if (waves->bytes > MOST_BYTES)
		drop_all(waves);
	*wave = make(waves, root);
	if (!*wave)
		errno = ENOMEM;
	return *wave;
}

int ways_init(struct ways *ways, const struct waves *waves)
{
	*ways = (struct ways){
		.node = malloc((waves->inner + 1) * sizeof(*ways->node)),
		.seen = calloc(waves->inner + 1, sizeof(*ways->seen)),
	};
	if (ways->node && ways->seen)
		return 0;
	ways_release(ways);
	errno = ENOMEM;
	return -1;
}

void ways_release(struct ways *ways)
{
	free(ways->node);
	free(ways->seen);
	*ways = (struct ways){ 0 };
}

const uint32_t *ways_into(const struct ways *ways, uint32_t node, uint32_t *count)
{
	const struct wave *wave = ways->wave;

	*count = wave->start[node + 1] - wave->start[node];
	return wave->link + wave->start[node];
}

/* Collect the nodes on the way from the target back. */
static void go_back(struct ways *ways, const struct waves *waves)
{
	if (++ways->stamp == 0) {
		memset(ways->seen, 0, waves->inner * sizeof(*ways->seen));
		ways->stamp = 1;
	}
	ways->count = 0;
	ways->node[ways->count++] = ways->target;
	ways->seen[ways->target] = ways->stamp;
	for (uint32_t i = 0; i < ways->count; i++) {
		uint32_t count;
		const uint32_t *link = ways_into(ways, ways->node[i], &count);

		for (uint32_t k = 0; k < count; k++) {
			uint32_t from = waves->index[waves->net->link[link[k]].from];

			if (ways->seen[from] == ways->stamp)
				continue;
			ways->seen[from] = ways->stamp;
			ways->node[ways->count++] = from;
		}
	}
}

int ways_between(struct ways *ways, struct waves *waves, uint32_t from, uint32_t to)
{
	const struct netemu_net *net = waves->net;
	uint32_t source = net->host_node[from], sink = net->host_node[to];
	uint32_t root = home_of(net, from), target = home_of(net, to);

	ways->wave = find(waves, root);
	if (!ways->wave)
		return -1;
	ways->root = waves->index[root];
	ways->target = waves->index[target];
	ways->hops = ways->wave->hops[ways->target];
	if (ways->hops == NETEMU_NONE)
		return 0;
	ways->first = root == source ? NETEMU_NONE : net->first[source];
	ways->last = target == sink ? NETEMU_NONE : net->link[net->first[sink]].reverse;
	go_back(ways, waves);
	return 1;
}
