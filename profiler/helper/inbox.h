/* SPDX-License-Identifier: Apache-2.0 */
/* inbox.h - what slurmstepd says over the life pipe (lib/helper.h)
 *
 * Lines `KEY VALUE` and `exit PROCID PID STATUS`.  Keys that are not known
 * are passed over: plugin and helper may be of different age.
 */
#ifndef NETPROF_INBOX_H
#define NETPROF_INBOX_H

#include "helper.h"

#include <stddef.h>
#include <stdint.h>

enum inbox_key {
#define X(name) INBOX_##name,
	HELPER_KEY_LIST(X)
#undef X
		INBOX_KEYS
};

struct inbox_exit {
	uint32_t procid;
	int pid;
	int status; /* as from wait(2) */
};

/* Zero-initialised = empty. */
struct inbox {
	char *values[INBOX_KEYS]; /* owned; NULL = not said */
	struct inbox_exit *exits; /* owned */
	size_t nexits;
	char *rest; /* a line not yet whole; owned */
	size_t used, room;
};

/* Take SIZE more bytes of the pipe.  Returns 0, or -1 with errno ENOMEM, or
 * EMSGSIZE for a line that is longer than any that is meant.
 */
int inbox_feed(struct inbox *inbox, const char *data, size_t size);

/* The value of KEY, or "" when it was not said. */
const char *inbox_text(const struct inbox *inbox, enum inbox_key key);

/* The value of KEY as a number from 0, or FALLBACK when it is none. */
int64_t inbox_number(const struct inbox *inbox, enum inbox_key key, int64_t fallback);

/* How the task with PID ended, else (PROCID >= 0) the one with PROCID; NULL
 * when nobody said.
 */
const struct inbox_exit *inbox_exit_of(const struct inbox *inbox, int pid, int procid);

void inbox_release(struct inbox *inbox);

#endif
