/* SPDX-License-Identifier: Apache-2.0 */
#include "linktable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named {
	const char *name;
	uint32_t node;
};

static int named_compare(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* Nodes in the order of their names, and the place of each in that order. */
static struct named *sorted_nodes(const struct netemu_net *net, uint32_t *place)
{
	struct named *named = malloc((net->nodes + (size_t)1) * sizeof(*named));

	if (!named)
		return NULL;
	for (uint32_t node = 0; node < net->nodes; node++)
		named[node] = (struct named){ net->name[node], node };
	qsort(named, net->nodes, sizeof(*named), named_compare);
	for (uint32_t i = 0; i < net->nodes; i++)
		place[named[i].node] = i;
	return named;
}

struct edge {
	uint32_t to, from_port, to_port, link; /* to: place in the order of names */
};

static int edge_compare(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->to != right->to)
		return left->to < right->to ? -1 : 1;
	if (left->from_port != right->from_port)
		return left->from_port < right->from_port ? -1 : 1;
	if (left->to_port != right->to_port)
		return left->to_port < right->to_port ? -1 : 1;
	return left->link < right->link ? -1 : left->link > right->link;
}

static void add_row(struct linktable *table, const struct netemu_net *net,
		    const struct loads *loads, uint32_t link)
{
	table->row[table->count++] = (struct linkrow){
		.src = net->name[net->link[link].from],
		.dst = net->name[net->link[link].to],
		.src_port = net->link[link].from_port,
		.dst_port = net->link[link].to_port,
		.link = link,
		.capacity = net->link[link].capacity,
		.bytes = loads->link[link].bytes,
		.flows = loads->link[link].flows,
	};
}

static int add_rows(struct linktable *table, const struct netemu_net *net,
		    const struct loads *loads, const struct named *named, const uint32_t *place)
{
	struct edge *edges;
	uint32_t most = 0;

	for (uint32_t node = 0; node < net->nodes; node++)
		if (net->first[node + 1] - net->first[node] > most)
			most = net->first[node + 1] - net->first[node];
	edges = malloc((most + (size_t)1) * sizeof(*edges));
	if (!edges)
		return -1;
	for (uint32_t i = 0; i < net->nodes; i++) {
		uint32_t first = net->first[named[i].node];
		uint32_t count = net->first[named[i].node + 1] - first;

		for (uint32_t k = 0; k < count; k++) {
			const struct netemu_link *link = &net->link[first + k];

			edges[k] = (struct edge){ place[link->to], link->from_port, link->to_port,
						  first + k };
		}
		qsort(edges, count, sizeof(*edges), edge_compare);
		for (uint32_t k = 0; k < count; k++)
			add_row(table, net, loads, edges[k].link);
	}
	free(edges);
	return 0;
}

int linktable_make(struct linktable *table, const struct topology *topology,
		   const struct loads *loads)
{
	const struct netemu_net *net = &topology->net;
	uint32_t *place = malloc((net->nodes + (size_t)1) * sizeof(*place));
	struct named *named = place ? sorted_nodes(net, place) : NULL;
	int rc = -1;

	memset(table, 0, sizeof(*table));
	table->row = malloc((net->links + (size_t)1) * sizeof(*table->row));
	table->room = net->links;
	for (int column = LINK_SRC; column <= LINK_DST_PORT; column++)
		table->has[column] = true;
	if (named && table->row)
		rc = add_rows(table, net, loads, named, place);
	free(named);
	free(place);
	if (rc < 0) {
		linktable_release(table);
		errno = ENOMEM;
	}
	return rc;
}

int linkrow_compare(const struct linkrow *a, const struct linkrow *b)
{
	int order = strcmp(a->src, b->src);

	if (!order)
		order = strcmp(a->dst, b->dst);
	if (!order)
		order = a->src_port < b->src_port ? -1 : a->src_port > b->src_port;
	if (!order)
		order = a->dst_port < b->dst_port ? -1 : a->dst_port > b->dst_port;
	return order;
}

static bool same_ends(const struct linkrow *a, const struct linkrow *b)
{
	return strcmp(a->src, b->src) == 0 && strcmp(a->dst, b->dst) == 0;
}

static bool has_ports(const struct linkrow *row)
{
	return row->src_port != NETEMU_NONE && row->dst_port != NETEMU_NONE;
}

/* Rows from FIRST on that join the same two nodes. */
static size_t bundle(const struct linktable *table, size_t first, bool *ports)
{
	size_t end = first;

	*ports = true;
	while (end < table->count && same_ends(&table->row[first], &table->row[end]))
		*ports = has_ports(&table->row[end++]) && *ports;
	return end - first;
}

static void add_match(struct linkmatches *matches, const struct linkrow *a, const struct linkrow *b)
{
	matches->match[matches->count++] = (struct linkmatch){ a, b };
	matches->only_a += !b;
	matches->only_b += !a;
}

/* The cables between two nodes, NA of them in A and NB in B. */
static void match_bundle(const struct linkrow *a, size_t na, const struct linkrow *b, size_t nb,
			 bool by_port, struct linkmatches *matches)
{
	size_t i = 0, k = 0;

	while (i < na && k < nb) {
		int order = by_port ? linkrow_compare(&a[i], &b[k]) : 0;

		add_match(matches, order <= 0 ? &a[i] : NULL, order >= 0 ? &b[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	while (i < na)
		add_match(matches, &a[i++], NULL);
	while (k < nb)
		add_match(matches, NULL, &b[k++]);
}

int linktable_match(const struct linktable *a, const struct linktable *b,
		    struct linkmatches *matches)
{
	size_t i = 0, k = 0;

	memset(matches, 0, sizeof(*matches));
	matches->match = malloc((a->count + b->count + 1) * sizeof(*matches->match));
	if (!matches->match)
		return -1;
	while (i < a->count || k < b->count) {
		bool a_ports = true, b_ports = true;
		size_t na = i < a->count ? bundle(a, i, &a_ports) : 0;
		size_t nb = k < b->count ? bundle(b, k, &b_ports) : 0;

		if (na && nb && !same_ends(&a->row[i], &b->row[k])) {
			int order = strcmp(a->row[i].src, b->row[k].src);

			if (!order)
				order = strcmp(a->row[i].dst, b->row[k].dst);
			*(order < 0 ? &nb : &na) = 0;
		}
		match_bundle(a->row + i, na, b->row + k, nb, a_ports && b_ports, matches);
		i += na;
		k += nb;
	}
	return 0;
}

char *linkrow_text(const struct linkrow *row, char *buf, size_t size)
{
	if (has_ports(row))
		snprintf(buf, size, "%s %u -> %s %u", row->src, row->src_port, row->dst,
			 row->dst_port);
	else
		snprintf(buf, size, "%s -> %s", row->src, row->dst);
	return buf;
}

void linktable_release(struct linktable *table)
{
	free(table->row);
	free(table->text);
	memset(table, 0, sizeof(*table));
}
