/* SPDX-License-Identifier: Apache-2.0 */
/* trafficlib.h - what queue pairs of several processes send each other, and whether
 * it has come
 *
 * A flow is one queue pair that sends to another.  What it sends is drawn from a
 * stream of random numbers, so both sides know it: operations of all kinds that
 * its type has, of all lengths, inline and from several SGEs.  Each payload says
 * whose it is, its number and a checksum.  Both sides keep a copy of their memory as it should
 * be; in the end all of it is compared.
 */
#ifndef TESTS_TRAFFICLIB_H
#define TESTS_TRAFFICLIB_H

#include "devlib.h"
#include "random.h"

#define TRAFFIC_MTU     1024
#define TRAFFIC_WINDOWS 24
#define TRAFFIC_TIMEOUT 8 /* of queue pairs: 1 ms */

/* A message. */
struct item {
	enum wr_opcode opcode;
	uint32_t flags;
	uint32_t length;
	uint32_t piece, stride; /* SGEs of its source */
	uint64_t remote;        /* offset in the target's memory */
	uint64_t compare_add, swap;
	uint64_t original; /* what an atomic finds */
	uint32_t window;   /* + 1: is closed by it, or it goes through that; 0: none */
};

struct flow {
	/* what is asked for */
	enum qp_type type;
	uint32_t from, to;               /* members */
	uint32_t from_device, to_device; /* of their nodes */
	uint32_t messages;
	uint32_t receives;         /* requests that wait at the target */
	bool paced;                /* never sends what no receive request waits for */
	bool srq;                  /* the target has a shared receive queue */
	const struct flow *shares; /* not NULL: that of this flow, at the same member */

	/* what becomes of it */
	uint32_t number;
	struct item *item;
	struct address source, target;
	uint32_t key[TRAFFIC_WINDOWS];
	uint8_t *arrived; /* how often each has: what takes a receive, and writes of UC */
	_Atomic uint32_t received;
	_Atomic uint32_t done; /* bool: all has been sent, and has arrived or is lost */
};

/* Several processes; in memory that they share. */
struct crowd {
	struct lab lab;
	uint32_t members, flows;
	uint64_t seed;
	_Atomic uint32_t here, failed;
	/* Not NULL: called by member 0 before all begin; when all has come and all are
	 * still there.
	 */
	void (*begin)(struct crowd *crowd, struct host *host);
	void (*check)(struct crowd *crowd, struct host *host);
	struct flow flow[];
};

struct crowd *crowd_create(uint32_t members, uint32_t flows);
/* Draw what flows send, run all members as processes; fails when one of them does. */
void crowd_run(struct crowd *crowd);
void crowd_destroy(struct crowd *crowd);

/* In a member: ends it, and then all others, when not OK. */
void crowd_need(struct crowd *crowd, bool ok, const char *what, uint32_t flow, uint64_t number);

static inline bool flow_reliable(const struct flow *flow)
{
	return flow->type == QP_RC || flow->type == QP_XRC_SEND;
}

/* Does it take a receive request? */
static inline bool item_receives(const struct item *item)
{
	return item->opcode == WR_SEND || item->opcode == WR_SEND_WITH_IMM ||
	       item->opcode == WR_SEND_WITH_INV || item->opcode == WR_RDMA_WRITE_WITH_IMM;
}

static inline bool item_writes(const struct item *item)
{
	return item->opcode == WR_RDMA_WRITE || item->opcode == WR_RDMA_WRITE_WITH_IMM;
}

static inline bool item_is_atomic(const struct item *item)
{
	return item->opcode == WR_ATOMIC_FETCH_AND_ADD || item->opcode == WR_ATOMIC_CMP_AND_SWP;
}

#endif
