/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - the kinds of values that settings have, as text and in a field
 *
 * A table of keys says which setting is of which kind and where its value goes;
 * VALUES_WORDS makes a kind of an enum.  Nothing depends on the program's locale.
 * Uses libc only.
 */
#ifndef NETEMU_VALUES_H
#define NETEMU_VALUES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kind;

/* One key: where its value goes and what it may be. */
struct key {
	const char *name;
	const struct kind *kind;
	size_t offset;
	uint64_t min, max; /* of numbers; of names and texts, how long */
	bool special;      /* as the table's owner says */
};

struct kind {
	/* Write what VALUE says to FIELD; -1 with ERR naming key and value. */
	int (*parse)(void *field, const struct key *key, const char *value, struct err *err);
	/* FIELD as text in BUF. */
	void (*format)(const void *field, char *buf, size_t size);
	bool text; /* a string that is owned */
};

extern const struct kind kind_time;             /* int64_t ns */
extern const struct kind kind_rate, kind_loss;  /* double */
extern const struct kind kind_count;            /* uint32_t */
extern const struct kind kind_seed, kind_bytes; /* uint64_t */
extern const struct kind kind_flag;             /* bool */
extern const struct kind kind_text;             /* char * */
extern const struct kind kind_name;             /* char[]: a-z, 0-9 and _ */
extern const struct kind kind_line;             /* char[]: no control character */
extern const struct kind kind_path;             /* char[]: absolute */
extern const struct kind kind_dir;              /* char[]: as rundir_expand() takes it */
extern const struct kind kind_enable;           /* int: yes or no; special keys only */

/* "KEY='VALUE': WHAT"; -1. */
int values_bad(const struct key *key, const char *value, const char *what, struct err *err);

/* A rate, or "none" (0), in byte/s; a probability as 0.001 or 0.1%.  Return 0, or -1 with
 * errno EINVAL or ERANGE.
 */
int values_rate(const char *text, double *rate);
int values_loss(const char *text, double *loss);

/* Whether WORD is one of LIST, which has commas between. */
bool values_listed(const char *list, const char *word);

/* A whole number of at most KEY->max. */
int values_count(const struct key *key, const char *value, uint64_t *number, struct err *err);

/* --- lists --- */

/* The settings of an instrument: what --netprof and $NETPROF say, and, of the special keys
 * also, the line of plugstack.conf.
 */
struct values_table {
	const struct key *keys;
	size_t count;
	size_t enable; /* offset of an int: 1 after "yes", 0 after "no" */
};

/* Lay TEXT (kvlist.h) over SETTINGS, which have no text that is owned.  By a user a list
 * without yes or no means yes.  Returns 0, or -1 with ERR written; SETTINGS may then be
 * changed in part.
 */
int values_merge(void *settings, const struct values_table *table, bool plugstack, const char *text,
		 struct err *err);

/* Append what differs from DEFAULTS, but special keys, "yes" or "no" first, to BUF of SIZE.
 * Returns 0, or -1 with errno ENAMETOOLONG, or EINVAL when a value cannot be written in a
 * list (",name=" in it).
 */
int values_write(const void *settings, const void *defaults, const struct values_table *table,
		 char *buf, size_t size);

/* The key called NAME among COUNT, or NULL. */
const struct key *values_key(const struct key *keys, size_t count, const char *name);

struct values_word {
	const char *name;
	uint32_t value;
};

int values_parse_word(const struct values_word *words, const struct key *key, const char *value,
		      const char *what, uint32_t *number, struct err *err);
/* The first word with VALUE: what is written. */
void values_format_word(const struct values_word *words, uint32_t value, char *buf, size_t size);

/* kind_NAME for an enum TYPE: its words, and what is said of others. */
#define VALUES_WORDS(name, type, what, ...)                                                    \
	static const struct values_word name##_words[] = { __VA_ARGS__, { NULL, 0 } };         \
	static int parse_##name(void *field, const struct key *key, const char *value,         \
				struct err *err)                                               \
	{                                                                                      \
		uint32_t number = 0;                                                           \
                                                                                               \
		if (values_parse_word(name##_words, key, value, what, &number, err))           \
			return -1;                                                             \
		*(type *)field = (type)number;                                                 \
		return 0;                                                                      \
	}                                                                                      \
	static void format_##name(const void *field, char *buf, size_t size)                   \
	{                                                                                      \
		values_format_word(name##_words, (uint32_t) * (const type *)field, buf, size); \
	}                                                                                      \
	const struct kind kind_##name = { parse_##name, format_##name, false };

#endif
