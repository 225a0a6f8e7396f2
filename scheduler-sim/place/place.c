/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include "../jobs/traffic.h"
#include "../policy/policy_load.h"
#include "../route/forms.h"
#include "placing.h"
#include "policies.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct netemu_policy *const place_table[] = {
	&place_block, &place_cyclic, &place_plane, &place_random, &place_random_hosts, &place_aware,
};

const size_t place_count = sizeof(place_table) / sizeof(*place_table);

struct placer {
	struct policy policy;
	const struct topology *topology;
	uint64_t seed;
	void *state;
};

int placer_create(struct placer **placer, const char *name, const struct topology *topology,
		  const struct placer_settings *settings, struct err *err)
{
	struct placer *made = calloc(1, sizeof(*made));
	const struct netemu_placement *ops;
	char why[256] = "it gave no reason";

	if (!made)
		return err_errno(err, "unable to set up placement '%s'", name);
	made->topology = topology;
	made->seed = settings->seed;
	if (policy_find(&made->policy, NETEMU_PLACEMENT, place_table, place_count, name,
			settings->base, err) < 0) {
		free(made);
		return -1;
	}
	ops = &made->policy.what->placement;
	made->state = ops->create
			      ? ops->create(&topology->net, made->policy.options, why, sizeof(why))
			      : NULL;
	if (ops->create && !made->state) {
		err_set(err, "placement '%s' %s", made->policy.name, why);
		policy_release(&made->policy);
		free(made);
		return -1;
	}
	*placer = made;
	return 0;
}

void placer_destroy(struct placer *placer)
{
	if (!placer)
		return;
	if (placer->policy.what->placement.destroy)
		placer->policy.what->placement.destroy(placer->state);
	policy_release(&placer->policy);
	free(placer);
}

const char *placer_name(const struct placer *placer)
{
	return placer->policy.what->name;
}

/* --- what a policy sees --- */

static uint64_t draw(struct netemu_place *place, uint64_t below)
{
	return random_below(&((struct placement_work *)place)->random, below);
}

static double evaluate(struct netemu_place *place, const uint32_t *placement)
{
	return work_evaluate((struct placement_work *)place, placement);
}

/* Those that look at the matrix are promised its order. */
static bool reads_matrix(const struct placer *placer)
{
	return placer->policy.object || placer->policy.what == &place_aware;
}

static int sort_matrix(struct placement_work *work)
{
	const struct placing *what = work->what;

	work->place.matrix = what->traffic
				     ? traffic_sorted(what->traffic)
				     : traffic_sort(what->matrix, what->npairs, &work->sorted);
	return work->place.matrix || !what->npairs ? 0 : -1;
}

static int find_slots(struct placement_work *work)
{
	const struct placing *what = work->what;

	work->place.slots = what->slots;
	if (what->slots)
		return 0;
	work->slots = malloc((what->nhosts + 1) * sizeof(*work->slots));
	if (!work->slots)
		return -1;
	for (uint32_t i = 0; i < what->nhosts; i++)
		work->slots[i] = work->topology->net.slots[what->hosts[i]];
	work->place.slots = work->slots;
	return 0;
}

/* Only shared objects look at them this way. */
static int show_loads(struct placement_work *work)
{
	uint32_t links = work->topology->net.links;

	work->bytes = calloc(links ? links : 1, sizeof(*work->bytes));
	if (!work->bytes)
		return -1;
	for (uint32_t l = 0; work->what->loads && l < links; l++)
		work->bytes[l] = load_integer(work->what->loads->link[l].bytes);
	work->place.bytes = work->bytes;
	return 0;
}

static void work_release(struct placement_work *work)
{
	loads_release(&work->loads);
	free(work->sorted);
	free(work->slots);
	free(work->bytes);
}

static int work_init(struct placement_work *work, const struct placer *placer,
		     const struct placing *what, bool sorted)
{
	*work = (struct placement_work){
		.place = {
			.net = &placer->topology->net,
			.job = what->job,
			.hosts = what->hosts,
			.nhosts = what->nhosts,
			.ranks = what->ranks,
			.matrix = what->matrix,
			.npairs = what->npairs,
			.random = draw,
			.evaluate = evaluate,
		},
		.topology = placer->topology,
		.what = what,
	};
	random_init(&work->random, placer->seed, "placement", what->job ? what->job->id : 0);
	if ((!sorted || sort_matrix(work) == 0) && find_slots(work) == 0 &&
	    (!placer->policy.object || show_loads(work) == 0))
		return 0;
	work_release(work);
	errno = ENOMEM;
	return -1;
}

/* --- evaluation --- */

static int prepare_loads(struct placement_work *work)
{
	uint32_t links = work->topology->net.links;

	if (work->loads.link)
		return 0;
	if (loads_init(&work->loads, links) < 0)
		return -1;
	if (work->what->loads && links)
		memcpy(work->loads.link, work->what->loads->link,
		       links * sizeof(*work->loads.link));
	return 0;
}

static double load_of(const struct placement_work *work, uint32_t link)
{
	return load_double(work->loads.link[link].bytes) / work->topology->net.link[link].capacity;
}

/* Of the links that the paths use; takes the paths off. */
static double finish_paths(struct placement_work *work, const struct netemu_pair *pairs,
			   size_t npairs, const struct routed *routed)
{
	double most = 0;

	for (size_t i = 0; i < routed->start[npairs]; i++) {
		uint32_t link = routed->path[i];

		if (topology_is_isl(work->topology, link) && load_of(work, link) > most)
			most = load_of(work, link);
	}
	for (size_t i = 0; i < npairs; i++) {
		for (size_t k = routed->start[i]; k < routed->start[i + 1]; k++) {
			struct load *load = &work->loads.link[routed->path[k]];

			load->bytes -= load_whole(pairs[i].bytes);
			load->flows -= load_whole(pairs[i].flows);
		}
	}
	return most;
}

/* The same where the routing gives no paths: of all links that have changed. */
static double finish_links(struct placement_work *work)
{
	const struct loads *before = work->what->loads;
	double most = 0;

	for (uint32_t l = 0; l < work->loads.count; l++) {
		struct load old = before ? before->link[l] : (struct load){ 0 };

		if (work->loads.link[l].flows == old.flows)
			continue;
		if (topology_is_isl(work->topology, l) && load_of(work, l) > most)
			most = load_of(work, l);
		work->loads.link[l] = old;
	}
	return most;
}

static double route_pairs(struct placement_work *work, const uint32_t *placement,
			  const struct netemu_pair *pairs, size_t npairs)
{
	struct router *router = work->what->router;
	struct routed routed = { .want_paths = router->ops->form != ROUTER_SPLIT &&
					       !router->settings.pfsim };
	struct netemu_route route = {
		.job = work->what->job ? work->what->job->id : 0,
		.pairs = pairs,
		.npairs = npairs,
		.placement = placement,
		.ranks = work->what->ranks,
		.matrix = work->what->matrix,
		.nmatrix = work->what->npairs,
	};
	double most = NAN;

	if (router_route(router, &route, &work->loads, &routed, NULL) == 0)
		most = routed.path ? finish_paths(work, pairs, npairs, &routed)
				   : finish_links(work);
	routed_release(&routed);
	router_forget(router, route.job);
	return most;
}

double work_evaluate(struct placement_work *work, const uint32_t *placement)
{
	const struct placing *what = work->what;
	struct netemu_pair *pairs = NULL;
	ssize_t npairs;
	double most;

	if (!what->router || !what->npairs)
		return 0;
	if (prepare_loads(work) < 0)
		return NAN;
	npairs = traffic_fold(what->matrix, what->npairs, placement, work->topology->net.hosts,
			      &pairs);
	if (npairs < 0)
		return NAN;
	most = npairs ? route_pairs(work, placement, pairs, (size_t)npairs) : 0;
	free(pairs);
	return most;
}

double placer_evaluate(struct placer *placer, const struct placing *placing,
		       const uint32_t *placement)
{
	struct placement_work work;
	double most;

	if (work_init(&work, placer, placing, false) < 0)
		return NAN;
	most = work_evaluate(&work, placement);
	work_release(&work);
	return most;
}

double placer_bound(struct placer *placer, const struct placing *placing)
{
	struct placement_work work;
	double bound;

	if (work_init(&work, placer, placing, true) < 0)
		return NAN;
	bound = work_bound(&work);
	work_release(&work);
	return bound;
}

/* --- placing --- */

/* Is every rank on a host of the job, and no host has too many? */
static int check(const struct placer *placer, const struct netemu_place *place,
		 const uint32_t *placement, struct err *err)
{
	const struct netemu_net *net = place->net;
	uint32_t *left = calloc(net->hosts, sizeof(*left));
	uint32_t rank = 0;

	if (!left)
		return err_errno(err, "unable to check a placement");
	for (uint32_t i = 0; i < place->nhosts; i++)
		left[place->hosts[i]] += place->slots[i];
	while (rank < place->ranks && placement[rank] < net->hosts && left[placement[rank]]) {
		left[placement[rank]]--;
		rank++;
	}
	free(left);
	if (rank == place->ranks)
		return 0;
	if (placement[rank] >= net->hosts)
		return err_set(err, "placement '%s': rank %u got host %u of %u",
			       placer_name(placer), rank, placement[rank], net->hosts);
	return err_set(err, "placement '%s': rank %u got host '%s', which has no slot for it",
		       placer_name(placer), rank, net->name[net->host_node[placement[rank]]]);
}

static int check_room(const struct netemu_place *place, struct err *err)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < place->nhosts; i++)
		slots += place->slots[i];
	if (slots < place->ranks)
		return err_set(err, "job %" PRIu64 ": %u ranks on %u hosts with %" PRIu64 " slots",
			       place->job ? place->job->id : 0, place->ranks, place->nhosts, slots);
	return 0;
}

int placer_place(struct placer *placer, const struct placing *placing, uint32_t *placement,
		 struct err *err)
{
	struct placement_work work;
	int rc;

	if (work_init(&work, placer, placing, reads_matrix(placer)) < 0)
		return err_errno(err, "placement '%s'", placer_name(placer));
	rc = check_room(&work.place, err);
	if (rc == 0) {
		memset(placement, 0xff, placing->ranks * sizeof(*placement));
		rc = placer->policy.what->placement.place(placer->state, &work.place, placement);
		if (rc != 0)
			rc = err_set(err, "placement '%s' failed for job %" PRIu64,
				     placer_name(placer), placing->job ? placing->job->id : 0);
		else
			rc = check(placer, &work.place, placement, err);
	}
	work_release(&work);
	return rc;
}
