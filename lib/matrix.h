/* SPDX-License-Identifier: Apache-2.0 */
/* matrix.h - who sent how much to whom: a sparse traffic matrix
 *
 * A table of pairs (from, to) in ascending order.  Rows are added rank by
 * rank, each with both sides of its traffic; matrix_finish() brings what the
 * sender and what the receiver counted of a pair together.  What a matrix
 * says is always what was sent; what was received is there to check it.
 */
#ifndef NETEMU_MATRIX_H
#define NETEMU_MATRIX_H

#include "rankfile.h"

struct matrix_pair {
	uint32_t from, to;
	uint64_t bytes, messages;       /* as the sender counted */
	uint64_t rx_bytes, rx_messages; /* as the receiver did */
};

/* What a rank could not see of its receives, see RANKUNSEEN_LIST, and of its sends. */
struct matrix_unseen {
	uint64_t lost;         /* receives that are in no rx count */
	uint64_t found;        /* of those, accounted for by matrix_check() */
	uint64_t failed;       /* sends that are in no tx count, but may have arrived */
	uint64_t failed_found; /* of those, accounted for */
	bool posted;           /* some are counted with their posted size */
	bool truncated;        /* some may be counted with the size of their buffer */
};

struct matrix {
	uint32_t size;             /* ranks, or nodes */
	struct matrix_pair *pairs; /* owned */
	size_t count, room;
	struct matrix_unseen *unseen; /* by rank; owned */
};

/* An empty matrix of SIZE by SIZE.  Returns 0, or -1 with errno ENOMEM. */
int matrix_init(struct matrix *matrix, uint32_t size);
void matrix_release(struct matrix *matrix);

/* Add PEERS: traffic of RANK, all of it or a selection.  Returns 0, or -1 with
 * errno ENOMEM.
 */
int matrix_add(struct matrix *matrix, const struct rankfile *rank, const struct rankpeers *peers);

/* Sort, and make one row of each pair.  Returns 0, or -1 with errno ENOMEM, or
 * EOVERFLOW when all bytes or messages together do not fit 64 bits.
 */
int matrix_finish(struct matrix *matrix);

/* Forget the receivers' side: pairs without a message sent go. */
void matrix_forget_received(struct matrix *matrix);

/* The pair, or NULL. */
const struct matrix_pair *matrix_find(const struct matrix *matrix, uint32_t from, uint32_t to);

/* Pairs on which the two sides do not agree. */
#define MATRIX_WORST 3

struct matrix_mismatch {
	size_t count, checked;                  /* pairs */
	uint64_t bytes, messages;               /* sums of the differences' amounts */
	struct matrix_pair worst[MATRIX_WORST]; /* by bytes, then messages, then place */
	/* The worst pair that the receiver's own list of unseen receives does
	 * not account for, if any: fewer messages received, by no more than
	 * were lost, or the same number with other sizes.
	 */
	bool unexplained;
	struct matrix_pair culprit;
};

void matrix_check(struct matrix *matrix, struct matrix_mismatch *mismatch);

/* FROM with rows and columns brought together: rank r belongs to GROUP[r] <
 * GROUPS.  Returns 0, or -1 with errno.  The caller owns MATRIX.
 */
int matrix_fold(struct matrix *matrix, const struct matrix *from, const uint32_t *group,
		uint32_t groups);

struct matrix_summary {
	uint64_t bytes, messages;
	size_t pairs;          /* (from, to) with at least one message, from != to */
	size_t self_pairs;     /* the same with from == to */
	double density;        /* pairs / (n (n - 1)), 0 for n = 1 */
	uint64_t within_bytes; /* of pairs of the same group, self included */
	/* sum over pairs of bytes |from - to| / sum of bytes */
	double distance;
	/* Most sent by one rank / mean over all n; the same for what is sent to
	 * one; 0 without traffic.
	 */
	double imbalance_tx, imbalance_rx;
};

/* GROUP as in matrix_fold(), or NULL: then within_bytes is 0.  Returns 0, or
 * -1 with errno ENOMEM.
 */
int matrix_summarize(const struct matrix *matrix, const uint32_t *group,
		     struct matrix_summary *summary);

/* The COUNT heaviest pairs into TOP, by bytes (MESSAGES: by messages), equal
 * ones in ascending order.  Returns how many there are.
 */
size_t matrix_top(const struct matrix *matrix, bool messages, struct matrix_pair *top,
		  size_t count);

/* Two matrices of the same size, pair by pair. */
#define MATRIX_CHANGED 10

struct matrix_change {
	uint32_t from, to;
	uint64_t bytes[2], messages[2]; /* in A, in B */
};

struct matrix_diff {
	uint64_t bytes[2], messages[2];       /* all of A, all of B */
	size_t pairs[2], only[2];             /* with messages; only there */
	size_t changed;                       /* in both, but not the same */
	uint64_t moved_bytes, moved_messages; /* sums of |a - b| over all pairs */
	/* moved / all of A; infinite when A has nothing and B something */
	double bytes_ratio, messages_ratio;
	struct matrix_change top[MATRIX_CHANGED]; /* by |a - b| of bytes, then messages */
	size_t ntop;
};

void matrix_compare(const struct matrix *a, const struct matrix *b, struct matrix_diff *diff);

#endif
