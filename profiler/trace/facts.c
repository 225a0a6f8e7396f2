/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_RC = 2,
	QPS_ERR = 6,
	SEND_SIGNALED = 1 << 1,
	SEND_INLINE = 1 << 3,
	WR_RDMA_WRITE = 0,
	WR_SEND_WITH_IMM = 3,
	WR_CMP_AND_SWP = 5,
	WR_FETCH_AND_ADD = 6,
	WC_WR_FLUSH_ERR = 5,
	ATOMIC_BYTES = 8,
};

/* --- tables of what lives now --- */

struct object {
	struct object_key {
		uint64_t object;
		uint32_t kind, pad;
	} key;
	uint16_t call;
	int64_t time;
	uint64_t bytes;
	UT_hash_handle hh;
};

struct completion_queue {
	uint64_t object;
	struct cq_facts *facts;
	UT_hash_handle hh;
};

/* Requests that have a region, by its key. */
struct region {
	struct region_key {
		uint32_t lkey, context;
	} key;
	uint64_t outstanding;
	struct qp_facts *qp; /* of the latest one */
	UT_hash_handle hh;
};

struct buffer {
	struct buffer_key {
		uint64_t address, length;
	} key;
	struct fact fact;
	int64_t duration;
	UT_hash_handle hh;
};

struct facts_index {
	struct object *objects;
	struct completion_queue *queues;
	struct region *regions;
	struct buffer *buffers;
};

#define RELEASE(type, head)                         \
	do {                                        \
		type *entry, *next;                 \
		HASH_ITER (hh, head, entry, next) { \
			HASH_DEL(head, entry);      \
			free(entry);                \
		}                                   \
	} while (0)

static void index_release(struct facts_index *index)
{
	RELEASE(struct object, index->objects);
	RELEASE(struct completion_queue, index->queues);
	RELEASE(struct region, index->regions);
	RELEASE(struct buffer, index->buffers);
}

/* All of a run: queue pairs stay for the second step. */
struct collector {
	const struct trace_run *run;
	const struct facts_handler *handler;
	struct facts facts; /* of the file that is gone through */
	struct facts_index index;
	struct qp_facts *qps; /* of all files before it */
};

/* Note that FACT has happened. */
static struct fact *happened(struct fact *fact, int64_t time, uint16_t call)
{
	if (!fact->count++) {
		fact->time = time;
		fact->call = call;
	}
	return fact->count == 1 ? fact : NULL;
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

static struct object *object_find(const struct collector *collector, uint8_t kind, uint64_t object)
{
	const struct object_key key = { .object = object, .kind = kind };
	struct object *found;

	HASH_FIND(hh, collector->index.objects, &key, sizeof(key), found);
	return found;
}

static int make_object(struct collector *collector, const struct reader_event *event,
		       const struct vring_call *call, uint8_t kind)
{
	struct object *object = object_find(collector, kind, call->object);

	if (!object) {
		object = calloc(1, sizeof(*object));
		if (!object)
			return -1;
		object->key.object = call->object;
		object->key.kind = kind;
		HASH_ADD(hh, collector->index.objects, key, sizeof(object->key), object);
	}
	object->call = call->call;
	object->time = event->time;
	object->bytes = kind == FACT_MR ? call->b : 0;
	return 0;
}

static int follow_objects(struct collector *collector, const struct reader_event *event,
			  const struct vring_call *call)
{
	const struct object_call *what = &object_calls[call->call];
	struct object *object;

	if (what->makes && call->object && !call->result)
		return make_object(collector, event, call, what->kind);
	if (what->frees && !call->result &&
	    (object = object_find(collector, what->kind, call->object))) {
		HASH_DEL(collector->index.objects, object);
		free(object);
	}
	return 0;
}

static void sum_leaks(struct collector *collector)
{
	struct object *object;

	for (object = collector->index.objects; object; object = object->hh.next) {
		struct fact_leak *leak = &collector->facts.leaks[object->key.kind];

		if (!leak->count++ || object->time < leak->time) {
			leak->time = object->time;
			leak->call = object->call;
		}
		leak->bytes += object->bytes;
	}
}

/* --- registrations --- */

static int count_buffer(struct collector *collector, const struct reader_event *event,
			const struct vring_call *call)
{
	const struct buffer_key key = { call->a, call->b };
	struct buffer *buffer;

	HASH_FIND(hh, collector->index.buffers, &key, sizeof(key), buffer);
	if (!buffer) {
		if (HASH_COUNT(collector->index.buffers) >= FACTS_BUFFERS)
			return 0;
		buffer = calloc(1, sizeof(*buffer));
		if (!buffer)
			return -1;
		buffer->key = key;
		HASH_ADD(hh, collector->index.buffers, key, sizeof(key), buffer);
	}
	happened(&buffer->fact, event->time, call->call);
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
static void pull_region(struct collector *collector, const struct reader_event *event,
			const struct vring_call *call)
{
	const struct region_key key = { call->number, call->context };
	struct region *region;
	struct fact *fact;

	HASH_FIND(hh, collector->index.regions, &key, sizeof(key), region);
	if (!region || !region->outstanding)
		return;
	if (region->qp->qp->destroyed || region->qp->qp->state >= QPS_ERR ||
	    region->qp->failed.count)
		return;
	fact = happened(&region->qp->pulled, event->time, call->call);
	if (fact) {
		fact->outstanding = (uint32_t)region->outstanding;
		fact->bytes = call->b;
		fact->address = call->number;
	}
}

/* DELTA requests more with the first element of WORK. */
static int use_region(struct collector *collector, struct qp_facts *qp, const struct work *work,
		      int delta)
{
	const struct region_key key = { work->lkey, qp->qp->context };
	struct region *region;

	if (!work->sges || (!work->receive && work->flags & SEND_INLINE))
		return 0;
	HASH_FIND(hh, collector->index.regions, &key, sizeof(key), region);
	if (!region) {
		if (delta < 0)
			return 0;
		region = calloc(1, sizeof(*region));
		if (!region)
			return -1;
		region->key = key;
		HASH_ADD(hh, collector->index.regions, key, sizeof(key), region);
	}
	if (delta > 0)
		region->qp = qp;
	if (delta > 0 || region->outstanding)
		region->outstanding += (uint64_t)(int64_t)delta;
	return 0;
}

/* --- completion queues --- */

static struct cq_facts *cq_find(const struct collector *collector, uint64_t object)
{
	struct completion_queue *queue;

	HASH_FIND(hh, collector->index.queues, &object, sizeof(object), queue);
	return queue ? queue->facts : NULL;
}

static int make_cq(struct collector *collector, const struct vring_call *call)
{
	struct completion_queue *queue = calloc(1, sizeof(*queue)), *old;
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
	HASH_REPLACE(hh, collector->index.queues, object, sizeof(queue->object), queue, old);
	free(old);
	return 0;
}

static int follow_cq(struct collector *collector, const struct reader_event *event,
		     const struct vring_call *call)
{
	struct cq_facts *cq;

	if ((call->call == VCALL_CREATE_CQ || call->call == VCALL_CREATE_CQ_EX) && call->object &&
	    !call->result)
		return make_cq(collector, call);
	cq = cq_find(collector, call->object);
	if (!cq || call->result)
		return 0;
	switch (call->call) {
	case VCALL_RESIZE_CQ:
		cq->cqe = call->number;
		break;
	case VCALL_DESTROY_CQ:
		cq->destroyed = true;
		break;
	case VCALL_GET_CQ_EVENT:
		happened(&cq->events, event->time, call->call);
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

static int note_failure(struct collector *collector, const struct reader_event *event,
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

static void note_async(struct collector *collector, const struct reader_event *event,
		       const struct vring_call *call)
{
	struct facts *facts = &collector->facts;

	if (call->call == VCALL_ACK_ASYNC_EVENT) {
		facts->async_acknowledged++;
		return;
	}
	happened(&facts->async_taken, event->time, call->call);
	if (call->number < sizeof(facts->async) / sizeof(*facts->async))
		happened(&facts->async[call->number], event->time, call->call);
}

/* What does not fail as objects do: these say by their result that there was nothing. */
static bool may_fail(uint16_t call)
{
	return call == VCALL_GET_CQ_EVENT || call == VCALL_GET_ASYNC_EVENT ||
	       call == VCALL_UNSEEN || call >= VCALL_CM_CREATE_ID;
}

static int take_call(struct collector *collector, const struct reader_event *event,
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

static int event(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct collector *collector = arg;
	const struct vring_record *record = event->record;
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
		facts->empty_polls += ((const struct vring_wc *)record)->empty;
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

/* --- queue pairs --- */

static struct qp_facts *qp_facts_of(struct collector *collector, struct trace_qp *qp)
{
	struct qp_facts *facts = qp->user;

	if (facts)
		return facts;
	facts = calloc(1, sizeof(*facts));
	if (!facts)
		return NULL;
	facts->file = collector->facts.index;
	facts->id = qp->id;
	facts->qpn = qp->qpn;
	facts->type = qp->type;
	facts->qp = qp;
	facts->send_cq = cq_find(collector, qp->send_cq);
	facts->recv_cq = cq_find(collector, qp->recv_cq);
	facts->numbered = qp->type == QPT_RC && qp->known && !qp->srq;
	facts->least = UINT32_MAX;
	facts->next = collector->facts.qps;
	collector->facts.qps = facts;
	qp->user = facts;
	return facts;
}

static bool is_signaled(const struct work *work)
{
	return work->flags & SEND_SIGNALED || work->qp->sig_all;
}

static uint16_t call_of(const struct work *work)
{
	return work->receive ? VCALL_POST_RECV : VCALL_POST_SEND;
}

static struct fact *refused_of(struct qp_facts *qp, const struct work *work)
{
	if (work->error != ENOMEM)
		return &qp->refused;
	return work->receive ? &qp->full_receive : &qp->full_send;
}

static void note_refused(struct qp_facts *qp, const struct work *work, uint32_t outstanding)
{
	struct fact *fact = happened(refused_of(qp, work), work->post_time, call_of(work));

	if (!fact)
		return;
	fact->error = work->error;
	fact->receive = work->receive;
	fact->opcode = work->opcode;
	fact->outstanding = outstanding;
	fact->wr_id = work->wr_id;
	fact->bytes = work->bytes;
}

/* DELTA requests more, of which QUEUE gets a completion. */
static void expect_completion(struct cq_facts *cq, const struct work *work, int delta)
{
	if (!cq || (delta < 0 && !cq->outstanding))
		return;
	cq->outstanding += (uint64_t)(int64_t)delta;
	if (cq->outstanding > cq->most)
		cq->most = cq->outstanding;
	if (delta > 0 && cq->outstanding > cq->cqe)
		happened(&cq->overfull, work->post_time, call_of(work));
}

static void note_unaligned(struct qp_facts *qp, const struct work *work)
{
	struct fact *fact;

	if (work->opcode != WR_CMP_AND_SWP && work->opcode != WR_FETCH_AND_ADD)
		return;
	if (work->remote_address % ATOMIC_BYTES == 0)
		return;
	fact = happened(&qp->unaligned, work->post_time, call_of(work));
	if (fact)
		fact->address = work->remote_address;
}

static void note_inline(struct facts *facts, const struct qp_facts *qp, const struct work *work)
{
	if (!qp->qp->max_inline || work->opcode > WR_SEND_WITH_IMM)
		return;
	facts->could_inline++;
	if (!(work->flags & SEND_INLINE) && work->bytes && work->bytes <= qp->qp->max_inline)
		happened(&facts->not_inline, work->post_time, call_of(work));
}

static void send_posted(struct collector *collector, struct qp_facts *qp, const struct work *work,
			uint32_t outstanding)
{
	struct fact *fact;

	qp->sends++;
	note_unaligned(qp, work);
	note_inline(&collector->facts, qp, work);
	if (is_signaled(work)) {
		qp->signaled++;
		qp->unsignaled_run = 0;
		expect_completion(qp->send_cq, work, 1);
		return;
	}
	qp->unsignaled_run++;
	if (!qp->qp->max_send_wr || outstanding < qp->qp->max_send_wr ||
	    qp->unsignaled_run < outstanding)
		return;
	fact = happened(&qp->stuck, work->post_time, call_of(work));
	if (fact)
		fact->outstanding = outstanding;
}

static int add_dry(struct qp_facts *qp, uint64_t message, int64_t time)
{
	struct fact_dry *grown;

	if (qp->dries >= FACTS_DRY)
		return 0;
	if (!(qp->dries & (qp->dries - 1))) {
		grown = reallocarray(qp->dry, qp->dries ? 2 * qp->dries : 1, sizeof(*grown));
		if (!grown)
			return -1;
		qp->dry = grown;
	}
	qp->dry[qp->dries++] = (struct fact_dry){ message, time };
	return 0;
}

static int receive_posted(struct qp_facts *qp, const struct work *work, uint32_t outstanding)
{
	qp->receives++;
	qp->outstanding = outstanding;
	expect_completion(qp->recv_cq, work, 1);
	if (qp->numbered && outstanding == 1 && qp->qp->connected &&
	    work->post_time > qp->qp->connected)
		return add_dry(qp, qp->next_message, work->post_time);
	return 0;
}

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct collector *collector = arg;
	struct qp_facts *qp;

	if (!work->qp) /* of a shared receive queue */
		return 0;
	qp = qp_facts_of(collector, work->qp);
	if (!qp)
		return -1;
	if (work->refused) {
		note_refused(qp, work, depth->outstanding);
		return 0;
	}
	if (use_region(collector, qp, work, 1) < 0)
		return -1;
	if (work->receive)
		return receive_posted(qp, work, depth->outstanding);
	send_posted(collector, qp, work, depth->outstanding);
	return 0;
}

static void note_status(struct qp_facts *qp, const struct work *work)
{
	struct fact *fact;

	if (work->status == WC_WR_FLUSH_ERR) {
		qp->flushed++;
		return;
	}
	fact = happened(&qp->failed, work->end_time, VCALL_POLL_CQ);
	if (!fact)
		return;
	fact->error = work->status;
	fact->receive = work->receive;
	fact->opcode = work->opcode;
	fact->bytes = work->bytes;
	fact->wr_id = work->wr_id;
}

/* WORK waits no longer. */
static int gone(struct collector *collector, struct qp_facts *qp, const struct work *work)
{
	if (!work->posted || (work->receive && work->srq))
		return 0;
	if (work->receive)
		expect_completion(qp->recv_cq, work, -1);
	else if (is_signaled(work))
		expect_completion(qp->send_cq, work, -1);
	return use_region(collector, qp, work, -1);
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct collector *collector = arg;
	struct qp_facts *qp = qp_facts_of(collector, work->qp);

	if (!qp)
		return -1;
	if (work->status)
		note_status(qp, work);
	if (work->receive && !work->srq) {
		qp->outstanding = depth->outstanding;
		if (depth->outstanding < qp->least)
			qp->least = depth->outstanding;
		if (work->has_message)
			qp->next_message = work->message + 1;
		else
			qp->numbered = false;
	}
	return gone(collector, qp, work);
}

static int left(void *arg, const struct work *work)
{
	struct qp_facts *qp = work->qp ? qp_facts_of(arg, work->qp) : NULL;

	if (!work->qp)
		return 0;
	return qp ? gone(arg, qp, work) : -1;
}

/* --- files --- */

static int begin(void *arg, const struct trace_file *file)
{
	struct collector *collector = arg;

	collector->facts = (struct facts){
		.run = collector->run,
		.file = file,
		.index = (uint32_t)(file - collector->run->file),
	};
	return 0;
}

/* From the last one that was used to the first one that was made. */
static void reverse(struct facts *facts)
{
	struct qp_facts *first = NULL, *next;
	struct cq_facts *first_cq = NULL, *next_cq;

	for (struct qp_facts *qp = facts->qps; qp; qp = next) {
		next = qp->next;
		qp->next = first;
		first = qp;
	}
	for (struct cq_facts *cq = facts->cqs; cq; cq = next_cq) {
		next_cq = cq->next;
		cq->next = first_cq;
		first_cq = cq;
	}
	facts->qps = first;
	facts->cqs = first_cq;
}

/* What the second step needs of a queue pair when the file is not open any more. */
static int settle(struct collector *collector, struct qp_facts *qp)
{
	const struct trace_end *peer =
		trace_run_peer(collector->run, collector->facts.index, qp->qp);

	qp->path_mtu = qp->qp->path_mtu;
	if (peer) {
		qp->has_peer = true;
		qp->peer_file = peer->file;
		qp->peer_id = peer->qp;
	}
	if (qp->numbered && !qp->outstanding && qp->qp->connected && qp->next_message)
		return add_dry(qp, qp->next_message, qp->qp->ended ? qp->qp->ended : INT64_MAX);
	return 0;
}

static void release_file(struct collector *collector)
{
	struct facts *facts = &collector->facts;
	struct fact_call *call;
	struct cq_facts *cq;

	while ((cq = facts->cqs)) {
		facts->cqs = cq->next;
		free(cq);
	}
	while ((call = facts->calls)) {
		facts->calls = call->next;
		free(call);
	}
	index_release(&collector->index);
}

/* They are of no file any more. */
static void keep_qps(struct collector *collector)
{
	struct qp_facts *qp;

	while ((qp = collector->facts.qps)) {
		collector->facts.qps = qp->next;
		qp->qp = NULL;
		qp->send_cq = qp->recv_cq = NULL;
		qp->next = collector->qps;
		collector->qps = qp;
	}
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct collector *collector = arg;

	(void)file;
	for (uint32_t i = 0; i < objects->qps; i++)
		if (!qp_facts_of(collector, objects->qp[i]))
			return -1;
	reverse(&collector->facts);
	for (struct qp_facts *qp = collector->facts.qps; qp; qp = qp->next)
		if (settle(collector, qp) < 0)
			return -1;
	sum_leaks(collector);
	if (collector->handler->file(collector->handler->arg, &collector->facts) < 0)
		return -1;
	release_file(collector);
	keep_qps(collector);
	return 0;
}

/* --- the second step: what takes both ends to know --- */

static int compare_qps(const void *a, const void *b)
{
	const struct qp_facts *left = *(struct qp_facts *const *)a;
	const struct qp_facts *right = *(struct qp_facts *const *)b;

	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

/* All queue pairs of the run. */
struct ends {
	const struct trace_run *run;
	const struct facts_handler *handler;
	struct qp_facts **qp; /* by file and id */
	size_t count;
	const struct trace_file *file;
};

static int ends_init(struct ends *ends, const struct collector *collector)
{
	size_t count = 0;

	*ends = (struct ends){ .run = collector->run, .handler = collector->handler };
	for (const struct qp_facts *qp = collector->qps; qp; qp = qp->next)
		count++;
	ends->qp = calloc(count + 1, sizeof(struct qp_facts *));
	if (!ends->qp)
		return -1;
	for (struct qp_facts *qp = collector->qps; qp; qp = qp->next)
		ends->qp[ends->count++] = qp;
	qsort(ends->qp, ends->count, sizeof(struct qp_facts *), compare_qps);
	return 0;
}

static struct qp_facts *end_at(const struct ends *ends, uint32_t file, uint32_t id)
{
	const struct qp_facts wanted = { .file = file, .id = id };
	const struct qp_facts *key = &wanted;
	struct qp_facts **found =
		bsearch(&key, ends->qp, ends->count, sizeof(struct qp_facts *), compare_qps);

	return found ? *found : NULL;
}

static struct qp_facts *peer_at(const struct ends *ends, const struct qp_facts *qp)
{
	return qp && qp->has_peer ? end_at(ends, qp->peer_file, qp->peer_id) : NULL;
}

/* What the clocks of two files may differ by; -1: nobody knows. */
static int64_t uncertainty(const struct trace_file *a, const struct trace_file *b)
{
	if (!strcmp(a->header.node, b->header.node))
		return 0;
	return a->uncertainty < 0 || b->uncertainty < 0 ? -1 : a->uncertainty + b->uncertainty;
}

static const struct fact_dry *dry_of(const struct qp_facts *qp, uint64_t message)
{
	size_t low = 0, high = qp->dries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (qp->dry[middle].message < message)
			low = middle + 1;
		else
			high = middle;
	}
	return low < qp->dries && qp->dry[low].message == message ? &qp->dry[low] : NULL;
}

/* Whether a message was on its way before there was a request for it. */
static int message_posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct ends *ends = arg;
	struct qp_facts *peer = work->qp ? work->qp->user : NULL;
	const struct fact_dry *dry;
	int64_t apart;

	(void)depth;
	if (work->receive || !work->has_message || work->refused)
		return 0;
	if (!peer)
		peer = work->qp->user = peer_at(
			ends, end_at(ends, (uint32_t)(ends->file - ends->run->file), work->qp->id));
	dry = peer && peer->dries ? dry_of(peer, work->message) : NULL;
	if (!dry)
		return 0;
	apart = uncertainty(ends->file, &ends->run->file[peer->file]);
	if (apart >= 0 && work->post_time + apart < dry->time)
		happened(&peer->late, work->post_time, VCALL_POST_RECV);
	return 0;
}

static int begin_again(void *arg, const struct trace_file *file)
{
	((struct ends *)arg)->file = file;
	return 0;
}

static int find_late(struct ends *ends, struct err *err)
{
	const struct trace_handler handler = {
		.arg = ends,
		.match = { .posted = message_posted },
		.begin = begin_again,
	};
	bool any = false;

	for (size_t i = 0; i < ends->count; i++)
		any |= ends->qp[i]->dries && peer_at(ends, ends->qp[i]);
	return any ? trace_run_walk_all(ends->run, &handler, err) : 0;
}

static int compare_pairs(struct ends *ends, struct err *err)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->qp[i]->has_peer &&
		    ends->handler->pair(ends->handler->arg, ends->run, ends->qp[i],
					peer_at(ends, ends->qp[i])) < 0)
			return err_errno(err, "'%s'", ends->run->path);
	return 0;
}

static int second_step(const struct collector *collector, struct err *err)
{
	struct ends ends;
	int rc;

	if (ends_init(&ends, collector) < 0)
		return err_errno(err, "'%s'", collector->run->path);
	rc = find_late(&ends, err);
	if (rc == 0)
		rc = compare_pairs(&ends, err);
	free(ends.qp);
	return rc;
}

static void release_qps(struct qp_facts *qps)
{
	struct qp_facts *next;

	for (; qps; qps = next) {
		next = qps->next;
		free(qps->dry);
		free(qps);
	}
}

int facts_collect(const struct trace_run *run, const struct facts_handler *handler, struct err *err)
{
	struct collector collector = { .run = run, .handler = handler };
	const struct trace_handler walk = {
		.arg = &collector,
		.event = event,
		.match = { .posted = posted, .ended = ended, .left = left },
		.begin = begin,
		.end = end,
	};
	int rc = trace_run_walk_all(run, &walk, err);

	release_file(&collector);
	keep_qps(&collector);
	if (rc == 0)
		rc = second_step(&collector, err);
	release_qps(collector.qps);
	return rc;
}
