/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 'u' or 'a' when TEXT, the value of NETPROF, is what the plugin set. */
static char origin(spank_t sp, const char *text)
{
	char set[SETTINGS_SIZE];

	if (env_get(sp, ENV_ORIGIN, set, sizeof(set)) != 1)
		return '\0';
	if (strncmp(set, "user:", 5) != 0 && strncmp(set, "auto:", 5) != 0)
		return '\0';
	return strcmp(set + 5, text) == 0 ? set[0] : '\0';
}

int env_settings(spank_t sp, bool asked_counts, char *buf, size_t size)
{
	int rc = env_get(sp, NETPROF_ENV, buf, size);
	char who;

	if (rc != 1)
		return rc;
	who = origin(sp, buf);
	return who == '\0' || (who == 'u' && asked_counts);
}

static void unset_agent(spank_t sp, const char *name)
{
	char value[PATH_MAX], agent[PATH_MAX];

	options_program(agent, sizeof(agent), "netprof-agent");
	if (env_get(sp, name, value, sizeof(value)) == 1 && strcmp(value, agent) == 0)
		env_unset(sp, name);
}

void env_scrub(spank_t sp)
{
	char text[SETTINGS_SIZE];

	if (env_get(sp, NETPROF_ENV, text, sizeof(text)) == 1 && origin(sp, text))
		env_unset(sp, NETPROF_ENV);
	env_unset(sp, ENV_ORIGIN);
	env_unset(sp, ENV_SETTINGS);
	env_unset(sp, ENV_GATHER);
	env_unset(sp, ENV_LIB);
	env_unset(sp, NETPROF_ENV_HELPER);
	unset_agent(sp, ENV_ORTE);
	unset_agent(sp, ENV_PRRTE);
}

void env_silence(spank_t sp)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;
	char text[SETTINGS_SIZE];

	if (env_get(sp, NETPROF_ENV, text, sizeof(text)) == 0)
		return;
	/* what is in a file is not looked up: it may be root who asks */
	if (text[0] == '@' || netprof_settings_merge(&settings, NETPROF_USER, text, NULL) < 0 ||
	    settings.enable)
		env_unset(sp, NETPROF_ENV);
}

static void set_agent(spank_t sp, const char *name)
{
	char value[PATH_MAX], agent[PATH_MAX];

	options_program(agent, sizeof(agent), "netprof-agent");
	if (env_get(sp, name, value, sizeof(value)) == 0)
		env_set(sp, name, agent);
}

int env_publish(spank_t sp, const struct decision *decision, bool script, struct err *err)
{
	char text[SETTINGS_SIZE], set[SETTINGS_SIZE + 8], library[PATH_MAX];

	if (netprof_settings_format(&decision->settings, text, sizeof(text)) < 0)
		return err_errno(err, "unable to pass on dir=%s", decision->settings.dir);
	snprintf(set, sizeof(set), "%s:%s", decision->automatic ? "auto" : "user", text);
	env_set(sp, NETPROF_ENV, text);
	env_set(sp, ENV_ORIGIN, set);
	if (!script)
		return 0;
	options_library(library, sizeof(library));
	env_set(sp, ENV_LIB, library);
	set_agent(sp, ENV_ORTE);
	set_agent(sp, ENV_PRRTE);
	return 0;
}
