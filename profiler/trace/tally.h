/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - sums of traffic while a run is gone through, and rank files out of them
 *
 * By rank and peer, by rank and what is no rank, by rank and how it failed.
 */
#ifndef TRACE_TALLY_H
#define TRACE_TALLY_H

#include "rankfile.h"
#include "trace/objects.h"

#define TALLY_SIZES      4096 /* of a rank that are counted one by one */
#define TALLY_UNFINISHED 255  /* in place of a status: nothing says what became of it */

/* Bytes and messages; what is there is added to what there was. */
struct tally_traffic {
	uint64_t tx_bytes, tx_messages, rx_bytes, rx_messages;
	int64_t time; /* on the run's clock */
};

struct tally {
	struct tally_cell *cells;
	struct tally_place *places;
	struct tally_failure *failures;
	struct tally_size *sizes;
	uint32_t *distinct; /* by rank: sizes so far; owned */
	uint32_t ranks;
};

/* All return 0, or -1 with errno ENOMEM. */
int tally_init(struct tally *tally, uint32_t ranks);
void tally_release(struct tally *tally);

/* RANK and PEER, which is a rank; only RANK's side. */
int tally_add(struct tally *tally, uint32_t rank, uint32_t peer, enum rankop op,
	      const struct tally_traffic *traffic);
/* RANK and QPN at ADDRESS (NULL: not known). */
int tally_elsewhere(struct tally *tally, uint32_t rank, bool multicast,
		    const struct trace_address *address, uint32_t qpn, enum rankop op,
		    const struct tally_traffic *traffic);
/* One message of RANK to PEER (-1: no rank). */
int tally_failed(struct tally *tally, uint32_t rank, int64_t peer, enum rankop op, uint8_t status,
		 uint64_t bytes);

/* Move all sums to RANK[], which are by rank, with init_realtime where their times
 * begin.
 */
int tally_finish(struct tally *tally, struct rankfile *rank);

#endif
