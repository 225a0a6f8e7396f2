/* SPDX-License-Identifier: Apache-2.0 */
/* waymark.h - how far it is, on a terminal
 *
 * One line on standard error, after two seconds and five times a second at most.  Nothing when
 * that is no terminal.
 */
#ifndef RESULT_WAYMARK_H
#define RESULT_WAYMARK_H

#include <stdint.h>

/* Zeroed before its first use. */
struct waymark {
	int64_t begun, shown; /* ms */
	int terminal;         /* 0: not known, else 1 or -1 */
	uint32_t turns;
	int64_t (*clock)(void); /* ms; NULL: clock_ms() */
};

/* DONE of ALL things called WHAT.  Looks at the clock only now and then. */
void waymark_show(struct waymark *mark, const char *what, double done, uint64_t all);
/* The line is gone. */
void waymark_end(struct waymark *mark);

#endif
