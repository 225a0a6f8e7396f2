/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what one rank sends and receives in one phase of a collective
 *
 * A phase is a native algorithm among N members over a region of a vector.  Its plan
 * is a list of sends and a list of receives; a send waits for the receives before it
 * in the list by a count.  Nothing is stored: each step is computed when it is
 * asked for, so a ring of a thousand needs no memory.
 *
 * Two books of rules: `compat` gives ASTRA-sim's messages, sizes and charges (integer
 * division, an all-gather of own shards, trees that send all of it over each edge);
 * the default moves each byte that was asked for exactly, with any N.
 *
 * Sources: ring and halving-doubling: Thakur, Rabenseifner, Gropp, "Optimization of
 * collective communication operations in MPICH", IJHPCA 19(1), 2005; halving-doubling for any
 * N as there, section 4, but the member 2^k + u folds into member u, so that what a
 * member holds is every 2^j-th block with any N; double binary tree: Sanders, Speck,
 * Traeff, "Two-tree algorithms for full bandwidth broadcast, reduction and scan",
 * Parallel Computing 35, 2009; barrier: Hensgen, Finkel, Manber, "Two algorithms for
 * barrier synchronization", IJPP 17(1), 1988.
 */
#ifndef COLL_PLAN_H
#define COLL_PLAN_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum coll {
	COLL_ALL_REDUCE,
	COLL_ALL_GATHER,
	COLL_REDUCE_SCATTER,
	COLL_ALL_TO_ALL,
	COLL_BROADCAST,
	COLL_REDUCE,
	COLL_GATHER,
	COLL_SCATTER,
	COLL_BARRIER,
};

enum algorithm_kind {
	ALGORITHM_RING,
	ALGORITHM_DIRECT,
	ALGORITHM_HALVING_DOUBLING,
	ALGORITHM_DOUBLE_BINARY_TREE,
};

/* As system.json names them. */
struct algorithm {
	enum algorithm_kind kind;
	uint32_t window; /* direct: messages at a time, 0: all */
	bool flat;       /* one*: all dimensions as one */
};

/* "ring", "directW", "oneHalvingDoubling", ... Returns 0, or -1 with ERR: all names. */
int algorithm_parse(struct algorithm *algorithm, const char *text, struct err *err);
void algorithm_format(const struct algorithm *algorithm, char *buf, size_t size);

/* A part of a vector, for the default rules.  TOTAL bytes from OFFSET on are divided into
 * SHARDS, as evenly as whole bytes can be, and of each shard the CHUNK-th of CHUNKS parts is
 * in the region.  Block b of n is the shards LOW + b*STRIDE + i*STRIDE*n, for all i: in a
 * topology of several dimensions those of all ranks with place b in one of them.
 */
struct region {
	uint64_t offset, total;
	uint32_t shards;      /* 0: as many as blocks */
	uint32_t low, stride; /* STRIDE 0 counts as 1 */
	uint32_t chunk, chunks;
	uint32_t copies; /* all-to-all: how many sources a block is of; 0 counts as 1 */
};

#define STEP_ANY UINT64_MAX /* bytes of a receive that only the sender knows */

/* Blocks of a step: FIRST, FIRST + STRIDE, ..., COUNT of them, modulo plan->blocks. */
struct step {
	uint32_t peer;   /* place among the members */
	uint32_t needs;  /* of a send: receives [0, needs) must be in and taken in */
	uint64_t bytes;  /* of the message; STEP_ANY */
	uint64_t charge; /* of a receive: bytes whose reduction takes time, 0: none */
	bool reduce;     /* of a receive: added to what is there, else it replaces it */
	uint32_t first, stride, count; /* blocks; not in compat */
	/* All-to-all: whose data it is, and blocks are for whom.  What a ring receives for
	 * others goes on with its next send.
	 */
	uint32_t source;
};

struct plan {
	enum coll coll;
	struct algorithm algorithm;
	bool compat;
	bool backwards;           /* a ring towards lower places */
	uint32_t n, me;           /* members, own place */
	uint32_t root;            /* place; of broadcast, reduce, gather, scatter */
	uint32_t tree;            /* of a double binary tree: which of the two, modulo 2 */
	uint64_t length;          /* compat: bytes that the phase is given */
	struct region region;     /* else */
	const int64_t *sizes;     /* all-to-all with own sizes: to each member [n]; or NULL */
	uint32_t sends, receives; /* steps */
	uint32_t blocks;
	const struct plan_ops *ops;
	uint32_t part[4]; /* of the algorithm */
};

/* How many plans make up a phase: an all-reduce by two trees is two, of one half each
 * (region.chunk of region.chunks).
 */
uint32_t plan_parts(const struct algorithm *algorithm, enum coll coll, bool compat);

/* Fill in a plan whose fields above `sends` are set.  Returns 0, or -1 with ERR: an
 * algorithm that cannot do it ("halvingDoubling cannot do all-to-all").
 */
int plan_init(struct plan *plan, struct err *err);
void plan_send(const struct plan *plan, uint32_t k, struct step *step);
void plan_receive(const struct plan *plan, uint32_t k, struct step *step);

/* Where the blocks of STEP lie in the vector (default rules, not all-to-all): how many
 * pieces in the order in which the message has them, and the I-th.
 */
struct piece {
	uint64_t at, bytes;
};
uint64_t plan_pieces(const struct plan *plan, const struct step *step);
void plan_piece(const struct plan *plan, const struct step *step, uint64_t i, struct piece *piece);

/* Shard T of REGION that is divided into SHARDS: what of it is in the region's chunk. */
/* TOTAL * I / N without overflow; most products are of 64 bits. */
static inline uint64_t plan_fraction(uint64_t total, uint64_t i, uint64_t n)
{
	uint64_t product;

	if (!__builtin_mul_overflow(total, i, &product))
		return product / n;
	return (uint64_t)((unsigned __int128)total * i / n);
}

void region_shard(const struct region *region, uint32_t shards, uint32_t t, struct piece *piece);

/* Bytes each rank sends in all of a collective, over size (nccl-tests' factors): busbw =
 * size / time * factor.
 */
double coll_bus_factor(enum coll coll, uint32_t n);
const char *coll_name(enum coll coll); /* "all-reduce" */

#endif
