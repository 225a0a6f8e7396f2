/* SPDX-License-Identifier: Apache-2.0 */
#include "optrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_KEY 0x100 /* of rows without a letter: beyond all letters */

struct parsing {
	const struct optrow_program *program;
	void *options;
};

static bool is_end(const struct optrow *row)
{
	return !row->key.name && !row->help;
}

static int key_of(const struct optrow *rows, const struct optrow *row)
{
	return row->letter ? row->letter : FIRST_KEY + (int)(row - rows);
}

static const struct optrow *row_of(const struct optrow *rows, int key)
{
	for (const struct optrow *row = rows; !is_end(row); row++)
		if (row->key.name && key_of(rows, row) == key)
			return row;
	return NULL;
}

/* Those of argp: one for each name; owned by the caller. */
static struct argp_option *options_of(const struct optrow *rows)
{
	size_t count = 0, used = 0;
	int group = 0;
	struct argp_option *table;

	while (!is_end(&rows[count]))
		count++;
	table = calloc(count * (1 + OPTROW_ALIASES) + 1, sizeof(*table));
	for (const struct optrow *row = rows; table && !is_end(row); row++) {
		struct argp_option *option = &table[used++];

		group += !row->key.name;
		*option = (struct argp_option){ .doc = row->help, .group = group };
		if (!row->key.name)
			continue;
		option->name = row->key.name;
		option->key = key_of(rows, row);
		option->arg = row->arg;
		option->flags = (row->help ? 0 : OPTION_HIDDEN) |
				(row->otherwise ? OPTION_ARG_OPTIONAL : 0);
		for (int i = 0; i < OPTROW_ALIASES && row->aliases[i]; i++)
			table[used++] = (struct argp_option){ .name = row->aliases[i],
							      .flags = OPTION_ALIAS,
							      .group = group };
	}
	return table;
}

static void take(const struct optrow *row, void *options, const char *arg, struct argp_state *state)
{
	char *base = options;
	struct err err = { "" };

	if (row->key.kind->parse(base + row->key.offset, &row->key, arg ? arg : row->otherwise,
				 &err) < 0)
		argp_error(state, "--%s", err.text);
	if (row->given)
		*(bool *)(base + row->given) = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const struct parsing *parsing = state->input;
	const struct optrow *row = row_of(parsing->program->rows, key);

	if (row) {
		take(row, parsing->options, arg, state);
		return 0;
	}
	if (key == ARGP_KEY_INIT)
		state->hook = parsing->options;
	if (parsing->program->other)
		return parsing->program->other(key, arg, state);
	if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s': there are options only", arg);
	return ARGP_ERR_UNKNOWN;
}

error_t optrow_parse(const struct optrow_program *program, void *options, int argc, char **argv)
{
	struct parsing parsing = { program, options };
	struct argp_option *table = options_of(program->rows);
	const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = program->args_doc,
		.doc = program->doc,
		.help_filter = program->help_filter,
	};
	error_t rc = table ? 0 : ENOMEM;

	argp_err_exit_status = 2;
	if (rc == 0)
		rc = argp_parse(&argp, argc, argv, 0, NULL, &parsing);
	free(table);
	return rc;
}

/* ---- kinds that only options have ---- */

static int parse_text(void *field, const struct key *key, const char *value, struct err *err)
{
	if (!*value)
		return values_bad(key, value, "a value is missing", err);
	*(const char **)field = value;
	return 0;
}

static int parse_flag(void *field, const struct key *key, const char *value, struct err *err)
{
	(void)key;
	(void)value;
	(void)err;
	*(bool *)field = true;
	return 0;
}

static int parse_none(void *field, const struct key *key, const char *value, struct err *err)
{
	(void)field;
	(void)key;
	(void)value;
	(void)err;
	return 0;
}

const struct kind optrow_text = { parse_text, NULL, true };
const struct kind optrow_flag = { parse_flag, NULL, false };
const struct kind optrow_none = { parse_none, NULL, false };
