/* SPDX-License-Identifier: Apache-2.0 */
#include "result/waymark.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static int64_t now;

static int64_t the_time(void)
{
	return now;
}

/* What 100 calls each second for SECONDS, and the end, write to standard error, which is FD. */
static void go(int fd, int seconds)
{
	struct waymark mark = { .clock = the_time };
	int own = dup(STDERR_FILENO);

	now = 1000;
	assert_true(own >= 0);
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	for (int i = 1; i <= 100 * seconds; i++, now += 10)
		waymark_show(&mark, "things", i / 2.0, (uint64_t)(100 * seconds));
	waymark_end(&mark);
	fflush(stderr);
	dup2(own, STDERR_FILENO);
	close(own);
}

/* A terminal; the end where its output is read. */
static int terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		skip();
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(*slave >= 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	return master;
}

static size_t take(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length + 1 < size && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	return length;
}

static unsigned count(const char *text, char c)
{
	unsigned found = 0;

	for (; *text; text++)
		found += *text == c;
	return found;
}

static void a_terminal_is_told_after_two_seconds(void **state)
{
	char text[8192];
	int slave, master = terminal(&slave);

	(void)state;
	go(slave, 1);
	assert_int_equal(take(master, text, sizeof(text)), 0);
	go(slave, 4);
	take(master, text, sizeof(text));
	/* the first look after two seconds is call 209, of which the half is done */
	assert_non_null(strstr(text, "\r 26.1 % of 400 things"));
	assert_null(strstr(text, "\r 25."));
	/* five times a second at most, and none is left */
	assert_in_range(count(text, '%'), 5, 10);
	assert_int_equal(text[strlen(text) - 1], '\r');
	close(slave);
	close(master);
}

static void what_is_no_terminal_is_told_nothing(void **state)
{
	char text[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	go(ends[1], 10);
	assert_int_equal(take(ends[0], text, sizeof(text)), 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_is_told_after_two_seconds),
		cmocka_unit_test(what_is_no_terminal_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
