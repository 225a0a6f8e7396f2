/* SPDX-License-Identifier: Apache-2.0 */
/* keep.h - removing run directories, and only those
 *
 * A directory is removed when it belongs to this user, is no link, and holds
 * nothing but files of the names that netemu writes: a directory somebody put
 * something into stays as it is.
 */
#ifndef NETPROF_KEEP_H
#define NETPROF_KEEP_H

#include <stdint.h>

/* Remove the run directories in STORE that are older than KEEP (ns): by the
 * time of run.json, else by the last sign of life in them.  Returns how many
 * were removed.
 */
unsigned keep_sweep(const char *store, int64_t keep);

/* Remove the run directory NAME in the directory FD.  Returns 0, or -1 with
 * errno and nothing removed: EPERM when it is not this user's, ENOTEMPTY when
 * there is something else in it.
 */
int keep_remove(int fd, const char *name);

#endif
