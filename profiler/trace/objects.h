/* SPDX-License-Identifier: Apache-2.0 */
/* objects.h - the verbs objects of a process, as its recorded calls make them
 *
 * Control calls are taken one after the other; at each moment a number of a queue
 * pair means the one that has it then.  What was destroyed stays, so that it can be
 * reported at the end: an object is its place in the table.
 */
#ifndef TRACE_OBJECTS_H
#define TRACE_OBJECTS_H

#include "trace/reader.h"

#include <stdbool.h>
#include <stdint.h>

#define OBJECTS_NONE UINT32_MAX

/* The address of a port, as peers name it. */
struct trace_address {
	uint16_t lid;
	bool has_gid;
	uint8_t gid[16];
};

struct trace_port {
	uint16_t lid;
	uint8_t gids; /* in use */
	uint8_t number;
	uint8_t link_layer;
	struct {
		uint16_t index;
		uint8_t raw[16];
	} gid[32];
};

struct trace_context {
	uint64_t object; /* address in the process */
	uint8_t number;
	char device[64]; /* "" = not known */
	uint64_t guid;
	struct trace_port *port; /* owned */
	uint32_t ports;
	bool closed;
};

struct trace_qp {
	uint64_t object;
	uint32_t id; /* the same each time the file is gone through (OBJECTS_BY_DATA) */
	uint32_t qpn;
	uint8_t context; /* number */
	uint8_t type;    /* enum ibv_qp_type */
	uint8_t state;   /* enum ibv_qp_state, as it was last asked for */
	uint8_t port;    /* 0 = not known */
	bool sig_all, destroyed;
	bool known;  /* false: its creation was not recorded, its number was met */
	bool opened; /* made by another process, which may use it too */
	uint64_t send_cq, recv_cq, srq, pd;
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline;
	uint32_t timeout, retry_count, rnr_retry, path_mtu;
	struct trace_address peer; /* connected ones, from RTR on */
	uint32_t peer_qpn;
	/* ns: when the call that made it returned; when it was first asked to be ready to
	 * receive; when the call that destroyed it began.  0 = not seen.
	 */
	int64_t created, connected, ended;
	void *user;               /* of who goes through the trace */
	struct match_pair *match; /* match.c's */
};

/* Numbers of queue pairs that only the data path names begin here: who reads control calls
 * alone does not meet them.
 */
#define OBJECTS_BY_DATA 0x80000000U

/* A program may register as often as it sends: the place of a freed one is used again. */
struct trace_mr {
	uint64_t object, address, length;
	uint32_t lkey, rkey, access;
	uint8_t context;
	bool freed;
	int64_t created;
};

struct objects {
	struct trace_context *context; /* owned, as the others */
	uint32_t contexts;
	struct trace_qp **qp; /* each stays where it is */
	uint32_t qps;
	struct trace_mr *mr;
	uint32_t mrs;
	uint64_t registrations;               /* ever made */
	uint64_t registered, registered_most; /* bytes, now and at most */
	/* The queue pair that the latest event has made, changed or destroyed, or NULL. */
	struct trace_qp *changed;
	struct objects_index *index; /* who is who at this moment */
};

int objects_init(struct objects *objects); /* 0, or -1 with errno */
void objects_release(struct objects *objects);

/* Follow one event; events of the data path change nothing.  Returns 0, or -1 with
 * errno (no memory).
 */
int objects_follow(struct objects *objects, const struct reader_event *event);

/* Who has QPN in the context CONTEXT (a number) now, as an event of the data path names it;
 * unknown ones are entered with known = false.  NULL only with errno ENOMEM.
 */
struct trace_qp *objects_qp(struct objects *objects, uint8_t context, uint32_t qpn);

/* NULL when there is none. */
struct trace_context *objects_context(const struct objects *objects, uint8_t number);
struct trace_port *objects_port(const struct objects *objects, uint8_t context, uint8_t port);

/* Of an address handle that lives now.  Returns false when it is not known. */
bool objects_ah(const struct objects *objects, uint64_t ah, struct trace_address *address);

#endif
