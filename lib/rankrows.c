/* SPDX-License-Identifier: Apache-2.0 */
#include "rankrows.h"

#include <stdlib.h>
#include <string.h>

void *rankrows_grow(void *rows, size_t count, size_t size)
{
	if (count & (count - 1))
		return rows;
	return reallocarray(rows, count ? 2 * count : 1, size);
}

size_t rankrows_fold(const struct rankrows_ops *ops, void *rows, size_t count)
{
	char *kept = rows;

	if (!count)
		return 0;
	qsort(rows, count, ops->size, ops->compare);
	for (size_t i = 1; i < count; i++) {
		char *row = (char *)rows + i * ops->size;

		if (ops->compare(row, kept) == 0) {
			ops->add(kept, row);
			continue;
		}
		kept += ops->size;
		if (kept != row)
			memcpy(kept, row, ops->size);
	}
	return (size_t)(kept - (char *)rows) / ops->size + 1;
}

static int size_compare(const void *a, const void *b)
{
	const struct ranksize *left = a;
	const struct ranksize *right = b;

	if (left->log2 != right->log2)
		return left->log2 - right->log2;
	return (left->size > right->size) - (left->size < right->size);
}

static void size_add(void *to, const void *from)
{
	struct ranksize *sum = to;
	const struct ranksize *row = from;

	sum->tx_messages += row->tx_messages;
	sum->rx_messages += row->rx_messages;
}

static int timing_compare(const void *a, const void *b)
{
	const struct ranktiming *left = a;
	const struct ranktiming *right = b;

	return (left->peer > right->peer) - (left->peer < right->peer);
}

static void timing_add(void *to, const void *from)
{
	struct ranktiming *sum = to;
	const struct ranktiming *row = from;

	sum->sends += row->sends;
	sum->sum += row->sum;
	if (row->max > sum->max)
		sum->max = row->max;
}

static int rma_compare(const void *a, const void *b)
{
	const struct rankrmacall *left = a;
	const struct rankrmacall *right = b;

	if (left->call != right->call)
		return left->call - right->call;
	return (left->peer > right->peer) - (left->peer < right->peer);
}

static void rma_add(void *to, const void *from)
{
	struct rankrmacall *sum = to;
	const struct rankrmacall *row = from;

	sum->calls += row->calls;
	sum->bytes += row->bytes;
}

static int unseen_compare(const void *a, const void *b)
{
	const struct rankunseen_count *left = a;
	const struct rankunseen_count *right = b;

	return left->why != right->why ? left->why - right->why : left->op - right->op;
}

static void unseen_add(void *to, const void *from)
{
	struct rankunseen_count *sum = to;
	const struct rankunseen_count *row = from;

	sum->messages += row->messages;
	sum->bytes += row->bytes;
}

const struct rankrows_ops rankrows_sizes = { sizeof(struct ranksize), size_compare, size_add };
const struct rankrows_ops rankrows_timing = { sizeof(struct ranktiming), timing_compare,
					      timing_add };
const struct rankrows_ops rankrows_rma = { sizeof(struct rankrmacall), rma_compare, rma_add };
const struct rankrows_ops rankrows_unseen = { sizeof(struct rankunseen_count), unseen_compare,
					      unseen_add };
