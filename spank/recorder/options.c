/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/recorder.h"
#include "said.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static union recorder_settings_of plugstack;

void options_plugstack(int argc, char **argv, void (*say)(const char *fmt, ...))
{
	struct err err;

	plugstack = *recorder.defaults;
	for (int i = 0; i < argc; i++)
		if (recorder.merge(&plugstack, true, argv[i], &err) < 0)
			say("%s: plugstack.conf: %s", recorder.name, err.text);
}

const union recorder_settings_of *options_of_plugstack(void)
{
	return &plugstack;
}

static int lay(void *settings, const char *text, struct err *err)
{
	return recorder.merge(settings, false, text, err);
}

static int check(const char *text, struct err *err)
{
	union recorder_settings_of settings = plugstack;

	return lay(&settings, text, err);
}

static struct said_option option = { .check = check };

int options_register(spank_t sp)
{
	option.name = recorder.name;
	option.usage = recorder.usage;
	option.variable = recorder.variable;
	return said_register(sp, &option);
}

int options_decide(struct decision *decision, const char *environment, struct err *err)
{
	union recorder_settings_of settings = plugstack;

	settings.common.enable = -1;
	if (said_lay(&option, environment, lay, &settings, err) < 0)
		return -1;
	decision->automatic = settings.common.enable < 0;
	decision->asked_not = settings.common.enable == 0;
	if (decision->automatic)
		settings.common.enable = plugstack.common.enable == 1;
	decision->settings = settings;
	return 0;
}

/* FNV-1a, 64 bits, of "JOB" or "JOB.STEP"; netprof(8) and nettrace(8) document it. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ull;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3ull;
	return value;
}

bool options_sampled(const struct recorder_settings *settings, uint32_t job, uint32_t step,
		     uint32_t nodes)
{
	char text[32];

	if (nodes < settings->minnodes)
		return false;
	if (settings->sample < 2)
		return true;
	if (step == NO_STEP)
		snprintf(text, sizeof(text), "%u", job);
	else
		snprintf(text, sizeof(text), "%u.%u", job, step);
	return hash(text) % settings->sample == 0;
}

bool options_is_mpi_daemon(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	return strcmp(name, "orted") == 0 || strcmp(name, "prted") == 0;
}

void options_library(char *path, size_t size)
{
	if (plugstack.common.lib[0])
		snprintf(path, size, "%s", plugstack.common.lib);
	else
		snprintf(path, size, "%s/%s", INSTALL_LIBDIR, recorder.library);
}

void options_program(char *path, size_t size, const char *program)
{
	snprintf(path, size, "%s/%s",
		 plugstack.common.libexec[0] ? plugstack.common.libexec : PKGLIBEXECDIR, program);
}
