/* SPDX-License-Identifier: Apache-2.0 */
/* collective.h - a rank's collectives: chunks, phases, dimensions, order
 *
 * A collective is cut into chunks; each passes through phases, one for each dimension of
 * the topology that it uses; a dimension has queues, and each starts so many chunks at a
 * time, in the order of its policy.  As ASTRA-sim's system layer; what happens
 * when is the same on every backend.
 *
 * Tags do not have NET_TAG_P2P and are made of the group, the group's count of collectives, chunk
 * and phase: never of the order in which a rank happens to start them.
 *
 * No order of ranks and messages can block a collective: each has queues of its own, and
 * a queue starts chunks in an order that is the same on all ranks, whatever comes
 * first.  In `compat` on a virtual clock queues are ASTRA-sim's: of all collectives together,
 * by policy and by what comes first, which can block when chunks are more than
 * those active and ranks differ in time (so does ASTRA-sim).
 *
 * Dimensions are for all-reduce, all-gather, reduce-scatter and all-to-all; the others, and
 * an all-to-all with own sizes, are one phase among all.
 */
#ifndef COLL_COLLECTIVE_H
#define COLL_COLLECTIVE_H

#include "config/system.h"
#include "net/net.h"

struct collectives; /* of one rank */

enum allgather_size {
	ALLGATHER_SHARD, /* comm_size is what each rank gives */
	ALLGATHER_TOTAL, /* comm_size is what each rank has in the end */
};

struct collectives_settings {
	const struct system *system; /* this and all below are kept */
	const struct dims *dims;
	uint32_t queues_per_dim; /* 1 */
	bool compat;
	enum allgather_size allgather; /* of gathers too; compat: of shards */
	/* Move real data, compare with what it must be; in compat and custom collectives, where
	 * messages have no meaning, each is checked to be what its sender sent.
	 */
	bool verify;
	double size_scale;      /* comm-scale, as of coll_scaled() */
	double injection_scale; /* of the endpoint delay; 0 counts as 1 */
};

/* What is asked for; embedded in what the caller owns, which stays until `done`. */
struct collective {
	enum coll coll;
	uint64_t size; /* bytes, comm_size as in the trace */
	const struct group *group;
	uint64_t dims; /* bit d: used; all ones: all */
	int32_t priority;
	/* Rank in the group; with only some dimensions, whoever has its places in those. */
	uint32_t root;
	/* All-to-all: bytes to each member; NULL: all the same.  Compat: not looked at. */
	const int64_t *sizes;
	const char *custom; /* ET prefix, or NULL: as the system says for node_id and coll */
	uint64_t node_id;
	void (*done)(struct collective *collective, int64_t time); /* from the loop */

	/* Filled in, for results. */
	int64_t started, ended;  /* ns */
	uint64_t total;          /* bytes that nccl-tests' algbw is of */
	uint64_t sent;           /* bytes this rank sent for it */
	struct collective *next; /* the caller's */
	void *work;
};

/* Returns 0, or -1 with ERR: dimensions that do not multiply to the ranks, an order or a
 * number that cannot be.
 */
int collectives_create(struct collectives **collectives, struct net *net,
		       const struct collectives_settings *settings, struct err *err);
/* After net_destroy() when messages are under way; NULL is fine. */
void collectives_destroy(struct collectives *collectives);

/* Start COLLECTIVE at TIME (modelled, ns, not after loop_now()).  This rank must be in its
 * group.  Returns 0, or -1 with ERR.
 */
int collectives_start(struct collectives *collectives, struct collective *collective, int64_t time,
		      struct err *err);

/* What COLLECTIVE, which is under way, waits for, into BUF: "chunk 1 of 4 in phase 2 of 3 waits
 * for rank 5, tag 64, 100 bytes"; "" when there is nothing to say.
 */
void collective_describe(const struct collective *collective, char *buf, size_t size);

/* SIZE by SCALE, 0 counting as 1; more than INT64_MAX, which is too much everywhere, stays so. */
uint64_t coll_scaled(uint64_t size, double scale);

/* Result of verification: mismatching bytes and the first of them as a sentence; 0: none. */
uint64_t collectives_wrong(const struct collectives *collectives, struct err *err);

#endif
