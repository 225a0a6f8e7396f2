/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - a heap of times that breaks ties as Python's heapq does
 *
 * Equal times do not come out in the order they were put in, but in one that
 * follows from how heapq moves its items; a run of PFSim depends on it.  The
 * key of a time is the bit pattern of the double, which orders non-negative
 * ones as integers.
 */
#ifndef NETEMU_PFSIM_HEAP_H
#define NETEMU_PFSIM_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct pfsim_event {
	uint64_t key; /* bits of the time */
	uint32_t kind;
	uint32_t job; /* or generator */
};

struct pfsim_heap {
	struct pfsim_event *events; /* owned */
	size_t count, room;
};

/* TIME >= 0.  Returns 0, or -1 with errno ENOMEM. */
int pfsim_heap_push(struct pfsim_heap *heap, double time, uint32_t kind, uint32_t job);

/* The first event; the heap is not empty. */
struct pfsim_event pfsim_heap_pop(struct pfsim_heap *heap);
double pfsim_event_time(const struct pfsim_event *event);
void pfsim_heap_release(struct pfsim_heap *heap);

#endif
