/* SPDX-License-Identifier: Apache-2.0 */
/* optrow.h - the options of a program as a table of rows
 *
 * A row says what an option is called, of which kind its value is (values.h), where the value
 * goes and what --help says of it; parsing, --help and the sentences about wrong values come
 * from it.  A row without a name is a heading; one without name and help is the end.
 */
#ifndef NETEMU_OPTROW_H
#define NETEMU_OPTROW_H

#include "values.h"

#include <argp.h>

#define OPTROW_ALIASES 2

struct optrow {
	struct key key;        /* its name without dashes; offset in what is parsed into */
	const char *arg;       /* what --help calls the value; NULL: there is none */
	const char *help;      /* NULL: --help does not show the option */
	int letter;            /* of the short form, or 0 */
	const char *otherwise; /* the value when none is said; NULL: one must be */
	size_t given; /* offset of a bool that becomes true when the option is there; 0: none */
	const char *aliases[OPTROW_ALIASES];
};

/* A row at FIELD of TYPE; further members of it behind. */
#define OPTROW(type, text, field, what, value, about, ...)                               \
	{                                                                                \
		.key.name = text, .key.kind = what, .key.offset = offsetof(type, field), \
		.arg = value, .help = about, __VA_ARGS__                                 \
	}
#define OPTROW_RANGE(least, most) .key.min = least, .key.max = most

extern const struct kind optrow_text; /* const char *: the argument itself, not empty */
extern const struct kind optrow_flag; /* bool: true; the option has no value */
extern const struct kind optrow_none; /* nothing: the option is taken and not needed */

struct optrow_program {
	const struct optrow *rows;
	const char *args_doc, *doc; /* as argp's */
	char *(*help_filter)(int key, const char *text, void *input);
	/* Words that are no options, and the end: as argp's parser, with what is parsed into
	 * as STATE->hook.  NULL: such words are wrong usage.
	 */
	error_t (*other)(int key, char *arg, struct argp_state *state);
};

/* Parse ARGV into OPTIONS, which has its defaults.  Wrong usage ends the program with 2.
 * Returns 0, or an errno value.
 */
error_t optrow_parse(const struct optrow_program *program, void *options, int argc, char **argv);

#endif
