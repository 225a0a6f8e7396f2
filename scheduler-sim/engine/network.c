/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "place/place.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

struct network {
	const struct topology *topology;
	struct placer *placer;
	bool recorded; /* ranks where the real job had them, where that is known */
	struct router *router;
	struct loads loads;
	struct loads before;  /* the same but for what is being added */
	struct loads scratch; /* all 0 between calls; of network_check() */
	uint32_t *touched;    /* [links], of keep_shares(); owned */
	uint32_t *weight;     /* [hosts], 0 between calls */
	bool keep_paths;      /* of running jobs */
	bool windows;         /* loads follow the recorded windows */
	uint32_t *changed;    /* links; owned */
	size_t nchanged, changed_room;
};

static int create(struct network *network, const struct sim_settings *settings, struct err *err)
{
	const struct placer_settings placer = { .seed = settings->seed, .base = settings->base };
	const struct router_settings router = { .seed = settings->seed, .base = settings->base };
	const struct netemu_net *net = &settings->topology->net;
	const char *placement = settings->placement;

	network->topology = settings->topology;
	network->recorded = strcmp(placement, "explicit") == 0;
	network->windows = settings->windows;
	network->keep_paths = settings->stretch || settings->windows;
	network->weight = calloc(net->hosts, sizeof(*network->weight));
	network->touched = calloc((size_t)net->links + 1, sizeof(*network->touched));
	if (!network->weight || !network->touched || loads_init(&network->loads, net->links) < 0 ||
	    loads_watch(&network->loads) < 0 || loads_init(&network->before, net->links) < 0 ||
	    loads_init(&network->scratch, net->links) < 0)
		return err_errno(err, "unable to keep the loads of %u links", net->links);
	if (placer_create(&network->placer, network->recorded ? "block" : placement,
			  settings->topology, &placer, err) < 0)
		return -1;
	return router_create(&network->router, settings->routing, settings->topology, &router, err);
}

int network_create(struct network **result, const struct sim_settings *settings, struct err *err)
{
	struct network *network = calloc(1, sizeof(*network));

	if (!network)
		return err_errno(err, "unable to keep loads");
	if (create(network, settings, err) < 0) {
		network_destroy(network);
		return -1;
	}
	*result = network;
	return 0;
}

void network_destroy(struct network *network)
{
	if (!network)
		return;
	if (network->router)
		router_destroy(network->router);
	if (network->placer)
		placer_destroy(network->placer);
	loads_release(&network->loads);
	loads_release(&network->before);
	loads_release(&network->scratch);
	free(network->weight);
	free(network->touched);
	free(network->changed);
	free(network);
}

/* --- one job --- */

/* Where the real job had its ranks: the k-th of its hosts is the k-th one
 * selected.
 */
static int place_recorded(const struct live *live, const uint32_t *hosts, uint32_t count,
			  uint32_t *placement, struct err *err)
{
	for (uint32_t r = 0; r < live->what->traffic->ranks; r++) {
		if (live->what->placement[r] >= count)
			return err_set(err, "job %" PRIu64 ": rank %u was on host %u of %u hosts",
				       live->job.id, r, live->what->placement[r], count);
		placement[r] = hosts[live->what->placement[r]];
	}
	return 0;
}

static int place(struct network *network, struct live *live, const uint32_t *hosts, uint32_t count,
		 struct err *err)
{
	const struct traffic *traffic = live->what->traffic;
	const struct placing placing = {
		.job = &live->job,
		.hosts = hosts,
		.nhosts = count,
		.ranks = traffic->ranks,
		.matrix = traffic->pairs,
		.npairs = traffic->npairs,
		.traffic = live->what->traffic,
		.router = network->router,
		.loads = &network->loads,
	};
	struct sim_job *result = live->result;

	if (!result->placement)
		result->placement = calloc((size_t)traffic->ranks + 1, sizeof(uint32_t));
	if (!result->placement)
		return err_errno(err, "job %" PRIu64, live->job.id);
	if (network->recorded && live->what->placement)
		return place_recorded(live, hosts, count, result->placement, err);
	if (placer_place(network->placer, &placing, result->placement, err) < 0)
		return -1;
	if (strcmp(placer_name(network->placer), "aware") == 0)
		result->bound = placer_bound(network->placer, &placing);
	if (!isnan(result->bound))
		return 0;
	errno = ENOMEM;
	return err_errno(err, "job %" PRIu64, live->job.id);
}

static int route_uniform(struct network *network, const struct live *live, struct routed *routed,
			 struct err *err)
{
	const struct traffic *traffic = live->what->traffic;
	const struct all_to_all all = { .weight = network->weight, .bytes = traffic->bytes };
	int rc;

	for (uint32_t r = 0; r < traffic->ranks; r++)
		network->weight[live->result->placement[r]]++;
	rc = router_all_to_all(network->router, &all, &network->loads, routed, err);
	for (uint32_t r = 0; r < traffic->ranks; r++)
		network->weight[live->result->placement[r]] = 0;
	return rc;
}

/* --- paths --- */

static int pair_compare(const void *a, const void *b, void *arg)
{
	const struct netemu_pair *left = (const struct netemu_pair *)arg + *(const size_t *)a;
	const struct netemu_pair *right = (const struct netemu_pair *)arg + *(const size_t *)b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return (left->to > right->to) - (left->to < right->to);
}

/* Keep PAIRS and ROUTED, whose arrays pass to LIVE. */
static int paths_keep(struct live *live, struct netemu_pair *pairs, size_t npairs,
		      struct routed *routed, struct err *err)
{
	size_t *sorted = malloc((npairs + 1) * sizeof(*sorted));

	live->paths = malloc(sizeof(*live->paths));
	if (!live->paths || !sorted) {
		free(live->paths);
		live->paths = NULL;
		free(sorted);
		free(pairs);
		return err_errno(err, "job %" PRIu64, live->job.id);
	}
	for (size_t i = 0; i < npairs; i++)
		sorted[i] = i;
	qsort_r(sorted, npairs, sizeof(*sorted), pair_compare, pairs);
	*live->paths = (struct live_paths){
		.pairs = pairs,
		.npairs = npairs,
		.sorted = sorted,
		.routed = *routed,
		.split = routed->start == NULL,
	};
	routed->path = NULL;
	routed->start = NULL;
	return 0;
}

void network_drop_paths(struct live *live)
{
	if (!live->paths)
		return;
	routed_release(&live->paths->routed);
	free(live->paths->pairs);
	free(live->paths->sorted);
	free(live->paths);
	live->paths = NULL;
}

static int route_pairs(struct network *network, const struct live *live,
		       const struct netemu_pair *pairs, size_t npairs, struct routed *routed,
		       struct err *err)
{
	const struct traffic *traffic = live->what->traffic;
	const struct netemu_route route = {
		.net = &network->topology->net,
		.job = live->job.id,
		.pairs = pairs,
		.npairs = npairs,
		.placement = live->result->placement,
		.ranks = traffic->ranks,
		.matrix = traffic->pairs,
		.nmatrix = traffic->npairs,
	};

	return router_route(network->router, &route, &network->loads, routed, err);
}

/* All pairs of the hosts of a job in which everyone sends to everyone. */
static ssize_t uniform_pairs(struct network *network, const struct live *live,
			     struct netemu_pair **pairs)
{
	const struct traffic *traffic = live->what->traffic;
	uint32_t hosts = network->topology->net.hosts, used = 0;
	size_t count = 0;
	bool fits = true;

	for (uint32_t r = 0; r < traffic->ranks; r++)
		used += network->weight[live->result->placement[r]]++ == 0;
	*pairs = malloc(((size_t)used * used + 1) * sizeof(**pairs));
	for (uint32_t from = 0; *pairs && from < hosts; from++)
		for (uint32_t to = 0; network->weight[from] && to < hosts; to++) {
			struct netemu_pair pair = { .from = from, .to = to };

			pair.flows = (uint64_t)network->weight[from] * network->weight[to];
			if (__builtin_mul_overflow(pair.flows, traffic->bytes, &pair.bytes))
				fits = false;
			if (pair.flows && from != to)
				(*pairs)[count++] = pair;
		}
	for (uint32_t r = 0; r < traffic->ranks; r++)
		network->weight[live->result->placement[r]] = 0;
	if (*pairs && fits)
		return (ssize_t)count;
	if (*pairs)
		errno = EOVERFLOW;
	free(*pairs);
	return -1;
}

static ssize_t host_pairs(struct network *network, const struct live *live,
			  struct netemu_pair **pairs)
{
	const struct traffic *traffic = live->what->traffic;

	if (traffic->uniform)
		return uniform_pairs(network, live, pairs);
	return traffic_fold(traffic->pairs, traffic->npairs, live->result->placement,
			    network->topology->net.hosts, pairs);
}

static int route(struct network *network, struct live *live, struct routed *routed, struct err *err)
{
	struct netemu_pair *pairs = NULL;
	ssize_t npairs;
	int rc;

	if (live->what->traffic->uniform && !network->keep_paths)
		return route_uniform(network, live, routed, err);
	npairs = host_pairs(network, live, &pairs);
	if (npairs < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	routed->want_paths = network->keep_paths;
	rc = route_pairs(network, live, pairs, (size_t)npairs, routed, err);
	if (rc == 0 && network->keep_paths)
		return paths_keep(live, pairs, (size_t)npairs, routed, err);
	free(pairs);
	return rc;
}

/* SHARES change; remember which links that are. */
static int note_changed(struct network *network, const struct load_shares *shares)
{
	if (network->nchanged + shares->count > network->changed_room) {
		size_t room = 2 * (network->nchanged + shares->count);
		uint32_t *changed = reallocarray(network->changed, room, sizeof(*changed));

		if (!changed)
			return -1;
		network->changed = changed;
		network->changed_room = room;
	}
	for (size_t i = 0; i < shares->count; i++)
		network->changed[network->nchanged++] = shares->share[i].link;
	return 0;
}

/* What has been added to the loads is the job's share. */
static int keep_shares(struct network *network, struct load_shares *shares)
{
	uint32_t count = loads_take_touched(&network->loads, network->touched);

	shares->count = 0;
	shares->share = malloc(((size_t)count + 1) * sizeof(*shares->share));
	if (!shares->share)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t link = network->touched[i];
		const struct load *is = &network->loads.link[link];
		const struct load *was = &network->before.link[link];

		if (is->bytes != was->bytes || is->flows != was->flows)
			shares->share[shares->count++] = (struct load_share){
				link, { is->bytes - was->bytes, is->flows - was->flows }
			};
	}
	loads_add(&network->before, shares);
	return note_changed(network, shares);
}

static double max_load(const struct topology *topology, const struct load_shares *shares)
{
	double most = 0;

	for (size_t i = 0; i < shares->count; i++) {
		uint32_t link = shares->share[i].link;

		if (topology_is_isl(topology, link))
			most = fmax(most, load_double(shares->share[i].load.bytes) /
						  topology->net.link[link].capacity);
	}
	return most;
}

/* Take LIVE's shares off the links. */
static int take_off(struct network *network, struct live *live, struct err *err)
{
	int rc = note_changed(network, &live->shares);

	loads_remove(&network->loads, &live->shares);
	loads_remove(&network->before, &live->shares);
	load_shares_release(&live->shares);
	return rc < 0 ? err_errno(err, "job %" PRIu64, live->job.id) : 0;
}

int network_start(struct network *network, struct live *live, const uint32_t *hosts, uint32_t count,
		  struct err *err)
{
	struct routed routed = { 0 };
	int rc;

	if (!live->what->traffic)
		return 0;
	if (place(network, live, hosts, count, err) < 0)
		return -1;
	rc = route(network, live, &routed, err);
	live->result->unroutable = routed.unroutable;
	live->result->routed_most = routed.most;
	live->result->routed_bound = routed.bound;
	routed_release(&routed);
	if (rc < 0)
		return -1;
	if (keep_shares(network, &live->shares) < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	live->result->max_load = max_load(network->topology, &live->shares);
	if (network->windows && live->what->traffic->nwindows)
		return take_off(network, live, err);
	return 0;
}

int network_stop(struct network *network, struct live *live, bool over, struct err *err)
{
	int rc = take_off(network, live, err);

	network_drop_paths(live);
	if (over)
		router_forget(network->router, live->job.id);
	return rc;
}

/* --- windows --- */

/* The number of PATHS' pair from FROM to TO, or SIZE_MAX. */
static size_t find_pair(const struct live_paths *paths, uint32_t from, uint32_t to)
{
	size_t low = 0, high = paths->npairs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct netemu_pair *pair = &paths->pairs[paths->sorted[middle]];

		if (pair->from == from && pair->to == to)
			return paths->sorted[middle];
		if (pair->from < from || (pair->from == from && pair->to < to))
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

/* Put PAIRS on the paths that the job's pairs of the same hosts have; what is
 * not in the job's whole matrix has none.
 */
static void send_on_paths(struct network *network, const struct live_paths *paths,
			  const struct netemu_pair *pairs, size_t npairs)
{
	for (size_t i = 0; i < npairs; i++) {
		size_t at = find_pair(paths, pairs[i].from, pairs[i].to);

		if (at == SIZE_MAX)
			continue;
		for (size_t p = paths->routed.start[at]; p < paths->routed.start[at + 1]; p++) {
			struct load *load = loads_at(&network->loads, paths->routed.path[p]);

			load->bytes += load_whole(pairs[i].bytes);
			load->flows += load_whole(pairs[i].flows);
		}
	}
}

static int send_part(struct network *network, struct live *live, const struct traffic_part *part,
		     struct err *err)
{
	struct netemu_pair *pairs;
	struct routed routed = { 0 };
	ssize_t npairs = traffic_fold(part->pairs, part->npairs, live->result->placement,
				      network->topology->net.hosts, &pairs);
	int rc = 0;

	if (npairs < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	if (live->paths->split)
		rc = route_pairs(network, live, pairs, (size_t)npairs, &routed, err);
	else
		send_on_paths(network, live->paths, pairs, (size_t)npairs);
	routed_release(&routed);
	free(pairs);
	return rc;
}

int network_window(struct network *network, struct live *live, const struct traffic_part *part,
		   struct err *err)
{
	if (take_off(network, live, err) < 0)
		return -1;
	if (!part)
		return 0;
	if (send_part(network, live, part, err) < 0)
		return -1;
	if (keep_shares(network, &live->shares) < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	return 0;
}

/* --- all of them --- */

const struct loads *network_loads(const struct network *network)
{
	return &network->loads;
}

const uint32_t *network_changed(const struct network *network, size_t *count)
{
	*count = network->nchanged;
	return network->changed;
}

void network_settled(struct network *network)
{
	network->nchanged = 0;
}

int network_check(struct network *network, const struct running *running, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < running->count; i++)
		loads_add(&network->scratch,
			  &((struct live *)running->array[running->first + i])->shares);
	for (uint32_t i = 0; i < network->loads.count; i++) {
		const struct load *is = &network->loads.link[i];
		const struct load *should = &network->scratch.link[i];
		char text[256];

		if (rc == 0 && (is->bytes != should->bytes || is->flows != should->flows))
			rc = err_set(err, "link %s does not carry what the jobs send",
				     topology_link_text(network->topology, i, text, sizeof(text)));
	}
	loads_clear(&network->scratch);
	return rc;
}
