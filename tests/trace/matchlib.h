/* SPDX-License-Identifier: Apache-2.0 */
/* matchlib.h - what is matched, as text
 *
 * One line for each call of a handler:
 *	+ 101 SEND id 5 bytes 64 depth 1              posted
 *	- 101 SEND id 5 bytes 64 SUCCESS depth 0 m 0  ended; m: the message's number
 *	! 101 SEND id 5                               left
 * "srq" in place of the queue pair's number (hexadecimal, as ids): not yet taken.  At the
 * end of a line: refused ERRNO, inferred, unposted, srq, unsure.
 */
#ifndef NETEMU_TESTS_MATCHLIB_H
#define NETEMU_TESTS_MATCHLIB_H

#include "ringlib.h"
#include "trace/run.h"

/* A file of its own below the working directory; removed by match_path_remove().  RING NULL:
 * what is in it stays.
 */
const char *match_path(const struct ring *ring);
void match_path_remove(void);

/* The text of the file at PATH; free it. */
char *match_text(const char *path);

/* RING has exactly this text. */
void match_expect(const struct ring *ring, const char *text);

#endif
