/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include "place/place.h"
#include "recorded.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What traffic_pattern() knows; anything else is a file or a run. */
static const char *const names[] = {
	"ring", "shift", "nn2d", "nn3d", "tree", "permutation", "random", "none",
};

static bool is_name(const char *text)
{
	size_t length = strcspn(text, ":");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(names[i], text, length) == 0 && !names[i][length])
			return true;
	return false;
}

static int no_memory(const struct pattern_settings *settings, struct err *err)
{
	errno = ENOMEM;
	return err_errno(err, "pattern '%s'", settings->text);
}

/* As many ranks as the hosts take with ranks_per_host on each. */
static int count_ranks(struct pattern *pattern, const struct pattern_settings *settings,
		       const struct topology *topology, struct err *err)
{
	uint64_t per_host = settings->ranks_per_host ? settings->ranks_per_host : 1;
	uint64_t ranks = per_host * topology->net.hosts, most;

	if (ranks >= NETEMU_NONE)
		return err_set(err, "%llu ranks on %u hosts are too many",
			       (unsigned long long)ranks, topology->net.hosts);
	if (__builtin_mul_overflow(settings->bytes, per_host * per_host, &most))
		return err_set(err, "%llu bytes for each pair of ranks are too many",
			       (unsigned long long)settings->bytes);
	pattern->ranks = (uint32_t)ranks;
	pattern->bytes = settings->bytes;
	return 0;
}

static uint32_t slots_of(const struct pattern_settings *settings, const struct topology *topology,
			 bool recorded, uint32_t host)
{
	if (settings->ranks_per_host)
		return settings->ranks_per_host;
	return recorded ? topology->net.slots[host] : 1;
}

/* The first hosts that hold all ranks: how many; their slots into SLOTS. */
static uint32_t first_hosts(const struct pattern *pattern, const struct pattern_settings *settings,
			    const struct topology *topology, bool recorded, uint32_t *hosts,
			    uint32_t *slots)
{
	uint64_t room = 0;
	uint32_t count = 0;

	while (count < topology->net.hosts && room < pattern->ranks) {
		hosts[count] = count;
		slots[count] = slots_of(settings, topology, recorded, count);
		room += slots[count++];
	}
	return room < pattern->ranks ? 0 : count;
}

static int place_on(struct pattern *pattern, const struct pattern_settings *settings,
		    const struct topology *topology, const struct placing *placing, struct err *err)
{
	const struct placer_settings how = { .seed = settings->seed };
	const char *name = settings->placement ? settings->placement : "block";
	struct placer *placer;
	int rc;

	if (placer_create(&placer, name, topology, &how, err) < 0)
		return -1;
	rc = placer_place(placer, placing, pattern->placement, err);
	if (rc == 0 && strcmp(placer_name(placer), "aware") == 0)
		pattern->bound = placer_bound(placer, placing);
	if (isnan(pattern->bound))
		rc = no_memory(settings, err);
	pattern->placed = name;
	placer_destroy(placer);
	return rc;
}

static int place(struct pattern *pattern, const struct pattern_settings *settings,
		 const struct topology *topology, struct router *router, bool recorded,
		 struct err *err)
{
	size_t room = topology->net.hosts + (size_t)1;
	uint32_t *hosts = malloc(room * sizeof(*hosts)), *slots = malloc(room * sizeof(*slots));
	const struct netemu_job job = { .ranks = pattern->ranks, .start = NETEMU_NEVER };
	struct placing placing = {
		.job = &job,
		.hosts = hosts,
		.slots = slots,
		.ranks = pattern->ranks,
		.matrix = pattern->traffic ? pattern->traffic->pairs : NULL,
		.npairs = pattern->traffic ? pattern->traffic->npairs : 0,
		.router = router,
	};
	int rc;

	pattern->placement = malloc((pattern->ranks + (size_t)1) * sizeof(*pattern->placement));
	if (!hosts || !slots || !pattern->placement) {
		rc = no_memory(settings, err);
	} else {
		placing.nhosts = first_hosts(pattern, settings, topology, recorded, hosts, slots);
		if (!placing.nhosts && pattern->ranks)
			rc = err_set(err,
				     "'%s' has %u ranks, more than the %u hosts of '%s' take (see "
				     "--ranks-per-host)",
				     settings->text, pattern->ranks, topology->net.hosts,
				     topology->source);
		else
			rc = place_on(pattern, settings, topology, &placing, err);
	}
	free(hosts);
	free(slots);
	return rc;
}

static int weigh(struct pattern *pattern, const struct topology *topology)
{
	pattern->weight = calloc(topology->net.hosts + (size_t)1, sizeof(*pattern->weight));
	if (!pattern->weight)
		return -1;
	for (uint32_t rank = 0; rank < pattern->ranks; rank++)
		pattern->weight[pattern->placement[rank]]++;
	return 0;
}

/* All ordered pairs of hosts with ranks, ascending. */
static int list_all(struct pattern *pattern, uint32_t hosts)
{
	pattern->pairs = malloc(((size_t)hosts * hosts + 1) * sizeof(*pattern->pairs));
	if (!pattern->pairs)
		return -1;
	for (uint32_t from = 0; from < hosts; from++)
		for (uint32_t to = 0; to < hosts; to++) {
			uint64_t flows = (uint64_t)pattern->weight[from] * pattern->weight[to];

			if (from != to && flows)
				pattern->pairs[pattern->npairs++] =
					(struct netemu_pair){ from, to, flows * pattern->bytes,
							      flows };
		}
	return 0;
}

static int open_all_to_all(struct pattern *pattern, const struct pattern_settings *settings,
			   const struct topology *topology, struct router *router, struct err *err)
{
	if (count_ranks(pattern, settings, topology, err) < 0 ||
	    place(pattern, settings, topology, router, false, err) < 0)
		return -1;
	if (weigh(pattern, topology) < 0 ||
	    (pattern->kind == PATTERN_ALL_TO_ALL &&
	     topology->net.hosts <= (settings->list ? PATTERN_MOST : PATTERN_LISTED) &&
	     list_all(pattern, topology->net.hosts) < 0))
		return no_memory(settings, err);
	return 0;
}

static int open_named(struct pattern *pattern, const struct pattern_settings *settings,
		      const struct topology *topology, struct router *router, struct err *err)
{
	if (count_ranks(pattern, settings, topology, err) < 0 ||
	    traffic_pattern(&pattern->traffic, settings->text, pattern->ranks, settings->bytes,
			    err) < 0)
		return -1;
	return place(pattern, settings, topology, router, false, err);
}

/* Where the run had its ranks, unless told otherwise. */
static int open_recorded(struct pattern *pattern, const struct pattern_settings *settings,
			 const struct topology *topology, struct router *router, struct err *err)
{
	bool given = settings->placement && strcmp(settings->placement, "given") == 0;
	struct recorded recorded;

	if (recorded_open(&recorded, settings->text, settings->from, given || !settings->placement,
			  topology, settings->map, err) < 0)
		return -1;
	pattern->traffic = recorded.traffic;
	pattern->placement = recorded.placement;
	pattern->warning = recorded.warning;
	pattern->ranks = pattern->traffic->ranks;
	pattern->placed = "given";
	if (pattern->placement)
		return 0;
	if (given)
		return err_set(err, "'%s': does not say on which hosts of '%s' its ranks were",
			       settings->text, topology->source);
	return place(pattern, settings, topology, router, true, err);
}

static int open_traffic(struct pattern *pattern, const struct pattern_settings *settings,
			const struct topology *topology, struct router *router, struct err *err)
{
	ssize_t npairs;

	if ((is_name(settings->text) ? open_named : open_recorded)(pattern, settings, topology,
								   router, err) < 0)
		return -1;
	npairs = traffic_fold(pattern->traffic->pairs, pattern->traffic->npairs, pattern->placement,
			      topology->net.hosts, &pattern->pairs);
	if (npairs < 0)
		return no_memory(settings, err);
	pattern->npairs = (size_t)npairs;
	return 0;
}

int pattern_open(struct pattern *pattern, const struct pattern_settings *settings,
		 const struct topology *topology, struct router *router, struct err *err)
{
	int rc;

	*pattern = (struct pattern){ .kind = PATTERN_PAIRS };
	if (strcmp(settings->text, "all-to-all") == 0)
		pattern->kind = PATTERN_ALL_TO_ALL;
	else if (strcmp(settings->text, "shift:all") == 0)
		pattern->kind = PATTERN_SHIFTS;
	rc = pattern->kind == PATTERN_PAIRS
		     ? open_traffic(pattern, settings, topology, router, err)
		     : open_all_to_all(pattern, settings, topology, router, err);
	if (rc < 0)
		pattern_release(pattern);
	return rc;
}

void pattern_release(struct pattern *pattern)
{
	traffic_drop(pattern->traffic);
	free(pattern->placement);
	free(pattern->weight);
	free(pattern->pairs);
	free(pattern->warning);
	memset(pattern, 0, sizeof(*pattern));
}

/* No two ranks on one host: pairs of ranks are pairs of hosts. */
static bool is_single(const struct pattern *pattern, uint32_t hosts)
{
	for (uint32_t host = 0; host < hosts; host++)
		if (pattern->weight[host] > 1)
			return false;
	return true;
}

ssize_t pattern_shift(const struct pattern *pattern, uint32_t s, uint32_t hosts,
		      struct netemu_pair **pairs)
{
	struct netemu_rank_pair *ranks;
	ssize_t count;

	if (is_single(pattern, hosts)) {
		*pairs = malloc((pattern->ranks + (size_t)1) * sizeof(**pairs));
		for (uint32_t rank = 0; *pairs && rank < pattern->ranks; rank++)
			(*pairs)[rank] = (struct netemu_pair){
				.from = pattern->placement[rank],
				.to = pattern->placement[(rank + (uint64_t)s) % pattern->ranks],
				.bytes = pattern->bytes,
				.flows = 1,
			};
		return *pairs ? (ssize_t)pattern->ranks : -1;
	}
	ranks = malloc((pattern->ranks + (size_t)1) * sizeof(*ranks));
	if (!ranks)
		return -1;
	for (uint32_t rank = 0; rank < pattern->ranks; rank++)
		ranks[rank] = (struct netemu_rank_pair){
			.from = rank,
			.to = (uint32_t)((rank + (uint64_t)s) % pattern->ranks),
			.bytes = pattern->bytes,
			.messages = 1,
		};
	count = traffic_fold(ranks, pattern->ranks, pattern->placement, hosts, pairs);
	free(ranks);
	return count;
}
