/* SPDX-License-Identifier: Apache-2.0 */
/* rankfile.h - what one rank sent and received: mpi/rank-<r>.json, verbs/rank-<r>.json
 *
 * One structure in memory for all who deal with it: the library and the
 * helper write it (rankfile_write(), libc only), the offline programs read it
 * back (rankfile_read(), jansson) together with PFProf's own files, and
 * live_load() fills it from mapped counters.  netprof-rank(5) documents the
 * format; the names of its keys stand in rankkeys.h and nowhere else.
 */
#ifndef NETEMU_RANKFILE_H
#define NETEMU_RANKFILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANKFILE_VERSION 1
#define RANKFILE_DENSE   1024 /* up to that many ranks PFProf's dense arrays are written too */

/* Operations: X(enum suffix, name in files).  The order is part of the live
 * format: append only.
 */
#define RANKOP_LIST(X)                                                      \
	X(P2P, "p2p")                                                       \
	X(ALLGATHER, "allgather")                                           \
	X(ALLGATHERV, "allgatherv")                                         \
	X(ALLREDUCE, "allreduce")                                           \
	X(ALLTOALL, "alltoall")                                             \
	X(ALLTOALLV, "alltoallv")                                           \
	X(ALLTOALLW, "alltoallw")                                           \
	X(BARRIER, "barrier")                                               \
	X(BCAST, "bcast")                                                   \
	X(EXSCAN, "exscan")                                                 \
	X(GATHER, "gather")                                                 \
	X(GATHERV, "gatherv")                                               \
	X(REDUCE, "reduce")                                                 \
	X(REDUCE_SCATTER, "reduce_scatter")                                 \
	X(REDUCE_SCATTER_BLOCK, "reduce_scatter_block")                     \
	X(SCAN, "scan")                                                     \
	X(SCATTER, "scatter")                                               \
	X(SCATTERV, "scatterv")                                             \
	X(NONBLOCKING, "nonblocking") /* inside non-blocking collectives */ \
	X(NEIGHBOR, "neighbor")                                             \
	X(RMA, "rma") /* on a window's own communicator */                  \
	X(IO, "io")   /* on a file's own communicator */                    \
	X(OTHER, "other")                                                   \
	X(SEND, "send") /* from here on: of verbs */                        \
	X(WRITE, "write")                                                   \
	X(READ, "read")                                                     \
	X(ATOMIC, "atomic")                                                 \
	X(DATAGRAM, "datagram")

enum rankop {
#define X(suffix, name) RANKOP_##suffix,
	RANKOP_LIST(X)
#undef X
		RANKOP_COUNT
};

#define RANKRMA_LIST(X)                     \
	X(PUT, "put")                       \
	X(GET, "get")                       \
	X(ACCUMULATE, "accumulate")         \
	X(GET_ACCUMULATE, "get_accumulate") \
	X(FETCH_AND_OP, "fetch_and_op")     \
	X(COMPARE_AND_SWAP, "compare_and_swap")

enum rankrma {
#define X(suffix, name) RANKRMA_##suffix,
	RANKRMA_LIST(X)
#undef X
		RANKRMA_COUNT
};

/* Why a receive is not in the rx counters, or is there only as posted. */
#define RANKUNSEEN_LIST(X)                                                                   \
	X(POSTED, "posted")         /* counted from the post: in rx, but not as received */  \
	X(FREED, "freed")           /* MPI_Request_free before completion: not in rx */      \
	X(CANCELLED, "cancelled")   /* not in rx */                                          \
	X(INCOMPLETE, "incomplete") /* never completed by a call that was seen: not in rx */ \
	X(TRUNCATED, "truncated")   /* longer than the buffer: rx has what MPI says came */

enum rankunseen {
#define X(suffix, name) RANKUNSEEN_##suffix,
	RANKUNSEEN_LIST(X)
#undef X
		RANKUNSEEN_COUNT
};

extern const char *const rankop_names[RANKOP_COUNT];
extern const char *const rankrma_names[RANKRMA_COUNT];
extern const char *const rankunseen_names[RANKUNSEEN_COUNT];

/* Traffic with one peer.  Times are ns after MPI_Init returned, -1 = none. */
struct rankpeer {
	uint32_t peer; /* world rank */
	uint64_t tx_bytes, tx_messages;
	uint64_t rx_bytes, rx_messages; /* matched source, bytes received */
	int64_t first, last;
};

/* Peers in ascending order, each once. */
struct rankpeers {
	struct rankpeer *rows; /* owned */
	size_t count;
};

struct ranksize {
	uint64_t size; /* bytes; with LOG2: k for [2^k, 2^(k+1)) */
	uint64_t tx_messages, rx_messages;
	bool log2;
};

struct ranktiming {
	uint32_t peer;
	uint64_t sends, sum, max; /* ns */
};

/* Once that a phase was open.  Times are ns after MPI_Init returned. */
struct rankspan {
	int64_t begin, end;
};

struct rankphase {
	int32_t level; /* as given to MPI_Pcontrol */
	bool other;    /* all phases beyond the 256th */
	uint32_t opened;
	int64_t duration;       /* ns */
	struct rankspan *spans; /* the first ones of `opened`, in the order of time; owned */
	size_t nspans;
	struct rankpeers ops[RANKOP_COUNT];
};

struct rankwindow {
	int64_t start; /* ns after MPI_Init returned */
	struct rankpeers peers;
};

struct rankrmacall {
	uint32_t peer;
	uint16_t call; /* enum rankrma */
	uint64_t calls, bytes;
};

struct rankunseen_count {
	uint16_t op, why;
	uint64_t messages, bytes;
};

/* Traffic of verbs with queue pairs of which nobody recorded whose they are, and
 * that of multicast groups.
 */
struct rankelsewhere {
	bool multicast;
	uint16_t op;
	uint32_t lid, qpn;
	char *gid; /* NULL: not known */
	uint64_t tx_bytes, tx_messages, rx_bytes, rx_messages;
};

/* Messages that a completion says have failed, or of which no completion was taken. */
struct rankfailed {
	int64_t peer; /* -1: of no rank */
	uint16_t op;
	char *status;
	uint64_t messages, bytes;
};

/* Everything known of one rank.  Zero-initialised = empty.  All pointers are
 * owned; strings may be NULL where a file does not say.
 */
struct rankfile {
	uint32_t rank, ranks;
	bool foreign;  /* PFProf's: dense arrays only, rx as posted, ops all in OTHER */
	bool complete; /* MPI_Finalize was passed */
	char *description, *node, *processor_name, *program, *mpi, *pml, *job, *step;
	int32_t pid;
	double duration;       /* s from MPI_Init to MPI_Finalize (or the last message) */
	int64_t init_realtime; /* ns since the epoch */
	int64_t resolution;    /* of first and last, ns */
	bool precise;

	struct rankpeers peers;             /* totals */
	struct rankpeers ops[RANKOP_COUNT]; /* they add up to the totals */
	struct rankpeer outside;            /* processes outside MPI_COMM_WORLD, all in one */
	struct ranksize *sizes;             /* ascending, exact ones first */
	size_t nsizes;
	struct ranktiming *timing; /* ascending by peer */
	size_t ntiming;
	struct rankphase *phases; /* in the order first opened */
	size_t nphases;
	int64_t window_width;       /* ns; 0 = no windows */
	struct rankwindow *windows; /* ascending by start */
	size_t nwindows;
	struct rankrmacall *rma; /* ascending by call, peer */
	size_t nrma;
	struct rankunseen_count *unseen; /* ascending by why, op */
	size_t nunseen;
	char **bypass; /* sorted */
	size_t nbypass;
	struct rankelsewhere *elsewhere; /* ascending by multicast, gid, lid, qpn, op */
	size_t nelsewhere;
	struct rankfailed *failed; /* ascending by peer, op, status */
	size_t nfailed;
	uint64_t dropped;                       /* records that were not kept */
	double overhead_send, overhead_receive; /* ns per message, measured at start; 0 = unknown */
};

/* Add TRAFFIC to the row of its peer, making it when there is none.  Rows may
 * be out of order until rankpeers_sort().  Returns the row, or NULL with errno
 * ENOMEM.  Amortised O(1) when peers come in ascending order.
 */
struct rankpeer *rankpeers_add(struct rankpeers *peers, const struct rankpeer *traffic);

/* Sort by peer and fold rows of the same peer into one. */
void rankpeers_sort(struct rankpeers *peers);

void rankpeers_release(struct rankpeers *peers);

/* Write RANK as JSON to FD, which must be open for writing.  Same RANK, same
 * bytes.  Returns 0, or -1 with errno of the failing write or ENOMEM.
 */
int rankfile_write(const struct rankfile *rank, int fd);

/* Write RANK to DIR/rank-<r>.json under a temporary name, then rename it.
 * Returns 0, or -1 with ERR written and nothing left in DIR.
 */
int rankfile_save(const struct rankfile *rank, const char *dir, struct err *err);

/* Read a rank file of ours or of PFProf from DATA (SIZE bytes, named NAME in
 * messages).  An error names file, line or key and what is wrong with it;
 * peers out of range, arrays of different lengths, negative or fractional
 * counts, ops that do not add up to the totals are errors.  On success the
 * caller owns RANK.  Needs jansson: in rankread.c, not for guests.
 */
int rankfile_read(struct rankfile *rank, const char *data, size_t size, const char *name,
		  struct err *err);

void rankfile_release(struct rankfile *rank);

#endif
