/* SPDX-License-Identifier: Apache-2.0 */
/* counter.h - count messages, per thread, into the live file
 *
 * Each thread has a shard: its own extents of the live file and its own
 * indexes into them, so counting takes no lock and no atomic operation.
 * More than LIVE_SHARDS - 1 threads share the last shard under a lock.
 */
#ifndef NETPROF_COUNTER_H
#define NETPROF_COUNTER_H

#include "index.h"
#include "live.h"
#include "livefile.h"
#include "rankfile.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Set once by counter_start(), read by all. */
struct counter_settings {
	struct livefile *file;
	clockid_t clock; /* of first and last */
	int (*clock_read)(clockid_t clock, struct timespec *now);
	uint32_t sizes; /* distinct sizes a shard counts exactly */
	int64_t window; /* ns, 0 = none */
	int64_t zero;   /* CLOCK_MONOTONIC at which windows start */
};

/* Where entries of one kind are taken from. */
struct counter_pool {
	struct live_extent *extent; /* with room left, or NULL */
	uint32_t next_entries;      /* how many the next extent shall hold */
};

struct counter_shard {
	uint32_t id;
	bool shared;           /* the last one: under a lock */
	bool slow;             /* shared, or there are windows */
	const void *type_seen; /* the last predefined datatype, and its size */
	uint64_t type_size;
	const void *comm_seen; /* the last communicator, and what comm.c knows of it */
	void *comm;
	uint64_t comm_generation;
	struct index cells;   /* peer, op, phase -> struct live_cell */
	struct index sizes;   /* size -> struct live_size */
	struct index windows; /* peer, window -> struct live_cell */
	struct index timing;  /* peer -> struct live_timing */
	struct index rma;     /* peer, call -> struct live_rma */
	struct live_size *bins[64];
	struct live_unseen *unseen[RANKOP_COUNT][RANKUNSEEN_COUNT];
	struct counter_pool pools[LIVE_KINDS];
	struct live_cell sink; /* where counts go for which there is no room */
	struct live_size sink_size;
	uint32_t level; /* of the windows */
	uint32_t nsizes;
	struct live_extent **window_extents; /* of the current level */
	size_t nwindow_extents;
	struct live_extent **spare_extents; /* of an earlier level, to be used again */
	size_t nspare_extents;
};

extern struct counter_settings counter;
extern uint32_t counter_phase; /* slot of the open phase, 0 = none */
extern __thread struct counter_shard *counter_self __attribute__((tls_model("initial-exec")));

/* Begin to count into SETTINGS->file.  Returns 0, or -1 with errno. */
int counter_start(const struct counter_settings *settings);

/* In a forked child: nothing counts any more. */
void counter_stop_in_child(void);

/* The calling thread's shard, made on first use; never NULL. */
struct counter_shard *counter_shard_get(void);

static inline struct counter_shard *counter_shard(void)
{
	struct counter_shard *shard = counter_self;

	return __builtin_expect(shard != NULL, 1) ? shard : counter_shard_get();
}

/* Cold parts of what follows. */
struct live_cell *counter_cell_add(struct counter_shard *shard, uint64_t key);
struct live_size *counter_size_add(struct counter_shard *shard, uint64_t size);
struct live_cell *counter_window_cell(struct counter_shard *shard, uint32_t peer, int64_t now);
void counter_lock(void);
void counter_unlock(void);

static inline int64_t counter_now(void)
{
	struct timespec now;

	counter.clock_read(counter.clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline uint64_t counter_key(uint32_t peer, unsigned op, uint32_t phase)
{
	return (uint64_t)peer << 32 | (uint64_t)op << 16 | phase;
}

static inline struct live_cell *counter_cell(struct counter_shard *shard, uint32_t peer,
					     unsigned op)
{
	uint64_t key = counter_key(peer, op, __atomic_load_n(&counter_phase, __ATOMIC_RELAXED));
	struct live_cell *cell = index_find(&shard->cells, key);

	return __builtin_expect(cell != NULL, 1) ? cell : counter_cell_add(shard, key);
}

static inline struct live_size *counter_size(struct counter_shard *shard, uint64_t size)
{
	struct live_size *entry = index_find(&shard->sizes, size);

	return __builtin_expect(entry != NULL, 1) ? entry : counter_size_add(shard, size);
}

static inline void counter_stamp(struct live_cell *cell, int64_t now)
{
	if (__builtin_expect(!cell->first, 0))
		cell->first = now;
	cell->last = now;
}

/* With a lock or with windows. */
void counter_sent_slow(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes);
void counter_received_slow(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes);

static inline void counter_sent_fast(struct counter_shard *shard, uint32_t peer, unsigned op,
				     uint64_t bytes, int64_t now)
{
	struct live_cell *cell = counter_cell(shard, peer, op);

	cell->tx_bytes += bytes;
	cell->tx_messages++;
	counter_stamp(cell, now);
	counter_size(shard, bytes)->tx_messages++;
}

static inline void counter_received_fast(struct counter_shard *shard, uint32_t peer, unsigned op,
					 uint64_t bytes, int64_t now)
{
	struct live_cell *cell = counter_cell(shard, peer, op);

	cell->rx_bytes += bytes;
	cell->rx_messages++;
	counter_stamp(cell, now);
	counter_size(shard, bytes)->rx_messages++;
}

/* One message of BYTES to PEER (world rank or LIVE_OUTSIDE). */
static inline void counter_sent(struct counter_shard *shard, uint32_t peer, unsigned op,
				uint64_t bytes)
{
	if (__builtin_expect(shard->slow, 0))
		counter_sent_slow(shard, peer, op, bytes);
	else
		counter_sent_fast(shard, peer, op, bytes, counter_now());
}

/* One message of BYTES from PEER. */
static inline void counter_received(struct counter_shard *shard, uint32_t peer, unsigned op,
				    uint64_t bytes)
{
	if (__builtin_expect(shard->slow, 0))
		counter_received_slow(shard, peer, op, bytes);
	else
		counter_received_fast(shard, peer, op, bytes, counter_now());
}

/* There was no room for a count: the rank file will say so. */
void counter_lost(void);

/* A receive that the rx counters do not hold, or hold only as posted. */
void counter_unseen(struct counter_shard *shard, enum rankop op, enum rankunseen why,
		    uint64_t bytes);

/* A send to PEER took NS from begin to completion. */
void counter_timed(struct counter_shard *shard, uint32_t peer, uint64_t ns);

/* A one-sided call with BYTES towards or from PEER. */
void counter_rma(struct counter_shard *shard, uint32_t peer, enum rankrma call, uint64_t bytes);

/* NAME ("osc/rdma") carries traffic past the PML; each name is kept once. */
void counter_bypass(const char *name);

/* Measure what counter_sent() and counter_received() cost, in 1/1000 ns a
 * message, on counters of their own.
 */
void counter_overhead(uint32_t *send, uint32_t *receive);

#endif
