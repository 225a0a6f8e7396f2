/* SPDX-License-Identifier: Apache-2.0 */
/* livesum.h - add up the entries of live files
 *
 * The half of live_load() that knows what entries mean; the other, live.c,
 * knows how files are laid out.  Entries of all files and threads are taken in
 * one by one, then brought together.
 */
#ifndef NETEMU_LIVESUM_H
#define NETEMU_LIVESUM_H

#include "live.h"
#include "rankfile.h"

struct livesum {
	struct rankfile *rank;         /* what becomes of it; the caller's */
	int64_t zero;                  /* CLOCK_MONOTONIC of time 0 */
	int64_t last;                  /* latest time seen, ns after zero */
	uint32_t level;                /* coarsest level of windows over all shards */
	struct live_phase phases[257]; /* by slot - 1 */
	uint32_t nphases;
};

/* Begin with an empty RANK and what the first file's HEADER says.  LEVEL is the
 * coarsest level of windows of all files.  Returns 0, or -1 with errno ENOMEM,
 * or EOVERFLOW when windows of that level do not fit 64 bits.
 */
int livesum_begin(struct livesum *sum, struct rankfile *rank, const struct live_header *header,
		  uint32_t level);

/* Take entry INDEX of EXTENT in.  Returns 0, 1 when it makes no sense, -1 with
 * errno ENOMEM.
 */
int livesum_entry(struct livesum *sum, const struct live_extent *extent, const void *entry,
		  uint32_t index);

/* Sort and fold.  Returns 0, or -1 with errno ENOMEM or EOVERFLOW. */
int livesum_end(struct livesum *sum, const struct live_header *header);

#endif
