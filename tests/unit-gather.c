/* SPDX-License-Identifier: Apache-2.0 */
/* unit-gather.c - the helper's side of the collector, against the real one and
 * against servers that answer badly
 */
#include "gather.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COOKIE "0123456789abcdef0123456789abcdef"

static char top[1024], here[1100], there[1100];
static struct gather_server *server;
static char address[128];

static int start(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char cookie[GATHER_COOKIE], command[4096];
	unsigned port;

	(void)state;
	snprintf(top, sizeof(top), "%s/unit-gather.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(top))
		return -1;
	snprintf(here, sizeof(here), "%s/here/netemu.1.0", top);
	snprintf(there, sizeof(there), "%s/there/netemu.1.0", top);
	snprintf(command, sizeof(command),
		 "mkdir -p '%s/mpi' '%s/log' && cd '%s' && echo zero >mpi/rank-0.json && "
		 "head -c 300000 /dev/zero >mpi/rank-1.json && : >log/node-0.log && "
		 "ln -s rank-0.json mpi/rank-2.json",
		 here, here, here);
	server = gather_serve(0, 0, &port, cookie, NULL);
	if (!server || system(command))
		return -1;
	snprintf(address, sizeof(address), "127.0.0.1:%u:%s", port, cookie);
	return 0;
}

static int stop(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	gather_server_stop(server);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static long size_there(const char *name)
{
	char path[2 * PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", there, name);
	return stat(path, &st) < 0 ? -1 : (long)st.st_size;
}

static void brings_files_to_the_other_side(void **state)
{
	struct gather *gather = gather_connect(address, NULL);

	(void)state;
	assert_non_null(gather);
	assert_int_equal(gather_sees(gather, there, "mpi/rank-0.json", NULL), 0);
	assert_int_equal(gather_send(gather, here, there, "mpi/rank-0.json", NULL), 0);
	assert_int_equal(gather_send(gather, here, there, "mpi/rank-1.json", NULL), 0);
	assert_int_equal(gather_send(gather, here, there, "log/node-0.log", NULL), 0);
	assert_int_equal(gather_sees(gather, there, "mpi/rank-0.json", NULL), 1);
	gather_close(gather);
	assert_int_equal(size_there("mpi/rank-0.json"), 5);
	assert_int_equal(size_there("mpi/rank-1.json"), 300000);
	assert_int_equal(size_there("log/node-0.log"), 0);
}

static void goes_on_after_a_file_that_cannot_be_sent(void **state)
{
	struct gather *gather = gather_connect(address, NULL);
	struct err err;

	(void)state;
	assert_non_null(gather);
	assert_int_equal(gather_send(gather, here, there, "mpi/rank-9.json", &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(gather_send(gather, here, there, "mpi/rank-2.json", &err), -1);
	assert_int_equal(
		gather_send(gather, here, "/proc/self/netemu.1.0", "mpi/rank-0.json", &err), -1);
	assert_non_null(strstr(err.text, "does not take"));
	assert_int_equal(gather_send(gather, here, there, "mpi/rank-0.json", NULL), 0);
	gather_close(gather);
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const table[] = {
		"",
		"host",
		"host:1",
		"host:1:short",
		":1:" COOKIE,
		"[]:1:" COOKIE,
		"host::" COOKIE,
		"host:123456789:" COOKIE,
		"host:port:" COOKIE,
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		err.text[0] = '\0';
		assert_null(gather_connect(table[i], &err));
		assert_true(err.text[0]);
	}
}

static void says_when_the_cookie_is_wrong(void **state)
{
	char wrong[128];
	struct err err;

	(void)state;
	snprintf(wrong, sizeof(wrong), "%.*s:" COOKIE, (int)(strrchr(address, ':') - address),
		 address);
	assert_null(gather_connect(wrong, &err));
	assert_non_null(strstr(err.text, "closed the connection"));
}

static void says_when_nobody_listens(void **state)
{
	struct err err;

	(void)state;
	assert_null(gather_connect("127.0.0.1:1:" COOKIE, &err));
	assert_non_null(strstr(err.text, "Connection refused"));
	assert_null(gather_connect("[::1]:1:" COOKIE, &err));
	assert_non_null(strstr(err.text, "'::1:1'"));
}

/* A process that answers the first connection to PORT with ANSWER. */
static pid_t answer_once(const char *answer, unsigned *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char line[256];
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	*port = ntohs(name.sin_port);
	pid = fork();
	if (pid == 0) {
		int peer = accept(fd, NULL, NULL);

		alarm(10);
		if (read(peer, line, sizeof(line)) > 0 &&
		    write(peer, answer, strlen(answer)) == (ssize_t)strlen(answer))
			_exit(read(peer, line, sizeof(line)) < 0);
		_exit(1);
	}
	close(fd);
	return pid;
}

static void does_not_believe_every_answer(void **state)
{
	static const char *const answers[] = { "NO\n", "\n", "OKAY\n" };
	char odd[128];
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		unsigned port;
		pid_t pid = answer_once(answers[i], &port);

		snprintf(odd, sizeof(odd), "127.0.0.1:%u:" COOKIE, port);
		assert_null(gather_connect(odd, &err));
		assert_non_null(strstr(err.text, "answers"));
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(brings_files_to_the_other_side),
		cmocka_unit_test(goes_on_after_a_file_that_cannot_be_sent),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(says_when_the_cookie_is_wrong),
		cmocka_unit_test(says_when_nobody_listens),
		cmocka_unit_test(does_not_believe_every_answer),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
