/* SPDX-License-Identifier: Apache-2.0 */
/* leveled.h - D-mod-K: up by the destination's number, then down
 *
 * The rule of Zahavi (D-Mod-K routing providing non-blocking traffic for shift
 * permutations on real life fat trees, CCIT report 776, 2010) for any network
 * whose nodes have levels, generated or read:
 *
 * - The level of a node is its distance from the nearest host.  A link between
 *   levels l and l + 1 goes up or down; links within a level are not used.
 * - The parents of a node are the nodes it has cables up to, in the order of
 *   nodes.  Its cables up are numbered: the first to each parent, then the
 *   second to each, and so on.  With w parents and p cables to each, cable
 *   number q leads to parent q mod w and is the (q / w)-th to it.
 * - W(l) is the product of w(0) .. w(l - 1), where w(i) is the number of
 *   parents that most nodes of level i have (the larger of equally frequent ones).
 * - To host d, counted from 0 in the order of hosts, a node of level l with u
 *   cables up takes number floor(d / W(l)) mod u, unless d is below it.  A cable
 *   counts only when its parent has a way up and then down to d.
 * - Down to d goes a node to its child with d below it.  Of several children
 *   (no tree has them) number floor(d / W(l - 1)) mod their count, in the order
 *   in which a search up from d meets them.  Of several cables to the child it
 *   takes the one that the child would take up: with q its number above, of all
 *   its cables up, the (q / w mod their count)-th, for its w parents.
 *
 * A host to which no way goes up and then down is not reached, even when other
 * paths exist.  S-mod-K is the same for the source, all links turned around:
 * the path from s to d is that of D-mod-K from d to s, backwards.
 */
#ifndef NETEMU_LEVELED_H
#define NETEMU_LEVELED_H

#include "fabric.h"

struct leveled;

/* TURNED: for S-mod-K.  BY_LEAF: hosts are counted leaf by leaf, and the leaves of a
 * subtree together (its first node says when it is its turn), instead of in the
 * order of hosts; not in networks of more than RANGES_LEVELS levels.  Returns NULL
 * with errno ENOMEM.
 */
struct leveled *leveled_create(const struct netemu_net *net, bool turned, bool by_leaf);
void leveled_destroy(struct leveled *leveled);

/* Are all ways up as good as each other?  True when a node's hosts are those of
 * its children, these share none, and the nodes on top have all hosts; then
 * leveled_walk() may be used.
 */
bool leveled_is_regular(const struct leveled *leveled);

/* The links from one host to another into LINKS.  Returns how many. */
uint32_t leveled_walk(const struct leveled *leveled, uint32_t from, uint32_t to, uint32_t *links);

/* What PAIRS of hosts that differ send onto LOADS, by D-mod-K or turned around by
 * S-mod-K, statistics into ROUTED.  For regular networks.
 */
void leveled_add_pairs(const struct leveled *leveled, const struct netemu_pair *pairs,
		       size_t npairs, struct loads *loads, struct routed *routed);

/* All-to-all TRAFFIC onto LOADS, statistics into ROUTED.  Returns 1; 0 when the network is not
 * regular enough, nothing done; or -1 with ERR written.
 */
int leveled_all_to_all(struct leveled *leveled, const struct all_to_all *traffic,
		       struct loads *loads, struct routed *routed, struct err *err);

/* Destinations by link into COUNT [links], see router_destinations().  Returns as
 * leveled_all_to_all(); with 0 COUNT may have changed.
 */
int leveled_destinations(struct leveled *leveled, uint32_t *count, struct err *err);

/* The link out of each node towards HOST, but hosts with one cable, into NEXT
 * [nodes].
 */
void leveled_column(struct leveled *leveled, uint32_t host, uint32_t *next);

#endif
