/* SPDX-License-Identifier: Apache-2.0 */
/* comm.h - from a rank in a communicator or window to a world rank
 *
 * Communicators are met when a message is sent over them, looked at once and
 * forgotten when Open MPI forgets them (pml_del_comm), so every one is
 * covered, also those that Open MPI makes for itself.  Memory is one word per
 * rank up to COMM_DENSE ranks, beyond that two per rank that was talked to.
 */
#ifndef NETPROF_COMM_H
#define NETPROF_COMM_H

#include "counter.h"
#include "ompi.h"
#include "rankfile.h"

#include <stdbool.h>
#include <stdint.h>

#define COMM_DENSE 1024

enum comm_class {
	COMM_PLAIN,
	COMM_RMA, /* a window's own */
	COMM_IO,  /* a file's own */
};

struct comm {
	const void *handle;
	int references;
	enum comm_class class;
	bool known;    /* group, size and ranks are filled in */
	bool identity; /* rank r is world rank r */
	bool window;   /* HANDLE is a window */
	bool scanned;  /* by bypass.c */
	int size;
	MPI_Group group; /* kept while ranks are sparse */
	uint32_t *ranks; /* dense: world rank of each */
	uint64_t *slots; /* sparse: 0 or (rank + 1) << 32 | world rank; a power of two */
	uint32_t nslots, used;
	struct comm *next; /* in its bucket */
};

/* What stands for communicator HANDLE, known from then on; NULL only for lack
 * of memory.  Cached per thread.
 */
struct comm *comm_get(struct counter_shard *shard, MPI_Comm handle);

/* The same for the group of a window. */
struct comm *comm_get_window(struct counter_shard *shard, MPI_Win window);

/* World rank of RANK (of the remote group, for an intercommunicator), or
 * LIVE_OUTSIDE.
 */
uint32_t comm_world_rank(struct comm *comm, int rank);

/* HANDLE is being made inside a call of CLASS / has gone. */
void comm_added(MPI_Comm handle, enum comm_class class);
void comm_removed(const void *handle);

/* Keep COMM beyond its removal; give it back. */
void comm_ref(struct comm *comm);
void comm_unref(struct comm *comm);

/* Call FN for every communicator and window there is. */
void comm_each(void (*fn)(struct comm *comm));

/* World rank of RANK in HANDLE, the common case first. */
static inline uint32_t comm_peer(struct counter_shard *shard, MPI_Comm handle, int rank)
{
	struct comm *comm;

	if (__builtin_expect(handle == ompi.world, 1))
		return (uint32_t)rank;
	comm = comm_get(shard, handle);
	return comm ? comm_world_rank(comm, rank) : LIVE_OUTSIDE;
}

/* The operation a message with TAG over HANDLE belongs to. */
enum rankop comm_op_of_tag(int tag);

static inline enum rankop comm_op(struct counter_shard *shard, MPI_Comm handle, int tag)
{
	struct comm *comm;

	if (handle != ompi.world) {
		comm = comm_get(shard, handle);
		if (comm && comm->class != COMM_PLAIN)
			return comm->class == COMM_RMA ? RANKOP_RMA : RANKOP_IO;
	}
	return __builtin_expect(tag >= MPI_ANY_TAG, 1) ? RANKOP_P2P : comm_op_of_tag(tag);
}

/* Whether receives with TAG are completed where nobody sees it. */
static inline bool comm_tag_is_hidden(int tag)
{
	return tag <= -27 && tag > -(INT32_MAX / 2);
}

#endif
