/* SPDX-License-Identifier: Apache-2.0 */
/* netemu.c - `netemu CMD ...` is netemu-CMD ..., wherever that is
 *
 * A program netemu-CMD is looked for beside this one, where it was installed,
 * then in PATH; so anyone can add a command.
 */
#include "config.h"

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

static int cmd_help(int argc, char **argv);

/* Built in: NULL = a program of its own, listed for its line of help. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "help", cmd_help, "show the manual of a command" },
	{ "device", NULL, "run programs with an emulated RDMA device" },
	{ "jobs", cmd_jobs, "list the runs that were collected" },
	{ "matrix", NULL, "show who sent how much to whom" },
	{ "sim", NULL, "simulate jobs on a cluster and their traffic on its links" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(*commands))

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
static void run_program(const char *name, char **argv)
{
	char program[NAME_MAX_ + sizeof(PREFIX)];

	snprintf(program, sizeof(program), PREFIX "%s", name);
	argv[0] = program;
	try_folder(own_folder(), name, argv);
	try_folder(INSTALL_BINDIR, name, argv);
	execvp(program, argv);
}

/* How many letters have to be changed, added, left out or swapped. */
static int distance(const char *a, const char *b)
{
	int rows[NAME_MAX_ + 1][NAME_MAX_ + 1];
	int n = (int)strlen(a), m = (int)strlen(b);

	if (n > NAME_MAX_ || m > NAME_MAX_)
		return NAME_MAX_;
	for (int i = 0; i <= n; i++)
		for (int j = 0; j <= m; j++) {
			int best = i && j ? rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : i + j;

			if (i && rows[i - 1][j] + 1 < best)
				best = rows[i - 1][j] + 1;
			if (j && rows[i][j - 1] + 1 < best)
				best = rows[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[i - 2][j - 2] + 1 < best)
				best = rows[i - 2][j - 2] + 1;
			rows[i][j] = best;
		}
	return rows[n][m];
}

typedef void name_fn(const char *name, void *arg);

/* FN for each netemu-NAME in FOLDER. */
static void each_in(const char *folder, name_fn *fn, void *arg)
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
			fn(entry->d_name + strlen(PREFIX), arg);
	}
	if (list)
		closedir(list);
}

/* FN for the name of every command there is; one may come twice. */
static void each_command(name_fn *fn, void *arg)
{
	const char *path = getenv("PATH");
	char *copy = path ? strdup(path) : NULL;
	char *next = copy;
	char *folder;

	for (size_t i = 0; i < NCOMMANDS; i++)
		if (commands[i].run)
			fn(commands[i].name, arg);
	each_in(own_folder(), fn, arg);
	each_in(INSTALL_BINDIR, fn, arg);
	while ((folder = strsep(&next, ":")) != NULL)
		each_in(folder, fn, arg);
	free(copy);
}

struct guess {
	const char *typed;
	char best[NAME_MAX_];
	int distance;
};

static void guess_name(const char *name, void *arg)
{
	struct guess *guess = arg;
	int d = distance(guess->typed, name);

	if (d < guess->distance) {
		guess->distance = d;
		snprintf(guess->best, sizeof(guess->best), "%s", name);
	}
}

static int unknown(const char *name)
{
	struct guess guess = { .typed = name, .distance = 3 };

	each_command(guess_name, &guess);
	fprintf(stderr, "netemu: '%s' is not a command", name);
	if (*guess.best && guess.distance < (int)strlen(name))
		fprintf(stderr, " (did you mean '%s'?)", guess.best);
	fprintf(stderr, "; netemu help lists them\n");
	return 2;
}

struct names {
	char list[64][NAME_MAX_];
	size_t count;
};

static void collect_name(const char *name, void *arg)
{
	struct names *names = arg;

	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->list[i], name))
			return;
	if (names->count < sizeof(names->list) / sizeof(*names->list))
		snprintf(names->list[names->count++], NAME_MAX_, "%s", name);
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void put_help(FILE *out)
{
	static struct names names;

	each_command(collect_name, &names);
	qsort(names.list, names.count, sizeof(*names.list), name_compare);
	fprintf(out, "Usage: netemu COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < names.count; i++) {
		const char *help = "";

		for (size_t c = 0; c < NCOMMANDS; c++)
			if (!strcmp(commands[c].name, names.list[i]))
				help = commands[c].help;
		fprintf(out, "  %-10s %s\n", names.list[i], help);
	}
	fprintf(out, "\n  -h, --help  this text\n  --version   the version\n\n"
		     "netemu help COMMAND opens the manual of a command, see also netemu(1).\n");
}

static int cmd_help(int argc, char **argv)
{
	char page[NAME_MAX_ + sizeof(PREFIX)];

	if (argc < 2) {
		put_help(stdout);
		return fflush(stdout) ? 1 : 0;
	}
	if (!is_name(argv[1]))
		return unknown(argv[1]);
	snprintf(page, sizeof(page), PREFIX "%s", argv[1]);
	execlp("man", "man", !strcmp(argv[1], "help") ? "netemu" : page, (char *)NULL);
	fprintf(stderr, "netemu: unable to run man: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		put_help(stderr);
		return 2;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		put_help(stdout);
		return fflush(stdout) ? 1 : 0;
	}
	if (!strcmp(name, "--version")) {
		puts("netemu " PACKAGE_VERSION);
		return fflush(stdout) ? 1 : 0;
	}
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (commands[i].run && !strcmp(commands[i].name, name)) {
			char program[NAME_MAX_ + sizeof(PREFIX)];

			snprintf(program, sizeof(program), "netemu %s", name);
			argv[1] = program;
			return commands[i].run(argc - 1, argv + 1);
		}
	if (is_name(name))
		run_program(name, argv + 1);
	return unknown(name);
}
