/* SPDX-License-Identifier: Apache-2.0 */
#include "finish.h"
#include "clock.h"
#include "home.h"
#include "instrument.h"
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

bool finish_is_gone(const struct roster_rank *rank)
{
	struct instrument_owner owner;
	int64_t start;
	char state;

	if (kill(rank->pid, 0) < 0 && errno == ESRCH)
		return true;
	if (process_stat(rank->pid, &state, &start) < 0 || state == 'Z' || state == 'X')
		return true;
	/* The number may have been given to another process since. */
	return rank->nlive && instrument.peek(rank->live[0], &owner) == 0 && owner.begun &&
	       start > owner.begun + 2 * SECOND;
}

bool finish_all_gone(const struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++)
		for (size_t j = 0; j < roster->worlds[i].count; j++)
			if (!roster->worlds[i].ranks[j].done &&
			    !finish_is_gone(&roster->worlds[i].ranks[j]))
				return false;
	return true;
}

void finish_fetch(struct roster_world *world, struct roster_rank *rank, const char *name)
{
	char to[PATH_MAX];

	rank->finished = true;
	/* Where it counted elsewhere for a while a log is left. */
	for (int i = 0; i < rank->nlive; i++)
		if (rank->memory[i] < 0)
			home_clear(world, rank->live[i]);
	if (!rank->file)
		return;
	if (!world->usable || instrument_path(to, world->rundir, rank->rank) < 0 ||
	    home_copy(rank->file, to) < 0) {
		rank->spared = home_spare(world) &&
			       instrument_path(to, world->spare, rank->rank) == 0 &&
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
		if (world->usable && instrument_path(from, world->spare, rank->rank) == 0 &&
		    instrument_path(to, world->rundir, rank->rank) == 0 &&
		    home_copy(from, to) == 0 && unlink(from) == 0)
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
		struct roster_rank *rank = &world->ranks[i];

		rank->complete = rank->done;
		if (rank->done)
			finish_fetch(world, rank, name);
		else
			instrument.finish(world, rank, name);
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
		fd = world->usable ? rundir_lock(world->rundir) : -1;
		finish_world(world, node, name);
		if (fd >= 0)
			close(fd);
	}
}
