/* SPDX-License-Identifier: Apache-2.0 */
/* unit-matrix.c - the sparse matrix against the plainest possible one */
#include "matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Add rank NUMBER with ROWS, COUNT of them. */
static void add(struct matrix *matrix, uint32_t number, const struct rankpeer *rows, size_t count)
{
	struct rankfile rank = { .rank = number, .ranks = matrix->size };
	struct rankpeers peers = { (struct rankpeer *)rows, count };

	assert_int_equal(matrix_add(matrix, &rank, &peers), 0);
}

/* Three ranks: 0 sends 10 bytes to 1 and 30 to 2, 2 sends 60 to itself. */
static void three(struct matrix *matrix)
{
	const struct rankpeer zero[] = { { 1, 10, 1, 0, 0, -1, -1 }, { 2, 30, 3, 0, 0, -1, -1 } };
	const struct rankpeer one[] = { { 0, 0, 0, 10, 1, -1, -1 } };
	const struct rankpeer two[] = { { 0, 0, 0, 30, 3, -1, -1 }, { 2, 60, 2, 60, 2, -1, -1 } };

	assert_int_equal(matrix_init(matrix, 3), 0);
	add(matrix, 2, two, 2);
	add(matrix, 0, zero, 2);
	add(matrix, 1, one, 1);
	assert_int_equal(matrix_finish(matrix), 0);
}

static void brings_both_sides_together(void **state)
{
	struct matrix matrix;

	(void)state;
	three(&matrix);
	assert_int_equal(matrix.count, 3);
	assert_int_equal(matrix_find(&matrix, 0, 2)->bytes, 30);
	assert_int_equal(matrix_find(&matrix, 0, 2)->rx_messages, 3);
	assert_int_equal(matrix_find(&matrix, 2, 2)->rx_bytes, 60);
	assert_null(matrix_find(&matrix, 1, 0));
	matrix_release(&matrix);
}

/* By hand: 100 bytes, of which 60 stay at rank 2, 10 go one and 30 two ranks
 * far; rank 2 sends most, 60 of a mean of 100 / 3, and gets most, 90.
 */
static void sums_up(void **state)
{
	static const uint32_t nodes[] = { 0, 0, 1 };
	struct matrix_summary sum;
	struct matrix matrix;

	(void)state;
	three(&matrix);
	assert_int_equal(matrix_summarize(&matrix, nodes, &sum), 0);
	assert_int_equal(sum.bytes, 100);
	assert_int_equal(sum.messages, 6);
	assert_int_equal(sum.pairs, 2);
	assert_int_equal(sum.self_pairs, 1);
	assert_true(fabs(sum.density - 2.0 / 6) < 1e-12);
	assert_int_equal(sum.within_bytes, 70);
	assert_true(fabs(sum.distance - 0.7) < 1e-12);
	assert_true(fabs(sum.imbalance_tx - 1.8) < 1e-12);
	assert_true(fabs(sum.imbalance_rx - 2.7) < 1e-12);
	matrix_release(&matrix);
}

static void finds_nothing_wrong_with_equal_sides(void **state)
{
	struct matrix_mismatch mismatch;
	struct matrix matrix;

	(void)state;
	three(&matrix);
	matrix_check(&matrix, &mismatch);
	assert_int_equal(mismatch.count, 0);
	assert_int_equal(mismatch.checked, 3);
	assert_false(mismatch.unexplained);
	matrix_release(&matrix);
}

static void names_the_worst_pairs(void **state)
{
	const struct rankpeer rows[] = {
		{ 0, 100, 1, 0, 0, -1, -1 }, { 1, 7, 1, 7, 1, -1, -1 }, { 2, 0, 0, 500, 1, -1, -1 },
		{ 3, 100, 2, 0, 0, -1, -1 }, { 4, 3, 1, 0, 0, -1, -1 },
	};
	struct matrix_mismatch mismatch;
	struct matrix matrix;

	(void)state;
	assert_int_equal(matrix_init(&matrix, 5), 0);
	add(&matrix, 1, rows, 5);
	assert_int_equal(matrix_finish(&matrix), 0);
	matrix_check(&matrix, &mismatch);
	assert_int_equal(mismatch.count, 4);
	assert_int_equal(mismatch.bytes, 703);
	assert_int_equal(mismatch.messages, 5);
	assert_int_equal(mismatch.worst[0].from, 2); /* 500 bytes */
	assert_int_equal(mismatch.worst[1].to, 3);   /* 100 bytes, 2 messages */
	assert_int_equal(mismatch.worst[2].to, 0);   /* 100 bytes, 1 message */
	assert_true(mismatch.unexplained);
	assert_int_equal(mismatch.culprit.from, 2);
	matrix_release(&matrix);
}

/* Rank 0 sent 3 messages, rank 1 has fewer receives to show. */
static struct matrix_mismatch received(uint64_t bytes, uint64_t messages, uint16_t why,
				       uint64_t unseen)
{
	const struct rankpeer sent = { 1, 30, 3, 0, 0, -1, -1 };
	struct rankpeer row = { 0, 0, 0, bytes, messages, -1, -1 };
	struct rankunseen_count count = { RANKOP_P2P, why, unseen, 0 };
	struct rankfile rank = { .rank = 1, .ranks = 2, .unseen = &count, .nunseen = 1 };
	struct rankpeers peers = { &row, 1 };
	struct matrix_mismatch mismatch;
	struct matrix matrix;

	assert_int_equal(matrix_init(&matrix, 2), 0);
	add(&matrix, 0, &sent, 1);
	assert_int_equal(matrix_add(&matrix, &rank, &peers), 0);
	assert_int_equal(matrix_finish(&matrix), 0);
	matrix_check(&matrix, &mismatch);
	matrix_check(&matrix, &mismatch); /* and again, with the same result */
	matrix_release(&matrix);
	return mismatch;
}

static void excuses_only_what_a_receiver_could_not_see(void **state)
{
	(void)state;
	assert_false(received(20, 2, RANKUNSEEN_FREED, 1).unexplained);
	assert_int_equal(received(20, 2, RANKUNSEEN_FREED, 1).count, 1);
	assert_true(received(10, 1, RANKUNSEEN_FREED, 1).unexplained);
	assert_true(received(20, 2, RANKUNSEEN_POSTED, 1).unexplained);
	assert_false(received(40, 3, RANKUNSEEN_POSTED, 3).unexplained);
	assert_true(received(40, 3, RANKUNSEEN_FREED, 3).unexplained);
	assert_true(received(20, 3, RANKUNSEEN_POSTED, 3).unexplained);
	assert_true(received(40, 4, RANKUNSEEN_POSTED, 3).unexplained);
	assert_false(received(20, 3, RANKUNSEEN_TRUNCATED, 1).unexplained);
	assert_true(received(40, 3, RANKUNSEEN_TRUNCATED, 1).unexplained);
	assert_true(received(20, 2, RANKUNSEEN_TRUNCATED, 1).unexplained);
}

/* Rank 0 knows of one message that it was sent, rank 1 received more. */
static void excuses_what_a_sender_believes_lost(void **state)
{
	struct rankfailed failed = { 1, RANKOP_SEND, NULL, 2, 20 };
	struct rankfile sender = { .rank = 0, .ranks = 2, .failed = &failed, .nfailed = 1 };
	struct rankpeer sent = { 1, 10, 1, 0, 0, -1, -1 };
	const struct rankpeers peers = { &sent, 1 };

	(void)state;
	for (uint64_t received = 1; received < 5; received++) {
		const struct rankpeer row = { 0, 0, 0, 10 * received, received, -1, -1 };
		struct matrix_mismatch mismatch;
		struct matrix matrix;

		assert_int_equal(matrix_init(&matrix, 2), 0);
		assert_int_equal(matrix_add(&matrix, &sender, &peers), 0);
		add(&matrix, 1, &row, 1);
		assert_int_equal(matrix_finish(&matrix), 0);
		matrix_check(&matrix, &mismatch);
		assert_int_equal(mismatch.count, received > 1);
		assert_int_equal(mismatch.unexplained, received > 3);
		matrix_release(&matrix);
	}
}

static void does_not_wrap_around(void **state)
{
	const struct rankpeer rows[] = { { 0, UINT64_MAX, 1, 0, 0, -1, -1 },
					 { 1, 1, 1, 0, 0, -1, -1 } };
	struct matrix matrix;

	(void)state;
	assert_int_equal(matrix_init(&matrix, 2), 0);
	add(&matrix, 0, rows, 2);
	assert_int_equal(matrix_finish(&matrix), -1);
	assert_int_equal(errno, EOVERFLOW);
	matrix_release(&matrix);
}

static void compares_pair_by_pair(void **state)
{
	/* A: 0>0 10/1, 0>1 20/2, 0>2 5/1.  B: 0>1 25/2, 0>2 5/1, 0>3 8/1. */
	const struct rankpeer left[] = { { 0, 10, 1, 0, 0, -1, -1 },
					 { 1, 20, 2, 0, 0, -1, -1 },
					 { 2, 5, 1, 0, 0, -1, -1 } };
	const struct rankpeer right[] = { { 1, 25, 2, 0, 0, -1, -1 },
					  { 2, 5, 1, 0, 0, -1, -1 },
					  { 3, 8, 1, 0, 0, -1, -1 } };
	struct matrix a, b;
	struct matrix_diff diff;

	(void)state;
	assert_int_equal(matrix_init(&a, 4) | matrix_init(&b, 4), 0);
	add(&a, 0, left, 3);
	add(&b, 0, right, 3);
	assert_int_equal(matrix_finish(&a) | matrix_finish(&b), 0);
	matrix_compare(&a, &b, &diff);
	assert_int_equal(diff.bytes[0], 35);
	assert_int_equal(diff.bytes[1], 38);
	assert_int_equal(diff.only[0], 1);
	assert_int_equal(diff.only[1], 1);
	assert_int_equal(diff.changed, 1);
	assert_int_equal(diff.moved_bytes, 10 + 5 + 8);
	assert_int_equal(diff.moved_messages, 2);
	assert_true(fabs(diff.bytes_ratio - 23.0 / 35) < 1e-12);
	assert_int_equal(diff.ntop, 3);
	assert_int_equal(diff.top[0].to, 0);
	assert_int_equal(diff.top[1].to, 3);
	assert_int_equal(diff.top[2].to, 1);
	matrix_compare(&a, &a, &diff);
	assert_int_equal(diff.moved_bytes + diff.changed + diff.ntop, 0);
	matrix_release(&b);
	assert_int_equal(matrix_init(&b, 4) | matrix_finish(&b), 0);
	matrix_compare(&b, &a, &diff);
	assert_true(isinf(diff.bytes_ratio));
	matrix_release(&a);
	matrix_release(&b);
}

#define N 23

struct dense {
	uint64_t bytes[N][N], messages[N][N];
};

/* RANK's rows out of a dense matrix, in random order of nothing: ascending. */
static void add_dense(struct matrix *matrix, const struct dense *dense, uint32_t rank)
{
	struct rankpeer rows[N];
	size_t count = 0;

	for (uint32_t peer = 0; peer < N; peer++)
		if (dense->messages[rank][peer] || dense->messages[peer][rank])
			rows[count++] = (struct rankpeer){
				peer,
				dense->bytes[rank][peer],
				dense->messages[rank][peer],
				dense->bytes[peer][rank],
				dense->messages[peer][rank],
				-1,
				-1,
			};
	add(matrix, rank, rows, count);
}

static void check_dense(const struct matrix *matrix, const struct dense *dense)
{
	for (uint32_t from = 0; from < matrix->size; from++)
		for (uint32_t to = 0; to < matrix->size; to++) {
			const struct matrix_pair *pair = matrix_find(matrix, from, to);

			assert_int_equal(pair ? pair->bytes : 0, dense->bytes[from][to]);
			assert_int_equal(pair ? pair->rx_bytes : 0, dense->bytes[from][to]);
			assert_int_equal(pair ? pair->messages : 0, dense->messages[from][to]);
		}
}

static void equals_a_dense_matrix(void **state)
{
	unsigned seed = 20170508;

	(void)state;
	print_message("# seed %u\n", seed);
	for (int turn = 0; turn < 50; turn++) {
		static struct dense dense, folded;
		uint32_t group[N];
		struct matrix matrix, nodes;

		memset(&dense, 0, sizeof(dense));
		memset(&folded, 0, sizeof(folded));
		for (uint32_t i = 0; i < N; i++)
			group[i] = (uint32_t)rand_r(&seed) % 5;
		for (uint32_t i = 0; i < N * N; i++)
			if (rand_r(&seed) % 4 == 0) {
				dense.messages[i / N][i % N] = 1 + (unsigned)rand_r(&seed) % 9;
				dense.bytes[i / N][i % N] = (unsigned)rand_r(&seed) % 1000;
				folded.messages[group[i / N]][group[i % N]] +=
					dense.messages[i / N][i % N];
				folded.bytes[group[i / N]][group[i % N]] +=
					dense.bytes[i / N][i % N];
			}
		assert_int_equal(matrix_init(&matrix, N), 0);
		for (uint32_t i = 0; i < N; i++)
			add_dense(&matrix, &dense, (i * 7 + (uint32_t)turn) % N);
		assert_int_equal(matrix_finish(&matrix), 0);
		check_dense(&matrix, &dense);
		assert_int_equal(matrix_fold(&nodes, &matrix, group, 5), 0);
		check_dense(&nodes, &folded);
		matrix_release(&nodes);
		matrix_release(&matrix);
	}
}

static void ranks_the_heaviest_first(void **state)
{
	struct matrix matrix;
	struct matrix_pair top[2];

	(void)state;
	three(&matrix);
	assert_int_equal(matrix_top(&matrix, false, top, 2), 2);
	assert_int_equal(top[0].bytes, 60);
	assert_int_equal(top[1].bytes, 30);
	assert_int_equal(matrix_top(&matrix, true, top, 2), 2);
	assert_int_equal(top[0].messages, 3);
	matrix_release(&matrix);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_both_sides_together),
		cmocka_unit_test(sums_up),
		cmocka_unit_test(finds_nothing_wrong_with_equal_sides),
		cmocka_unit_test(names_the_worst_pairs),
		cmocka_unit_test(excuses_only_what_a_receiver_could_not_see),
		cmocka_unit_test(excuses_what_a_sender_believes_lost),
		cmocka_unit_test(does_not_wrap_around),
		cmocka_unit_test(compares_pair_by_pair),
		cmocka_unit_test(equals_a_dense_matrix),
		cmocka_unit_test(ranks_the_heaviest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
