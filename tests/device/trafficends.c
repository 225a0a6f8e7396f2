/* SPDX-License-Identifier: Apache-2.0 */
#include "trafficends.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 8 /* requests of a source on their way */
#define GRH   40

/* --- memory --- */

/* Where byte AT of what lies in pieces is. */
static uint64_t place(uint32_t at, uint32_t piece, uint32_t stride)
{
	return piece ? (uint64_t)(at / piece) * stride + at % piece : at;
}

static void lay(char *slot, uint32_t piece, uint32_t stride, uint32_t skip, const char *from,
		uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		slot[place(skip + i, piece, stride)] = from[i];
}

static uint64_t target_size(const struct flow *flow)
{
	uint64_t written = flow_reliable(flow) ? WRITTEN : (uint64_t)flow->messages * SLOT;

	return written_at(flow) + (flow->type == QP_UD ? 0 : written) + MARGIN;
}

/* --- a source --- */

static void source_need(const struct source *s, bool ok, const char *what)
{
	crowd_need(s->crowd, ok, what, s->flow->number, s->completed);
}

void source_create(struct source *s, struct host *host)
{
	s->mirror = image(DEPTH * SLOT + 2 * MARGIN);
	s->shadow = image(target_size(s->flow));
	end_create(&s->end, host,
		   &(struct end_options){
			   .type = s->flow->type,
			   .size = DEPTH * SLOT + 2 * MARGIN,
			   .device = s->flow->from_device,
			   .depth = DEPTH,
			   .timeout = TRAFFIC_TIMEOUT,
			   .retry_count = 7,
			   .rnr_retry = 7,
		   });
	memcpy(s->end.memory, s->mirror, s->end.size);
	s->flow->source = end_address(&s->end);
}

static uint64_t source_slot(uint32_t number)
{
	return MARGIN + number % DEPTH * SLOT;
}

/* What is to be sent goes to its place; what is read or found is foreseen. */
static void source_prepare(struct source *s, uint32_t number)
{
	const struct item *item = &s->flow->item[number];
	uint64_t slot = source_slot(number);
	char payload[SLOT];

	if (item_is_atomic(item))
		memcpy(payload, &item->original, 8);
	else if (item->opcode == WR_RDMA_READ)
		memcpy(payload, s->shadow + item->remote, item->length);
	else
		payload_make(s->flow, number, payload);
	lay(s->mirror + slot, item->piece, item->stride, 0, payload, item->length);
	if (item_receives(item) || item_writes(item))
		lay(s->end.memory + slot, item->piece, item->stride, 0, payload, item->length);
}

static void source_post(struct source *s)
{
	uint32_t number = s->posted++;
	const struct flow *flow = s->flow;
	const struct item *item = &flow->item[number];
	struct request request = {
		.opcode = item->opcode,
		.flags = item->flags,
		.offset = source_slot(number),
		.length = item->length,
		.piece = item->piece,
		.stride = item->stride,
		.remote = item->remote,
		.imm = imm_of(flow, number),
		.compare_add = item->compare_add,
		.swap = item->swap,
		.wr_id = number,
	};

	source_prepare(s, number);
	if (item->opcode == WR_SEND_WITH_INV)
		request.imm = flow->key[item->window - 1];
	else if (item->window)
		request.rkey = flow->key[item->window - 1];
	if (flow_reliable(flow))
		apply(flow, number, s->shadow);
	s->receives += item_receives(item);
	end_send(&s->end, &flow->target, &request);
}

static bool source_may_post(const struct source *s)
{
	const struct flow *flow = s->flow;

	if (s->posted == flow->messages || s->posted - s->completed == DEPTH)
		return false;
	return !flow->paced || !item_receives(&flow->item[s->posted]) ||
	       s->receives < atomic_load(&flow->received) + flow->receives;
}

static void source_complete(struct source *s, const struct shared_cqe *entry)
{
	static const uint8_t expected[] = {
		[WR_RDMA_WRITE] = WC_RDMA_WRITE,
		[WR_RDMA_WRITE_WITH_IMM] = WC_RDMA_WRITE,
		[WR_SEND] = WC_SEND,
		[WR_SEND_WITH_IMM] = WC_SEND,
		[WR_RDMA_READ] = WC_RDMA_READ,
		[WR_ATOMIC_CMP_AND_SWP] = WC_COMP_SWAP,
		[WR_ATOMIC_FETCH_AND_ADD] = WC_FETCH_ADD,
		[WR_SEND_WITH_INV] = WC_SEND,
	};
	uint64_t slot = source_slot(s->completed);

	source_need(s, s->completed < s->posted, "a completion too many");
	source_need(s, entry->status == WC_SUCCESS, "a request has failed");
	source_need(s, entry->wr_id == s->completed, "completions are out of order");
	source_need(s, entry->opcode == expected[s->flow->item[s->completed].opcode],
		    "another operation has completed");
	source_need(s, !memcmp(s->end.memory + slot, s->mirror + slot, SLOT),
		    "what was sent has changed, or what was read is wrong");
	s->completed++;
}

/* Requests that nobody answers complete before they arrive. */
static bool source_is_done(const struct source *s)
{
	return s->completed == s->flow->messages &&
	       atomic_load(&s->end.qp.shared->tx_messages) == s->flow->messages;
}

bool source_step(struct source *s)
{
	uint32_t before = s->posted + s->completed;
	struct shared_cqe entry;

	while (source_may_post(s))
		source_post(s);
	while (cq_poll(&s->end.send_cq, &entry, 1) == 1)
		source_complete(s, &entry);
	if (source_is_done(s))
		atomic_store(&s->flow->done, 1);
	return s->posted + s->completed != before;
}

void source_check(struct source *s)
{
	source_need(s, !memcmp(s->end.memory, s->mirror, s->end.size),
		    "memory of the source was touched");
	cq_empty(&s->end.send_cq);
}

void source_destroy(struct source *s)
{
	end_destroy(&s->end);
	free(s->mirror);
	free(s->shadow);
}

/* --- a target --- */

static void target_need(const struct target *t, bool ok, const char *what)
{
	crowd_need(t->crowd, ok, what, t->flow->number, t->next);
}

void target_create(struct target *t, struct host *host)
{
	const struct flow *flow = t->flow;
	bool xrc = flow->type == QP_XRC_SEND;
	struct end_options options = {
		.type = xrc ? QP_XRC_RECV : flow->type,
		.size = (uint32_t)target_size(flow),
		.device = flow->to_device,
		.srq = flow->srq || xrc,
		.other_srq = t->pool == t ? NULL : &t->pool->end.srq,
		.xrcd = xrc ? &t->xrcd : NULL,
		.depth = flow->receives + TRAFFIC_WINDOWS,
		.min_rnr_timer = 1,
	};
	struct context *context =
		options.device ? &host->more[options.device].context : &host->context;

	if (xrc)
		target_need(t, !xrcd_open(&t->xrcd, context, -1, true, false), "xrcd_open");
	t->mirror = image(target_size(flow));
	end_create(&t->end, host, &options);
	memcpy(t->end.memory, t->mirror, t->end.size);
	t->flow->target = end_address(&t->end);
}

static uint64_t target_slot(uint64_t wr_id, const struct target *pool)
{
	return MARGIN + wr_id % pool->flow->receives * SLOT;
}

/* SGEs of every second slot. */
static void target_pieces(uint64_t slot, uint32_t *piece, uint32_t *stride)
{
	*piece = slot / SLOT % 2 ? SLOT / 4 - 32 : SLOT - 64;
	*stride = SLOT / 4;
}

static void target_receive(struct target *pool, uint64_t wr_id)
{
	uint64_t slot = target_slot(wr_id, pool);
	uint32_t piece, stride;

	target_pieces(slot, &piece, &stride);
	end_receive_pieces(&pool->end, wr_id, slot, piece < SLOT / 4 ? 4 * piece : piece, piece,
			   stride);
}

/* Window I opens all that is written. */
static void bind_window(struct target *t, uint32_t i)
{
	struct shared_sqe *sqe;

	target_need(t, !mw_create(&t->window[i], t->end.context, t->end.pd, MR_WINDOW2),
		    "mw_create");
	t->flow->key[i] = (t->window[i].key & ~0xffu) | (0x30 + i);
	qp_send_begin(&t->end.qp);
	sqe = qp_send_next(&t->end.qp, 0, 0);
	target_need(t, sqe != NULL, "qp_send_next");
	sqe->opcode = WR_BIND_MW;
	sqe->window = t->window[i].key;
	sqe->window_key = t->flow->key[i];
	sqe->region_key = t->end.mr.key;
	sqe->window_access = ACCESS_REMOTE_WRITE;
	sqe->window_addr = (uintptr_t)t->end.memory + written_at(t->flow);
	sqe->window_length = WRITTEN;
	qp_send_add(&t->end.qp, sqe);
	qp_send_ring(&t->end.qp);
	target_need(t, cq_next(&t->end.send_cq).status == WC_SUCCESS, "a window is not bound");
}

void target_open(struct target *t)
{
	for (uint32_t i = 0; t->pool == t && i < t->flow->receives; i++)
		target_receive(t, i);
	for (uint32_t i = 0; t->flow->type == QP_RC && i < TRAFFIC_WINDOWS; i++)
		bind_window(t, i);
}

/* Which message has come? */
static uint32_t number_of(const struct target *t, const struct shared_cqe *entry)
{
	const struct flow *flow = t->flow;
	uint64_t slot = target_slot(entry->wr_id, t->pool);
	uint32_t number = t->next, piece, stride, skip = flow->type == QP_UD ? GRH : 0;
	struct stamp stamp;

	if (flow_reliable(flow)) {
		while (number < flow->messages && !item_receives(&flow->item[number]))
			number++;
		return number;
	}
	if (entry->flags & WC_WITH_IMM)
		return entry->imm & 0xffff;
	target_pieces(slot, &piece, &stride);
	for (uint32_t i = 0; i < sizeof(stamp); i++)
		((char *)&stamp)[i] = t->end.memory[slot + place(skip + i, piece, stride)];
	return stamp.number;
}

static void check_entry(const struct target *t, const struct shared_cqe *entry, uint32_t number)
{
	const struct flow *flow = t->flow;
	const struct item *item = &flow->item[number];
	bool ud = flow->type == QP_UD, plain = item->opcode == WR_SEND;
	bool closes = item->opcode == WR_SEND_WITH_INV;
	bool written = item->opcode == WR_RDMA_WRITE_WITH_IMM;

	target_need(t, entry->opcode == (written ? WC_RECV_RDMA_WITH_IMM : WC_RECV),
		    "another operation has come");
	target_need(t, entry->byte_len == item->length + (ud ? GRH : 0), "another length");
	target_need(t,
		    plain == !(entry->flags & (WC_WITH_IMM | WC_WITH_INV)) &&
			    closes == !!(entry->flags & WC_WITH_INV),
		    "another kind of operation");
	target_need(t,
		    plain || entry->imm ==
				     (closes ? flow->key[item->window - 1] : imm_of(flow, number)),
		    "another number beside the payload");
	target_need(t, !ud || entry->src_qpn == flow->source.qpn, "another sender");
	target_need(t, flow->srq || t->pool != t || entry->wr_id == t->taken,
		    "receives are out of order");
}

/* The payload where it should be, and nothing around it. */
static void check_payload(struct target *t, const struct shared_cqe *entry, uint32_t number)
{
	struct target *pool = t->pool;
	const struct item *item = &t->flow->item[number];
	uint64_t slot = target_slot(entry->wr_id, pool);
	uint32_t piece, stride, skip = t->flow->type == QP_UD ? GRH : 0;
	char payload[SLOT];

	target_pieces(slot, &piece, &stride);
	memcpy(pool->mirror + slot, pool->end.memory + slot, skip);
	if (!item_writes(item)) {
		payload_make(t->flow, number, payload);
		lay(pool->mirror + slot, piece, stride, skip, payload, item->length);
	} else if (!flow_reliable(t->flow)) {
		apply(t->flow, number, t->mirror);
		target_need(t,
			    !memcmp(t->end.memory + item->remote, t->mirror + item->remote,
				    item->length),
			    "what was written is wrong");
	}
	target_need(t, !memcmp(pool->end.memory + slot, pool->mirror + slot, SLOT),
		    "what was sent is wrong");
}

static void target_take(struct target *t, const struct shared_cqe *entry)
{
	const struct flow *flow = t->flow;
	uint32_t number;

	target_need(t, entry->status == WC_SUCCESS, "a receive has failed");
	number = number_of(t, entry);
	target_need(t,
		    number >= t->next && number < flow->messages &&
			    item_receives(&flow->item[number]),
		    "a message too many, or out of order");
	check_entry(t, entry, number);
	check_payload(t, entry, number);
	flow->arrived[number]++;
	t->next = number + 1;
	t->taken++;
	target_receive(t->pool, entry->wr_id + t->pool->flow->receives);
	atomic_fetch_add(&t->flow->received, 1);
}

bool target_step(struct target *t)
{
	uint32_t before = t->taken;
	struct shared_cqe entry;

	while (cq_poll(&t->end.recv_cq, &entry, 1) == 1)
		target_take(t, &entry);
	return t->taken != before;
}

/* Writes of UC may be lost, but not in part. */
static void take_writes(struct target *t)
{
	const struct flow *flow = t->flow;
	char payload[SLOT];

	for (uint32_t i = 0; i < flow->messages; i++) {
		const struct item *item = &flow->item[i];

		if (item->opcode != WR_RDMA_WRITE)
			continue;
		payload_make(flow, i, payload);
		if (memcmp(t->end.memory + item->remote, payload, item->length))
			continue;
		apply(flow, i, t->mirror);
		flow->arrived[i]++;
	}
}

static void check_windows(const struct target *t)
{
	uint32_t windows = 0;

	for (uint32_t i = 0; i < t->flow->messages; i++)
		if (t->flow->item[i].opcode == WR_SEND_WITH_INV)
			windows = t->flow->item[i].window;
	for (uint32_t i = 0; t->flow->type == QP_RC && i < TRAFFIC_WINDOWS; i++)
		target_need(t,
			    (atomic_load(&t->window[i].shared->state) == WINDOW_FREE) ==
				    (i < windows),
			    "the wrong windows are closed");
}

void target_check(struct target *t)
{
	const struct flow *flow = t->flow;

	if (flow->type == QP_UC)
		take_writes(t);
	for (uint32_t i = 0; flow_reliable(flow) && i < flow->messages; i++) {
		apply(flow, i, t->mirror);
		target_need(t, flow->arrived[i] == item_receives(&flow->item[i]),
			    "a message has not come once");
	}
	for (uint32_t i = 0; i < flow->messages; i++)
		target_need(t, flow->arrived[i] <= 1, "a message has come twice");
	target_need(t, !memcmp(t->end.memory, t->mirror, t->end.size),
		    "memory of the target is not as it should be");
	check_windows(t);
	cq_empty(&t->end.recv_cq);
}

void target_destroy(struct target *t)
{
	for (uint32_t i = 0; t->flow->type == QP_RC && i < TRAFFIC_WINDOWS; i++)
		target_need(t, !mw_destroy(&t->window[i]), "mw_destroy");
	end_destroy(&t->end);
	if (t->flow->type == QP_XRC_SEND)
		target_need(t, !xrcd_close(&t->xrcd), "xrcd_close");
	free(t->mirror);
}
