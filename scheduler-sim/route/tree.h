/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - bring traffic onto the links by the tree of routes to each host
 *
 * Where the next link depends on the node and the destination, the routes to
 * one destination are a tree: instead of walking path by path, what the hosts
 * of a switch send is added up on the way, so that all-to-all traffic costs one
 * step for each switch and destination.  Where it depends on the source (form
 * `from`) the same is done with all links turned around.
 *
 * The three functions are what `struct router_ops` wants under their names.
 */
#ifndef NETEMU_TREE_H
#define NETEMU_TREE_H

#include "forms.h"

int tree_route(struct routing *routing, struct err *err);
int tree_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		    struct routed *routed, struct err *err);
int tree_destinations(struct router *router, uint32_t *count, struct err *err);

/* Free router->tree, which the functions above make. */
void tree_release(struct router *router);

#endif
