/* SPDX-License-Identifier: Apache-2.0 */
#include "child.h"
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What this process is born with, and its program too.  Where SIGCHLD is ignored there
 * is nothing to wait for, so it is not while the program runs.
 */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

/* In the child: become ARGV, or tell why not. */
static void __attribute__((noreturn)) become(char **argv, const struct signals *born, int tell)
{
	int error;

	sigaction(SIGCHLD, &born->child, NULL);
	sigprocmask(SIG_SETMASK, &born->mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	while (write(tell, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(error == ENOENT ? 127 : 126);
}

/* Fork and exec; *ERROR is errno of an exec that failed, else 0. */
static pid_t start(char **argv, const struct signals *born, int *error)
{
	int tell[2];
	pid_t pid;

	*error = 0;
	if (pipe2(tell, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become(argv, born, tell[1]);
	close(tell[1]);
	if (pid > 0 && read(tell[0], error, sizeof(*error)) < 0)
		*error = 0;
	close(tell[0]);
	return pid;
}

/* The next signal, or 0 after NS (-1: no limit). */
static int next_signal(const sigset_t *set, int64_t ns, siginfo_t *info)
{
	const struct timespec limit = { ns / 1000000000, ns % 1000000000 };
	int signal = ns < 0 ? sigwaitinfo(set, info) : sigtimedwait(set, info, &limit);

	return signal > 0 ? signal : 0;
}

static int wait_for(pid_t pid, const sigset_t *set, child_work_fn *work, void *arg)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		int64_t pause = work ? work(arg, clock_ns(CLOCK_MONOTONIC) - begin) : -1;
		siginfo_t info;
		int signal = next_signal(set, pause, &info);

		/* what the terminal sends has reached the program by itself */
		if (signal && signal != SIGCHLD && info.si_code <= 0)
			kill(pid, signal);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(char **argv, child_work_fn *work, void *arg, struct err *err)
{
	static const int signals[] = {
		SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2
	};
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	struct signals born;
	sigset_t set;
	int error, status;
	pid_t pid;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &born.mask);
	sigaction(SIGCHLD, &usual, &born.child);
	pid = start(argv, &born, &error);
	if (pid < 0) {
		err_errno(err, "unable to start '%s'", argv[0]);
		status = 126;
	} else {
		status = wait_for(pid, &set, work, arg);
	}
	sigaction(SIGCHLD, &born.child, NULL);
	sigprocmask(SIG_SETMASK, &born.mask, NULL);
	if (pid > 0 && error) {
		errno = error;
		err_errno(err, "unable to run '%s'", argv[0]);
	}
	return status;
}
