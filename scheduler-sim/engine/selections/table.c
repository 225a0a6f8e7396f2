/* SPDX-License-Identifier: Apache-2.0 */
#include "selections.h"

static const struct netemu_policy *const table[] = {
	&selection_linear,
	&selection_random,
	&selection_compact,
	&selection_explicit,
};

const struct netemu_policy *const *selections(size_t *count)
{
	*count = sizeof(table) / sizeof(*table);
	return table;
}
