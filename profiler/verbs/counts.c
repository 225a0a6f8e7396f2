/* SPDX-License-Identifier: Apache-2.0 */
#include "counts.h"
#include "latency.h"
#include "record.h"

#include <infiniband/verbs.h>
#include <string.h>

/* Of one queue pair, in the file. */
struct slot {
	struct vring_summary *summary;
	struct vring_latency *latency; /* NULL: none has been measured */
};

/* Open addressing, at most half full. */
struct counts {
	struct slot *slot;
	uint32_t count, room; /* room: a power of 2 */
	struct slot *recent;
	bool full; /* there is no memory */
};

#define ROOM_MIN 512

/* --- the table --- */

static bool is(const struct vring_summary *summary, uint8_t context, uint32_t qpn, uint64_t srq)
{
	return summary->qpn == qpn && summary->srq == srq && summary->context == context;
}

static uint32_t place_of(const struct counts *counts, uint8_t context, uint32_t qpn, uint64_t srq)
{
	uint64_t key = (srq << 8 ^ (uint64_t)qpn << 8 ^ context) * 0x9e3779b97f4a7c15ULL;
	uint32_t at = (uint32_t)(key >> 32) & (counts->room - 1);

	while (counts->slot[at].summary && !is(counts->slot[at].summary, context, qpn, srq))
		at = (at + 1) & (counts->room - 1);
	return at;
}

/* The old table stays where it is: one that a signal handler has interrupted may still look at
 * it.  All of them together are no larger than the newest.
 */
static bool grow(struct counts *counts)
{
	struct counts grown = { .room = counts->room ? 2 * counts->room : ROOM_MIN };
	const struct vring_summary *one;

	grown.slot = record_pages(grown.room * sizeof(struct slot));
	if (!grown.slot)
		return false;
	for (uint32_t i = 0; i < counts->room; i++) {
		one = counts->slot[i].summary;
		if (one)
			grown.slot[place_of(&grown, one->context, one->qpn, one->srq)] =
				counts->slot[i];
	}
	grown.count = counts->count;
	*counts = grown;
	return true;
}

/* New ones in the file. */
static struct vring_summary *make(struct recorder *self, uint8_t context, uint32_t qpn,
				  uint64_t srq)
{
	struct series *series = &self->counted;
	struct vring_summary *summary =
		(struct vring_summary *)record_take(series, VRING_SUMMARY_RECORDS);

	if (!summary)
		return NULL;
	*summary = (struct vring_summary){
		.time = ticks_now(),
		.call = VCALL_SUMMARY,
		.context = context,
		.more = VRING_SUMMARY_RECORDS - 1,
		.qpn = qpn,
		.srq = srq,
		.thread = series->thread,
	};
	record_advance(series, VRING_SUMMARY_RECORDS);
	return summary;
}

static struct vring_latency *make_latency(struct recorder *self, uint8_t context, uint32_t qpn)
{
	struct series *series = &self->counted;
	struct vring_latency *latency =
		(struct vring_latency *)record_enter(series, VRING_LATENCY_RECORDS);

	if (!latency)
		return NULL;
	memset(latency, 0, sizeof(*latency));
	latency->time = ticks_now();
	latency->call = VCALL_LATENCY;
	latency->context = context;
	latency->more = VRING_LATENCY_RECORDS - 1;
	latency->qpn = qpn;
	latency->thread = series->thread;
	latency->min = UINT64_MAX;
	record_leave(series, VRING_LATENCY_RECORDS);
	return latency;
}

static struct slot *look_up(struct recorder *self, uint8_t context, uint32_t qpn, uint64_t srq)
{
	struct counts *counts = self->counts;
	struct slot *slot;

	if (!counts)
		self->counts = counts = record_pages(sizeof(*counts));
	if (!counts || (2 * counts->count >= counts->room && !grow(counts)))
		return NULL;
	slot = &counts->slot[place_of(counts, context, qpn, srq)];
	if (!slot->summary) {
		slot->summary = make(self, context, qpn, srq);
		if (!slot->summary)
			return NULL;
		counts->count++;
	}
	return counts->recent = slot;
}

/* The slot, or NULL: it is lost.  A signal handler that finds its thread in look_up() is told
 * that there is none.
 */
static struct slot *slot_of(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq)
{
	struct recorder *self = record_thread();
	struct slot *slot = NULL;

	if (self && !record_here.busy) {
		slot = self->counts ? self->counts->recent : NULL;
		if (!slot || !is(slot->summary, context, qpn, srq)) {
			record_here.busy = true;
			atomic_signal_fence(memory_order_seq_cst);
			slot = look_up(self, context, qpn, srq);
			atomic_signal_fence(memory_order_seq_cst);
			record_here.busy = false;
		}
	}
	if (!slot)
		record_lose(1);
	else
		slot->summary->last = time;
	return slot;
}

static struct vring_summary *summary_of(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq)
{
	struct slot *slot = slot_of(time, context, qpn, srq);

	return slot ? slot->summary : NULL;
}

void counts_clear(struct counts *counts)
{
	if (!counts || !counts->slot)
		return;
	memset(counts->slot, 0, counts->room * sizeof(struct slot));
	counts->count = 0;
	counts->recent = NULL;
}

/* --- counting --- */

static uint32_t bucket(uint32_t bytes)
{
	uint32_t bits = bytes ? 32 - (uint32_t)__builtin_clz(bytes) : 0;

	return bits < VRING_SIZES ? bits : VRING_SIZES - 1;
}

void counts_send(uint64_t time, uint8_t context, uint32_t qpn, uint8_t opcode, uint32_t bytes,
		 bool refused)
{
	struct vring_summary *summary = summary_of(time, context, qpn, 0);

	if (!summary)
		return;
	if (refused) {
		summary->refused++;
		return;
	}
	if (opcode >= VRING_OPCODES)
		opcode = VRING_OPCODES - 1;
	summary->by_opcode[opcode].requests++;
	summary->by_opcode[opcode].bytes += bytes;
	summary->send_sizes[bucket(bytes)]++;
}

void counts_receive(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq, uint32_t bytes,
		    bool refused)
{
	struct vring_summary *summary = summary_of(time, context, qpn, srq);

	if (!summary)
		return;
	if (refused) {
		summary->refused++;
		return;
	}
	summary->receives++;
	summary->receive_bytes += bytes;
}

/* The first one in a thread that signals interrupt is lost, rather than twice there. */
static void count_latency(struct slot *slot, const struct vring_wc *wc, uint64_t ticks)
{
	struct vring_latency *latency = slot->latency;
	struct recorder *self;

	if (!latency) {
		self = record_thread();
		latency = self ? make_latency(self, wc->context, wc->qpn) : NULL;
		if (!latency)
			return;
		slot->latency = latency;
	}
	latency->count++;
	latency->sum += ticks;
	if (ticks < latency->min)
		latency->min = ticks;
	if (ticks > latency->max)
		latency->max = ticks;
	latency->bucket[vring_latency_bucket(ticks)]++;
}

/* Ticks since it was posted, or -1: not known. */
static int64_t taken(uint64_t time, const struct vring_wc *wc)
{
	struct latency_pair *pair = latency_find(wc->context, wc->qpn);
	uint64_t posted = pair ? latency_end(pair, wc->wr_id, wc->status != IBV_WC_SUCCESS) : 0;

	if (!posted)
		return -1;
	return time > posted ? (int64_t)(time - posted) : 0;
}

void counts_wc(uint64_t time, const struct vring_wc *wc)
{
	bool failed = wc->status != IBV_WC_SUCCESS, received = !failed && wc->opcode & 128;
	int64_t ticks = received ? -1 : taken(time, wc);
	struct slot *slot = slot_of(time, wc->context, wc->qpn, 0);
	struct vring_summary *summary;

	if (!slot)
		return;
	summary = slot->summary;
	summary->by_status[wc->status < VRING_STATUSES ? wc->status : VRING_STATUSES - 1]++;
	if (failed) {
		summary->failed++;
	} else if (received) {
		summary->received++;
		summary->received_bytes += wc->bytes;
		summary->received_sizes[bucket(wc->bytes)]++;
	} else {
		summary->sent++;
	}
	if (ticks >= 0)
		count_latency(slot, wc, (uint64_t)ticks);
}
