/* SPDX-License-Identifier: Apache-2.0 */
/* forms.h - how a routing algorithm is written
 *
 * One `struct router_ops` for each, in a file of its own, listed in the table
 * of router.c.  An algorithm of form `to` or `from` gives a column and has
 * the functions of tree.h for the rest; of form pair, load or set it gives
 * route(), which hands over one path after the other.
 */
#ifndef NETEMU_FORMS_H
#define NETEMU_FORMS_H

#include "random.h"
#include "router.h"

enum router_form {
	ROUTER_TO,
	ROUTER_FROM,
	ROUTER_SPLIT,
	ROUTER_PAIR,
	ROUTER_LOAD,
	ROUTER_SET,
};

struct routing;

struct router_ops {
	const char *name;
	const char *alias; /* PFSim's dotted name, or NULL */
	const char *help;  /* one line */
	enum router_form form;
	bool pfsim; /* stands in for another one of its name with --compat=pfsim */

	/* OPTIONS is the text behind the name's ':' or NULL.  Sets
	 * router->state.  Returns 0, or -1 with ERR written.
	 */
	int (*create)(struct router *router, const char *options, struct err *err);
	void (*destroy)(struct router *router); /* after a failed create(), too; may be NULL */

	/* to: the link out of each node on its way to HOST, into NEXT [nodes],
	 * NETEMU_NONE where there is no way; from: the same, and the path from
	 * HOST to a node is that way backwards, each link the reverse one.
	 * Loops are found by the caller.  Entries of hosts with one cable, which
	 * leads to a switch, need not be set.
	 */
	void (*column)(struct router *router, uint32_t host, uint32_t *next);
	/* The way from host FROM to host TO != FROM, as the column of TO has it,
	 * into LINKS [nodes + 1].  Returns its length, 0 when there is none.
	 * NULL where columns are faster; can_walk() (NULL: always) tells.
	 */
	uint32_t (*walk)(struct router *router, uint32_t from, uint32_t to, uint32_t *links);
	bool (*can_walk)(const struct router *router);
	/* Is the column of hosts with one cable on the same switch the same but
	 * for that cable?
	 */
	bool by_switch;

	/* Route all pairs of ROUTING: routing_path() for each that has a path.
	 * Returns 0, or -1 with ERR written.
	 */
	int (*route)(struct routing *routing, struct err *err);
	/* NULL: route() with a list of all pairs. */
	int (*all_to_all)(struct router *router, const struct all_to_all *traffic,
			  struct loads *loads, struct routed *routed, struct err *err);
	int (*destinations)(struct router *router, uint32_t *count, struct err *err); /* or NULL */
	void (*forget)(struct router *router, uint64_t job); /* may be NULL */
};

struct router {
	const struct router_ops *ops;
	const struct topology *topology;
	struct router_settings settings;
	void *state;       /* of the algorithm */
	struct tree *tree; /* of the forms `to` and `from` */
	void *object;      /* of a shared object */
};

/* The routing of one job's pairs. */
struct routing {
	struct netemu_route route; /* as a policy sees it; without bytes and flows */
	struct router *router;
	const struct topology *topology;
	struct loads *loads;   /* changes with each path */
	struct routed *routed; /* never NULL */
	struct random random;  /* the stream of this algorithm and job */

	/* what routing_path() keeps */
	uint32_t *links; /* owned */
	size_t nlinks, room;
	size_t *start;    /* [npairs]; owned; NULL: a form that needs no list, none wanted */
	uint32_t *length; /* the same; 0: no path yet */
	struct err *err;
};

/* Send all of pair PAIR over LINKS, NLINKS > 0 of them, which are a path from
 * its host to its other host (not checked): on the loads at once.  Returns 0,
 * or -1 with ERR of the routing written.
 */
int routing_path(struct routing *routing, size_t pair, const uint32_t *links, uint32_t nlinks);

/* A path of NLINKS links in the statistics of ROUTED, for COUNT pairs. */
void routed_count(struct routed *routed, uint32_t nlinks, uint64_t count);

/* COUNT pairs without a path, the first of them (FROM, TO); remembers the
 * smallest such pair.
 */
void routed_fail(struct routed *routed, uint32_t from, uint32_t to, uint64_t count);

/* The pairs by destination (or by source), each group in its old order:
 * ORDER[0 .. npairs) are their numbers, to be freed.  Returns 0, or -1 with
 * errno ENOMEM.
 */
int routing_order(const struct netemu_route *route, bool by_source, size_t **order);

/* The same by destination alone, in the order of PLACE [hosts]. */
int routing_order_by(const struct netemu_route *route, const uint32_t *place, size_t **order);

/* Set ROUTER up with the shared object of SPEC, PATH[:OPTIONS].  What it gives as
 * paths is checked.  Returns 0, or -1 with ERR written.
 */
int shared_open(struct router *router, const char *spec, struct err *err);

#endif
