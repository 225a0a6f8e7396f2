/* SPDX-License-Identifier: Apache-2.0 */
/* unit-strict.c - strict=yes shows what a program only gets away with */
#include "onehost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct end end; /* connected with itself */
static struct address self;

static int set_up(void **state)
{
	struct end_options options = { .type = QP_RC };

	onehost_open(state);
	end_create(&end, &host, &options);
	self = end_address(&end);
	end_connect(&end, &self);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_close(&lab);
	end_destroy(&end);
	host_leave(&host);
	return 0;
}

static void go(uint32_t to)
{
	struct qp_attr attr = { .state = to };

	assert_int_equal(qp_modify(&end.qp, &attr, QP_ATTR_STATE), 0);
}

/* What stderr gets while a send of 100 bytes waits, and CHANGED of them is changed. */
static void send_and_listen(int changed, char *said, size_t size)
{
	struct request request = { .opcode = WR_SEND, .length = 100, .wr_id = 987654 };
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);

	assert_non_null(file);
	memset(end.memory, 'x', 100);
	end_receive(&end, 1, 4096, 100);
	go(QP_SQD);
	end_send(&end, &self, &request);
	if (changed >= 0)
		end.memory[changed] = 'y';
	dup2(fileno(file), STDERR_FILENO);
	go(QP_RTS);
	cq_next(&end.send_cq);
	cq_next(&end.recv_cq);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	said[fread(said, 1, size - 1, file)] = '\0';
	fclose(file);
}

static void a_change_of_what_is_being_sent_is_told_once(void **state)
{
	char said[4096], number[16];

	(void)state;
	send_and_listen(99, said, sizeof(said));
	snprintf(number, sizeof(number), "0x%x", end.qp.number);
	assert_non_null(strstr(said, number));
	assert_non_null(strstr(said, "987654"));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void what_stays_as_it_was_is_not_told(void **state)
{
	char said[4096];

	(void)state;
	send_and_listen(-1, said, sizeof(said));
	assert_string_equal(said, "");
}

/* A program that reads its buffer before the completion finds no old message there. */
static void memory_that_is_to_be_written_has_nothing_of_before(void **state)
{
	(void)state;
	memset(end.memory, 'o', 8192);
	end_receive(&end, 1, 4096, 100);
	for (int i = 0; i < 100; i++)
		assert_int_not_equal(end.memory[4096 + i], 'o');
	assert_int_equal(end.memory[4095], 'o');
	assert_int_equal(end.memory[4196], 'o');
}

static void without_it_nothing_is_touched_or_told(void **state)
{
	char said[4096];

	(void)state;
	memset(end.memory, 'o', 8192);
	end_receive(&end, 1, 4096, 100);
	assert_int_equal(end.memory[4096], 'o');
	assert_int_equal(end.memory[4195], 'o');
	send_and_listen(50, said, sizeof(said));
	assert_string_equal(said, "");
}

#define test_with(test, settings)                                                \
	{                                                                        \
		.name = #test, .test_func = (test), .setup_func = set_up,        \
		.teardown_func = tear_down, .initial_state = (void *)(settings), \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(a_change_of_what_is_being_sent_is_told_once, "strict=yes"),
		test_with(what_stays_as_it_was_is_not_told, "strict=yes"),
		test_with(memory_that_is_to_be_written_has_nothing_of_before, "strict=yes"),
		test_with(without_it_nothing_is_touched_or_told, "yes"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
