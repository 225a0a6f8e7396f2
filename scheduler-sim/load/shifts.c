/* SPDX-License-Identifier: Apache-2.0 */
#include "shifts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct state {
	struct router *router;
	const struct topology *topology;
	const struct pattern *pattern;
	bool host_links;
	struct loads loads;
};

static void take(const struct state *state, struct shift *shift, uint32_t link)
{
	struct load *load = &state->loads.link[link];

	if (state->host_links || topology_is_isl(state->topology, link)) {
		if (load->bytes > shift->bytes)
			shift->bytes = load->bytes;
		if (load->flows > shift->flows)
			shift->flows = load->flows;
	}
}

/* Of the links that were used, or of all; then the loads are 0 again. */
static void take_most(struct state *state, struct shift *shift, const struct routed *routed)
{
	size_t used = routed->path ? routed->start[routed->pairs + routed->unroutable] : 0;

	for (size_t i = 0; i < used; i++)
		take(state, shift, routed->path[i]);
	for (size_t i = 0; i < used; i++)
		memset(&state->loads.link[routed->path[i]], 0, sizeof(*state->loads.link));
	if (routed->path)
		return;
	for (uint32_t link = 0; link < state->loads.count; link++)
		take(state, shift, link);
	loads_clear(&state->loads);
}

static void add_routed(struct routed *sum, const struct routed *routed)
{
	if (!sum->unroutable && routed->unroutable) {
		sum->from = routed->from;
		sum->to = routed->to;
	}
	sum->unroutable += routed->unroutable;
	sum->pairs += routed->pairs;
	for (int i = 0; i < ROUTED_HOPS; i++)
		sum->hops[i] += routed->hops[i];
}

static int run_one(struct state *state, struct shifts *shifts, uint32_t s, struct err *err)
{
	struct shift *shift = &shifts->shift[s - 1];
	struct routed routed = { .want_paths = true };
	struct netemu_route route = { .job = s };
	struct netemu_pair *pairs = NULL;
	ssize_t count = pattern_shift(state->pattern, s, state->topology->net.hosts, &pairs);
	int rc;

	if (count < 0)
		return err_errno(err, "shift by %u", s);
	route.pairs = pairs;
	route.npairs = (size_t)count;
	rc = router_route(state->router, &route, &state->loads, &routed, err);
	if (rc == 0) {
		take_most(state, shift, &routed);
		add_routed(&shifts->routed, &routed);
		shift->unroutable = routed.unroutable;
		router_forget(state->router, s);
	}
	routed_release(&routed);
	free(pairs);
	return rc;
}

int shifts_run(struct shifts *shifts, const struct pattern *pattern, struct router *router,
	       const struct topology *topology, bool host_links, shifts_progress_fn *progress,
	       struct err *err)
{
	struct state state = { router, topology, pattern, host_links, { .count = 0 } };
	int rc = 0;

	memset(shifts, 0, sizeof(*shifts));
	shifts->count = pattern->ranks ? pattern->ranks - 1 : 0;
	shifts->shift = calloc(shifts->count + (size_t)1, sizeof(*shifts->shift));
	if (!shifts->shift || loads_init(&state.loads, topology->net.links) < 0) {
		shifts_release(shifts);
		errno = ENOMEM;
		return err_errno(err, "shifts of %u ranks", pattern->ranks);
	}
	for (uint32_t s = 1; rc == 0 && s <= shifts->count; s++) {
		rc = run_one(&state, shifts, s, err);
		if (progress)
			progress(s, shifts->count);
	}
	loads_release(&state.loads);
	if (rc < 0)
		shifts_release(shifts);
	return rc;
}

void shifts_release(struct shifts *shifts)
{
	free(shifts->shift);
	routed_release(&shifts->routed);
	memset(shifts, 0, sizeof(*shifts));
}
