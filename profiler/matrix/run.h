/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - all ranks of one run, brought together
 *
 * Ranks are added one by one, in any order, and need not be kept: memory is
 * proportional to the pairs that exchanged messages.
 */
#ifndef NETEMU_MATRIX_RUN_H
#define NETEMU_MATRIX_RUN_H

#include "matrix.h"
#include "rankfile.h"

/* The part of the traffic that is asked for. */
struct selection {
	int op;        /* enum rankop, -1 = all */
	bool by_phase; /* only PHASE, or (OTHER) those beyond the 256th */
	bool other;
	int32_t phase;
	int64_t window; /* index, -1 = all */
	int64_t width;  /* ns; with WINDOW: the run's, known from an earlier pass */
};

#define SELECTION_ALL                  \
	{                              \
		.op = -1, .window = -1 \
	}

static inline bool selection_any(const struct selection *selection)
{
	return selection->op >= 0 || selection->by_phase || selection->window >= 0;
}

struct run_phase {
	int32_t level;
	bool other;
	uint32_t ranks, opened; /* that opened it; most openings in one rank */
	int64_t duration;       /* longest of all ranks, ns */
	uint64_t bytes, messages;
};

struct run_bypass {
	char *name; /* owned */
	uint32_t ranks;
};

struct traffic {
	uint64_t bytes, messages;
};

struct run {
	uint32_t ranks;
	struct matrix total; /* all of it */
	struct matrix view;  /* the selection; not used when all is selected */
	struct selection selection;

	char **origin;  /* by rank: the file it came from; NULL = not yet */
	uint32_t *node; /* by rank: index into nodes */
	char **nodes;   /* names, by the lowest rank on each after run_finish() */
	uint32_t nnodes;
	struct run_node *by_name;
	bool verbs;    /* counted below MPI, if there is one */
	bool nameless; /* some rank does not say: no nodes are to be shown */

	char *job, *step, *program, *mpi, *pml; /* of the first rank added */
	uint32_t foreign, incomplete, live;     /* how many ranks are */
	double duration;                        /* longest of all ranks, s */
	double overhead_send, overhead_receive; /* largest of all ranks, ns */

	struct traffic ops[RANKOP_COUNT]; /* sent */
	struct ranksize *sizes;           /* ascending after run_finish(), exact ones first */
	size_t nsizes, sorted_sizes;
	struct run_phase *phases; /* "other" last */
	size_t nphases;
	int64_t width;           /* of windows, ns; 0 = none */
	struct traffic *windows; /* sent, by index */
	size_t nwindows;
	struct traffic rma[RANKRMA_COUNT]; /* messages = calls */
	struct traffic unseen[RANKUNSEEN_COUNT];
	struct run_bypass *bypass; /* by name */
	size_t nbypass;
	struct rankpeer outside;
};

/* Start an empty run of which SELECTION is wanted. */
void run_init(struct run *run, const struct selection *selection);
void run_release(struct run *run);

/* Add RANK (which stays the caller's) that came from ORIGIN.  LIVE: from mapped
 * counters that were left over.  Refused with a sentence: another number of
 * ranks or another job than before, a rank that is there already.
 */
int run_add(struct run *run, const struct rankfile *rank, const char *origin, bool live,
	    struct err *err);

/* Bring everything into order.  Refused: missing ranks, a phase or window
 * that no rank has.  NAME is of the run, for messages.
 */
int run_finish(struct run *run, const char *name, struct err *err);

/* The matrix that was selected. */
struct matrix *run_view(struct run *run);

/* "3, 5-7 and 120 more": what is missing in HAVE of COUNT. */
void run_list_missing(char *const *have, uint32_t count, char *buf, size_t size);

#endif
