/* SPDX-License-Identifier: Apache-2.0 */
/* unit-place.c - which rank goes where */
#include "place/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct topology topology;

static const uint32_t hosts[] = { 9, 2, 5, 7 }; /* in the order of selection */
static const uint32_t slots[] = { 4, 1, 0, 3 };

static int open_tree(void **state)
{
	struct err err = { "" };

	(void)state;
	if (topology_open(&topology, "xgft:4x4:1x2@slots=3", NULL, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

static int close_tree(void **state)
{
	(void)state;
	topology_release(&topology);
	return 0;
}

static void place(const char *name, uint64_t seed, const struct placing *placing,
		  uint32_t *placement)
{
	struct placer_settings settings = { .seed = seed };
	struct placer *placer;
	struct err err = { "" };

	if (placer_create(&placer, name, &topology, &settings, &err) < 0)
		fail_msg("%s", err.text);
	if (placer_place(placer, placing, placement, &err) < 0)
		fail_msg("%s", err.text);
	placer_destroy(placer);
}

static void rules_give_the_hosts_by_hand(void **state)
{
	static const struct {
		const char *name;
		uint32_t placement[8];
	} cases[] = {
		{ "block", { 9, 9, 9, 9, 2, 7, 7, 7 } },
		{ "pfsim.process_mapper.LinearProcessMapper", { 9, 9, 9, 9, 2, 7, 7, 7 } },
		{ "cyclic", { 9, 2, 7, 9, 7, 9, 7, 9 } },
		{ "pfsim.process_mapper.CyclicProcessMapper", { 9, 2, 7, 9, 7, 9, 7, 9 } },
		{ "plane:1", { 9, 2, 7, 9, 7, 9, 7, 9 } },
		{ "plane:2", { 9, 9, 2, 7, 7, 9, 9, 7 } },
		{ "plane:3", { 9, 9, 9, 2, 7, 7, 7, 9 } },
		{ "plane:100", { 9, 9, 9, 9, 2, 7, 7, 7 } },
	};
	struct placing placing = { .hosts = hosts, .slots = slots, .nhosts = 4, .ranks = 8 };
	uint32_t placement[8];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		place(cases[i].name, 1, &placing, placement);
		assert_memory_equal(placement, cases[i].placement, sizeof(placement));
	}
}

static void slots_are_those_of_the_topology(void **state)
{
	static const uint32_t expected[] = { 9, 9, 9, 2, 2, 2, 5 };
	struct placing placing = { .hosts = hosts, .nhosts = 4, .ranks = 7 };
	uint32_t placement[7];

	(void)state;
	place("block", 1, &placing, placement);
	assert_memory_equal(placement, expected, sizeof(expected));
}

static void random_is_uniform_and_follows_seed_and_job(void **state)
{
	struct netemu_job job = { .id = 3 };
	struct placing placing = {
		.job = &job, .hosts = hosts, .slots = slots, .nhosts = 4, .ranks = 2
	};
	unsigned int count[10] = { 0 };
	uint32_t placement[2], again[2];

	(void)state;
	for (uint64_t seed = 0; seed < 8000; seed++) {
		place("random", seed, &placing, placement);
		place("random", seed, &placing, again);
		assert_memory_equal(placement, again, sizeof(again));
		count[placement[0]]++;
	}
	/* rank 0: any of 8 slots; 5 standard deviations */
	assert_in_range(count[9], 4000 - 224, 4000 + 224);
	assert_in_range(count[2], 1000 - 148, 1000 + 148);
	assert_in_range(count[7], 3000 - 217, 3000 + 217);
	assert_int_equal(count[5], 0);
}

static void random_hosts_are_filled_one_by_one(void **state)
{
	struct placing placing = { .hosts = hosts, .slots = slots, .nhosts = 4, .ranks = 8 };
	unsigned int first[10] = { 0 };
	uint32_t placement[8];

	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		unsigned int changes = 0;

		place("pfsim.process_mapper.RandomProcessMapper", seed, &placing, placement);
		for (int r = 1; r < 8; r++)
			changes += placement[r] != placement[r - 1];
		assert_int_equal(changes, 2);
		first[placement[0]]++;
	}
	assert_in_range(first[9], 1000 - 130, 1000 + 130);
	assert_in_range(first[2], 1000 - 130, 1000 + 130);
	assert_in_range(first[7], 1000 - 130, 1000 + 130);
}

static void wrong_names_and_options_are_told(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "nowhere", "known" },
		{ "block:3", "takes no options" },
		{ "plane", "needs plane:N" },
		{ "plane:0", "needs plane:N" },
		{ "plane:x", "needs plane:N" },
		{ "plane:99999999999", "needs plane:N" },
		{ "./no-such-file.so", "unable to load" },
	};
	struct placer_settings settings = { .seed = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct placer *placer = NULL;
		struct err err = { "" };

		assert_int_equal(placer_create(&placer, cases[i].name, &topology, &settings, &err),
				 -1);
		assert_null(placer);
		if (i)
			assert_non_null(strstr(err.text, cases[i].text));
		assert_string_not_equal(err.text, "");
	}
}

static void ranks_that_do_not_fit_are_refused(void **state)
{
	struct netemu_job job = { .id = 77 };
	struct placing placing = {
		.job = &job, .hosts = hosts, .slots = slots, .nhosts = 4, .ranks = 9
	};
	struct placer_settings settings = { .seed = 1 };
	struct placer *placer;
	struct err err = { "" };
	uint32_t placement[9];

	(void)state;
	for (size_t i = 0; i < place_count; i++) {
		const char *name = place_table[i]->name;

		err.text[0] = '\0';
		assert_int_equal(placer_create(&placer, strcmp(name, "plane") ? name : "plane:2",
					       &topology, &settings, &err),
				 0);
		assert_int_equal(placer_place(placer, &placing, placement, &err), -1);
		assert_string_equal(err.text, "job 77: 9 ranks on 4 hosts with 8 slots");
		placer_destroy(placer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_give_the_hosts_by_hand),
		cmocka_unit_test(slots_are_those_of_the_topology),
		cmocka_unit_test(random_is_uniform_and_follows_seed_and_job),
		cmocka_unit_test(random_hosts_are_filled_one_by_one),
		cmocka_unit_test(wrong_names_and_options_are_told),
		cmocka_unit_test(ranks_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, open_tree, close_tree);
}
