/* SPDX-License-Identifier: Apache-2.0 */
/* awaremap.c - ranks on slots, and loads that follow them */
#include "aware.h"

#include "../route/forms.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void aware_release(struct aware *aware)
{
	free(aware->first);
	free(aware->peers);
	free(aware->host);
	free(aware->start);
	free(aware->path);
	free(aware->base);
	free(aware->bytes);
	free(aware->cost);
	free(aware->index);
	free(aware->left);
	*aware = (struct aware){ 0 };
}

/* --- peers --- */

static int by_peer(const void *a, const void *b)
{
	const struct aware_peer *x = a, *y = b;

	return (x->peer > y->peer) - (x->peer < y->peer);
}

/* Both directions of a pair of ranks in one entry. */
static void merge_peers(struct aware *aware)
{
	size_t used = 0, start = 0;

	for (uint32_t r = 0; r < aware->slots; r++) {
		size_t end = aware->first[r + 1], merged = used;

		qsort(aware->peers + start, end - start, sizeof(*aware->peers), by_peer);
		for (size_t i = start; i < end; i++) {
			struct aware_peer peer = aware->peers[i];

			if (used > merged && aware->peers[used - 1].peer == peer.peer) {
				aware->peers[used - 1].out += peer.out;
				aware->peers[used - 1].in += peer.in;
			} else {
				aware->peers[used++] = peer;
			}
		}
		aware->first[r] = merged;
		start = end;
	}
	aware->first[aware->slots] = used;
}

static int collect_peers(struct aware *aware)
{
	const struct netemu_place *place = &aware->work->place;
	size_t *fill = calloc((size_t)aware->slots + 1, sizeof(*fill));

	aware->first = calloc((size_t)aware->slots + 1, sizeof(*aware->first));
	aware->peers = malloc((2 * place->npairs + 1) * sizeof(*aware->peers));
	if (!fill || !aware->first || !aware->peers) {
		free(fill);
		return -1;
	}
	for (size_t i = 0; i < place->npairs; i++) {
		const struct netemu_rank_pair *pair = &place->matrix[i];

		if (pair->from == pair->to)
			continue;
		aware->first[pair->from + 1]++;
		aware->first[pair->to + 1]++;
	}
	for (uint32_t r = 0; r < aware->slots; r++)
		aware->first[r + 1] += aware->first[r];
	memcpy(fill, aware->first, aware->slots * sizeof(*fill));
	for (size_t i = 0; i < place->npairs; i++) {
		const struct netemu_rank_pair *pair = &place->matrix[i];

		if (pair->from == pair->to)
			continue;
		aware->peers[fill[pair->from]++] = (struct aware_peer){ pair->to, pair->bytes, 0 };
		aware->peers[fill[pair->to]++] = (struct aware_peer){ pair->from, 0, pair->bytes };
	}
	free(fill);
	merge_peers(aware);
	return 0;
}

/* --- paths --- */

/* All pairs of hosts, without traffic. */
static struct netemu_pair *all_pairs(const struct aware *aware, size_t *npairs)
{
	const uint32_t *hosts = aware->work->place.hosts;
	struct netemu_pair *pairs =
		malloc(((size_t)aware->nhosts * aware->nhosts + 1) * sizeof(*pairs));

	*npairs = 0;
	for (uint32_t a = 0; pairs && a < aware->nhosts; a++)
		for (uint32_t b = 0; b < aware->nhosts; b++)
			if (a != b)
				pairs[(*npairs)++] =
					(struct netemu_pair){ .from = hosts[a], .to = hosts[b] };
	return pairs;
}

/* The links between switches of what was ROUTED. */
static int keep_paths(struct aware *aware, const struct routed *routed, size_t npairs)
{
	size_t used = 0, pair = 0;

	aware->path = malloc((routed->start[npairs] + 1) * sizeof(*aware->path));
	aware->start = malloc(((size_t)aware->nhosts * aware->nhosts + 1) * sizeof(*aware->start));
	if (!aware->path || !aware->start)
		return -1;
	for (uint32_t a = 0; a < aware->nhosts; a++) {
		for (uint32_t b = 0; b < aware->nhosts; b++) {
			aware->start[(size_t)a * aware->nhosts + b] = used;
			if (a == b)
				continue;
			for (size_t k = routed->start[pair]; k < routed->start[pair + 1]; k++)
				if (topology_is_isl(aware->work->topology, routed->path[k]))
					aware->path[used++] = routed->path[k];
			pair++;
		}
	}
	aware->start[(size_t)aware->nhosts * aware->nhosts] = used;
	return 0;
}

static int find_paths_by(struct aware *aware, struct router *router)
{
	struct netemu_route route = { 0 };
	struct routed routed = { .want_paths = true };
	struct netemu_pair *pairs = all_pairs(aware, &route.npairs);
	int rc = -1;

	route.pairs = pairs;
	if (pairs && router_route(router, &route, &aware->work->loads, &routed, NULL) == 0)
		rc = keep_paths(aware, &routed, route.npairs);
	routed_release(&routed);
	free(pairs);
	return rc;
}

static int find_paths(struct aware *aware)
{
	struct router *router = aware->work->what->router, *other;
	enum router_form form = router->ops->form;
	int rc;

	aware->exact = (form == ROUTER_TO || form == ROUTER_FROM || form == ROUTER_PAIR) &&
		       !router->settings.pfsim;
	if (aware->exact)
		return find_paths_by(aware, router);
	if (router_create(&other, "random", aware->work->topology,
			  &(struct router_settings){ .seed = router->settings.seed }, NULL) < 0)
		return -1;
	rc = find_paths_by(aware, other);
	router_destroy(other);
	return rc;
}

/* --- loads --- */

static double cost_of(const struct aware *aware, uint32_t link)
{
	double x;

	if (aware->bytes[link] == 0)
		return 0;
	x = (double)(aware->base[link] + aware->bytes[link]) /
	    aware->work->topology->net.link[link].capacity / aware->unit;
	x *= x;
	if (!aware->steep)
		return x;
	x *= x;
	x *= x;
	return x * x;
}

static void add_path(struct aware *aware, uint32_t from, uint32_t to, uint64_t bytes, bool off)
{
	size_t at = (size_t)from * aware->nhosts + to;

	if (bytes == 0)
		return;
	for (size_t k = aware->start[at]; k < aware->start[at + 1]; k++) {
		uint32_t link = aware->path[k];
		double cost;

		aware->bytes[link] += off ? -bytes : bytes;
		cost = cost_of(aware, link);
		aware->sum += cost - aware->cost[link];
		aware->cost[link] = cost;
		aware->steps++;
	}
}

void aware_add_peer(struct aware *aware, uint32_t rank, const struct aware_peer *peer, bool off)
{
	add_path(aware, aware->host[rank], aware->host[peer->peer], peer->out, off);
	add_path(aware, aware->host[peer->peer], aware->host[rank], peer->in, off);
}

/* All that RANK exchanges with ranks below LIMIT but EXCEPT. */
static void add_rank(struct aware *aware, uint32_t rank, uint32_t limit, uint32_t except, bool off)
{
	for (size_t i = aware->first[rank]; i < aware->first[rank + 1]; i++)
		if (aware->peers[i].peer != except && aware->peers[i].peer < limit)
			aware_add_peer(aware, rank, &aware->peers[i], off);
}

void aware_swap(struct aware *aware, uint32_t a, uint32_t b)
{
	uint32_t host = aware->host[a];

	add_rank(aware, a, UINT32_MAX, a, true);
	add_rank(aware, b, UINT32_MAX, a, true);
	aware->host[a] = aware->host[b];
	aware->host[b] = host;
	add_rank(aware, a, UINT32_MAX, a, false);
	add_rank(aware, b, UINT32_MAX, a, false);
	aware->steps += 4;
}

double aware_most(const struct aware *aware)
{
	const struct netemu_net *net = &aware->work->topology->net;
	double most = 0;

	for (uint32_t l = 0; l < net->links; l++)
		if (aware->bytes[l])
			most = fmax(most, (double)(aware->base[l] + aware->bytes[l]) /
						  net->link[l].capacity);
	return most;
}

/* Sum up anew, with the largest load as the unit. */
static void sum_up(struct aware *aware)
{
	aware->unit = aware_most(aware);
	if (aware->unit <= 0)
		aware->unit = 1;
	aware->sum = 0;
	for (uint32_t l = 0; l < aware->work->topology->net.links; l++) {
		aware->cost[l] = cost_of(aware, l);
		aware->sum += aware->cost[l];
	}
}

static void load_anew(struct aware *aware)
{
	memset(aware->bytes, 0, aware->work->topology->net.links * sizeof(*aware->bytes));
	for (uint32_t r = 0; r < aware->ranks; r++)
		add_rank(aware, r, r, r, false);
	sum_up(aware);
}

void aware_set(struct aware *aware, const uint32_t *host)
{
	memcpy(aware->host, host, aware->slots * sizeof(*host));
	load_anew(aware);
}

double aware_renew(struct aware *aware)
{
	double old = aware->unit;

	sum_up(aware);
	return pow(old / aware->unit, aware_power(aware));
}

void aware_put(struct aware *aware, const uint32_t *placement)
{
	const struct netemu_place *place = &aware->work->place;
	uint32_t empty = aware->ranks;

	for (uint32_t i = 0; i < aware->nhosts; i++) {
		aware->index[place->hosts[i]] = i;
		aware->left[i] = place->slots[i];
	}
	for (uint32_t r = 0; r < aware->ranks; r++) {
		aware->host[r] = aware->index[placement[r]];
		aware->left[aware->host[r]]--;
	}
	for (uint32_t i = 0; i < aware->nhosts; i++)
		while (aware->left[i]--)
			aware->host[empty++] = i;
	load_anew(aware);
}

void aware_get(const struct aware *aware, uint32_t *placement)
{
	for (uint32_t r = 0; r < aware->ranks; r++)
		placement[r] = aware->work->place.hosts[aware->host[r]];
}

static int allocate(struct aware *aware)
{
	const struct loads *loads = aware->work->what->loads;
	uint32_t links = aware->work->topology->net.links;

	aware->host = calloc((size_t)aware->slots + 1, sizeof(*aware->host));
	aware->base = calloc((size_t)links + 1, sizeof(*aware->base));
	aware->bytes = calloc((size_t)links + 1, sizeof(*aware->bytes));
	aware->cost = calloc((size_t)links + 1, sizeof(*aware->cost));
	aware->index = calloc(aware->work->topology->net.hosts, sizeof(*aware->index));
	aware->left = calloc((size_t)aware->nhosts + 1, sizeof(*aware->left));
	if (!aware->index || !aware->left || !aware->host || !aware->base || !aware->bytes ||
	    !aware->cost)
		return -1;
	for (uint32_t l = 0; loads && l < links; l++)
		aware->base[l] = load_integer(loads->link[l].bytes);
	aware->unit = 1;
	return 0;
}

int aware_init(struct aware *aware, struct placement_work *work)
{
	const struct netemu_place *place = &work->place;
	uint64_t slots = 0;

	*aware = (struct aware){ .work = work, .ranks = place->ranks, .nhosts = place->nhosts };
	for (uint32_t i = 0; i < place->nhosts; i++)
		slots += place->slots[i];
	if (place->nhosts > AWARE_MOST_HOSTS || slots > 1u << 20)
		return 0;
	aware->slots = (uint32_t)slots;
	if (allocate(aware) == 0 && collect_peers(aware) == 0 && find_paths(aware) == 0)
		return 1;
	aware_release(aware);
	errno = ENOMEM;
	return -1;
}
