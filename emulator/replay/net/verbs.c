/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include "rendezvous.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       32 /* completions */
#define SIGNAL_EACH 4  /* the last of so many is signaled */

static struct verbs *verbs_of(struct net *net)
{
	return (struct verbs *)net;
}

static void make_ready(struct verbs *verbs, struct verbs_peer *peer)
{
	if (peer->queued)
		return;
	peer->queued = true;
	verbs->ready[verbs->ready_count++] = peer->rank;
}

int verbs_expect(struct verbs_peer *peer, uint32_t q, struct err *err)
{
	struct verbs_qp *qp = &peer->qps[q];
	struct ibv_recv_wr wr[VERBS_SLOTS + VERBS_EXPECT_EACH], *bad;
	uint32_t count = qp->owed;

	for (uint32_t i = 0; i < count; i++)
		wr[i] = (struct ibv_recv_wr){
			.wr_id = work_id(WORK_RECEIVE, peer->rank, q, 0, 0),
			.next = i + 1 < count ? &wr[i + 1] : NULL,
		};
	qp->owed = 0;
	errno = ibv_post_recv(qp->qp, wr, &bad);
	return errno ? err_errno(err, "unable to receive from rank %u", peer->rank) : 0;
}

/* ---- send ---- */

static bool has_room(const struct verbs *verbs, const struct verbs_peer *peer, uint32_t q)
{
	return peer->qps[q].posted - peer->qps[q].completed < verbs_depth(verbs, q);
}

static bool has_head(const struct net_message *message)
{
	return message->data || !message->moved;
}

/* Bytes of each segment of a message of SIZE that goes several WAYS; the last may be shorter. */
static uint32_t even_length(const struct verbs *verbs, uint64_t size, uint32_t ways)
{
	uint64_t round = (uint64_t)ways * verbs->segment, count = net_parts(size, ways);

	if (size > count * verbs->segment)
		count = ways * ((size + round - 1) / round);
	return (uint32_t)((size + count - 1) / count);
}

/* A segment of a message of SIZE with PEER is so long, unless it is the last. */
static uint32_t full_length(const struct verbs *verbs, const struct verbs_peer *peer, uint64_t size,
			    bool with_head)
{
	if (peer->ways > 1)
		return even_length(verbs, size, peer->ways);
	return with_head ? verbs->segment : VERBS_LONG * verbs->segment;
}

/* Of the next one. */
static uint32_t segment_length(const struct verbs *verbs, const struct verbs_peer *peer,
			       const struct net_message *message)
{
	uint64_t left = message->size - message->moved;
	uint32_t full = full_length(verbs, peer, message->size, has_head(message));

	return left < full ? (uint32_t)left : full;
}

/* What PEER has taken in since: its slots can be used again. */
static void take_back(const struct verbs *verbs, struct verbs_peer *peer)
{
	uint64_t written = verbs->credits[peer->rank];
	uint8_t slot;

	if (written > peer->credit)
		peer->credit = written;
	while (peer->returned < peer->credit && peer->returned < peer->sent) {
		slot = peer->slot_of[peer->returned++ % verbs->slot_count];
		if (slot != VERBS_NONE)
			peer->unused[peer->unused_count++] = slot;
	}
}

/* Whether the next segment to PEER can go: a turn, a slot, one of ours, a place in the queue. */
static bool may_send(const struct verbs *verbs, struct verbs_peer *peer)
{
	const struct net_message *message = peer->queue;

	take_back(verbs, peer);
	return peer->sent - peer->returned < verbs->slot_count &&
	       !peer->flight[peer->sent % verbs->slot_count].message &&
	       has_room(verbs, peer, peer->sent % verbs->qps) &&
	       (!message->data || verbs->pool_count);
}

/* Contents of the next LENGTH bytes; where they lie. */
static uint8_t *contents(struct verbs *verbs, struct verbs_flight *flight, uint32_t length)
{
	struct net_message *message = flight->message;

	flight->pool = -1;
	if (!message->data || !length)
		return verbs->pool;
	flight->pool = verbs->pool_free[--verbs->pool_count];
	message->data->fill(message, message->moved,
			    verbs->pool + (size_t)flight->pool * verbs->segment, length);
	return verbs->pool + (size_t)flight->pool * verbs->segment;
}

/* By several queue pairs they end in any order. */
static bool is_signaled(const struct verbs *verbs, const struct verbs_peer *peer,
			const struct net_message *message)
{
	return verbs->qps > 1 || message->moved == message->size ||
	       peer->sent % SIGNAL_EACH == SIGNAL_EACH - 1;
}

static int post_segment(struct verbs *verbs, struct verbs_peer *peer,
			const struct net_message *message, struct ibv_send_wr *wr, struct err *err)
{
	uint32_t q = peer->sent % verbs->qps;
	struct verbs_qp *qp = &peer->qps[q];
	struct ibv_send_wr *bad;

	wr->wr_id =
		work_id(WORK_SEGMENT, peer->rank, q, peer->sent % verbs->slot_count, qp->posted);
	wr->opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
	wr->send_flags = is_signaled(verbs, peer, message) ? IBV_SEND_SIGNALED : 0;
	wr->wr.rdma.remote_addr += peer->slots_address;
	wr->wr.rdma.rkey = qp->rkey;
	errno = ibv_post_send(qp->qp, wr, &bad);
	if (errno)
		return err_errno(err, "unable to send to rank %u", peer->rank);
	qp->posted++;
	peer->sent++;
	return 0;
}

static uint32_t next_lkey(const struct verbs *verbs, const struct verbs_peer *peer)
{
	return peer->qps[peer->sent % verbs->qps].lkey;
}

static int send_with_head(struct verbs *verbs, struct verbs_peer *peer, struct verbs_head *head,
			  const uint8_t *data, struct err *err)
{
	uint32_t turn = peer->sent % verbs->slot_count;
	const struct net_message *message = peer->flight[turn].message;
	uint32_t slot = peer->slot_of[turn] = peer->unused[--peer->unused_count];
	struct ibv_sge sge[2] = {
		{ (uintptr_t)head, sizeof(*head), next_lkey(verbs, peer) },
		{ (uintptr_t)data, head->segment.length, next_lkey(verbs, peer) },
	};
	struct ibv_send_wr wr = {
		.sg_list = sge,
		.num_sge = head->segment.length ? 2 : 1,
		.imm_data = verbs_immediate(turn, slot),
		.wr.rdma.remote_addr = verbs_head_at(verbs, slot),
	};

	peer->told = peer->released;
	return post_segment(verbs, peer, message, &wr, err);
}

/* The next LENGTH bytes of a message that nobody looks at. */
static int send_more(struct verbs *verbs, struct verbs_peer *peer, uint32_t length, struct err *err)
{
	uint32_t turn = peer->sent % verbs->slot_count;
	const struct net_message *message = peer->flight[turn].message;
	struct ibv_sge sge = { (uintptr_t)verbs->pool, length, next_lkey(verbs, peer) };
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.imm_data = verbs_immediate(turn, VERBS_NONE),
		.wr.rdma.remote_addr = verbs_data_at(verbs, verbs->slot_count),
	};

	peer->slot_of[turn] = VERBS_NONE;
	return post_segment(verbs, peer, message, &wr, err);
}

static int send_segment(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	struct net_message *message = peer->queue;
	uint32_t turn = peer->sent % verbs->slot_count;
	struct verbs_flight *flight = &peer->flight[turn];
	struct verbs_head *head = &verbs->heads[peer->rank * VERBS_SLOTS + turn];
	uint64_t at = message->moved, number = peer->number;
	bool with_head = has_head(message);
	uint32_t length = segment_length(verbs, peer, message);
	const uint8_t *data;

	flight->message = message;
	data = contents(verbs, flight, length);
	message->moved += length;
	message->under_way++;
	if (message->moved == message->size) {
		peer->queue = message->next;
		peer->number++;
	}
	if (!with_head)
		return send_more(verbs, peer, length, err);
	*head = (struct verbs_head){
		.released = peer->released,
		.segment = { .number = number,
			     .tag = message->tag,
			     .size = message->size,
			     .at = at,
			     .length = length,
			     .looked = message->data != NULL },
	};
	return send_with_head(verbs, peer, head, data, err);
}

/* Tell PEER which of his segments have been taken in. */
static int send_credit(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	struct verbs_qp *qp = &peer->qps[verbs->qps];
	uint64_t *source = &verbs->credit_source[peer->rank];
	struct ibv_sge sge = { (uintptr_t)source, sizeof(*source), qp->lkey };
	struct ibv_send_wr wr = {
		.wr_id = work_id(WORK_CREDIT, peer->rank, verbs->qps, 0, qp->posted),
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_INLINE |
			      (qp->posted % SIGNAL_EACH ? 0 : (unsigned)IBV_SEND_SIGNALED),
		.wr.rdma = { peer->credit_address, qp->rkey },
	}, *bad;

	*source = peer->released;
	errno = ibv_post_send(qp->qp, &wr, &bad);
	if (errno)
		return err_errno(err, "unable to send to rank %u", peer->rank);
	qp->posted++;
	peer->told = peer->released;
	return 0;
}

/* Soon enough that they are back before the last slot is taken. */
static bool owes_credit(const struct verbs_peer *peer)
{
	return peer->released - peer->told >= VERBS_SLOTS_LEAST / 2;
}

/* Returns how many requests were posted, or -1 with ERR. */
static int send_some(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	int count = 0;

	if (owes_credit(peer) && has_room(verbs, peer, verbs->qps)) {
		if (send_credit(verbs, peer, err) < 0)
			return -1;
		count++;
	}
	while (peer->queue && may_send(verbs, peer)) {
		if (send_segment(verbs, peer, err) < 0)
			return -1;
		count++;
	}
	if (peer->queue || owes_credit(peer))
		make_ready(verbs, peer);
	return count;
}

/* Every rank with something to send, once; who could not send all comes again. */
static int send_ready(struct verbs *verbs, struct err *err)
{
	uint32_t count = verbs->ready_count, *list = verbs->ready;
	int total = 0, rc;

	verbs->ready = verbs->waiting;
	verbs->waiting = list;
	verbs->ready_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct verbs_peer *peer = &verbs->peers[list[i]];

		peer->queued = false;
		rc = send_some(verbs, peer, err);
		if (rc < 0)
			return -1;
		total += rc;
	}
	return total;
}

/* ---- completions ---- */

static uint32_t qp_of(uint64_t id)
{
	return (uint32_t)(id >> 56 & 0x3f);
}

/* A queue is in order: with a request all before it are done. */
static void count_completed(struct verbs_qp *qp, uint64_t id)
{
	uint16_t later = (uint16_t)(qp->posted - 1 - (uint32_t)(id >> 32 & 0xffff));

	qp->completed = qp->posted - later;
}

static void segment_sent(struct verbs *verbs, struct verbs_peer *peer, uint32_t turn)
{
	struct verbs_flight *flight = &peer->flight[turn];
	struct net_message *message = flight->message;

	if (flight->pool >= 0)
		verbs->pool_free[verbs->pool_count++] = flight->pool;
	flight->message = NULL;
	message->under_way--;
	if (!message->under_way && message->moved == message->size)
		inbound_done(&verbs->inbound, message);
}

/* With one queue pair those before it have come as well. */
static void segments_sent(struct verbs *verbs, struct verbs_peer *peer, uint32_t turn)
{
	while (verbs->qps == 1 && peer->gone % verbs->slot_count != turn)
		segment_sent(verbs, peer, peer->gone++ % verbs->slot_count);
	segment_sent(verbs, peer, turn);
	peer->gone++;
}

/* Take in what is in SLOT, or what has none. */
static int take_slot(struct verbs *verbs, struct verbs_peer *peer, uint32_t slot, struct err *err)
{
	const uint8_t *from = verbs->slots + peer->rank * verbs->peer_size;
	struct segment_head *head = &peer->last;
	const struct verbs_head *there;
	uint64_t left;
	uint32_t full;

	if (slot == VERBS_NONE) {
		head->at += head->length;
		left = head->size - head->at;
		full = full_length(verbs, peer, head->size, false);
		head->length = left < full ? (uint32_t)left : full;
		slot = verbs->slot_count;
	} else {
		there = (const struct verbs_head *)(from + verbs_head_at(verbs, slot));
		*head = there->segment;
		if (there->released > peer->credit)
			peer->credit = there->released;
		if (head->length > verbs->segment)
			return err_set(err, "rank %u sends a segment of %u bytes", peer->rank,
				       head->length);
	}
	return inbound_segment(&verbs->inbound, peer->rank, head, from + verbs_data_at(verbs, slot),
			       err);
}

/* By several queue pairs they overtake each other. */
static int take_turns(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	uint32_t turn;

	while (peer->turns[turn = peer->released % verbs->slot_count].arrived) {
		if (take_slot(verbs, peer, peer->turns[turn].slot, err) < 0)
			return -1;
		peer->turns[turn].arrived = false;
		peer->released++;
	}
	if (owes_credit(peer))
		make_ready(verbs, peer);
	return 0;
}

static int segment_came(struct verbs *verbs, struct verbs_peer *peer, const struct ibv_wc *wc,
			struct err *err)
{
	uint32_t turn = wc->imm_data & 0xff, slot = wc->imm_data >> 8, q = qp_of(wc->wr_id);

	if (turn >= verbs->slot_count || peer->turns[turn].arrived ||
	    (slot >= verbs->slot_count && slot != VERBS_NONE))
		return err_set(err, "rank %u writes to slot %u, turn %u", peer->rank, slot, turn);
	peer->turns[turn].arrived = true;
	peer->turns[turn].slot = (uint8_t)slot;
	if (take_turns(verbs, peer, err) < 0)
		return -1;
	return ++peer->qps[q].owed < VERBS_EXPECT_EACH ? 0 : verbs_expect(peer, q, err);
}

static int failed(const struct verbs_peer *peer, const struct ibv_wc *wc, struct err *err)
{
	if (wc->status == IBV_WC_RETRY_EXC_ERR)
		return err_set(err, "rank %u does not answer", peer->rank);
	return err_set(err, "rank %u: %s", peer->rank, ibv_wc_status_str(wc->status));
}

static int completed(struct verbs *verbs, const struct ibv_wc *wc, struct err *err)
{
	struct verbs_peer *peer = &verbs->peers[(uint32_t)wc->wr_id];
	enum verbs_work work = (enum verbs_work)(wc->wr_id >> 62);

	if (wc->status != IBV_WC_SUCCESS)
		return failed(peer, wc, err);
	if (work == WORK_RECEIVE)
		return segment_came(verbs, peer, wc, err);
	count_completed(&peer->qps[qp_of(wc->wr_id)], wc->wr_id);
	if (work == WORK_SEGMENT)
		segments_sent(verbs, peer, (uint32_t)(wc->wr_id >> 48 & 0xff));
	return 0;
}

static int take_completions(struct verbs *verbs, struct ibv_cq *cq, struct err *err)
{
	struct ibv_wc wc[BATCH];
	int count, total = 0;

	do {
		count = ibv_poll_cq(cq, BATCH, wc);
		if (count < 0)
			return err_set(err, "the completion queue cannot be polled");
		for (int i = 0; i < count; i++)
			if (completed(verbs, &wc[i], err) < 0)
				return -1;
		total += count;
	} while (count == BATCH && total < 8 * BATCH);
	return total;
}

/* Of all rails. */
static int take_all(struct verbs *verbs, struct err *err)
{
	int total = 0, count;

	for (uint32_t i = 0; i < verbs->rail_count; i++) {
		count = take_completions(verbs, verbs->rails[i].cq, err);
		if (count < 0)
			return -1;
		total += count;
	}
	return total;
}

/* ---- the table ---- */

static int verbs_send(struct net *net, struct net_message *message, struct err *err)
{
	struct verbs *verbs = verbs_of(net);
	struct verbs_peer *peer = &verbs->peers[message->peer];

	if (message->peer == net->rank)
		return inbound_own(&verbs->inbound, message, err);
	message->moved = 0;
	message->under_way = 0;
	message->next = NULL;
	if (peer->queue)
		peer->queue_end->next = message;
	else
		peer->queue = message;
	peer->queue_end = message;
	make_ready(verbs, peer);
	return 0;
}

static int verbs_recv(struct net *net, struct net_message *message, struct err *err)
{
	return inbound_receive(&verbs_of(net)->inbound, message, err);
}

static int verbs_poll(struct net *net, struct err *err)
{
	struct verbs *verbs = verbs_of(net);
	int taken = take_all(verbs, err), finished, sent;

	if (taken < 0)
		return -1;
	/* what is over may lead to the next message */
	finished = inbound_finish(&verbs->inbound);
	sent = send_ready(verbs, err);
	return sent < 0 ? -1 : taken + finished + sent;
}

static void verbs_destroy(struct net *net)
{
	struct verbs *verbs = verbs_of(net);

	verbs_close(verbs);
	inbound_release(&verbs->inbound);
	free(verbs->peers);
	free(verbs->ready);
	free(verbs->waiting);
	free(net->counts);
	free(verbs);
}

static const struct net_ops verbs_ops = {
	.name = "verbs",
	.send = verbs_send,
	.recv = verbs_recv,
	.poll = verbs_poll,
	.destroy = verbs_destroy,
};

static int verbs_init(struct verbs *verbs)
{
	struct net *net = &verbs->net;

	net->counts = calloc(net->size, sizeof(*net->counts));
	verbs->peers = calloc(net->size, sizeof(*verbs->peers));
	verbs->ready = calloc(net->size, sizeof(*verbs->ready));
	verbs->waiting = calloc(net->size, sizeof(*verbs->waiting));
	if (!net->counts || !verbs->peers || !verbs->ready || !verbs->waiting)
		return -1;
	for (uint32_t i = 0; i < net->size; i++)
		verbs->peers[i].rank = i;
	return inbound_init(&verbs->inbound, net);
}

bool net_verbs_gid(const struct net *net, uint32_t rank, uint32_t device, uint8_t gid[16])
{
	const struct verbs_peer *peer;

	if (net->ops != &verbs_ops || rank >= net->size)
		return false;
	peer = &((const struct verbs *)net)->peers[rank];
	if (device >= peer->far_count)
		return false;
	memcpy(gid, peer->far[device].gid.raw, 16);
	return true;
}

int net_verbs_create(struct net **net, struct loop *loop, const struct net_settings *settings,
		     struct err *err)
{
	struct verbs *verbs = calloc(1, sizeof(*verbs));

	if (!verbs)
		return err_errno(err, "no room for a network");
	verbs->settings = settings;
	verbs->net = (struct net){
		.ops = &verbs_ops,
		.loop = loop,
		.rank = rendezvous_rank(settings->rendezvous),
		.size = rendezvous_size(settings->rendezvous),
	};
	if (verbs_init(verbs) < 0)
		err_errno(err, "no room for a network of %u ranks", verbs->net.size);
	else if (verbs_open(verbs, err) == 0 && verbs_connect(verbs, err) == 0) {
		*net = &verbs->net;
		return 0;
	}
	verbs_destroy(&verbs->net);
	return -1;
}
