/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"
#include "clock.h"
#include "bypass.h"
#include "completion.h"
#include "counter.h"
#include "helper.h"
#include "livefile.h"
#include "netprof_settings.h"
#include "ompi.h"
#include "place.h"
#include "pml.h"
#include "quiet.h"
#include "request.h"
#include "types.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool session_active;

static struct {
	pid_t pid;
	struct netprof_settings settings;
	struct place place;
	struct livefile file;
} session;

static const struct place_kind place_kind = {
	.name = "netprof",
	.directory = RUNDIR_MPI,
	.made = { RUNDIR_RANK, RUNDIR_LIVE },
	.helper = NETPROF_ENV_HELPER,
};

static bool wanted(struct err *err)
{
	const char *text = getenv(NETPROF_ENV);
	char program[PATH_MAX];
	ssize_t length;

	session.settings = (struct netprof_settings)NETPROF_SETTINGS_INIT;
	if (text && netprof_settings_merge(&session.settings, NETPROF_USER, text, err) < 0)
		return false;
	if (session.settings.enable == 0)
		return false;
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length < 0)
		return true;
	program[length] = '\0';
	return !netprof_settings_excludes(&session.settings, program);
}

/* Cut where it does not fit. */
static void copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

static uint32_t environment_u32(const char *name)
{
	const char *text = getenv(name);
	char *end;
	unsigned long number;

	if (!text || !*text)
		return UINT32_MAX;
	number = strtoul(text, &end, 10);
	return *end || number >= UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static void describe_process(struct live_header *header)
{
	char name[MPI_MAX_PROCESSOR_NAME] = "";
	ssize_t length;
	int unused;

	header->pid = session.pid;
	header->procid = environment_u32("SLURM_PROCID");
	if (ompi.get_processor_name(name, &unused) == MPI_SUCCESS)
		copy(header->processor_name, sizeof(header->processor_name), name);
	length = readlink("/proc/self/exe", header->program, sizeof(header->program) - 1);
	if (length < 0)
		header->program[0] = '\0';
	copy(header->node, sizeof(header->node), session.place.node);
	copy(header->job, sizeof(header->job), session.place.job);
	copy(header->step, sizeof(header->step), session.place.step);
	copy(header->mpi, sizeof(header->mpi), ompi.version);
	copy(header->pml, sizeof(header->pml), ompi.pml);
}

static void describe(struct live_header *header)
{
	struct timespec resolution;

	*header = (struct live_header){
		.magic = LIVE_MAGIC,
		.version = LIVE_VERSION,
		.byte_order = LIVE_BYTE_ORDER,
		.flags = (session.settings.precise ? LIVE_PRECISE : 0) |
			 (session.settings.timing ? LIVE_TIMED : 0),
		.rank = session.place.rank,
		.ranks = session.place.ranks,
		.init_realtime = clock_ns(CLOCK_REALTIME),
		.init_monotonic = clock_ns(CLOCK_MONOTONIC),
		.window_width = session.settings.window,
	};
	counter.clock = session.settings.precise ? CLOCK_MONOTONIC : CLOCK_MONOTONIC_COARSE;
	if (clock_getres(counter.clock, &resolution) == 0)
		header->resolution = (int64_t)resolution.tv_sec * 1000000000 + resolution.tv_nsec;
	counter_overhead(&header->overhead_send, &header->overhead_receive);
	describe_process(header);
}

static int next_path(char path[PATH_MAX])
{
	struct err err;

	if (place_other(&session.place, &err) < 0)
		return -1;
	return place_path(&session.place, session.place.other, RUNDIR_LIVE, path);
}

static void made(const char *path)
{
	helper_tell(NETPROF_ENV_HELPER, "live", session.place.rank, session.place.ranks,
		    session.place.run, path);
}

static const struct livefile_ops live_ops = { .next = next_path, .made = made };

static int open_live(struct err *err)
{
	struct live_header header;
	char path[PATH_MAX];

	describe(&header);
	if (place_path(&session.place, session.place.base, RUNDIR_LIVE, path) < 0)
		return err_set(err, "'%s': the path is too long", session.place.base);
	if (livefile_create(&session.file, path, &header, &live_ops, err) < 0)
		return -1;
	if (strcmp(session.file.parts[0].path, path))
		place_log(&session.place, "rank %u: no room for '%s', counting in '%s'",
			  session.place.rank, path, session.file.parts[0].path);
	return 0;
}

/* All that can fail comes before anything of MPI is touched. */
static int begin(struct err *err)
{
	struct counter_settings settings = {
		.file = &session.file,
		.sizes = session.settings.sizes,
		.window = session.settings.window,
	};
	int rank = 0, size = 1;

	if (ompi.comm_rank(ompi.world, &rank) || ompi.comm_size(ompi.world, &size))
		return err_set(err, "MPI_Comm_rank fails");
	if (place_find(&session.place, &place_kind, session.settings.dir, (uint32_t)rank,
		       (uint32_t)size, err) < 0)
		return -1;
	if (types_init() < 0 || request_init() < 0)
		return err_errno(err, "rank %d", rank);
	settings.clock = counter.clock;
	if (counter_start(&settings) < 0)
		return err_errno(err, "rank %d", rank);
	if (open_live(err) < 0)
		return -1;
	counter.zero = session.file.parts[0].header->init_monotonic;
	return 0;
}

static void fork_child(void)
{
	session_active = false;
	counter_stop_in_child();
}

/* Say why nothing is profiled: one process in the log, nobody anywhere else. */
static void give_up(const struct err *why)
{
	struct err err;
	uint32_t rank = place_guess_rank();

	if (rank == 0 && (*session.place.base || place_find(&session.place, &place_kind,
							    session.settings.dir, 0, 1, &err) == 0))
		place_log(&session.place, "not profiled: %s", why->text);
	else if (rank == 0)
		fprintf(stderr, "netprof: not profiled: %s\n", why->text);
}

void session_start(void)
{
	static int started;
	struct err err = { "" };
	int saved = errno;

	if (__atomic_exchange_n(&started, 1, __ATOMIC_ACQ_REL))
		return;
	session.pid = getpid();
	if (!wanted(&err)) {
		if (*err.text && place_guess_rank() == 0)
			fprintf(stderr, "netprof: not profiled: %s\n", err.text);
	} else if (ompi_find(&err) < 0 || begin(&err) < 0) {
		give_up(&err);
	} else {
		pthread_atfork(NULL, NULL, fork_child);
		session_active = true;
		bypass_start();
		pml_install(session.settings.timing);
		completion_install();
	}
	errno = saved;
}

void session_finalizing(void)
{
	if (!session_active)
		return;
	bypass_finish();
	ompi.finalizing = true;
	livefile_set(&session.file, finalize_monotonic, clock_ns(CLOCK_MONOTONIC));
}

static int save_in(const char *directory, const struct rankfile *rank, char path[PATH_MAX],
		   struct err *err)
{
	char dir[PATH_MAX];

	if (place_directory(&session.place, directory, dir) < 0 ||
	    place_path(&session.place, directory, RUNDIR_RANK, path) < 0)
		return err_set(err, "'%s': the path is too long", directory);
	return rankfile_save(rank, dir, err);
}

/* Write RANK where it belongs, else where there is room.  PATH gets the file. */
static int save(const struct rankfile *rank, char path[PATH_MAX], struct err *err)
{
	struct err other;

	if (save_in(session.place.base, rank, path, err) == 0)
		return 0;
	if (place_other(&session.place, &other) < 0 ||
	    save_in(session.place.other, rank, path, &other) < 0)
		return -1;
	place_log(&session.place, "%s: it lies in '%s'", err->text, path);
	return 0;
}

static int convert(struct err *err)
{
	const char *paths[LIVEFILE_MAX];
	struct rankfile rank;
	struct quiet quiet;
	char path[PATH_MAX];
	int rc;

	for (int i = 0; i < session.file.count; i++)
		paths[i] = session.file.parts[i].path;
	if (live_load(paths, session.file.count, &rank, err) < 0)
		return -1;
	quiet_begin(&quiet);
	rc = save(&rank, path, err);
	quiet_end(&quiet);
	rankfile_release(&rank);
	if (rc < 0)
		return -1;
	livefile_unlink(&session.file);
	helper_tell(NETPROF_ENV_HELPER, "done", session.place.rank, session.place.ranks,
		    session.place.run, path);
	return 0;
}

static void finish(bool clean)
{
	struct err err;
	int saved = errno;

	session_active = false;
	request_finish();
	if (session.file.lost) {
		livefile_set(&session.file, flags, session.file.parts[0].header->flags | LIVE_LOST);
		place_log(&session.place, "rank %u: counts were lost: no room on disk or in memory",
			  session.place.rank);
	}
	if (clean)
		livefile_set(&session.file, clean, 1);
	if (convert(&err) < 0)
		place_log(&session.place, "%s: the counters stay in '%s'", err.text,
			  session.file.parts[session.file.count - 1].path);
	place_tidy(&session.place);
	errno = saved;
}

void session_finish(void)
{
	if (session_active)
		finish(true);
}

/* exit() without MPI_Finalize: what there is, marked so. */
__attribute__((destructor)) static void session_exit(void)
{
	if (session_active && session.pid == getpid())
		finish(false);
}
