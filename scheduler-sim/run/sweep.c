/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sweep.h"
#include "progress.h"
#include "sub.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a worker tells: one write, at most PIPE_BUF bytes. */
struct word {
	size_t number;
	pid_t worker;
	enum { WORD_BEGUN, WORD_DONE, WORD_SKIPPED, WORD_FAILED, WORD_WARNING } what;
	char text[sizeof(((struct err *)NULL)->text)];
};

struct worker {
	pid_t pid;     /* and process group: what it starts ends with it */
	size_t number; /* at which it is; SIZE_MAX: none */
	int status;    /* with which it ended */
};

struct sweep {
	struct scenario *scenario;
	const struct sweep_options *options;
	const char *program;
	struct sweep_result *result;
	struct progress progress;
	atomic_size_t *next; /* shared: the next number that nobody has */
	struct worker *workers;
	struct err warning; /* the latest, not to be said again and again */
	int pipe[2];
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static void tell(int fd, size_t number, int what, const char *text)
{
	struct word word = { .number = number, .worker = getpid(), .what = what };

	snprintf(word.text, sizeof(word.text), "%s", text);
	if (write(fd, &word, sizeof(word)) != sizeof(word))
		_exit(1);
}

/* In a process of its own, which ends with the one that began it. */
static void __attribute__((noreturn)) work(const struct sweep *sweep, pid_t parent)
{
	struct sub_cache *cache = sub_cache_create();
	int fd = sweep->pipe[1];
	size_t number;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!cache || getppid() != parent)
		_exit(1);
	while ((number = atomic_fetch_add(sweep->next, 1)) <= sweep->options->last) {
		struct err err = { "" }, warning = { "" };
		bool skipped = false;

		tell(fd, number, WORD_BEGUN, "");
		if (sub_run(sweep->scenario, number, cache, sweep->options->resume, &skipped,
			    &warning, &err) < 0)
			tell(fd, number, WORD_FAILED, err.text);
		else if (*warning.text)
			tell(fd, number, WORD_WARNING, warning.text);
		else
			tell(fd, number, skipped ? WORD_SKIPPED : WORD_DONE, "");
	}
	sub_cache_destroy(cache);
	scenario_release(sweep->scenario);
	_exit(0);
}

/* A new process.  A signal that comes meanwhile reaches it with the usual effect,
 * not with that of our handler.
 */
static pid_t fork_worker(void)
{
	sigset_t both, old;
	pid_t pid;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &old);
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
	} else if (pid > 0) {
		setpgid(pid, pid);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static int start_workers(struct sweep *sweep, struct err *err)
{
	size_t left = sweep->options->last + 1 - atomic_load(sweep->next);
	unsigned int count = sweep->options->workers;
	pid_t parent = getpid();

	if (pipe2(sweep->pipe, O_CLOEXEC) < 0)
		return err_errno(err, "unable to make a pipe");
	fflush(NULL);
	for (unsigned int i = 0; i < count; i++) {
		sweep->workers[i] = (struct worker){ .pid = -1, .number = SIZE_MAX };
		if (i >= left)
			continue;
		sweep->workers[i].pid = fork_worker();
		if (sweep->workers[i].pid == 0)
			work(sweep, parent);
		if (sweep->workers[i].pid < 0 && i == 0) {
			close(sweep->pipe[0]);
			close(sweep->pipe[1]);
			return err_errno(err, "unable to start a worker");
		}
	}
	close(sweep->pipe[1]);
	return 0;
}

static void complain(struct sweep *sweep, size_t number, const char *text)
{
	char folder[48];

	progress_clear(&sweep->progress);
	fprintf(stderr, "%s: sub-scenario %s: %s\n", sweep->program,
		scenario_folder(sweep->scenario, number, folder, sizeof(folder)), text);
}

static void warn(struct sweep *sweep, const struct word *word)
{
	if (strcmp(sweep->warning.text, word->text) == 0)
		return;
	snprintf(sweep->warning.text, sizeof(sweep->warning.text), "%s", word->text);
	progress_clear(&sweep->progress);
	fprintf(stderr, "%s: warning: %s\n", sweep->program, word->text);
}

static void hear(struct sweep *sweep, const struct word *word)
{
	struct sweep_result *result = sweep->result;
	char folder[48];

	for (unsigned int i = 0; i < sweep->options->workers; i++)
		if (sweep->workers[i].pid == word->worker)
			sweep->workers[i].number =
				word->what == WORD_BEGUN ? word->number : SIZE_MAX;
	if (word->what == WORD_BEGUN)
		return;
	if (word->what == WORD_WARNING)
		warn(sweep, word);
	if (word->what == WORD_FAILED) {
		result->failed++;
		complain(sweep, word->number, word->text);
	} else if (word->what == WORD_SKIPPED) {
		result->skipped++;
	} else {
		result->done++;
	}
	if (sweep->options->verbose && word->what != WORD_FAILED) {
		progress_clear(&sweep->progress);
		fprintf(stderr, "%s: sub-scenario %s: %s\n", sweep->program,
			scenario_folder(sweep->scenario, word->number, folder, sizeof(folder)),
			word->what == WORD_SKIPPED ? "was there" : "done");
	}
	progress_show(&sweep->progress, result->done + result->skipped + result->failed);
}

/* Until all workers have closed their end, or a signal comes. */
static void listen_to_workers(struct sweep *sweep)
{
	struct pollfd poll_fd = { .fd = sweep->pipe[0], .events = POLLIN };
	struct word word;

	while (!caught) {
		ssize_t size;

		if (poll(&poll_fd, 1, 1000) <= 0)
			continue;
		size = read(sweep->pipe[0], &word, sizeof(word));
		if (size == 0)
			break;
		if (size == sizeof(word))
			hear(sweep, &word);
	}
}

/* Wait until all workers have ended, after a signal not by themselves, and hear
 * what they had said before.
 */
static void end_workers(struct sweep *sweep)
{
	struct word word;
	ssize_t size;

	for (unsigned int i = 0; i < sweep->options->workers; i++)
		if (caught && sweep->workers[i].pid > 0)
			kill(-sweep->workers[i].pid, SIGTERM);
	for (unsigned int i = 0; i < sweep->options->workers; i++)
		while (sweep->workers[i].pid > 0 &&
		       waitpid(sweep->workers[i].pid, &sweep->workers[i].status, 0) < 0 &&
		       errno == EINTR)
			;
	while ((size = read(sweep->pipe[0], &word, sizeof(word))) != 0)
		if (size == sizeof(word))
			hear(sweep, &word);
		else if (errno != EINTR)
			break;
	close(sweep->pipe[0]);
}

/* Clear up behind a worker that has left something undone. */
static void bury(struct sweep *sweep, const struct worker *worker)
{
	char text[128], folder[48], *dir;
	int status = worker->status;

	if (worker->number == SIZE_MAX)
		return;
	scenario_folder(sweep->scenario, worker->number, folder, sizeof(folder));
	if (asprintf(&dir, "%s/%s", sweep->scenario->output, folder) >= 0) {
		sub_clean(dir);
		free(dir);
	}
	if (caught)
		return;
	sweep->result->failed++;
	snprintf(text, sizeof(text), "its worker ended with %s %d",
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	complain(sweep, worker->number, text);
}

/* Workers that fell are replaced as long as there is something to do. */
static int run_all(struct sweep *sweep, struct err *err)
{
	while (!caught && atomic_load(sweep->next) <= sweep->options->last) {
		if (start_workers(sweep, err) < 0)
			return -1;
		listen_to_workers(sweep);
		end_workers(sweep);
		for (unsigned int i = 0; i < sweep->options->workers; i++)
			if (sweep->workers[i].pid > 0)
				bury(sweep, &sweep->workers[i]);
	}
	return 0;
}

static void catch_signals(struct sigaction old[2])
{
	struct sigaction action = { .sa_handler = on_signal };

	caught = 0;
	sigaction(SIGINT, &action, &old[0]);
	sigaction(SIGTERM, &action, &old[1]);
}

static int run(struct sweep *sweep, struct err *err)
{
	const struct sweep_options *options = sweep->options;
	size_t count = options->last - options->first + 1;
	struct sigaction old[2];
	int rc;

	sweep->next = mmap(NULL, sizeof(*sweep->next), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sweep->workers = calloc(options->workers, sizeof(*sweep->workers));
	if (sweep->next == MAP_FAILED || !sweep->workers) {
		free(sweep->workers);
		return err_errno(err, "unable to start workers");
	}
	atomic_store(sweep->next, options->first);
	progress_begin(&sweep->progress, count);
	catch_signals(old);
	rc = run_all(sweep, err);
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	progress_clear(&sweep->progress);
	sweep->result->signal = caught;
	sweep->result->missing =
		count - sweep->result->done - sweep->result->skipped - sweep->result->failed;
	free(sweep->workers);
	munmap(sweep->next, sizeof(*sweep->next));
	return rc;
}

int sweep_run(struct scenario *scenario, const struct sweep_options *options, const char *program,
	      struct sweep_result *result, struct err *err)
{
	struct sweep sweep = {
		.scenario = scenario,
		.options = options,
		.program = program,
		.result = result,
	};

	memset(result, 0, sizeof(*result));
	return run(&sweep, err);
}

int sweep_make_folder(const char *path, struct err *err)
{
	char *copy = strdup(path), *slash;
	int rc = 0;

	if (!copy)
		return err_errno(err, "%s", path);
	for (slash = copy + strspn(copy, "/"); rc == 0 && slash;) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			rc = err_errno(err, "unable to make '%s'", copy);
		if (slash)
			*slash++ = '/';
	}
	free(copy);
	return rc;
}
