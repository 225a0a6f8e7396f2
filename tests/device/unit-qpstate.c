/* SPDX-License-Identifier: Apache-2.0 */
/* unit-qpstate.c - the states of queue pairs, against the tables as text */
#include "onehost.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define STATES 7

/* --- what the kernel allows, type by type: FROM TO, what must be given (!), what may be --- */

struct table {
	enum qp_type type;
	const char *text;
};

static const struct table tables[] = {
	{ QP_RC, "RESET RESET;"
		 "RESET INIT !pkey !port !access;"
		 "INIT RESET;INIT ERR;"
		 "INIT INIT pkey port access;"
		 "INIT RTR !av !mtu !dest !rpsn !in !timer alt access pkey;"
		 "RTR RESET;RTR ERR;"
		 "RTR RTS !timeout !retry !rnr !spsn !out cur alt access timer mig;"
		 "RTS RESET;RTS ERR;"
		 "RTS RTS cur access alt mig timer;"
		 "RTS SQD notify;"
		 "SQD RESET;SQD ERR;"
		 "SQD RTS cur alt access timer mig;"
		 "SQD SQD port av timeout retry rnr out in alt access pkey timer mig;"
		 "SQE RESET;SQE ERR;SQE RTS;"
		 "ERR RESET;ERR ERR;" },
	{ QP_UC, "RESET RESET;"
		 "RESET INIT !pkey !port !access;"
		 "INIT RESET;INIT ERR;"
		 "INIT INIT pkey port access;"
		 "INIT RTR !av !mtu !dest !rpsn alt access pkey;"
		 "RTR RESET;RTR ERR;"
		 "RTR RTS !spsn cur alt access mig;"
		 "RTS RESET;RTS ERR;"
		 "RTS RTS cur access alt mig;"
		 "RTS SQD notify;"
		 "SQD RESET;SQD ERR;"
		 "SQD RTS cur alt access mig;"
		 "SQD SQD av alt access pkey mig;"
		 "SQE RESET;SQE ERR;SQE RTS cur access;"
		 "ERR RESET;ERR ERR;" },
	{ QP_UD, "RESET RESET;"
		 "RESET INIT !pkey !port !qkey;"
		 "INIT RESET;INIT ERR;"
		 "INIT INIT pkey port qkey;"
		 "INIT RTR pkey qkey;"
		 "RTR RESET;RTR ERR;"
		 "RTR RTS !spsn cur qkey;"
		 "RTS RESET;RTS ERR;"
		 "RTS RTS cur qkey;"
		 "RTS SQD notify;"
		 "SQD RESET;SQD ERR;"
		 "SQD RTS cur qkey;"
		 "SQD SQD pkey qkey;"
		 "SQE RESET;SQE ERR;SQE RTS cur qkey;"
		 "ERR RESET;ERR ERR;" },
	{ QP_XRC_SEND, "RESET RESET;"
		       "RESET INIT !pkey !port !access;"
		       "INIT RESET;INIT ERR;"
		       "INIT INIT pkey port access;"
		       "INIT RTR !av !mtu !dest !rpsn alt access pkey;"
		       "RTR RESET;RTR ERR;"
		       "RTR RTS !timeout !retry !rnr !spsn !out cur alt access mig;"
		       "RTS RESET;RTS ERR;"
		       "RTS RTS cur access alt mig;"
		       "RTS SQD notify;"
		       "SQD RESET;SQD ERR;"
		       "SQD RTS cur alt access mig;"
		       "SQD SQD port av timeout retry rnr out alt access pkey mig;"
		       "SQE RESET;SQE ERR;SQE RTS;"
		       "ERR RESET;ERR ERR;" },
	{ QP_XRC_RECV, "RESET RESET;"
		       "RESET INIT !pkey !port !access;"
		       "INIT RESET;INIT ERR;"
		       "INIT INIT pkey port access;"
		       "INIT RTR !av !mtu !dest !rpsn !in !timer alt access pkey;"
		       "RTR RESET;RTR ERR;"
		       "RTR RTS !timeout !spsn cur alt access timer mig;"
		       "RTS RESET;RTS ERR;"
		       "RTS RTS cur access alt mig timer;"
		       "RTS SQD notify;"
		       "SQD RESET;SQD ERR;"
		       "SQD RTS cur alt access timer mig;"
		       "SQD SQD port av timeout in alt access pkey timer mig;"
		       "SQE RESET;SQE ERR;SQE RTS;"
		       "ERR RESET;ERR ERR;" },
};

#define TYPES (sizeof(tables) / sizeof(*tables))

static const char *const states[STATES] = {
	"RESET", "INIT", "RTR", "RTS", "SQD", "SQE", "ERR",
};

/* Bits as in <infiniband/verbs.h>. */
static const struct {
	const char *name;
	uint32_t bit;
} words[] = {
	{ "cur", 1 << 1 },     { "notify", 1 << 2 }, { "access", 1 << 3 }, { "pkey", 1 << 4 },
	{ "port", 1 << 5 },    { "qkey", 1 << 6 },   { "av", 1 << 7 },     { "mtu", 1 << 8 },
	{ "timeout", 1 << 9 }, { "retry", 1 << 10 }, { "rnr", 1 << 11 },   { "rpsn", 1 << 12 },
	{ "out", 1 << 13 },    { "alt", 1 << 14 },   { "timer", 1 << 15 }, { "spsn", 1 << 16 },
	{ "in", 1 << 17 },     { "mig", 1 << 18 },   { "dest", 1 << 20 },
};

#define WORDS (sizeof(words) / sizeof(*words))

struct expected {
	bool there;
	uint32_t required, allowed;
};

static uint32_t find_word(const char *name)
{
	for (uint32_t i = 0; i < WORDS; i++)
		if (!strcmp(words[i].name, name))
			return words[i].bit;
	fail_msg("no word '%s'", name);
	return 0;
}

static struct expected read_rule(char *rule, uint32_t from, uint32_t to)
{
	struct expected expected = { .allowed = 1 };
	char *save, *word = strtok_r(rule, " ", &save);

	if (strcmp(word, states[from]) || strcmp(strtok_r(NULL, " ", &save), states[to]))
		return expected;
	expected.there = true;
	while ((word = strtok_r(NULL, " ", &save))) {
		uint32_t bit = find_word(word + (*word == '!'));

		if (*word == '!')
			expected.required |= bit;
		expected.allowed |= bit;
	}
	return expected;
}

static struct expected look_up(const struct table *table, uint32_t from, uint32_t to)
{
	struct expected expected = { 0 };
	char text[2048], *save, *rule;

	strcpy(text, table->text);
	for (rule = strtok_r(text, ";", &save); rule && !expected.there;
	     rule = strtok_r(NULL, ";", &save))
		expected = read_rule(rule, from, to);
	return expected;
}

static bool is_allowed(const struct expected *expected, uint32_t mask)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (expected->required & bit && !(mask & bit))
			return false;
		if (mask & bit && !(expected->allowed & bit))
			return false;
	}
	return expected->there;
}

/* The mask whose attributes are those of INDEX's bits. */
static uint32_t mask_of(uint32_t index)
{
	uint32_t mask = 1;

	for (uint32_t i = 0; i < WORDS; i++)
		if (index >> i & 1)
			mask |= words[i].bit;
	return mask;
}

static void check_masks(const struct table *table, uint32_t from, uint32_t to,
			const uint32_t *masks, uint32_t count)
{
	struct expected expected = look_up(table, from, to);

	for (uint32_t i = 0; i < count; i++)
		if (qp_may_modify(table->type, from, to, masks[i]) !=
		    is_allowed(&expected, masks[i]))
			fail_msg("type %d, %s to %s, mask %#x", table->type, states[from],
				 states[to], masks[i]);
}

static void every_mask_of_every_transition_is_as_the_table_says(void **state)
{
	const uint32_t count = 1U << WORDS, some = 1000;
	uint32_t *masks = malloc(count * sizeof(*masks));

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		masks[i] = mask_of(i * 0x9e3779b1U % count); /* the first ones are mixed */
	for (uint32_t t = 0; t < TYPES; t++)
		for (uint32_t from = 0; from < STATES; from++)
			for (uint32_t to = 0; to < STATES; to++)
				check_masks(&tables[t], from, to, masks,
					    look_up(&tables[t], from, to).there ? count : some);
	free(masks);
}

static void attributes_that_nobody_may_change_are_refused(void **state)
{
	const uint32_t bits[] = { 1 << 19, 1 << 21, 1 << 25, 1U << 31 };

	(void)state;
	for (uint32_t t = 0; t < TYPES; t++)
		for (uint32_t i = 0; i < STATES * STATES; i++) {
			uint32_t from = i / STATES, to = i % STATES;
			struct expected expected = look_up(&tables[t], from, to);

			for (uint32_t b = 0; b < sizeof(bits) / sizeof(*bits); b++)
				assert_false(qp_may_modify(tables[t].type, from, to,
							   1 | expected.required | bits[b]));
		}
}

/* --- queue pairs that go through their states --- */

static struct qp_attr sane(const struct end *end, uint32_t to)
{
	struct shared_path path = { .port = 1, .dlid = (uint16_t)host.context.device->lid };

	assert_int_equal(path_resolve(&host.context, &path), 0);
	return (struct qp_attr){
		.state = to,
		.cur_state = end_state(end),
		.port = 1,
		.path_mtu = 1024,
		.timeout = 14,
		.retry_count = 7,
		.rnr_retry = 7,
		.min_rnr_timer = 12,
		.max_rd_atomic = 1,
		.max_dest_rd_atomic = 1,
		.dest_qpn = end->qp.number,
		.qkey = 7,
		.access = ACCESS_REMOTE_WRITE,
		.path = path,
	};
}

static int go(struct end *end, uint32_t t, uint32_t to)
{
	struct qp_attr attr = sane(end, to);

	return qp_modify(&end->qp, &attr, 1 | look_up(&tables[t], end_state(end), to).required);
}

/* The states that a program can bring a queue pair to. */
static void bring_to(struct end *end, uint32_t t, uint32_t to)
{
	static const uint32_t way[] = { QP_RESET, QP_INIT, QP_RTR, QP_RTS, QP_SQD };

	assert_int_equal(go(end, t, QP_RESET), 0);
	if (to == QP_ERR) {
		assert_int_equal(go(end, t, QP_INIT), 0);
		assert_int_equal(go(end, t, QP_ERR), 0);
		return;
	}
	for (uint32_t i = 1; i < 5 && way[i] <= to; i++)
		assert_int_equal(go(end, t, way[i]), 0);
	assert_int_equal(end_state(end), to);
}

static void states_change_only_as_allowed(void **state)
{
	(void)state;
	for (uint32_t t = 0; t < 3; t++) {
		struct end_options options = { .type = tables[t].type };
		struct end end;

		end_create(&end, &host, &options);
		for (uint32_t i = 0; i < STATES * STATES; i++) {
			uint32_t from = i / STATES, to = i % STATES;
			bool there = look_up(&tables[t], from, to).there;

			if (from == QP_SQE)
				continue;
			bring_to(&end, t, from);
			errno = 0;
			assert_int_equal(go(&end, t, to), there ? 0 : -1);
			assert_int_equal(errno == EINVAL, !there);
			assert_int_equal(end_state(&end), there ? to : from);
		}
		end_destroy(&end);
	}
}

static void values_out_of_range_change_nothing(void **state)
{
	struct end_options options = { .type = QP_RC };
	struct qp_attr before, after, attr;
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	bring_to(&end, 0, QP_INIT);
	qp_query(&end.qp, &before);
#define BAD(to, field, value)                                                                      \
	do {                                                                                       \
		attr = sane(&end, to);                                                             \
		attr.field = value;                                                                \
		assert_int_equal(qp_modify(&end.qp, &attr,                                         \
					   1 | look_up(&tables[0], end_state(&end), to).required), \
				 -1);                                                              \
		assert_int_equal(errno, EINVAL);                                                   \
	} while (0)
	BAD(QP_RTR, path_mtu, 0);
	BAD(QP_RTR, path_mtu, 1000);
	BAD(QP_RTR, path_mtu, 8192);
	BAD(QP_RTR, dest_qpn, 1 << 24);
	BAD(QP_RTR, min_rnr_timer, 32);
	BAD(QP_RTR, max_dest_rd_atomic, host.context.device->limits.max_rd_atomic + 1);
	attr = sane(&end, QP_ERR + 1);
	assert_int_equal(qp_modify(&end.qp, &attr, 1), -1);
	qp_query(&end.qp, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	bring_to(&end, 0, QP_RTR);
	BAD(QP_RTS, timeout, 32);
	BAD(QP_RTS, retry_count, 8);
	BAD(QP_RTS, rnr_retry, 8);
	BAD(QP_RTS, max_rd_atomic, host.context.device->limits.max_rd_atomic + 1);
	assert_int_equal(end_state(&end), QP_RTR);
	bring_to(&end, 0, QP_RESET);
	BAD(QP_INIT, port, 0);
	BAD(QP_INIT, port, 2);
	BAD(QP_INIT, pkey_index, 1);
	/* what the caller takes the state for is not it */
	bring_to(&end, 0, QP_RTS);
	attr = sane(&end, QP_RTS);
	attr.cur_state = QP_SQD;
	assert_int_equal(qp_modify(&end.qp, &attr, 1 | QP_ATTR_CUR_STATE), -1);
	attr.cur_state = QP_RTS;
	assert_int_equal(qp_modify(&end.qp, &attr, 1 | QP_ATTR_CUR_STATE), 0);
	end_destroy(&end);
}

static void what_was_set_is_what_is_asked(void **state)
{
	struct end_options options = { .type = QP_RC };
	struct qp_attr set, got;
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	bring_to(&end, 0, QP_INIT);
	set = sane(&end, QP_RTR);
	set.rq_psn = 0x7123456; /* 24 bits count */
	set.min_rnr_timer = 31;
	assert_int_equal(
		qp_modify(&end.qp, &set, 1 | look_up(&tables[0], QP_INIT, QP_RTR).required), 0);
	qp_query(&end.qp, &got);
	assert_int_equal(got.rq_psn, 0x123456);
	assert_int_equal(got.min_rnr_timer, 31);
	assert_int_equal(got.path_mtu, 1024);
	assert_int_equal(got.dest_qpn, end.qp.number);
	assert_int_equal(got.path.dlid, set.path.dlid);
	assert_int_equal(got.access, ACCESS_REMOTE_WRITE);
	assert_int_equal(got.state, QP_RTR);
	end_destroy(&end);
}

/* --- posting --- */

static int try_send(struct end *end, uint32_t sges, uint32_t in_line)
{
	struct shared_sqe *sqe;
	int error = 0;

	qp_send_begin(&end->qp);
	sqe = qp_send_next(&end->qp, sges, in_line);
	if (!sqe)
		error = errno;
	qp_send_abort(&end->qp);
	return error;
}

static int try_receive(struct end *end)
{
	return qp_post_receive(&end->qp, 1, NULL, 0) ? errno : 0;
}

static void posting_is_for_the_right_states(void **state)
{
	static const struct {
		uint32_t state;
		int send, receive;
	} expected[] = {
		{ QP_RESET, EINVAL, EINVAL },
		{ QP_INIT, EINVAL, 0 },
		{ QP_RTR, EINVAL, 0 },
		{ QP_RTS, 0, 0 },
		{ QP_SQD, 0, 0 },
		{ QP_ERR, 0, 0 },
	};
	struct end_options options = { .type = QP_RC };
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	for (uint32_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		bring_to(&end, 0, expected[i].state);
		assert_int_equal(try_send(&end, 1, 0), expected[i].send);
		assert_int_equal(try_receive(&end), expected[i].receive);
	}
	bring_to(&end, 0, QP_RTS);
	assert_int_equal(try_send(&end, 4, 128), 0);
	assert_int_equal(try_send(&end, 5, 0), EINVAL);
	assert_int_equal(try_send(&end, 0, 129), EINVAL);
	end_destroy(&end);
}

/* In SQD requests wait; their slots come back only with completions that are polled. */
static void a_slot_is_free_when_its_completion_was_polled(void **state)
{
	struct end_options options = { .type = QP_RC, .depth = 8 };
	struct request request = { .opcode = WR_RDMA_WRITE, .length = 8 };
	struct shared_cqe entry;
	struct address to;
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	to = end_address(&end);
	bring_to(&end, 0, QP_SQD);
	for (uint32_t i = 0; i < 8; i++) {
		request.wr_id = i;
		end_send(&end, &to, &request);
	}
	assert_int_equal(try_send(&end, 0, 0), ENOMEM);
	cq_empty(&end.send_cq);
	assert_int_equal(go(&end, 0, QP_ERR), 0);
	/* they have completed, and none was polled */
	assert_int_equal(try_send(&end, 0, 0), ENOMEM);
	for (uint32_t i = 0; i < 8; i++) {
		entry = cq_next(&end.send_cq);
		assert_int_equal(entry.wr_id, i);
		assert_int_equal(entry.status, WC_WR_FLUSH_ERR);
		assert_int_equal(entry.qpn, end.qp.number);
		assert_int_equal(try_send(&end, 0, 0), 0);
	}
	end_destroy(&end);
}

static void an_error_flushes_both_queues_in_order(void **state)
{
	struct end_options options = { .type = QP_RC };
	struct request request = { .opcode = WR_RDMA_WRITE, .length = 8 };
	struct address to;
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	to = end_address(&end);
	bring_to(&end, 0, QP_SQD);
	for (uint32_t i = 0; i < 20; i++) {
		request.wr_id = 100 + i;
		end_send(&end, &to, &request);
		end_receive(&end, i, 64 * i, 64);
	}
	assert_int_equal(go(&end, 0, QP_ERR), 0);
	for (uint32_t i = 0; i < 20; i++) {
		struct shared_cqe sent = cq_next(&end.send_cq), got = cq_next(&end.recv_cq);

		assert_int_equal(sent.wr_id, 100 + i);
		assert_int_equal(sent.status, WC_WR_FLUSH_ERR);
		assert_int_equal(got.wr_id, i);
		assert_int_equal(got.status, WC_WR_FLUSH_ERR);
	}
	/* what comes later is flushed at once */
	end_receive(&end, 77, 0, 8);
	assert_int_equal(cq_next(&end.recv_cq).wr_id, 77);
	end_send(&end, &to, &request);
	assert_int_equal(cq_next(&end.send_cq).status, WC_WR_FLUSH_ERR);
	end_destroy(&end);
}

static void a_reset_forgets_requests_and_completions(void **state)
{
	struct end_options options = { .type = QP_RC };
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	bring_to(&end, 0, QP_INIT);
	for (uint32_t i = 0; i < 64; i++)
		end_receive(&end, i, 0, 8);
	assert_int_equal(try_receive(&end), ENOMEM);
	assert_int_equal(go(&end, 0, QP_ERR), 0);
	assert_int_equal(go(&end, 0, QP_RESET), 0);
	cq_empty(&end.recv_cq);
	bring_to(&end, 0, QP_INIT);
	for (uint32_t i = 0; i < 64; i++)
		end_receive(&end, i, 0, 8);
	assert_int_equal(try_receive(&end), ENOMEM);
	end_destroy(&end);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mask_of_every_transition_is_as_the_table_says),
		cmocka_unit_test(attributes_that_nobody_may_change_are_refused),
		test_with(states_change_only_as_allowed),
		test_with(values_out_of_range_change_nothing),
		test_with(what_was_set_is_what_is_asked),
		test_with(posting_is_for_the_right_states),
		test_with(a_slot_is_free_when_its_completion_was_polled),
		test_with(an_error_flushes_both_queues_in_order),
		test_with(a_reset_forgets_requests_and_completions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
