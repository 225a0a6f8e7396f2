/* SPDX-License-Identifier: Apache-2.0 */
/* evq.h - time-ordered event queue
 *
 * A binary heap of nodes that the caller embeds in its own structures and
 * owns; nothing is allocated per event.  Order: time, then class, then the
 * order in which they were added, so the same input always gives the same run.
 */
#ifndef NETEMU_EVQ_H
#define NETEMU_EVQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evq_node {
	int64_t time; /* ns; read only */
	uint64_t order;
	size_t place;     /* in the heap, 0 = not queued */
	uint8_t priority; /* class, smaller first; read only */
};

struct evq {
	struct evq_node **heap; /* owned array; [0] is not used */
	size_t count, room;
	uint64_t added;
	int64_t now; /* time of the last node taken */
};

void evq_init(struct evq *q);
void evq_release(struct evq *q); /* the nodes stay with their owners */

/* Queue NODE (zeroed before its first use) at TIME in CLASS.  Returns 0, or -1
 * with errno: EINVAL when TIME is before q->now, EBUSY when NODE is queued,
 * ENOMEM.
 */
int evq_add(struct evq *q, struct evq_node *node, int64_t time, uint8_t priority);

/* Take NODE out; nothing happens when it is not queued. */
void evq_remove(struct evq *q, struct evq_node *node);

/* The next node, still queued, or NULL. */
struct evq_node *evq_peek(const struct evq *q);

/* The next node, no longer queued, or NULL; q->now is its time. */
struct evq_node *evq_next(struct evq *q);

#endif
