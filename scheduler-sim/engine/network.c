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
	uint32_t *weight;     /* [hosts], 0 between calls */
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
	network->weight = calloc(net->hosts, sizeof(*network->weight));
	if (!network->weight || loads_init(&network->loads, net->links) < 0 ||
	    loads_init(&network->before, net->links) < 0 ||
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
	return placer_place(network->placer, &placing, result->placement, err);
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

static int route(struct network *network, const struct live *live, struct routed *routed,
		 struct err *err)
{
	const struct traffic *traffic = live->what->traffic;
	struct netemu_pair *pairs = NULL;
	ssize_t npairs;
	int rc;

	if (traffic->uniform)
		return route_uniform(network, live, routed, err);
	npairs = traffic_fold(traffic->pairs, traffic->npairs, live->result->placement,
			      network->topology->net.hosts, &pairs);
	if (npairs < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	rc = router_route(network->router,
			  &(struct netemu_route){
				  .net = &network->topology->net,
				  .job = live->job.id,
				  .pairs = pairs,
				  .npairs = (size_t)npairs,
				  .placement = live->result->placement,
				  .ranks = traffic->ranks,
				  .matrix = traffic->pairs,
				  .nmatrix = traffic->npairs,
			  },
			  &network->loads, routed, err);
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

/* What a job adds to a link. */
static struct load added(const struct network *network, uint32_t link)
{
	return (struct load){
		network->loads.link[link].bytes - network->before.link[link].bytes,
		network->loads.link[link].flows - network->before.link[link].flows,
	};
}

/* What has been added to the loads is the job's share. */
static int keep_shares(struct network *network, struct load_shares *shares)
{
	size_t count = 0;

	for (uint32_t i = 0; i < network->loads.count; i++) {
		struct load load = added(network, i);

		count += load.bytes || load.flows;
	}
	shares->share = malloc((count + 1) * sizeof(*shares->share));
	if (!shares->share)
		return -1;
	shares->count = 0;
	for (uint32_t i = 0; i < network->loads.count && shares->count < count; i++) {
		struct load load = added(network, i);

		if (load.bytes || load.flows)
			shares->share[shares->count++] = (struct load_share){ i, load };
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

int network_start(struct network *network, struct live *live, const uint32_t *hosts, uint32_t count,
		  struct err *err)
{
	struct routed routed = { 0 };

	if (!live->what->traffic)
		return 0;
	if (place(network, live, hosts, count, err) < 0 || route(network, live, &routed, err) < 0)
		return -1;
	live->result->unroutable = routed.unroutable;
	routed_release(&routed);
	if (keep_shares(network, &live->shares) < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	live->result->max_load = max_load(network->topology, &live->shares);
	return 0;
}

void network_stop(struct network *network, struct live *live, bool over)
{
	loads_remove(&network->loads, &live->shares);
	loads_remove(&network->before, &live->shares);
	if (note_changed(network, &live->shares) < 0)
		network->nchanged = 0; /* a watcher will miss some */
	load_shares_release(&live->shares);
	if (over)
		router_forget(network->router, live->job.id);
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
