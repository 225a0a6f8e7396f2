/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "spread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void merge(struct spread_node *to, const struct spread_node *a, const struct spread_node *b)
{
	double distance = b->mean - a->mean, an = a->count, bn = b->count;
	double n = an + bn;

	to->count = a->count + b->count;
	to->max = fmax(a->max, b->max);
	to->other = fmax(a->other, b->other);
	to->mean = n > 0 ? a->mean + distance * bn / n : 0;
	to->m2 = n > 0 ? a->m2 + b->m2 + distance * distance * an * bn / n : 0;
}

int spread_init(struct spread *spread, uint32_t count)
{
	uint32_t width = 1;

	memset(spread, 0, sizeof(*spread));
	while (width < count)
		width *= 2;
	spread->node = calloc(2 * (size_t)width, sizeof(*spread->node));
	spread->list = calloc(width, sizeof(*spread->list));
	if (!spread->node || !spread->list) {
		spread_release(spread);
		errno = ENOMEM;
		return -1;
	}
	spread->width = width;
	spread->count = count;
	for (uint32_t i = 0; i < count; i++)
		spread->node[width + i].count = 1;
	for (uint32_t i = width - 1; i > 0; i--)
		merge(&spread->node[i], &spread->node[2 * i], &spread->node[2 * i + 1]);
	spread->turn = 1;
	return 0;
}

void spread_release(struct spread *spread)
{
	free(spread->node);
	free(spread->list);
	memset(spread, 0, sizeof(*spread));
}

static void list_once(struct spread *spread, uint32_t node)
{
	if (spread->node[node].turn == spread->turn)
		return;
	spread->node[node].turn = spread->turn;
	spread->list[spread->listed++] = node;
}

void spread_set(struct spread *spread, uint32_t index, double value, double other)
{
	struct spread_node *leaf = &spread->node[spread->width + index];

	leaf->max = leaf->mean = value;
	leaf->other = other;
	if (spread->width > 1)
		list_once(spread, (spread->width + index) / 2);
}

/* All that is listed has one level; its parents are the next list. */
void spread_update(struct spread *spread)
{
	while (spread->listed) {
		uint32_t listed = spread->listed;

		spread->listed = 0;
		for (uint32_t i = 0; i < listed; i++) {
			uint32_t node = spread->list[i];

			merge(&spread->node[node], &spread->node[2 * node],
			      &spread->node[2 * node + 1]);
			if (node > 1)
				list_once(spread, node / 2);
		}
	}
	spread->turn++;
}

double spread_max(const struct spread *spread)
{
	return spread->node[1].max;
}

double spread_other_max(const struct spread *spread)
{
	return spread->node[1].other;
}

double spread_mean(const struct spread *spread)
{
	return spread->node[1].mean;
}

double spread_deviation(const struct spread *spread)
{
	const struct spread_node *root = &spread->node[1];

	return root->count < 2 ? 0 : sqrt(root->m2 / (root->count - 1));
}
