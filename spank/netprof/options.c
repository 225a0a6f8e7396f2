/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof.h"
#include "said.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct netprof_settings plugstack = NETPROF_SETTINGS_INIT;

void options_plugstack(int argc, char **argv, void (*say)(const char *fmt, ...))
{
	struct err err;

	for (int i = 0; i < argc; i++)
		if (netprof_settings_merge(&plugstack, NETPROF_PLUGSTACK, argv[i], &err) < 0)
			say("netprof: plugstack.conf: %s", err.text);
}

const struct netprof_settings *options_of_plugstack(void)
{
	return &plugstack;
}

static int lay(void *settings, const char *text, struct err *err)
{
	return netprof_settings_merge(settings, NETPROF_USER, text, err);
}

static int check(const char *text, struct err *err)
{
	struct netprof_settings settings = plugstack;

	return lay(&settings, text, err);
}

static const struct said_option option = {
	.name = "netprof",
	.usage = "record which MPI rank sends what to which; keys: dir, window, stamps, "
		 "timing, sizes, exclude (see netprof(8))",
	.variable = NETPROF_ENV,
	.check = check,
};

int options_register(spank_t sp)
{
	return said_register(sp, &option);
}

int options_decide(struct decision *decision, const char *environment, struct err *err)
{
	struct netprof_settings settings = plugstack;

	settings.enable = -1;
	if (said_lay(&option, environment, lay, &settings, err) < 0)
		return -1;
	decision->automatic = settings.enable < 0;
	decision->asked_not = settings.enable == 0;
	if (decision->automatic)
		settings.enable = plugstack.enable == 1;
	decision->settings = settings;
	return 0;
}

/* FNV-1a, 64 bits, of "JOB" or "JOB.STEP"; netprof(8) documents it. */
static uint64_t hash(const char *text)
{
	uint64_t value = 0xcbf29ce484222325ull;

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) * 0x100000001b3ull;
	return value;
}

bool options_sampled(const struct netprof_settings *settings, uint32_t job, uint32_t step,
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
	snprintf(path, size, "%s",
		 plugstack.lib[0] ? plugstack.lib : INSTALL_LIBDIR "/libnetprof.so");
}

void options_program(char *path, size_t size, const char *program)
{
	snprintf(path, size, "%s/%s", plugstack.libexec[0] ? plugstack.libexec : PKGLIBEXECDIR,
		 program);
}
