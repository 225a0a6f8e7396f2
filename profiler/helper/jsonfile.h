/* SPDX-License-Identifier: Apache-2.0 */
/* jsonfile.h - small JSON files that are whole or not there */
#ifndef NETPROF_JSONFILE_H
#define NETPROF_JSONFILE_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>

/* Write ROOT to DIR/NAME under a temporary name and rename it.  With FRESH a
 * file that is there already is kept: that is an error with errno EEXIST.
 * Returns 0, or -1 with ERR written and nothing left behind.
 */
int jsonfile_save(const char *dir, const char *name, const json_t *root, bool fresh,
		  struct err *err);

/* Read DIR/NAME, no link, of this user.  Returns NULL when there is no such
 * object.
 */
json_t *jsonfile_load(const char *dir, const char *name);

/* OBJECT[KEY] = VALUE (stolen); null when VALUE is NULL. */
void jsonfile_set(json_t *object, const char *key, json_t *value);

/* TEXT as JSON, any bytes as Latin-1 when it is not UTF-8; NULL for "". */
json_t *jsonfile_text(const char *text);

#endif
