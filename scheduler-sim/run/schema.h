/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - what may stand in a scenario, and where its values branch
 *
 * A scenario is checked against tables of keys: an unknown key, a value of the
 * wrong kind, a key that is missing are sentences with file, line and key.
 * Where the table wants one value and the file has a list or a range, that is
 * an axis of the sweep.  netemu-scenario(5) describes the keys.
 */
#ifndef NETEMU_SIM_SCHEMA_H
#define NETEMU_SIM_SCHEMA_H

#include "yaml.h"

#include <stdint.h>

enum schema_type {
	SCHEMA_TEXT,    /* not empty */
	SCHEMA_NUMBER,  /* finite, >= 0 */
	SCHEMA_RATIO,   /* finite, > 0 */
	SCHEMA_COUNT,   /* an integer >= 0 */
	SCHEMA_NATURAL, /* an integer >= 1, of 32 bits */
	SCHEMA_TIME,    /* seconds, or "10ms" */
	SCHEMA_SIZE,    /* bytes, or "1MiB" */
	SCHEMA_RATE,    /* "100Gbit/s", or a number */
	SCHEMA_FLAG,    /* yes or no */
	SCHEMA_CHOICE,  /* one of `names` */
	SCHEMA_COUNTS,  /* a list of SCHEMA_NATURAL */
	SCHEMA_TIMES,   /* a list of times, or {every: TIME} */
	SCHEMA_MAP,     /* a mapping of `keys` */
	SCHEMA_SET,     /* a list of mappings of `keys`, all of them meant */
	SCHEMA_NAMES,   /* a mapping of texts to texts */
	SCHEMA_VARIANT, /* {`names`: VARIANT, params: {...}} */
};

struct schema_variant;

struct schema_key {
	const char *name;
	enum schema_type type;
	bool required;
	bool single; /* has one value in all of the sweep */
	/* SCHEMA_CHOICE: "a|b".  SCHEMA_VARIANT: the key that names the variant. */
	const char *names;
	const struct schema_key *keys;         /* SCHEMA_MAP, SCHEMA_SET; ends with {0} */
	const struct schema_variant *variants; /* SCHEMA_VARIANT; ends with {0} */
	/* SCHEMA_VARIANT: what a plain value instead of the mapping has to be. */
	enum schema_type shorthand;
};

struct schema_variant {
	const char *name;
	const char *alias; /* PFSim's dotted name, or NULL */
	const struct schema_key *params;
};

/* One place where the scenario branches. */
struct schema_axis {
	char *name;              /* "algorithms.router", "jobs[0].ranks"; owned */
	struct yaml_node *node;  /* where it stands; of the document */
	struct yaml_node whole;  /* what stood there; owned */
	struct yaml_node values; /* the list of what may stand there; owned */
};

struct schema_axes {
	struct schema_axis *axis; /* [count], in order of appearance; owned */
	size_t count;
};

/* Check the mapping ROOT of file NAME against KEYS, and find its AXES.  ROOT
 * must outlive AXES; release AXES first.  Returns 0, or -1 with ERR written.
 */
int schema_check(struct yaml_node *root, const struct schema_key *keys, const char *name,
		 struct schema_axes *axes, struct err *err);
void schema_release(struct schema_axes *axes);

/* Have value INDEX of AXIS stand in the document. */
void schema_choose(struct schema_axis *axis, size_t index);

/* Values of a checked document: of KEY in MAP, or OTHERWISE where there is none
 * (MAP may be NULL).
 */
const char *schema_text(const struct yaml_node *map, const char *key, const char *otherwise);
double schema_number(const struct yaml_node *map, const char *key, double otherwise);
uint64_t schema_count(const struct yaml_node *map, const char *key, uint64_t otherwise);
uint64_t schema_size(const struct yaml_node *map, const char *key, uint64_t otherwise);
int64_t schema_time(const struct yaml_node *map, const char *key, int64_t otherwise); /* ns */
bool schema_flag(const struct yaml_node *map, const char *key, bool otherwise);

/* One such text by itself.  Return 0, or -1 when it is none. */
int schema_parse_number(const char *text, double *number);
int schema_parse_count(const char *text, uint64_t *count);
int schema_parse_time(const char *text, int64_t *ns);
int schema_parse_flag(const char *text, bool *flag);

/* The variant that NAME means, by name or alias, or NULL. */
const struct schema_variant *schema_variant(const struct schema_variant *variants,
					    const char *name);

#endif
