/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what one rank sends and receives in one phase of a collective
 *
 * A phase is a native algorithm among N members over one region of a vector.  Its plan
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
 * N as there, section 4 (the ranks beyond the power of two fold into their neighbours);
 * double binary tree: Sanders, Speck, Traeff, "Two-tree algorithms for full bandwidth
 * broadcast, reduction and scan", Parallel Computing 35, 2009.
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

/* Bytes of a vector: blocks FIRST, FIRST + STRIDE, ..., COUNT of them, of plan->blocks. */
struct step {
	uint32_t peer;   /* place among the members */
	uint32_t needs;  /* of a send: receives [0, needs) must be in and taken in */
	uint64_t bytes;  /* of the message */
	uint64_t charge; /* of a receive: bytes whose reduction takes time, 0: none */
	bool reduce;     /* of a receive: added to what is there, else it replaces it */
	uint32_t first, stride, count; /* blocks; not in compat */
	bool transit;                  /* all-to-all by a ring: passed on, not into the vector */
};

struct plan {
	enum coll coll;
	struct algorithm algorithm;
	bool compat;
	bool backwards;           /* a ring towards lower places */
	uint32_t n, me;           /* members, own place */
	uint32_t root;            /* place; of broadcast, reduce, gather, scatter */
	uint32_t chunk;           /* number of the chunk: which of the two trees */
	uint64_t offset, length;  /* region of the vector in bytes; compat: length only */
	const int64_t *sizes;     /* all-to-all with own sizes: to each member [n]; or NULL */
	uint32_t sends, receives; /* steps */
	uint32_t blocks;
	const struct plan_ops *ops;
	uint32_t part[8]; /* of the algorithm */
};

/* Fill in a plan whose fields above `sends` are set.  Returns 0, or -1 with ERR: an
 * algorithm that cannot do it ("halvingDoubling cannot do all-to-all").
 */
int plan_init(struct plan *plan, struct err *err);
void plan_send(const struct plan *plan, uint32_t k, struct step *step);
void plan_receive(const struct plan *plan, uint32_t k, struct step *step);

/* Where block B of the plan begins in the vector; block plan->blocks: where the last ends. */
uint64_t plan_block(const struct plan *plan, uint32_t b);

/* Bytes each rank sends in all of a collective, over time (nccl-tests' factors): busbw =
 * size / time * factor.
 */
double coll_bus_factor(enum coll coll, uint32_t n);
const char *coll_name(enum coll coll); /* "all-reduce" */

#endif
