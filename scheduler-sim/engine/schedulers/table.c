/* SPDX-License-Identifier: Apache-2.0 */
#include "schedulers.h"

static const struct netemu_policy *const table[] = {
	&scheduler_fcfs,       &scheduler_sjf,          &scheduler_easy,
	&scheduler_easy_count, &scheduler_conservative, &scheduler_priority,
};

const struct netemu_policy *const *schedulers(size_t *count)
{
	*count = sizeof(table) / sizeof(*table);
	return table;
}
