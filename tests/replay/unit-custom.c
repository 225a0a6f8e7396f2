/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <unistd.h>

#define PLACES 4

/* An exchange in two rounds, with the neighbour that differs in a bit: two sends of which the
 * second waits for a computation that waits for the first receive.
 */
static const char program[] = "{\"workload_graph\": ["
			      "{\"Id\": 10, \"NodeType\": 4, \"runtime\": 3, \"data_deps\": []},"
			      "{\"Id\": 11, \"NodeType\": 5, \"comm_dst\": %u, \"comm_size\": %u,"
			      " \"comm_tag\": 1, \"data_deps\": [10]},"
			      "{\"Id\": 12, \"NodeType\": 6, \"comm_src\": %u, \"comm_size\": %u,"
			      " \"comm_tag\": 1, \"data_deps\": []},"
			      "{\"Id\": 13, \"NodeType\": 4, \"runtime\": 0, \"data_deps\": [12]},"
			      "{\"Id\": 14, \"NodeType\": 5, \"comm_dst\": %u, \"comm_size\": 77,"
			      " \"comm_tag\": 2, \"data_deps\": [13], \"ctrl_deps\": [11]},"
			      "{\"Id\": 15, \"NodeType\": 6, \"comm_src\": %u, \"comm_size\": 77,"
			      " \"comm_tag\": 2, \"data_deps\": []}]}\n";

struct files {
	char dir[32], prefix[64];
};

static void file_name(const struct files *files, uint32_t place, char *path, size_t size)
{
	snprintf(path, size, "%s.%u.et", files->prefix, place);
}

static int write_files(void **state)
{
	struct files *files = calloc(1, sizeof(*files));
	char path[128];
	uint32_t place;
	FILE *file;

	snprintf(files->dir, sizeof(files->dir), "/tmp/unit-custom.XXXXXX");
	if (!mkdtemp(files->dir))
		return -1;
	snprintf(files->prefix, sizeof(files->prefix), "%s/exchange", files->dir);
	for (place = 0; place < PLACES; place++) {
		file_name(files, place, path, sizeof(path));
		file = fopen(path, "w");
		if (!file)
			return -1;
		fprintf(file, program, place ^ 1, 1000 + place, place ^ 1, 1000 + (place ^ 1),
			place ^ 2, place ^ 2);
		fclose(file);
	}
	*state = files;
	return 0;
}

static int remove_files(void **state)
{
	struct files *files = *state;
	char path[128];
	uint32_t place;

	for (place = 0; place < PLACES; place++) {
		file_name(files, place, path, sizeof(path));
		unlink(path);
	}
	rmdir(files->dir);
	free(files);
	return 0;
}

static uint32_t some[] = { 5, 1, 3, 0 };
static const struct group group = { 9, some, PLACES };

/* Places are those of the ranks in order: 0, 1, 3, 5. */
static void members_follow_their_files(void **state)
{
	static const struct job jobs[] = {
		{ .coll = COLL_ALL_REDUCE, .size = 5, .group = &group },
		{ .coll = COLL_ALL_REDUCE, .size = 5, .group = &group },
	};
	struct files *files = *state;
	struct trial *trial = calloc(1, sizeof(*trial));
	uint32_t i;

	set_algorithms(&trial->system, "ring", "ring");
	trial->system.custom[COLL_ALL_REDUCE] = files->prefix;
	trial->settings.verify = true;
	trial_init(trial, (struct dims){ 1, { 6 } }, 5, 1);
	for (i = 0; i < PLACES; i++)
		give(trial, some[i], jobs, 2);
	trial_run(trial);
	/* 3 us, a message of 1 ns, a computation of 0 that takes 1 ns, another message. */
	for (i = 0; i < PLACES; i++)
		assert_int_equal(trial->ranks[some[i]].finished, 2 * (3000 + 1 + 1 + 1));
	assert_int_equal(trial->wires.ends[5].net.counts[3].tx_bytes, 2 * 1003);
	assert_int_equal(trial->wires.ends[5].net.counts[1].tx_bytes, 2 * 77);
	assert_int_equal(trial->ranks[5].sent, 2 * (1003 + 77));
	assert_int_equal(trial->wires.ends[2].net.counts[0].tx_messages, 0);
	trial_release(trial);
	free(trial);
}

static void skew_does_not_matter(void **state)
{
	static const struct job jobs[] = {
		{ .coll = COLL_ALL_TO_ALL, .size = 5, .group = &group },
		{ .coll = COLL_ALL_REDUCE, .size = 500, .group = &group },
		{ .coll = COLL_ALL_TO_ALL, .size = 5, .group = &group },
	};
	struct files *files = *state;
	uint32_t i, seed;

	for (seed = 0; seed < 50; seed++) {
		struct trial *trial = calloc(1, sizeof(*trial));

		set_algorithms(&trial->system, "ring", "ring");
		trial->system.custom[COLL_ALL_TO_ALL] = files->prefix;
		trial->settings.verify = true;
		trial_init(trial, (struct dims){ 1, { 6 } }, seed, 20000);
		for (i = 0; i < PLACES; i++)
			give(trial, some[i], jobs, 3);
		trial_run(trial);
		trial_release(trial);
		free(trial);
	}
}

/* A node's own before that of its kind. */
static void nodes_have_their_own(void **state)
{
	static const struct job job = { .coll = COLL_ALL_REDUCE, .size = 4000 };
	struct files *files = *state;
	struct custom_node nodes[] = { { 1, files->prefix } };
	struct trial *trial = calloc(1, sizeof(*trial));

	set_algorithms(&trial->system, "ring", "ring");
	trial->system.custom[COLL_ALL_REDUCE] = (char *)"/nowhere/at-all";
	trial->system.custom_nodes = nodes;
	trial->system.custom_nodes_count = 1;
	trial_init(trial, (struct dims){ 1, { PLACES } }, 5, 1);
	all_do(trial, &job, 1);
	assert_int_equal(trial->ranks[0].sent, 1000 + 77);
	trial_release(trial);
	free(trial);
}

static void refuse(struct trial *trial, const char *custom, const char *why)
{
	struct collective collective = { .coll = COLL_ALL_REDUCE,
					 .dims = UINT64_MAX,
					 .custom = custom };
	struct err err;

	assert_int_equal(collectives_start(trial->ranks[0].collectives, &collective, 0, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s', not '%s'", err.text, why);
}

static void what_cannot_be(void **state)
{
	struct files *files = *state;
	struct trial *trial = calloc(1, sizeof(*trial));

	set_algorithms(&trial->system, "ring", "ring");
	trial_init(trial, (struct dims){ 1, { 2 } }, 5, 1);
	refuse(trial, "/nowhere/at-all", "/nowhere/at-all.0.et");
	/* Made for four: the second round goes beyond two. */
	refuse(trial, files->prefix, "node 14 has no comm_dst among 2 members");
	trial_release(trial);
	free(trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_follow_their_files),
		cmocka_unit_test(skew_does_not_matter),
		cmocka_unit_test(nodes_have_their_own),
		cmocka_unit_test(what_cannot_be),
	};

	return cmocka_run_group_tests(tests, write_files, remove_files);
}
