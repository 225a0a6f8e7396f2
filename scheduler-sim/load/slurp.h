/* SPDX-License-Identifier: Apache-2.0 */
/* slurp.h - all of a file at once */
#ifndef NETEMU_SLURP_H
#define NETEMU_SLURP_H

#include "err.h"

#include <stddef.h>

/* All of the file or pipe PATH ("-": standard input) into *TEXT, which is to be
 * freed in any case.  Returns 0, or -1 with ERR written.
 */
int slurp(const char *path, char **text, size_t *size, struct err *err);

#endif
