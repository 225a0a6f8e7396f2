/* SPDX-License-Identifier: Apache-2.0 */
/* startstep.c - start a helper for the step that slurmstepd is about to run */
#include "env.h"
#include "nodelist.h"
#include "start.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool start_daemon_variable(spank_t sp, const char *name, char *value, size_t size)
{
	return env_get(NULL, name, value, size) == 1 || env_get(sp, name, value, size) == 1;
}

/* NAME=VALUE of the helper's small environment. */
struct environment {
	char *list[12];
	char text[11][PATH_MAX];
	int count;
};

static void add_variable(struct environment *env, const char *name, const char *value)
{
	char *text = env->text[env->count];

	if ((size_t)snprintf(text, PATH_MAX, "%s=%s", name, value) < PATH_MAX)
		env->list[env->count++] = text;
}

static void make_environment(spank_t sp, struct environment *env, const char *const *more)
{
	static const char *const daemon_names[] = { "SLURM_CONF", "SLURMD_NODENAME" };
	char value[PATH_MAX];

	env->count = 0;
	add_variable(env, "PATH", "/usr/local/bin:/usr/bin:/bin");
	for (size_t i = 0; i < sizeof(daemon_names) / sizeof(daemon_names[0]); i++)
		if (start_daemon_variable(sp, daemon_names[i], value, sizeof(value)))
			add_variable(env, daemon_names[i], value);
	if (env_get(sp, "TMPDIR", value, sizeof(value)) == 1 && value[0] == '/')
		add_variable(env, "TMPDIR", value);
	for (; more && *more; more += 2)
		add_variable(env, more[0], more[1]);
	env->list[env->count] = NULL;
}

static mode_t umask_of_job(spank_t sp)
{
	char text[16], *end;
	unsigned long mask;

	if (env_get(sp, "SLURM_UMASK", text, sizeof(text)) != 1)
		return 077;
	mask = strtoul(text, &end, 8);
	return *end ? 077 : (mode_t)(mask & 0777);
}

uint32_t start_index_in_job(spank_t sp, uint32_t otherwise)
{
	char nodes[8192], name[256];
	int64_t index;

	if (env_get(sp, "SLURM_JOB_NODELIST", nodes, sizeof(nodes)) != 1 ||
	    !start_daemon_variable(sp, "SLURMD_NODENAME", name, sizeof(name)))
		return otherwise;
	index = nodelist_find(nodes, name);
	return index >= 0 && index <= UINT32_MAX ? (uint32_t)index : otherwise;
}

int start_step(spank_t sp, char *const *argv, const char *const *more, char *list, size_t size,
	       struct err *err)
{
	static struct environment env;
	struct start start = { .argv = argv, .environ = env.list };
	gid_t *groups = NULL;

	if (spank_get_item(sp, S_JOB_UID, &start.uid) != ESPANK_SUCCESS ||
	    spank_get_item(sp, S_JOB_GID, &start.gid) != ESPANK_SUCCESS)
		return err_set(err, "whose step it is is not known");
	if (spank_get_item(sp, S_JOB_SUPPLEMENTARY_GIDS, &groups, &start.ngroups) != ESPANK_SUCCESS)
		start.ngroups = 0;
	start.groups = groups;
	start.umask = umask_of_job(sp);
	make_environment(sp, &env, more);
	return start_helper(&start, list, size, err);
}
