/* SPDX-License-Identifier: Apache-2.0 */
#include "finish.h"
#include "clock.h"
#include "home.h"
#include "live.h"
#include "rankfile.h"
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ll

/* State and start (ns since the epoch) of the process PID.  Returns 0 or -1. */
static int process_stat(int pid, char *state, int64_t *start)
{
	char path[64], text[1024], *end;
	unsigned long long ticks;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	/* The name in parentheses may hold anything. */
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1,
			   " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			   "%*s %*s %llu",
			   state, &ticks) != 2)
		return -1;
	*start = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME) +
		 (int64_t)ticks * (SECOND / sysconf(_SC_CLK_TCK));
	return 0;
}

static bool is_gone(const struct roster_rank *rank)
{
	struct live_header header;
	int64_t start;
	char state;

	if (kill(rank->pid, 0) < 0 && errno == ESRCH)
		return true;
	if (process_stat(rank->pid, &state, &start) < 0 || state == 'Z' || state == 'X')
		return true;
	/* The number may have been given to another process since. */
	return rank->nlive && live_peek(rank->live[0], &header, NULL) == 0 &&
	       header.init_realtime && start > header.init_realtime + 2 * SECOND;
}

bool finish_all_gone(const struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		for (size_t j = 0; j < roster->worlds[i].count; j++)
			if (!roster->worlds[i].ranks[j].done &&
			    !is_gone(&roster->worlds[i].ranks[j]))
				return false;
	return true;
}

/* Killed before anything was counted: there is no header yet. */
static bool is_blank(const char *path)
{
	char head[sizeof(LIVE_MAGIC)] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, head, sizeof(head));
	close(fd);
	return length == 0 || (length > 0 && !*head);
}

/* Whether PATH holds counters of this very rank. */
static bool is_usable(const struct roster_world *world, const struct roster_rank *rank,
		      const char *path, struct err *err)
{
	struct rankfile one;
	struct live_header header;

	if (live_peek(path, &header, err) < 0)
		return false;
	if (header.rank != rank->rank || header.ranks != world->size) {
		err_set(err, "%s: of rank %u of %u, not of rank %u of %u", path, header.rank,
			header.ranks, rank->rank, world->size);
		return false;
	}
	if (live_load(&path, 1, &one, err) < 0)
		return false;
	rankfile_release(&one);
	return true;
}

/* The live files of RANK summed; broken ones are left out and logged. */
static int load(struct roster_world *world, const struct roster_rank *rank, const char *name,
		struct rankfile *file)
{
	const char *usable[ROSTER_FILES];
	struct err err;
	int count = 0;

	for (int i = 0; i < rank->nlive; i++) {
		if (is_usable(world, rank, rank->live[i], &err))
			usable[count++] = rank->live[i];
		else if (access(rank->live[i], F_OK) == 0 && !is_blank(rank->live[i]))
			home_log(world, name, "rank %u: %s", rank->rank, err.text);
	}
	if (!count)
		return -1;
	if (live_load(usable, count, file, &err) == 0)
		return 0;
	home_log(world, name, "rank %u: %s", rank->rank, err.text);
	return -1;
}

static bool is_ours(const char *path, const struct roster_rank *rank)
{
	struct live_header header;

	if (live_peek(path, &header, NULL) < 0)
		return is_blank(path);
	return header.rank == rank->rank;
}

static void remove_live(struct roster_world *world, const struct roster_rank *rank)
{
	for (int i = 0; i < rank->nlive; i++)
		if (rank->memory[i] < 0 && is_ours(rank->live[i], rank) &&
		    unlink(rank->live[i]) == 0)
			home_clear(world, rank->live[i]);
}

/* RUNDIR/mpi/rank-<r>.json.  Returns 0, or -1 when it is too long. */
static int rank_path(char path[PATH_MAX], const char *rundir, const struct roster_rank *rank)
{
	return snprintf(path, PATH_MAX, "%s/" RUNDIR_MPI "/" RUNDIR_RANK, rundir, rank->rank) <
			       PATH_MAX
		       ? 0
		       : -1;
}

static int save(const struct rankfile *file, const char *rundir, struct err *err)
{
	char mpi[PATH_MAX];

	if (snprintf(mpi, sizeof(mpi), "%s/" RUNDIR_MPI, rundir) >= (int)sizeof(mpi))
		return err_set(err, "'%s': the path is too long", rundir);
	return rankfile_save(file, mpi, err);
}

/* Nothing was counted in them yet. */
static void remove_blank(const struct roster_rank *rank)
{
	for (int i = 0; i < rank->nlive; i++)
		if (rank->memory[i] < 0 && is_blank(rank->live[i]))
			unlink(rank->live[i]);
}

static void finish_rank(struct roster_world *world, struct roster_rank *rank, const char *name)
{
	char path[PATH_MAX];
	struct rankfile file;
	struct err err = { "" };

	if (load(world, rank, name, &file) < 0) {
		remove_blank(rank);
		/* It may have been written by another helper of this node. */
		rank->finished =
			rank_path(path, world->rundir, rank) == 0 && access(path, F_OK) == 0;
		return;
	}
	rank->complete = file.complete;
	rank->finished = world->usable && save(&file, world->rundir, &err) == 0;
	if (!rank->finished && home_spare(world)) {
		if (*err.text)
			home_log(world, name, "rank %u: %s", rank->rank, err.text);
		rank->finished = rank->spared = save(&file, world->spare, &err) == 0;
	}
	rankfile_release(&file);
	if (!rank->finished)
		home_log(world, name, "rank %u: %s", rank->rank, err.text);
	else if (is_gone(rank))
		remove_live(world, rank);
	else
		home_log(world, name, "rank %u: process %d still runs: counted so far", rank->rank,
			 rank->pid);
}

/* The rank file lies in the private directory of its rank. */
static void fetch(struct roster_world *world, struct roster_rank *rank, const char *name)
{
	char to[PATH_MAX];

	rank->finished = rank->complete = true;
	/* Where it counted elsewhere for a while a log is left. */
	for (int i = 0; i < rank->nlive; i++)
		if (rank->memory[i] < 0)
			home_clear(world, rank->live[i]);
	if (!rank->file)
		return;
	if (!world->usable || rank_path(to, world->rundir, rank) < 0 ||
	    home_copy(rank->file, to) < 0) {
		rank->spared = home_spare(world) && rank_path(to, world->spare, rank) == 0 &&
			       home_copy(rank->file, to) == 0;
		rank->finished = rank->spared;
	}
	if (rank->finished && unlink(rank->file) == 0)
		home_clear(world, rank->file);
	else if (!rank->finished)
		home_log(world, name, "rank %u: its file lies in '%s'", rank->rank, rank->file);
}

/* Live files are gone now, so there may be room again. */
static void bring_back(struct roster_world *world, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	size_t left = 0;

	for (size_t i = 0; i < world->count; i++) {
		struct roster_rank *rank = &world->ranks[i];

		if (!rank->spared)
			continue;
		if (world->usable && rank_path(from, world->spare, rank) == 0 &&
		    rank_path(to, world->rundir, rank) == 0 && home_copy(from, to) == 0 &&
		    unlink(from) == 0)
			rank->spared = false;
		else
			left++;
	}
	if (left)
		home_log(world, name, "%zu rank files meant for '%s' lie in '%s'", left,
			 world->rundir, world->spare);
}

static void finish_world(struct roster_world *world, const char *node, const char *name)
{
	roster_adopt(world, node);
	for (size_t i = 0; i < world->count; i++) {
		if (world->ranks[i].done)
			fetch(world, &world->ranks[i], name);
		else
			finish_rank(world, &world->ranks[i], name);
	}
	if (world->spare)
		bring_back(world, name);
}

void finish_ranks(struct roster *roster, const char *node, const char *name)
{
	for (size_t i = 0; i < roster->count; i++) {
		struct roster_world *world = &roster->worlds[i];
		int fd;

		home_find(world);
		/* Another helper may find the files of our ranks, or we of its. */
		fd = world->usable ? home_lock(world->rundir) : -1;
		finish_world(world, node, name);
		if (fd >= 0)
			close(fd);
	}
}
