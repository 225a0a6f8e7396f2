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

#define MAILBOX_PART (32 * 1024)
#define MAILBOX_SIZE (1024 * 1024) /* bytes of a ring */

/* Make this process's rings; on first use of a context. */
int mailbox_create(struct fabric *fabric);

/* Send what is due of the request SQE of QP, whose send lock is held.  Returns 1
 * when all of it is on its way, 0 when there is no room now, -1 when nobody is
 * there to take it.
 */
int mailbox_send(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		 const struct op *op);

/* Requests and responses that have come to this process. */
void mailbox_progress(struct fabric *fabric);

#endif
