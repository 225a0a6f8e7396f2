/* SPDX-License-Identifier: Apache-2.0 */
/* pairwise.h - what routings have in common that treat each pair by itself
 *
 * A path is a function of its two hosts, and draws from a stream of its own:
 * it is the same whatever else is routed, before it or in another job.
 */
#ifndef NETEMU_PAIRWISE_H
#define NETEMU_PAIRWISE_H

#include "forms.h"

/* The path from host FROM to host TO into LINKS [nodes].  Returns its length,
 * or NETEMU_NONE when there is none.  Pairs come ordered by destination.
 */
typedef uint32_t pairwise_fn(struct router *router, uint32_t from, uint32_t to, uint32_t *links);

/* The stream of a pair. */
void pairwise_random(const struct router *router, uint32_t from, uint32_t to,
		     struct random *random);

/* What struct router_ops wants under these names, less PATH. */
int pairwise_route(struct routing *routing, pairwise_fn *path, struct err *err);
int pairwise_all_to_all(struct router *router, pairwise_fn *path, const struct all_to_all *traffic,
			struct loads *loads, struct routed *routed, struct err *err);

#endif
