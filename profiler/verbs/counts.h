/* SPDX-License-Identifier: Apache-2.0 */
/* counts.h - what is counted instead of being recorded (struct vring_summary)
 *
 * Each thread has a slot in the file for each queue pair that it uses, found by a
 * table of its own; so nothing is shared and nothing is locked.  What is outstanding on
 * queue pairs is shared (latency.h).
 */
#ifndef NETTRACE_COUNTS_H
#define NETTRACE_COUNTS_H

#include "vring.h"

#include <stdbool.h>

struct counts;

/* A request that was posted, or REFUSED, at TIME (ticks). */
void counts_send(uint64_t time, uint8_t context, uint32_t qpn, uint8_t opcode, uint32_t bytes,
		 bool refused);
void counts_receive(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq, uint32_t bytes,
		    bool refused);

/* A completion (of which context, wr_id, qpn, status, opcode and bytes are looked at). */
void counts_wc(uint64_t time, const struct vring_wc *wc);

/* Of a thread that has ended: COUNTS (NULL: none) forgets where its slots are. */
void counts_clear(struct counts *counts);

#endif
