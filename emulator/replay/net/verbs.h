/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h - the parts of the network that goes over an RDMA device
 *
 * Between each two ranks stand `queue_pairs` reliable connections, and one for credits, which
 * would wait behind segments else.  A rank has one device or several, its rails: its queue pairs
 * are on them in turn, that of credits on the first.  A segment is an RDMA write with immediate
 * into one of the slots that its receiver keeps for this peer, its head in front.  There are enough
 * of them for what a fast network has on its way; but who sends takes the one that he has got back
 * last, so that where the way is short few are in use, and those in the cache.
 *
 * Segments have turns, of which there are as many as slots; the immediate says turn and slot.  They
 * are taken in by turns and so given back: the receiver says how many he has taken in in the
 * head of what he sends himself, or else writes it into a word of the sender's.  So memory is
 * bounded, nothing is ever refused (no RNR), and an arrival needs no receive to be taken in.
 *
 * Of a message that nobody looks at only the first segment has a head and a slot.  The others all
 * go to the same place, behind the slots, which has room for longer ones.
 *
 * Segments go by the queue pairs in turn.  Over several rails a message is cut evenly, so that
 * each of them carries as much of it as the others.
 */
#ifndef NET_VERBS_H
#define NET_VERBS_H

#include "net/devices.h"
#include "net/inbound.h"

#include <infiniband/verbs.h>

#define VERBS_SLOTS       64  /* for each peer at most, with the memory there is */
#define VERBS_SLOTS_ALL   512 /* and for all: queue pairs have memory as well */
#define VERBS_SLOTS_LEAST 8
#define VERBS_CREDITS     16 /* under way to a peer */
#define VERBS_EXPECT_EACH 4  /* receives are posted so many at a time */
#define VERBS_QPS         16
#define VERBS_SEGMENT     (128u << 10) /* bytes of contents, when nobody says otherwise */
#define VERBS_SEGMENT_MIN 4096u
#define VERBS_POOL        32 /* segments with contents under way to all peers */
/* A head is the end of its page: what is copied page by page lies as it does here. */
#define VERBS_PAGE 4096u
#define VERBS_LONG 4     /* segments, that those without a head are as long as */
#define VERBS_NONE 0xffu /* no slot */

/* The immediate.  What has no slot has no head and is of the message before. */
static inline uint32_t verbs_immediate(uint32_t turn, uint32_t slot)
{
	return slot << 8 | turn;
}

struct verbs_head {
	uint64_t released; /* turns that the sender has taken in */
	struct segment_head segment;
};

/* A segment under way: from posting until its completion. */
struct verbs_flight {
	struct net_message *message; /* NULL: free */
	int pool;                    /* of its contents, -1: none */
};

/* A device that this rank uses, and its port. */
struct verbs_rail {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_mr *mr; /* of all memory */
	struct ibv_port_attr port;
	union ibv_gid gid;
	uint8_t port_number;
	bool global;
	uint32_t gid_index, mtu;
	int max_cqe;
};

/* One of another rank. */
struct verbs_far {
	union ibv_gid gid;
	uint32_t rkey, lid, mtu;
};

struct verbs_qp {
	struct ibv_qp *qp;
	uint32_t lkey, rkey;        /* of the memories of both sides, for the devices it is on */
	uint32_t posted, completed; /* work requests; those whose slots are free again */
	uint32_t owed;              /* receives that are to be posted */
};

struct verbs_peer {
	uint32_t rank;
	bool queued;                             /* in verbs->ready */
	struct net_message *queue, *queue_end;   /* sends that have not been posted whole */
	uint64_t number;                         /* of the message in front */
	uint64_t sent, gone;                     /* segments posted; of those by one queue pair
						    that have come */
	struct verbs_flight flight[VERBS_SLOTS]; /* by turn */
	struct verbs_qp qps[VERBS_QPS + 1];      /* behind those of segments that of credits */
	/* where he takes segments of this rank */
	uint64_t slots_address, credit_address;
	uint64_t credit, returned; /* turns he says he has taken in; of those ours again */
	uint8_t slot_of[VERBS_SLOTS], unused[VERBS_SLOTS], unused_count; /* by turn; a stack */
	struct verbs_far far[DEVICES_EACH]; /* what he has; also of this rank itself */
	uint32_t far_count;
	uint32_t ways; /* that segments go between the rails of both, 1 .. qps */
	/* what has come from him */
	uint64_t released, told; /* turns taken in; that he knows of */
	struct {
		bool arrived; /* but is not taken in */
		uint8_t slot;
	} turns[VERBS_SLOTS];
	struct segment_head last; /* that was taken in */
};

struct verbs {
	struct net net;
	struct inbound inbound;
	struct verbs_rail rails[DEVICES_EACH];
	uint32_t rail_count;
	char over[DEVICES_EACH * 72]; /* of net.over */
	uint32_t qps, segment;
	uint32_t slot_count;         /* for each peer, VERBS_SLOTS_LEAST .. VERBS_SLOTS */
	size_t slot_size, peer_size; /* of a slot; of all of a peer and where the others go */
	const struct net_settings *settings; /* while it is made */
	struct verbs_peer *peers;            /* [size] */
	uint32_t *ready, ready_count;        /* [size] ranks with something to post */
	uint32_t *waiting, waiting_count;    /* [size] ranks without a free slot */
	/* one registered region, in this order */
	uint8_t *memory;
	size_t memory_size;
	uint8_t *slots;             /* [size][slot_count + VERBS_LONG] of slot_size */
	volatile uint64_t *credits; /* [size], written by the peers */
	uint64_t *credit_source;    /* [size], what is written to them */
	struct verbs_head *heads;   /* [size][VERBS_SLOTS] */
	uint8_t *pool;              /* [VERBS_POOL] of segment, the first VERBS_LONG for what
				       nobody looks at */
	int pool_free[VERBS_POOL], pool_count;
};

/* What a completion belongs to: SEQUENCE counts the requests of a queue pair. */
enum verbs_work { WORK_SEGMENT, WORK_CREDIT, WORK_RECEIVE };
static inline uint64_t work_id(enum verbs_work work, uint32_t peer, uint32_t qp, uint32_t slot,
			       uint32_t sequence)
{
	return (uint64_t)work << 62 | (uint64_t)qp << 56 | (uint64_t)slot << 48 |
	       (uint64_t)(uint16_t)sequence << 32 | peer;
}

/* Queue pairs for each peer: those of segments and that of credits. */
static inline uint32_t verbs_queues(const struct verbs *verbs)
{
	return verbs->qps + 1;
}

/* Requests that queue pair Q takes: each segment under way has a slot. */
static inline uint32_t verbs_depth(const struct verbs *verbs, uint32_t q)
{
	return q == verbs->qps ? VERBS_CREDITS : verbs->slot_count;
}

/* Receives that it has: for a segment in each slot, and those that are not yet posted again. */
static inline uint32_t verbs_receives(const struct verbs *verbs, uint32_t q)
{
	return q == verbs->qps ? 0 : verbs->slot_count + VERBS_EXPECT_EACH;
}

/* The rail of queue pair Q. */
static inline struct verbs_rail *verbs_rail(struct verbs *verbs, uint32_t q)
{
	return &verbs->rails[q == verbs->qps ? 0 : q % verbs->rail_count];
}

/* Open the devices and ports of the settings.  -1 with ERR, and what there is is closed by
 * verbs_close().
 */
int verbs_open_rails(struct verbs *verbs, struct err *err);
/* A completion queue of ENTRIES on each of them, and the memory for them.  The same. */
int verbs_equip_rails(struct verbs *verbs, uint64_t entries, struct err *err);
void verbs_close_rails(struct verbs *verbs);

/* Open them, and what belongs to no peer.  -1 with ERR. */
int verbs_open(struct verbs *verbs, struct err *err);
/* Make queue pairs and connect them; all ranks together.  -1 with ERR. */
int verbs_connect(struct verbs *verbs, struct err *err);
void verbs_close(struct verbs *verbs);

/* Where the head of SLOT is from the first on, and what of it is contents.  Behind the
 * slots are those of messages that nobody looks at.
 */
static inline size_t verbs_head_at(const struct verbs *verbs, uint32_t slot)
{
	return slot * verbs->slot_size + VERBS_PAGE - sizeof(struct verbs_head);
}
static inline size_t verbs_data_at(const struct verbs *verbs, uint32_t slot)
{
	return slot * verbs->slot_size + VERBS_PAGE;
}

/* Post the receives that are owed, each for one write with immediate.  -1 with ERR. */
int verbs_expect(struct verbs_peer *peer, uint32_t qp, struct err *err);

#endif
