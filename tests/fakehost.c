/* SPDX-License-Identifier: Apache-2.0 */
#include "fakehost.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLES 256

struct spank_handle {
	int unused;
};

struct fakehost_job fakehost_job;
char fakehost_messages[16384];

static struct spank_handle handle;
static enum spank_context context;
static struct spank_option *options[FAKEHOST_OPTIONS];
static size_t option_count;
static char *variables[VARIABLES]; /* NAME=VALUE */
static size_t variable_count;
static void *plugin;

/* ---- what the plugin links to ---- */

static void note(const char *level, const char *fmt, va_list ap)
{
	size_t used = strlen(fakehost_messages);

	snprintf(fakehost_messages + used, sizeof(fakehost_messages) - used, "%s: ", level);
	used = strlen(fakehost_messages);
	vsnprintf(fakehost_messages + used, sizeof(fakehost_messages) - used, fmt, ap);
	used = strlen(fakehost_messages);
	snprintf(fakehost_messages + used, sizeof(fakehost_messages) - used, "\n");
}

#define LOGGER(name, level)             \
	void name(const char *fmt, ...) \
	{                               \
		va_list ap;             \
		va_start(ap, fmt);      \
		note(level, fmt, ap);   \
		va_end(ap);             \
	}

LOGGER(slurm_error, "error")
LOGGER(slurm_info, "info")
LOGGER(slurm_verbose, "verbose")
LOGGER(slurm_debug, "debug")

spank_context_t spank_context(void)
{
	return context;
}

int spank_remote(spank_t sp)
{
	(void)sp;
	return context == S_CTX_REMOTE;
}

spank_err_t spank_option_register(spank_t sp, struct spank_option *option)
{
	if (sp != &handle || option_count == FAKEHOST_OPTIONS)
		return ESPANK_BAD_ARG;
	options[option_count++] = option;
	return ESPANK_SUCCESS;
}

static spank_err_t get_task_item(spank_item_t which, va_list ap)
{
	if (fakehost_job.task < 0)
		return ESPANK_NOT_TASK;
	if (which == S_TASK_GLOBAL_ID)
		*va_arg(ap, uint32_t *) = fakehost_job.task_global;
	else if (which == S_TASK_PID)
		*va_arg(ap, pid_t *) = fakehost_job.task_pid;
	else if (which == S_TASK_EXIT_STATUS)
		*va_arg(ap, int *) = fakehost_job.task_status;
	else
		*va_arg(ap, int *) = fakehost_job.task;
	return ESPANK_SUCCESS;
}

static spank_err_t get_list_item(spank_item_t which, va_list ap)
{
	static gid_t group;

	if (which == S_JOB_ARGV) {
		*va_arg(ap, int *) = fakehost_job.argc;
		*va_arg(ap, char ***) = fakehost_job.argv;
		return ESPANK_SUCCESS;
	}
	group = fakehost_job.gid;
	*va_arg(ap, gid_t **) = &group;
	*va_arg(ap, int *) = 1;
	return ESPANK_SUCCESS;
}

static spank_err_t get_number(spank_item_t which, uint32_t *value)
{
	switch (which) {
	case S_JOB_UID:
		*value = fakehost_job.uid;
		return ESPANK_SUCCESS;
	case S_JOB_GID:
		*value = fakehost_job.gid;
		return ESPANK_SUCCESS;
	case S_JOB_ID:
		*value = fakehost_job.job;
		return ESPANK_SUCCESS;
	case S_JOB_STEPID:
		*value = fakehost_job.step;
		return ESPANK_SUCCESS;
	case S_JOB_NNODES:
		*value = fakehost_job.nnodes;
		return ESPANK_SUCCESS;
	case S_JOB_NODEID:
		*value = fakehost_job.nodeid;
		return ESPANK_SUCCESS;
	case S_JOB_LOCAL_TASK_COUNT:
		*value = fakehost_job.local_tasks;
		return ESPANK_SUCCESS;
	case S_JOB_TOTAL_TASK_COUNT:
		*value = fakehost_job.total_tasks;
		return ESPANK_SUCCESS;
	default:
		return ESPANK_BAD_ARG;
	}
}

spank_err_t spank_get_item(spank_t sp, spank_item_t which, ...)
{
	spank_err_t rc;
	va_list ap;

	if (sp != &handle)
		return ESPANK_BAD_ARG;
	va_start(ap, which);
	if (which == S_TASK_ID || which == S_TASK_GLOBAL_ID || which == S_TASK_PID ||
	    which == S_TASK_EXIT_STATUS)
		rc = get_task_item(which, ap);
	else if (which == S_JOB_ARGV || which == S_JOB_SUPPLEMENTARY_GIDS)
		rc = get_list_item(which, ap);
	else
		rc = get_number(which, va_arg(ap, uint32_t *));
	va_end(ap);
	return rc;
}

static char **find(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < variable_count; i++)
		if (strncmp(variables[i], name, length) == 0 && variables[i][length] == '=')
			return &variables[i];
	return NULL;
}

spank_err_t spank_getenv(spank_t sp, const char *name, char *buf, int size)
{
	const char *value;

	if (sp != &handle || size < 0)
		return ESPANK_BAD_ARG;
	if (context != S_CTX_REMOTE)
		return ESPANK_NOT_REMOTE;
	value = fakehost_getenv(name);
	if (!value)
		return ESPANK_ENV_NOEXIST;
	return snprintf(buf, (size_t)size, "%s", value) >= size ? ESPANK_NOSPACE : ESPANK_SUCCESS;
}

spank_err_t spank_setenv(spank_t sp, const char *name, const char *value, int overwrite)
{
	if (sp != &handle || !value)
		return ESPANK_BAD_ARG;
	if (context != S_CTX_REMOTE)
		return ESPANK_NOT_REMOTE;
	if (find(name) && !overwrite)
		return ESPANK_ENV_EXISTS;
	fakehost_setenv(name, value);
	return ESPANK_SUCCESS;
}

spank_err_t spank_unsetenv(spank_t sp, const char *name)
{
	char **variable = find(name);

	if (sp != &handle)
		return ESPANK_BAD_ARG;
	if (context != S_CTX_REMOTE)
		return ESPANK_NOT_REMOTE;
	if (variable) {
		free(*variable);
		*variable = variables[--variable_count];
	}
	return ESPANK_SUCCESS;
}

/* ---- what a test calls ---- */

static void forget(void)
{
	while (variable_count > 0)
		free(variables[--variable_count]);
	option_count = 0;
	fakehost_messages[0] = '\0';
}

int fakehost_load(const char *path, enum spank_context new_context)
{
	fakehost_unload();
	context = new_context;
	plugin = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (plugin)
		return 0;
	snprintf(fakehost_messages, sizeof(fakehost_messages), "%s\n", dlerror());
	return -1;
}

void fakehost_unload(void)
{
	if (plugin)
		dlclose(plugin);
	plugin = NULL;
	forget();
}

int fakehost_call(const char *name, char *const *args)
{
	char symbol[64];
	spank_f *function;
	int count = 0;

	snprintf(symbol, sizeof(symbol), "slurm_spank_%s", name);
	function = (spank_f *)dlsym(plugin, symbol);
	if (!function)
		return 0;
	while (args && args[count])
		count++;
	return function(&handle, count, (char **)args);
}

int fakehost_option(const char *name, const char *optarg, int remote)
{
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(options[i]->name, name) == 0)
			return options[i]->cb(options[i]->val, optarg, remote);
	return -2;
}

const char *fakehost_getenv(const char *name)
{
	char **variable = find(name);

	return variable ? strchr(*variable, '=') + 1 : NULL;
}

void fakehost_setenv(const char *name, const char *value)
{
	char **variable = find(name);

	if (!variable) {
		if (variable_count == VARIABLES)
			abort();
		variable = &variables[variable_count++];
		*variable = NULL;
	}
	free(*variable);
	if (asprintf(variable, "%s=%s", name, value) < 0)
		abort();
}

size_t fakehost_environ_count(void)
{
	return variable_count;
}
