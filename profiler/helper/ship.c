/* SPDX-License-Identifier: Apache-2.0 */
#include "ship.h"
#include "gather.h"
#include "keep.h"
#include "netprof_settings.h"
#include "rundir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the run should be: below the dir= that was asked for. */
static void target_of(char target[PATH_MAX], const struct inbox *inbox,
		      const struct roster_world *world)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;

	if (netprof_settings_merge(&settings, NETPROF_USER, inbox_text(inbox, INBOX_settings),
				   NULL) < 0 ||
	    *settings.dir != '/' ||
	    snprintf(target, PATH_MAX, "%s%s", settings.dir, strrchr(world->rundir, '/')) >=
		    PATH_MAX)
		snprintf(target, PATH_MAX, "%s", world->rundir);
}

static int send_ranks(struct gather *gather, const struct roster_world *world, const char *target,
		      struct err *err)
{
	char relative[64];

	for (size_t i = 0; i < world->count; i++) {
		const struct roster_rank *rank = &world->ranks[i];

		snprintf(relative, sizeof(relative), RUNDIR_MPI "/" RUNDIR_RANK, rank->rank);
		if (rank->finished &&
		    gather_send(gather, rank->spared ? world->spare : world->rundir, target,
				relative, err) < 0)
			return -1;
	}
	return 0;
}

static int send_logs(struct gather *gather, const char *from, const char *target, struct err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *stream;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/" RUNDIR_LOG, from);
	stream = opendir(path);
	while (stream && rc == 0 && (entry = readdir(stream))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (*entry->d_name == '.' || !dot || strcmp(dot, ".log"))
			continue;
		snprintf(path, sizeof(path), RUNDIR_LOG "/%s", entry->d_name);
		rc = gather_send(gather, from, target, path, err);
	}
	if (stream)
		closedir(stream);
	return rc;
}

static int send_all(struct gather *gather, const struct roster_world *world, const char *target,
		    const char *node, bool in_spare, struct err *err)
{
	char run[PATH_MAX];

	if (send_ranks(gather, world, target, err) < 0 ||
	    gather_send(gather, in_spare ? world->spare : world->rundir, target, node, err) < 0)
		return -1;
	if (roster_find(world, 0) &&
	    snprintf(run, sizeof(run), "%s/" RUNDIR_RUN, world->rundir) < (int)sizeof(run) &&
	    access(run, R_OK) == 0 &&
	    gather_send(gather, world->rundir, target, RUNDIR_RUN, err) < 0)
		return -1;
	return send_logs(gather, world->rundir, target, err);
}

/* Remove the run directory PATH and, where it had one to itself, its parent. */
static void remove_place(const char *path)
{
	char parent[PATH_MAX];
	const char *name = strrchr(path, '/');
	int fd;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (keep_remove(fd, name + 1) == 0 && strstr(parent, "/netprof."))
		rmdir(parent);
	close(fd);
}

/* Returns 1 when it is there already, 0 when it was sent, -1 with ERR written. */
static int ship_to(struct gather *gather, const struct roster_world *world, const char *target,
		   const char *node, bool in_spare, struct err *err)
{
	bool in_place = !strcmp(target, world->rundir) && !world->spare;
	int sees = in_place ? gather_sees(gather, target, node, err) : 0;

	if (sees)
		return sees;
	return send_all(gather, world, target, node, in_spare, err);
}

void ship_world(const struct inbox *inbox, struct roster_world *world, const char *node,
		bool in_spare, const char *log)
{
	char target[PATH_MAX];
	struct gather *gather;
	struct err err;
	int rc = -1;

	target_of(target, inbox, world);
	if (!*inbox_text(inbox, INBOX_gather)) {
		if (strcmp(target, world->rundir))
			rundir_log(world->rundir, log, "meant for '%s', lies in '%s'", target,
				   world->rundir);
		return;
	}
	gather = gather_connect(inbox_text(inbox, INBOX_gather), &err);
	if (gather) {
		rc = ship_to(gather, world, target, node, in_spare, &err);
		gather_close(gather);
	}
	if (rc < 0)
		rundir_log(world->rundir, log, "%s; the part of this node lies in '%s'", err.text,
			   world->rundir);
	if (rc)
		return;
	if (world->spare)
		remove_place(world->spare);
	if (strcmp(target, world->rundir))
		remove_place(world->rundir);
}
