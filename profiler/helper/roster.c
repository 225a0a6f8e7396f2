/* SPDX-License-Identifier: Apache-2.0 */
#include "roster.h"
#include "instrument.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORLDS_MOST  65536
#define RANKS_MOST   65536        /* on one node */
#define LIST_LONGEST (256u << 20) /* bytes that are read of the list */

/* Absolute, and no way back up in it. */
static bool is_plain_path(const char *path)
{
	if (*path != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *c = path; (c = strchr(c, '/')); c++)
		if (c[1] == '.' &&
		    (!c[2] || c[2] == '/' || (c[2] == '.' && (!c[3] || c[3] == '/'))))
			return false;
	return true;
}

bool roster_is_rundir(const char *text)
{
	const char *slash = strrchr(text, '/');

	return slash && is_plain_path(text) &&
	       !strncmp(slash + 1, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)) &&
	       slash[1 + strlen(RUNDIR_PREFIX)];
}

static bool is_live(const char *file, uint32_t rank)
{
	return is_plain_path(file) && instrument.is_live(file, rank);
}

/* Whether FILE can be the rank file of RANK. */
static bool is_rank_file(const char *file, uint32_t rank)
{
	const char *slash = strrchr(file, '/');
	char name[64];

	snprintf(name, sizeof(name), "%s%u%s", instrument.prefix, rank, instrument.suffix);
	return slash && is_plain_path(file) && !strcmp(slash + 1, name);
}

/* "/proc/self/fd/<n>" as the rank with PID sees it.  Returns n or -1. */
static int memory_number(const char *file)
{
	int number, used = 0;

	if (sscanf(file, "/proc/self/fd/%d%n", &number, &used) != 1 || file[used] || number < 0)
		return -1;
	return number;
}

struct roster_rank *roster_find(const struct roster_world *world, uint32_t rank)
{
	/* Lines of one rank mostly follow each other. */
	for (size_t i = world->count; i--;)
		if (world->ranks[i].rank == rank)
			return &world->ranks[i];
	return NULL;
}

static struct roster_world *world_of(struct roster *roster, const char *rundir, uint32_t size)
{
	struct roster_world *worlds;

	for (size_t i = roster->count; i--;)
		if (!strcmp(roster->worlds[i].rundir, rundir))
			return roster->worlds[i].size == size ? &roster->worlds[i] : NULL;
	if (roster->count == WORLDS_MOST)
		return NULL;
	worlds = realloc(roster->worlds, (roster->count + 1) * sizeof(*worlds));
	if (!worlds)
		return NULL;
	roster->worlds = worlds;
	worlds += roster->count;
	*worlds = (struct roster_world){ .rundir = strdup(rundir), .size = size };
	if (!worlds->rundir)
		return NULL;
	roster->count++;
	return worlds;
}

static void rank_release(struct roster_rank *rank)
{
	free(rank->file);
	for (int i = 0; i < rank->nlive; i++) {
		free(rank->live[i]);
		if (rank->memory[i] >= 0)
			close(rank->memory[i]);
	}
}

static struct roster_rank *rank_of(struct roster_world *world, uint32_t rank, int pid, int procid)
{
	struct roster_rank *ranks = roster_find(world, rank);

	if (ranks && ranks->pid != pid && ranks->done) {
		/* A second program in the same place, after the first. */
		rank_release(ranks);
		*ranks = (struct roster_rank){ .rank = rank, .pid = pid, .procid = procid };
	}
	if (ranks)
		return ranks->pid == pid ? ranks : NULL;
	if (world->count == RANKS_MOST)
		return NULL;
	ranks = realloc(world->ranks, (world->count + 1) * sizeof(*ranks));
	if (!ranks)
		return NULL;
	world->ranks = ranks;
	ranks += world->count++;
	*ranks = (struct roster_rank){ .rank = rank, .pid = pid, .procid = procid };
	return ranks;
}

static int rank_add_live(struct roster_rank *rank, const char *file)
{
	char path[64];
	int number = memory_number(file);
	int fd = -1;

	for (int i = 0; i < rank->nlive; i++)
		if (!strcmp(rank->live[i], file))
			return 0;
	if (rank->nlive == ROSTER_FILES)
		return -1;
	if (number >= 0) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", rank->pid, number);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			return -1;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		file = path;
	}
	rank->live[rank->nlive] = strdup(file);
	if (!rank->live[rank->nlive]) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rank->memory[rank->nlive++] = fd;
	return 0;
}

int roster_place(const struct roster_world *world, struct roster_rank *rank, const char *file)
{
	char meant[PATH_MAX];

	free(rank->file);
	rank->file = NULL;
	if (instrument_path(meant, world->rundir, rank->rank) == 0 && !strcmp(meant, file))
		return 0;
	rank->file = strdup(file);
	return rank->file ? 0 : -1;
}

/* One line of the list, without its end.  Returns 0, or -1 when it is refused. */
static int take_line(struct roster *roster, char *line)
{
	struct roster_world *world;
	struct roster_rank *rank;
	char what[8], *rundir, *file;
	unsigned number, size;
	int pid, procid, used = 0;

	if (sscanf(line, "%7s %u %u %d %d%n", what, &number, &size, &pid, &procid, &used) != 5 ||
	    line[used] != '\t' || number >= size || pid <= 0 || procid < -1)
		return -1;
	rundir = line + used + 1;
	file = strchr(rundir, '\t');
	if (!file)
		return -1;
	*file++ = '\0';
	if ((strcmp(what, "live") && strcmp(what, "done")) || !roster_is_rundir(rundir))
		return -1;
	if (*what == 'l' ? !is_live(file, number) && memory_number(file) < 0
			 : !is_rank_file(file, number))
		return -1;
	world = world_of(roster, rundir, size);
	rank = world ? rank_of(world, number, pid, procid) : NULL;
	if (!rank)
		return -1;
	if (*what == 'l')
		return rank_add_live(rank, file);
	rank->done = true;
	return roster_place(world, rank, file);
}

/* Take the whole lines in TEXT (LENGTH bytes).  Returns the bytes used. */
static size_t take_lines(struct roster *roster, char *text, size_t length)
{
	char *line = text, *end;

	while ((end = memchr(line, '\n', length - (size_t)(line - text)))) {
		*end = '\0';
		if (strlen(line) != (size_t)(end - line) || take_line(roster, line) < 0)
			roster->refused++;
		line = end + 1;
	}
	return (size_t)(line - text);
}

int roster_read(struct roster *roster, int fd)
{
	size_t room = 4 * PATH_MAX, used;
	char *text = malloc(room);
	ssize_t length;

	if (!text)
		return -1;
	while (roster->offset < LIST_LONGEST) {
		length = pread(fd, text, room, (off_t)roster->offset);
		if (length <= 0)
			break;
		used = take_lines(roster, text, (size_t)length);
		if (!used && (size_t)length == room) {
			used = room; /* no line of ours is that long */
			roster->refused++;
		}
		if (!used)
			break; /* half a line: the rest comes or never */
		roster->offset += used;
	}
	free(text);
	return 0;
}

static void adopt_file(struct roster_world *world, const char *path, const char *node)
{
	struct instrument_owner owner;
	struct roster_rank *rank;

	if (instrument.peek(path, &owner) < 0 || strcmp(owner.node, node) ||
	    owner.ranks != world->size || !is_live(path, owner.rank) || kill(owner.pid, 0) == 0 ||
	    errno != ESRCH)
		return;
	rank = rank_of(world, owner.rank, owner.pid, owner.procid);
	if (rank && !rank->done)
		rank_add_live(rank, path);
}

static bool is_own_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

void roster_adopt(struct roster_world *world, const char *node)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *stream;

	if (!is_own_directory(world->rundir) || snprintf(path, sizeof(path), "%s/%s", world->rundir,
							 instrument.directory) >= (int)sizeof(path))
		return;
	stream = opendir(path);
	while (stream && (entry = readdir(stream))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/%s", world->rundir, instrument.directory,
			     entry->d_name) < (int)sizeof(path))
			adopt_file(world, path, node);
	}
	if (stream)
		closedir(stream);
}

void roster_release(struct roster *roster)
{
	for (size_t i = 0; i < roster->count; i++) {
		for (size_t j = 0; j < roster->worlds[i].count; j++)
			rank_release(&roster->worlds[i].ranks[j]);
		free(roster->worlds[i].ranks);
		free(roster->worlds[i].rundir);
		free(roster->worlds[i].spare);
	}
	free(roster->worlds);
	*roster = (struct roster){ 0 };
}
