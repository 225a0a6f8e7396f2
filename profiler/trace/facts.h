/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - what a recorded process did that rules judge (rules.h)
 *
 * Facts are gathered while a file is gone through, and are whole at its end.  Memory is
 * proportional to the objects that there were, not to the calls.
 */
#ifndef TRACE_FACTS_H
#define TRACE_FACTS_H

#include "trace/run.h"

#define FACTS_DRY     4096 /* moments without a receive request that are kept, of a queue pair */
#define FACTS_BUFFERS (1 << 20) /* different ones whose registrations are counted */

/* Something that happened, once or more often: the first time. */
struct fact {
	uint64_t count;
	int64_t time; /* of the first one; on the run's clock */
	uint16_t call;
	uint8_t error; /* errno, or enum ibv_wc_status */
	bool receive;
	uint8_t opcode;
	uint32_t outstanding;
	uint64_t bytes, wr_id, address;
};

/* A receive request came when there was no other one: the MESSAGE-th one of its queue pair
 * had to wait until TIME if it was sent before.
 */
struct fact_dry {
	uint64_t message;
	int64_t time;
};

struct qp_facts {
	uint32_t file, id; /* as struct trace_end has them */
	uint32_t qpn;
	uint8_t type;              /* enum ibv_qp_type */
	const struct trace_qp *qp; /* until the end of the file */
	struct cq_facts *send_cq, *recv_cq;
	uint64_t sends, signaled, receives;
	uint64_t unsignaled_run; /* sends since the latest signaled one */
	struct fact stuck;       /* a full queue without a signaled request */
	struct fact full_send, full_receive, refused;
	struct fact failed; /* completion */
	uint64_t flushed;
	struct fact unaligned;        /* atomic operation */
	struct fact pulled;           /* memory deregistered while a request had it */
	struct fact early;            /* posted in a state that does not take it */
	uint64_t messages, solicited; /* sends that take a receive request; with an event */
	/* of connected queue pairs with a receive queue of their own */
	bool numbered;
	uint64_t next_message;       /* to be received */
	uint32_t outstanding, least; /* receive requests; since it was connected */
	struct fact_dry *dry;        /* owned */
	uint32_t dries;
	/* of the second step */
	bool has_peer;
	uint32_t peer_file, peer_id, path_mtu;
	bool solicited_only; /* its receives are waited for by events of solicited messages */
	struct fact late;    /* messages that found no receive request */
	struct qp_facts *next;
};

struct cq_facts {
	uint64_t object;
	bool destroyed;
	uint32_t cqe;
	uint64_t outstanding, most; /* requests that make a completion */
	struct fact overfull;
	struct fact events; /* taken */
	uint64_t acknowledged;
	/* factwaits.c */
	uint64_t armed, armed_solicited; /* how often */
	bool ready;                      /* it is of queue pairs that are connected */
	uint8_t wait;
	uint32_t wait_thread;
	uint64_t wait_completions; /* of the process, when it was armed */
	int64_t wait_time;
	struct fact late; /* events waited for, without a poll since it was armed */
	struct cq_facts *next;
};

/* A shared receive queue. */
struct srq_facts {
	uint64_t object;
	int64_t empty_since; /* time; 0: it is not empty, or was never in use */
	struct fact dry;     /* it was empty until the next request */
	int64_t longest;     /* ns */
	struct srq_facts *next;
};

enum fact_kind {
	FACT_CONTEXT,
	FACT_PD,
	FACT_XRCD,
	FACT_MR,
	FACT_MW,
	FACT_DM,
	FACT_AH,
	FACT_CHANNEL,
	FACT_CQ,
	FACT_SRQ,
	FACT_KINDS, /* queue pairs are struct qp_facts */
};

/* Objects that were never given back, of one kind. */
struct fact_leak {
	uint64_t count, bytes;
	int64_t time;
	uint16_t call;
};

/* Calls that failed, by call and error. */
struct fact_call {
	uint16_t call;
	int32_t result;
	uint64_t count;
	int64_t time;
	struct fact_call *next;
};

struct facts {
	const struct trace_run *run;
	const struct trace_file *file; /* that these are of */
	uint32_t index;                /* of it */
	struct qp_facts *qps;          /* of this file; owned, in the order they were used */
	struct cq_facts *cqs;          /* owned */
	struct srq_facts *srqs;        /* owned */
	struct fact_call *calls;       /* owned, in the order of the first one */
	struct fact_leak leaks[FACT_KINDS];
	struct fact
		again; /* the buffer that was registered most often: how often, address, bytes */
	int64_t again_duration; /* ns it took */
	struct fact async[32];  /* by enum ibv_event_type */
	struct fact async_taken;
	uint64_t async_acknowledged;
	uint64_t completions, empty_polls;
	uint32_t latest_empty; /* polls of its thread before the latest completion; or 1, unknown */
	int64_t first, last;   /* time */
	struct fact not_inline; /* sends that could have been */
	uint64_t could_inline;  /* sends of queue pairs that can */
};

/* FILE is called at the end of each file.  PAIR is called when all have been gone through,
 * for each queue pair of all files whose peer was recorded: PEER is NULL when it is no
 * queue pair that was used.  -1 ends it, with errno.
 */
struct facts_handler {
	void *arg;
	int (*file)(void *arg, const struct facts *facts);
	int (*pair)(void *arg, const struct trace_run *run, const struct qp_facts *qp,
		    const struct qp_facts *peer);
};

/* Returns 0, or -1 with ERR written. */
int facts_collect(const struct trace_run *run, const struct facts_handler *handler,
		  struct err *err);

#endif
