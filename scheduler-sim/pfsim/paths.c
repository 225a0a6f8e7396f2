/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pfsim/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

/* More paths than this between two hosts cannot be drawn from. */
#define MOST_PATHS UINT32_MAX

/* All shortest paths from one host: the links that lead to each node from the
 * level before, in the order found.
 */
struct graph {
	uint32_t *depth; /* [nodes], NETEMU_NONE: not reached */
	uint32_t *first; /* [nodes + 1] into link */
	uint32_t *link;  /* predecessors */
	uint32_t *order; /* nodes by depth */
	uint32_t reached;
};

struct cached {
	uint64_t key; /* from, to */
	uint32_t job;
	struct cached *next; /* of the same job */
	uint32_t nlinks;
	UT_hash_handle hh;
	uint32_t links[];
};

struct of_job {
	uint32_t job;
	struct cached *paths;
	UT_hash_handle hh;
};

struct pfsim_router {
	const struct topology *topology;
	struct mt19937 *mt;
	/* Fill links[] from the end for the path in GRAPH to node TO. */
	int (*choose)(struct pfsim_router *router, const struct graph *graph, uint32_t to,
		      const double *traffic, uint32_t *links, struct err *err);
	bool per_job;
	struct graph *graphs; /* [hosts], made when first needed */
	double *cost;         /* [nodes] scratch */
	uint32_t *rank;       /* [nodes] place among the names */
	bool *on_way;         /* [nodes] scratch */
	struct cached *cache;
	struct of_job *jobs;
};

static uint64_t key_of(uint32_t from, uint32_t to)
{
	return (uint64_t)from << 32 | to;
}

/* --- breadth-first search --- */

static int graph_alloc(struct graph *graph, const struct netemu_net *net)
{
	graph->depth = malloc(net->nodes * sizeof(*graph->depth));
	graph->first = calloc(net->nodes + 1, sizeof(*graph->first));
	graph->link = malloc((net->links + 1) * sizeof(*graph->link));
	graph->order = malloc(net->nodes * sizeof(*graph->order));
	if (!graph->depth || !graph->first || !graph->link || !graph->order)
		return -1;
	memset(graph->depth, 0xff, net->nodes * sizeof(*graph->depth));
	return 0;
}

static void graph_release(struct graph *graph)
{
	free(graph->depth);
	free(graph->first);
	free(graph->link);
	free(graph->order);
}

/* A second cable between two nodes is none for PFSim. */
static bool repeated(const struct netemu_net *net, uint32_t link)
{
	const struct netemu_link *l = &net->link[link];

	for (uint32_t i = net->first[l->from]; i < link; i++)
		if (net->link[i].to == l->to)
			return true;
	return false;
}

static void search(struct graph *graph, const struct netemu_net *net, uint32_t source)
{
	graph->depth[source] = 0;
	graph->order[graph->reached++] = source;
	for (uint32_t head = 0; head < graph->reached; head++) {
		uint32_t node = graph->order[head];

		for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++) {
			uint32_t to = net->link[i].to;

			if (graph->depth[to] != NETEMU_NONE)
				continue;
			graph->depth[to] = graph->depth[node] + 1;
			graph->order[graph->reached++] = to;
		}
	}
}

static bool leads_on(const struct graph *graph, const struct netemu_net *net, uint32_t link)
{
	const struct netemu_link *l = &net->link[link];

	return graph->depth[l->to] == graph->depth[l->from] + 1 && !repeated(net, link);
}

/* Predecessors by node, each in the order of the search. */
static void collect(struct graph *graph, const struct netemu_net *net)
{
	uint32_t *fill;

	for (uint32_t head = 0; head < graph->reached; head++) {
		uint32_t node = graph->order[head];

		for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++)
			if (leads_on(graph, net, i))
				graph->first[net->link[i].to + 1]++;
	}
	for (uint32_t node = 0; node < net->nodes; node++)
		graph->first[node + 1] += graph->first[node];
	fill = graph->first;
	for (uint32_t head = 0; head < graph->reached; head++) {
		uint32_t node = graph->order[head];

		for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++)
			if (leads_on(graph, net, i))
				graph->link[fill[net->link[i].to]++] = i;
	}
	/* fill has moved every start to the next one's */
	memmove(fill + 1, fill, net->nodes * sizeof(*fill));
	fill[0] = 0;
}

static const struct graph *graph_from(struct pfsim_router *router, uint32_t host)
{
	const struct netemu_net *net = &router->topology->net;
	struct graph *graph = &router->graphs[host];

	if (graph->reached)
		return graph;
	if (graph_alloc(graph, net) < 0) {
		graph_release(graph);
		memset(graph, 0, sizeof(*graph));
		return NULL;
	}
	search(graph, net, net->host_node[host]);
	collect(graph, net);
	return graph;
}

/* --- the four choices --- */

/* Walk back from TO over the predecessors that PICK gives. */
#define FOR_EACH_STEP_BACK(graph, net, node, to, at)                  \
	for (uint32_t node = (to), at = (graph)->depth[to]; at-- > 0; \
	     node = (net)->link[links[at]].from)

/* Number of paths to each node up to TO's depth, as doubles in router->cost. */
static void count_paths(struct pfsim_router *router, const struct graph *graph)
{
	const struct netemu_net *net = &router->topology->net;

	for (uint32_t head = 0; head < graph->reached; head++) {
		uint32_t node = graph->order[head];

		router->cost[node] = head == 0;
		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++)
			router->cost[node] += router->cost[net->link[graph->link[i]].from];
	}
}

static int choose_random(struct pfsim_router *router, const struct graph *graph, uint32_t to,
			 const double *traffic, uint32_t *links, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	double pick;

	(void)traffic;
	count_paths(router, graph);
	if (router->cost[to] > MOST_PATHS)
		return err_set(err, "%g shortest paths to '%s': too many to choose from",
			       router->cost[to], net->name[to]);
	pick = mt19937_below(router->mt, (uint32_t)router->cost[to]);
	FOR_EACH_STEP_BACK(graph, net, node, to, at)
	{
		uint32_t i = graph->first[node];

		while (pick >= router->cost[net->link[graph->link[i]].from])
			pick -= router->cost[net->link[graph->link[i++]].from];
		links[at] = graph->link[i];
	}
	return 0;
}

/* Mark the nodes from which TO can be reached on a shortest path. */
static void mark_way(struct pfsim_router *router, const struct graph *graph, uint32_t to)
{
	const struct netemu_net *net = &router->topology->net;

	memset(router->on_way, 0, net->nodes * sizeof(*router->on_way));
	router->on_way[to] = true;
	for (uint32_t head = graph->reached; head-- > 0;) {
		uint32_t node = graph->order[head];

		if (!router->on_way[node])
			continue;
		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++)
			router->on_way[net->link[graph->link[i]].from] = true;
	}
}

/* The link from NODE to the choice'th of its next nodes, by name. */
static uint32_t nth_by_name(const struct pfsim_router *router, const struct graph *graph,
			    uint32_t node, uint32_t address)
{
	const struct netemu_net *net = &router->topology->net;
	uint32_t first = net->first[node], end = net->first[node + 1], count = 0, choice;

	for (uint32_t i = first; i < end; i++)
		count += leads_on(graph, net, i) && router->on_way[net->link[i].to];
	choice = address % count;
	for (uint32_t i = first; i < end; i++) {
		uint32_t before = 0;

		if (!leads_on(graph, net, i) || !router->on_way[net->link[i].to])
			continue;
		for (uint32_t j = first; j < end; j++)
			before += leads_on(graph, net, j) && router->on_way[net->link[j].to] &&
				  router->rank[net->link[j].to] < router->rank[net->link[i].to];
		if (before == choice)
			return i;
	}
	return NETEMU_NONE; /* not reached: names differ */
}

static int choose_dmodk(struct pfsim_router *router, const struct graph *graph, uint32_t to,
			const double *traffic, uint32_t *links, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	uint32_t node = graph->order[0];

	(void)traffic;
	(void)err;
	mark_way(router, graph, to);
	for (uint32_t at = 0; at < graph->depth[to]; at++) {
		links[at] = nth_by_name(router, graph, node, net->node_host[to]);
		node = net->link[links[at]].to;
	}
	return 0;
}

/* The smallest sum (or maximum) of traffic on a path to each node. */
static void find_costs(struct pfsim_router *router, const struct graph *graph,
		       const double *traffic, bool maximum)
{
	const struct netemu_net *net = &router->topology->net;

	router->cost[graph->order[0]] = 0;
	for (uint32_t head = 1; head < graph->reached; head++) {
		uint32_t node = graph->order[head];
		double best = -1;

		for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
			uint32_t link = graph->link[i];
			double cost = router->cost[net->link[link].from];

			if (!maximum)
				cost += traffic[link];
			else if (traffic[link] > cost)
				cost = traffic[link];
			if (best < 0 || cost < best)
				best = cost;
		}
		router->cost[node] = best;
	}
}

static int choose_greedy(struct pfsim_router *router, const struct graph *graph, uint32_t to,
			 const double *traffic, uint32_t *links, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;

	(void)err;
	find_costs(router, graph, traffic, false);
	FOR_EACH_STEP_BACK(graph, net, node, to, at)
	{
		uint32_t i = graph->first[node];

		while (router->cost[net->link[graph->link[i]].from] + traffic[graph->link[i]] >
		       router->cost[node])
			i++;
		links[at] = graph->link[i];
	}
	return 0;
}

static int choose_greedy2(struct pfsim_router *router, const struct graph *graph, uint32_t to,
			  const double *traffic, uint32_t *links, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	double most;

	(void)err;
	find_costs(router, graph, traffic, true);
	most = router->cost[to];
	FOR_EACH_STEP_BACK(graph, net, node, to, at)
	{
		uint32_t i = graph->first[node];

		while (router->cost[net->link[graph->link[i]].from] > most ||
		       traffic[graph->link[i]] > most)
			i++;
		links[at] = graph->link[i];
	}
	return 0;
}

static const struct choice {
	const char *name, *alias;
	int (*choose)(struct pfsim_router *router, const struct graph *graph, uint32_t to,
		      const double *traffic, uint32_t *links, struct err *err);
	bool per_job;
} choices[] = {
	{ "random", "pfsim.router.RandomRouter", choose_random, false },
	{ "dmodk", "pfsim.router.DmodKRouter", choose_dmodk, false },
	{ "greedy", "pfsim.router.GreedyRouter", choose_greedy, true },
	{ "greedy-max", "pfsim.router.GreedyRouter2", choose_greedy2, true },
};

/* --- the router --- */

static const struct choice *find_choice(const char *name)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++)
		if (strcmp(name, choices[i].name) == 0 || strcmp(name, choices[i].alias) == 0)
			return &choices[i];
	return NULL;
}

static int by_name(const void *a, const void *b, void *net)
{
	const char *const *name = ((const struct netemu_net *)net)->name;

	return strcmp(name[*(const uint32_t *)a], name[*(const uint32_t *)b]);
}

/* Generated nodes have numbers for names, which sort as numbers: as they are. */
static bool names_are_numbers(const struct netemu_net *net)
{
	for (uint32_t i = 0; i < net->nodes; i++)
		if (net->name[i][strspn(net->name[i], "0123456789")] != '\0')
			return false;
	return true;
}

static int rank_names(struct pfsim_router *router)
{
	const struct netemu_net *net = &router->topology->net;
	uint32_t *nodes = malloc(net->nodes * sizeof(*nodes));

	if (!nodes)
		return -1;
	for (uint32_t i = 0; i < net->nodes; i++)
		nodes[i] = i;
	if (!names_are_numbers(net))
		qsort_r(nodes, net->nodes, sizeof(*nodes), by_name, (void *)net);
	for (uint32_t i = 0; i < net->nodes; i++)
		router->rank[nodes[i]] = i;
	free(nodes);
	return 0;
}

static int allocate(struct pfsim_router *router)
{
	const struct netemu_net *net = &router->topology->net;

	router->graphs = calloc(net->hosts, sizeof(*router->graphs));
	router->cost = malloc(net->nodes * sizeof(*router->cost));
	router->rank = malloc(net->nodes * sizeof(*router->rank));
	router->on_way = malloc(net->nodes * sizeof(*router->on_way));
	if (!router->graphs || !router->cost || !router->rank || !router->on_way)
		return -1;
	return rank_names(router);
}

int pfsim_router_create(struct pfsim_router **router, const char *name,
			const struct topology *topology, struct mt19937 *mt, struct err *err)
{
	const struct choice *choice = find_choice(name);
	struct pfsim_router *r;

	if (!choice)
		return err_set(err,
			       "routing '%s' is not one of PFSim's (random, dmodk, greedy, "
			       "greedy-max)",
			       name);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_set(err, "out of memory");
	r->topology = topology;
	r->mt = mt;
	r->choose = choice->choose;
	r->per_job = choice->per_job;
	if (allocate(r) < 0) {
		pfsim_router_destroy(r);
		return err_set(err, "out of memory");
	}
	*router = r;
	return 0;
}

static void drop_all(struct pfsim_router *router)
{
	struct cached *cached, *next;
	struct of_job *of_job, *next_job;

	HASH_ITER (hh, router->cache, cached, next) {
		HASH_DEL(router->cache, cached);
		free(cached);
	}
	HASH_ITER (hh, router->jobs, of_job, next_job) {
		HASH_DEL(router->jobs, of_job);
		free(of_job);
	}
}

void pfsim_router_destroy(struct pfsim_router *router)
{
	if (!router)
		return;
	drop_all(router);
	for (uint32_t i = 0; router->graphs && i < router->topology->net.hosts; i++)
		graph_release(&router->graphs[i]);
	free(router->graphs);
	free(router->cost);
	free(router->rank);
	free(router->on_way);
	free(router);
}

static struct cached *find(const struct pfsim_router *router, uint32_t from, uint32_t to)
{
	uint64_t key = key_of(from, to);
	struct cached *cached;

	HASH_FIND(hh, router->cache, &key, sizeof(key), cached);
	return cached;
}

bool pfsim_router_has(const struct pfsim_router *router, uint32_t from, uint32_t to)
{
	return find(router, from, to) != NULL;
}

/* Remember CACHED for its job, to be dropped with it. */
static int add_to_job(struct pfsim_router *router, struct cached *cached, uint32_t job)
{
	struct of_job *of_job;

	HASH_FIND(hh, router->jobs, &job, sizeof(job), of_job);
	if (!of_job) {
		of_job = calloc(1, sizeof(*of_job));
		if (!of_job)
			return -1;
		of_job->job = job;
		HASH_ADD(hh, router->jobs, job, sizeof(job), of_job);
	}
	cached->next = of_job->paths;
	of_job->paths = cached;
	return 0;
}

static struct cached *make(struct pfsim_router *router, uint32_t from, uint32_t to,
			   const double *traffic, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	const struct graph *graph = graph_from(router, from);
	uint32_t node = net->host_node[to], depth;
	struct cached *cached;

	if (!graph) {
		err_set(err, "out of memory");
		return NULL;
	}
	depth = graph->depth[node];
	if (depth == NETEMU_NONE) {
		err_set(err, "%s: no path from '%s' to '%s'", router->topology->source,
			net->name[net->host_node[from]], net->name[node]);
		return NULL;
	}
	cached = calloc(1, sizeof(*cached) + depth * sizeof(*cached->links));
	if (!cached) {
		err_set(err, "out of memory");
		return NULL;
	}
	cached->key = key_of(from, to);
	cached->nlinks = depth;
	if (router->choose(router, graph, node, traffic, cached->links, err) == 0)
		return cached;
	free(cached);
	return NULL;
}

ssize_t pfsim_router_path(struct pfsim_router *router, uint32_t from, uint32_t to, uint32_t job,
			  const double *traffic, const uint32_t **links, struct err *err)
{
	struct cached *cached = find(router, from, to);

	if (!cached) {
		cached = make(router, from, to, traffic, err);
		if (!cached)
			return -1;
		HASH_ADD(hh, router->cache, key, sizeof(cached->key), cached);
		if (router->per_job && job != PFSIM_NO_JOB && add_to_job(router, cached, job) < 0)
			return err_set(err, "out of memory");
	}
	*links = cached->links;
	return cached->nlinks;
}

void pfsim_router_forget(struct pfsim_router *router, uint32_t job)
{
	struct of_job *of_job;

	HASH_FIND(hh, router->jobs, &job, sizeof(job), of_job);
	if (!of_job)
		return;
	HASH_DEL(router->jobs, of_job);
	while (of_job->paths) {
		struct cached *cached = of_job->paths;

		of_job->paths = cached->next;
		HASH_DEL(router->cache, cached);
		free(cached);
	}
	free(of_job);
}
