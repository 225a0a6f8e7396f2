/* SPDX-License-Identifier: Apache-2.0 */
/* devlib.h - a fabric of its own for a test, and queue pairs on it
 *
 * A lab is a fabric in a directory that the test makes and removes.  A process
 * joins it as a host; an end is a queue pair with all that belongs to it and a
 * piece of memory.  All functions fail the running cmocka test when something
 * goes wrong; in a child they end it with status 1.
 */
#ifndef TESTS_DEVICE_DEVLIB_H
#define TESTS_DEVICE_DEVLIB_H

#include "device/context.h"
#include "device/cq.h"
#include "device/memory.h"
#include "device/progress.h"
#include "device/qp.h"

#include <stdbool.h>
#include <sys/types.h>

#define ALL_ACCESS                                                                              \
	(ACCESS_LOCAL_WRITE | ACCESS_REMOTE_WRITE | ACCESS_REMOTE_READ | ACCESS_REMOTE_ATOMIC | \
	 ACCESS_MW_BIND)

struct lab {
	char dir[64];   /* of the test */
	char path[128]; /* of the fabric */
};

/* A fabric of NODES nodes with SETTINGS (as of --netemu). */
void lab_open(struct lab *lab, const char *settings, uint32_t nodes);
/* Also after a test has failed; what it had joined is left. */
void lab_close(struct lab *lab);

/* TEST with each way to carry operations, from SET_UP to TEAR_DOWN. */
#define BY_EACH_TRANSPORT(test, set_up, tear_down)       \
	BY_TRANSPORT(test, "direct", set_up, tear_down), \
		BY_TRANSPORT(test, "queue", set_up, tear_down)
#define BY_TRANSPORT(test, how, set_up, tear_down)                                         \
	{                                                                                  \
		.name = #test " (" how ")", .test_func = (test), .setup_func = (set_up),   \
		.teardown_func = (tear_down), .initial_state = (void *)("transport=" how), \
	}

#define HOST_DEVICES 4

struct host {
	struct fabric fabric;
	struct context context; /* of the node's first device */
	struct pd pd;
	struct {
		struct context context;
		struct pd pd;
	} more[HOST_DEVICES]; /* of others, when they are open; 0: not used */
};

void host_join(struct host *host, const struct lab *lab, uint32_t node);
/* The node's device with INDEX too; end_options.device asks for it. */
void host_open(struct host *host, uint32_t index);
void host_leave(struct host *host); /* nothing when it has not joined */

struct end_options {
	enum qp_type type;
	uint32_t size;   /* bytes of memory; 0: 1 MiB */
	uint32_t device; /* of the node's; 0: the first */
	bool srq;
	struct srq *other_srq; /* not NULL: another end's, instead of one of its own */
	struct xrcd *xrcd;
	uint32_t access, mr_access; /* 0: all */
	uint32_t timeout, retry_count, rnr_retry, min_rnr_timer;
	uint32_t max_rd_atomic; /* 0: 4; UINT32_MAX: none */
	bool unsignaled;        /* requests ask for completions by their flags */
	uint32_t depth;         /* 0: 64 */
};

struct end {
	struct host *host;
	struct context *context;
	struct pd *pd;
	struct cq send_cq, recv_cq;
	struct srq srq;
	struct qp qp;
	struct mr mr;
	char *memory;
	uint32_t size;
	struct end_options options;
};

/* What the other side has to know. */
struct address {
	uint32_t device, qpn, rkey, srqn;
	uint64_t memory;
};

void end_create(struct end *end, struct host *host, const struct end_options *options);
/* Ready to receive from TO. */
void end_listen(struct end *end, const struct address *to);
/* Connected with TO and ready to send (a datagram QP: TO may be NULL). */
void end_connect(struct end *end, const struct address *to);
void end_destroy(struct end *end);
struct address end_address(const struct end *end);

struct request {
	enum wr_opcode opcode;
	uint32_t flags;
	uint64_t offset; /* in own memory */
	uint32_t length;
	uint32_t piece, stride; /* SGEs of PIECE bytes, STRIDE apart; 0: one */
	uint32_t lkey;          /* 0: the right one */
	uint64_t remote;        /* offset in the other's memory */
	uint32_t rkey;          /* 0: the right one */
	uint32_t imm;
	uint64_t compare_add, swap;
	uint32_t qkey;                  /* datagrams */
	const struct shared_path *path; /* datagrams; NULL: to the address */
	uint64_t wr_id;
};

void end_send(struct end *end, const struct address *to, const struct request *request);
/* COUNT of them, posted together. */
void end_send_all(struct end *end, const struct address *to, const struct request *requests,
		  uint32_t count);
void end_receive(struct end *end, uint64_t wr_id, uint64_t offset, uint32_t length);
/* Into SGEs of PIECE bytes, STRIDE apart. */
void end_receive_pieces(struct end *end, uint64_t wr_id, uint64_t offset, uint32_t length,
			uint32_t piece, uint32_t stride);

/* The next completion of CQ; fails when there is none for 60 s. */
struct shared_cqe cq_next(struct cq *cq);
/* None is there now. */
void cq_empty(struct cq *cq);
uint32_t end_state(const struct end *end);
/* The next asynchronous event's type and element. */
enum event_type next_event(struct host *host, uint64_t *handle);
void no_event(struct host *host);

/* A child that runs BODY(ARG) and ends; its status is 0 when all went well. */
pid_t child_run(void (*body)(void *arg), void *arg);
void child_wait(pid_t pid);

/* Memory that children share with the test. */
void *share(size_t size);

#endif
