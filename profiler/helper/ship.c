/* SPDX-License-Identifier: Apache-2.0 */
#include "ship.h"
#include "gather.h"
#include "home.h"
#include "instrument.h"
#include "rundir.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Send the rank files; with ONLY_SPARED those that did not go into the run
 * directory, which the collector shares.  What arrived from the spare
 * directory is removed there: no rank may be found twice.
 */
static int send_ranks(struct gather *gather, struct roster_world *world, bool only_spared,
		      struct err *err)
{
	char relative[PATH_MAX], path[2 * PATH_MAX];

	for (size_t i = 0; i < world->count; i++) {
		struct roster_rank *rank = &world->ranks[i];

		if (!rank->finished || (only_spared && !rank->spared))
			continue;
		if (instrument_path(relative, "", rank->rank) < 0)
			continue;
		if (gather_send(gather, rank->spared ? world->spare : world->rundir, world->rundir,
				relative, err) < 0)
			return -1;
		if (rank->spared && snprintf(path, sizeof(path), "%s/%s", world->spare, relative) <
					    (int)sizeof(path))
			unlink(path);
		rank->spared = false;
	}
	return 0;
}

/* The files in FOLDER of FROM that PICK takes. */
static int send_folder(struct gather *gather, const char *from, const char *target,
		       const char *folder, bool (*pick)(const char *name), struct err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *stream;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/%s", from, folder);
	stream = opendir(path);
	while (stream && rc == 0 && (entry = readdir(stream))) {
		if (*entry->d_name == '.' || !pick(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		rc = gather_send(gather, from, target, path, err);
	}
	if (stream)
		closedir(stream);
	return rc;
}

static bool is_log(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot, ".log");
}

static int send_all(struct gather *gather, struct roster_world *world, const char *node,
		    bool in_spare, struct err *err)
{
	const char *home = home_of(world);
	char run[PATH_MAX];

	if (!home)
		return err_set(err, "nothing to send");
	if (send_ranks(gather, world, false, err) < 0 ||
	    gather_send(gather, in_spare ? world->spare : home, world->rundir, node, err) < 0)
		return -1;
	if (roster_find(world, 0) &&
	    snprintf(run, sizeof(run), "%s/" RUNDIR_RUN, home) < (int)sizeof(run) &&
	    access(run, R_OK) == 0 && gather_send(gather, home, world->rundir, RUNDIR_RUN, err) < 0)
		return -1;
	if (instrument.is_derived && send_folder(gather, home, world->rundir, instrument.directory,
						 instrument.is_derived, err) < 0)
		return -1;
	return send_folder(gather, home, world->rundir, RUNDIR_LOG, is_log, err);
}

/* Returns 1 when the directory is shared, 0 when all was sent, -1 with ERR written. */
static int ship(const struct inbox *inbox, struct roster_world *world, const char *node,
		bool in_spare, struct err *err)
{
	struct gather *gather = gather_connect(inbox_text(inbox, INBOX_gather), err);
	int rc = 0;

	if (!gather)
		return -1;
	if (!in_spare)
		rc = gather_sees(gather, world->rundir, node, err);
	if (rc == 0)
		rc = send_all(gather, world, node, in_spare, err);
	else if (rc == 1 && send_ranks(gather, world, true, err) < 0)
		rc = -1;
	gather_close(gather);
	return rc;
}

bool ship_is_shared(const struct inbox *inbox, const struct roster_world *world, const char *node)
{
	const char *address = inbox_text(inbox, INBOX_gather);
	struct gather *gather = *address ? gather_connect(address, NULL) : NULL;
	int rc;

	if (!gather)
		return true;
	rc = gather_sees(gather, world->rundir, node, NULL);
	gather_close(gather);
	return rc != 0;
}

void ship_world(const struct inbox *inbox, struct roster_world *world, const char *node,
		bool in_spare, const char *log)
{
	struct err err;
	int rc;

	if (!*inbox_text(inbox, INBOX_gather))
		return;
	rc = ship(inbox, world, node, in_spare, &err);
	if (rc < 0)
		home_log(world, log, "%s; the part of this node lies in '%s'", err.text,
			 world->spare ? world->spare : world->rundir);
	else if (rc == 0 && world->spare)
		home_drop(world);
}
