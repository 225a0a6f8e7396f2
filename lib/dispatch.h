/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.h - `PROGRAM COMMAND ...`
 *
 * One table gives a program its commands, its --help, and a guess for a word
 * that is none of them.
 */
#ifndef NETEMU_DISPATCH_H
#define NETEMU_DISPATCH_H

#include <stddef.h>

struct dispatch_command {
	const char *name; /* NULL: the end of the table */
	/* ARGV[0] is "PROGRAM NAME".  Returns the exit status: 0 done, 1 failed, 2 wrong
	 * usage.  NULL: one of the others, here for its line of help.
	 */
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not for people */
};

typedef void dispatch_name_fn(void *arg, const char *name);

struct dispatch {
	const char *program; /* as people type it: "netemu sim" */
	const char *about;   /* one sentence under the usage line, or NULL */
	const char *closing; /* the last paragraph of the help */
	const struct dispatch_command *commands;

	/* Commands that are not in the table; both or none. */
	/* Be the command ARGV[0]; returns only when there is none. */
	void (*run_other)(char **argv);
	/* FN with ARG for each name; one may come twice. */
	void (*each_other)(dispatch_name_fn *fn, void *arg);
};

/* What main() does.  Returns the exit status. */
int dispatch_run(const struct dispatch *dispatch, int argc, char **argv);

/* Print the help on standard output.  Returns the exit status. */
int dispatch_help(const struct dispatch *dispatch);

/* Say that there is no command NAME, and which may be meant.  Returns 2. */
int dispatch_unknown(const struct dispatch *dispatch, const char *name);

#endif
