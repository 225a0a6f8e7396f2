/* SPDX-License-Identifier: Apache-2.0 */
/* bench-replay.c - how fast the executor goes through traces, and the model carries messages
 *
 *	bench-replay [NODES [RANKS]]
 *
 * Nodes per second of processor time (NODES, 1,000,000, of several shapes), beside the bare
 * event queue with as many events, which nothing can be faster than; bytes for each node, of
 * the graph, which all ranks share, and of what each rank adds.  Then one ring
 * all-reduce among RANKS (1,000) ranks on the model: messages per second and bytes for
 * each rank.  Last what a Chrome trace costs: messages over a network that has nothing else
 * to do and timed nodes, NODES of each, at every level, in turns; ns of each, and of each record
 * beyond what `off` takes.  Each case is a process of its own.
 */
#include "exec-world.h"
#include "made-trace.h"
#include "result/timeline.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss * 1024;
}

static uint64_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((seed >> 33) % below);
}

static void check(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench-replay: %s\n", err->text);
	exit(1);
}

/* --- traces --- */

#define MOST_PARENTS 50

struct shape {
	const char *name;
	uint32_t parents, window; /* each draws so many of so many before it */
	bool timed;
};

static const struct shape shapes[] = {
	{ "chain of timers", 1, 1, true },      { "chain of nothing", 1, 1, false },
	{ "3 parents of 1000", 3, 1000, true }, { "50 parents of 1000", 50, 1000, true },
	{ "no parents", 0, 1, true },
};

static void make_graph(const struct shape *shape, uint32_t nodes, struct graph *graph)
{
	uint64_t parents[MOST_PARENTS];
	struct bytes trace;
	struct err err;

	made_begin(&trace);
	for (uint64_t i = 0; i < nodes; i++) {
		struct made node = {
			.id = i,
			.type = shape->timed ? ET_COMP : ET_METADATA,
			.us = 1 + draw(100),
			.cpu = shape->parents != 1 && draw(2),
			.parents = i >= shape->window ? shape->parents : 0,
			.parent = parents,
		};

		for (uint32_t p = 0; p < node.parents; p++)
			parents[p] = i - 1 - draw(shape->window);
		made_add(&trace, &node);
	}
	check(made_load(&trace, graph, &err), &err);
}

/* --- ranks on a model --- */

static uint64_t messages; /* that were sent */

static void count_message(void *arg, const struct net *net, const struct net_message *message,
			  bool sent)
{
	(void)arg;
	(void)net;
	(void)message;
	messages += sent;
}

static void make_world(struct world *world, const char *model, uint32_t size)
{
	check(world_create(world, model, size, NULL), &world->err);
}

/* All ranks go through GRAPH.  Returns seconds of it. */
static double run_world(struct world *world, const struct graph *graph)
{
	double before = now();

	for (uint32_t i = 0; i < world->size; i++) {
		struct net *net = model_net(world->model, i);

		net->told = count_message;
		check(world_rank(world, i, graph), &world->err);
	}
	check(world_go(world), &world->err);
	if (world->done != world->size) {
		fprintf(stderr, "bench-replay: not all ranks have come to their end\n");
		exit(1);
	}
	return now() - before;
}

/* --- cases --- */

/* The bare event queue, one timer after the other. */
static double queue_time(uint32_t events)
{
	struct evq queue;
	struct evq_node node = { 0 };
	double before = now();

	evq_init(&queue);
	for (uint32_t i = 0; i < events; i++) {
		if (evq_add(&queue, &node, i, 0) < 0 || !evq_next(&queue))
			exit(1);
	}
	evq_release(&queue);
	return now() - before;
}

static uint64_t graph_bytes(const struct graph *graph)
{
	return graph->count * sizeof(*graph->nodes) + graph->edges_size +
	       graph->extras_count * sizeof(*graph->extras);
}

static void run_shape(const struct shape *shape, uint32_t nodes)
{
	struct exec_result result;
	struct graph graph;
	struct world world;
	double time, queue;

	make_graph(shape, nodes, &graph);
	make_world(&world, "topology=Ring", 1);
	time = run_world(&world, &graph);
	queue = queue_time(nodes);
	exec_result(world.execs[0], &result);
	printf("%-20s %9u nodes %11.0f nodes/s %6.1f x queue %6.1f B/node graph %6.1f B/node "
	       "rank\n",
	       shape->name, nodes, nodes / time, time / queue, (double)graph_bytes(&graph) / nodes,
	       (double)result.resident / nodes);
}

static void run_all_reduce(const char *model, uint32_t ranks)
{
	struct made node = {
		.id = 1,
		.type = ET_COMM_COLL,
		.has = ET_HAS_COMM | ET_HAS_SIZE,
		.comm = ET_ALL_REDUCE,
		.size = 1 << 20,
	};
	struct graph graph;
	struct bytes trace;
	struct world world;
	double time, before;

	made_begin(&trace);
	made_add(&trace, &node);
	check(made_load(&trace, &graph, &world.err), &world.err);
	before = peak();
	make_world(&world, model, ranks);
	time = run_world(&world, &graph);
	printf("%-42s %5u ranks %9llu messages %9.0f messages/s %7.0f B/rank\n", model, ranks,
	       (unsigned long long)messages, (double)messages / time, (peak() - before) / ranks);
}

/* --- Chrome traces --- */

static const char *const level_names[] = { "off", "workload", "event" };

/* The timeline of a level, to nowhere: no disk is measured. */
static void open_timeline(struct timeline *timeline, enum timeline_level level)
{
	struct err err;

	check(timeline_open(timeline, level, false, "/dev/null", &err), &err);
	timeline->most = UINT64_MAX - 1;
	timeline_begin(timeline, 1, 0);
	timeline_rank(timeline, 0);
}

/* What is handed over has ended by the next poll. */
static struct net_message *handed;

static int hand_over(struct net *net, struct net_message *message, struct err *err)
{
	(void)net;
	(void)err;
	handed = message;
	return 0;
}

static int poll_handed(struct net *net, struct err *err)
{
	struct net_message *message = handed;

	(void)err;
	if (!message)
		return 0;
	handed = NULL;
	net_done(net, message, 0);
	return 1;
}

static void ignore(struct net_message *message, int64_t time)
{
	(void)message;
	(void)time;
}

static const struct net_ops idle_ops = {
	.send = hand_over,
	.recv = hand_over,
	.poll = poll_handed,
};

/* A send and a poll, and a poll for nothing.  Returns seconds of all. */
static double messages_time(struct timeline *timeline, uint32_t count)
{
	struct net_count counts[2] = { 0 };
	struct loop loop;
	struct net net = { .ops = &idle_ops, .loop = &loop, .size = 2, .counts = counts };
	struct net_message message = { .peer = 1, .size = 65536, .done = ignore };
	struct err err;
	double before;

	loop_init(&loop, &loop_real_clock);
	loop_start(&loop);
	timeline_watch(timeline, &net);
	before = now();
	for (uint32_t i = 0; i < count; i++) {
		check(net_send(&net, &message, &err), &err);
		net_poll(&net, &err);
		net_poll(&net, &err);
	}
	before = now() - before;
	loop_release(&loop);
	return before;
}

struct watched {
	struct timeline *timeline;
	const struct graph *graph;
};

static void node_ended(void *arg, uint32_t node, enum lane lane, int64_t start, int64_t end,
		       const struct collective *collective)
{
	struct watched *watched = arg;

	(void)collective;
	if (watched->timeline->level)
		timeline_node(watched->timeline, 0, watched->graph,
			      &(struct timeline_slice){ node, lane, start, end });
}

static double nodes_time(struct timeline *timeline, const struct graph *graph)
{
	struct watched watched = { timeline, graph };
	struct world world;

	make_world(&world, "topology=Ring", 1);
	world.settings.ended = node_ended;
	world.settings.arg = &watched;
	timeline_watch(timeline, model_net(world.model, 0));
	return run_world(&world, graph);
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

#define ROUNDS 5

static void run_levels(const char *what, uint32_t count, const struct graph *graph)
{
	double times[3] = { 1e9, 1e9, 1e9 };
	uint64_t records[3] = { 0 };

	for (int round = 0; round < ROUNDS; round++) {
		for (int level = TIMELINE_OFF; level <= TIMELINE_EVENT; level++) {
			struct timeline timeline = { 0 };
			double time;

			open_timeline(&timeline, (enum timeline_level)level);
			time = graph ? nodes_time(&timeline, graph)
				     : messages_time(&timeline, count);
			times[level] = least(times[level], time);
			records[level] = timeline.records;
			timeline_leave(&timeline);
		}
	}
	for (int level = TIMELINE_OFF; level <= TIMELINE_EVENT; level++) {
		printf("Chrome trace %-8s %-16s %7.1f ns each", level_names[level], what,
		       times[level] / count * 1e9);
		if (records[level])
			printf(" %9llu records %7.1f ns/record", (unsigned long long)records[level],
			       (times[level] - times[0]) / (double)records[level] * 1e9);
		putchar('\n');
	}
}

static void trace_case(size_t which, uint32_t count)
{
	struct graph graph;

	if (which == 0) {
		run_levels("sends and polls", count, NULL);
		return;
	}
	make_graph(&shapes[0], count, &graph);
	run_levels("timed nodes", count, &graph);
}

static void apart(void (*run)(size_t which, uint32_t count), size_t which, uint32_t count)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		run(which, count);
		fflush(stdout);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || status)
		exit(1);
}

static const char *const models[] = {
	"topology=Ring",
	"topology=Ring,congestion=yes",
	"topology=Switch,congestion=yes",
	"topology=xgft:10x10x10:1x10x10@rate=1GB/s",
};

static void shape_case(size_t which, uint32_t count)
{
	/* fifty edges a node: not as many nodes */
	run_shape(&shapes[which], shapes[which].parents > 10 ? count / 10 : count);
}

static void model_case(size_t which, uint32_t count)
{
	run_all_reduce(models[which], count);
}

int main(int argc, char **argv)
{
	uint32_t nodes = argc > 1 ? (uint32_t)atol(argv[1]) : 1000000;
	uint32_t ranks = argc > 2 ? (uint32_t)atol(argv[2]) : 1000;

	if (nodes < 10 || ranks < 2) {
		fprintf(stderr, "usage: bench-replay [NODES [RANKS]]\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		apart(shape_case, i, nodes);
	/* the last has 1,000 hosts */
	for (size_t i = 0; i < sizeof(models) / sizeof(*models) - (ranks > 1000); i++)
		apart(model_case, i, ranks);
	for (size_t i = 0; i < 2; i++)
		apart(trace_case, i, nodes);
	return 0;
}
