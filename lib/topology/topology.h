/* SPDX-License-Identifier: Apache-2.0 */
/* topology.h - hosts, switches and the cables between them
 *
 * A multigraph of ports: two nodes may be joined by any number of cables, each
 * with a capacity of its own.  A cable is two links, one in each direction.
 * Nodes keep the order in which they were added (the file's), which is the
 * order of host addresses; the links of a node keep the order in which they
 * were added as well.
 *
 * Build one with topology_init(), topology_node(), topology_cable() or
 * topology_link(), and topology_finish(), which checks it; or have it made by
 * topology_open() from a SPEC.
 */
#ifndef NETEMU_TOPOLOGY_H
#define NETEMU_TOPOLOGY_H

#include "err.h"
#include "policy.h"

/* What capacities mean. */
enum topology_unit {
	TOPOLOGY_UNIT_NONE, /* as written; only ratios mean something */
	TOPOLOGY_UNIT_BYTE, /* byte/s */
};

/* How a network was generated, for algorithms that need to know. */
enum topology_shape {
	TOPOLOGY_IRREGULAR,
	TOPOLOGY_TREE,      /* xgft_generate() */
	TOPOLOGY_TORUS,     /* torus_generate() */
	TOPOLOGY_MESH,      /* mesh_generate() */
	TOPOLOGY_DRAGONFLY, /* dragonfly_generate() */
};

#define TOPOLOGY_DIMS      8
#define TOPOLOGY_MAX_NODES 1000000u
#define TOPOLOGY_MAX_LINKS 4000000u

struct topology_node {
	char *name; /* owned */
	char *info; /* a description, or NULL; owned */
	char *mac;  /* or NULL; owned */
	bool is_host;
	uint32_t slots;                /* hosts: ranks it takes */
	uint32_t lid;                  /* InfiniBand, the lowest of its ports; 0: none */
	uint64_t guid;                 /* 0: none */
	int64_t dpid;                  /* OpenFlow, -1: none */
	uint32_t coord[TOPOLOGY_DIMS]; /* where it is in the shape, see generate.h */
	uint32_t line;                 /* of the file, for messages; 0: none */
};

/* Static forwarding tables: switch, destination LID -> port. */
struct topology_tables {
	uint32_t lids;    /* LIDs are 0 .. lids - 1 */
	uint8_t **port;   /* [node]: NULL, or [lids] ports, 255 = no route; owned */
	uint32_t *node;   /* [lids]: the node of that LID, NETEMU_NONE = none; owned */
	uint64_t entries; /* read */
	/* Those that name a switch or a LID that the cables do not know, or say
	 * something else than one before, and a sentence on the first.
	 */
	uint64_t strange;
	char first_strange[256];
};

struct topology {
	struct netemu_net net; /* filled by topology_finish() */
	char *name;            /* of the cluster, "" when it has none; owned */
	char *source;          /* the file or SPEC it came from; owned */
	enum topology_unit unit;
	enum topology_shape shape;
	uint32_t ndims; /* numbers in dim, see generate.h */
	uint32_t dim[TOPOLOGY_DIMS], w[TOPOLOGY_DIMS], cables[TOPOLOGY_DIMS];
	struct topology_node *nodes; /* owned, as many as net.nodes */
	uint32_t nswitches;
	struct topology_tables *tables; /* or NULL; owned */
	struct topology_private *build; /* owned */
};

/* An empty topology.  SOURCE names it in messages.  Returns 0, or -1 with ERR
 * written.
 */
int topology_init(struct topology *topology, const char *source, struct err *err);
void topology_release(struct topology *topology);

/* Add a node NAME (copied) that stands on LINE.  Returns its index, or
 * NETEMU_NONE with ERR written: a second node of that name, more than
 * TOPOLOGY_MAX_NODES, no memory.  The caller sets the other fields through
 * topology->nodes[index] (the array moves when a node is added); slots is 1.
 */
uint32_t topology_node(struct topology *topology, const char *name, bool is_host, uint32_t line,
		       struct err *err);

/* The node NAME, or NETEMU_NONE. */
uint32_t topology_find(const struct topology *topology, const char *name);

/* Add one direction of a cable; topology_finish() finds the other one: the
 * first unmatched link back whose ports match, else the first.  Ports may be
 * NETEMU_NONE; one that only the link back knows is taken from there.  CAPACITY
 * NAN: it has none, which is an error unless @rate gives it one.  Returns 0, or
 * -1 with ERR written: a link from a node to itself, more than
 * TOPOLOGY_MAX_LINKS, no memory.
 */
int topology_link(struct topology *topology, uint32_t from, uint32_t from_port, uint32_t to,
		  uint32_t to_port, double capacity, uint32_t line, struct err *err);

/* Add a cable, both directions. */
int topology_cable(struct topology *topology, uint32_t a, uint32_t a_port, uint32_t b,
		   uint32_t b_port, double capacity, uint32_t line, struct err *err);

/* Sort the links, fill net and check it: at least one host; no host without
 * a cable; no cable with one direction only; no capacity that is not a finite
 * number > 0; no host with 0 slots.  A host that cannot reach another is no
 * error here: routing counts and reports such pairs (and a switch that no host
 * can reach has level NETEMU_NONE).  Returns 0, or -1 with ERR written: file,
 * line and element.
 */
int topology_finish(struct topology *topology, struct err *err);

/* "node port -> node port" of a LINK, to name it in a message; without the
 * ports that are not known.  Returns BUF.
 */
char *topology_link_text(const struct topology *topology, uint32_t link, char *buf, size_t size);

/* Read or generate what SPEC says, see netemu-topology(5):
 *   FILE                              GraphML, or a format known by its content
 *   xgft:4x4x3:1x2x2[:1x1x2]          M, W, parallel cables
 *   kary:K:N  torus:4x4x4[:HOSTS]  mesh:4x4[:HOSTS]  dragonfly:P:A:H
 *   ib:DISCOVER[:LFTS]                ibnetdiscover and forwarding tables
 *   slurm:topology.conf
 * each with any of @slots=8 @rate=100Gbit/s @order=lid|name behind it.  A relative FILE is
 * relative to BASE (NULL: the working directory).  Returns 0, or -1 with ERR
 * written and nothing to release.
 */
int topology_open(struct topology *topology, const char *spec, const char *base, struct err *err);

/* Call EACH with the name of each file in SPEC, as it stands there; a generated
 * network has none.  Returns 0, the first value of EACH that is not 0, or -1 with
 * errno ENOMEM.
 */
int topology_files(const char *spec, int (*each)(void *arg, const char *file), void *arg);

/* "100Gbit/s", "12.5GB/s", "100e9bit/s" (k M G T: powers of 1000; bit/s, B/s or
 * byte/s) as byte/s.  Returns 0, or -1 with errno EINVAL or ERANGE (0, or more
 * than a double holds).
 */
int topology_rate(const char *text, double *rate);

/* Links next to the hosts are boundary 0: the boundary of LINK is the lower
 * level of its two ends.  *UP is whether it goes away from the hosts
 * (equal levels: neither, false).
 */
uint32_t topology_boundary(const struct topology *topology, uint32_t link, bool *up);

/* Both ends are switches. */
bool topology_is_isl(const struct topology *topology, uint32_t link);

#endif
