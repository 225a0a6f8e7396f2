/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include "rendezvous.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY     "verbs"
#define TIMEOUT 14 /* 4.096 us * 2^14 = 67 ms */

/* What a rank says of itself, behind it the numbers of its queue pairs by rank. */
struct card {
	uint64_t slots, credits; /* addresses */
	uint32_t qps, segment, slots_each, rails;
	struct verbs_far rail[DEVICES_EACH];
	uint32_t qpn[]; /* [size][qps + 1] */
};

static size_t card_size(const struct verbs *verbs)
{
	return sizeof(struct card) +
	       (size_t)verbs->net.size * verbs_queues(verbs) * sizeof(uint32_t);
}

static int to_init(const struct verbs_rail *rail, struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = rail->port_number,
		.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE,
	};

	return ibv_modify_qp(qp, &attr,
			     IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static int make_qp(struct verbs *verbs, struct verbs_peer *peer, uint32_t q, struct err *err)
{
	const struct verbs_rail *rail = verbs_rail(verbs, q);
	struct verbs_qp *qp = &peer->qps[q];
	struct ibv_qp_init_attr attr = {
		.send_cq = rail->cq,
		.recv_cq = rail->cq,
		.cap = { .max_send_wr = verbs_depth(verbs, q),
			 .max_recv_wr = verbs_receives(verbs, q),
			 .max_send_sge = 2,
			 .max_recv_sge = 1,
			 .max_inline_data = sizeof(uint64_t) },
		.qp_type = IBV_QPT_RC,
	};

	qp->lkey = rail->mr->lkey;
	qp->qp = ibv_create_qp(rail->pd, &attr);
	if (!qp->qp || (errno = to_init(rail, qp->qp)))
		return err_errno(err, "no queue pair for rank %u", peer->rank);
	qp->owed = verbs_receives(verbs, q);
	return qp->owed ? verbs_expect(peer, q, err) : 0;
}

static int make_all(struct verbs *verbs, struct err *err)
{
	for (uint32_t i = 0; i < verbs->net.size; i++)
		for (uint32_t q = 0; i != verbs->net.rank && q < verbs_queues(verbs); q++)
			if (make_qp(verbs, &verbs->peers[i], q, err) < 0)
				return -1;
	return 0;
}

/* What PEER has, as his card says. */
static void take_rails(struct verbs_peer *peer, const struct card *card)
{
	peer->far_count = card->rails;
	memcpy(peer->far, card->rail, sizeof(peer->far));
}

static int put_card(struct verbs *verbs, struct err *err)
{
	struct card *card = calloc(1, card_size(verbs));
	int rc;

	if (!card)
		return err_errno(err, "no room for %u ranks", verbs->net.size);
	*card = (struct card){
		.slots = (uint64_t)(uintptr_t)verbs->slots,
		.credits = (uint64_t)(uintptr_t)verbs->credits,
		.qps = verbs->qps,
		.segment = verbs->segment,
		.slots_each = verbs->slot_count,
		.rails = verbs->rail_count,
	};
	for (uint32_t i = 0; i < verbs->rail_count; i++) {
		const struct verbs_rail *rail = &verbs->rails[i];

		card->rail[i] = (struct verbs_far){ .gid = rail->gid,
						    .rkey = rail->mr->rkey,
						    .lid = rail->port.lid,
						    .mtu = rail->mtu };
	}
	take_rails(&verbs->peers[verbs->net.rank], card);
	for (uint32_t i = 0; i < verbs->net.size; i++)
		for (uint32_t q = 0; i != verbs->net.rank && q < verbs_queues(verbs); q++)
			card->qpn[i * verbs_queues(verbs) + q] = verbs->peers[i].qps[q].qp->qp_num;
	rc = rendezvous_put(verbs->settings->rendezvous, KEY, card, card_size(verbs), err);
	free(card);
	return rc;
}

static enum ibv_mtu mtu_value(uint32_t bytes)
{
	enum ibv_mtu mtu = IBV_MTU_256;

	while (mtu < IBV_MTU_4096 && 128u << mtu < bytes)
		mtu++;
	return mtu;
}

/* 0 as the value of an option means the default. */
static uint8_t or_default(uint8_t value, uint8_t other)
{
	return value ? value : other;
}

/* Connect QP, which is on RAIL, to number QPN on FAR. */
static int to_ready(const struct net_settings *settings, const struct verbs_rail *rail,
		    struct ibv_qp *qp, uint32_t qpn, const struct verbs_far *far)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = mtu_value(far->mtu < rail->mtu ? far->mtu : rail->mtu),
		.dest_qp_num = qpn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .dlid = (uint16_t)far->lid,
			     .sl = settings->service_level,
			     .port_num = rail->port_number,
			     .is_global = rail->global,
			     .grh = { .dgid = far->gid,
				      .sgid_index = (uint8_t)rail->gid_index,
				      .hop_limit = 64,
				      .traffic_class = settings->traffic_class } },
	};
	int rc = ibv_modify_qp(qp, &attr,
			       IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				       IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				       IBV_QP_MIN_RNR_TIMER);

	if (rc)
		return rc;
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = or_default(settings->timeout, TIMEOUT),
		.retry_cnt = settings->has_retry ? settings->retry : 7,
		.rnr_retry = or_default(settings->rnr_retry, 7),
		.max_rd_atomic = 1,
	};
	return ibv_modify_qp(qp, &attr,
			     IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

static int check_card(const struct verbs *verbs, const struct card *card, long size, uint32_t rank,
		      struct err *err)
{
	if ((size_t)size < sizeof(*card) || !card->rails || card->rails > DEVICES_EACH)
		return err_set(err, "rank %u is of another version", rank);
	if (card->qps != verbs->qps)
		return err_set(err,
			       "rank %u has %u queue pairs for each peer, this one %u: what "
			       "--num_qps says holds for all",
			       rank, card->qps, verbs->qps);
	if ((size_t)size != card_size(verbs) || verbs->qps % card->rails)
		return err_set(err, "rank %u is of another version", rank);
	if (card->segment != verbs->segment)
		return err_set(err, "rank %u sends %u bytes at a time, this one %u", rank,
			       card->segment, verbs->segment);
	if (card->slots_each != verbs->slot_count)
		return err_set(err, "rank %u has %u slots for each rank, this one %u", rank,
			       card->slots_each, verbs->slot_count);
	return 0;
}

/* Queue pairs between the same rails come again after so many. */
static uint32_t count_ways(const struct verbs *verbs, const struct verbs_peer *peer)
{
	uint32_t ways = verbs->rail_count;

	while (ways % peer->far_count)
		ways += verbs->rail_count;
	return ways;
}

static int connect_qp(struct verbs *verbs, struct verbs_peer *peer, uint32_t q,
		      const struct card *card, struct err *err)
{
	const struct verbs_far *far = &peer->far[q == verbs->qps ? 0 : q % peer->far_count];
	uint32_t qpn = card->qpn[verbs->net.rank * verbs_queues(verbs) + q];

	peer->qps[q].rkey = far->rkey;
	errno = to_ready(verbs->settings, verbs_rail(verbs, q), peer->qps[q].qp, qpn, far);
	return errno ? err_errno(err, "unable to connect to rank %u", peer->rank) : 0;
}

static int connect_one(struct verbs *verbs, struct verbs_peer *peer, struct card *card, int wait_ms,
		       struct err *err)
{
	uint32_t own = verbs->net.rank;
	long size = rendezvous_get(verbs->settings->rendezvous, peer->rank, KEY, card,
				   RENDEZVOUS_VALUE, wait_ms, err);

	if (size < 0 || check_card(verbs, card, size, peer->rank, err) < 0)
		return -1;
	take_rails(peer, card);
	peer->ways = count_ways(verbs, peer);
	peer->slots_address = card->slots + own * verbs->peer_size;
	peer->credit_address = card->credits + own * sizeof(uint64_t);
	for (uint32_t q = 0; q < verbs_queues(verbs); q++)
		if (connect_qp(verbs, peer, q, card, err) < 0)
			return -1;
	return 0;
}

int verbs_connect(struct verbs *verbs, struct err *err)
{
	struct rendezvous *rdv = verbs->settings->rendezvous;
	int wait_ms = verbs->settings->wait_ms ? verbs->settings->wait_ms : RENDEZVOUS_WAIT_MS;
	struct card *card;
	int rc = 0;

	if (card_size(verbs) > RENDEZVOUS_VALUE)
		return err_set(err, "%u ranks with %u queue pairs each are too many",
			       verbs->net.size, verbs->qps);
	if (make_all(verbs, err) < 0 || put_card(verbs, err) < 0 ||
	    rendezvous_fence(rdv, "addresses", wait_ms, err) < 0)
		return -1;
	card = malloc(RENDEZVOUS_VALUE);
	if (!card)
		return err_errno(err, "no room for %u ranks", verbs->net.size);
	for (uint32_t i = 0; rc == 0 && i < verbs->net.size; i++)
		if (i != verbs->net.rank)
			rc = connect_one(verbs, &verbs->peers[i], card, wait_ms, err);
	free(card);
	/* nobody writes to one that is not connected */
	return rc < 0 ? -1 : rendezvous_barrier(rdv, "queue pairs", wait_ms, err);
}
