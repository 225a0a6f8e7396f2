/* SPDX-License-Identifier: Apache-2.0 */
#include "comm.h"

#include <pthread.h>
#include <stdlib.h>

#define BUCKETS 256

/* Recursive: asking MPI for a group may come back here. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct comm *buckets[BUCKETS];
static uint64_t generation = 1; /* changes when a communicator goes */

static struct comm **bucket_of(const void *handle)
{
	uint64_t hash = (uintptr_t)handle * 0x9e3779b97f4a7c15ull;

	return &buckets[hash >> 56];
}

static struct comm *lookup(const void *handle)
{
	struct comm *comm = *bucket_of(handle);

	while (comm && comm->handle != handle)
		comm = comm->next;
	return comm;
}

static struct comm *enter(const void *handle, enum comm_class class)
{
	struct comm **bucket = bucket_of(handle);
	struct comm *comm = calloc(1, sizeof(*comm));

	if (!comm)
		return NULL;
	comm->handle = handle;
	comm->references = 1;
	comm->class = class;
	comm->next = *bucket;
	*bucket = comm;
	return comm;
}

static void release(struct comm *comm)
{
	free(comm->ranks);
	free(comm->slots);
	free(comm);
}

static uint32_t world_rank_of(int translated)
{
	return translated < 0 ? LIVE_OUTSIDE : (uint32_t)translated;
}

static int fill_dense(struct comm *comm)
{
	int *from = malloc(2 * (size_t)comm->size * sizeof(*from));

	comm->ranks = malloc((size_t)comm->size * sizeof(*comm->ranks));
	if (!from || !comm->ranks) {
		free(from);
		return -1;
	}
	for (int i = 0; i < comm->size; i++)
		from[i] = i;
	ompi.group_translate_ranks(comm->group, comm->size, from, ompi.world_group,
				   from + comm->size);
	for (int i = 0; i < comm->size; i++)
		comm->ranks[i] = world_rank_of(from[comm->size + i]);
	free(from);
	return 0;
}

/* COMM->group is there: how are ranks looked up? */
static int fill(struct comm *comm)
{
	int relation = MPI_UNEQUAL;
	int rc = 0;

	ompi.group_size(comm->group, &comm->size);
	if (comm->size > COMM_DENSE) /* comparing groups takes Open MPI n * n steps */
		return 0;
	if (ompi.group_compare(comm->group, ompi.world_group, &relation) == MPI_SUCCESS &&
	    relation == MPI_IDENT)
		comm->identity = true;
	else if (comm->size)
		rc = fill_dense(comm);
	ompi.group_free(&comm->group);
	comm->group = NULL;
	return rc;
}

static int fill_from_comm(struct comm *comm)
{
	MPI_Comm handle = (MPI_Comm)comm->handle;
	int inter = 0;
	int rc;

	ompi.comm_test_inter(handle, &inter);
	rc = inter ? ompi.comm_remote_group(handle, &comm->group)
		   : ompi.comm_group(handle, &comm->group);
	return rc == MPI_SUCCESS ? fill(comm) : -1;
}

static int fill_from_window(struct comm *comm)
{
	return ompi.win_get_group((MPI_Win)comm->handle, &comm->group) == MPI_SUCCESS ? fill(comm)
										      : -1;
}

/* Find or make; the shard remembers the last one. */
static struct comm *get(struct counter_shard *shard, const void *handle, enum comm_class class,
			int (*fill_fn)(struct comm *))
{
	struct comm *comm;

	if (shard->comm_seen == handle &&
	    shard->comm_generation == __atomic_load_n(&generation, __ATOMIC_ACQUIRE))
		return shard->comm;
	pthread_mutex_lock(&lock);
	comm = lookup(handle);
	if (!comm)
		comm = enter(handle, class);
	if (comm && !comm->known && !ompi.finalizing) {
		comm->known = true; /* also when it fails: then all its peers are outside */
		fill_fn(comm);
	}
	if (comm && !shard->shared) {
		shard->comm = comm;
		shard->comm_generation = generation;
		shard->comm_seen = handle;
	}
	pthread_mutex_unlock(&lock);
	return comm;
}

struct comm *comm_get(struct counter_shard *shard, MPI_Comm handle)
{
	return get(shard, handle, COMM_PLAIN, fill_from_comm);
}

struct comm *comm_get_window(struct counter_shard *shard, MPI_Win window)
{
	struct comm *comm = get(shard, window, COMM_RMA, fill_from_window);

	if (comm)
		comm->window = true;
	return comm;
}

static uint64_t *slot_of(const struct comm *comm, uint32_t rank)
{
	uint32_t place = rank * 2654435761u & (comm->nslots - 1);

	while (comm->slots[place] && comm->slots[place] >> 32 != rank + 1)
		place = (place + 1) & (comm->nslots - 1);
	return &comm->slots[place];
}

static int slots_grow(struct comm *comm)
{
	struct comm old = *comm;

	comm->nslots = old.nslots ? 2 * old.nslots : 64;
	comm->slots = calloc(comm->nslots, sizeof(*comm->slots));
	if (!comm->slots) {
		*comm = old;
		return -1;
	}
	for (uint32_t i = 0; i < old.nslots; i++)
		if (old.slots[i])
			*slot_of(comm, (uint32_t)(old.slots[i] >> 32) - 1) = old.slots[i];
	free(old.slots);
	return 0;
}

static uint32_t translate_one(const struct comm *comm, int rank)
{
	int world = MPI_UNDEFINED;

	if (!ompi.finalizing && comm->group)
		ompi.group_translate_ranks(comm->group, 1, &rank, ompi.world_group, &world);
	return world_rank_of(world);
}

static uint32_t sparse_rank(struct comm *comm, int rank)
{
	uint64_t *slot;
	uint32_t world;

	pthread_mutex_lock(&lock);
	if (2 * (comm->used + 1) > comm->nslots && slots_grow(comm) < 0) {
		world = translate_one(comm, rank);
		goto out;
	}
	slot = slot_of(comm, (uint32_t)rank);
	if (!*slot) {
		*slot = (uint64_t)((uint32_t)rank + 1) << 32 | translate_one(comm, rank);
		comm->used++;
	}
	world = (uint32_t)*slot;
out:
	pthread_mutex_unlock(&lock);
	return world;
}

uint32_t comm_world_rank(struct comm *comm, int rank)
{
	if (rank < 0 || rank >= comm->size)
		return LIVE_OUTSIDE;
	if (comm->identity)
		return (uint32_t)rank;
	if (comm->ranks)
		return comm->ranks[rank];
	return comm->size > COMM_DENSE ? sparse_rank(comm, rank) : LIVE_OUTSIDE;
}

void comm_added(MPI_Comm handle, enum comm_class class)
{
	struct comm *comm;

	pthread_mutex_lock(&lock);
	comm = lookup(handle);
	if (comm)
		comm->class = class;
	else
		enter(handle, class);
	pthread_mutex_unlock(&lock);
}

void comm_removed(const void *handle)
{
	struct comm **place = bucket_of(handle);
	struct comm *comm;

	pthread_mutex_lock(&lock);
	while (*place && (*place)->handle != handle)
		place = &(*place)->next;
	comm = *place;
	if (comm) {
		*place = comm->next;
		__atomic_add_fetch(&generation, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lock);
	if (!comm)
		return;
	if (comm->group && !ompi.finalizing)
		ompi.group_free(&comm->group);
	comm->group = NULL;
	comm_unref(comm);
}

void comm_ref(struct comm *comm)
{
	__atomic_add_fetch(&comm->references, 1, __ATOMIC_RELAXED);
}

void comm_unref(struct comm *comm)
{
	if (__atomic_sub_fetch(&comm->references, 1, __ATOMIC_ACQ_REL) == 0)
		release(comm);
}

void comm_each(void (*fn)(struct comm *comm))
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < BUCKETS; i++)
		for (struct comm *comm = buckets[i]; comm; comm = comm->next)
			fn(comm);
	pthread_mutex_unlock(&lock);
}

/* MCA_COLL_BASE_TAG_* of ompi/mca/coll/base/coll_tags.h. */
static const enum rankop tag_ops[] = {
	RANKOP_ALLGATHER,      RANKOP_ALLGATHERV,
	RANKOP_ALLREDUCE,      RANKOP_ALLTOALL,
	RANKOP_ALLTOALLV,      RANKOP_ALLTOALLW,
	RANKOP_BARRIER,        RANKOP_BCAST,
	RANKOP_EXSCAN,         RANKOP_GATHER,
	RANKOP_GATHERV,        RANKOP_REDUCE,
	RANKOP_REDUCE_SCATTER, RANKOP_REDUCE_SCATTER_BLOCK,
	RANKOP_SCAN,           RANKOP_SCATTER,
	RANKOP_SCATTERV,
};

enum rankop comm_op_of_tag(int tag)
{
	if (tag >= MPI_ANY_TAG)
		return RANKOP_P2P;
	if (tag <= -10 && tag > -27)
		return tag_ops[-10 - tag];
	if (comm_tag_is_hidden(tag))
		return RANKOP_NONBLOCKING;
	return tag <= -27 ? RANKOP_NEIGHBOR : RANKOP_OTHER;
}
