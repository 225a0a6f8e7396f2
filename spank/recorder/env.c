/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENV_ORTE  "OMPI_MCA_orte_fork_agent"
#define ENV_PRRTE "PRTE_MCA_prte_fork_agent"

/* 'u' or 'a' when TEXT, the value of the variable, is what the plugin set. */
static char origin(spank_t sp, const char *text)
{
	char set[SETTINGS_SIZE];

	if (env_get(sp, recorder.origin, set, sizeof(set)) != 1)
		return '\0';
	if (strncmp(set, "user:", 5) != 0 && strncmp(set, "auto:", 5) != 0)
		return '\0';
	return strcmp(set + 5, text) == 0 ? set[0] : '\0';
}

int env_settings(spank_t sp, bool asked_counts, char *buf, size_t size)
{
	int rc = env_get(sp, recorder.variable, buf, size);
	char who;

	if (rc != 1)
		return rc;
	who = origin(sp, buf);
	return who == '\0' || (who == 'u' && asked_counts);
}

/* Whether another plugin of ours needs the agent, which is the same for all. */
static bool agent_is_needed(spank_t sp)
{
	static const char *const names[] = { "NETPROF_LIB", "NETTRACE_LIB" };
	char value[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (env_get(sp, names[i], value, sizeof(value)) != 0)
			return true;
	return false;
}

static void unset_agent(spank_t sp, const char *name)
{
	char value[PATH_MAX], agent[PATH_MAX];

	options_program(agent, sizeof(agent), "netemu-agent");
	if (env_get(sp, name, value, sizeof(value)) == 1 && strcmp(value, agent) == 0)
		env_unset(sp, name);
}

void env_scrub(spank_t sp)
{
	char text[SETTINGS_SIZE];

	if (env_get(sp, recorder.variable, text, sizeof(text)) == 1 && origin(sp, text))
		env_unset(sp, recorder.variable);
	env_unset(sp, recorder.origin);
	env_unset(sp, recorder.settings);
	env_unset(sp, recorder.gather);
	env_unset(sp, recorder.agent);
	env_unset(sp, recorder.helper_variable);
	if (agent_is_needed(sp))
		return;
	unset_agent(sp, ENV_ORTE);
	unset_agent(sp, ENV_PRRTE);
}

void env_silence(spank_t sp)
{
	union recorder_settings_of settings = *recorder.defaults;
	char text[SETTINGS_SIZE];

	if (env_get(sp, recorder.variable, text, sizeof(text)) == 0)
		return;
	/* what is in a file is not looked up: it may be root who asks */
	if (text[0] == '@' || recorder.merge(&settings, false, text, NULL) < 0 ||
	    settings.common.enable)
		env_unset(sp, recorder.variable);
}

static void set_agent(spank_t sp, const char *name)
{
	char value[PATH_MAX], agent[PATH_MAX];

	options_program(agent, sizeof(agent), "netemu-agent");
	if (env_get(sp, name, value, sizeof(value)) == 0)
		env_set(sp, name, agent);
}

int env_publish(spank_t sp, const struct decision *decision, bool script, struct err *err)
{
	char text[SETTINGS_SIZE], set[SETTINGS_SIZE + 8], library[PATH_MAX];

	if (recorder.format(&decision->settings, text, sizeof(text)) < 0)
		return err_errno(err, "unable to pass on dir=%s", decision->settings.common.dir);
	snprintf(set, sizeof(set), "%s:%s", decision->automatic ? "auto" : "user", text);
	env_set(sp, recorder.variable, text);
	env_set(sp, recorder.origin, set);
	if (!script)
		return 0;
	options_library(library, sizeof(library));
	env_set(sp, recorder.agent, library);
	set_agent(sp, ENV_ORTE);
	set_agent(sp, ENV_PRRTE);
	return 0;
}
