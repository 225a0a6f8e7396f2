/* SPDX-License-Identifier: Apache-2.0 */
#include "result.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A capacity of 1 as LINK_RATE; not where the topology says what it means. */
static int set_rate(struct topology *topology, double link_rate, struct err *err)
{
	struct netemu_link *links = (struct netemu_link *)topology->net.link;

	if (!(link_rate > 0))
		return 0;
	if (topology->unit != TOPOLOGY_UNIT_NONE)
		return err_set(err,
			       "--link-rate: the capacities of '%s' have a unit (@rate= sets them)",
			       topology->source);
	for (uint32_t link = 0; link < topology->net.links; link++)
		links[link].capacity *= link_rate;
	topology->unit = TOPOLOGY_UNIT_BYTE;
	return 0;
}

/* PFSim counts on no link of a host. */
static void drop_host_links(struct result *result)
{
	for (uint32_t link = 0; link < result->loads.count; link++)
		if (!topology_is_isl(&result->topology, link))
			memset(&result->loads.link[link], 0, sizeof(*result->loads.link));
}

/* All pairs of a small pattern at once, those of a large one by their tree. */
static bool is_listed(const struct result *result)
{
	return result->pattern.kind == PATTERN_PAIRS ||
	       result->topology.net.hosts <= PATTERN_LISTED;
}

static int route_pairs(struct result *result, struct loads *loads, struct routed *routed,
		       struct err *err)
{
	const struct pattern *pattern = &result->pattern;
	const struct netemu_route route = {
		.pairs = pattern->pairs,
		.npairs = pattern->npairs,
		.placement = pattern->placement,
		.ranks = pattern->ranks,
		.matrix = pattern->traffic ? pattern->traffic->pairs : NULL,
		.nmatrix = pattern->traffic ? pattern->traffic->npairs : 0,
	};

	return router_route(result->router, &route, loads, routed, err);
}

static int route(struct result *result, struct err *err)
{
	const struct all_to_all all = { .weight = result->pattern.weight,
					.bytes = result->pattern.bytes };
	int rc;

	if (loads_init(&result->loads, result->topology.net.links) < 0)
		return err_errno(err, "loads of %u links", result->topology.net.links);
	result->routed.want_paths = result->settings->summarize && is_listed(result);
	if (is_listed(result))
		rc = route_pairs(result, &result->loads, &result->routed, err);
	else
		rc = router_all_to_all(result->router, &all, &result->loads, &result->routed, err);
	if (rc == 0 && result->settings->pfsim)
		drop_host_links(result);
	if (rc == 0 && linktable_make(&result->table, &result->topology, &result->loads) < 0)
		rc = err_errno(err, "table of %u links", result->topology.net.links);
	return rc;
}

/* The paths of an all-to-all pattern that was routed by its tree: once more pair
 * by pair.  Not where that comes to other loads, as with random routes.
 * Returns 1 when they are known (or there are none to be: flows are split), 0, or
 * -1 with ERR written.
 */
static int find_paths(struct result *result, struct routed *routed, struct err *err)
{
	struct loads loads;
	int rc;

	*routed = (struct routed){ .want_paths = true };
	if (loads_init(&loads, result->loads.count) < 0)
		return err_errno(err, "loads of %u links", result->loads.count);
	rc = route_pairs(result, &loads, routed, err) < 0 ? -1 : 1;
	for (uint32_t link = 0; rc > 0 && link < loads.count; link++)
		if (topology_is_isl(&result->topology, link) &&
		    (loads.link[link].bytes != result->loads.link[link].bytes ||
		     loads.link[link].flows != result->loads.link[link].flows))
			rc = 0;
	loads_release(&loads);
	return rc;
}

/* NUM-DLIDS, NULL when the routing has none. */
static uint32_t *destinations(const struct result *result)
{
	uint32_t *count = calloc(result->topology.net.links + (size_t)1, sizeof(*count));

	if (count && router_destinations(result->router, count, NULL) == 0)
		return count;
	free(count);
	return NULL;
}

static int explain(struct result *result, struct err *err)
{
	struct routed again = { .path = NULL };
	struct hot_traffic what = {
		.router = result->router,
		.topology = &result->topology,
		.pairs = result->pattern.pairs,
		.npairs = result->pattern.npairs,
		.routed = result->routed.path ? &result->routed : NULL,
		.traffic = result->pattern.traffic,
		.placement = result->pattern.placement,
	};
	int rc = 1;

	if (!is_listed(result)) {
		rc = find_paths(result, &again, err);
		what.routed = again.path ? &again : NULL;
	}
	if (rc > 0 && (hot_explain(&result->hot, &what, err) < 0 ||
		       hot_explain(&result->hot_hosts, &what, err) < 0))
		rc = -1;
	routed_release(&again);
	return rc < 0 ? -1 : 0;
}

static int find_hot(struct result *result, struct err *err)
{
	size_t top = result->settings->top;

	if (hot_make(&result->hot, &result->table, &result->topology, false, top) < 0 ||
	    hot_make(&result->hot_hosts, &result->table, &result->topology, true, top) < 0)
		return err_errno(err, "hot links");
	return result->pattern.pairs ? explain(result, err) : 0;
}

static int summarize(struct result *result, struct err *err)
{
	uint32_t *count = destinations(result);
	int rc = summary_make(&result->summary, &result->topology, &result->loads, count,
			      !result->settings->pfsim);

	free(count);
	if (rc < 0)
		return err_errno(err, "summary of %u links", result->topology.net.links);
	return find_hot(result, err);
}

static void show_progress(uint32_t done, uint32_t count)
{
	if (done % 16 == 0 || done == count)
		fprintf(stderr, "\rshift %u of %u%s", done, count, done == count ? "\r\033[K" : "");
}

static int run(struct result *result, struct err *err)
{
	const struct result_settings *settings = result->settings;

	if (result->pattern.kind != PATTERN_SHIFTS) {
		if (route(result, err) < 0)
			return -1;
		return settings->summarize ? summarize(result, err) : 0;
	}
	return shifts_run(&result->shifts, &result->pattern, result->router, &result->topology,
			  !settings->pfsim, settings->progress ? show_progress : NULL, err);
}

int result_make(struct result *result, const struct result_settings *settings, struct err *err)
{
	const struct router_settings router = {
		.seed = settings->pattern.seed,
		.pfsim = settings->pfsim,
	};

	memset(result, 0, sizeof(*result));
	result->settings = settings;
	if (topology_open(&result->topology, settings->topology, NULL, err) < 0)
		return -1;
	if (set_rate(&result->topology, settings->link_rate, err) == 0 &&
	    router_create(&result->router, settings->routing, &result->topology, &router, err) ==
		    0 &&
	    pattern_open(&result->pattern, &settings->pattern, &result->topology, result->router,
			 err) == 0 &&
	    run(result, err) == 0)
		return 0;
	result_release(result);
	return -1;
}

void result_release(struct result *result)
{
	hot_release(&result->hot);
	hot_release(&result->hot_hosts);
	summary_release(&result->summary);
	linktable_release(&result->table);
	shifts_release(&result->shifts);
	routed_release(&result->routed);
	loads_release(&result->loads);
	router_destroy(result->router);
	pattern_release(&result->pattern);
	topology_release(&result->topology);
	memset(result, 0, sizeof(*result));
}
