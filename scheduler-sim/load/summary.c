/* SPDX-License-Identifier: Apache-2.0 */
#include "summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double percents[] = {
#define X(percent) percent,
	SUMMARY_PERCENTILES(X)
#undef X
};

static int double_compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static size_t exact_bins(const double *sorted, size_t count, struct summary_bin *bin)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (!used || bin[used - 1].low != sorted[i]) {
			if (used == SUMMARY_EXACT)
				return 0;
			bin[used++] = (struct summary_bin){ sorted[i], sorted[i], 0 };
		}
		bin[used - 1].links++;
	}
	return used;
}

static size_t wide_bins(const double *sorted, size_t count, struct summary_bin *bin)
{
	double low = sorted[0], width = (sorted[count - 1] - low) / SUMMARY_BINS;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		double at = floor((sorted[i] - low) / width);
		double start;

		if (at > SUMMARY_BINS - 1)
			at = SUMMARY_BINS - 1;
		start = low + at * width;
		if (!used || bin[used - 1].low != start)
			bin[used++] = (struct summary_bin){ start, start + width, 0 };
		bin[used - 1].links++;
	}
	bin[used - 1].high = sorted[count - 1];
	return used;
}

ssize_t summary_histogram(double *values, size_t count, struct summary_bin **bin)
{
	size_t used;

	*bin = calloc(SUMMARY_EXACT, sizeof(**bin));
	if (!*bin)
		return -1;
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), double_compare);
	used = exact_bins(values, count, *bin);
	return (ssize_t)(used ? used : wide_bins(values, count, *bin));
}

static const char *torus_direction(const struct topology *topology, uint32_t from, uint32_t to,
				   char buf[8])
{
	const uint32_t *a = topology->nodes[from].coord, *b = topology->nodes[to].coord;

	for (uint32_t dim = 0; dim < topology->ndims; dim++) {
		if (a[dim] == b[dim])
			continue;
		snprintf(buf, 8, "%c%u", (a[dim] + 1u) % topology->dim[dim] == b[dim] ? '+' : '-',
			 dim % 100);
		return buf;
	}
	return "across";
}

/* The group of LINK, but for its amounts. */
static struct summary_group group_of(const struct topology *topology, uint32_t link)
{
	const struct netemu_net *net = &topology->net;
	uint32_t from = net->link[link].from, to = net->link[link].to;
	struct summary_group group = { .links = 0 };
	const char *direction;
	char buf[8];
	bool up;

	group.boundary = topology_boundary(topology, link, &up);
	direction = up ? "up" : "down";
	if (net->level[from] == net->level[to]) {
		direction = "across";
		if (topology->shape == TOPOLOGY_TORUS || topology->shape == TOPOLOGY_MESH)
			direction = torus_direction(topology, from, to, buf);
		else if (topology->shape == TOPOLOGY_DRAGONFLY)
			direction = topology->nodes[from].coord[0] == topology->nodes[to].coord[0]
					    ? "local"
					    : "global";
	}
	snprintf(group.direction, sizeof(group.direction), "%s", direction);
	return group;
}

/* Up before down before the rest by name; dimensions with + before -. */
static int direction_order(const char *direction)
{
	return strcmp(direction, "up") == 0     ? 0
	       : strcmp(direction, "down") == 0 ? 1
	       : *direction == '+'              ? 2 + 2 * atoi(direction + 1)
	       : *direction == '-'              ? 3 + 2 * atoi(direction + 1)
	       : *direction == 'a'              ? 1000
	       : *direction == 'l'              ? 1001
						: 1002;
}

static int group_compare(const void *a, const void *b)
{
	const struct summary_group *left = a, *right = b;

	if (left->boundary != right->boundary)
		return left->boundary < right->boundary ? -1 : 1;
	return direction_order(left->direction) - direction_order(right->direction);
}

static struct summary_group *find_group(const struct summary *summary,
					const struct summary_group *like)
{
	for (size_t i = 0; i < summary->ngroups; i++)
		if (group_compare(&summary->group[i], like) == 0)
			return &summary->group[i];
	return NULL;
}

/* Make the groups and count the links of each. */
static int make_groups(struct summary *summary, const struct topology *topology, bool host_links)
{
	for (uint32_t link = 0; link < topology->net.links; link++) {
		struct summary_group like = group_of(topology, link), *group;

		if (topology_is_isl(topology, link))
			summary->switches.links++;
		else if (!host_links)
			continue;
		group = find_group(summary, &like);
		if (!group) {
			group = realloc(summary->group,
					(summary->ngroups + 1) * sizeof(*summary->group));
			if (!group)
				return -1;
			summary->group = group;
			group += summary->ngroups++;
			*group = like;
		}
		group->links++;
	}
	if (summary->ngroups)
		qsort(summary->group, summary->ngroups, sizeof(*summary->group), group_compare);
	return 0;
}

enum measure { BYTES, FLOWS, CONGESTION };

static double value_of(const struct load *load, double capacity, enum measure what)
{
	switch (what) {
	case BYTES:
		return load_double(load->bytes);
	case FLOWS:
		return load_double(load->flows);
	case CONGESTION:
		break;
	}
	return load_double(load->bytes) / capacity;
}

/* MEASURE over the links that are of GROUP, by INDEX; VALUES has room. */
static int measure(struct summary_measure *measure, const struct topology *topology,
		   const struct loads *loads, const uint16_t *index, size_t group,
		   enum measure what, double *values)
{
	size_t count = 0;
	ssize_t bins;

	stats_init(&measure->stats);
	for (uint32_t link = 0; link < topology->net.links; link++) {
		if (index[link] != group)
			continue;
		values[count] =
			value_of(&loads->link[link], topology->net.link[link].capacity, what);
		stats_add(&measure->stats, values[count++]);
		if (what != CONGESTION)
			measure->sum +=
				what == BYTES ? loads->link[link].bytes : loads->link[link].flows;
	}
	bins = summary_histogram(values, count, &measure->bin);
	if (bins < 0)
		return -1;
	measure->nbins = (size_t)bins;
	for (int i = 0; i < SUMMARY_NPERCENTILES; i++)
		measure->percentile[i] = stats_percentile(values, count, percents[i]);
	return 0;
}

static int measure_group(struct summary_group *group, const struct topology *topology,
			 const struct loads *loads, const uint16_t *index, size_t number,
			 double *values)
{
	struct summary_measure *measures[] = { &group->bytes, &group->flows, &group->congestion };

	for (int what = BYTES; what <= CONGESTION; what++)
		if (measure(measures[what], topology, loads, index, number, (enum measure)what,
			    values) < 0)
			return -1;
	return 0;
}

/* All groups, then the links between switches. */
static int measure_groups(struct summary *summary, const struct topology *topology,
			  const struct loads *loads, uint16_t *index, double *values)
{
	for (uint32_t link = 0; link < topology->net.links; link++) {
		struct summary_group like = group_of(topology, link);
		const struct summary_group *group = find_group(summary, &like);

		index[link] = group ? (uint16_t)(group - summary->group) : UINT16_MAX;
	}
	for (size_t i = 0; i < summary->ngroups; i++)
		if (measure_group(&summary->group[i], topology, loads, index, i, values) < 0)
			return -1;
	for (uint32_t link = 0; link < topology->net.links; link++)
		index[link] = topology_is_isl(topology, link);
	return measure_group(&summary->switches, topology, loads, index, true, values);
}

static int count_destinations(struct summary *summary, const struct topology *topology,
			      const uint32_t *destinations, double *values)
{
	size_t count = 0;
	ssize_t bins;

	for (uint32_t link = 0; link < topology->net.links; link++)
		if (topology_is_isl(topology, link))
			values[count++] = destinations[link];
	bins = summary_histogram(values, count, &summary->dlids);
	if (bins < 0)
		return -1;
	summary->ndlids = (size_t)bins;
	return 0;
}

int summary_make(struct summary *summary, const struct topology *topology,
		 const struct loads *loads, const uint32_t *destinations, bool host_links)
{
	uint16_t *index = calloc(topology->net.links + (size_t)1, sizeof(*index));
	double *values = malloc((topology->net.links + (size_t)1) * sizeof(*values));
	int rc = -1;

	memset(summary, 0, sizeof(*summary));
	if (index && values && make_groups(summary, topology, host_links) == 0 &&
	    measure_groups(summary, topology, loads, index, values) == 0 &&
	    (!destinations || count_destinations(summary, topology, destinations, values) == 0))
		rc = 0;
	free(index);
	free(values);
	if (rc < 0) {
		summary_release(summary);
		errno = ENOMEM;
	}
	return rc;
}

static void group_release(struct summary_group *group)
{
	free(group->bytes.bin);
	free(group->flows.bin);
	free(group->congestion.bin);
}

void summary_release(struct summary *summary)
{
	for (size_t i = 0; i < summary->ngroups; i++)
		group_release(&summary->group[i]);
	group_release(&summary->switches);
	free(summary->group);
	free(summary->dlids);
	memset(summary, 0, sizeof(*summary));
}
