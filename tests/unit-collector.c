/* SPDX-License-Identifier: Apache-2.0 */
/* The collector in srun, spoken to in its own words. */
#include "gather.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct gather_server *server;
static char dir[64], rundir[96], cookie[GATHER_COOKIE];
static unsigned port;

static int start(void **state)
{
	struct err err;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/unit-collector.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(rundir, sizeof(rundir), "%s/sub/netemu.7.3", dir);
	server = gather_serve(0, 0, &port, cookie, &err);
	if (!server)
		fail_msg("%s", err.text);
	return 0;
}

static int stop(void **state)
{
	char command[128];

	(void)state;
	if (server)
		gather_server_stop(server);
	server = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static int connect_to(unsigned to)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)to);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Send TEXT and expect the line ANSWER, "" = that it hangs up. */
static void say(int fd, const char *text, size_t size, const char *answer)
{
	char line[256];
	size_t used = 0;
	ssize_t n;

	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
	while (used < sizeof(line) - 1 && !memchr(line, '\n', used)) {
		n = recv(fd, line + used, 1, 0);
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		if (n < 0)
			fail_msg("no answer to '%.100s'", text);
		if (n == 0)
			break;
		used += (size_t)n;
	}
	line[used] = '\0';
	if (strcmp(line, answer) != 0)
		fail_msg("'%.200s' was answered with '%s', not '%s'", text, line, answer);
}

static void sayf(int fd, const char *answer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void sayf(int fd, const char *answer, const char *fmt, ...)
{
	char text[16384];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert_in_range(n, 0, sizeof(text) - 1);
	say(fd, text, (size_t)n, answer);
}

static int greet(void)
{
	int fd = connect_to(port);

	sayf(fd, "OK\n", "GATHER 1 %s\n", cookie);
	return fd;
}

static void check_file(const char *relative, const char *content, size_t size)
{
	char path[256], *read = malloc(size + 1);
	FILE *file;

	assert_non_null(read);
	snprintf(path, sizeof(path), "%s/%s", rundir, relative);
	file = fopen(path, "r");
	if (!file)
		fail_msg("'%s' is not there", path);
	assert_int_equal(fread(read, 1, size + 1, file), size);
	assert_memory_equal(read, content, size);
	fclose(file);
	free(read);
}

static void takes_the_files_of_a_run(void **state)
{
	static const char *const names[] = {
		"run.json",        "node-0.json",      "node-4294967295.json",
		"mpi/rank-0.json", "mpi/rank-12.json", "log/node1.log"
	};
	unsigned long files, bytes;
	int fd = greet();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sayf(fd, "OK\n", "FILE %s\t%s 6\n{\"a\"}\n", rundir, names[i]);
		check_file(names[i], "{\"a\"}\n", 6);
	}
	sayf(fd, "OK\n", "FILE %s\tmpi/rank-3.json 0\n", rundir);
	check_file("mpi/rank-3.json", "", 0);
	sayf(fd, "OK\n", "BYE\n");
	close(fd);
	gather_server_totals(server, &files, &bytes);
	assert_int_equal(files, 7);
	assert_int_equal(bytes, 36);
}

static void a_second_version_replaces_the_first(void **state)
{
	int fd = greet();

	(void)state;
	sayf(fd, "OK\n", "FILE %s\trun.json 3\nold", rundir);
	sayf(fd, "OK\n", "FILE %s\trun.json 5\nnewer", rundir);
	check_file("run.json", "newer", 5);
	close(fd);
}

static void takes_a_large_file_in_pieces(void **state)
{
	size_t size = 3 * 1000 * 1000, sent = 0;
	char *data = malloc(size), line[256];
	int fd = greet();

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	snprintf(line, sizeof(line), "FILE %s\tmpi/rank-1.json %zu\n", rundir, size);
	/* its command, too, in two pieces */
	assert_int_equal(send(fd, line, 10, MSG_NOSIGNAL), 10);
	assert_int_equal(send(fd, line + 10, strlen(line + 10), MSG_NOSIGNAL), strlen(line + 10));
	while (sent < size - 1) {
		ssize_t n = send(fd, data + sent, size - 1 - sent, MSG_NOSIGNAL);

		assert_true(n > 0);
		sent += (size_t)n;
	}
	say(fd, data + size - 1, 1, "OK\n");
	check_file("mpi/rank-1.json", data, size);
	close(fd);
	free(data);
}

static void answers_what_it_sees(void **state)
{
	int fd = greet();

	(void)state;
	sayf(fd, "NO\n", "SEES %s\trun.json\n", rundir);
	sayf(fd, "OK\n", "FILE %s\trun.json 1\n1", rundir);
	sayf(fd, "YES\n", "SEES %s\trun.json\n", rundir);
	sayf(fd, "NO\n", "SEES %s\t../../netemu.7.3/run.json\n", rundir);
	sayf(fd, "NO\n", "SEES /etc\tpasswd\n");
	close(fd);
}

static void hangs_up_without_the_cookie(void **state)
{
	static const char *const wrong[] = { "0123456789abcdef0123456789abcdef", "", "0" };
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fd = connect_to(port);
		sayf(fd, "", "GATHER 1 %s\n", wrong[i]);
		close(fd);
	}
	fd = connect_to(port);
	sayf(fd, "", "GATHER 1 %sX\n", cookie);
	close(fd);
	fd = connect_to(port);
	sayf(fd, "", "GATHER 2 %s\n", cookie);
	close(fd);
	fd = connect_to(port);
	sayf(fd, "", "FILE %s\trun.json 1\n1", rundir);
	close(fd);
	assert_int_equal(access(rundir, F_OK), -1);
}

static size_t count_below(const char *path)
{
	char command[256];
	size_t count = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "find '%s' -mindepth 1 | wc -l", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%zu", &count), 1);
	pclose(pipe);
	return count;
}

static void writes_nowhere_else(void **state)
{
	static const char *const names[] = {
		"../x",
		"mpi/../../x",
		"mpi/rank-1.json/x",
		"mpi/rank--1.json",
		"mpi/rank-01.json",
		"mpi/rank-4294967296.json",
		"mpi/.rank-1.live",
		"log/.log",
		"log/.x.log",
		"log/a/b.log",
		"log/x.sh",
		"node-x.json",
		"run.json.sh",
		"/etc/cron.d/x",
		"",
		"mpi",
		"mpi/",
		"other/run.json",
	};
	static const char *const dirs[] = { "%s/plain",       "%s/netemu.",   "%s/../netemu.1",
					    "%s/netemu.1/..", "%s/netemu.1/", "%s/xnetemu.1" };
	char path[128];
	int fd = greet();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sayf(fd, "ERR Invalid argument\n", "FILE %s\t%s 3\nbad", rundir, names[i]);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, sizeof(path), dirs[i], dir);
#pragma GCC diagnostic pop
		sayf(fd, "ERR Invalid argument\n", "FILE %s\trun.json 3\nbad", path);
	}
	sayf(fd, "ERR Invalid argument\n", "FILE netemu.1\trun.json 3\nbad");
	assert_int_equal(count_below(dir), 0);
	/* and is still there */
	sayf(fd, "OK\n", "FILE %s\trun.json 1\n1", rundir);
	close(fd);
}

static void follows_no_link(void **state)
{
	char target[128], path[128];
	int fd = greet();

	(void)state;
	snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(mkdir(target, 0777), 0);
	snprintf(path, sizeof(path), "%s/netemu.1", dir);
	assert_int_equal(symlink(target, path), 0);
	sayf(fd, "ERR Not a directory\n", "FILE %s\trun.json 1\n1", path);
	snprintf(path, sizeof(path), "%s/netemu.2", dir);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/netemu.2/mpi", dir);
	assert_int_equal(symlink(target, path), 0);
	snprintf(path, sizeof(path), "%s/netemu.2", dir);
	sayf(fd, "ERR Not a directory\n", "FILE %s\tmpi/rank-0.json 1\n1", path);
	assert_int_equal(count_below(target), 0);
	close(fd);
}

static void an_error_does_not_lose_step(void **state)
{
	char path[128], data[20000];
	int fd = greet();

	(void)state;
	snprintf(path, sizeof(path), "%s/netemu.f", dir);
	fclose(fopen(path, "w"));
	memset(data, 'F', sizeof(data)); /* looks like commands */
	data[sizeof(data) - 1] = '\n';
	char line[256];
	int n = snprintf(line, sizeof(line), "FILE %s\trun.json %zu\n", path, sizeof(data));
	assert_int_equal(send(fd, line, (size_t)n, MSG_NOSIGNAL), n);
	say(fd, data, sizeof(data), "ERR Not a directory\n");
	sayf(fd, "OK\n", "FILE %s\trun.json 1\n1", rundir);
	close(fd);
}

static void hangs_up_on_nonsense(void **state)
{
	static const char *const lines[] = {
		"HELLO\n",
		"FILE\n",
		"FILE \n",
		"FILE /a/netemu.1\trun.json\n",
		"FILE /a/netemu.1\trun.json -1\n",
		"FILE /a/netemu.1\trun.json 1x\n",
		"FILE /a/netemu.1 run.json 1\n",
		"FILE /a/netemu.1\trun.json 1073741825\n",
		"FILE /a/netemu.1\trun.json 99999999999999999999\n",
		"SEES /a/netemu.1\n",
	};
	char *endless = malloc(6000);
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		fd = greet();
		sayf(fd, "", "%s", lines[i]);
		close(fd);
	}
	assert_non_null(endless);
	memset(endless, 'x', 6000);
	fd = greet();
	say(fd, endless, 6000, "");
	close(fd);
	free(endless);
}

static void a_broken_connection_leaves_nothing(void **state)
{
	char line[256], path[128];
	unsigned long files;
	int fd = greet(), n;

	(void)state;
	n = snprintf(line, sizeof(line), "FILE %s\trun.json 100\nhalf", rundir);
	assert_int_equal(send(fd, line, (size_t)n, MSG_NOSIGNAL), n);
	shutdown(fd, SHUT_WR);
	assert_int_equal(recv(fd, line, sizeof(line), 0), 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/sub", dir);
	assert_int_equal(count_below(path), 1); /* netemu.7.3 */
	gather_server_totals(server, &files, NULL);
	assert_int_equal(files, 0);
}

static void respects_the_umask_of_the_owner(void **state)
{
	char path[256];
	struct stat st;
	mode_t before = umask(027);
	int fd = greet();

	(void)state;
	sayf(fd, "OK\n", "FILE %s\tmpi/rank-1.json 1\n1", rundir);
	umask(before);
	close(fd);
	snprintf(path, sizeof(path), "%s/mpi/rank-1.json", rundir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(stat(rundir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void many_helpers_at_once(void **state)
{
	int fds[100];
	unsigned long files;

	(void)state;
	/* more than it serves at a time: the others wait until one leaves */
	for (int i = 0; i < 100; i++)
		fds[i] = connect_to(port);
	for (int i = 0; i < 100; i++) {
		sayf(fds[i], "OK\n", "GATHER 1 %s\n", cookie);
		sayf(fds[i], "OK\n", "FILE %s\tmpi/rank-%d.json 2\n%02d", rundir, i, i);
		close(fds[i]);
	}
	gather_server_totals(server, &files, NULL);
	assert_int_equal(files, 100);
	check_file("mpi/rank-99.json", "99", 2);
}

static void stays_inside_the_port_range(void **state)
{
	struct gather_server *first, *second;
	unsigned low = port, got, other;
	char secret[GATHER_COOKIE];
	struct err err;

	(void)state;
	/* the port of the running server is taken; find a free pair above it */
	for (low = 20000; low < 30000; low += 2) {
		first = gather_serve(low, low + 1, &got, secret, &err);
		if (!first)
			continue;
		second = gather_serve(low, low + 1, &other, secret, &err);
		if (second)
			break;
		gather_server_stop(first);
	}
	assert_true(low < 30000);
	assert_in_range(got, low, low + 1);
	assert_in_range(other, low, low + 1);
	assert_int_not_equal(got, other);
	assert_null(gather_serve(low, low + 1, &got, secret, &err));
	assert_string_equal(err.text, "unable to collect from nodes: Address already in use");
	gather_server_stop(first);
	gather_server_stop(second);
}

static void every_cookie_is_new(void **state)
{
	char other[GATHER_COOKIE];
	struct gather_server *second;
	unsigned got;

	(void)state;
	second = gather_serve(0, 0, &got, other, NULL);
	assert_non_null(second);
	assert_int_equal(strlen(cookie), 32);
	assert_int_equal(strspn(cookie, "0123456789abcdef"), 32);
	assert_string_not_equal(cookie, other);
	gather_server_stop(second);
}

static void the_end_waits_for_what_is_coming_in(void **state)
{
	char line[256];
	int fd = greet(), n;
	pid_t pid;

	(void)state;
	n = snprintf(line, sizeof(line), "FILE %s\trun.json 8\nhalf", rundir);
	assert_int_equal(send(fd, line, (size_t)n, MSG_NOSIGNAL), n);
	pid = fork();
	if (pid == 0) {
		usleep(300000);
		_exit(send(fd, "half", 4, MSG_NOSIGNAL) == 4 && recv(fd, line, 3, 0) == 3 ? 0 : 1);
	}
	close(fd);
	gather_server_stop(server);
	server = NULL;
	check_file("run.json", "halfhalf", 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(takes_the_files_of_a_run),
		TEST(a_second_version_replaces_the_first),
		TEST(takes_a_large_file_in_pieces),
		TEST(answers_what_it_sees),
		TEST(hangs_up_without_the_cookie),
		TEST(writes_nowhere_else),
		TEST(follows_no_link),
		TEST(an_error_does_not_lose_step),
		TEST(hangs_up_on_nonsense),
		TEST(a_broken_connection_leaves_nothing),
		TEST(respects_the_umask_of_the_owner),
		TEST(many_helpers_at_once),
		TEST(stays_inside_the_port_range),
		TEST(every_cookie_is_new),
		TEST(the_end_waits_for_what_is_coming_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
