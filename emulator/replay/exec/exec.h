/* SPDX-License-Identifier: Apache-2.0 */
/* exec.h - one rank goes through its trace
 *
 * A node may run when all its parents are done and its lane is free: a CPU op, a GPU
 * computation and a GPU communication (memory nodes too) run side by side, one of each; a receive
 * needs no lane.  Of those that may, the one with the smallest id goes first.  With
 * `merged_lanes` computation and communication share one, as Genie has it.
 *
 * Time of a node counts from the modelled end of what it waited for, not from when
 * that was noticed: lateness does not add up over a chain of timed nodes.  The end of
 * traffic is when it came.  Nothing ends early.
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "chakra/graph.h"
#include "coll/collective.h"

enum lane { LANE_CPU, LANE_COMP, LANE_COMM, LANE_NONE };

struct exec_settings {
	const struct system *system;
	struct remote *remote; /* NULL: memory nodes are an error */
	struct groups *groups; /* those the trace defines are added */
	bool merged_lanes;
	bool replay_only; /* each node is a timer of its duration */
	bool compat;      /* a broadcast is a timer, others are errors */
	double compute_scale, size_scale;
	uint32_t iterations, warmup; /* times the trace runs; 0 counts as 1, 0 */
	/* Told of each node that ends, when set: start and end are modelled times. */
	void (*ended)(void *arg, uint32_t node, enum lane lane, int64_t start, int64_t end,
		      const struct collective *collective);
	void *arg;
};

struct exec_result {
	int64_t finish;    /* ns, of loop_now() */
	int64_t busy[4];   /* ns each lane was taken, enum lane */
	uint64_t nodes;    /* that ended */
	uint64_t resident; /* bytes of this structure */
};

struct exec;

/* GRAPH and SETTINGS are kept; NET and COLLECTIVES are this rank's.  Returns 0, or -1 with
 * ERR.
 */
int exec_create(struct exec **exec, const struct graph *graph, const struct exec_settings *settings,
		struct net *net, struct collectives *collectives, struct err *err);
void exec_destroy(struct exec *exec);

/* Issue what may run; the rest follows from the loop.  DONE(ARG) when the last node of the
 * last iteration has ended.  Returns 0, or -1 with ERR.
 */
int exec_start(struct exec *exec, void (*done)(void *arg), void *arg, struct err *err);

void exec_result(const struct exec *exec, struct exec_result *result);

/* Nodes under way and who waits for what, one line each into BUF, for the watchdog. */
void exec_waiting(const struct exec *exec, char *buf, size_t size);

/* Each of them to SEEN. */
void exec_under_way(const struct exec *exec,
		    void (*seen)(void *arg, uint32_t node, enum lane lane, int64_t start),
		    void *arg);

/* Nodes without parents in force and first issued, for `info`: indices by id into LIST
 * [room]; returns how many there are.
 */
size_t exec_first(const struct graph *graph, uint32_t *list, size_t room);

#endif
