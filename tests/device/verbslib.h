/* SPDX-License-Identifier: Apache-2.0 */
/* verbslib.h - two queue pairs of one process, by either interface of the verbs */
#ifndef TESTS_DEVICE_VERBSLIB_H
#define TESTS_DEVICE_VERBSLIB_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define SIZE   4096
#define DEPTH  16
#define SGES   2
#define INLINE 64
#define GRH    40
#define QKEY   0x1234

enum api {
	PLAIN,
	EXTENDED,
};

/* Two queue pairs of this process that are connected with each other: A sends to B. */
struct two {
	enum ibv_qp_type type;
	enum api api;
	struct ibv_comp_channel *channel;
	struct ibv_cq *send_cq, *recv_cq; /* of both */
	struct ibv_qp *a, *b;
	struct ibv_ah *ah; /* datagrams: to B */
};

extern struct ibv_context *context;
extern struct ibv_pd *pd;
extern struct ibv_mr *mr; /* of `memory`, of which `to` is the second half */
extern char from[SIZE], *to, memory[2 * SIZE];

/* For cmocka: open the device, register the memory. */
int open_all(void **state);
int close_all(void **state);

/* `memory` and `from` have a pattern then, and `to` is 0. */
void two_create(struct two *t, enum ibv_qp_type type, enum api api);
void two_destroy(struct two *t);

/* One more, in RESET; SRQ may be NULL. */
struct ibv_qp *create_qp(const struct two *t, struct ibv_srq *srq);
void connect_to(struct ibv_qp *qp, uint32_t peer);

/* Post WR on A. */
int post(struct two *t, struct ibv_send_wr *wr);
/* Write 8 bytes. */
int write_some(struct two *t, uint64_t wr_id, int flags);
/* LENGTH bytes of `to`. */
void post_receive(struct ibv_qp *qp, uint64_t wr_id, uint32_t length);

/* One completion, if there is one: how many. */
int poll_once(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc);
/* One completion; what has to be waited for is waited for, but not for ever. */
void poll_one(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc);

int64_t clock_of(clockid_t clock);

#endif
