/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"
#include "clock.h"
#include "finish.h"
#include "helper.h"
#include "home.h"
#include "inbox.h"
#include "instrument.h"
#include "jobinfo.h"
#include "keep.h"
#include "nodefile.h"
#include "roster.h"
#include "rundir.h"
#include "runfile.h"
#include "ship.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GONE_MS     20000 /* for processes that slurmstepd has yet to kill */
#define PATIENCE_MS 300   /* before slurmstepd is told to go on */
#define PAUSE_MS    10
#define DERIVE_MS   30000
#define HURRY_MS    1500 /* for what srun is to get: it does not wait longer */

struct serving {
	struct inbox inbox;
	struct roster roster;
	time_t start;
	int watch; /* inotify on the list, -1 = none */
	char log[32];
	json_t *job; /* of slurmctld */
	bool asked;
	int64_t deriving; /* ms: since when; 0 = not yet */
};

static void ignore_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT,  SIGHUP,  SIGQUIT, SIGPIPE, SIGTSTP,
				       SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGXFSZ, SIGXCPU };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		signal(signals[i], SIG_IGN);
}

/* The list: a file nobody else has a name for.  Returns 0 or -1. */
static int check_descriptors(struct err *err)
{
	struct stat st;

	if (fcntl(HELPER_FD_LIFE, F_GETFD) < 0 || fcntl(HELPER_FD_ACK, F_GETFD) < 0 ||
	    fstat(HELPER_FD_LIST, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err,
			       "descriptors %d to %d are not those of a step: this program "
			       "is started by the plugin",
			       HELPER_FD_LIFE, HELPER_FD_LIST);
	for (int fd = HELPER_FD_LIFE; fd <= HELPER_FD_LIST; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* Nothing that is opened later may become a standard descriptor. */
static void fill_standard(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
}

/* Waking up when the list grows lets roster_read() get hold of counters that
 * live in the memory of a process; without it they are read at the end.
 */
static int watch_list(void)
{
	char path[64];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", HELPER_FD_LIST);
	if (fd >= 0 && inotify_add_watch(fd, path, IN_MODIFY) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void say_ready(void)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "ready %d\n", (int)getpid());

	(void)!write(HELPER_FD_ACK, line, (size_t)length); /* nobody there: its end says so too */
}

static void close_ack(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* The number stays taken, so that it can be closed again. */
	if (null < 0 || dup2(null, HELPER_FD_ACK) < 0)
		close(HELPER_FD_ACK);
	if (null >= 0)
		close(null);
}

/* Take what there is on the life pipe.  Returns 0 at its end. */
static int hear(struct serving *serving)
{
	char data[65536];
	ssize_t length = read(HELPER_FD_LIFE, data, sizeof(data));

	if (length < 0)
		return errno == EINTR || errno == EAGAIN;
	if (length == 0)
		return 0;
	return inbox_feed(&serving->inbox, data, (size_t)length) == 0;
}

static void listen_to_step(struct serving *serving)
{
	struct pollfd pollers[] = {
		{ .fd = HELPER_FD_LIFE, .events = POLLIN },
		{ .fd = serving->watch, .events = POLLIN },
	};
	char events[4096];

	for (;;) {
		if (poll(pollers, 2, -1) < 0 && errno != EINTR)
			return;
		if (pollers[1].revents) {
			if (read(serving->watch, events, sizeof(events)) < 0 && errno != EAGAIN)
				pollers[1].fd = -1;
			roster_read(&serving->roster, HELPER_FD_LIST);
		}
		if (pollers[0].revents && !hear(serving))
			return;
	}
}

/* Until all ranks are gone or time is up; they may still write on the list. */
static void wait_for_ranks(struct serving *serving)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000 * 1000 };

	for (int waited = 0; waited < GONE_MS; waited += PAUSE_MS) {
		roster_read(&serving->roster, HELPER_FD_LIST);
		if (finish_all_gone(&serving->roster))
			break;
		if (waited == PATIENCE_MS)
			close_ack(); /* slurmstepd kills them only after this */
		nanosleep(&pause, NULL);
	}
	roster_read(&serving->roster, HELPER_FD_LIST);
}

/* Asked once, and only where there is a rank 0. */
static json_t *job_data(struct serving *serving, struct roster_world *world)
{
	int64_t job = inbox_number(&serving->inbox, INBOX_job, -1);
	const char *library = inbox_text(&serving->inbox, INBOX_libslurm);
	struct err err;

	if (!serving->asked && *library && job > 0 && job < UINT32_MAX) {
		serving->job = jobinfo_load(library, (uint32_t)job, &err);
		if (!serving->job)
			home_log(world, serving->log, "%s", err.text);
	}
	serving->asked = true;
	return serving->job;
}

/* The modification time of what is at PATH, or FALLBACK. */
static time_t time_of(const struct roster_world *world, const char *name, time_t fallback)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", world->rundir, name);
	return lstat(path, &st) == 0 ? st.st_mtime : fallback;
}

/* A world under mpirun began when its directory was made and ended when its
 * last rank file came; a step lasts as long as its helper.
 */
static void write_run(struct serving *serving, struct roster_world *world, const char *dir)
{
	time_t start = time_of(world, RUNDIR_WORLD, 0);
	time_t end = start ? time_of(world, instrument.directory, time(NULL)) : time(NULL);
	struct err err;

	if (runfile_write(&serving->inbox, world, job_data(serving, world), dir,
			  start ? start : serving->start, end, &err) < 0)
		home_log(world, serving->log, "%s", err.text);
}

static bool has_spared(const struct roster_world *world)
{
	for (size_t i = 0; i < world->count; i++)
		if (world->ranks[i].spared)
			return true;
	return false;
}

/* All worlds of the step share the time there is. */
static void derive(struct serving *serving, struct roster_world *world, const char *node,
		   bool in_spare)
{
	bool shared = !in_spare && ship_is_shared(&serving->inbox, world, node);
	int64_t now = clock_ms(), end;

	if (!serving->deriving)
		serving->deriving = now;
	end = serving->deriving + (shared ? DERIVE_MS : HURRY_MS);
	instrument.derive(&serving->inbox, world, end > now ? end - now : 0, close_ack,
			  serving->log);
}

static void finish_world(struct serving *serving, struct roster_world *world)
{
	const char *home = home_of(world);
	bool in_spare = !world->usable;
	char node[32];
	struct err err;

	if (!home)
		return;
	if (nodefile_write(&serving->inbox, world, home, node, &err) < 0) {
		home_log(world, serving->log, "%s", err.text);
		in_spare = home_spare(world) &&
			   nodefile_write(&serving->inbox, world, world->spare, node, NULL) == 0;
	}
	if (roster_find(world, 0))
		write_run(serving, world, home);
	if (instrument.derive)
		derive(serving, world, node, in_spare);
	ship_world(&serving->inbox, world, node, in_spare, serving->log);
	/* All went home after all: what the spare log says is over. */
	if (!in_spare && !has_spared(world))
		home_drop(world);
}

static void finish(struct serving *serving)
{
	struct roster *roster = &serving->roster;
	int64_t keep = inbox_number(&serving->inbox, INBOX_keep, 0);
	const char *store = inbox_text(&serving->inbox, INBOX_store);
	bool first = false;

	snprintf(serving->log, sizeof(serving->log), "node-%u",
		 (unsigned)inbox_number(&serving->inbox, INBOX_index, 0));
	wait_for_ranks(serving);
	finish_ranks(roster, inbox_text(&serving->inbox, INBOX_node), serving->log);
	for (size_t i = 0; i < roster->count; i++) {
		if (i == 0 && roster->refused)
			home_log(&roster->worlds[i], serving->log,
				 "%zu lines of the list of ranks make no sense", roster->refused);
		first = first || roster_find(&roster->worlds[i], 0);
		finish_world(serving, &roster->worlds[i]);
	}
	close_ack();
	if (first && keep > 0 && *store == '/')
		keep_sweep(store, keep);
}

int serve(struct err *err)
{
	struct serving serving = { .start = time(NULL) };

	fill_standard();
	if (check_descriptors(err) < 0)
		return -1;
	ignore_signals();
	umask(umask(022) | 022);
	if (chdir("/") < 0)
		return err_errno(err, "unable to change to '/'");
	serving.watch = watch_list();
	say_ready();
	listen_to_step(&serving);
	/* Whatever hangs from here on (a dead file server): nobody waits for ever. */
	signal(SIGALRM, SIG_DFL);
	alarm(SERVE_SECONDS);
	finish(&serving);
	json_decref(serving.job);
	roster_release(&serving.roster);
	inbox_release(&serving.inbox);
	if (serving.watch >= 0)
		close(serving.watch);
	return 0;
}
