/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/datagrams.h"
#include "trace/rankshead.h"
#include "trace/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_UD = 4,
	WC_RECV_WITH_IMM = 129,
	ATOMIC_BYTES = 8,
	MULTICAST_QPN = 0xffffff,
};

/* Who moves the data of a request, and who does not see it. */
enum way {
	WAY_NONE, /* no data cross */
	WAY_BOTH, /* the receiver has a completion of its own */
	WAY_OUT,  /* to a peer that does not see it */
	WAY_IN,   /* from such a peer */
	WAY_SWAP, /* both ways, 8 bytes each */
};

static const struct {
	uint8_t way, op;
} ways[] = {
	[0] = { WAY_OUT, RANKOP_WRITE },   /* RDMA_WRITE */
	[1] = { WAY_BOTH, RANKOP_WRITE },  /* RDMA_WRITE_WITH_IMM */
	[2] = { WAY_BOTH, RANKOP_SEND },   /* SEND */
	[3] = { WAY_BOTH, RANKOP_SEND },   /* SEND_WITH_IMM */
	[4] = { WAY_IN, RANKOP_READ },     /* RDMA_READ */
	[5] = { WAY_SWAP, RANKOP_ATOMIC }, /* ATOMIC_CMP_AND_SWP */
	[6] = { WAY_SWAP, RANKOP_ATOMIC }, /* ATOMIC_FETCH_AND_ADD */
	[9] = { WAY_BOTH, RANKOP_SEND },   /* SEND_WITH_INV */
	[10] = { WAY_BOTH, RANKOP_SEND },  /* TSO */
	[15] = { WAY_OUT, RANKOP_WRITE },  /* ATOMIC_WRITE */
};

static enum way way_of(uint8_t opcode)
{
	return opcode < sizeof(ways) / sizeof(*ways) ? ways[opcode].way : WAY_NONE;
}

/* A request as it is counted: who asked for it, and with whom. */
struct message {
	enum way way;
	enum rankop op;
	uint32_t rank;
	int64_t peer; /* rank, -1: none */
	bool multicast;
	const struct trace_address *address;
	uint32_t qpn;      /* of the peer */
	uint32_t from_qpn; /* of datagrams */
	uint64_t bytes;
	int64_t time;
};

/* A send of which there is no completion. */
struct unfinished {
	struct message message;
	struct trace_address to; /* its address points here */
	bool has_number;
	uint64_t number; /* among the messages of its queue pair */
	struct unfinished *before;
};

/* What is known of a queue pair beyond its own file. */
struct flow {
	struct flow_key {
		uint32_t file, qp;
	} key;
	bool resolved;
	uint32_t peer_qpn; /* whom it was connected to when it was resolved */
	int64_t connected;
	const struct trace_end *peer;
	bool has_received;
	uint64_t received;             /* number of the last message */
	struct unfinished *unfinished; /* the latest one first */
	UT_hash_handle hh;
};

struct collector {
	const struct trace_run *run;
	const struct trace_file *file; /* that is gone through */
	struct ranks *ranks;
	struct tally tally;
	struct flow *flows;
	struct datagrams datagrams;
};

/* --- queue pairs --- */

static uint32_t file_index(const struct collector *collector)
{
	return (uint32_t)(collector->file - collector->run->file);
}

static uint32_t rank_of(const struct collector *collector, const struct trace_end *end)
{
	return collector->run->file[end->file].rank;
}

/* NULL: no memory. */
static struct flow *flow_of(struct collector *collector, struct trace_qp *qp)
{
	struct flow *flow = qp->user;

	if (!flow) {
		flow = calloc(1, sizeof(*flow));
		if (!flow)
			return NULL;
		flow->key.file = file_index(collector);
		flow->key.qp = qp->id;
		HASH_ADD(hh, collector->flows, key, sizeof(flow->key), flow);
		qp->user = flow;
	}
	return flow;
}

static struct flow *flow_at(const struct collector *collector, const struct trace_end *end)
{
	const struct flow_key key = { end->file, end->qp };
	struct flow *flow;

	HASH_FIND(hh, collector->flows, &key, sizeof(key), flow);
	return flow;
}

/* The other end of a connected queue pair, or NULL. */
static const struct trace_end *peer_of(const struct collector *collector, const struct trace_qp *qp,
				       struct flow *flow)
{
	if (!flow->resolved || flow->peer_qpn != qp->peer_qpn || flow->connected != qp->connected) {
		flow->peer = trace_run_peer(collector->run, file_index(collector), qp);
		flow->peer_qpn = qp->peer_qpn;
		flow->connected = qp->connected;
		flow->resolved = true;
	}
	return flow->peer;
}

/* --- one message --- */

static struct tally_traffic traffic_of(const struct message *message, bool out, bool in)
{
	return (struct tally_traffic){
		.tx_bytes = out ? message->bytes : 0,
		.tx_messages = out,
		.rx_bytes = in ? message->bytes : 0,
		.rx_messages = in,
		.time = message->time,
	};
}

static int count_message(struct collector *collector, const struct message *message)
{
	const struct tally_traffic traffic =
		traffic_of(message, message->way != WAY_IN,
			   message->way == WAY_IN || message->way == WAY_SWAP);
	const struct tally_traffic back =
		traffic_of(message, message->way == WAY_IN || message->way == WAY_SWAP,
			   message->way != WAY_IN);
	uint32_t peer = (uint32_t)message->peer;

	if (message->peer < 0)
		return tally_elsewhere(&collector->tally, message->rank, message->multicast,
				       message->address, message->qpn, message->op, &traffic);
	if (tally_add(&collector->tally, message->rank, peer, message->op, &traffic) < 0)
		return -1;
	if (message->op == RANKOP_DATAGRAM)
		return datagrams_sent(&collector->datagrams, (uint32_t)message->peer,
				      message->from_qpn, message->bytes);
	if (message->way == WAY_BOTH) /* the peer has counted by itself */
		return 0;
	return tally_add(&collector->tally, peer, message->rank, message->op, &back);
}

/* Fill in whom WORK, a send, is for.  Returns 0, or -1 with errno. */
static int set_peer(struct collector *collector, const struct work *work, struct message *message)
{
	const struct trace_end *end;
	struct flow *flow;

	message->address = &work->to;
	message->qpn = work->to_qpn;
	message->peer = -1;
	if (work->qp->type == QPT_UD) {
		message->op = RANKOP_DATAGRAM;
		message->from_qpn = work->qp->qpn;
		message->multicast = work->to_qpn == MULTICAST_QPN;
		end = message->multicast ? NULL
					 : trace_run_find(collector->run, &work->to, work->to_qpn,
							  work->post_time);
		if (end && datagrams_sender(&collector->datagrams, rank_of(collector, end),
					    work->qp->qpn, message->rank) < 0)
			return -1;
	} else {
		flow = flow_of(collector, work->qp);
		if (!flow)
			return -1;
		end = peer_of(collector, work->qp, flow);
	}
	if (end)
		message->peer = rank_of(collector, end);
	return 0;
}

static int describe(struct collector *collector, const struct work *work, struct message *message)
{
	*message = (struct message){
		.way = way_of(work->opcode),
		.rank = collector->file->rank,
		.bytes = work->bytes,
		.time = work->posted ? work->post_time : work->end_time,
	};
	if (message->way == WAY_NONE)
		return 0;
	message->op = ways[work->opcode].op;
	if (message->way == WAY_SWAP)
		message->bytes = ATOMIC_BYTES;
	return set_peer(collector, work, message);
}

static int fail_message(struct collector *collector, const struct message *message, uint8_t status)
{
	return tally_failed(&collector->tally, message->rank, message->peer, message->op, status,
			    message->bytes);
}

static int send_ended(struct collector *collector, const struct work *work)
{
	struct message message;

	if (!work->posted) {
		collector->ranks->unposted++;
		collector->ranks->rank[collector->file->rank].complete = false;
		return 0;
	}
	if (describe(collector, work, &message) < 0)
		return -1;
	if (message.way == WAY_NONE)
		return 0;
	return work->status ? fail_message(collector, &message, work->status)
			    : count_message(collector, &message);
}

/* --- receives --- */

static int message_came(struct collector *collector, const struct work *work, struct flow *flow)
{
	const struct trace_end *end = peer_of(collector, work->qp, flow);
	const struct tally_traffic traffic = {
		.rx_bytes = work->bytes,
		.rx_messages = 1,
		.time = work->end_time,
	};
	enum rankop op = work->opcode == WC_RECV_WITH_IMM ? RANKOP_WRITE : RANKOP_SEND;

	if (work->has_message) {
		flow->has_received = true;
		flow->received = work->message;
	}
	if (!end)
		return tally_elsewhere(&collector->tally, collector->file->rank, false,
				       &work->qp->peer, work->qp->peer_qpn, op, &traffic);
	return tally_add(&collector->tally, collector->file->rank, rank_of(collector, end), op,
			 &traffic);
}

static int receive_ended(struct collector *collector, const struct work *work)
{
	struct flow *flow;

	if (work->status)
		return 0;
	if (work->qp->type == QPT_UD)
		return datagrams_came(&collector->datagrams, collector->file->rank, work);
	flow = flow_of(collector, work->qp);
	return flow ? message_came(collector, work, flow) : -1;
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)depth;
	return work->receive ? receive_ended(arg, work) : send_ended(arg, work);
}

/* What became of it shows when the peer's file has been gone through. */
static int left(void *arg, const struct work *work)
{
	struct collector *collector = arg;
	struct unfinished *unfinished;
	struct flow *flow;

	if (work->receive || way_of(work->opcode) == WAY_NONE)
		return 0;
	flow = flow_of(collector, work->qp);
	unfinished = flow ? malloc(sizeof(*unfinished)) : NULL;
	if (!unfinished || describe(collector, work, &unfinished->message) < 0) {
		free(unfinished);
		return -1;
	}
	unfinished->to = work->to;
	unfinished->has_number = work->has_message;
	unfinished->number = work->message;
	unfinished->before = flow->unfinished;
	flow->unfinished = unfinished;
	return 0;
}

/* --- files --- */

static int unseen(struct collector *collector, const struct reader_event *event)
{
	const struct vring_name *why = (const struct vring_name *)(event->record + 1);
	char name[sizeof(why->name) + 1] = "";

	if (event->record->more)
		memcpy(name, why->name, sizeof(why->name));
	return ranks_bypass(&collector->ranks->rank[collector->file->rank],
			    *name ? name : reader_call_name(VCALL_UNSEEN));
}

static int event(void *arg, const struct reader_event *event, const struct objects *objects)
{
	(void)objects;
	return event->record->call == VCALL_UNSEEN ? unseen(arg, event) : 0;
}

static int begin(void *arg, const struct trace_file *file)
{
	((struct collector *)arg)->file = file;
	return 0;
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct collector *collector = arg;

	for (uint32_t i = 0; i < objects->qps; i++)
		if (objects->qp[i]->type == QPT_UD &&
		    datagrams_sender(&collector->datagrams, DATAGRAMS_ANYBODY, objects->qp[i]->qpn,
				     file->rank) < 0)
			return -1;
	return 0;
}

/* --- the second step: what only the other files tell --- */

/* Messages of a connection arrive in order: with the last one that was received all
 * before it have come.
 */
static bool has_arrived(struct collector *collector, const struct flow *peer,
			const struct unfinished *unfinished)
{
	if (unfinished->message.op == RANKOP_DATAGRAM)
		return unfinished->message.peer >= 0 &&
		       datagrams_arrived(&collector->datagrams, (uint32_t)unfinished->message.peer,
					 unfinished->message.from_qpn, unfinished->message.bytes);
	return peer && peer->has_received && unfinished->has_number &&
	       peer->received >> 32 == unfinished->number >> 32 &&
	       unfinished->number <= peer->received;
}

static int finish_flow(struct collector *collector, struct flow *flow)
{
	const struct flow *peer = flow->peer ? flow_at(collector, flow->peer) : NULL;
	struct unfinished *unfinished;
	bool arrived = false;
	int rc = 0;

	for (; rc == 0 && (unfinished = flow->unfinished); free(unfinished)) {
		flow->unfinished = unfinished->before;
		unfinished->message.address = &unfinished->to;
		if (!arrived || unfinished->message.op == RANKOP_DATAGRAM)
			arrived = has_arrived(collector, peer, unfinished);
		rc = arrived ? count_message(collector, &unfinished->message)
			     : fail_message(collector, &unfinished->message, TALLY_UNFINISHED);
	}
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int finish(struct collector *collector)
{
	struct ranks *ranks = collector->ranks;
	struct flow *flow;

	for (flow = collector->flows; flow; flow = flow->hh.next)
		if (finish_flow(collector, flow) < 0)
			return -1;
	if (datagrams_finish(&collector->datagrams, &collector->tally) < 0)
		return -1;
	for (uint32_t i = 0; i < ranks->count; i++) {
		struct rankfile *rank = &ranks->rank[i];

		if (!rank->node && ranks_bypass(rank, "a process that was not recorded") < 0)
			return -1;
		if (rank->nbypass)
			qsort(rank->bypass, rank->nbypass, sizeof(*rank->bypass), compare_names);
	}
	return tally_finish(&collector->tally, ranks->rank);
}

static void release(struct collector *collector)
{
	struct unfinished *unfinished;
	struct flow *flow, *next;

	HASH_ITER (hh, collector->flows, flow, next) {
		HASH_DEL(collector->flows, flow);
		for (; (unfinished = flow->unfinished); free(unfinished))
			flow->unfinished = unfinished->before;
		free(flow);
	}
	datagrams_release(&collector->datagrams);
	tally_release(&collector->tally);
}

int ranks_collect(struct ranks *ranks, const struct trace_run *run, struct err *err)
{
	struct ranks made = { 0 };
	struct collector collector = { .run = run, .ranks = &made };
	const struct trace_handler handler = {
		.arg = &collector,
		.event = event,
		.match = { .ended = ended, .left = left },
		.begin = begin,
		.end = end,
	};
	int rc = 0;

	if (ranks_make(&made, run) < 0 || tally_init(&collector.tally, made.count) < 0)
		rc = errno == E2BIG ? err_set(err, "'%s': more than %u ranks", run->path, RANKS_MAX)
				    : err_errno(err, "'%s'", run->path);
	if (rc == 0)
		rc = trace_run_walk_all(run, &handler, err);
	if (rc == 0 && finish(&collector) < 0)
		rc = err_errno(err, "'%s'", run->path);
	release(&collector);
	if (rc == 0)
		*ranks = made;
	else
		ranks_release(&made);
	return rc;
}

void ranks_release(struct ranks *ranks)
{
	for (uint32_t i = 0; i < ranks->count; i++)
		rankfile_release(&ranks->rank[i]);
	free(ranks->rank);
	*ranks = (struct ranks){ 0 };
}
