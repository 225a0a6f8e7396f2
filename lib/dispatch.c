/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "dispatch.h"
#include "nearest.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES 96 /* in a list; what is more is not listed, but runs */

struct names {
	char list[NAMES][NEAREST_LENGTH];
	size_t count;
};

static const struct dispatch_command *find(const struct dispatch *dispatch, const char *name)
{
	for (const struct dispatch_command *c = dispatch->commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* FN for each name that is for people; a row without a function is one of the others. */
static void each_name(const struct dispatch *dispatch, dispatch_name_fn *fn, void *arg)
{
	for (const struct dispatch_command *c = dispatch->commands; c->name; c++)
		if (c->run && c->help)
			fn(arg, c->name);
	if (dispatch->each_other)
		dispatch->each_other(fn, arg);
}

static void collect(void *arg, const char *name)
{
	struct names *names = arg;

	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->list[i], name) == 0)
			return;
	if (names->count < NAMES)
		snprintf(names->list[names->count++], NEAREST_LENGTH, "%s", name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void put_help(const struct dispatch *dispatch, FILE *out)
{
	struct names names = { .count = 0 };

	each_name(dispatch, collect, &names);
	/* a table has an order of its own */
	if (dispatch->each_other)
		qsort(names.list, names.count, sizeof(names.list[0]), compare_names);
	fprintf(out, "Usage: %s COMMAND [ARGUMENT...]\n", dispatch->program);
	if (dispatch->about)
		fprintf(out, "%s\n", dispatch->about);
	fputc('\n', out);
	for (size_t i = 0; i < names.count; i++) {
		const struct dispatch_command *command = find(dispatch, names.list[i]);

		fprintf(out, "  %-10s %s\n", names.list[i], command ? command->help : "");
	}
	fprintf(out, "\n  -h, --help  this text\n  --version   the version\n\n%s\n",
		dispatch->closing);
}

int dispatch_help(const struct dispatch *dispatch)
{
	put_help(dispatch, stdout);
	return fflush(stdout) ? 1 : 0;
}

static void offer(void *arg, const char *name)
{
	nearest_offer(arg, name);
}

int dispatch_unknown(const struct dispatch *dispatch, const char *name)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	each_name(dispatch, offer, &nearest);
	fprintf(stderr, "%s: '%s' is not a command", dispatch->program, name);
	if (nearest_name(&nearest))
		fprintf(stderr, " (did you mean '%s'?)", nearest_name(&nearest));
	fprintf(stderr, "; %s help lists them\n", dispatch->program);
	return 2;
}

static bool asks_for_help(const char *word)
{
	static const char *const words[] = { "--help", "-h", "-?", "help" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

int dispatch_run(const struct dispatch *dispatch, int argc, char **argv)
{
	static char name[128]; /* as long as the command runs */
	const struct dispatch_command *command;
	const char *word;

	if (argc < 2) {
		put_help(dispatch, stderr);
		return 2;
	}
	word = argv[1];
	command = find(dispatch, word);
	if (command && command->run) {
		snprintf(name, sizeof(name), "%s %s", dispatch->program, word);
		argv[1] = name;
		return command->run(argc - 1, argv + 1);
	}
	if (asks_for_help(word))
		return dispatch_help(dispatch);
	if (strcmp(word, "--version") == 0) {
		printf("%s " PACKAGE_VERSION "\n", dispatch->program);
		return fflush(stdout) ? 1 : 0;
	}
	if (dispatch->run_other)
		dispatch->run_other(argv + 1);
	return dispatch_unknown(dispatch, word);
}
