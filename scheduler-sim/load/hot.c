/* SPDX-License-Identifier: Apache-2.0 */
#include "hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPLIT_WORK 300000000u /* links looked at for pairs of a routing that splits */

static int hot_compare(const void *a, const void *b)
{
	const struct hot_link *left = a, *right = b;

	if (left->congestion != right->congestion)
		return left->congestion > right->congestion ? -1 : 1;
	if (left->row->flows != right->row->flows)
		return left->row->flows > right->row->flows ? -1 : 1;
	return left->row < right->row ? -1 : left->row > right->row;
}

int hot_make(struct hot *hot, const struct linktable *table, const struct topology *topology,
	     bool host_links, size_t top)
{
	struct hot_link *all = malloc((table->count + 1) * sizeof(*all));
	size_t count = 0;

	memset(hot, 0, sizeof(*hot));
	if (!all)
		return -1;
	for (size_t i = 0; i < table->count; i++) {
		const struct linkrow *row = &table->row[i];

		if ((!row->bytes && !row->flows) ||
		    host_links == topology_is_isl(topology, row->link))
			continue;
		all[count++] = (struct hot_link){
			.row = row,
			.congestion = load_double(row->bytes) / row->capacity,
		};
	}
	qsort(all, count, sizeof(*all), hot_compare);
	hot->count = count < top ? count : top;
	hot->link = realloc(all, (hot->count + 1) * sizeof(*all));
	if (!hot->link)
		hot->link = all;
	return 0;
}

void hot_release(struct hot *hot)
{
	for (size_t i = 0; i < hot->count; i++)
		free(hot->link[i].op);
	free(hot->link);
	memset(hot, 0, sizeof(*hot));
}

/* More bytes, then more flows, then the smaller hosts. */
static bool is_before(const struct hot_pair *a, const struct hot_pair *b)
{
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes;
	if (a->flows != b->flows)
		return a->flows > b->flows;
	return a->from != b->from ? a->from < b->from : a->to < b->to;
}

/* PAIR goes over LINK. */
static void add_pair(struct hot_link *link, const struct hot_pair *pair)
{
	size_t at = link->listed;

	link->npairs++;
	if (at == HOT_PAIRS && !is_before(pair, &link->pair[--at]))
		return;
	while (at && is_before(pair, &link->pair[at - 1])) {
		link->pair[at] = link->pair[at - 1];
		at--;
	}
	link->pair[at] = *pair;
	if (link->listed < HOT_PAIRS)
		link->listed++;
}

/* For each link of the network: its place in HOT + 1, or 0. */
static uint32_t *places(const struct hot *hot, const struct topology *topology)
{
	uint32_t *place = calloc(topology->net.links + (size_t)1, sizeof(*place));

	for (size_t i = 0; place && i < hot->count; i++)
		place[hot->link[i].row->link] = (uint32_t)i + 1;
	return place;
}

/* --- with paths --- */

static void pairs_by_path(struct hot *hot, const struct hot_traffic *what, const uint32_t *place)
{
	const struct routed *routed = what->routed;

	for (size_t i = 0; i < what->npairs; i++)
		for (size_t k = routed->start[i]; k < routed->start[i + 1]; k++) {
			uint32_t at = place[routed->path[k]];
			const struct hot_pair pair = {
				.from = what->pairs[i].from,
				.to = what->pairs[i].to,
				.bytes = load_whole(what->pairs[i].bytes),
				.flows = load_whole(what->pairs[i].flows),
			};

			if (at)
				add_pair(&hot->link[at - 1], &pair);
		}
}

struct place_of_pair {
	uint32_t from, to;
	size_t pair;
};

static int pair_compare(const void *a, const void *b)
{
	const struct place_of_pair *left = a, *right = b;

	if (left->from != right->from)
		return left->from < right->from ? -1 : 1;
	return left->to < right->to ? -1 : left->to > right->to;
}

/* The pairs of WHAT in ascending order, to find one; to be freed. */
static struct place_of_pair *pair_index(const struct hot_traffic *what)
{
	struct place_of_pair *index = malloc((what->npairs + 1) * sizeof(*index));

	for (size_t i = 0; index && i < what->npairs; i++)
		index[i] = (struct place_of_pair){ what->pairs[i].from, what->pairs[i].to, i };
	if (index)
		qsort(index, what->npairs, sizeof(*index), pair_compare);
	return index;
}

static void op_by_path(struct hot *hot, const struct hot_traffic *what, const uint32_t *place,
		       const struct place_of_pair *index, const struct netemu_pair *pairs,
		       size_t npairs, size_t op)
{
	const struct routed *routed = what->routed;

	for (size_t i = 0; i < npairs; i++) {
		const struct place_of_pair key = { pairs[i].from, pairs[i].to, 0 };
		const struct place_of_pair *found =
			bsearch(&key, index, what->npairs, sizeof(*index), pair_compare);

		if (!found)
			continue;
		for (size_t k = routed->start[found->pair]; k < routed->start[found->pair + 1];
		     k++) {
			uint32_t at = place[routed->path[k]];

			if (!at)
				continue;
			hot->link[at - 1].op[op].bytes += load_whole(pairs[i].bytes);
			hot->link[at - 1].op[op].flows += load_whole(pairs[i].flows);
		}
	}
}

/* --- split flows: routed again, they do not depend on each other --- */

static int pairs_by_routing(struct hot *hot, const struct hot_traffic *what, struct loads *loads,
			    struct err *err)
{
	for (size_t i = 0; i < what->npairs; i++) {
		struct netemu_route route = { .pairs = &what->pairs[i], .npairs = 1 };

		loads_clear(loads);
		if (router_route(what->router, &route, loads, NULL, err) < 0)
			return -1;
		for (size_t k = 0; k < hot->count; k++) {
			const struct load *load = &loads->link[hot->link[k].row->link];
			const struct hot_pair pair = { what->pairs[i].from, what->pairs[i].to,
						       load->bytes, load->flows };

			if (load->flows)
				add_pair(&hot->link[k], &pair);
		}
	}
	return 0;
}

static int op_by_routing(struct hot *hot, const struct hot_traffic *what, struct loads *loads,
			 const struct netemu_pair *pairs, size_t npairs, size_t op, struct err *err)
{
	struct netemu_route route = { .pairs = pairs, .npairs = npairs };

	loads_clear(loads);
	if (router_route(what->router, &route, loads, NULL, err) < 0)
		return -1;
	for (size_t k = 0; k < hot->count; k++) {
		const struct load *load = &loads->link[hot->link[k].row->link];

		hot->link[k].op[op].bytes = load->bytes;
		hot->link[k].op[op].flows = load->flows;
	}
	return 0;
}

/* --- both --- */

static int make_ops(struct hot *hot, const struct traffic *traffic)
{
	for (size_t i = 0; i < hot->count; i++) {
		struct hot_link *link = &hot->link[i];

		link->op = calloc(traffic->nops + 1, sizeof(*link->op));
		if (!link->op)
			return -1;
		link->nops = traffic->nops;
		for (size_t k = 0; k < traffic->nops; k++)
			link->op[k].name = traffic->ops[k].name;
	}
	return 0;
}

static int op_compare(const void *a, const void *b)
{
	const struct hot_op *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	if (left->flows != right->flows)
		return left->flows > right->flows ? -1 : 1;
	return strcmp(left->name, right->name);
}

/* Most bytes first, those without traffic here left out. */
static void sort_ops(struct hot *hot)
{
	for (size_t i = 0; i < hot->count; i++) {
		struct hot_link *link = &hot->link[i];

		if (link->nops)
			qsort(link->op, link->nops, sizeof(*link->op), op_compare);
		while (link->nops && !link->op[link->nops - 1].flows)
			link->nops--;
	}
}

static int explain_ops(struct hot *hot, const struct hot_traffic *what, const uint32_t *place,
		       struct loads *loads, struct err *err)
{
	struct place_of_pair *index = pair_index(what);
	int rc = index && make_ops(hot, what->traffic) == 0 ? 0 : -1;

	if (rc < 0)
		err_errno(err, "unable to tell operations apart");
	for (size_t op = 0; rc == 0 && op < what->traffic->nops; op++) {
		const struct traffic_part *part = &what->traffic->ops[op];
		struct netemu_pair *pairs = NULL;
		ssize_t npairs = traffic_fold(part->pairs, part->npairs, what->placement,
					      what->topology->net.hosts, &pairs);

		if (npairs < 0)
			rc = err_errno(err, "unable to tell operations apart");
		else if (what->routed)
			op_by_path(hot, what, place, index, pairs, (size_t)npairs, op);
		else
			rc = op_by_routing(hot, what, loads, pairs, (size_t)npairs, op, err);
		free(pairs);
	}
	sort_ops(hot);
	free(index);
	return rc;
}

static int explain_pairs(struct hot *hot, const struct hot_traffic *what, const uint32_t *place,
			 struct loads *loads, struct err *err)
{
	if (!what->routed && what->npairs * (uint64_t)loads->count > SPLIT_WORK)
		return 0;
	for (size_t i = 0; i < hot->count; i++)
		hot->link[i].has_pairs = true;
	if (!what->routed)
		return pairs_by_routing(hot, what, loads, err);
	pairs_by_path(hot, what, place);
	return 0;
}

int hot_explain(struct hot *hot, const struct hot_traffic *what, struct err *err)
{
	uint32_t *place = places(hot, what->topology);
	struct loads loads = { .count = 0 };
	int rc = -1;

	if (!place || loads_init(&loads, what->topology->net.links) < 0)
		err_errno(err, "unable to list the pairs of hot links");
	else if (explain_pairs(hot, what, place, &loads, err) == 0)
		rc = what->traffic && what->traffic->nops
			     ? explain_ops(hot, what, place, &loads, err)
			     : 0;
	loads_release(&loads);
	free(place);
	return rc;
}
