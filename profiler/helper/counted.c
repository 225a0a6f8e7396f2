/* SPDX-License-Identifier: Apache-2.0 */
#include "counted.h"
#include "closing.h"
#include "finish.h"
#include "home.h"
#include "live.h"
#include "rankfile.h"
#include "rundir.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool counted_is_live(const char *file, uint32_t rank)
{
	const char *slash = strrchr(file, '/');
	char begin[32];
	size_t length;
	int used;

	used = snprintf(begin, sizeof(begin), ".rank-%u.", rank);
	length = strlen(slash + 1);
	return !strncmp(slash + 1, begin, (size_t)used) && length >= 5 &&
	       !strcmp(slash + 1 + length - 5, ".live");
}

int counted_peek(const char *file, struct instrument_owner *owner)
{
	struct live_header header;

	if (live_peek(file, &header, NULL) < 0)
		return -1;
	*owner = (struct instrument_owner){
		.rank = header.rank,
		.ranks = header.ranks,
		.pid = header.pid,
		.procid = header.procid == UINT32_MAX ? -1 : (int)header.procid,
		.begun = header.init_realtime,
	};
	snprintf(owner->node, sizeof(owner->node), "%.*s", (int)sizeof(header.node) - 1,
		 header.node);
	return 0;
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

void counted_finish(struct roster_world *world, struct roster_rank *rank, const char *name)
{
	char path[PATH_MAX];
	struct rankfile file;
	struct err err = { "" };

	if (load(world, rank, name, &file) < 0) {
		remove_blank(rank);
		/* It may have been written by another helper of this node. */
		rank->finished = instrument_path(path, world->rundir, rank->rank) == 0 &&
				 access(path, F_OK) == 0;
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
	else if (finish_is_gone(rank))
		remove_live(world, rank);
	else
		home_log(world, name, "rank %u: process %d still runs: counted so far", rank->rank,
			 rank->pid);
}

/* --- the closing line --- */

struct traffic {
	struct closing closing;
	uint64_t bytes, messages;
};

static void add_rank(struct closing *totals, const struct rankfile *rank)
{
	struct traffic *traffic = (struct traffic *)totals;

	totals->ranks++;
	totals->size = rank->ranks > totals->size ? rank->ranks : totals->size;
	totals->incomplete += !rank->complete;
	for (size_t i = 0; i < rank->peers.count; i++) {
		traffic->bytes += rank->peers.rows[i].tx_bytes;
		traffic->messages += rank->peers.rows[i].tx_messages;
	}
	closing_add_node(totals, rank->node ? rank->node : "");
}

static void add_file(struct closing *totals, int dir, const char *name)
{
	struct rankfile rank;
	struct stat st;
	void *data;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			if (rankfile_read(&rank, data, (size_t)st.st_size, name, NULL) == 0) {
				add_rank(totals, &rank);
				rankfile_release(&rank);
			} else {
				totals->broken++;
			}
			munmap(data, (size_t)st.st_size);
		}
	}
	close(fd);
}

static void print_traffic(const struct closing *totals, const char *rundir, FILE *out)
{
	const struct traffic *traffic = (const struct traffic *)totals;
	char bytes[32], messages[32];

	(void)rundir;
	fprintf(out, ", %s in %s message%s",
		units_bytes(bytes, sizeof(bytes), (double)traffic->bytes),
		units_grouped(messages, sizeof(messages), traffic->messages),
		traffic->messages == 1 ? "" : "s");
}

int counted_closing(const char *rundir, FILE *out, struct err *err)
{
	struct traffic traffic = { 0 };

	return closing_print(&traffic.closing, add_file, print_traffic, rundir, out, err);
}
