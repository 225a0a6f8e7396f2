/* SPDX-License-Identifier: Apache-2.0 */
/* schedulers.h - which job starts when, see struct netemu_scheduling
 *
 * Each built-in one is a file of this folder and a line of the table.
 */
#ifndef NETEMU_SCHEDULERS_H
#define NETEMU_SCHEDULERS_H

#include "policy.h"

extern const struct netemu_policy scheduler_fcfs, scheduler_sjf, scheduler_easy,
	scheduler_easy_count, scheduler_conservative, scheduler_priority;

/* All of them; *COUNT is how many. */
const struct netemu_policy *const *schedulers(size_t *count);

#endif
