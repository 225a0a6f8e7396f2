/* SPDX-License-Identifier: Apache-2.0 */
/* hostlist.h - Slurm's host list expressions: "node[01-04,7],login"
 *
 * By libslurm, which is loaded when the first list is read: programs do not
 * need Slurm installed for anything else.
 */
#ifndef NETEMU_HOSTLIST_H
#define NETEMU_HOSTLIST_H

#include "err.h"

#include <stddef.h>

/* The hosts of TEXT, in order.  *HOSTS gets COUNT names (one malloc each, and
 * the array, NULL-terminated).  More than LIMIT hosts are refused.  Returns 0,
 * or -1 with ERR written.
 */
int hostlist_parse(const char *text, size_t limit, char ***hosts, size_t *count, struct err *err);
void hostlist_free(char **hosts);

/* The shortest expression for COUNT HOSTS, in ascending order, or NULL with
 * errno; to be freed.
 */
char *hostlist_text(char *const *hosts, size_t count);

#endif
