/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include <errno.h>
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

/* One host after the other, each filled. */
static int place_block(struct pattern *pattern, const struct pattern_settings *settings,
		       const struct topology *topology, bool recorded, struct err *err)
{
	uint32_t rank = 0;

	for (uint32_t host = 0; host < topology->net.hosts; host++) {
		uint32_t slots = slots_of(settings, topology, recorded, host);

		for (uint32_t i = 0; i < slots && rank < pattern->ranks; i++)
			pattern->placement[rank++] = host;
	}
	if (rank == pattern->ranks)
		return 0;
	return err_set(err,
		       "'%s' has %u ranks, the %u hosts of '%s' take %u (see --ranks-per-host)",
		       settings->text, pattern->ranks, topology->net.hosts, topology->source, rank);
}

static int place(struct pattern *pattern, const struct pattern_settings *settings,
		 const struct topology *topology, bool recorded, struct err *err)
{
	pattern->placement = malloc((pattern->ranks + (size_t)1) * sizeof(*pattern->placement));
	if (!pattern->placement)
		return no_memory(settings, err);
	pattern->placed = "block";
	return place_block(pattern, settings, topology, recorded, err);
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
			   const struct topology *topology, struct err *err)
{
	if (count_ranks(pattern, settings, topology, err) < 0 ||
	    place(pattern, settings, topology, false, err) < 0)
		return -1;
	if (weigh(pattern, topology) < 0 ||
	    (pattern->kind == PATTERN_ALL_TO_ALL && topology->net.hosts <= PATTERN_LISTED &&
	     list_all(pattern, topology->net.hosts) < 0))
		return no_memory(settings, err);
	return 0;
}

static int open_traffic(struct pattern *pattern, const struct pattern_settings *settings,
			const struct topology *topology, struct err *err)
{
	bool recorded = !is_name(settings->text);
	ssize_t npairs;
	int rc;

	if (recorded) {
		rc = traffic_read(&pattern->traffic, settings->text, err);
	} else {
		rc = count_ranks(pattern, settings, topology, err);
		if (rc == 0)
			rc = traffic_pattern(&pattern->traffic, settings->text, pattern->ranks,
					     settings->bytes, err);
	}
	if (rc < 0)
		return -1;
	pattern->ranks = pattern->traffic->ranks;
	if (place(pattern, settings, topology, recorded, err) < 0)
		return -1;
	npairs = traffic_fold(pattern->traffic->pairs, pattern->traffic->npairs, pattern->placement,
			      topology->net.hosts, &pattern->pairs);
	if (npairs < 0)
		return no_memory(settings, err);
	pattern->npairs = (size_t)npairs;
	return 0;
}

int pattern_open(struct pattern *pattern, const struct pattern_settings *settings,
		 const struct topology *topology, struct err *err)
{
	int rc;

	*pattern = (struct pattern){ .kind = PATTERN_PAIRS };
	if (strcmp(settings->text, "all-to-all") == 0)
		pattern->kind = PATTERN_ALL_TO_ALL;
	else if (strcmp(settings->text, "shift:all") == 0)
		pattern->kind = PATTERN_SHIFTS;
	rc = pattern->kind == PATTERN_PAIRS ? open_traffic(pattern, settings, topology, err)
					    : open_all_to_all(pattern, settings, topology, err);
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
