/* SPDX-License-Identifier: Apache-2.0 */
/* start.c - the helper of this node
 *
 * slurmstepd kills all its descendants before it leaves, and reaps children
 * that are not its own: so the helper is forked twice, in a session of its
 * own, and tied to slurmstepd by two descriptors instead of a process id.
 */
#include "start.h"
#include "clock.h"
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_PATIENCE  5000 /* ms; only when it hangs, a failure is seen at once */
#define FINISH_PATIENCE 3000 /* ms */

static int life = -1, ack = -1;

struct ends {
	int life, ack, list; /* the helper's */
};

/* Read from the helper until `ready PID\n`, its end of file or DEADLINE. */
static bool await_ready(int64_t deadline, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		struct pollfd poller = { .fd = ack, .events = POLLIN };
		int64_t left = deadline - clock_ms();
		ssize_t n;

		if (left <= 0 || (poll(&poller, 1, (int)left) < 0 && errno != EINTR))
			return false;
		if (!poller.revents)
			continue;
		n = read(ack, line + used, size - used - 1);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return false;
		used += n > 0 ? (size_t)n : 0;
		line[used] = '\0';
		if (strchr(line, '\n'))
			return true;
	}
	return false;
}

/* In the child, where only async-signal-safe calls are allowed. */
static void become_user(const struct start *start)
{
	if (getuid() == start->uid && geteuid() == start->uid)
		return;
	if (seteuid(0) < 0 || setgroups((size_t)start->ngroups, start->groups) < 0 ||
	    setresgid(start->gid, start->gid, start->gid) < 0 ||
	    setresuid(start->uid, start->uid, start->uid) < 0)
		_exit(126);
	if (start->uid != 0 && (seteuid(0) == 0 || getuid() != start->uid))
		_exit(126);
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)first, ~0u, 0u) == 0)
		return;
#endif
	for (long fd = first, last = sysconf(_SC_OPEN_MAX); fd < last && fd < 65536; fd++)
		close((int)fd);
}

static void place_descriptors(const struct ends *ends)
{
	/* first out of each other's way */
	int from_life = fcntl(ends->life, F_DUPFD, 16);
	int from_ack = fcntl(ends->ack, F_DUPFD, 16);
	int from_list = fcntl(ends->list, F_DUPFD, 16);
	int null = open("/dev/null", O_RDWR);

	if (from_life < 0 || from_ack < 0 || from_list < 0 || null < 0)
		_exit(125);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			_exit(125);
	if (dup2(from_life, HELPER_FD_LIFE) < 0 || dup2(from_ack, HELPER_FD_ACK) < 0 ||
	    dup2(from_list, HELPER_FD_LIST) < 0)
		_exit(125);
	close_from(HELPER_FD_LIST + 1);
}

static void __attribute__((noreturn)) run_helper(const struct start *start, const struct ends *ends)
{
	if (setsid() < 0 || fork() != 0)
		_exit(0);
	become_user(start);
	umask(start->umask);
	reset_signals();
	place_descriptors(ends);
	if (chdir("/") < 0)
		_exit(125);
	execve(start->argv[0], start->argv, start->environ);
	_exit(127);
}

static void close_ends(struct ends *ends)
{
	close(ends->life);
	close(ends->ack);
	close(ends->list);
}

/* A socket instead of a pipe for `life`: send() can do without SIGPIPE. */
static int make_ends(struct ends *ends, struct err *err)
{
	int lifes[2], acks[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lifes) < 0)
		return err_errno(err, "unable to talk to the helper");
	if (pipe2(acks, O_CLOEXEC) < 0) {
		err_errno(err, "unable to talk to the helper");
		close(lifes[0]);
		close(lifes[1]);
		return -1;
	}
	life = lifes[0];
	ack = acks[0];
	*ends = (struct ends){ .life = lifes[1], .ack = acks[1] };
	ends->list = memfd_create("netprof", MFD_CLOEXEC);
	if (ends->list >= 0)
		return 0;
	err_errno(err, "unable to make the list of ranks");
	close(ends->life);
	close(ends->ack);
	return -1;
}

static void drop(void)
{
	if (life >= 0)
		close(life);
	if (ack >= 0)
		close(ack);
	life = ack = -1;
}

int start_helper(const struct start *start, char *list, size_t size, struct err *err)
{
	struct ends ends = { -1, -1, -1 };
	char line[64];
	pid_t middle;
	unsigned pid;

	if (make_ends(&ends, err) < 0) {
		drop();
		return -1;
	}
	middle = fork();
	if (middle == 0)
		run_helper(start, &ends);
	close_ends(&ends);
	if (middle < 0) {
		drop();
		return err_errno(err, "unable to start '%s'", start->argv[0]);
	}
	while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
		;
	if (!await_ready(clock_ms() + READY_PATIENCE, line, sizeof(line)) ||
	    sscanf(line, "ready %u", &pid) != 1) {
		drop();
		return err_set(err, "unable to start '%s'", start->argv[0]);
	}
	snprintf(list, size, "/proc/%u/fd/%d", pid, HELPER_FD_LIST);
	return 0;
}

void start_tell(const char *key, const char *value)
{
	size_t size = strlen(key) + strlen(value) + 3;
	char *line;

	if (life < 0)
		return;
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return;
	line = malloc(size);
	if (!line)
		return;
	snprintf(line, size, "%s %s\n", key, value);
	if (send(life, line, size - 1, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(size - 1)) {
		/* it is gone, or half a line is there: it must not read on */
		close(life);
		life = -1;
	}
	free(line);
}

int start_answer(char *line, size_t size, int deadline)
{
	if (ack < 0 || !await_ready(clock_ms() + deadline, line, size))
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

void start_finish(void)
{
	int64_t deadline = clock_ms() + FINISH_PATIENCE;
	char line[64];

	if (ack < 0)
		return;
	if (life >= 0)
		close(life);
	life = -1;
	while (await_ready(deadline, line, sizeof(line)))
		;
	drop();
}
