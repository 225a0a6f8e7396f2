/* SPDX-License-Identifier: Apache-2.0 */
/* respond.h - what the responder of an operation does
 *
 * The one place for it: checks of state, keys, ranges and lengths, matching with
 * a receive request, the copy, the atomic, the completion, the error on its own
 * side.  It touches the responder's state only, and is called by the sender
 * (transport=direct) or by the receiver for what lies in its mailbox
 * (transport=queue), and later for what comes from a network.
 */
#ifndef DEVICE_RESPOND_H
#define DEVICE_RESPOND_H

#include "device/op.h"
#include "device/qp.h"

/* Carry OP (or a part of it) out.  In a section, without any receive-side lock.
 * QPs that have failed on the way are put on the fabric's to-do list
 * (progress.h).  A datagram to a group comes once for each member.
 */
void respond(struct fabric *fabric, const struct op *op, struct answer *answer);
/* The same for who has set answer->early. */
void respond_early(struct fabric *fabric, const struct op *op, struct answer *answer);

/* A QP is reset or destroyed, its receive lock is held: forget a message of
 * which only parts have come.
 */
void respond_forget(struct fabric *fabric, struct shared_qp *qp);

#endif
