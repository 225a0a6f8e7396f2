/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML document as a tree that knows its lines
 *
 * One document, by libyaml.  What comes from a stranger stays small: a file of
 * at most YAML_SIZE bytes, YAML_DEPTH levels, YAML_NODES nodes, YAML_KEYS keys of
 * one mapping; an alias is a copy of what its anchor names and counts as such, and an anchor is
 * known only behind its own end, so nothing contains itself.  A key that stands twice in one
 * mapping is an error, as is a second document.
 */
#ifndef NETEMU_SIM_YAML_H
#define NETEMU_SIM_YAML_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define YAML_SIZE  (64 << 20)
#define YAML_DEPTH 64
#define YAML_NODES 4000000
#define YAML_KEYS  4096

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/* Items of a list, or values of a mapping in the order of the file. */
struct yaml_node {
	enum yaml_kind kind;
	bool plain;              /* a scalar without quotes */
	unsigned line;           /* from 1 */
	char *key;               /* of a value of a mapping, else NULL; owned */
	char *text;              /* of a scalar; owned */
	struct yaml_node *items; /* [count]; owned */
	size_t count, room;
};

/* Read the SIZE bytes of TEXT; NAME stands in messages.  Returns 0, or -1 with
 * ERR written: "NAME:LINE: ...".
 */
int yaml_parse(struct yaml_node *root, const char *text, size_t size, const char *name,
	       struct err *err);

/* The same for the file PATH; "-" is no special name. */
int yaml_read(struct yaml_node *root, const char *path, struct err *err);
void yaml_release(struct yaml_node *node);

/* One more item of PARENT, zeroed, or NULL with errno ENOMEM.  Items move. */
struct yaml_node *yaml_append(struct yaml_node *parent);

/* Make TO (zeroed, but for its key, which stays) as FROM is.  Returns 0, or -1
 * with errno ENOMEM; TO is to be released either way.
 */
int yaml_copy(struct yaml_node *to, const struct yaml_node *from);

/* The value of KEY in MAP, or NULL: no such key, MAP is no mapping. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

/* "a mapping", "a list", "'text'", to name what stands there; BUF is returned. */
char *yaml_describe(const struct yaml_node *node, char *buf, size_t size);

#endif
