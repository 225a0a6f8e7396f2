/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.h - what the ranks of a job send each other
 *
 * Immutable once made and shared by all jobs that have it (a count of users).
 * Rank pairs are in the order in which the trace gives them, which is the
 * order in which PFSim's greedy routers look at equal ones.
 */
#ifndef NETEMU_TRAFFIC_H
#define NETEMU_TRAFFIC_H

#include "err.h"
#include "policy.h"

#include <sys/types.h>

/* A part of the traffic: one operation, or one window of time. */
struct traffic_part {
	char *name;                     /* of the operation; NULL for a window */
	int64_t start, end;             /* of the window, ns from the job's start */
	struct netemu_rank_pair *pairs; /* owned */
	size_t npairs;
};

struct traffic {
	char *name; /* owned */
	uint32_t ranks;
	bool uniform;                   /* every rank sends `bytes` to every other; no pairs then */
	uint64_t bytes;                 /* uniform only */
	struct netemu_rank_pair *pairs; /* with at least one message; owned */
	size_t npairs;
	struct netemu_rank_pair *sorted; /* traffic_sorted() makes it; owned */
	struct traffic_part *ops;        /* by operation, or none; owned */
	size_t nops;
	struct traffic_part *windows; /* in order of time, or none; owned */
	size_t nwindows;
	int64_t began;    /* when the first rank did, ns since the epoch; 0 = not known */
	int64_t duration; /* of the longest rank, ns; 0 = not known */
	unsigned int users;
};

/* Read a file or folder of rank files: an archive of PFProf files in any
 * compression, a folder of them, a run directory of netemu or its job id.
 * Returns 0, or -1 with ERR written.
 */
int traffic_read(struct traffic **traffic, const char *path, struct err *err);
/* The same of what the instrument FROM recorded (mpi, verbs, replay); NULL: the first there is. */
int traffic_read_from(struct traffic **traffic, const char *path, const char *from,
		      struct err *err);

/* A pattern over RANKS ranks, BYTES for each pair: all-to-all, ring, shift:S,
 * nn2d, nn3d (nearest neighbours, periodic, the most cubic factors of RANKS),
 * tree (binary, parent and children), permutation:NAME (complement, half,
 * reversal:K (digits to the base K), transpose), random:SEED, none.  Returns 0,
 * or -1 with ERR written.
 */
int traffic_pattern(struct traffic **traffic, const char *name, uint32_t ranks, uint64_t bytes,
		    struct err *err);

/* PAIRS ascending (from, to): themselves when they are, else a copy in *SORTED,
 * to be freed.  NULL with errno ENOMEM.
 */
const struct netemu_rank_pair *traffic_sort(const struct netemu_rank_pair *pairs, size_t npairs,
					    struct netemu_rank_pair **sorted);

/* The same of TRAFFIC's pairs, made when first asked for and kept with it.  NULL with errno ENOMEM.
 */
const struct netemu_rank_pair *traffic_sorted(struct traffic *traffic);

struct traffic *traffic_share(struct traffic *traffic);
void traffic_drop(struct traffic *traffic); /* NULL is fine */

/* The pairs of hosts that rank PAIRS make under PLACEMENT (rank -> host), in
 * the order of their first rank pair; pairs on one host are left out.  Zero
 * bytes count as a flow.  *HOST_PAIRS is to be freed.  Returns their number,
 * or -1 with errno ENOMEM.
 */
ssize_t traffic_fold(const struct netemu_rank_pair *pairs, size_t npairs, const uint32_t *placement,
		     uint32_t hosts, struct netemu_pair **host_pairs);

#endif
