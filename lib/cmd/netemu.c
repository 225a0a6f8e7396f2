/* SPDX-License-Identifier: Apache-2.0 */
/* netemu.c - `netemu CMD ...` is netemu-CMD ..., wherever that is
 *
 * A program netemu-CMD is looked for beside this one, where it was installed,
 * then in PATH; so anyone can add a command.
 */
#include "dispatch.h"
#include "jobs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX    "netemu-"
#define NAME_MAX_ 64

/* Where programs may be, the nearest first.  Static memory. */
static const char *own_folder(void)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (length <= 0)
		return INSTALL_BINDIR;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return path;
}

static bool is_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
		    (*c != '-' || c == name))
			return false;
	return *name && strlen(name) < NAME_MAX_;
}

/* Become FOLDER/netemu-NAME.  Returns only when it is not there. */
static void try_folder(const char *folder, const char *name, char **argv)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/" PREFIX "%s", folder, name) < (int)sizeof(path) &&
	    access(path, X_OK) == 0)
		execv(path, argv);
}

/* Returns only when there is no such program. */
static void run_program(char **argv)
{
	char program[NAME_MAX_ + sizeof(PREFIX)];
	const char *name = argv[0];

	if (!is_name(name))
		return;
	snprintf(program, sizeof(program), PREFIX "%s", name);
	argv[0] = program;
	try_folder(own_folder(), name, argv);
	try_folder(INSTALL_BINDIR, name, argv);
	execvp(program, argv);
}

/* FN for each netemu-NAME in FOLDER. */
static void each_in(const char *folder, dispatch_name_fn *fn, void *arg)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	while (list && (entry = readdir(list)) != NULL) {
		char path[PATH_MAX];

		if (!strncmp(entry->d_name, PREFIX, strlen(PREFIX)) &&
		    is_name(entry->d_name + strlen(PREFIX)) &&
		    snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
			    (int)sizeof(path) &&
		    access(path, X_OK) == 0)
			fn(arg, entry->d_name + strlen(PREFIX));
	}
	if (list)
		closedir(list);
}

static void each_program(dispatch_name_fn *fn, void *arg)
{
	const char *path = getenv("PATH");
	char *copy = path ? strdup(path) : NULL;
	char *next = copy;
	char *folder;

	each_in(own_folder(), fn, arg);
	each_in(INSTALL_BINDIR, fn, arg);
	while ((folder = strsep(&next, ":")) != NULL)
		each_in(folder, fn, arg);
	free(copy);
}

static int cmd_help(int argc, char **argv);

/* Built in, and a line of help for our own programs. */
static const struct dispatch_command commands[] = {
	{ "help", cmd_help, "show the manual of a command" },
	{ "device", NULL, "run programs with an emulated RDMA device" },
	{ "jobs", cmd_jobs, "list the runs that were collected" },
	{ "matrix", NULL, "show who sent how much to whom" },
	{ "replay", NULL, "replay traces of AI training as traffic" },
	{ "sim", NULL, "simulate jobs on a cluster and their traffic on its links" },
	{ "trace", NULL, "show what verbs calls a program made, and when" },
	{ 0 },
};

static const struct dispatch dispatch = {
	.program = "netemu",
	.closing = "netemu help COMMAND opens the manual of a command, see also netemu(1).",
	.commands = commands,
	.run_other = run_program,
	.each_other = each_program,
};

static int cmd_help(int argc, char **argv)
{
	char page[NAME_MAX_ + sizeof(PREFIX)];

	if (argc < 2)
		return dispatch_help(&dispatch);
	if (!is_name(argv[1]))
		return dispatch_unknown(&dispatch, argv[1]);
	snprintf(page, sizeof(page), PREFIX "%s", argv[1]);
	execlp("man", "man", !strcmp(argv[1], "help") ? "netemu" : page, (char *)NULL);
	fprintf(stderr, "netemu: unable to run man: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	return dispatch_run(&dispatch, argc, argv);
}
