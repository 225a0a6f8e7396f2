/* SPDX-License-Identifier: Apache-2.0 */
/* selections.h - on which hosts a job runs, see struct netemu_selection
 *
 * Each built-in one is a file of this folder and a line of the table.
 */
#ifndef NETEMU_SELECTIONS_H
#define NETEMU_SELECTIONS_H

#include "policy.h"

extern const struct netemu_policy selection_linear, selection_random, selection_compact,
	selection_explicit;

/* All of them; *COUNT is how many. */
const struct netemu_policy *const *selections(size_t *count);

#endif
