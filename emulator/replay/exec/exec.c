/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"

#include "exec/tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- nodes that may run ---- */

static int ready_push(struct ready *ready, uint32_t node)
{
	uint32_t room = ready->room ? 2 * ready->room : 16, at = ready->count;
	uint32_t *heap;

	if (ready->count == ready->room) {
		heap = reallocarray(ready->heap, room, sizeof(*heap));
		if (!heap)
			return -1;
		ready->heap = heap;
		ready->room = room;
	}
	for (ready->count++; at && ready->heap[(at - 1) / 2] > node; at = (at - 1) / 2)
		ready->heap[at] = ready->heap[(at - 1) / 2];
	ready->heap[at] = node;
	return 0;
}

static uint32_t ready_pop(struct ready *ready)
{
	uint32_t top = ready->heap[0], last = ready->heap[--ready->count], at = 0, child;

	while ((child = 2 * at + 1) < ready->count) {
		if (child + 1 < ready->count && ready->heap[child + 1] < ready->heap[child])
			child++;
		if (last <= ready->heap[child])
			break;
		ready->heap[at] = ready->heap[child];
		at = child;
	}
	ready->heap[at] = last;
	return top;
}

static int add_ready(struct exec *exec, uint32_t node)
{
	return ready_push(&exec->ready[task_lane(exec, &exec->graph->nodes[node])], node);
}

/* ---- tasks ---- */

static struct task *task_take(struct exec *exec, uint32_t node, enum lane lane, int64_t start)
{
	struct task *task = exec->spare;

	if (task)
		exec->spare = task->next;
	else if (!(task = malloc(sizeof(*task))))
		return NULL;
	*task = (struct task){ .exec = exec, .node = node, .lane = lane, .start = start };
	task->next = exec->tasks;
	if (exec->tasks)
		exec->tasks->prev = task;
	exec->tasks = task;
	return task;
}

static void task_give_back(struct exec *exec, struct task *task)
{
	if (task->prev)
		task->prev->next = task->next;
	else
		exec->tasks = task->next;
	if (task->next)
		task->next->prev = task->prev;
	task->next = exec->spare;
	exec->spare = task;
}

static int fail(struct exec *exec, const struct err *err)
{
	return loop_fail(exec->net->loop, "%s", err->text);
}

/* ---- what follows from an end ---- */

static int release_children(struct exec *exec, const struct task *task)
{
	struct graph_walk walk;
	uint32_t child;

	graph_children(exec->graph, task->node, &walk);
	while ((child = graph_next(&walk)) != GRAPH_NONE) {
		if (task->end > exec->ready_at[child])
			exec->ready_at[child] = task->end;
		if (!--exec->left[child] && add_ready(exec, child) < 0)
			return loop_fail(exec->net->loop, "no room for nodes that may run");
	}
	return 0;
}

static void leave_lane(struct exec *exec, const struct task *task)
{
	exec->lanes[task->lane].busy += task->end - task->start;
	exec->lanes[task->lane].taken = false;
	if (task->end > exec->lanes[task->lane].free_at)
		exec->lanes[task->lane].free_at = task->end;
}

static bool counts(const struct exec *exec)
{
	return exec->round >= exec->settings->warmup;
}

static int finish(struct exec *exec, struct task *task)
{
	int rc;

	leave_lane(exec, task);
	if (task->end > exec->last)
		exec->last = task->end;
	exec->ended++;
	exec->all += counts(exec);
	rc = release_children(exec, task);
	if (exec->settings->ended && counts(exec))
		exec->settings->ended(exec->settings->arg, task->node, task->lane, task->start,
				      task->end, task->collective.group ? &task->collective : NULL);
	task_give_back(exec, task);
	return rc;
}

/* The lane whose next node has the smallest id, of those that are free; -1: none. */
static int next_lane(const struct exec *exec)
{
	int best = -1;

	for (int lane = 0; lane < 4; lane++) {
		const struct ready *ready = &exec->ready[lane];

		if (!ready->count || (lane != LANE_NONE && exec->lanes[lane].taken))
			continue;
		if (best < 0 || ready->heap[0] < exec->ready[best].heap[0])
			best = lane;
	}
	return best;
}

static void append_over(struct exec *exec, struct task *task)
{
	task->behind = NULL;
	if (exec->over)
		exec->over_last->behind = task;
	else
		exec->over = task;
	exec->over_last = task;
}

/* Issue one node: 1, 0 when none may run, or -1 after loop_fail(). */
static int issue_one(struct exec *exec)
{
	int lane = next_lane(exec);
	struct task *task;
	struct err err;
	int64_t start;
	uint32_t node;
	int rc;

	if (lane < 0)
		return 0;
	node = ready_pop(&exec->ready[lane]);
	start = exec->ready_at[node];
	if (lane != LANE_NONE && exec->lanes[lane].free_at > start)
		start = exec->lanes[lane].free_at;
	task = task_take(exec, node, (enum lane)lane, start);
	if (!task)
		return loop_fail(exec->net->loop, "no room for a node");
	exec->lanes[lane].taken = true;
	rc = task_start(task, &err);
	if (rc < 0)
		return fail(exec, &err);
	if (rc > 0)
		append_over(exec, task);
	return 1;
}

static uint32_t rounds_of(const struct exec *exec)
{
	const struct exec_settings *settings = exec->settings;

	return settings->warmup + (settings->iterations ? settings->iterations : 1);
}

static int begin_round(struct exec *exec)
{
	for (uint32_t i = 0; i < exec->graph->count; i++) {
		exec->left[i] = exec->graph->nodes[i].parents;
		exec->ready_at[i] = exec->last;
		if (!exec->left[i] && add_ready(exec, i) < 0)
			return loop_fail(exec->net->loop, "no room for nodes that may run");
	}
	return 0;
}

/* All nodes have ended: 1 when another round has begun, 0 when it was the last one. */
static int end_round(struct exec *exec)
{
	exec->ended = 0;
	exec->round++;
	if (exec->round == exec->settings->warmup) {
		exec->begun = exec->last;
		for (int lane = 0; lane < 4; lane++)
			exec->lanes[lane].busy = 0;
	}
	if (exec->round < rounds_of(exec))
		return begin_round(exec) < 0 ? -1 : 1;
	exec->done(exec->arg);
	return 0;
}

/* One step: the first of those that are over, or one that is issued.  1, 0 or -1. */
static int step(struct exec *exec)
{
	struct task *task = exec->over;

	if (!task)
		return issue_one(exec);
	exec->over = task->behind;
	if (finish(exec, task) < 0)
		return -1;
	return exec->ended == exec->graph->count ? end_round(exec) : 1;
}

/* Step by step, whatever follows: no recursion over chains of nodes that end at once. */
static void drain(struct exec *exec)
{
	if (exec->draining)
		return;
	exec->draining = true;
	while (step(exec) > 0)
		;
	exec->draining = false;
}

void task_over(struct task *task, int64_t time)
{
	task->end = time;
	append_over(task->exec, task);
	drain(task->exec);
}

/* ---- public ---- */

int exec_create(struct exec **out, const struct graph *graph, const struct exec_settings *settings,
		struct net *net, struct collectives *collectives, struct err *err)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec)
		return err_errno(err, "no room for a rank");
	exec->graph = graph;
	exec->settings = settings;
	exec->net = net;
	exec->collectives = collectives;
	exec->left = calloc((size_t)graph->count + 1, sizeof(*exec->left));
	exec->ready_at = calloc((size_t)graph->count + 1, sizeof(*exec->ready_at));
	if (!exec->left || !exec->ready_at) {
		exec_destroy(exec);
		return err_errno(err, "no room for %u nodes", graph->count);
	}
	if (task_add_groups(exec, err) < 0) {
		exec_destroy(exec);
		return -1;
	}
	*out = exec;
	return 0;
}

void exec_destroy(struct exec *exec)
{
	struct task *task;

	if (!exec)
		return;
	while ((task = exec->tasks)) {
		loop_cancel(exec->net->loop, &task->timer);
		task_give_back(exec, task);
	}
	while ((task = exec->spare)) {
		exec->spare = task->next;
		free(task);
	}
	for (int lane = 0; lane < 4; lane++)
		free(exec->ready[lane].heap);
	free(exec->left);
	free(exec->ready_at);
	free(exec);
}

int exec_start(struct exec *exec, void (*done)(void *arg), void *arg, struct err *err)
{
	exec->done = done;
	exec->arg = arg;
	exec->net->loop->err = err;
	if (!exec->graph->count) {
		done(arg);
		return 0;
	}
	if (begin_round(exec) < 0)
		return -1;
	drain(exec);
	return exec->net->loop->failed;
}

void exec_result(const struct exec *exec, struct exec_result *result)
{
	*result = (struct exec_result){
		.finish = exec->last - exec->begun,
		.nodes = exec->all,
		.resident = sizeof(*exec) + (uint64_t)exec->graph->count *
						    (sizeof(*exec->left) + sizeof(*exec->ready_at)),
	};
	for (int lane = 0; lane < 4; lane++)
		result->busy[lane] = exec->lanes[lane].busy;
}

void exec_waiting(const struct exec *exec, char *buf, size_t size)
{
	size_t length = 0;
	int shown = 0;

	buf[0] = '\0';
	for (const struct task *task = exec->tasks; task && length + 200 < size;
	     task = task->next) {
		if (shown++)
			length += (size_t)snprintf(buf + length, size - length, "; ");
		task_describe(task, buf + length, size - length);
		length += strlen(buf + length);
	}
}

void exec_under_way(const struct exec *exec,
		    void (*seen)(void *arg, uint32_t node, enum lane lane, int64_t start),
		    void *arg)
{
	for (const struct task *task = exec->tasks; task; task = task->next)
		seen(arg, task->node, task->lane, task->start);
}

size_t exec_first(const struct graph *graph, uint32_t *list, size_t room)
{
	size_t count = 0;

	for (uint32_t i = 0; i < graph->count; i++) {
		if (graph->nodes[i].parents)
			continue;
		if (count < room)
			list[count] = i;
		count++;
	}
	return count;
}
