/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/graph.h"
#include "shared-data.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A file of the published ones; without them the test is skipped. */
static const char *data_file(const char *name, char *path, size_t size)
{
	char relative[64];

	snprintf(relative, sizeof(relative), "chakra/%s", name);
	if (!shared_data(path, size, relative))
		skip();
	return path;
}

static void load(struct graph *graph, const char *path, unsigned deps)
{
	const struct graph_options options = { .deps = deps, .names = true };
	struct err err;

	if (graph_load(graph, path, &options, &err) < 0)
		fail_msg("%s", err.text);
}

/* ---- the published sample ---- */

static void the_sample_has_its_known_numbers(void **state)
{
	static const struct {
		uint64_t id, bytes;
		uint32_t type;
	} collectives[] = {
		{ 435, 212480, ET_BROADCAST },     { 622, 424, ET_BROADCAST },
		{ 3256, 8196000, ET_ALL_REDUCE },  { 3512, 31502336, ET_ALL_REDUCE },
		{ 3686, 26255360, ET_ALL_REDUCE }, { 4486, 26550272, ET_ALL_REDUCE },
		{ 5700, 9724160, ET_ALL_REDUCE },
	};
	static const uint64_t roots[] = { 216, 432, 541, 619, 1634 };
	char path[4096];
	struct graph graph;
	size_t found = 0, gpu = 0, first = 0;

	(void)state;
	load(&graph, data_file("pytorch_ddp.0.et", path, sizeof(path)), GRAPH_DATA);
	assert_int_equal(graph.count, 3664);
	assert_int_equal(graph.by_type[ET_COMP], 3643);
	assert_int_equal(graph.by_type[ET_COMM_COLL], 21);
	assert_int_equal(graph.data_edges, 181878);
	assert_int_equal(graph.ctrl_edges, 3664);
	assert_int_equal(graph.ctrl_dangling, 1277);
	assert_int_equal(graph.ctrl_self, 383);
	assert_int_equal(graph.nodes[0].id, 216);
	assert_int_equal(graph.nodes[graph.count - 1].id, 7022);
	for (uint32_t i = 0; i < graph.count; i++) {
		const struct graph_node *node = &graph.nodes[i];

		gpu += !node->is_cpu;
		if (!node->parents) {
			assert_true(first < 5);
			assert_int_equal(node->id, roots[first++]);
		}
		if (node->is_cpu || node->type != ET_COMM_COLL)
			continue;
		assert_true(found < 7);
		assert_int_equal(node->id, collectives[found].id);
		assert_int_equal(graph.extras[node->extra].comm_size, collectives[found].bytes);
		assert_int_equal(graph.extras[node->extra].comm_type, collectives[found].type);
		found++;
	}
	assert_int_equal(first, 5);
	assert_int_equal(found, 7);
	assert_int_equal(gpu, 1216);
	graph_release(&graph);
}

static void the_children_of_216_come_in_order(void **state)
{
	static const uint64_t children[] = { 217, 430, 435 };
	char path[4096];
	struct graph graph;
	struct graph_walk walk;
	size_t count;

	(void)state;
	load(&graph, data_file("pytorch_ddp.0.et", path, sizeof(path)), GRAPH_DATA);
	graph_children(&graph, graph_find(&graph, 216), &walk);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(graph.nodes[graph_next(&walk)].id, children[i]);
	/* 331 by an independent count */
	for (count = 3; graph_next(&walk) != GRAPH_NONE; count++)
		;
	assert_int_equal(count, 331);
	graph_release(&graph);
}

static void control_edges_close_a_cycle(void **state)
{
	const struct graph_options options = { .deps = GRAPH_DATA | GRAPH_CTRL };
	unsigned long long first, last = 0;
	char path[4096], *at;
	struct graph graph;
	struct err err;

	(void)state;
	data_file("pytorch_ddp.0.et", path, sizeof(path));
	assert_int_equal(graph_load(&graph, path, &options, &err), -1);
	at = strstr(err.text, "nodes wait for each other: ");
	assert_non_null(at);
	at = strchr(at, ':') + 1;
	first = strtoull(at, &at, 10);
	for (; !strncmp(at, " -> ", 4); last = strtoull(at + 4, &at, 10))
		;
	assert_int_equal(first, last);
	/* 1381 can run, by an independent count */
	assert_non_null(strstr(err.text, "(2283 of 3664 nodes can never run)"));
}

/* ---- small traces, as JSON ---- */

static void write_file(char *path, const char *text)
{
	int fd;

	strcpy(path, "/tmp/unit-graph.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void refuses(const char *text, unsigned deps, const char *what)
{
	const struct graph_options options = { .deps = deps };
	struct err err = { "" };
	struct graph graph;
	char path[64];

	write_file(path, text);
	assert_int_equal(graph_load(&graph, path, &options, &err), -1);
	unlink(path);
	if (!strstr(err.text, what))
		fail_msg("'%s' does not say '%s'", err.text, what);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	refuses("", 0, "the file is empty");
	refuses("{\"workload_graph\": [{\"Id\": 1}, {\"Id\": 1}]}", 0, "two nodes have the id 1");
	refuses("{\"workload_graph\": [{\"Id\": 1}", 0, "the file ends");
	refuses("{\"workload_graph\": [{\"Id\": 1, \"data_deps\": 3}]}", 0, "no list of ids");
	refuses("{\"workload_graph\": [{\"Id\": \"x\"}]}", 0, "its id is no number");
	refuses("{\"workload_graph\": [7]}", 0, "a '{' is wanted");
	refuses("{\"other\": {}}", 0, "no");
	refuses("{\"workload_graph\": [{\"Id\": 1, \"data_deps\": [2]},"
		"{\"Id\": 2, \"data_deps\": [3]}, {\"Id\": 3, \"data_deps\": [1]}]}",
		0, "nodes wait for each other: ");
}

static void edges_to_nowhere_are_counted(void **state)
{
	struct graph graph;
	char path[64];

	(void)state;
	write_file(path, "{\"workload_graph\": [{\"Id\": 5, \"data_deps\": [5, 9, 1, 1], "
			 "\"ctrlDeps\": [5, 7]}, {\"Id\": 1, \"NodeType\": 77}]}");
	load(&graph, path, GRAPH_DATA);
	unlink(path);
	assert_int_equal(graph.count, 2);
	assert_int_equal(graph.data_edges, 4);
	assert_int_equal(graph.data_self, 1);
	assert_int_equal(graph.data_dangling, 1);
	assert_int_equal(graph.repeated, 1);
	assert_int_equal(graph.ctrl_self, 1);
	assert_int_equal(graph.ctrl_dangling, 1);
	assert_int_equal(graph.unknown, 1);
	assert_int_equal(graph.nodes[1].parents, 1);
	graph_release(&graph);
}

/* ---- against the plainest model ---- */

#define NODES 300

/* Node i has id 7 * order[i] + 3; edges go from lower to higher i, so there is no cycle. */
static void random_graphs_are_what_was_written(void **state)
{
	static bool edge[NODES][NODES];
	uint32_t order[NODES], child;
	struct graph_walk walk;
	struct random random;
	struct graph graph;
	char path[64];
	FILE *file;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		random_init(&random, seed, "graph", 0);
		for (uint32_t i = 0; i < NODES; i++)
			order[i] = i;
		if (seed % 2)
			random_shuffle(&random, order, NODES);
		write_file(path, "");
		file = fopen(path, "w");
		fputs("{\"workload_graph\": [", file);
		memset(edge, 0, sizeof(edge));
		for (uint32_t i = 0; i < NODES; i++) {
			fprintf(file, "%s{\"Id\": %u, \"data_deps\": [", i ? "," : "",
				7 * order[i] + 3);
			for (uint32_t k = 0, n = 0; i && k < random_below(&random, 30); k++) {
				uint32_t parent = (uint32_t)random_below(&random, i);

				edge[order[parent]][order[i]] = true;
				fprintf(file, "%s%u", n++ ? "," : "", 7 * order[parent] + 3);
			}
			fputs("]}", file);
		}
		fputs("]}", file);
		fclose(file);
		load(&graph, path, GRAPH_DATA);
		unlink(path);
		assert_int_equal(graph.count, NODES);
		for (uint32_t i = 0; i < NODES; i++) {
			assert_int_equal(graph.nodes[i].id, 7 * i + 3);
			graph_children(&graph, i, &walk);
			for (uint32_t k = 0; k < NODES; k++) {
				if (edge[i][k])
					assert_int_equal(graph_next(&walk), k);
			}
			child = graph_next(&walk);
			assert_int_equal(child, GRAPH_NONE);
		}
		graph_release(&graph);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_has_its_known_numbers),
		cmocka_unit_test(the_children_of_216_come_in_order),
		cmocka_unit_test(control_edges_close_a_cycle),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(edges_to_nowhere_are_counted),
		cmocka_unit_test(random_graphs_are_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
