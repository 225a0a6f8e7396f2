/* SPDX-License-Identifier: Apache-2.0 */
#include "result/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Names that need care: quotes, a control character, UTF-8, and what is not. */
static char text[] = "plain\0a\"b\\c\n\0\xc3\xa9\0\xe9";
static uint64_t names[] = { 0, 6, 13, 16 };
static struct graph_node nodes[] = {
	{ .id = 10, .name = 0, .type = ET_COMP },
	{ .id = 11, .name = 1, .type = ET_COMP, .is_cpu = true },
	{ .id = 12, .name = 2, .type = ET_COMM_COLL },
	{ .id = UINT64_MAX, .name = 3, .type = ET_COMM_RECV },
};
static const struct graph graph = {
	.nodes = nodes,
	.count = 4,
	.text = text,
	.names = names,
	.names_count = 4,
};

static char path[64];

static void write_all(enum timeline_level level, bool merged, unsigned times)
{
	static const enum lane lanes[] = { LANE_COMP, LANE_CPU, LANE_COMM, LANE_NONE };
	struct loop loop;
	struct net net = { .loop = &loop, .rank = 3 };
	struct net_message message = { .peer = 1, .size = 4096, .tag = NET_TAG_P2P | 7 };
	struct timeline timeline;
	struct err err;

	loop_init(&loop, NULL);
	assert_int_equal(timeline_open(&timeline, level, merged, path, &err), 0);
	timeline_begin(&timeline, 1000, 3);
	timeline_rank(&timeline, 3);
	for (unsigned i = 0; i < times; i++) {
		for (uint32_t node = 0; node < 4; node++)
			timeline_node(&timeline, 3, &graph, node, lanes[node], 1001 * (i + 1),
				      1001 * (i + 1) + 2500);
		timeline_message(&timeline, &net, &message, true);
		timeline_message(&timeline, &net, &message, false);
	}
	assert_int_equal(timeline_close(&timeline, &err), 0);
	timeline_abort(&timeline);
	loop_release(&loop);
}

static json_t *read_back(void)
{
	json_error_t why;
	json_t *root = json_load_file(path, 0, &why);

	if (!root)
		fail_msg("line %d: %s", why.line, why.text);
	unlink(path);
	return root;
}

/* Slices named NAME (NULL: any) on track TID (0: any). */
static unsigned count(const json_t *root, const char *name, json_int_t tid)
{
	json_t *event;
	unsigned found = 0;
	size_t i;

	json_array_foreach(json_object_get(root, "traceEvents"), i, event)
	{
		const char *own = json_string_value(json_object_get(event, "name"));

		if (strcmp(json_string_value(json_object_get(event, "ph")), "X"))
			continue;
		assert_int_equal(json_integer_value(json_object_get(event, "pid")), 3);
		found += (!name || !strcmp(own, name)) &&
			 (!tid || json_integer_value(json_object_get(event, "tid")) == tid);
	}
	return found;
}

static void all_nodes_and_messages_are_there(void **state)
{
	json_t *root;

	(void)state;
	write_all(TIMELINE_EVENT, false, 5);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 5 * 6);
	assert_int_equal(count(root, "10:plain", 2), 5);
	assert_int_equal(count(root, "11:a\"b\\c\n", 1), 5);
	assert_int_equal(count(root, "12:\xc3\xa9", 9), 5);
	assert_int_equal(count(root, "18446744073709551615:\xc3\xa9", 9), 5);
	assert_int_equal(count(root, "SIM_SEND", 3), 5);
	assert_int_equal(count(root, "POLL_RECV_COMPLETE", 6), 5);
	json_decref(root);
}

static void levels_and_lanes(void **state)
{
	json_t *root;

	(void)state;
	write_all(TIMELINE_WORKLOAD, true, 2);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 2 * 4);
	assert_int_equal(count(root, NULL, 1), 2);
	assert_int_equal(count(root, NULL, 2), 6);
	json_decref(root);
	write_all(TIMELINE_OFF, false, 2);
	assert_int_equal(access(path, F_OK), -1);
}

static void times_are_exact(void **state)
{
	char line[512];
	unsigned found = 0;
	FILE *in;

	(void)state;
	write_all(TIMELINE_WORKLOAD, false, 1);
	in = fopen(path, "r");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in))
		found += strstr(line, "\"ts\":1.001,\"dur\":2.500}") != NULL;
	fclose(in);
	unlink(path);
	assert_int_equal(found, 4);
}

static void the_number_of_records_is_bounded(void **state)
{
	struct timeline timeline;
	struct err err;
	json_t *root;

	(void)state;
	setenv("CHROMETRACE_SIZE", "7", 1);
	write_all(TIMELINE_EVENT, false, 50);
	root = read_back();
	assert_int_equal(count(root, NULL, 0), 7);
	json_decref(root);
	setenv("CHROMETRACE_SIZE", "many", 1);
	assert_int_equal(timeline_open(&timeline, TIMELINE_EVENT, false, path, &err), -1);
	assert_non_null(strstr(err.text, "many"));
	unsetenv("CHROMETRACE_SIZE");
}

static void the_environment_has_genies_words(void **state)
{
	static const struct {
		const char *word;
		int rc;
		enum timeline_level level;
	} rows[] = {
		{ "NONE", 0, TIMELINE_OFF },    { "WORKLOAD", 0, TIMELINE_WORKLOAD },
		{ "EVENT", 0, TIMELINE_EVENT }, { "EVENT_QUEUE", 0, TIMELINE_EVENT },
		{ "", 0, TIMELINE_OFF },        { "ALL", -1, TIMELINE_OFF },
	};
	enum timeline_level level;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		setenv("CHROMETRACE", rows[i].word, 1);
		assert_int_equal(timeline_environment(&level, &err), rows[i].rc);
		assert_int_equal(level, rows[i].level);
	}
	unsetenv("CHROMETRACE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_nodes_and_messages_are_there),
		cmocka_unit_test(levels_and_lanes),
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(the_number_of_records_is_bounded),
		cmocka_unit_test(the_environment_has_genies_words),
	};

	snprintf(path, sizeof(path), "/tmp/unit-timeline.%d.json", (int)getpid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
