/* SPDX-License-Identifier: Apache-2.0 */
/* Plans by ASTRA-sim's rules, and what there are no plans of. */
#include "coll/plan.h"

#include "astra-ref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- as ASTRA-sim --- */

static void play_compat(const struct astra_row *ref, struct astra_traffic *traffic)
{
	struct plan plan = { .coll = ref->coll, .compat = true, .n = ref->n };
	uint32_t chunk, k;
	struct step step;
	struct err err;

	assert_int_equal(algorithm_parse(&plan.algorithm, ref->impl, &err), 0);
	plan.length = ASTRA_BYTES / ref->splits;
	for (chunk = 0; chunk < ref->splits; chunk++)
		for (plan.me = 0; plan.me < ref->n; plan.me++) {
			plan.tree = chunk;
			assert_int_equal(plan_init(&plan, &err), 0);
			for (k = 0; k < plan.sends; k++) {
				plan_send(&plan, k, &step);
				astra_sent(traffic, plan.me, step.peer, step.bytes);
			}
		}
}

static void messages_are_those_of_astra_sim(void **state)
{
	json_t *rows = astra_rows(), *row;
	struct astra_traffic *traffic;
	struct astra_row ref;
	int wrong = 0, compared = 0;
	size_t i;

	(void)state;
	if (!rows)
		skip();
	json_array_foreach(rows, i, row)
	{
		astra_row(&ref, row);
		if (strchr(ref.dims, 'x'))
			continue;
		traffic = calloc(1, sizeof(*traffic));
		play_compat(&ref, traffic);
		wrong += astra_differences(&ref, traffic);
		compared++;
		free(traffic);
	}
	json_decref(rows);
	assert_int_equal(wrong, 0);
	assert_int_equal(compared, 87);
}

/* Which receives take time to reduce; unit-astra.c compares the times. */
static void charges_of_compat(void **state)
{
	static const struct {
		const char *algorithm;
		enum coll coll;
		uint32_t n, charged; /* receives of member 0 that are charged */
	} rows[] = {
		{ "ring", COLL_ALL_REDUCE, 8, 7 },
		{ "ring", COLL_ALL_GATHER, 8, 0 },
		{ "ring", COLL_ALL_TO_ALL, 4, 0 },
		{ "direct", COLL_ALL_REDUCE, 8, 7 },
		{ "direct1", COLL_REDUCE_SCATTER, 8, 4 },
		{ "direct2", COLL_ALL_REDUCE, 8, 4 },
		{ "halvingDoubling", COLL_ALL_REDUCE, 8, 2 },
		{ "doubleBinaryTree", COLL_ALL_REDUCE, 8, 0 },
	};
	struct step step;
	struct err err;
	uint32_t i, k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan plan = { .coll = rows[i].coll, .compat = true, .n = rows[i].n };
		uint32_t charged = 0;

		plan.length = ASTRA_BYTES;
		algorithm_parse(&plan.algorithm, rows[i].algorithm, &err);
		assert_int_equal(plan_init(&plan, &err), 0);
		for (k = 0; k < plan.receives; k++) {
			plan_receive(&plan, k, &step);
			charged += step.charge > 0;
		}
		assert_int_equal(charged, rows[i].charged);
	}
}

/* --- names and refusals --- */

static void names_of_algorithms(void **state)
{
	static const char *const good[] = { "ring",    "direct",     "direct12",
					    "oneRing", "oneDirect3", "oneDoubleBinaryTree" };
	static const char *const bad[] = { "", "rings", "direct0", "directx", "one", "direct-1" };
	struct algorithm algorithm;
	struct err err;
	char buf[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(algorithm_parse(&algorithm, good[i], &err), 0);
		algorithm_format(&algorithm, buf, sizeof(buf));
		assert_string_equal(buf, good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(algorithm_parse(&algorithm, bad[i], &err), -1);
}

static void refusals(void **state)
{
	static const struct {
		struct plan plan;
		const char *why;
	} rows[] = {
		{ { .coll = COLL_ALL_TO_ALL,
		    .algorithm = { ALGORITHM_HALVING_DOUBLING, 0, false },
		    .n = 4 },
		  "halvingDoubling cannot do all-to-all" },
		{ { .coll = COLL_ALL_GATHER,
		    .algorithm = { ALGORITHM_DOUBLE_BINARY_TREE, 0, false },
		    .n = 4 },
		  "doubleBinaryTree cannot do all-gather" },
		{ { .coll = COLL_ALL_REDUCE,
		    .algorithm = { ALGORITHM_HALVING_DOUBLING, 0, false },
		    .n = 6,
		    .compat = true },
		  "halvingDoubling as ASTRA-sim has it needs a power of two, not 6 ranks" },
		{ { .coll = COLL_BARRIER, .n = 4, .compat = true }, "ASTRA-sim cannot do barrier" },
		{ { .coll = COLL_GATHER, .n = 4, .root = 4 },
		  "gather from or to rank 4 of a group of 4" },
	};
	struct plan plan;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan = rows[i].plan;
		assert_int_equal(plan_init(&plan, &err), -1);
		assert_string_equal(err.text, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_those_of_astra_sim),
		cmocka_unit_test(charges_of_compat),
		cmocka_unit_test(names_of_algorithms),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
