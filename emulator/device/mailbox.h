/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h - transport=queue: messages between processes in shared memory
 *
 * Each process has a ring of requests and one of responses that others write
 * into, with the payload: for senders that may not touch each other's memory.
 * They are made when somebody first writes to that process.  A message longer
 * than MAILBOX_PART bytes goes in parts; what is read is asked for in parts.  A
 * requester promises itself room among its responses before it asks, so a
 * responder never waits for it.  The receiver makes progress when it polls, or
 * its watchdog does, which is woken when it sleeps.
 *
 * A queue pair has one message on its way at a time.  Each try to send one has a
 * number (its attempt), so answers to a try that was given up do no harm.
 */
#ifndef DEVICE_MAILBOX_H
#define DEVICE_MAILBOX_H

#include "device/op.h"

#include <stdbool.h>

#define MAILBOX_PART (32 * 1024)
#define MAILBOX_SIZE (1024 * 1024) /* bytes of a ring */

/* The rings of PROCESS, which leaves or is dead, are given back. */
void mailbox_release(struct fabric *fabric, uint32_t process);

/* Have OP of the request SQE of QP carried out by PROCESS, as far as that goes now;
 * QP's send lock is held.  Returns true when it has been, with ANSWER; false
 * while it is on its way: *AGAIN is when to come back at the latest.
 */
bool mailbox_ask(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		 const struct op *op, uint32_t process, struct answer *answer, int64_t *again);

/* A datagram to one member of a group; it is lost when there is no room. */
void mailbox_throw(struct fabric *fabric, const struct op *op, uint32_t process);

/* SQE of PROCESS waits for its answer no more: it is flushed, or sent anew. */
void mailbox_forget(struct fabric *fabric, uint32_t process, struct shared_sqe *sqe);

/* Requests and responses that have come to this process.  No lock is held, not in
 * a section.
 */
void mailbox_progress(struct fabric *fabric);

#endif
