/* SPDX-License-Identifier: Apache-2.0 */
/* routelib.h - what the tests of routing share
 *
 * All functions fail the running test with the reason when something is wrong.
 */
#ifndef NETEMU_ROUTELIB_H
#define NETEMU_ROUTELIB_H

#include "random.h"
#include "route/router.h"

/* A count of links by load. */
struct tally {
	uint64_t value, count;
};

#define ANY_BOUNDARY UINT32_MAX /* all switch-to-switch links */

enum direction { UP, DOWN, BOTH };

void net_open(struct topology *topology, const char *spec);
struct router *net_router(const struct topology *topology, const char *name);

/* Add all-to-all traffic of one flow of BYTES for each pair to LOADS. */
void load_all(struct router *router, uint64_t bytes, struct loads *loads, struct routed *routed);

/* The same from a list of all pairs. */
void load_pairs(struct router *router, uint64_t bytes, struct loads *loads, struct routed *routed,
		uint32_t hosts);

/* The largest flow count on any link when host i sends to TO[i] (itself: nothing). */
uint64_t permutation_max(struct router *router, const struct topology *topology,
			 const uint32_t *to);

/* How many links of BOUNDARY and DIRECTION have which number of flows (which
 * must be whole): exactly EXPECTED [count], ascending.
 */
void check_tally(const struct topology *topology, const struct loads *loads, uint32_t boundary,
		 enum direction direction, const struct tally *expected, size_t count);
#define CHECK_TALLY(topology, loads, boundary, direction, ...)                             \
	check_tally(topology, loads, boundary, direction, (struct tally[]){ __VA_ARGS__ }, \
		    sizeof((struct tally[]){ __VA_ARGS__ }) / sizeof(struct tally))

/* How many of the shifts by 1 .. hosts - 1 have which largest flow count. */
void check_shifts(struct router *router, const struct topology *topology,
		  const struct tally *expected, size_t count);
#define CHECK_SHIFTS(router, topology, ...)                             \
	check_shifts(router, topology, (struct tally[]){ __VA_ARGS__ }, \
		     sizeof((struct tally[]){ __VA_ARGS__ }) / sizeof(struct tally))

/* Flows on all switch-to-switch links. */
uint64_t isl_sum(const struct topology *topology, const struct loads *loads);

/* --- networks --- */

void net_cable(struct topology *topology, uint32_t a, uint32_t b);

/* Switches and hosts in mixed order, hosts with one cable or more, any number of
 * cables between switches, maybe in several parts.
 */
void net_random(struct topology *topology, struct random *random);

/* SPEC with its nodes in another order, each cable's ends as well. */
void net_shuffled(struct topology *topology, const char *spec, struct random *random);

/* Such a one, or a generated one with its nodes in another order (each third ROUND). */
void net_any(struct topology *topology, struct random *random, int round);

/* A random one with ports for all links, LID n + 1 for node n, and empty tables
 * for the switches.
 */
void net_with_tables(struct topology *topology, struct random *random);

void check_same(const struct loads *a, const struct loads *b);

#endif
