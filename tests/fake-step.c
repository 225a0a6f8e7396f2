/* SPDX-License-Identifier: Apache-2.0 */
/* fake-step.c - start the per-node helper as slurmstepd does, for tests
 *
 * Usage: fake-step HELPER COMMAND
 *
 * COMMAND runs in a shell with the write end of the life pipe as descriptor 7,
 * the list as 8, NETPROF_HELPER set for processes that count, and $HELPER_PID.
 * When it ends the life pipe is closed.  Prints "ready", then "ack MS" when
 * slurmstepd may go on, "exit STATUS MS" when the helper has ended (MS after
 * the end of the life pipe), and a shell's status when COMMAND failed.
 */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIFE 7
#define LIST 8

static int die(const char *text)
{
	perror(text);
	exit(99);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Pipes away from the numbers that are given out. */
static void make_pipe(int fds[2])
{
	int low[2];

	if (pipe(low) < 0)
		die("pipe");
	for (int i = 0; i < 2; i++) {
		fds[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 20);
		close(low[i]);
	}
}

static pid_t start_helper(const char *helper, int life, int ack, int list)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	if (dup2(life, HELPER_FD_LIFE) < 0 || dup2(ack, HELPER_FD_ACK) < 0 ||
	    dup2(list, HELPER_FD_LIST) < 0)
		_exit(98);
	/* With blanks in it: under a checker. */
	if (strchr(helper, ' '))
		execl("/bin/sh", "sh", "-c", helper, (char *)NULL);
	else
		execl(helper, helper, (char *)NULL);
	_exit(97);
}

static void wait_ready(int ack)
{
	struct pollfd poller = { .fd = ack, .events = POLLIN };
	char line[64];
	ssize_t length;

	if (poll(&poller, 1, 30000) <= 0)
		die("no ready line");
	length = read(ack, line, sizeof(line) - 1);
	if (length < 6 || strncmp(line, "ready ", 6))
		die("not a ready line");
	line[length] = '\0';
	setenv("HELPER_PID", strtok(line + 6, "\n"), 1);
	puts("ready");
	fflush(stdout);
}

static int run(const char *command, int life, int list)
{
	char text[64];
	int status;
	pid_t pid;

	snprintf(text, sizeof(text), "/proc/%s/fd/%d", getenv("HELPER_PID"), HELPER_FD_LIST);
	setenv("NETPROF_HELPER", text, 1);
	pid = fork();
	if (pid == 0) {
		if (dup2(life, LIFE) < 0 || dup2(list, LIST) < 0)
			_exit(98);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(97);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int life[2], ack[2], status, list, rc;
	struct pollfd poller;
	char byte;
	long end;
	pid_t pid;

	if (argc != 3)
		return 2;
	make_pipe(life);
	make_pipe(ack);
	list = fcntl(memfd_create("netprof-list", 0), F_DUPFD_CLOEXEC, 20);
	fcntl(list, F_SETFL, O_APPEND);
	pid = start_helper(argv[1], life[0], ack[1], list);
	close(life[0]);
	close(ack[1]);
	wait_ready(ack[0]);
	rc = run(argv[2], life[1], list);
	end = now_ms();
	close(life[1]);
	poller = (struct pollfd){ .fd = ack[0], .events = POLLIN };
	while (poll(&poller, 1, 70000) > 0 && read(ack[0], &byte, 1) > 0)
		;
	printf("ack %ld\n", now_ms() - end);
	fflush(stdout);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	printf("exit %d %ld\n", status, now_ms() - end);
	if (rc)
		printf("command %d\n", rc);
	return 0;
}
