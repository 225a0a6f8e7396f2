/* SPDX-License-Identifier: Apache-2.0 */
/* ringlib.h - files of records as a test wants them
 *
 * Nothing of libnettrace.so is in it: lib/vring.h says what a file looks like.  Times are
 * ns of CLOCK_MONOTONIC; a record without one gets the next multiple of RING_STEP.
 */
#ifndef NETEMU_TESTS_RINGLIB_H
#define NETEMU_TESTS_RINGLIB_H

#include "vring.h"

#include <stddef.h>

#define RING_STEP     10
#define RING_BEGIN    1000000               /* ns of CLOCK_MONOTONIC */
#define RING_REALTIME 1700000000000000000LL /* at that moment */

enum { /* series that each ring has */
       RING_CALLS,
       RING_MEMORY,
       RING_THREAD, /* 100 */
       RING_OTHER,  /* thread 101 */
       RING_SERIES,
};

struct ring_series {
	uint32_t kind, thread;
	uint64_t first;              /* records that were overwritten */
	struct vring_record *record; /* owned */
	size_t count, room;
};

struct ring {
	struct vring_header header;
	uint64_t now;
	uint32_t per_extent; /* records; at most VRING_RECORDS */
	struct ring_series series[RING_SERIES];
};

void ring_init(struct ring *ring);
void ring_release(struct ring *ring);

/* Add RECORD and the COUNT - 1 that follow it in memory. */
void ring_put(struct ring *ring, int series, const void *record, size_t count);

/* One record of the type TYPE into SERIES. */
#define RING_PUT(ring, series, type, ...) ring_put(ring, series, &(struct type){ __VA_ARGS__ }, 1)
#define RING_SEND(ring, ...)                                                                       \
	RING_PUT(ring, RING_THREAD, vring_send, .call = VCALL_POST_SEND, .sges = 1, .duration = 3, \
		 __VA_ARGS__)
#define RING_RECV(ring, ...)                                                           \
	RING_PUT(ring, RING_THREAD, vring_receive, .call = VCALL_POST_RECV, .sges = 1, \
		 .duration = 2, __VA_ARGS__)
#define RING_SRQ_RECV(ring, ...)                                                           \
	RING_PUT(ring, RING_THREAD, vring_receive, .call = VCALL_POST_SRQ_RECV, .sges = 1, \
		 .duration = 2, __VA_ARGS__)
#define RING_WC(ring, ...) RING_PUT(ring, RING_THREAD, vring_wc, .call = VCALL_POLL_CQ, __VA_ARGS__)
#define RING_CALL(ring, name, ...) \
	RING_PUT(ring, RING_CALLS, vring_call, .call = VCALL_##name, .duration = 5, __VA_ARGS__)
#define RING_MEM(ring, name, ...) \
	RING_PUT(ring, RING_MEMORY, vring_call, .call = VCALL_##name, .duration = 5, __VA_ARGS__)

/* A device with a name. */
void ring_open(struct ring *ring, uint8_t context, const char *name);
/* A port's LID; a GID whose last byte is LAST, at INDEX. */
void ring_port(struct ring *ring, uint8_t context, uint32_t port, uint16_t lid);
void ring_gid(struct ring *ring, uint8_t context, uint32_t port, uint32_t index, uint8_t last);
/* What ring_gid() has told of. */
void ring_gid_raw(uint8_t raw[16], uint8_t last);

struct ring_qp {
	uint8_t context;
	uint32_t qpn;
	uint64_t object; /* 0: the number times 0x100 */
	uint64_t srq;
	uint32_t type; /* 0: RC */
	uint32_t sig_all;
	uint32_t max_send_wr, max_recv_wr;
};

#define RING_QP(ring, ...) ring_qp(ring, &(struct ring_qp){ __VA_ARGS__ })
void ring_qp(struct ring *ring, const struct ring_qp *qp);
void ring_destroy_qp(struct ring *ring, uint8_t context, uint32_t qpn);

/* The states INIT, RTR and RTS, to PEER_QPN at DLID, or at the GID that ends with LAST. */
void ring_connect(struct ring *ring, uint8_t context, uint32_t qpn, uint32_t peer_qpn,
		  uint16_t dlid, uint8_t last);
void ring_state(struct ring *ring, uint8_t context, uint32_t qpn, uint32_t state);

/* Write the file: extents of one series lie in it in the reverse order. */
void ring_save(const struct ring *ring, const char *path);
/* The same without the gaps, as fuzz-ring.c takes it. */
void ring_save_dense(const struct ring *ring, const char *path);

#endif
