/* SPDX-License-Identifier: Apache-2.0 */
#include "leave.h"
#include "links.h"
#include "rundir.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES_MOST 100000 /* numbers that are tried */

/* A run directory without job or step; who makes device/ in it has it. */
static int make_free(char *rundir, size_t size, const char *parent, struct err *err)
{
	char step[32], path[PATH_MAX + 16];

	for (int k = 0; k < DEVICES_MOST; k++) {
		snprintf(step, sizeof(step), "device%d", k);
		if (rundir_make(rundir, size, parent, "", step, err) < 0)
			return -1;
		snprintf(path, sizeof(path), "%s/device", rundir);
		if (mkdir(path, 0777) == 0)
			return 0;
		if (errno != EEXIST)
			return err_errno(err, "unable to make '%s'", path);
	}
	return err_set(err, "'%s': too many run directories", parent);
}

static int make_of_step(char *rundir, size_t size, const char *parent, const char *job,
			const char *step, struct err *err)
{
	char path[PATH_MAX + 16];

	if (rundir_make(rundir, size, parent, job, step, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/device", rundir);
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_errno(err, "unable to make '%s'", path);
	return 0;
}

/* Queue pairs tell the links now and then; those of the dead when these are cleared up. */
static void count_the_dead(struct fabric *fabric)
{
	for (uint32_t process = 0; process < FABRIC_PROCESSES; process++)
		fabric_reap(fabric, process);
}

int leave_directory(char *rundir, size_t size, const char *dir, const char *job, const char *step,
		    struct err *err)
{
	const struct passwd *user = getpwuid(getuid());
	char parent[PATH_MAX];

	if (rundir_expand(parent, sizeof(parent), dir, job ? job : "", step ? step : "",
			  user ? user->pw_name : "unknown", err) < 0)
		return -1;
	return job ? make_of_step(rundir, size, parent, job, step, err)
		   : make_free(rundir, size, parent, err);
}

int leave_links(struct fabric *fabric, const char *dir, const char *job, const char *step,
		struct err *err)
{
	char rundir[PATH_MAX], path[PATH_MAX + 32];
	struct err why = { "" };

	if (leave_directory(rundir, sizeof(rundir), dir, job, step, err) < 0)
		return -1;
	count_the_dead(fabric);
	snprintf(path, sizeof(path), "%s/device/links.tsv", rundir);
	if (links_write(fabric, path, &why) == 0)
		return 0;
	rundir_log(rundir, "netemu", "%s", why.text);
	return err_set(err, "%s", why.text);
}
