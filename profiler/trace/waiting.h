/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.h - requests that wait for their completions
 *
 * Each stands in the order of its queue, and among those of its queue that have the same
 * wr_id, of which the oldest one is found by that, however many wait.
 */
#ifndef TRACE_WAITING_H
#define TRACE_WAITING_H

#include "trace/hash.h"
#include "trace/match.h"

struct waiting {
	struct work work;
	struct waiting_queue *queue;
	struct waiting *next, *before;
	struct waiting *same_next, *same_before; /* the first one's is the last one */
	bool nameless;                           /* its wr_id was not recorded */
};

struct waiting_queue {
	struct waiting *first, *last;
	uint32_t count;
	uint64_t number; /* no other queue has it; half of the key of what waits in it */
	uint64_t messages;
	bool answered; /* a completion of it was met */
};

struct waiting_list { /* of all queues; all zeros: empty */
	struct hash ids;
	struct waiting *spare;
};

/* Those that wait are freed by queue, with waiting_free() of the first one. */
void waiting_release(struct waiting_list *list);
void waiting_free(struct waiting *first);

/* The oldest one of QUEUE that has WR_ID, or of which that is not known; or NULL. */
struct waiting *waiting_first(const struct waiting_list *list, const struct waiting_queue *queue,
			      uint64_t wr_id);
struct waiting *waiting_nameless(const struct waiting_list *list,
				 const struct waiting_queue *queue);

/* Returns 0, or -1 with errno. */
int waiting_add(struct waiting_list *list, struct waiting_queue *queue, const struct work *work,
		bool nameless);
/* It is free then. */
void waiting_remove(struct waiting_list *list, struct waiting *waiting);

#endif
