/* SPDX-License-Identifier: Apache-2.0 */
/* unit-windows.c - memory windows that are bound by requests, and those that may not be */
#include "onehost.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define START 4096 /* of the part of B's memory that a window opens */
#define BYTES 1000

static struct mr window;

/* What is bound to a region that is all of B's memory, and what is wrong with it. */
enum wrong {
	NOTHING,
	NO_BIND,   /* the region has no ACCESS_MW_BIND */
	READ_ONLY, /* nor ACCESS_LOCAL_WRITE */
	FOREIGN,   /* the window is in another domain */
	BAD_KEY,   /* of the region */
};

struct binding {
	const char *name;
	enum mr_kind kind;
	uint32_t access;
	int64_t start; /* in B's memory */
	uint64_t length;
	enum wrong wrong;
};

#define READ  ACCESS_REMOTE_READ
#define WRITE ACCESS_REMOTE_WRITE

static const struct binding bad[] = {
	{ "another domain", MR_WINDOW1, READ, START, BYTES, FOREIGN },
	{ "another domain, kind 2", MR_WINDOW2, READ, START, BYTES, FOREIGN },
	{ "may not be bound to", MR_WINDOW1, READ, START, BYTES, NO_BIND },
	{ "may not be bound to, kind 2", MR_WINDOW2, READ, START, BYTES, NO_BIND },
	{ "written, not here", MR_WINDOW1, WRITE, START, BYTES, READ_ONLY },
	{ "atomics, not here", MR_WINDOW1, ACCESS_REMOTE_ATOMIC, START, 8, READ_ONLY },
	{ "no length, kind 2", MR_WINDOW2, READ, START, 0, NOTHING },
	{ "before the region", MR_WINDOW1, READ, -1, BYTES, NOTHING },
	{ "behind the region", MR_WINDOW1, READ, START, (1 << 20) - START + 1, NOTHING },
	{ "no such region", MR_WINDOW1, READ, START, BYTES, BAD_KEY },
};

static void post_bind(const struct mr *region, const struct binding *binding, uint32_t new_key)
{
	struct shared_sqe *sqe;

	qp_send_begin(&b.qp);
	sqe = qp_send_next(&b.qp, 0, 0);
	assert_non_null(sqe);
	sqe->opcode = WR_BIND_MW;
	sqe->wr_id = 77;
	sqe->window = window.key;
	sqe->window_key = new_key;
	sqe->region_key = region->key + (binding->wrong == BAD_KEY ? 1 : 0);
	sqe->window_addr = (uintptr_t)b.memory + (uint64_t)binding->start;
	sqe->window_length = binding->length;
	sqe->window_access = binding->access;
	qp_send_add(&b.qp, sqe);
	qp_send_ring(&b.qp);
	window.key = new_key;
}

static uint32_t access_of(const struct binding *binding)
{
	return (binding->wrong == NO_BIND ? 0 : ACCESS_MW_BIND) |
	       (binding->wrong == READ_ONLY ? 0 : ACCESS_LOCAL_WRITE) | ACCESS_REMOTE_READ;
}

/* BINDING on fresh ends; returns the status of its completion. */
static uint32_t try_to_bind(const struct binding *binding)
{
	struct shared_cqe entry;
	struct pd other;
	struct mr region;

	connect_ends(&(struct end_options){ .type = QP_RC });
	assert_int_equal(pd_create(&other, &host.context), 0);
	assert_int_equal(mr_register(&region, &host.context, &host.pd, MR_MEMORY,
				     (uintptr_t)b.memory, b.size, (uintptr_t)b.memory,
				     access_of(binding)),
			 0);
	assert_int_equal(mw_create(&window, &host.context,
				   binding->wrong == FOREIGN ? &other : &host.pd, binding->kind),
			 0);
	post_bind(&region, binding, window.key + 1);
	entry = cq_next(&b.send_cq);
	assert_int_equal(entry.wr_id, 77);
	assert_int_equal(end_state(&b), entry.status ? QP_ERR : QP_RTS);
	assert_int_equal(mw_destroy(&window), 0);
	assert_int_equal(mr_deregister(&region), 0);
	assert_int_equal(pd_destroy(&other), 0);
	disconnect();
	return entry.status;
}

static void what_may_not_be_bound_fails(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (try_to_bind(&bad[i]) != WC_MW_BIND_ERR)
			fail_msg("bound: %s", bad[i].name);
	/* and each with nothing wrong with it is */
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct binding good = {
			bad[i].name, bad[i].kind, bad[i].access, START, 8, NOTHING
		};

		if (try_to_bind(&good) != WC_SUCCESS)
			fail_msg("not bound, though nothing is wrong: %s", good.name);
	}
}

static void write_at(uint64_t offset, uint32_t length, uint32_t status)
{
	end_send(&a, &to_b,
		 &(struct request){ .opcode = WR_RDMA_WRITE,
				    .length = length,
				    .remote = offset,
				    .rkey = window.key });
	assert_int_equal(cq_next(&a.send_cq).status, status);
}

static void opens_its_bytes(enum mr_kind kind)
{
	const struct binding binding = { "", kind, WRITE, START, BYTES, NOTHING };

	connect_ends(&(struct end_options){ .type = QP_RC });
	memset(a.memory, 'w', BYTES);
	assert_int_equal(mw_create(&window, &host.context, &host.pd, kind), 0);
	post_bind(&b.mr, &binding, window.key + 1);
	assert_int_equal(cq_next(&b.send_cq).status, WC_SUCCESS);
	write_at(START, BYTES, WC_SUCCESS);
	assert_int_equal(b.memory[START + BYTES - 1], 'w');
	write_at(START + 1, BYTES, WC_REM_ACCESS_ERR);
	assert_int_equal(mw_destroy(&window), 0);
	disconnect();
}

static void a_window_opens_its_bytes_and_no_more(void **state)
{
	(void)state;
	opens_its_bytes(MR_WINDOW1);
	opens_its_bytes(MR_WINDOW2);
}

static void a_region_with_windows_bound_stays(void **state)
{
	struct binding binding = { "", MR_WINDOW1, WRITE, START, BYTES, NOTHING };

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	assert_int_equal(mw_create(&window, &host.context, &host.pd, MR_WINDOW1), 0);
	post_bind(&b.mr, &binding, window.key + 1);
	assert_int_equal(cq_next(&b.send_cq).status, WC_SUCCESS);
	errno = 0;
	assert_int_equal(mr_deregister(&b.mr), -1);
	assert_int_equal(errno, EBUSY);
	write_at(START, BYTES, WC_SUCCESS); /* as before */
	binding.length = 0;                 /* kind 1 is unbound so */
	post_bind(&b.mr, &binding, window.key + 1);
	assert_int_equal(cq_next(&b.send_cq).status, WC_SUCCESS);
	assert_int_equal(mr_deregister(&b.mr), 0);
	write_at(START, 1, WC_REM_ACCESS_ERR);
	assert_int_equal(mw_destroy(&window), 0);
	assert_int_equal(mr_register(&b.mr, &host.context, &host.pd, MR_MEMORY, (uintptr_t)b.memory,
				     b.size, (uintptr_t)b.memory, ALL_ACCESS),
			 0);
	disconnect();
}

static void a_destroyed_window_opens_nothing(void **state)
{
	const struct binding binding = { "", MR_WINDOW1, WRITE, START, BYTES, NOTHING };

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	assert_int_equal(mw_create(&window, &host.context, &host.pd, MR_WINDOW1), 0);
	post_bind(&b.mr, &binding, window.key + 1);
	assert_int_equal(cq_next(&b.send_cq).status, WC_SUCCESS);
	assert_int_equal(mw_destroy(&window), 0);
	memset(a.memory, 'w', 8);
	write_at(START, 8, WC_REM_ACCESS_ERR);
	assert_int_not_equal(b.memory[START], 'w');
	disconnect();
}

#define BOTH(test) ONEHOST(test, "transport=direct"), ONEHOST(test, "transport=queue")

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(what_may_not_be_bound_fails),
		BOTH(a_window_opens_its_bytes_and_no_more),
		BOTH(a_region_with_windows_bound_stays),
		BOTH(a_destroyed_window_opens_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
