/* SPDX-License-Identifier: Apache-2.0 */
/* tasks.c - what each kind of node does */
#include "exec/tasks.h"

#include "net/watch.h"
#include "rankfile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ids of groups that a trace defines stand apart from those of a file; tags have 21 bits for
 * them.
 */
#define TRACE_GROUP UINT64_C(0x100000)
#define TEXT_GROUP  UINT64_C(0x180000)

/* ns: of one node, and an end; a sum of both is still a time */
#define LONGEST   9e17
#define LAST_TIME (INT64_MAX / 2)

static const struct graph_node *node_of(const struct task *task)
{
	return &task->exec->graph->nodes[task->node];
}

/* What NODE says beyond a duration; NULL when nothing. */
static const struct graph_extra *extra_of(const struct graph *graph, const struct graph_node *node)
{
	return node->extra == GRAPH_NONE ? NULL : &graph->extras[node->extra];
}

static int bad(const struct task *task, struct err *err, const char *what)
{
	const struct graph *graph = task->exec->graph;
	const struct graph_node *node = node_of(task);

	return err_set(err, "%s: node %" PRIu64 " '%.80s' (%s): %s", graph->path, node->id,
		       graph_name(graph, node->name), et_type_name(node->type), what);
}

/* ---- lanes ---- */

/* A collective that is called by the CPU and says nothing of bytes is the CPU's work. */
static bool is_traffic(const struct graph_node *node, const struct graph_extra *extra)
{
	return node->type == ET_COMM_COLL &&
	       (!node->is_cpu || (extra && extra->has & ET_HAS_COMM && extra->has & ET_HAS_SIZE));
}

enum lane task_lane(const struct exec *exec, const struct graph_node *node)
{
	enum lane comm = exec->settings->merged_lanes ? LANE_COMP : LANE_COMM;

	switch (node->type) {
	case ET_COMP:
		return node->is_cpu ? LANE_CPU : LANE_COMP;
	case ET_COMM_COLL:
		return is_traffic(node, extra_of(exec->graph, node)) ? comm : LANE_CPU;
	case ET_COMM_SEND:
	case ET_MEM_LOAD:
	case ET_MEM_STORE:
		return comm;
	default:
		return LANE_NONE;
	}
}

/* ---- time ---- */

static void timer_fired(struct loop_timer *timer, int64_t due)
{
	struct task *task = (struct task *)timer;
	const struct net *net = task->exec->net;
	uint64_t id = node_of(task)->id;
	int64_t begin = net_timer_begins(net);

	task_over(task, due);
	net_timer_ends(net, id, due, begin);
}

static int run_timer(struct task *task, int64_t end, struct err *err)
{
	if (end > LAST_TIME)
		return bad(task, err, "it ends in more than a hundred years");
	task->timer.fire = timer_fired;
	if (loop_at(task->exec->net->loop, &task->timer, end) == 0)
		return 0;
	return err_errno(err, "no room for a timer");
}

static int over_at_once(struct task *task)
{
	task->end = task->start;
	return 1;
}

/* The recorded duration; never nothing. */
static int run_duration(struct task *task, double scale, struct err *err)
{
	double ns = (double)node_of(task)->duration_us * 1000 * scale;

	if (!(ns < LONGEST))
		return bad(task, err, "it lasts too long");
	return run_timer(task, task->start + (ns >= 1 ? (int64_t)ns : 1), err);
}

/* Operations at what memory and processor allow (S. Williams, A. Waterman, D. Patterson,
 * "Roofline", CACM 52(4), 2009).
 */
static int run_roofline(struct task *task, const struct graph_extra *extra, struct err *err)
{
	const struct exec_settings *settings = task->exec->settings;
	const struct system *system = settings->system;
	double speed, ns;

	if (!extra || !(extra->has & ET_HAS_OPS))
		return bad(task, err, "with roofline-enabled num_ops is needed");
	if (!extra->tensor_size)
		return over_at_once(task);
	speed = system->memory_bw * ((double)extra->num_ops / (double)extra->tensor_size);
	if (speed > system->peak)
		speed = system->peak;
	if (!(speed > 0))
		return extra->num_ops ? bad(task, err, "peak-perf and local-mem-bw are needed")
				      : over_at_once(task);
	ns = (double)extra->num_ops / speed * settings->compute_scale;
	if (!(ns < LONGEST))
		return bad(task, err, "it lasts too long");
	return run_timer(task, task->start + (int64_t)ns, err);
}

static int start_comp(struct task *task, struct err *err)
{
	const struct exec_settings *settings = task->exec->settings;
	const struct graph_node *node = node_of(task);

	if (settings->system->roofline && !node->is_cpu)
		return run_roofline(task, extra_of(task->exec->graph, node), err);
	return run_duration(task, settings->compute_scale, err);
}

static int start_memory(struct task *task, struct err *err)
{
	const struct exec *exec = task->exec;
	const struct graph_extra *extra = extra_of(exec->graph, node_of(task));
	struct remote *remote = exec->settings->remote;

	if (!remote || remote->kind == REMOTE_NONE)
		return bad(task, err, "it needs a remote memory (--memory)");
	return run_timer(
		task,
		remote_take(remote, exec->net->rank, task->start, extra ? extra->tensor_size : 0),
		err);
}

/* ---- messages ---- */

static struct task *of_message(struct net_message *message)
{
	return (struct task *)((char *)message - offsetof(struct task, message));
}

static void message_done(struct net_message *message, int64_t time)
{
	struct task *task = of_message(message);

	/* it was begun when that was noticed, and cannot have ended before */
	task_over(task, time > task->start ? time : task->start);
}

/* A size that nobody can have meant is most likely negative. */
static int check_size(const struct task *task, uint64_t size, struct err *err)
{
	return size <= INT64_MAX ? 0 : bad(task, err, "comm_size is negative or too large");
}

static int start_message(struct task *task, bool is_send, struct err *err)
{
	const struct graph_node *node = node_of(task);
	const struct graph_extra *extra = extra_of(task->exec->graph, node);
	uint32_t wanted = is_send ? ET_HAS_TARGET : ET_HAS_SOURCE;
	uint64_t size = NET_ANY;
	int64_t peer;

	if (!extra || !(extra->has & wanted))
		return bad(task, err,
			   is_send ? "comm_dst is missing: to which rank?"
				   : "comm_src is missing: of which rank?");
	peer = is_send ? extra->comm_dst : extra->comm_src;
	if (peer < 0 || peer >= task->exec->net->size)
		return bad(task, err, "there is no such rank");
	if (!(extra->has & ET_HAS_SIZE) && is_send)
		return bad(task, err, "comm_size is missing");
	if (extra->has & ET_HAS_SIZE) {
		size = coll_scaled(extra->comm_size, task->exec->settings->size_scale);
		if (check_size(task, extra->comm_size, err) < 0 || check_size(task, size, err) < 0)
			return -1;
	}
	task->message = (struct net_message){
		.peer = (uint32_t)peer,
		.tag = NET_TAG_P2P | (uint64_t)extra->comm_tag,
		.size = size,
		.node_id = node->id,
		.op = RANKOP_P2P,
		.done = message_done,
	};
	if ((is_send ? net_send : net_recv)(task->exec->net, &task->message, err) < 0)
		return -1;
	return 0;
}

static int start_send(struct task *task, struct err *err)
{
	return start_message(task, true, err);
}

static int start_receive(struct task *task, struct err *err)
{
	return start_message(task, false, err);
}

/* ---- collectives ---- */

static const struct {
	enum coll coll;
	bool compat; /* ASTRA-sim does it */
} kinds[] = {
	[ET_ALL_REDUCE] = { COLL_ALL_REDUCE, true },
	[ET_REDUCE] = { COLL_REDUCE, false },
	[ET_ALL_GATHER] = { COLL_ALL_GATHER, true },
	[ET_GATHER] = { COLL_GATHER, false },
	[ET_SCATTER] = { COLL_SCATTER, false },
	[ET_BROADCAST] = { COLL_BROADCAST, false },
	[ET_ALL_TO_ALL] = { COLL_ALL_TO_ALL, true },
	[ET_REDUCE_SCATTER] = { COLL_REDUCE_SCATTER, true },
	[ET_REDUCE_SCATTER_BLOCK] = { COLL_REDUCE_SCATTER, false },
	[ET_BARRIER] = { COLL_BARRIER, false },
};

static void collective_done(struct collective *collective, int64_t time)
{
	struct task *task = (struct task *)((char *)collective - offsetof(struct task, collective));

	task_over(task, time > task->start ? time : task->start);
}

static uint64_t trace_group_id(const char *name)
{
	char *end;
	uint64_t number = strtoull(name, &end, 10);

	if (*name && !*end && number < TEXT_GROUP - TRACE_GROUP)
		return TRACE_GROUP | number;
	/* a text: FNV-1a, 32 bits folded to 19; two that meet are an error of groups_add() */
	for (number = 0x811c9dc5; *name; name++)
		number = (uint32_t)((number ^ (uint8_t)*name) * 0x01000193);
	return TEXT_GROUP | ((number ^ number >> 19) & 0x7ffff);
}

/* Groups of the trace before those of the file. */
static const struct group *group_of(const struct exec *exec, const struct graph_extra *extra)
{
	const struct graph *graph = exec->graph;
	const struct groups *groups = exec->settings->groups;
	const char *name = extra->group == GRAPH_NONE ? "" : graph_name(graph, extra->group);

	for (uint32_t i = 0; *name && i < graph->groups_count; i++)
		if (graph->groups[i].name == extra->group)
			return groups_by_id(groups, trace_group_id(name));
	return groups_find(groups, name);
}

static bool is_member(const struct group *group, uint32_t rank)
{
	for (uint32_t i = 0; i < group->count; i++)
		if (group->ranks[i] == rank)
			return true;
	return false;
}

static uint64_t dims_of(const struct graph_extra *extra)
{
	uint64_t beyond = extra->dims_count < 64 ? UINT64_MAX << extra->dims_count : 0;

	return extra->has & ET_HAS_DIMS ? extra->dims | beyond : UINT64_MAX;
}

static int start_traffic(struct task *task, const struct graph_extra *extra, struct err *err)
{
	const struct exec *exec = task->exec;
	const struct group *group = group_of(exec, extra);
	struct err why = { "" };

	if (!group)
		return bad(task, err,
			   "its group is not known or has ranks that are not there "
			   "(--comm_group)");
	if (!is_member(group, exec->net->rank))
		return bad(task, err, "this rank is not in its group");
	if (extra->sizes_count && extra->sizes_count != group->count)
		return bad(task, err, "comm_sizes must have a size for each member");
	if (check_size(task, extra->comm_size, err) < 0)
		return -1;
	if (extra->root < 0 || extra->root >= group->count)
		return bad(task, err, "there is no such root");
	task->collective = (struct collective){
		.coll = kinds[extra->comm_type].coll,
		.size = extra->comm_size,
		.group = group,
		.dims = dims_of(extra),
		.priority = extra->comm_priority,
		.root = (uint32_t)extra->root,
		.sizes = extra->sizes_count ? exec->graph->sizes + extra->sizes : NULL,
		.node_id = node_of(task)->id,
		.done = collective_done,
	};
	if (collectives_start(exec->collectives, &task->collective, task->start, &why) < 0)
		return bad(task, err, why.text);
	return 0;
}

static int start_collective(struct task *task, struct err *err)
{
	const struct exec *exec = task->exec;
	const struct graph_node *node = node_of(task);
	const struct graph_extra *extra = extra_of(exec->graph, node);

	if (!is_traffic(node, extra))
		return run_duration(task, exec->settings->compute_scale, err);
	if (!extra || !(extra->has & ET_HAS_COMM))
		return bad(task, err, "comm_type is missing");
	if (extra->comm_type >= sizeof(kinds) / sizeof(*kinds))
		return bad(task, err, "a collective of a type that is not known");
	if (exec->settings->compat && extra->comm_type == ET_BROADCAST)
		return run_duration(task, exec->settings->compute_scale, err);
	if (exec->settings->compat && !kinds[extra->comm_type].compat)
		return bad(task, err, "ASTRA-sim has no such collective (--compat)");
	if (!(extra->has & ET_HAS_SIZE) && extra->comm_type != ET_BARRIER && !extra->sizes_count)
		return bad(task, err, "comm_size is missing");
	return start_traffic(task, extra, err);
}

/* ---- all ---- */

static int start_nothing(struct task *task, struct err *err)
{
	(void)err;
	return over_at_once(task);
}

static int (*const start_fns[])(struct task *task, struct err *err) = {
	[ET_INVALID] = start_nothing,   [ET_METADATA] = start_nothing,
	[ET_MEM_LOAD] = start_memory,   [ET_MEM_STORE] = start_memory,
	[ET_COMP] = start_comp,         [ET_COMM_SEND] = start_send,
	[ET_COMM_RECV] = start_receive, [ET_COMM_COLL] = start_collective,
};

int task_start(struct task *task, struct err *err)
{
	if (task->exec->settings->replay_only)
		return run_duration(task, task->exec->settings->compute_scale, err);
	return start_fns[node_of(task)->type](task, err);
}

static void describe_message(const struct task *task, const struct graph_extra *extra, char *buf,
			     size_t size)
{
	bool is_send = node_of(task)->type == ET_COMM_SEND;
	char bytes[32] = "";

	if (task->message.size != NET_ANY)
		snprintf(bytes, sizeof(bytes), ", %" PRIu64 " bytes", task->message.size);
	snprintf(buf, size, ", %s rank %u, tag %" PRIi64 "%s)", is_send ? "to" : "of",
		 task->message.peer, extra->comm_tag, bytes);
}

static void describe_collective(const struct task *task, const struct graph_extra *extra, char *buf,
				size_t size)
{
	char why[160];

	collective_describe(&task->collective, why, sizeof(why));
	snprintf(buf, size, ", %s, %" PRIu64 " bytes%s%s)", et_collective_name(extra->comm_type),
		 extra->comm_size, *why ? "; " : "", why);
}

void task_describe(const struct task *task, char *buf, size_t size)
{
	const struct graph *graph = task->exec->graph;
	const struct graph_node *node = node_of(task);
	const struct graph_extra *extra = extra_of(graph, node);
	int length = snprintf(buf, size, "node %" PRIu64 " '%.60s' (%s", node->id,
			      graph_name(graph, node->name), et_type_name(node->type));

	if (length < 0 || (size_t)length >= size)
		return;
	buf += length;
	size -= (size_t)length;
	if (task->message.done)
		describe_message(task, extra, buf, size);
	else if (task->collective.done)
		describe_collective(task, extra, buf, size);
	else
		snprintf(buf, size, ")");
}

static bool is_there(const struct exec *exec, const struct graph_group *group)
{
	const int64_t *members = exec->graph->members + group->first;

	for (uint32_t i = 0; i < group->count; i++)
		if (members[i] < 0 || members[i] >= exec->net->size)
			return false;
	return true;
}

/* Real traces name more groups than they use, of more ranks than may be there: who uses such a
 * one is told then.
 */
int task_add_groups(struct exec *exec, struct err *err)
{
	const struct graph *graph = exec->graph;
	struct err why;

	for (uint32_t i = 0; i < graph->groups_count; i++) {
		const struct graph_group *group = &graph->groups[i];
		const char *name = graph_name(graph, group->name);

		if (is_there(exec, group) &&
		    groups_add(exec->settings->groups, trace_group_id(name),
			       graph->members + group->first, group->count, exec->net->size,
			       &why) < 0)
			return err_set(err, "%s: group '%s': %s", graph->path, name, why.text);
	}
	return 0;
}
