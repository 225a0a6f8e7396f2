/* SPDX-License-Identifier: Apache-2.0 */
/* quiet.h - file work that no resource limit may turn into a signal
 *
 * A write or allocation beyond RLIMIT_FSIZE raises SIGXFSZ, which kills a
 * program that did nothing wrong.  Between quiet_begin() and quiet_end() it
 * is held back and swallowed, unless one was pending before; the call fails
 * with EFBIG instead.  errno is kept.
 */
#ifndef NETPROF_QUIET_H
#define NETPROF_QUIET_H

#include <signal.h>

struct quiet {
	sigset_t before;  /* the thread's mask */
	sigset_t pending; /* what was pending before */
};

void quiet_begin(struct quiet *quiet);
void quiet_end(struct quiet *quiet);

#endif
