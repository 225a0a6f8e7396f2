/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - an execution trace in memory: who waits for whom
 *
 * Read once, never changed, shared by all ranks that replay it: what a rank knows of
 * its progress is in exec.h.  Nodes stand in the order of their ids.  Edges lie with the
 * parent, as differences of indices in as few bytes as they need: real traces have
 * fifty edges a node.  So the file is passed over twice, once for the ids and
 * once for the edges, and a trace of 3 GB fits into 1 GiB.
 *
 * Edges to a node itself or to one that is not there are left out and counted; several
 * between the same two are one.
 */
#ifndef CHAKRA_GRAPH_H
#define CHAKRA_GRAPH_H

#include "chakra/etnode.h"
#include "err.h"

#define GRAPH_NONE UINT32_MAX

/* Which edges are in force. */
enum graph_deps {
	GRAPH_DATA = 1,
	GRAPH_CTRL = 2,
};

/* What the nodes that move or count bytes say beyond a duration. */
struct graph_extra {
	uint64_t num_ops, tensor_size;
	uint64_t comm_size;
	int64_t comm_src, comm_dst, comm_tag, root;
	uint32_t has; /* enum et_has */
	uint32_t comm_type;
	int32_t comm_priority;
	uint32_t group; /* index in graph->names, GRAPH_NONE without */
	uint64_t dims;
	uint32_t dims_count;
	uint32_t sizes, sizes_count; /* index in graph->sizes */
};

struct graph_node {
	uint64_t id;
	uint64_t duration_us;
	uint64_t edges;   /* where its children begin, graph_children() */
	uint32_t name;    /* index in graph->names */
	uint32_t extra;   /* index in graph->extras, GRAPH_NONE without */
	uint32_t parents; /* edges in force that end here */
	uint8_t type;     /* enum et_type; ET_INVALID for those without a name */
	bool is_cpu;
};

/* A process group that the trace itself defines. */
struct graph_group {
	uint32_t name;         /* index in graph->names */
	uint32_t first, count; /* in graph->members; count 0: all ranks */
};

struct graph {
	struct graph_node *nodes; /* [count], ids ascending; this and all below are owned */
	uint32_t count;
	uint8_t *edges;
	uint64_t edges_size;
	struct graph_extra *extras;
	uint32_t extras_count;
	int64_t *sizes;
	uint32_t sizes_count;
	struct graph_group *groups;
	uint32_t groups_count;
	int64_t *members;
	uint32_t members_count;
	char *text;      /* all names, with their zeros */
	uint64_t *names; /* [names_count]: where each begins */
	uint32_t names_count;
	char *path;
	char version[32], schema[64];
	/* Counts over the file, also of what is not in force. */
	uint64_t data_edges, ctrl_edges;       /* as written */
	uint64_t data_self, ctrl_self;         /* a node on itself */
	uint64_t data_dangling, ctrl_dangling; /* on a node that is not there */
	uint64_t repeated;                     /* in force and there already */
	uint64_t unknown;                      /* nodes of types without a name */
	uint64_t by_type[8];                   /* nodes, by enum et_type */
};

struct graph_options {
	unsigned deps; /* enum graph_deps, or-ed; 0 = GRAPH_DATA */
	bool names;    /* keep the names of nodes; without, "" */
	/* Called now and then with bytes done and all (two passes); NULL: not. */
	void (*progress)(void *arg, uint64_t done, uint64_t all);
	void *progress_arg;
};

/* Read PATH.  Returns 0, or -1 with ERR: what etread.h says, two nodes with one id, or a
 * cycle, by its ids ("a.et: nodes wait for each other: 12 -> 15 -> 12").
 */
int graph_load(struct graph *graph, const char *path, const struct graph_options *options,
	       struct err *err);
void graph_release(struct graph *graph);

/* The index of the node with ID, or GRAPH_NONE. */
uint32_t graph_find(const struct graph *graph, uint64_t id);
const char *graph_name(const struct graph *graph, uint32_t name);

/* The children of NODE, by ascending index. */
struct graph_walk {
	const uint8_t *at, *end;
	uint32_t index;
	bool begun;
};
void graph_children(const struct graph *graph, uint32_t node, struct graph_walk *walk);
/* The next, or GRAPH_NONE. */
uint32_t graph_next(struct graph_walk *walk);

#endif
