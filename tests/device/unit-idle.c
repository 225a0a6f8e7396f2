/* SPDX-License-Identifier: Apache-2.0 */
/* unit-idle.c - a program that waits sleeps, whatever it has open */
#include "devlib.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#define SETTLED    300000000 /* ns: until then it may look whether more comes */
#define PERIOD     3         /* s */
#define PER_PERIOD 4         /* times it may wake up in it */

static struct lab lab;
static struct host host;
static struct end end;

/* What the idle process and the test tell each other. */
static struct common {
	struct address here, there;
	bool connected, talks;
} * common;

static int to_child[2], to_test[2]; /* pipes */

static int set_up(void **state)
{
	lab_open(&lab, *state, 1);
	common = share(sizeof(*common));
	*common = (struct common){ .connected = false };
	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(to_test), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lab_close(&lab);
	if (end.host)
		end_destroy(&end);
	end.host = NULL;
	host_leave(&host);
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_test[i]);
	}
	return 0;
}

static void say(int fd)
{
	assert_int_equal(write(fd, "x", 1), 1);
}

static void hear(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 1);
}

static void make_end(struct address *own)
{
	struct end_options options = { .type = QP_RC };

	host_join(&host, &lab, 0);
	end_create(&end, &host, &options);
	*own = end_address(&end);
}

/* Both sides have posted their receive requests. */
static void talk(const struct address *to)
{
	struct request request = { .opcode = WR_SEND, .length = 100 };

	end_send(&end, to, &request);
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&end.recv_cq).status, WC_SUCCESS);
}

/* One completion is awaited and does not come. */
static void be_idle(void *arg)
{
	(void)arg;
	make_end(&common->there);
	if (common->connected) {
		end_connect(&end, &common->here);
		end_receive(&end, 1, 4096, 100);
		end_receive(&end, 2, 4096, 100);
	}
	say(to_test[1]);
	hear(to_child[0]);
	if (common->talks)
		talk(&common->here);
	cq_arm(&end.recv_cq, false);
	say(to_test[1]);
	hear(to_child[0]);
}

static long switches_of(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[128];
	long count = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
			break;
	if (file)
		fclose(file);
	return count;
}

/* Of all threads of PID. */
static long switches(pid_t pid)
{
	char path[300];
	struct dirent *entry;
	long sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, entry->d_name);
		if (entry->d_name[0] != '.')
			sum += switches_of(path);
	}
	closedir(dir);
	return sum;
}

static void pass(time_t seconds, long nanoseconds)
{
	struct timespec time = { seconds, nanoseconds };

	while (nanosleep(&time, &time))
		;
}

static void expect_sleep(bool connected, bool talks)
{
	long before, after;
	pid_t child;

	common->connected = connected;
	common->talks = talks;
	make_end(&common->here);
	child = child_run(be_idle, NULL);
	close(to_test[1]); /* who reads the other end hears of the child's death */
	to_test[1] = -1;
	hear(to_test[0]);
	if (connected)
		end_connect(&end, &common->there);
	if (talks)
		end_receive(&end, 1, 4096, 100);
	say(to_child[1]);
	if (talks)
		talk(&common->there);
	hear(to_test[0]);
	pass(0, SETTLED);
	before = switches(child);
	pass(PERIOD, 0);
	after = switches(child);
	assert_true(before > 0);
	if (after - before > PER_PERIOD)
		fail_msg("woke up %ld times in %d s", after - before, PERIOD);
	say(to_child[1]);
	child_wait(child);
}

static void without_a_peer(void **state)
{
	(void)state;
	expect_sleep(false, false);
}

static void connected(void **state)
{
	(void)state;
	expect_sleep(true, false);
}

static void after_some_messages(void **state)
{
	(void)state;
	expect_sleep(true, true);
}

#define OVER(test, settings)                                                     \
	{                                                                        \
#test " " settings, test, set_up, tear_down, (char *)"" settings \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		OVER(without_a_peer, "transport=direct"),
		OVER(without_a_peer, "transport=queue"),
		OVER(connected, "transport=direct"),
		OVER(connected, "transport=queue"),
		OVER(after_some_messages, "transport=direct"),
		OVER(after_some_messages, "transport=direct,latency=1ms"),
		OVER(after_some_messages, "transport=queue"),
		OVER(after_some_messages, "transport=auto"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
