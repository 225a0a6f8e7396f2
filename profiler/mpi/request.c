/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_LOG2 8

struct request_table request_table = {
	.shift = 64 - FIRST_LOG2,
	.mask = ((size_t)1 << FIRST_LOG2) - 1,
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static inline void table_lock(void)
{
	if (__builtin_expect(ompi.threads, 0))
		pthread_mutex_lock(&lock);
}

static inline void table_unlock(void)
{
	if (__builtin_expect(ompi.threads, 0))
		pthread_mutex_unlock(&lock);
}

/* The place of HANDLE, or the empty one where it belongs. */
static inline struct request *place_of(const void *handle)
{
	size_t place = request_home(handle);

	while (request_table.places[place].handle && request_table.places[place].handle != handle)
		place = (place + 1) & request_table.mask;
	return &request_table.places[place];
}

int request_init(void)
{
	request_table.places = calloc(request_table.mask + 1, sizeof(*request_table.places));
	return request_table.places ? 0 : -1;
}

static int grow(void)
{
	struct request *old = request_table.places;
	size_t nold = request_table.mask + 1;
	struct request *next = calloc(2 * nold, sizeof(*next));

	if (!next)
		return -1;
	request_table.places = next;
	request_table.shift--;
	request_table.mask = 2 * nold - 1;
	for (size_t i = 0; i < nold; i++)
		if (old[i].handle)
			*place_of(old[i].handle) = old[i];
	free(old);
	return 0;
}

/* Knuth, The Art of Computer Programming 3, section 6.4, algorithm R. */
static void remove_at(struct request *at)
{
	struct request *const places = request_table.places;
	const size_t mask = request_table.mask;
	size_t hole = (size_t)(at - places);
	size_t place = hole;

	for (;;) {
		size_t home;

		place = (place + 1) & mask;
		if (!places[place].handle)
			break;
		home = request_home(places[place].handle);
		if (((place - home) & mask) < ((place - hole) & mask))
			continue;
		places[hole] = places[place];
		hole = place;
	}
	places[hole].handle = NULL;
	request_table.count--;
}

/* Not the buffers that osc/pt2pt keeps posted: most of them never match. */
static void unseen(const struct request *request, enum rankunseen why)
{
	if (request->op == RANKOP_RMA && request->flags & REQUEST_PERSISTENT)
		return;
	if (request->kind == REQUEST_RECEIVE && request->flags & REQUEST_ACTIVE &&
	    !(request->flags & REQUEST_HIDDEN))
		counter_unseen(counter_shard(), request->op, why, request->bytes);
}

static void unref(const struct request *request)
{
	struct comm *comm = request->comm;

	if (comm)
		comm_unref(comm);
}

static void drop(struct request *at, enum rankunseen why)
{
	struct request gone = *at;

	unseen(&gone, why);
	remove_at(at);
	unref(&gone);
}

/* The empty place for HANDLE, or NULL; whatever had that handle is unseen. */
static struct request *place_for(const void *handle)
{
	struct request *place = place_of(handle);

	if (place->handle) {
		drop(place, RANKUNSEEN_INCOMPLETE);
		place = place_of(handle);
	}
	if (2 * (request_table.count + 1) > request_table.mask + 1)
		return grow() < 0 ? NULL : place_of(handle);
	return place;
}

/* Takes the reference to its communicator over. */
static void enter(const struct request *request)
{
	struct request *place;

	table_lock();
	place = place_for(request->handle);
	if (place) {
		*place = *request;
		request_table.count++;
	} else {
		unseen(request, RANKUNSEEN_INCOMPLETE);
		unref(request);
	}
	table_unlock();
}

void request_enter_slow(const struct request *request)
{
	struct comm *comm = request->comm;

	if (comm)
		comm_ref(comm);
	enter(request);
}

bool request_take_slow(const void *handle, struct request *request)
{
	struct request *place;
	bool found;

	table_lock();
	place = place_of(handle);
	found = place->handle && place->flags & REQUEST_ACTIVE;
	if (found) {
		*request = *place;
		if (!(place->flags & REQUEST_PERSISTENT)) {
			remove_at(place);
		} else {
			place->flags &= (uint16_t)~REQUEST_ACTIVE;
			if (request->comm)
				comm_ref(request->comm);
		}
	}
	table_unlock();
	return found;
}

bool request_peek(const void *handle, struct request *request)
{
	table_lock();
	*request = *place_of(handle);
	table_unlock();
	return request->handle != NULL;
}

void request_forget(const void *handle, enum rankunseen why)
{
	struct request *place;

	if (!request_any())
		return;
	table_lock();
	place = place_of(handle);
	if (place->handle)
		drop(place, why);
	table_unlock();
}

void request_return(const struct request *request)
{
	struct request *place;

	if (!(request->flags & REQUEST_PERSISTENT)) {
		enter(request);
		return;
	}
	table_lock();
	place = place_of(request->handle);
	if (place->handle)
		place->flags |= REQUEST_ACTIVE;
	table_unlock();
	unref(request);
}

bool request_start(const void *handle, const void *now, int64_t begin, struct request *request)
{
	struct request *place;
	bool found;

	table_lock();
	place = place_of(handle);
	found = place->handle && place->flags & REQUEST_PERSISTENT;
	if (found) {
		*request = *place;
		request->flags |= REQUEST_ACTIVE;
		request->handle = now;
		if (request->kind == REQUEST_SEND)
			request->begin = begin;
		if (now != handle) {
			remove_at(place);
			place = place_for(now); /* there is room: one has just gone */
			request_table.count++;
		}
		*place = *request;
	}
	table_unlock();
	return found;
}

void request_finish(void)
{
	table_lock();
	for (size_t i = 0; i <= request_table.mask; i++) {
		if (request_table.places[i].handle)
			unseen(&request_table.places[i], RANKUNSEEN_INCOMPLETE);
		request_table.places[i].handle = NULL;
	}
	request_table.count = 0;
	table_unlock();
}
