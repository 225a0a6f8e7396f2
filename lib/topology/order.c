/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/order.h"

#include "topology/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t digits(const char *text)
{
	size_t n = 0;

	while (isdigit((unsigned char)text[n]))
		n++;
	return n;
}

/* The runs of digits at *A and *B, which move behind them. */
static int order_numbers(const char **a, const char **b)
{
	size_t na, nb;
	int rc;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	na = digits(*a);
	nb = digits(*b);
	rc = na != nb ? (na < nb ? -1 : 1) : memcmp(*a, *b, na);
	*a += na;
	*b += nb;
	return rc;
}

int order_names(const char *a, const char *b)
{
	const char *x = a, *y = b;

	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			int rc = order_numbers(&x, &y);

			if (rc)
				return rc;
		} else if (*x != *y) {
			break;
		} else {
			x++;
			y++;
		}
	}
	if (*x != *y)
		return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
	return strcmp(a, b);
}

struct entry {
	const struct topology_node *node;
	uint32_t index;
};

static int by_index(const struct entry *x, const struct entry *y)
{
	return x->index < y->index ? -1 : x->index > y->index;
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int rc = order_names(x->node->name, y->node->name);

	return rc ? rc : by_index(x, y);
}

static int by_lid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	/* 0, no LID, becomes the largest */
	if (x->node->lid - 1 != y->node->lid - 1)
		return x->node->lid - 1 < y->node->lid - 1 ? -1 : 1;
	return by_index(x, y);
}

int topology_sort(struct topology *topology, enum topology_order order, struct err *err)
{
	uint32_t nodes = topology->net.nodes;
	struct entry *entries;
	uint32_t *to;
	int rc;

	if (order == TOPOLOGY_AS_READ)
		return 0;
	if (topology->shape != TOPOLOGY_IRREGULAR)
		return err_set(err, "'%s': a generated network has an order of its own",
			       topology->source);
	free(topology->build->shape); /* of a file; it tells where each node is by its number */
	topology->build->shape = NULL;
	entries = calloc(nodes + 1, sizeof(*entries));
	to = calloc(nodes + 1, sizeof(*to));
	for (uint32_t i = 0; entries && i < nodes; i++)
		entries[i] = (struct entry){ &topology->nodes[i], i };
	if (entries)
		qsort(entries, nodes, sizeof(*entries),
		      order == TOPOLOGY_BY_NAME ? by_name : by_lid);
	for (uint32_t i = 0; entries && to && i < nodes; i++)
		to[entries[i].index] = i;
	rc = entries && to ? topology_renumber(topology, to) : -1;
	free(entries);
	free(to);
	if (rc == 0)
		return 0;
	errno = ENOMEM;
	return err_errno(err, "%s", topology->source);
}
