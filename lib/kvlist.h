/* SPDX-License-Identifier: Apache-2.0 */
/* kvlist.h - KEY=VALUE,KEY=VALUE lists
 *
 * The grammar of every instrument's option, environment variable and
 * plugstack argument.  A comma starts a new key only where `[a-z_0-9.]+=`
 * follows; elsewhere it belongs to the value, so a file name may have commas
 * in it.  The first item may be a bare word (`yes`, `no`), which becomes an
 * item with an empty key.  Uses libc only: preload libraries parse with it.
 */
#ifndef NETEMU_KVLIST_H
#define NETEMU_KVLIST_H

#include "err.h"

#include <stddef.h>

struct kvlist_item {
	const char *key;   /* "" for the bare first word */
	const char *value; /* "" when nothing stands behind the '=' */
};

struct kvlist {
	struct kvlist_item *items; /* in the order written; a key may occur twice */
	size_t count;
	char *text; /* what the items point into; owned */
};

/* Parse TEXT.  `@FILE` reads the list from a file instead: one item a line or
 * several by commas, blank lines and lines that begin with '#' are skipped.
 * The empty text gives an empty list.  Returns 0, or -1 with ERR written
 * ("'=x': a key is missing", "unable to open 'f': ...").  LIST needs
 * kvlist_release() only on success.
 */
int kvlist_parse(struct kvlist *list, const char *text, struct err *err);

void kvlist_release(struct kvlist *list);

/* The value of the last item with KEY, or NULL.  Owned by LIST. */
const char *kvlist_find(const struct kvlist *list, const char *key);

#endif
