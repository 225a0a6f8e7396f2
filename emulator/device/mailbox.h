/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - transport=queue: messages between processes in shared memory
 *
 * Each process has a ring of requests and one of responses that others write
 * into, with the payload: for senders that may not touch each other's memory.
 * A message longer than MAILBOX_PART bytes goes in parts.  A receiver takes a
 * request out only when the response has room, responses always: so two
 * processes with full rings get on.  The receiver makes progress when it polls,
 * or its watchdog does, which is woken when it sleeps.
 */
#ifndef DEVICE_MAILBOX_H
#define DEVICE_MAILBOX_H

#include "device/op.h"

#include <stdbool.h>

#define MAILBOX_PART (32 * 1024)
#define MAILBOX_SIZE (1024 * 1024) /* bytes of a ring */

/* Make this process's rings.  Returns 0, or -1 with errno. */
int mailbox_create(struct fabric *fabric);

/* Have OP of the request SQE of QP carried out by PROCESS, as far as that goes now;
 * QP's send lock is held.  Returns true when it has been, with ANSWER; false
 * while it is on its way: *AGAIN is when to come back at the latest.
 */
bool mailbox_ask(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		 const struct op *op, uint32_t process, struct answer *answer, int64_t *again);

/* Requests and responses that have come to this process.  No lock is held, not in
 * a section.
 */
void mailbox_progress(struct fabric *fabric);

#endif
