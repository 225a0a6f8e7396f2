/* SPDX-License-Identifier: Apache-2.0 */
/* inherit.h - what a child of fork() has of its parent's calls
 *
 * It may go on with queue pairs that its parent has made and connected: without the
 * calls that did so nobody could tell whose its events are.  They are read from the
 * parent's file, which is whole at any time, whatever the parent's other threads were
 * at when it forked.
 */
#ifndef NETTRACE_INHERIT_H
#define NETTRACE_INHERIT_H

#include "ringfile.h"

struct inherit {
	struct ringfile file; /* the parent's */
	uint64_t ticks;       /* when it forked; 0: this process is no such child */
	pid_t pid;
};

/* The parent's control calls and address handles, up to the fork, into this process's file,
 * which is new.  Registrations are left out: they are many, and tell of no peer.
 */
void inherit_calls(const struct inherit *inherit);

#endif
