/* SPDX-License-Identifier: Apache-2.0 */
#include "phase.h"
#include "clock.h"
#include "counter.h"

#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live_extent *phases;
static struct live_extent *spans; /* the newest */
static uint32_t nspans;

#define SPANS 168 /* of an extent: a page */

/* The slot of LEVEL, 1..256, or 257 ("other") when all are taken; 0 without memory. */
static uint32_t phase_slot(int level)
{
	struct live_phase *rows;

	if (!phases)
		phases = livefile_extend(counter.file, LIVE_PHASES, 0, sizeof(*rows), 257, 257, 0);
	if (!phases) {
		counter_lost();
		return 0;
	}
	rows = (struct live_phase *)(void *)(phases + 1);
	for (uint32_t i = 0; i < phases->used && i < 256; i++)
		if (rows[i].level == level)
			return i + 1;
	if (phases->used < 256) {
		rows[phases->used].level = level;
		__atomic_store_n(&phases->used, phases->used + 1, __ATOMIC_RELEASE);
		return phases->used;
	}
	if (phases->used == 256) {
		livefile_set(counter.file, flags,
			     counter.file->parts[0].header->flags | LIVE_PHASES_DROPPED);
		__atomic_store_n(&phases->used, 257, __ATOMIC_RELEASE);
	}
	return 257;
}

/* Keep that SLOT was open from BEGIN to END. */
static void keep_span(uint32_t slot, int64_t begin, int64_t end)
{
	struct live_span *rows;

	if (nspans >= LIVE_SPANS_MOST)
		return;
	if (!spans || spans->used == spans->capacity)
		spans = livefile_extend(counter.file, LIVE_SPANS, 0, sizeof(*rows), SPANS, 1, 0);
	if (!spans) {
		nspans = LIVE_SPANS_MOST; /* no more of them */
		return;
	}
	rows = (struct live_span *)(void *)(spans + 1);
	rows[spans->used] = (struct live_span){ .begin = begin, .end = end, .slot = slot };
	__atomic_store_n(&spans->used, spans->used + 1, __ATOMIC_RELEASE);
	nspans++;
}

void phase_open(int level)
{
	struct live_phase *rows;
	uint32_t slot;
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!counter.file)
		return;
	pthread_mutex_lock(&lock);
	slot = counter_phase;
	if (slot) {
		rows = (struct live_phase *)(void *)(phases + 1);
		keep_span(slot, rows[slot - 1].since, now);
		rows[slot - 1].total += now - rows[slot - 1].since;
		rows[slot - 1].since = 0;
	}
	slot = level ? phase_slot(level) : 0;
	if (slot) {
		rows = (struct live_phase *)(void *)(phases + 1);
		rows[slot - 1].since = now;
		rows[slot - 1].opened++;
	}
	__atomic_store_n(&counter_phase, slot, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}
