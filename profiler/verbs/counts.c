/* SPDX-License-Identifier: Apache-2.0 */
#include "counts.h"
#include "record.h"

#include <infiniband/verbs.h>
#include <string.h>
#include <sys/mman.h>

/* Open addressing, at most half full. */
struct counts {
	struct vring_summary **slot;
	uint32_t count, room; /* room: a power of 2 */
	struct vring_summary *recent;
	bool full; /* there is no memory */
};

#define ROOM_MIN 512

/* --- the table --- */

static bool is(const struct vring_summary *slot, uint8_t context, uint32_t qpn, uint64_t srq)
{
	return slot && slot->qpn == qpn && slot->srq == srq && slot->context == context;
}

static uint32_t place_of(const struct counts *counts, uint8_t context, uint32_t qpn, uint64_t srq)
{
	uint64_t key = (srq << 8 ^ (uint64_t)qpn << 8 ^ context) * 0x9e3779b97f4a7c15ULL;
	uint32_t at = (uint32_t)(key >> 32) & (counts->room - 1);

	while (counts->slot[at] && !is(counts->slot[at], context, qpn, srq))
		at = (at + 1) & (counts->room - 1);
	return at;
}

static bool grow(struct counts *counts)
{
	struct counts grown = { .room = counts->room ? 2 * counts->room : ROOM_MIN };
	struct vring_summary *slot;

	grown.slot = record_pages(grown.room * sizeof(struct vring_summary *));
	if (!grown.slot)
		return false;
	for (uint32_t i = 0; i < counts->room; i++) {
		slot = counts->slot[i];
		if (slot)
			grown.slot[place_of(&grown, slot->context, slot->qpn, slot->srq)] = slot;
	}
	if (counts->slot)
		munmap(counts->slot, counts->room * sizeof(struct vring_summary *));
	grown.count = counts->count;
	*counts = grown;
	return true;
}

/* A new slot in the file. */
static struct vring_summary *make(struct recorder *self, uint8_t context, uint32_t qpn,
				  uint64_t srq)
{
	struct series *series = &self->counted;
	struct vring_summary *slot =
		(struct vring_summary *)record_enter(series, VRING_SUMMARY_RECORDS);

	if (!slot)
		return NULL;
	*slot = (struct vring_summary){
		.time = ticks_now(),
		.call = VCALL_SUMMARY,
		.context = context,
		.more = VRING_SUMMARY_RECORDS - 1,
		.qpn = qpn,
		.srq = srq,
		.thread = series->thread,
	};
	record_leave(series, VRING_SUMMARY_RECORDS);
	return slot;
}

static struct vring_summary *look_up(struct recorder *self, uint8_t context, uint32_t qpn,
				     uint64_t srq)
{
	struct counts *counts = self->counts;
	uint32_t at;

	if (!counts)
		self->counts = counts = record_pages(sizeof(*counts));
	if (!counts || (2 * counts->count >= counts->room && !grow(counts)))
		return NULL;
	at = place_of(counts, context, qpn, srq);
	if (!counts->slot[at] && (counts->slot[at] = make(self, context, qpn, srq)))
		counts->count++;
	return counts->recent = counts->slot[at];
}

/* The slot, or NULL: it is lost.  A signal handler that finds its thread in here is told
 * that there is none.
 */
static struct vring_summary *slot_of(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq)
{
	struct recorder *self = record_thread();
	struct vring_summary *slot = NULL;

	if (self && !record_here.busy) {
		slot = self->counts ? self->counts->recent : NULL;
		if (!is(slot, context, qpn, srq))
			slot = look_up(self, context, qpn, srq);
	}
	if (!slot)
		record_lose(1);
	else
		slot->last = time;
	return slot;
}

void counts_clear(struct counts *counts)
{
	if (!counts)
		return;
	memset(counts->slot, 0, counts->room * sizeof(struct vring_summary *));
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
	struct vring_summary *slot = slot_of(time, context, qpn, 0);

	if (!slot)
		return;
	if (refused) {
		slot->refused++;
		return;
	}
	if (opcode >= VRING_OPCODES)
		opcode = VRING_OPCODES - 1;
	slot->by_opcode[opcode].requests++;
	slot->by_opcode[opcode].bytes += bytes;
	slot->send_sizes[bucket(bytes)]++;
}

void counts_receive(uint64_t time, uint8_t context, uint32_t qpn, uint64_t srq, uint32_t bytes,
		    bool refused)
{
	struct vring_summary *slot = slot_of(time, context, qpn, srq);

	if (!slot)
		return;
	if (refused) {
		slot->refused++;
		return;
	}
	slot->receives++;
	slot->receive_bytes += bytes;
}

void counts_wc(uint64_t time, uint8_t context, uint32_t qpn, uint8_t status, uint8_t opcode,
	       uint32_t bytes)
{
	struct vring_summary *slot = slot_of(time, context, qpn, 0);

	if (!slot)
		return;
	slot->by_status[status < VRING_STATUSES ? status : VRING_STATUSES - 1]++;
	if (status != IBV_WC_SUCCESS) {
		slot->failed++;
	} else if (opcode & 128) {
		slot->received++;
		slot->received_bytes += bytes;
		slot->received_sizes[bucket(bytes)]++;
	} else {
		slot->sent++;
	}
}
