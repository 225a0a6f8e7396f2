/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pfsim/heap.h"

#include <stdlib.h>
#include <string.h>

/* Move the event at PLACE towards the root, not past equal ones. */
static void rise(struct pfsim_event *events, size_t place)
{
	struct pfsim_event event = events[place];

	while (place > 0 && event.key < events[(place - 1) / 2].key) {
		events[place] = events[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	events[place] = event;
}

/* The smaller child moves up all the way to a leaf (of equal ones the right
 * one), then the event from the root rises from there.
 */
static void sink(struct pfsim_event *events, size_t count)
{
	struct pfsim_event event = events[0];
	size_t place = 0;

	for (size_t child = 1; child < count; child = 2 * place + 1) {
		if (child + 1 < count && !(events[child].key < events[child + 1].key))
			child++;
		events[place] = events[child];
		place = child;
	}
	events[place] = event;
	rise(events, place);
}

static int make_room(struct pfsim_heap *heap)
{
	size_t room = heap->room ? 2 * heap->room : 64;
	struct pfsim_event *events;

	if (heap->count < heap->room)
		return 0;
	events = reallocarray(heap->events, room, sizeof(*events));
	if (!events)
		return -1;
	heap->events = events;
	heap->room = room;
	return 0;
}

int pfsim_heap_push(struct pfsim_heap *heap, double time, uint32_t kind, uint32_t job)
{
	struct pfsim_event event = { .kind = kind, .job = job };

	if (make_room(heap) < 0)
		return -1;
	time += 0.0; /* no negative zero */
	memcpy(&event.key, &time, sizeof(event.key));
	heap->events[heap->count] = event;
	rise(heap->events, heap->count++);
	return 0;
}

struct pfsim_event pfsim_heap_pop(struct pfsim_heap *heap)
{
	struct pfsim_event first = heap->events[0];

	heap->count--;
	if (heap->count > 0) {
		heap->events[0] = heap->events[heap->count];
		sink(heap->events, heap->count);
	}
	return first;
}

double pfsim_event_time(const struct pfsim_event *event)
{
	double time;

	memcpy(&time, &event->key, sizeof(time));
	return time;
}

void pfsim_heap_release(struct pfsim_heap *heap)
{
	free(heap->events);
	memset(heap, 0, sizeof(*heap));
}
