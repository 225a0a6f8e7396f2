/* SPDX-License-Identifier: Apache-2.0 */
/* factcalls.c - facts that control calls tell: objects, registrations, events */
#include "trace/factlib.h"

#include <stdlib.h>
#include <uthash.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPS_ERR = 6,
	SEND_INLINE = 1 << 3,
};

/* --- tables of what lives now --- */

struct fact_object {
	struct object_key {
		uint64_t object;
		uint32_t kind, pad;
	} key;
	uint16_t call;
	int64_t time;
	uint64_t bytes;
	UT_hash_handle hh;
};

struct fact_queue {
	uint64_t object;
	struct cq_facts *facts;
	UT_hash_handle hh;
};

/* Requests that have a region, by its key. */
struct fact_region {
	struct region_key {
		uint32_t lkey, context;
	} key;
	uint64_t outstanding;
	struct qp_facts *qp; /* of the latest one */
	UT_hash_handle hh;
};

struct fact_buffer {
	struct buffer_key {
		uint64_t address, length;
	} key;
	struct fact fact;
	int64_t duration;
	UT_hash_handle hh;
};

#define RELEASE(type, head)                         \
	do {                                        \
		type *entry, *next;                 \
		HASH_ITER (hh, head, entry, next) { \
			HASH_DEL(head, entry);      \
			free(entry);                \
		}                                   \
	} while (0)

void facts_tables_release(struct facts_tables *tables)
{
	RELEASE(struct fact_object, tables->objects);
	RELEASE(struct fact_queue, tables->queues);
	RELEASE(struct fact_region, tables->regions);
	RELEASE(struct fact_buffer, tables->buffers);
}

/* --- objects --- */

static const struct object_call {
	bool makes, frees;
	uint8_t kind;
} object_calls[VCALL_COUNT] = {
#define MAKES(kind)                      \
	{                                \
		true, false, FACT_##kind \
	}
#define FREES(kind)                      \
	{                                \
		false, true, FACT_##kind \
	}
	[VCALL_OPEN_DEVICE] = MAKES(CONTEXT),
	[VCALL_IMPORT_DEVICE] = MAKES(CONTEXT),
	[VCALL_CLOSE_DEVICE] = FREES(CONTEXT),
	[VCALL_ALLOC_PD] = MAKES(PD),
	[VCALL_ALLOC_PARENT_DOMAIN] = MAKES(PD),
	[VCALL_DEALLOC_PD] = FREES(PD),
	[VCALL_OPEN_XRCD] = MAKES(XRCD),
	[VCALL_CLOSE_XRCD] = FREES(XRCD),
	[VCALL_REG_MR] = MAKES(MR),
	[VCALL_REG_MR_IOVA2] = MAKES(MR),
	[VCALL_REG_DMABUF_MR] = MAKES(MR),
	[VCALL_REG_DM_MR] = MAKES(MR),
	[VCALL_DEREG_MR] = FREES(MR),
	[VCALL_ALLOC_MW] = MAKES(MW),
	[VCALL_DEALLOC_MW] = FREES(MW),
	[VCALL_ALLOC_DM] = MAKES(DM),
	[VCALL_FREE_DM] = FREES(DM),
	[VCALL_CREATE_AH] = MAKES(AH),
	[VCALL_DESTROY_AH] = FREES(AH),
	[VCALL_CREATE_COMP_CHANNEL] = MAKES(CHANNEL),
	[VCALL_DESTROY_COMP_CHANNEL] = FREES(CHANNEL),
	[VCALL_CREATE_CQ] = MAKES(CQ),
	[VCALL_CREATE_CQ_EX] = MAKES(CQ),
	[VCALL_DESTROY_CQ] = FREES(CQ),
	[VCALL_CREATE_SRQ] = MAKES(SRQ),
	[VCALL_CREATE_SRQ_EX] = MAKES(SRQ),
	[VCALL_DESTROY_SRQ] = FREES(SRQ),
#undef MAKES
#undef FREES
};

static struct fact_object *object_find(const struct facts_collector *collector, uint8_t kind,
				       uint64_t object)
{
	const struct object_key key = { .object = object, .kind = kind };
	struct fact_object *found;

	HASH_FIND(hh, collector->tables.objects, &key, sizeof(key), found);
	return found;
}

static int make_object(struct facts_collector *collector, const struct reader_event *event,
		       const struct vring_call *call, uint8_t kind)
{
	struct fact_object *object = object_find(collector, kind, call->object);

	if (!object) {
		object = calloc(1, sizeof(*object));
		if (!object)
			return -1;
		object->key.object = call->object;
		object->key.kind = kind;
		HASH_ADD(hh, collector->tables.objects, key, sizeof(object->key), object);
	}
	object->call = call->call;
	object->time = event->time;
	object->bytes = kind == FACT_MR ? call->b : 0;
	return 0;
}

static int follow_objects(struct facts_collector *collector, const struct reader_event *event,
			  const struct vring_call *call)
{
	const struct object_call *what = &object_calls[call->call];
	struct fact_object *object;

	if (event->time <= collector->facts.file->forked)
		return 0; /* for the process that made it to give back */
	if (what->makes && call->object && !call->result)
		return make_object(collector, event, call, what->kind);
	if (what->frees && !call->result &&
	    (object = object_find(collector, what->kind, call->object))) {
		HASH_DEL(collector->tables.objects, object);
		free(object);
	}
	return 0;
}

void facts_sum_leaks(struct facts_collector *collector)
{
	struct fact_object *object;

	for (object = collector->tables.objects; object; object = object->hh.next) {
		struct fact_leak *leak = &collector->facts.leaks[object->key.kind];

		if (!leak->count++ || object->time < leak->time) {
			leak->time = object->time;
			leak->call = object->call;
		}
		leak->bytes += object->bytes;
	}
}

/* --- registrations --- */

static int count_buffer(struct facts_collector *collector, const struct reader_event *event,
			const struct vring_call *call)
{
	const struct buffer_key key = { call->a, call->b };
	struct fact_buffer *buffer;

	HASH_FIND(hh, collector->tables.buffers, &key, sizeof(key), buffer);
	if (!buffer) {
		if (HASH_COUNT(collector->tables.buffers) >= FACTS_BUFFERS)
			return 0;
		buffer = calloc(1, sizeof(*buffer));
		if (!buffer)
			return -1;
		buffer->key = key;
		HASH_ADD(hh, collector->tables.buffers, key, sizeof(key), buffer);
	}
	fact_happened(&buffer->fact, event->time, call->call);
	buffer->fact.address = key.address;
	buffer->fact.bytes = key.length;
	buffer->duration += event->duration;
	if (buffer->fact.count > collector->facts.again.count) {
		collector->facts.again = buffer->fact;
		collector->facts.again_duration = buffer->duration;
	}
	return 0;
}

/* A region goes while requests have it that may still be carried out. */
static void pull_region(struct facts_collector *collector, const struct reader_event *event,
			const struct vring_call *call)
{
	const struct region_key key = { call->number, call->context };
	struct fact_region *region;
	struct fact *fact;

	HASH_FIND(hh, collector->tables.regions, &key, sizeof(key), region);
	if (!region || !region->outstanding)
		return;
	if (region->qp->qp->destroyed || region->qp->qp->state >= QPS_ERR ||
	    region->qp->failed.count)
		return;
	fact = fact_happened(&region->qp->pulled, event->time, call->call);
	if (fact) {
		fact->outstanding = (uint32_t)region->outstanding;
		fact->bytes = call->b;
		fact->address = call->number;
	}
}

int facts_use_region(struct facts_collector *collector, struct qp_facts *qp,
		     const struct work *work, int delta)
{
	const struct region_key key = { work->lkey, qp->qp->context };
	struct fact_region *region;

	if (!work->sges || (!work->receive && work->flags & SEND_INLINE))
		return 0;
	HASH_FIND(hh, collector->tables.regions, &key, sizeof(key), region);
	if (!region) {
		if (delta < 0)
			return 0;
		region = calloc(1, sizeof(*region));
		if (!region)
			return -1;
		region->key = key;
		HASH_ADD(hh, collector->tables.regions, key, sizeof(key), region);
	}
	if (delta > 0)
		region->qp = qp;
	if (delta > 0 || region->outstanding)
		region->outstanding += (uint64_t)(int64_t)delta;
	return 0;
}

/* --- completion queues --- */

struct cq_facts *facts_cq(const struct facts_collector *collector, uint64_t object)
{
	struct fact_queue *queue;

	HASH_FIND(hh, collector->tables.queues, &object, sizeof(object), queue);
	return queue ? queue->facts : NULL;
}

static int make_cq(struct facts_collector *collector, const struct vring_call *call)
{
	struct fact_queue *queue = calloc(1, sizeof(*queue)), *old;
	struct cq_facts *facts = calloc(1, sizeof(*facts));

	if (!queue || !facts) {
		free(queue);
		free(facts);
		return -1;
	}
	facts->object = call->object;
	facts->cqe = call->number;
	facts->next = collector->facts.cqs;
	collector->facts.cqs = facts;
	queue->object = call->object;
	queue->facts = facts;
	HASH_REPLACE(hh, collector->tables.queues, object, sizeof(queue->object), queue, old);
	free(old);
	return 0;
}

static int follow_cq(struct facts_collector *collector, const struct reader_event *event,
		     const struct vring_call *call)
{
	struct cq_facts *cq;

	if ((call->call == VCALL_CREATE_CQ || call->call == VCALL_CREATE_CQ_EX) && call->object &&
	    !call->result)
		return make_cq(collector, call);
	cq = facts_cq(collector, call->object);
	if (!cq || call->result)
		return 0;
	switch (call->call) {
	case VCALL_RESIZE_CQ:
		cq->cqe = call->number;
		break;
	case VCALL_DESTROY_CQ:
		cq->destroyed = true;
		break;
	case VCALL_REQ_NOTIFY_CQ:
		facts_wait_call(&collector->facts, cq, event);
		break;
	case VCALL_GET_CQ_EVENT:
		facts_wait_call(&collector->facts, cq, event);
		fact_happened(&cq->events, event->time, call->call);
		break;
	case VCALL_ACK_CQ_EVENTS:
		cq->acknowledged += call->number;
		break;
	default:
		break;
	}
	return 0;
}

/* --- other calls --- */

static int note_failure(struct facts_collector *collector, const struct reader_event *event,
			const struct vring_call *call)
{
	struct fact_call **at = &collector->facts.calls;

	for (; *at; at = &(*at)->next)
		if ((*at)->call == call->call && (*at)->result == call->result)
			break;
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return -1;
		(*at)->call = call->call;
		(*at)->result = call->result;
		(*at)->time = event->time;
	}
	(*at)->count++;
	return 0;
}

static void note_async(struct facts_collector *collector, const struct reader_event *event,
		       const struct vring_call *call)
{
	struct facts *facts = &collector->facts;

	if (call->call == VCALL_ACK_ASYNC_EVENT) {
		facts->async_acknowledged++;
		return;
	}
	fact_happened(&facts->async_taken, event->time, call->call);
	if (call->number < sizeof(facts->async) / sizeof(*facts->async))
		fact_happened(&facts->async[call->number], event->time, call->call);
}

/* What does not fail as objects do: these say by their result that there was nothing. */
static bool may_fail(uint16_t call)
{
	return call == VCALL_GET_CQ_EVENT || call == VCALL_GET_ASYNC_EVENT ||
	       call == VCALL_UNSEEN || call >= VCALL_CM_CREATE_ID;
}

static int take_call(struct facts_collector *collector, const struct reader_event *event,
		     const struct vring_call *call)
{
	if (call->result && !may_fail(call->call))
		return note_failure(collector, event, call);
	if (follow_objects(collector, event, call) < 0 || follow_cq(collector, event, call) < 0)
		return -1;
	switch (call->call) {
	case VCALL_REG_MR:
	case VCALL_REG_MR_IOVA2:
		return call->result ? 0 : count_buffer(collector, event, call);
	case VCALL_DESTROY_SRQ:
		facts_srq_gone(&collector->facts, call->object);
		return 0;
	case VCALL_DEREG_MR:
		pull_region(collector, event, call);
		return 0;
	case VCALL_GET_ASYNC_EVENT:
	case VCALL_ACK_ASYNC_EVENT:
		if (!call->result)
			note_async(collector, event, call);
		return 0;
	default:
		return 0;
	}
}

int facts_event(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct facts_collector *collector = arg;
	const struct vring_record *record = event->record;
	const struct vring_wc *wc = (const struct vring_wc *)record;
	struct facts *facts = &collector->facts;

	(void)objects;
	if (!facts->first)
		facts->first = event->time;
	facts->last = event->time;
	switch (record->call) {
	case VCALL_POLL_CQ:
	case VCALL_START_POLL:
	case VCALL_NEXT_POLL:
		facts->completions++;
		facts->empty_polls += wc->empty;
		facts->latest_empty = wc->batch ? 1 : wc->empty;
		return 0;
	case VCALL_POST_SEND:
	case VCALL_WR:
	case VCALL_POST_RECV:
	case VCALL_POST_SRQ_RECV:
	case VCALL_DEVICE:
		return 0;
	default:
		if (record->call >= VCALL_COUNT)
			return 0;
		return take_call(collector, event, (const struct vring_call *)record);
	}
}
