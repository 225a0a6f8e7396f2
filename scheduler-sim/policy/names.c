/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/names.h"

#include "engine/schedulers/schedulers.h"
#include "engine/selections/selections.h"
#include "place/place.h"
#include "route/router.h"

#include <string.h>

static const struct netemu_policy *const *table_of(enum netemu_policy_kind kind, size_t *count)
{
	switch (kind) {
	case NETEMU_SCHEDULING:
		return schedulers(count);
	case NETEMU_SELECTION:
		return selections(count);
	case NETEMU_PLACEMENT:
		*count = place_count;
		return place_table;
	case NETEMU_ROUTING:
		break;
	}
	*count = 0;
	return NULL;
}

const char *policy_own_name(enum netemu_policy_kind kind, const char *spec)
{
	const struct netemu_policy *const *table;
	size_t count;

	if (kind == NETEMU_ROUTING)
		return router_own_name(spec);
	table = table_of(kind, &count);
	for (size_t i = 0; i < count; i++)
		if (table[i]->alias && strcmp(table[i]->alias, spec) == 0)
			return table[i]->name;
	return spec;
}
