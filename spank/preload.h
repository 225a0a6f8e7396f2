/* SPDX-License-Identifier: Apache-2.0 */
/* preload.h - the order of our libraries in LD_PRELOAD
 *
 * netprof, nettrace, netemu, then the user's own, whatever the order of the
 * plugins in plugstack.conf.
 */
#ifndef NETEMU_PRELOAD_H
#define NETEMU_PRELOAD_H

#include <stddef.h>

/* Write OLD (a value of LD_PRELOAD) with PATH put into its place into BUF.  The
 * same path is there only once; where OLD has another file of the same name,
 * that is the user's choice and PATH is left out.  Returns 0, or -1 with errno
 * ENAMETOOLONG.
 */
int preload_add(char *buf, size_t size, const char *old, const char *path);

/* Write OLD without PATH into BUF.  Returns 0, or -1 with errno ENAMETOOLONG. */
int preload_remove(char *buf, size_t size, const char *old, const char *path);

#endif
