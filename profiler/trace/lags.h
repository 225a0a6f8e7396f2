/* SPDX-License-Identifier: Apache-2.0 */
/* lags.h - from when a completion was due to when it was taken
 *
 * An emulated device says when the completion of a request was due (what its model says,
 * not when somebody looked); the program's poll says when it was taken.  Either may be
 * recorded first.  Requests are told apart by queue pair and wr_id, and come in order where
 * several have the same.
 */
#ifndef TRACE_LAGS_H
#define TRACE_LAGS_H

#include <stdint.h>

#define LAGS_MOST 65536 /* numbers that one side alone is known of */

struct account;

struct lags {
	struct lag *of; /* owned; by queue pair and wr_id */
	uint32_t waiting;
};

void lags_release(struct lags *lags);

/* The completion of WR_ID at QPN was due at TIME; it was taken at TIME, and ACCOUNT (which
 * stays there until lags_release()) is to know, or NULL: it was an unsignaled one.  Return 0,
 * or -1 with errno.
 */
int lags_due(struct lags *lags, uint32_t qpn, uint64_t wr_id, int64_t time);
int lags_taken(struct lags *lags, uint32_t qpn, uint64_t wr_id, int64_t time,
	       struct account *account);

#endif
