/* SPDX-License-Identifier: Apache-2.0 */
/* Collectives whose messages are in a file: an execution trace for each member, of sends,
 * receives and computations that follow one another as its edges say.  Peers are places
 * among the members in the order of their ranks; sizes are those of the file.
 */
#include "coll/work.h"

#include "chakra/graph.h"
#include "net/watch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHASE 31 /* in tags: no phase has this number */

/* A file that was read, for all collectives that use it. */
struct custom_graph {
	struct custom_graph *next;
	char *path; /* owned */
	struct graph graph;
};

struct custom_step {
	struct loop_timer timer;
	struct custom *custom;
	uint32_t node, waits; /* for so many parents */
};

struct custom {
	struct work *work;
	const struct graph *graph;
	struct custom_step *steps; /* [graph->count], owned */
	uint32_t *ranks;           /* members by place, owned */
	uint32_t left;
};

const char *custom_prefix(const struct collectives *collectives,
			  const struct collective *collective)
{
	const struct system *system = collectives->settings->system;
	size_t i;

	if (collective->custom)
		return collective->custom;
	for (i = 0; i < system->custom_nodes_count; i++)
		if (system->custom_nodes[i].id == collective->node_id)
			return system->custom_nodes[i].prefix;
	return collective->coll <= COLL_ALL_TO_ALL ? system->custom[collective->coll] : NULL;
}

/* --- files --- */

static const struct graph *find_graph(const struct collectives *owner, const char *path)
{
	const struct custom_graph *file;

	for (file = owner->graphs; file; file = file->next)
		if (strcmp(file->path, path) == 0)
			return &file->graph;
	return NULL;
}

static const struct graph *read_graph(struct collectives *owner, const char *path, struct err *err)
{
	static const struct graph_options options = { .deps = GRAPH_DATA | GRAPH_CTRL };
	struct custom_graph *file = calloc(1, sizeof(*file));

	if (file)
		file->path = strdup(path);
	if (!file || !file->path) {
		err_errno(err, "no room for '%s'", path);
		free(file);
		return NULL;
	}
	if (graph_load(&file->graph, path, &options, err) < 0) {
		free(file->path);
		free(file);
		return NULL;
	}
	file->next = owner->graphs;
	owner->graphs = file;
	return &file->graph;
}

void custom_forget(struct collectives *collectives)
{
	struct custom_graph *file;

	while ((file = collectives->graphs)) {
		collectives->graphs = file->next;
		graph_release(&file->graph);
		free(file->path);
		free(file);
	}
}

/* --- members --- */

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int sort_members(struct custom *custom, uint32_t *place)
{
	struct work *work = custom->work;
	uint32_t i;

	custom->ranks = malloc(work->n * sizeof(*custom->ranks));
	if (!custom->ranks)
		return -1;
	for (i = 0; i < work->n; i++)
		custom->ranks[i] = members_rank(&work->all, i);
	qsort(custom->ranks, work->n, sizeof(*custom->ranks), by_number);
	for (i = 0; custom->ranks[i] != work->owner->net->rank; i++)
		;
	*place = i;
	return 0;
}

static int make_steps(struct custom *custom, struct err *err)
{
	const struct graph *graph = custom->graph;
	uint32_t i;

	custom->left = graph->count;
	custom->steps = calloc(graph->count + 1ul, sizeof(*custom->steps));
	if (!custom->steps)
		return err_errno(err, "no room for the steps of '%s'", graph->path);
	for (i = 0; i < graph->count; i++)
		custom->steps[i] = (struct custom_step){ .custom = custom,
							 .node = i,
							 .waits = graph->nodes[i].parents };
	return 0;
}

/* Nodes that move bytes must name whom they move them to or from. */
static int check_peers(const struct custom *custom, struct err *err)
{
	const struct graph *graph = custom->graph;
	uint32_t i;

	for (i = 0; i < graph->count; i++) {
		const struct graph_node *node = &graph->nodes[i];
		bool send = node->type == ET_COMM_SEND;
		const struct graph_extra *extra;
		int64_t peer = -1;

		if (!send && node->type != ET_COMM_RECV)
			continue;
		if (node->extra != GRAPH_NONE) {
			extra = &graph->extras[node->extra];
			peer = send ? extra->comm_dst : extra->comm_src;
			if (!(extra->has & (send ? ET_HAS_TARGET : ET_HAS_SOURCE)))
				peer = -1;
		}
		if (peer < 0 || peer >= custom->work->n)
			return err_set(err, "%s: node %llu has no %s among %u members", graph->path,
				       (unsigned long long)node->id, send ? "comm_dst" : "comm_src",
				       custom->work->n);
	}
	return 0;
}

int custom_prepare(struct work *work, const char *prefix, struct err *err)
{
	struct custom *custom = calloc(1, sizeof(*custom));
	char path[PATH_MAX];
	uint32_t place;

	work->custom = custom;
	if (custom)
		custom->work = work;
	if (!custom || sort_members(custom, &place) < 0)
		return err_errno(err, "no room for a custom collective");
	snprintf(path, sizeof(path), "%s.%u.et", prefix, place);
	custom->graph = find_graph(work->owner, path);
	if (!custom->graph)
		custom->graph = read_graph(work->owner, path, err);
	if (!custom->graph || check_peers(custom, err) < 0)
		return -1;
	return make_steps(custom, err);
}

void custom_release(struct work *work)
{
	struct custom *custom = work->custom;
	uint32_t i;

	if (!custom)
		return;
	for (i = 0; custom->steps && i < custom->graph->count; i++)
		loop_cancel(work->owner->net->loop, &custom->steps[i].timer);
	free(custom->steps);
	free(custom->ranks);
	free(custom);
	work->custom = NULL;
}

/* --- steps --- */

static void issue(struct custom_step *step, int64_t time);

static void step_done(struct custom *custom, uint32_t node, int64_t time)
{
	struct graph_walk walk;
	uint32_t child;

	graph_children(custom->graph, node, &walk);
	while ((child = graph_next(&walk)) != GRAPH_NONE)
		if (--custom->steps[child].waits == 0)
			issue(&custom->steps[child], time);
	if (--custom->left == 0)
		work_ended(custom->work, time);
}

static void message_done(struct net_message *net_message, int64_t time)
{
	struct coll_message *message = (struct coll_message *)net_message;
	struct custom *custom = message->work->custom;
	uint32_t node = message->k;

	message_free(message);
	step_done(custom, node, time);
}

static void timer_done(struct loop_timer *timer, int64_t due)
{
	struct custom_step *step =
		(struct custom_step *)((char *)timer - offsetof(struct custom_step, timer));

	const struct net *net = step->custom->work->owner->net;
	uint64_t id = work_node(step->custom->work);
	int64_t begin = net_timer_begins(net);

	step_done(step->custom, step->node, due);
	net_timer_ends(net, id, due, begin);
}

static void issue_message(struct custom *custom, uint32_t i, bool send)
{
	const struct graph_node *node = &custom->graph->nodes[i];
	const struct graph_extra *extra = &custom->graph->extras[node->extra];
	struct work *work = custom->work;
	struct coll_message *message = message_new(work, NULL, i, send);
	struct net *net = work->owner->net;
	struct err err;

	if (!message)
		return;
	message->message.peer = custom->ranks[send ? extra->comm_dst : extra->comm_src];
	message->message.size = extra->comm_size;
	message->message.tag = work->tag | ((uint64_t)extra->comm_tag & 0xffff) << 6 | PHASE << 1;
	message->message.data = verify_data(message);
	message->message.done = message_done;
	if (send)
		work->collective->sent += extra->comm_size;
	if ((send ? net_send : net_recv)(net, &message->message, &err) < 0)
		loop_fail(net->loop, "%s", err.text);
}

/* A computation takes its time, 1 ns at least; all else none. */
static int64_t time_of(const struct graph_node *node)
{
	if (node->type != ET_COMP)
		return 0;
	return node->duration_us ? (int64_t)node->duration_us * 1000 : 1;
}

static void issue(struct custom_step *step, int64_t time)
{
	struct custom *custom = step->custom;
	const struct graph_node *node = &custom->graph->nodes[step->node];
	struct loop *loop = custom->work->owner->net->loop;

	if (node->type == ET_COMM_SEND || node->type == ET_COMM_RECV) {
		issue_message(custom, step->node, node->type == ET_COMM_SEND);
		return;
	}
	step->timer.fire = timer_done;
	if (loop_at(loop, &step->timer, time + time_of(node)) < 0)
		loop_fail(loop, "no room for a timer");
}

void custom_go(struct work *work, int64_t time)
{
	struct custom *custom = work->custom;
	uint32_t i;

	if (!custom->left) {
		work_ended(work, time);
		return;
	}
	/* None ends before all have begun: their ends come from the loop. */
	for (i = 0; i < custom->graph->count; i++)
		if (!custom->graph->nodes[i].parents)
			issue(&custom->steps[i], time);
}
