/* SPDX-License-Identifier: Apache-2.0 */
/* unit-traffic.c - patterns by their closed forms, folding, reading */
#include "jobs/traffic.h"
#include "shared-data.h"
#include "random.h"
#include "rankfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct traffic *pattern(const char *name, uint32_t ranks)
{
	struct traffic *traffic = NULL;
	struct err err = { "" };

	if (traffic_pattern(&traffic, name, ranks, 7, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(traffic->name, name);
	assert_int_equal(traffic->ranks, ranks);
	assert_int_equal(traffic->users, 1);
	for (size_t i = 0; i < traffic->npairs; i++) {
		const struct netemu_rank_pair *pair = &traffic->pairs[i];

		assert_true(pair->from < ranks && pair->to < ranks && pair->from != pair->to);
		assert_int_equal(pair->bytes, 7);
		assert_int_equal(pair->messages, 1);
		if (i) /* ascending, each once */
			assert_true(pair->from > pair[-1].from ||
				    (pair->from == pair[-1].from && pair->to > pair[-1].to));
	}
	return traffic;
}

static bool has(const struct traffic *traffic, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < traffic->npairs; i++)
		if (traffic->pairs[i].from == from && traffic->pairs[i].to == to)
			return true;
	return false;
}

static void all_to_all_is_uniform(void **state)
{
	struct traffic *traffic = pattern("all-to-all", 100000);

	(void)state;
	assert_true(traffic->uniform);
	assert_int_equal(traffic->bytes, 7);
	assert_int_equal(traffic->npairs, 0);
	traffic_drop(traffic);
}

static void patterns_have_as_many_pairs_as_they_must(void **state)
{
	static const struct {
		const char *name;
		uint32_t ranks;
		size_t pairs;
	} table[] = {
		{ "none", 8, 0 },
		{ "ring", 1, 0 },
		{ "ring", 2, 2 },
		{ "ring", 9, 9 },
		{ "shift:0", 9, 0 },
		{ "shift:9", 9, 0 },
		{ "shift:4", 9, 9 },
		{ "nn2d", 16, 64 },     /* 4 x 4: 4 each */
		{ "nn2d", 6, 18 },      /* 3 x 2: 2 + 1 each */
		{ "nn2d", 7, 14 },      /* 7 x 1 */
		{ "nn3d", 27, 162 },    /* 3 x 3 x 3: 6 each */
		{ "nn3d", 8, 24 },      /* 2 x 2 x 2: 3 each */
		{ "nn3d", 72, 72 * 6 }, /* 6 x 4 x 3 */
		{ "nn3d", 12, 12 * 4 }, /* 3 x 2 x 2 */
		{ "nn3d", 1000000, 6000000 },
		{ "tree", 1, 0 },
		{ "tree", 100, 198 },
		{ "permutation:complement", 64, 64 },
		{ "permutation:complement", 9, 8 }, /* the middle stays */
		{ "permutation:half", 64, 64 },
		{ "permutation:half", 1, 0 },
		{ "permutation:reversal:4", 64, 64 - 16 }, /* 16 palindromes */
		{ "permutation:reversal:18", 324, 324 - 18 },
		{ "permutation:reversal:2", 1024, 1024 - 32 },
		{ "permutation:transpose", 64, 56 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct traffic *traffic = pattern(table[i].name, table[i].ranks);

		if (traffic->npairs != table[i].pairs)
			fail_msg("%s of %u ranks: %zu pairs, not %zu", table[i].name,
				 table[i].ranks, traffic->npairs, table[i].pairs);
		traffic_drop(traffic);
	}
}

static void shifts_and_permutations_go_where_they_must(void **state)
{
	static const struct {
		const char *name;
		uint32_t ranks, from, to;
	} table[] = {
		{ "ring", 5, 4, 0 },
		{ "shift:3", 5, 4, 2 },
		{ "shift:8", 5, 0, 3 },
		{ "permutation:complement", 64, 5, 58 },
		{ "permutation:half", 64, 40, 8 },
		{ "permutation:reversal:4", 64, 1, 16 },
		{ "permutation:reversal:2", 8, 3, 6 },
		{ "permutation:transpose", 64, 1, 8 },
		{ "permutation:transpose", 6, 1, 3 }, /* (0,1) of 3 x 2 is (1,0) of 2 x 3 */
		{ "tree", 7, 0, 2 },
		{ "tree", 7, 6, 2 },
		{ "nn2d", 16, 0, 3 },
		{ "nn2d", 16, 0, 12 },
		{ "nn3d", 27, 0, 18 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct traffic *traffic = pattern(table[i].name, table[i].ranks);

		if (!has(traffic, table[i].from, table[i].to))
			fail_msg("%s of %u ranks: no %u -> %u", table[i].name, table[i].ranks,
				 table[i].from, table[i].to);
		traffic_drop(traffic);
	}
}

static void a_neighbour_is_a_neighbour_of_its_neighbour(void **state)
{
	(void)state;
	for (uint32_t ranks = 1; ranks <= 64; ranks++)
		for (int three = 0; three < 2; three++) {
			struct traffic *traffic = pattern(three ? "nn3d" : "nn2d", ranks);

			for (size_t i = 0; i < traffic->npairs; i++)
				assert_true(
					has(traffic, traffic->pairs[i].to, traffic->pairs[i].from));
			traffic_drop(traffic);
		}
}

static void random_is_a_permutation_by_its_seed(void **state)
{
	struct traffic *a = pattern("random:1", 500), *b = pattern("random:1", 500);
	struct traffic *c = pattern("random:2", 500);
	bool to[500] = { false };

	(void)state;
	for (size_t i = 0; i < a->npairs; i++) {
		assert_false(to[a->pairs[i].to]);
		to[a->pairs[i].to] = true;
	}
	assert_int_equal(a->npairs, b->npairs);
	assert_memory_equal(a->pairs, b->pairs, a->npairs * sizeof(*a->pairs));
	assert_true(a->npairs != c->npairs ||
		    memcmp(a->pairs, c->pairs, a->npairs * sizeof(*a->pairs)));
	traffic_drop(a);
	traffic_drop(b);
	traffic_drop(c);
}

static void wrong_patterns_are_refused_by_name(void **state)
{
	static const struct {
		const char *name;
		uint32_t ranks;
		const char *says;
	} table[] = {
		{ "", 4, "'' is no pattern" },
		{ "al-to-all", 4, "'al-to-all' is no pattern" },
		{ "ringx", 4, "'ringx' is no pattern" },
		{ "ring", 0, "no ranks" },
		{ "shift:", 4, "'' is not a number" },
		{ "shift:-1", 4, "'-1' is not a number" },
		{ "shift:1x", 4, "'1x' is not a number" },
		{ "shift:99999999999999999999", 4, "is not a number" },
		{ "permutation:", 4, "is no pattern" },
		{ "permutation:reversal:4", 60, "60 ranks are no power of 4" },
		{ "permutation:reversal:1", 4, "at least 2" },
		{ "permutation:reversal:0", 4, "at least 2" },
		{ "random:x", 4, "'x' is not a number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct traffic *traffic = NULL;
		struct err err = { "" };

		assert_int_equal(traffic_pattern(&traffic, table[i].name, table[i].ranks, 1, &err),
				 -1);
		assert_null(traffic);
		if (!strstr(err.text, table[i].says))
			fail_msg("'%s' says: %s", table[i].name, err.text);
	}
}

/* --- folding --- */

static void folding_keeps_the_order_of_first_pairs(void **state)
{
	static const uint32_t placement[] = { 5, 5, 2, 9 };
	static const struct netemu_rank_pair pairs[] = {
		{ 3, 0, 10, 1 }, { 0, 1, 99, 1 }, { 2, 3, 0, 4 },
		{ 0, 3, 5, 1 },  { 3, 1, 7, 2 },  { 1, 3, 6, 1 },
	};
	static const struct netemu_pair expected[] = {
		{ 9, 5, 17, 2 },
		{ 2, 9, 0, 1 },
		{ 5, 9, 11, 2 },
	};
	struct netemu_pair *folded;

	(void)state;
	assert_int_equal(traffic_fold(pairs, 6, placement, 10, &folded), 3);
	assert_memory_equal(folded, expected, sizeof(expected));
	free(folded);
	assert_int_equal(traffic_fold(pairs, 6, placement, 100000, &folded), 3);
	assert_memory_equal(folded, expected, sizeof(expected));
	free(folded);
	assert_int_equal(traffic_fold(NULL, 0, placement, 10, &folded), 0);
	free(folded);
}

/* Against looking each pair up from the front. */
static size_t plain_fold(const struct netemu_rank_pair *pairs, size_t npairs,
			 const uint32_t *placement, struct netemu_pair *out)
{
	size_t count = 0;

	for (size_t i = 0; i < npairs; i++) {
		uint32_t from = placement[pairs[i].from], to = placement[pairs[i].to];
		size_t at = 0;

		if (from == to)
			continue;
		while (at < count && (out[at].from != from || out[at].to != to))
			at++;
		if (at == count)
			out[count++] = (struct netemu_pair){ .from = from, .to = to };
		out[at].bytes += pairs[i].bytes;
		out[at].flows++;
	}
	return count;
}

static void folding_is_what_the_plainest_way_gives(void **state)
{
	static const uint32_t hosts[] = { 1, 3, 50, 5000, 4000000 };
	struct random random;

	(void)state;
	random_init(&random, 1, "fold", 0);
	for (size_t turn = 0; turn < 60; turn++) {
		uint32_t nhosts = hosts[turn % 5];
		struct netemu_rank_pair pairs[4000];
		struct netemu_pair plain[4000], *folded;
		uint32_t placement[100];
		size_t npairs = random_below(&random, 4001), count;

		for (int i = 0; i < 100; i++)
			placement[i] = (uint32_t)random_below(&random, nhosts);
		if (turn % 3 == 0) /* all pairs from a host together */
			for (int i = 0; i < 100; i++)
				placement[i] = (uint32_t)((uint64_t)i * nhosts / 100);
		for (size_t i = 0; i < npairs; i++)
			pairs[i] = (struct netemu_rank_pair){
				(uint32_t)random_below(&random, 100),
				(uint32_t)random_below(&random, 100),
				random_below(&random, 1000),
				1,
			};
		if (turn % 3 == 0)
			for (size_t i = 0; i < npairs; i++)
				pairs[i].from = (uint32_t)(i * 100 / npairs);
		count = plain_fold(pairs, npairs, placement, plain);
		assert_int_equal(traffic_fold(pairs, npairs, placement, nhosts, &folded), count);
		assert_memory_equal(folded, plain, count * sizeof(*folded));
		free(folded);
	}
}

/* --- reading --- */

static void sums_of(const struct traffic *traffic, uint64_t *bytes, uint64_t *messages,
		    size_t *zero, size_t *self)
{
	*bytes = *messages = 0;
	*zero = *self = 0;
	for (size_t i = 0; i < traffic->npairs; i++) {
		*bytes += traffic->pairs[i].bytes;
		*messages += traffic->pairs[i].messages;
		*zero += !traffic->pairs[i].bytes;
		*self += traffic->pairs[i].from == traffic->pairs[i].to;
	}
}

static struct traffic *read_trace(const char *name)
{
	struct traffic *traffic = NULL;
	struct err err = { "" };
	char path[4096];

	if (!shared_data(path, sizeof(path), name))
		skip();
	if (traffic_read(&traffic, path, &err) < 0)
		fail_msg("%s", err.text);
	return traffic;
}

static void the_published_cg_trace_has_its_sums(void **state)
{
	struct traffic *traffic = read_trace("pfsim/traces/cg-c-128.tar.gz");
	uint64_t bytes, messages;
	size_t zero, self;

	(void)state;
	sums_of(traffic, &bytes, &messages, &zero, &self);
	assert_int_equal(traffic->ranks, 128);
	assert_int_equal(traffic->npairs, 1024);
	assert_true(bytes == 94852203096);
	assert_int_equal(messages, 1780871);
	assert_int_equal(zero, 265);
	assert_int_equal(self, 16);
	assert_int_equal(traffic->nops, 0);
	/* members of the archive: 0, 1, 10, 100, ... */
	assert_int_equal(traffic->pairs[0].from, 0);
	for (size_t i = 1, member = 0; i < traffic->npairs; i++) {
		static const uint32_t order[] = { 0, 1, 10, 100, 101 };

		if (traffic->pairs[i].from == traffic->pairs[i - 1].from) {
			assert_true(traffic->pairs[i].to > traffic->pairs[i - 1].to);
			continue;
		}
		if (++member < 5)
			assert_int_equal(traffic->pairs[i].from, order[member]);
	}
	traffic_drop(traffic);
}

static void the_published_milc_trace_has_its_sums(void **state)
{
	struct traffic *traffic = read_trace("pfsim/traces/milc-128.tar.gz");
	uint64_t bytes, messages;
	size_t zero, self;

	(void)state;
	sums_of(traffic, &bytes, &messages, &zero, &self);
	assert_int_equal(traffic->npairs, 1154);
	assert_true(bytes == 82027254272);
	assert_int_equal(messages, 10123389);
	traffic_drop(traffic);
}

/* Rank RANK of 2 that sends BYTES to the other one, half of it in a window. */
static void save_rank(const char *dir, uint32_t rank, uint32_t ranks, uint64_t bytes, int64_t width)
{
	struct rankpeer all = {
		.peer = 1 - rank, .tx_bytes = bytes, .tx_messages = 4, .first = -1, .last = -1
	};
	struct rankpeer half = {
		.peer = 1 - rank, .tx_bytes = bytes / 2, .tx_messages = 2, .first = -1, .last = -1
	};
	struct rankwindow windows[] = {
		{ .start = 0, .peers = { &half, 1 } },
		{ .start = 3 * width, .peers = { &half, 1 } },
	};
	struct rankfile file = {
		.rank = rank,
		.ranks = ranks,
		.complete = true,
		.peers = { &all, 1 },
		.window_width = width,
		.windows = windows,
		.nwindows = 2,
	};
	struct err err = { "" };

	file.ops[RANKOP_BCAST] = (struct rankpeers){ &half, 1 };
	file.ops[RANKOP_P2P] = (struct rankpeers){ &half, 1 };
	if (rankfile_save(&file, dir, &err) < 0)
		fail_msg("%s", err.text);
}

static int make_folder(void **state)
{
	static char dir[] = "/tmp/netemu-traffic.XXXXXX";

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	*state = mkdtemp(dir);
	return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	return system(command);
}

static void a_folder_is_read_with_operations_and_windows(void **state)
{
	const struct netemu_rank_pair whole[] = { { 0, 1, 1000, 4 }, { 1, 0, 600, 4 } };
	const struct netemu_rank_pair half[] = { { 0, 1, 500, 2 }, { 1, 0, 300, 2 } };
	struct traffic *traffic = NULL;
	struct err err = { "" };

	save_rank(*state, 0, 2, 1000, 50);
	save_rank(*state, 1, 2, 600, 100);
	if (traffic_read(&traffic, *state, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(traffic->npairs, 2);
	assert_memory_equal(traffic->pairs, whole, sizeof(whole));
	assert_int_equal(traffic->nops, 2);
	assert_string_equal(traffic->ops[0].name, "p2p");
	assert_string_equal(traffic->ops[1].name, "bcast");
	assert_memory_equal(traffic->ops[1].pairs, half, sizeof(half));
	/* rank 0 at [0, 50) and [150, 200), rank 1 at [0, 100) and [300, 400) */
	assert_int_equal(traffic->nwindows, 3);
	assert_int_equal(traffic->windows[0].npairs, 2);
	assert_memory_equal(traffic->windows[0].pairs, half, sizeof(half));
	assert_int_equal(traffic->windows[1].start, 100);
	assert_int_equal(traffic->windows[1].end, 200);
	assert_memory_equal(traffic->windows[1].pairs, half, sizeof(half[0]));
	assert_int_equal(traffic->windows[2].start, 300);
	assert_int_equal(traffic->windows[2].npairs, 1);
	traffic_drop(traffic_share(traffic));
	traffic_drop(traffic);
}

static void says(const char *path, const char *what)
{
	struct traffic *traffic = NULL;
	struct err err = { "" };

	assert_int_equal(traffic_read(&traffic, path, &err), -1);
	assert_null(traffic);
	if (!strstr(err.text, what))
		fail_msg("says: %s", err.text);
}

static void what_is_not_whole_is_refused(void **state)
{
	char path[256];

	says(*state, "no rank files there");
	save_rank(*state, 1, 2, 8, 10);
	says(*state, "1 of 2 ranks have no file, the first is rank 0");
	save_rank(*state, 0, 3, 8, 10);
	says(*state, "others in");
	snprintf(path, sizeof(path), "%s/none", (char *)*state);
	says(path, "unable to open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_to_all_is_uniform),
		cmocka_unit_test(patterns_have_as_many_pairs_as_they_must),
		cmocka_unit_test(shifts_and_permutations_go_where_they_must),
		cmocka_unit_test(a_neighbour_is_a_neighbour_of_its_neighbour),
		cmocka_unit_test(random_is_a_permutation_by_its_seed),
		cmocka_unit_test(wrong_patterns_are_refused_by_name),
		cmocka_unit_test(folding_keeps_the_order_of_first_pairs),
		cmocka_unit_test(folding_is_what_the_plainest_way_gives),
		cmocka_unit_test(the_published_cg_trace_has_its_sums),
		cmocka_unit_test(the_published_milc_trace_has_its_sums),
		cmocka_unit_test_setup_teardown(a_folder_is_read_with_operations_and_windows,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_is_not_whole_is_refused, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
