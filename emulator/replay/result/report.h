/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a replay came to: ranks, pairs, collectives
 *
 * Each rank collects its own part; parts travel to rank 0 as text and are joined there.
 * Bandwidths are those of nccl-tests (doc/PERFORMANCE.md there): algbw = bytes / time, busbw =
 * algbw times a factor of the kind and the number of ranks, GB = 1e9 bytes.
 */
#ifndef RESULT_REPORT_H
#define RESULT_REPORT_H

#include "coll/collective.h"
#include "exec/exec.h"
#include "histogram.h"
#include "result/times.h"

#include <jansson.h>
#include <stdio.h>

/* Collectives of one kind, size and number of ranks. */
struct report_collective {
	enum coll coll;
	uint32_t ranks;
	uint64_t bytes;     /* that algbw is of */
	struct times times; /* of each instance and rank */
};

struct report_rank {
	uint32_t rank;
	int64_t finish;  /* ns */
	int64_t busy[4]; /* ns, enum lane */
	uint64_t nodes;
	uint64_t wrong;                                  /* bytes that were not what they must be */
	int64_t late_max, late_mean, late_p50, late_p99; /* ns, of timers */
};

/* Messages of one size. */
struct report_pair {
	uint32_t source, target;
	uint64_t size, messages;
};

/* A node beside what its trace says of it. */
struct report_node {
	uint32_t rank;
	enum lane lane;
	uint64_t id;
	int64_t recorded, replayed; /* ns */
};

/* Nodes of a lane, all of them, in little memory. */
struct report_lane {
	uint64_t nodes;
	double recorded, replayed; /* ns, sums */
	struct histogram errors;   /* without sign, relative, 1e-9; of those with a recorded time */
};

#define REPORT_LANES 4 /* enum lane */

struct report {
	struct report_lane lanes[REPORT_LANES];
	struct report_node *nodes; /* the worst there were, a heap; owned */
	size_t nnodes, rnodes;
	size_t worst; /* how many are kept and shown; the caller's, after report_init() */
	struct report_rank *ranks; /* owned; by rank after report_sort() */
	size_t nranks, rranks;
	struct report_pair *pairs; /* owned; several of a pair, by size */
	size_t npairs, rpairs;
	struct report_collective *collectives; /* owned */
	size_t ncollectives;
	int failed; /* errno: something is missing */
};

void report_init(struct report *report);
void report_release(struct report *report);

/* One that has ended. */
void report_collective(struct report *report, const struct collective *collective);
void report_rank(struct report *report, const struct report_rank *rank);
void report_node(struct report *report, const struct report_node *node);
/* A part of report_node(): NODE is kept when it is one of the worst. */
void report_offer(struct report *report, const struct report_node *node);
/* SOURCE sent MESSAGES of SIZE bytes to TARGET. */
void report_sent(struct report *report, uint32_t source, uint32_t target, uint64_t size,
		 uint64_t messages);

/* A part as text (owned by the caller), and what is in TEXT added to REPORT.  NULL, or -1 with
 * ERR.
 */
char *report_pack(const struct report *report);
int report_unpack(struct report *report, const char *text, struct err *err);

/* Ranks, pairs, collectives in order. */
void report_sort(struct report *report);

/* "sys[0] finished, T cycles, exposed communication E cycles." for each rank. */
void report_write_ranks(const struct report *report, FILE *out);
/* How many nodes each rank has replayed, or the fewest and the most; a line. */
void report_write_nodes(const struct report *report, FILE *out);
/* The collectives as a table with headings; nothing without any. */
void report_write_table(const struct report *report, FILE *out);
/* Recorded and replayed times by lane with percentiles of the relative error, then the worst nodes
 * by difference, after report_sort().  -1 with errno ENOMEM.
 */
int report_write_against(const struct report *report, FILE *out);
/* The same for the summary; NULL without nodes or memory. */
json_t *report_against_json(const struct report *report);
/* Parts of report_sort() and of report_pack() and report_unpack(), which returns -1 for what
 * cannot be.
 */
void report_sort_nodes(struct report *report);
json_t *report_pack_against(const struct report *report);
int report_unpack_against(struct report *report, json_t *root);
/* The name of LANE: "receive" of those without. */
const char *report_lane_name(enum lane lane);
/* Finish of ranks and mean of collectives beside what was PREDICTED; both are sorted. */
void report_write_both(const struct report *report, const struct report *predicted, FILE *out);
/* {"version": 1, "ranks": [...], "pairs": [...], "collectives": [...]}, to PATH; "predicted" with
 * ranks and collectives unless that is NULL.  Returns 0, or -1 with ERR.
 */
int report_write_summary(const struct report *report, const struct report *predicted,
			 const char *path, struct err *err);

#endif
