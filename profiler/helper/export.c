/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "export.h"
#include "clock.h"
#include "home.h"
#include "nettrace_settings.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RELAX_MS    2000 /* of slurmstepd's patience */
#define PAUSE_NS    5000000
#define IOPRIO_IDLE (3 << 13) /* class of linux/ioprio.h, which not every libc has */

static const char *const formats[] = { "--format=raw", "--format=chrome" };

struct exporting {
	const char *program, *name;
	int64_t begun, end; /* ms */
	void (*relax)(void);
	uint64_t bytes; /* of records, so far */
	unsigned left;  /* ranks */
	struct err why; /* of the last of them */
};

/* Whether NAME, with whatever before it, is the file of RANK in a format. */
static bool is_of_rank(const char *name, const char *what, uint32_t rank)
{
	size_t length = strlen(name), end;
	char text[64];

	snprintf(text, sizeof(text), "%s_%u.json", what, rank);
	end = strlen(text);
	return length >= end && !strcmp(name + length - end, text);
}

bool export_is_made(const char *file)
{
	size_t length = strlen(file);

	return *file != '.' && strstr(file, "trace_") && length > 5 &&
	       !strcmp(file + length - 5, ".json");
}

typedef bool visit_fn(int dir, const char *name, uint32_t rank);

/* Whether FN says so of any file in verbs/. */
static bool visit(const char *rundir, uint32_t rank, visit_fn *fn)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *stream;

	if (snprintf(path, sizeof(path), "%s/" RUNDIR_VERBS, rundir) >= (int)sizeof(path))
		return false;
	stream = opendir(path);
	while (stream && !found && (entry = readdir(stream)))
		found = fn(dirfd(stream), entry->d_name, rank);
	if (stream)
		closedir(stream);
	return found;
}

static bool is_raw(int dir, const char *name, uint32_t rank)
{
	(void)dir;
	return *name != '.' && is_of_rank(name, "raw_trace", rank);
}

bool export_is_there(const char *rundir, uint32_t rank)
{
	return visit(rundir, rank, is_raw);
}

/* What a killed exporter has left; its rank is of this node alone. */
static bool remove_temporary(int dir, const char *name, uint32_t rank)
{
	char part[64];

	snprintf(part, sizeof(part), "trace_%u.json.", rank); /* outfile.h adds to it */
	if (strstr(name, part))
		unlinkat(dir, name, 0);
	return false;
}

/* --- one process --- */

static void __attribute__((noreturn)) become(char *const *argv, int errors)
{
	const struct rlimit size = { EXPORT_FILE, EXPORT_FILE }, core = { 0, 0 };
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, 19);
	syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
	/* SIGXFSZ stays ignored: the exporter says it, and tidies up */
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_CORE, &core);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0)
		_exit(125);
	execv(argv[0], argv);
	dprintf(2, "unable to run '%s': %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void rest(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	nanosleep(&pause, NULL);
}

/* Until PID is over; slurmstepd does not wait as long.  Returns its status, or -1 when it
 * had to be killed.
 */
static int await(struct exporting *exporting, pid_t pid)
{
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		int64_t now = clock_ms();

		if (exporting->relax && now >= exporting->begun + RELAX_MS) {
			exporting->relax();
			exporting->relax = NULL;
		}
		if (now >= exporting->end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		rest();
	}
	return got < 0 ? 0 : status;
}

/* What it has said, its first line, else how it ended. */
static int failed(int errors, int status, struct err *err)
{
	char text[256];
	ssize_t length = errors < 0 ? -1 : pread(errors, text, sizeof(text) - 1, 0);

	if (length > 0) {
		text[length] = '\0';
		text[strcspn(text, "\n")] = '\0';
		return err_set(err, "%s", text);
	}
	return err_set(err, "the exporter has ended with %s %d",
		       WIFEXITED(status) ? "status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int run_exporter(struct exporting *exporting, const char *rundir, uint32_t rank,
			const char *format, struct err *err)
{
	char number[32], word[] = "export", program[PATH_MAX], how[32], run[PATH_MAX];
	char *argv[] = { program, word, how, number, run, NULL };
	int errors = memfd_create("errors", MFD_CLOEXEC), status, rc = 0;
	pid_t pid;

	snprintf(program, sizeof(program), "%s", exporting->program);
	snprintf(how, sizeof(how), "%s", format);
	snprintf(number, sizeof(number), "--rank=%u", rank);
	snprintf(run, sizeof(run), "%s", rundir);
	pid = fork();
	if (pid == 0)
		become(argv, errors);
	if (pid < 0) {
		rc = err_errno(err, "unable to run '%s'", exporting->program);
	} else {
		status = await(exporting, pid);
		if (status < 0)
			rc = err_set(err, "it takes too long");
		else if (status)
			rc = failed(errors, status, err);
	}
	if (errors >= 0)
		close(errors);
	return rc;
}

/* --- all --- */

static int export_rank(struct exporting *exporting, const struct roster_world *world,
		       const struct roster_rank *rank)
{
	const char *rundir = rank->spared ? world->spare : world->rundir;
	char path[PATH_MAX];
	struct stat st;

	if (instrument_path(path, rundir, rank->rank) < 0 || stat(path, &st) < 0)
		return err_errno(&exporting->why, "rank %u", rank->rank);
	exporting->bytes += (uint64_t)st.st_size;
	if (exporting->bytes > EXPORT_BYTES)
		return err_set(&exporting->why, "they are large");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (clock_ms() >= exporting->end)
			return err_set(&exporting->why, "it takes too long");
		if (run_exporter(exporting, rundir, rank->rank, formats[i], &exporting->why) < 0) {
			visit(rundir, rank->rank, remove_temporary);
			return -1;
		}
	}
	return 0;
}

static bool is_asked_for(const struct inbox *inbox)
{
	struct nettrace_settings settings = NETTRACE_SETTINGS_INIT;

	return nettrace_settings_merge(&settings, NETTRACE_USER, inbox_text(inbox, INBOX_settings),
				       NULL) == 0 &&
	       settings.export;
}

void export_world(const struct inbox *inbox, struct roster_world *world, int64_t limit,
		  void (*relax)(void), const char *name)
{
	int64_t now = clock_ms();
	struct exporting exporting = {
		.program = inbox_text(inbox, INBOX_exporter),
		.name = name,
		.begun = now,
		.end = now + limit,
		.relax = relax,
	};

	if (!is_asked_for(inbox) || *exporting.program != '/')
		return;
	for (size_t i = 0; i < world->count; i++)
		if (world->ranks[i].finished &&
		    export_rank(&exporting, world, &world->ranks[i]) < 0)
			exporting.left++;
	if (exporting.left)
		home_log(world, name, "%u rank%s not exported: %s; netemu trace export does it",
			 exporting.left, exporting.left == 1 ? "" : "s", exporting.why.text);
}
