/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "session.h"
#include "control.h"
#include "filter.h"
#include "helper.h"
#include "inherit.h"
#include "latency.h"
#include "nettrace_settings.h"
#include "place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool session_active;

static const struct place_kind place_kind = {
	.name = "nettrace",
	.directory = RUNDIR_VERBS,
	.made = { RUNDIR_RING },
	.helper = NETTRACE_ENV_HELPER,
};

static struct {
	pthread_mutex_t lock;
	bool tried, traced, fork_seen;
	pid_t pid;
	struct nettrace_settings settings;
	struct place place;
	struct ringfile file;
	struct inherit inherit; /* in a child of fork() */
} session = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint32_t environment_u32(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);
	unsigned long number;
	char *end;

	if (!text || !*text)
		return otherwise;
	number = strtoul(text, &end, 10);
	return *end || number >= UINT32_MAX ? otherwise : (uint32_t)number;
}

/* As many as the launcher says, one where none does. */
static uint32_t ranks(void)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
					     "SLURM_STEP_NUM_TASKS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint32_t number = environment_u32(names[i], 0);

		if (number)
			return number;
	}
	return 1;
}

static bool excluded(void)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[length > 0 ? length : 0] = '\0';
	return nettrace_settings_excludes(&session.settings, program);
}

static bool wanted(struct err *err)
{
	const char *text = getenv(NETTRACE_ENV), *tag = getenv(NETTRACE_ENV_TAG);

	session.settings = (struct nettrace_settings)NETTRACE_SETTINGS_INIT;
	if (text && nettrace_settings_merge(&session.settings, NETTRACE_USER, text, err) < 0)
		return false;
	if (tag && !*session.settings.tag)
		snprintf(session.settings.tag, sizeof(session.settings.tag), "%s", tag);
	return session.settings.enable != 0 && !excluded();
}

/* Cut where it does not fit. */
static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static void describe(struct vring_header *header)
{
	ssize_t length;

	*header = (struct vring_header){
		.magic = VRING_MAGIC,
		.version = VRING_VERSION,
		.byte_order = VRING_BYTE_ORDER,
		.clock = ticks_clock,
		.level = session.settings.level,
		.stream = session.settings.stream,
		.timed = session.settings.timed,
		.rank = session.place.rank,
		.ranks = session.place.ranks,
		.pid = session.pid,
		.procid = environment_u32("SLURM_PROCID", UINT32_MAX),
		.first = ticks_anchor(),
		.forked = session.inherit.ticks,
		.parent = session.inherit.pid,
	};
	header->last = header->first;
	length = readlink("/proc/self/exe", header->program, sizeof(header->program) - 1);
	if (length < 0)
		header->program[0] = '\0';
	copy(header->node, sizeof(header->node), session.place.node);
	copy(header->job, sizeof(header->job), session.place.job);
	copy(header->step, sizeof(header->step), session.place.step);
	copy(header->tag, sizeof(header->tag), session.settings.tag);
}

static uint64_t ring(void)
{
	return session.settings.stream ? 0 : session.settings.ring;
}

/* The file where it belongs, else where there is room. */
static int open_file(struct err *err)
{
	struct vring_header header;
	char path[PATH_MAX];
	struct err other;

	describe(&header);
	if (place_path(&session.place, session.place.base, RUNDIR_RING, path) < 0)
		return err_set(err, "'%s': the path is too long", session.place.base);
	if (ringfile_create(&session.file, path, &header, ring(), err) == 0)
		return 0;
	if (place_other(&session.place, &other) < 0 ||
	    place_path(&session.place, session.place.other, RUNDIR_RING, path) < 0 ||
	    ringfile_create(&session.file, path, &header, ring(), &other) < 0)
		return -1;
	place_log(&session.place, "rank %u: %s: recording in '%s'", session.place.rank, err->text,
		  path);
	return 0;
}

/* A child has a file of its own from its first event on, or from the device that it opens;
 * what it does on what its parent made is told by the parent's calls up to here.
 */
static void fork_child(void)
{
	if (session.traced)
		session.inherit = (struct inherit){
			.file = session.file,
			.ticks = ticks_now(),
			.pid = session.pid,
		};
	session_active = false;
	session.traced = false;
	record_forget();
	latency_child();
	session.tried = false;
	pthread_mutex_init(&session.lock, NULL);
}

static int begin(struct err *err)
{
	if (place_find(&session.place, &place_kind, session.settings.dir, place_guess_rank(),
		       ranks(), err) < 0)
		return -1;
	if (open_file(err) < 0)
		return -1;
	if (record_start(&session.file, ring(), session.settings.timed) < 0)
		return err_errno(err, "rank %u", session.place.rank);
	if (!session.fork_seen)
		session.fork_seen = pthread_atfork(NULL, NULL, fork_child) == 0;
	helper_tell(NETTRACE_ENV_HELPER, "live", session.place.rank, session.place.ranks,
		    session.place.run, session.file.path);
	return 0;
}

static void give_up(const struct err *why)
{
	if (*session.place.base)
		place_log(&session.place, "not traced: %s", why->text);
	else
		fprintf(stderr, "nettrace: not traced: %s\n", why->text);
}

static bool try(void)
{
	struct err err = { "" };

	if (!wanted(&err)) {
		if (*err.text)
			fprintf(stderr, "nettrace: not traced: %s\n", err.text);
		return false;
	}
	if (begin(&err) < 0) {
		give_up(&err);
		return false;
	}
	inherit_calls(&session.inherit);
	return true;
}

bool session_start(void)
{
	bool busy = record_here.busy;
	int saved = errno;

	record_here.busy = true; /* a signal handler's events are not to come here again */
	pthread_mutex_lock(&session.lock);
	if (!session.tried) {
		session.tried = true;
		session.pid = getpid();
		session.traced = try();
		session_active = session.traced && session.settings.level >= VRING_CONTROL;
		if (!session.traced)
			record_mode = RECORD_NOTHING;
		else
			record_mode = filter_start(&session.settings) ? RECORD_SOME : RECORD_ALL;
	}
	pthread_mutex_unlock(&session.lock);
	record_here.busy = busy;
	errno = saved;
	return session.traced;
}

void session_unseen(enum vring_unseen why, const char *what)
{
	static _Atomic uint32_t said;
	struct control control;

	if (!session_start() || atomic_fetch_or(&said, 1U << why) & 1U << why)
		return;
	control_begin(&control, VCALL_UNSEEN);
	control_end(&control, 0);
	control.call.number = why;
	control.call.more = 1;
	memset(&control.more[0], 0, sizeof(control.more[0]));
	snprintf(control.more[0].name.name, sizeof(control.more[0].name.name), "%s", what);
	control_put(&control, NULL);
	place_log(&session.place, "rank %u: not all is seen: %s", session.place.rank, what);
}

__attribute__((destructor)) static void session_exit(void)
{
	if (!session.traced || session.pid != getpid())
		return;
	session_active = false;
	record_stop();
	session.file.header->clean = 1;
	if (session.file.header->lost)
		place_log(&session.place, "rank %u: no room for %llu records", session.place.rank,
			  (unsigned long long)session.file.header->lost);
	helper_tell(NETTRACE_ENV_HELPER, "done", session.place.rank, session.place.ranks,
		    session.place.run, session.file.path);
	place_tidy(&session.place);
}
