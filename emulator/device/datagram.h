/* SPDX-License-Identifier: Apache-2.0 */
/* datagram.h - what a datagram's receive buffer gets: room for a header, then the data */
#ifndef DEVICE_DATAGRAM_H
#define DEVICE_DATAGRAM_H

#include "device/op.h"

/* The global routing header stands in the first 40 bytes; without one they are
 * left as they are.
 */
#define GRH_SIZE 40

/* Copy BYTES of OP's payload, and its header if it has one, to TO, which has room
 * for both.  Returns 0, or -1 with errno as memory_copy().
 */
int datagram_copy(struct fabric *fabric, const struct op *op, uint64_t bytes,
		  const struct payload *to);

#endif
