/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - traffic_fold() by sorting, for many pairs whose hosts alternate */
#ifndef NETEMU_JOBS_FOLD_H
#define NETEMU_JOBS_FOLD_H

#include "policy.h"

#include <sys/types.h>

#define FOLD_SORTED_MAX (UINT32_MAX - 1) /* pairs */

/* As traffic_fold(): the pairs are brought together by the host they come from,
 * added up host by host, and put back into the order of their first rank pair.
 * Takes 24 bytes for each pair, besides its result.
 */
ssize_t fold_sorted(const struct netemu_rank_pair *pairs, size_t npairs, const uint32_t *placement,
		    uint32_t hosts, struct netemu_pair **host_pairs);

#endif
