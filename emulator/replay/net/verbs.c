/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include "rendezvous.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       32 /* completions */
#define SIGNAL_EACH 4  /* credits: the last of so many is signaled */

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

int verbs_expect(struct verbs *verbs, struct verbs_peer *peer, uint32_t qp, struct err *err)
{
	struct ibv_recv_wr wr = { .wr_id = work_id(WORK_RECEIVE, peer->rank, qp, 0, 0) }, *bad;

	(void)verbs;
	errno = ibv_post_recv(peer->qps[qp].qp, &wr, &bad);
	return errno ? err_errno(err, "unable to receive from rank %u", peer->rank) : 0;
}

/* ---- send ---- */

static bool has_room(const struct verbs_qp *qp)
{
	return qp->posted - qp->completed < VERBS_DEPTH;
}

/* Whether the next segment to PEER can go: a slot of his, one of ours, a place in the queue. */
static bool may_send(const struct verbs *verbs, const struct verbs_peer *peer)
{
	const struct net_message *message = peer->queue;

	return peer->sent - verbs->credits[peer->rank] < VERBS_SLOTS &&
	       !peer->flight[peer->sent % VERBS_SLOTS].message &&
	       has_room(&peer->qps[peer->sent % verbs->qps]) &&
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

static int post_segment(struct verbs *verbs, struct verbs_peer *peer, struct segment_head *head,
			const uint8_t *data, struct err *err)
{
	uint32_t slot = peer->sent % VERBS_SLOTS, q = peer->sent % verbs->qps;
	struct ibv_sge sge[2] = {
		{ (uintptr_t)head, sizeof(*head), verbs->mr->lkey },
		{ (uintptr_t)data, head->length, verbs->mr->lkey },
	};
	struct ibv_send_wr wr = {
		.wr_id = work_id(WORK_SEGMENT, peer->rank, q, slot, peer->qps[q].posted),
		.sg_list = sge,
		.num_sge = head->length ? 2 : 1,
		.opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = slot,
		.wr.rdma = { peer->slots_address + (uint64_t)slot * verbs->slot_size, peer->rkey },
	}, *bad;

	errno = ibv_post_send(peer->qps[q].qp, &wr, &bad);
	if (errno)
		return err_errno(err, "unable to send to rank %u", peer->rank);
	peer->qps[q].posted++;
	peer->sent++;
	return 0;
}

static int send_segment(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	struct net_message *message = peer->queue;
	uint32_t slot = peer->sent % VERBS_SLOTS;
	struct verbs_flight *flight = &peer->flight[slot];
	struct segment_head *head = &verbs->heads[peer->rank * VERBS_SLOTS + slot];
	uint64_t left = message->size - message->moved;
	uint8_t *data;

	flight->message = message;
	*head = (struct segment_head){
		.number = peer->number,
		.tag = message->tag,
		.size = message->size,
		.at = message->moved,
		.length = left < verbs->segment ? (uint32_t)left : verbs->segment,
		.looked = message->data != NULL,
	};
	data = contents(verbs, flight, head->length);
	message->moved += head->length;
	message->under_way++;
	if (message->moved == message->size) {
		peer->queue = message->next;
		peer->number++;
	}
	return post_segment(verbs, peer, head, data, err);
}

/* Tell PEER which of his segments have been taken in. */
static int send_credit(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	struct verbs_qp *qp = &peer->qps[0];
	uint64_t *source = &verbs->credit_source[peer->rank];
	struct ibv_sge sge = { (uintptr_t)source, sizeof(*source), verbs->mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = work_id(WORK_CREDIT, peer->rank, 0, 0, qp->posted),
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_INLINE |
			      (qp->posted % SIGNAL_EACH ? 0 : (unsigned)IBV_SEND_SIGNALED),
		.wr.rdma = { peer->credit_address, peer->rkey },
	}, *bad;

	*source = peer->released;
	errno = ibv_post_send(qp->qp, &wr, &bad);
	if (errno)
		return err_errno(err, "unable to send to rank %u", peer->rank);
	qp->posted++;
	peer->told = peer->released;
	return 0;
}

static bool owes_credit(const struct verbs_peer *peer)
{
	return peer->released - peer->told >= VERBS_SLOTS / 2;
}

/* Returns how many requests were posted, or -1 with ERR. */
static int send_some(struct verbs *verbs, struct verbs_peer *peer, struct err *err)
{
	int count = 0;

	if (owes_credit(peer) && has_room(&peer->qps[0])) {
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

static void segment_sent(struct verbs *verbs, struct verbs_peer *peer, uint32_t slot)
{
	struct verbs_flight *flight = &peer->flight[slot];
	struct net_message *message = flight->message;

	if (flight->pool >= 0)
		verbs->pool_free[verbs->pool_count++] = flight->pool;
	flight->message = NULL;
	message->under_way--;
	if (!message->under_way && message->moved == message->size)
		inbound_done(&verbs->inbound, message);
}

static int segment_came(struct verbs *verbs, struct verbs_peer *peer, const struct ibv_wc *wc,
			struct err *err)
{
	uint32_t slot = wc->imm_data, q = qp_of(wc->wr_id);
	const struct segment_head *head;

	if (slot >= VERBS_SLOTS || peer->taken[slot])
		return err_set(err, "rank %u writes to slot %u", peer->rank, slot);
	head = (const struct segment_head *)(verbs->slots + ((size_t)peer->rank * VERBS_SLOTS +
							     slot) * verbs->slot_size);
	if (head->length > verbs->segment)
		return err_set(err, "rank %u sends a segment of %u bytes", peer->rank,
			       head->length);
	if (inbound_segment(&verbs->inbound, peer->rank, head, head + 1, err) < 0)
		return -1;
	peer->taken[slot] = true;
	while (peer->taken[peer->released % VERBS_SLOTS]) {
		peer->taken[peer->released % VERBS_SLOTS] = false;
		peer->released++;
	}
	if (owes_credit(peer))
		make_ready(verbs, peer);
	return verbs_expect(verbs, peer, q, err);
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
		segment_sent(verbs, peer, (uint32_t)(wc->wr_id >> 48 & 0xff));
	return 0;
}

static int take_completions(struct verbs *verbs, struct err *err)
{
	struct ibv_wc wc[BATCH];
	int count, total = 0;

	do {
		count = ibv_poll_cq(verbs->cq, BATCH, wc);
		if (count < 0)
			return err_set(err, "the completion queue cannot be polled");
		for (int i = 0; i < count; i++)
			if (completed(verbs, &wc[i], err) < 0)
				return -1;
		total += count;
	} while (count == BATCH && total < 8 * BATCH);
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
	int taken = take_completions(verbs, err);
	int sent = taken < 0 ? -1 : send_ready(verbs, err);

	return sent < 0 ? -1 : taken + sent + inbound_finish(&verbs->inbound);
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
