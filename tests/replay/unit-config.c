/* SPDX-License-Identifier: Apache-2.0 */
#include "config/system.h"
#include "shared-data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "made-file.h"

/* A text and what is said of it. */
struct bad {
	const char *text, *what;
};

/* Each is an error that names the file. */
static void check_bad(const struct bad *rows, size_t count,
		      int (*read)(const char *path, struct err *err))
{
	char path[64];
	struct err err;

	for (size_t i = 0; i < count; i++) {
		made_file(path, rows[i].text);
		err.text[0] = '\0';
		assert_int_equal(read(path, &err), -1);
		unlink(path);
		if (!strstr(err.text, rows[i].what) || !strstr(err.text, path))
			fail_msg("%s: '%s' is not in '%s'", rows[i].text, rows[i].what, err.text);
	}
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* --- system.json --- */

static void read_system(struct system *system, const char *text)
{
	char path[64];
	struct err err;
	int rc;

	made_file(path, text);
	system_init(system);
	rc = system_read(system, path, &err);
	unlink(path);
	if (rc < 0)
		fail_msg("%s", err.text);
}

static void all_keys_are_read(void **state)
{
	struct system system;

	(void)state;
	read_system(&system,
		    "{ \"scheduling-policy\": \"EXPLICIT\", \"endpoint-delay\": 25,\n"
		    "\"active-chunks-per-dimension\": 3, \"preferred-dataset-splits\": 8,\n"
		    "\"all-reduce-implementation\": [\"ring\", \"halvingDoubling\"],\n"
		    "\"all-gather-implementation\": [\"direct4\"],\n"
		    "\"reduce-scatter-implementation\": [\"oneRing\"],\n"
		    "\"all-to-all-implementation\": [\"direct\", \"ring\", \"direct2\"],\n"
		    "\"all-gather-implementation-custom\": [\"a/b\"],\n"
		    "\"collective-optimization\": \"localBWAware\", \"local-mem-bw\": 1600,\n"
		    "\"peak-perf\": 900, \"roofline-enabled\": 1, \"replay-only\": 0,\n"
		    "\"model-shared-bus\": 1, \"L\": 1, \"o\": 2, \"g\": 3, \"G\": 0.5,\n"
		    "\"local-reduction-delay\": 7, \"boost-mode\": 0,\n"
		    "\"trace-enabled\": false, \"track-local-mem\": 0,\n"
		    "\"local-mem-trace-filename\": \"m\" }\n");
	assert_int_equal(system.policy, POLICY_EXPLICIT);
	assert_int_equal(system.endpoint_delay, 25);
	assert_int_equal(system.active_chunks, 3);
	assert_int_equal(system.splits, 8);
	assert_int_equal(system.all_reduce_count, 2);
	assert_int_equal(system.all_reduce[0].kind, ALGORITHM_RING);
	assert_int_equal(system.all_reduce[1].kind, ALGORITHM_HALVING_DOUBLING);
	assert_int_equal(system.all_gather[0].kind, ALGORITHM_DIRECT);
	assert_int_equal(system.all_gather[0].window, 4);
	assert_true(system.reduce_scatter[0].flat);
	assert_int_equal(system.all_to_all_count, 3);
	assert_int_equal(system.all_to_all[2].window, 2);
	assert_null(system.custom[0]);
	assert_string_equal(system.custom[1], "a/b");
	assert_true(system.local_bw_aware);
	assert_true(system.memory_bw == 1600);
	assert_true(system.peak == 900000);
	assert_true(system.roofline);
	assert_false(system.replay_only);
	assert_true(system.shared_bus);
	assert_true(system.bus_L == 1 && system.bus_o == 2 && system.bus_g == 3);
	assert_true(system.bus_G == 0.5);
	assert_int_equal(system.reduction_delay, 7);
	assert_string_equal(system.ignored, "");
	system_release(&system);
}

static void what_is_not_said_is_as_usual(void **state)
{
	struct system system;

	(void)state;
	read_system(&system, "{}");
	assert_int_equal(system.policy, POLICY_LIFO);
	assert_int_equal(system.endpoint_delay, 10);
	assert_int_equal(system.active_chunks, 1);
	assert_int_equal(system.splits, 1);
	assert_int_equal(system.all_to_all_count, 1);
	assert_int_equal(system.all_to_all[0].kind, ALGORITHM_RING);
	assert_false(system.local_bw_aware);
	assert_false(system.roofline);
	system_release(&system);
}

/* The same number or flag, as others write it. */
static void values_may_be_texts(void **state)
{
	static const struct {
		const char *text;
		bool roofline;
	} rows[] = {
		{ "{\"roofline-enabled\": true, \"endpoint-delay\": \"25\"}", true },
		{ "{\"roofline-enabled\": 1, \"endpoint-delay\": 25.0}", true },
		{ "{\"roofline-enabled\": \"1\", \"endpoint-delay\": \"25.0\"}", true },
		{ "{\"roofline-enabled\": \"true\", \"endpoint-delay\": 25}", true },
		{ "{\"roofline-enabled\": false, \"endpoint-delay\": 25}", false },
		{ "{\"roofline-enabled\": \"0\", \"endpoint-delay\": 25}", false },
		{ "{\"all-reduce-implementation\": \"ring\", \"endpoint-delay\": 25}", false },
	};
	struct system system;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		read_system(&system, rows[i].text);
		assert_int_equal(system.roofline, rows[i].roofline);
		assert_int_equal(system.endpoint_delay, 25);
		system_release(&system);
	}
}

static void unknown_keys_are_collected(void **state)
{
	char text[4096] = "{";
	struct system system;

	(void)state;
	read_system(&system, "{\"enpoint-delay\": 1, \"boost-mode\": 1, \"color\": \"red\"}");
	assert_string_equal(system.ignored, "enpoint-delay, color");
	system_release(&system);
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "%s\"a-key-nobody-knows-%d\": 1", i ? ", " : "", i);
	strcat(text, "}");
	read_system(&system, text);
	assert_true(strlen(system.ignored) < sizeof(system.ignored));
	assert_non_null(strstr(system.ignored, "a-key-nobody-knows-3"));
	system_release(&system);
}

static void nodes_have_traces_of_their_own(void **state)
{
	char yaml[64], text[256];
	struct system system;

	(void)state;
	made_file(yaml, "12: custom/a\n4294967296: b\n");
	snprintf(text, sizeof(text), "{\"per-node-custom-implementation\": \"%s\"}", yaml);
	read_system(&system, text);
	unlink(yaml);
	assert_int_equal(system.custom_nodes_count, 2);
	assert_int_equal(system.custom_nodes[0].id, 12);
	assert_string_equal(system.custom_nodes[0].prefix, "custom/a");
	assert_int_equal(system.custom_nodes[1].id, 4294967296);
	system_release(&system);
}

static int try_system(const char *path, struct err *err)
{
	struct system system;
	int rc;

	system_init(&system);
	rc = system_read(&system, path, err);
	system_release(&system);
	return rc;
}

static void says_what_is_wrong_with_a_system(void **state)
{
	static const struct bad rows[] = {
		{ "{\n\"endpoint-delay\": 1,\n]", ":3: " },
		{ "", ":1: " },
		{ "[1]", "an object" },
		{ "{\"scheduling-policy\": \"RANDOM\"}", "'scheduling-policy': LIFO, FIFO or" },
		{ "{\"scheduling-policy\": 1}", "'scheduling-policy': LIFO, FIFO or" },
		{ "{\"endpoint-delay\": -1}", "'endpoint-delay': a whole number" },
		{ "{\"endpoint-delay\": 1.5}", "'endpoint-delay': a whole number" },
		{ "{\"endpoint-delay\": \"1x\"}", "'endpoint-delay': a number" },
		{ "{\"endpoint-delay\": \"\"}", "'endpoint-delay': a number" },
		{ "{\"endpoint-delay\": []}", "'endpoint-delay': a number" },
		{ "{\"endpoint-delay\": 1e300}", "'endpoint-delay': a whole number" },
		{ "{\"local-mem-bw\": \"inf\"}", "'local-mem-bw': a number" },
		{ "{\"local-mem-bw\": \"nan\"}", "'local-mem-bw': a number" },
		{ "{\"local-mem-bw\": -3}", "'local-mem-bw': a number that is not negative" },
		{ "{\"peak-perf\": null}", "'peak-perf': a number" },
		{ "{\"preferred-dataset-splits\": 0}", "'preferred-dataset-splits': at least 1" },
		{ "{\"active-chunks-per-dimension\": 0}", "at least 1" },
		{ "{\"roofline-enabled\": \"perhaps\"}", "'roofline-enabled': true or false" },
		{ "{\"all-reduce-implementation\": []}", "the list is empty" },
		{ "{\"all-reduce-implementation\": [7]}", "a list of algorithms" },
		{ "{\"all-reduce-implementation\": [\"rign\"]}", "'all-reduce-implementation': " },
		{ "{\"all-to-all-implementation\": [\"ring\",\"ring\",\"ring\",\"ring\",\"ring\","
		  "\"ring\",\"ring\",\"ring\",\"ring\",\"ring\",\"ring\",\"ring\",\"ring\","
		  "\"ring\",\"ring\",\"ring\",\"ring\"]}",
		  "at most 16" },
		{ "{\"all-reduce-implementation-custom\": [\"a\", \"b\"]}", "a list of one" },
		{ "{\"per-node-custom-implementation\": [1]}", "the name of a file" },
		{ "{\"collective-optimization\": \"best\"}", "baseline or localBWAware" },
	};
	struct err err;

	(void)state;
	check_bad(rows, COUNT(rows), try_system);
	assert_int_equal(try_system("/nonexistent/system.json", &err), -1);
	assert_string_equal(err.text, "unable to open '/nonexistent/system.json': No such file or "
				      "directory");
}

static void says_what_is_wrong_with_traces_of_nodes(void **state)
{
	static const struct bad rows[] = {
		{ "- 1\n", "a map of node ids" },
		{ "twelve: a\n", "'twelve' is no node id" },
		{ "12: [a]\n", ":1: 'ID: PREFIX'" },
		{ "12: 'a\n", ":" },
	};
	char yaml[64], json[64], text[256];
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		made_file(yaml, rows[i].text);
		snprintf(text, sizeof(text), "{\"per-node-custom-implementation\": \"%s\"}", yaml);
		made_file(json, text);
		assert_int_equal(try_system(json, &err), -1);
		unlink(yaml);
		unlink(json);
		if (!strstr(err.text, rows[i].what) || !strstr(err.text, yaml))
			fail_msg("'%s' is not in '%s'", rows[i].what, err.text);
	}
}

static void files_of_others_are_read(void **state)
{
	static const char *const names[] = { "chakra/Ring_4chunks.json",
					     "chakra/genie_all_gather_4/system.json" };
	char path[4096];
	struct system system;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		if (!shared_data(path, sizeof(path), names[i]))
			skip();
		system_init(&system);
		if (system_read(&system, path, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(system.policy, POLICY_LIFO);
		assert_int_equal(system.endpoint_delay, 10);
		assert_int_equal(system.splits, i ? 1 : 4);
		assert_true(system.local_bw_aware);
		assert_true(system.memory_bw == 1600);
		assert_string_equal(system.ignored, "");
		system_release(&system);
	}
}

/* --- logical dimensions --- */

static int try_dims(const char *path, struct err *err)
{
	struct dims dims;

	return dims_read(&dims, path, err);
}

static void dimensions_are_read_from_files_and_texts(void **state)
{
	static const struct bad bad[] = {
		{ "{\"logical-dims\": []}", "'logical-dims': a list of sizes" },
		{ "{\"logical-dims\": 4}", "a list of sizes" },
		{ "{}", "'logical-dims': a list of sizes" },
		{ "{\"logical-dims\": [\"4\", \"0\"]}", "above 0" },
		{ "{\"logical-dims\": [\"4\", \"two\"]}", "a number" },
		{ "{\"logical-dims\": [2.5]}", "a whole number" },
		{ "{\"logical-dims\": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "1 to 16 sizes" },
	};
	static const char *const bad_texts[] = { "",    "x",    "4x", "4x0",  "4x-2",
						 "4*2", "4x2 ", " 4", "4xx2", "99999999999" };
	char path[64];
	struct dims dims;
	struct err err;

	(void)state;
	made_file(path, "{\"logical-dims\": [\"4\", 2, \"3\"]}");
	assert_int_equal(dims_read(&dims, path, &err), 0);
	unlink(path);
	assert_int_equal(dims.count, 3);
	assert_int_equal(dims_product(&dims), 24);
	assert_int_equal(dims_parse(&dims, "4x2x3", &err), 0);
	assert_int_equal(dims.size[0], 4);
	assert_int_equal(dims.size[2], 3);
	check_bad(bad, COUNT(bad), try_dims);
	for (size_t i = 0; i < COUNT(bad_texts); i++)
		assert_int_equal(dims_parse(&dims, bad_texts[i], &err), -1);
	assert_int_equal(dims_parse(&dims, "4000000000x4000000000x4000000000", &err), 0);
	assert_int_equal(dims_product(&dims), UINT64_MAX);
}

static void who_is_in_a_dimension(void **state)
{
	static const uint32_t first[] = { 12, 13, 14, 15 }, second[] = { 10, 14 },
			      third[] = { 6, 14, 22 };
	struct dims dims;
	uint32_t ranks[4];
	struct err err;

	(void)state;
	assert_int_equal(dims_parse(&dims, "4x2x3", &err), 0);
	assert_int_equal(dims_place(&dims, 14, 0), 2);
	assert_int_equal(dims_place(&dims, 14, 1), 1);
	assert_int_equal(dims_place(&dims, 14, 2), 1);
	dims_ring(&dims, 14, 0, ranks);
	assert_memory_equal(ranks, first, sizeof(first));
	dims_ring(&dims, 14, 1, ranks);
	assert_memory_equal(ranks, second, sizeof(second));
	dims_ring(&dims, 14, 2, ranks);
	assert_memory_equal(ranks, third, sizeof(third));
}

/* --- groups --- */

static int try_groups(const char *path, struct err *err)
{
	struct groups groups;
	int rc;

	assert_int_equal(groups_init(&groups, 8), 0);
	rc = groups_read(&groups, path, 8, err);
	groups_release(&groups);
	return rc;
}

static void says_what_is_wrong_with_groups(void **state)
{
	static const struct bad rows[] = {
		{ "{\"1\": [0, 8]}", "group 1 has a rank 8, but there are 8 ranks" },
		{ "{\"1\": [0, -1]}", "group 1 has a rank -1" },
		{ "{\"1\": [3, 1, 3]}", "group 1 has a rank twice" },
		{ "{\"1\": []}", "'1': a list of ranks" },
		{ "{\"1\": 5}", "'1': a list of ranks" },
		{ "{\"1\": [\"a\"]}", "'1': ranks are whole numbers" },
		{ "{\"0\": [1]}", "'0': a group's name is a number above 0" },
		{ "{\"-1\": [1]}", "a number above 0" },
		{ "{\"first\": [1]}", "'first': a group's name" },
		{ "{\"\": [1]}", "a group's name" },
		{ "{\"1\": [0],\n \"2\": [}", ":2: " },
		{ "[]", "an object" },
	};

	(void)state;
	check_bad(rows, COUNT(rows), try_groups);
}

static void groups_keep_their_order_and_their_place(void **state)
{
	static const uint32_t order[] = { 5, 4, 7 };
	static const int64_t same[] = { 5, 4, 7 }, other[] = { 4, 5, 7 }, twins[] = { 4, 5, 4 };
	const struct group *second;
	struct groups groups;
	char path[64];
	struct err err;

	(void)state;
	assert_int_equal(groups_init(&groups, 8), 0);
	made_file(path, "{\"1\": [0, 1, 2, 3], \"2\": [5, 4, 7]}");
	assert_int_equal(groups_read(&groups, path, 8, &err), 0);
	unlink(path);
	second = groups_find(&groups, "2");
	assert_non_null(second);
	assert_int_equal(second->id, 2);
	assert_int_equal(second->count, 3);
	assert_memory_equal(second->ranks, order, sizeof(order));
	assert_int_equal(groups_find(&groups, "")->count, 8);
	assert_ptr_equal(groups_find(&groups, "0"), groups_find(&groups, ""));
	assert_null(groups_find(&groups, "3"));
	assert_null(groups_find(&groups, "2x"));
	assert_null(groups_find(&groups, "-2"));
	for (uint64_t id = 100; id < 200; id++)
		assert_int_equal(groups_add(&groups, id, same, 3, 8, &err), 0);
	assert_ptr_equal(groups_find(&groups, "2"), second);
	assert_int_equal(groups_add(&groups, 2, same, 3, 8, &err), 0);
	assert_int_equal(groups_add(&groups, 2, other, 3, 8, &err), -1);
	assert_string_equal(err.text, "group 2 is said to be different ranks");
	assert_int_equal(groups_add(&groups, 3, twins, 3, 8, &err), -1);
	assert_null(groups_find(&groups, "3"));
	assert_int_equal(groups_add(&groups, 9, NULL, 0, 8, &err), 0);
	assert_int_equal(groups_find(&groups, "9")->count, 8);
	groups_release(&groups);
}

/* --- remote memory --- */

static int try_remote(const char *path, struct err *err)
{
	struct remote remote;
	int rc = remote_read(&remote, path, err);

	if (rc == 0)
		remote_release(&remote);
	return rc;
}

static void says_what_is_wrong_with_a_memory(void **state)
{
	static const struct bad rows[] = {
		{ "{}", "'memory-type': NO_MEMORY_EXPANSION, " },
		{ "{\"memory-type\": \"MUCH\"}", "'memory-type': NO_MEMORY_EXPANSION, " },
		{ "{\"memory-type\": \"MEMORY_POOL\"}", "'remote-mem-latency': a number" },
		{ "{\"memory-type\": \"MEMORY_POOL\", \"remote-mem-latency\": 5}",
		  "'remote-mem-bw': a number" },
		{ "{\"memory-type\": \"MEMORY_POOL\", \"remote-mem-latency\": 5, "
		  "\"remote-mem-bw\": 0}",
		  "'remote-mem-bw': more than 0" },
		{ "{\"memory-type\": \"PER_NODE_MEMORY_EXPANSION\", \"remote-mem-latency\": 5, "
		  "\"remote-mem-bw\": 1}",
		  "'num-nodes': a number" },
		{ "{\"memory-type\": \"PER_NODE_MEMORY_EXPANSION\", \"remote-mem-latency\": 5, "
		  "\"remote-mem-bw\": 1, \"num-nodes\": 2, \"num-npus-per-node\": 0}",
		  "'num-npus-per-node': at least 1" },
	};

	(void)state;
	check_bad(rows, COUNT(rows), try_remote);
}

static void a_memory_serves_who_shares_it_in_turn(void **state)
{
	static const struct {
		const char *type;
		int64_t end[4]; /* of ranks 0 to 3, all at 1000 */
	} rows[] = {
		{ "PER_NPU_MEMORY_EXPANSION", { 1150, 1150, 1150, 1150 } },
		{ "PER_NODE_MEMORY_EXPANSION", { 1150, 1300, 1150, 1300 } },
		{ "MEMORY_POOL", { 1150, 1300, 1450, 1600 } },
	};
	struct remote remote;
	char path[64], text[256];
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(text, sizeof(text),
			 "{\"memory-type\": \"%s\", \"remote-mem-latency\": 100, "
			 "\"remote-mem-bw\": \"8\", \"num-nodes\": 2, \"num-npus-per-node\": 2}",
			 rows[i].type);
		made_file(path, text);
		if (remote_read(&remote, path, &err) < 0)
			fail_msg("%s", err.text);
		unlink(path);
		assert_int_equal(remote_time(&remote, 407), 150);
		for (uint32_t rank = 0; rank < 4; rank++)
			assert_int_equal(remote_take(&remote, rank, 1000, 407), rows[i].end[rank]);
		/* Later it is free again. */
		assert_int_equal(remote_take(&remote, 0, 9000, 0), 9100);
		remote_release(&remote);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_are_read),
		cmocka_unit_test(what_is_not_said_is_as_usual),
		cmocka_unit_test(values_may_be_texts),
		cmocka_unit_test(unknown_keys_are_collected),
		cmocka_unit_test(nodes_have_traces_of_their_own),
		cmocka_unit_test(says_what_is_wrong_with_a_system),
		cmocka_unit_test(says_what_is_wrong_with_traces_of_nodes),
		cmocka_unit_test(files_of_others_are_read),
		cmocka_unit_test(dimensions_are_read_from_files_and_texts),
		cmocka_unit_test(who_is_in_a_dimension),
		cmocka_unit_test(says_what_is_wrong_with_groups),
		cmocka_unit_test(groups_keep_their_order_and_their_place),
		cmocka_unit_test(says_what_is_wrong_with_a_memory),
		cmocka_unit_test(a_memory_serves_who_shares_it_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
