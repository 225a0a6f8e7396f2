/* SPDX-License-Identifier: Apache-2.0 */
#include "heaviest.h"

#include <stdlib.h>

static int compare(const void *a, const void *b, void *pairs)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct netemu_pair *pair = pairs;

	if (pair[x].bytes != pair[y].bytes)
		return pair[x].bytes > pair[y].bytes ? -1 : 1;
	return (x > y) - (x < y);
}

size_t *heaviest_first(const struct netemu_pair *pairs, size_t npairs)
{
	size_t *order = malloc((npairs + 1) * sizeof(*order));

	for (size_t i = 0; order && i < npairs; i++)
		order[i] = i;
	if (order)
		qsort_r(order, npairs, sizeof(*order), compare, (void *)pairs);
	return order;
}
