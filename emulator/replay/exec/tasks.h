/* SPDX-License-Identifier: Apache-2.0 */
/* tasks.h - inside exec: nodes under way, and how each kind is done */
#ifndef EXEC_TASKS_H
#define EXEC_TASKS_H

#include "exec/exec.h"

/* One node under way. */
struct task {
	struct loop_timer timer; /* the first, so that it is found from it */
	struct net_message message;
	struct collective collective;
	struct exec *exec;
	struct task *next, *prev; /* of exec->tasks, or the free ones */
	struct task *behind;      /* of exec->over */
	uint32_t node;
	enum lane lane;
	int64_t start, end; /* ns, modelled; end once it is over */
};

/* Nodes that may run, the smallest index on top. */
struct ready {
	uint32_t *heap; /* owned */
	uint32_t count, room;
};

struct exec {
	const struct graph *graph;
	const struct exec_settings *settings;
	struct net *net;
	struct collectives *collectives;
	uint32_t *left;        /* [count] parents that have not ended */
	int64_t *ready_at;     /* [count] ns: when the last of them ended */
	struct ready ready[4]; /* enum lane */
	struct {
		bool taken;
		int64_t free_at, busy; /* ns */
	} lanes[4];
	struct task *tasks, *spare;    /* under way; free */
	struct task *over, *over_last; /* ended, and their children not looked at */
	bool draining;
	uint64_t ended, all; /* nodes of this iteration; of all */
	uint32_t round;      /* iteration, warm-up first */
	int64_t begun, last; /* ns: of the iterations that count; end of the last node */
	void (*done)(void *arg);
	void *arg;
};

/* Start TASK, whose node, lane and start are set.  Returns 1 when it is over already (task->end
 * is set), 0 when task_over() will be called, or -1 with ERR.
 */
int task_start(struct task *task, struct err *err);

/* TASK has ended at TIME: exec goes on. */
void task_over(struct task *task, int64_t time);

/* Where NODE runs. */
enum lane task_lane(const struct exec *exec, const struct graph_node *node);

/* "node 7 'name' (COMM_RECV, ...)" */
void task_describe(const struct task *task, char *buf, size_t size);

/* The groups of the trace are made known.  Returns 0, or -1 with ERR. */
int task_add_groups(struct exec *exec, struct err *err);

#endif
