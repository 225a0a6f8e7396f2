/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - one traced process, from the first device it opens to its end
 *
 * Decides whether to trace, where the file goes, and at which level.  Whatever
 * fails here leaves the program as it would be without: one line in the log, and
 * no more.
 */
#ifndef NETTRACE_SESSION_H
#define NETTRACE_SESSION_H

#include "vring.h"

#include <stdbool.h>

extern bool session_active; /* control calls are recorded */

/* A device is opened, or a child of fork() has its first event: begin, unless that has been tried.
 * Returns whether this process is traced.
 */
bool session_start(void);

/* Whether control calls are recorded. */
static inline bool session_records(void)
{
	return __builtin_expect(session_active, 1);
}

/* Something goes on that no library can see: WHAT is recorded and said in the log, WHY
 * once each.
 */
void session_unseen(enum vring_unseen why, const char *what);

#endif
