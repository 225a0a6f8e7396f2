/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_LOG2 8

static struct request *places;
static unsigned shift = 64 - FIRST_LOG2;
static size_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void table_lock(void)
{
	if (ompi.threads)
		pthread_mutex_lock(&lock);
}

static void table_unlock(void)
{
	if (ompi.threads)
		pthread_mutex_unlock(&lock);
}

static size_t mask(void)
{
	return ((size_t)1 << (64 - shift)) - 1;
}

static size_t home_of(const void *handle)
{
	return (size_t)(((uintptr_t)handle * 0x9e3779b97f4a7c15ull) >> shift);
}

/* The place of HANDLE, or the empty one where it belongs. */
static size_t place_of(const void *handle)
{
	size_t place = home_of(handle);

	while (places[place].handle && places[place].handle != handle)
		place = (place + 1) & mask();
	return place;
}

int request_init(void)
{
	places = calloc((size_t)1 << FIRST_LOG2, sizeof(*places));
	return places ? 0 : -1;
}

static int grow(void)
{
	struct request *old = places;
	size_t nold = mask() + 1;
	struct request *next = calloc(2 * nold, sizeof(*next));

	if (!next)
		return -1;
	places = next;
	shift--;
	for (size_t i = 0; i < nold; i++)
		if (old[i].handle)
			places[place_of(old[i].handle)] = old[i];
	free(old);
	return 0;
}

/* Knuth, The Art of Computer Programming 3, section 6.4, algorithm R. */
static void remove_at(size_t place)
{
	size_t hole = place;

	for (;;) {
		size_t home;

		place = (place + 1) & mask();
		if (!places[place].handle)
			break;
		home = home_of(places[place].handle);
		if (((place - home) & mask()) < ((place - hole) & mask()))
			continue;
		places[hole] = places[place];
		hole = place;
	}
	places[hole].handle = NULL;
	count--;
}

/* Not the buffers that osc/pt2pt keeps posted: most of them never match. */
static void unseen(const struct request *request, enum rankunseen why)
{
	if (request->op == RANKOP_RMA && request->persistent)
		return;
	if (request->kind == REQUEST_RECEIVE && request->active && !request->hidden)
		counter_unseen(counter_shard(), request->op, why, request->bytes);
}

static void drop_at(size_t place, enum rankunseen why)
{
	struct comm *comm = places[place].comm;

	unseen(&places[place], why);
	remove_at(place);
	if (comm)
		comm_unref(comm);
}

static void enter(const struct request *request)
{
	size_t place;

	table_lock();
	place = place_of(request->handle);
	if (places[place].handle) {
		drop_at(place, RANKUNSEEN_INCOMPLETE);
		place = place_of(request->handle);
	}
	if (2 * (count + 1) > mask() + 1) {
		if (grow() < 0) {
			unseen(request, RANKUNSEEN_INCOMPLETE);
			if (request->comm)
				comm_unref(request->comm);
			table_unlock();
			return;
		}
		place = place_of(request->handle);
	}
	places[place] = *request;
	count++;
	table_unlock();
}

void request_enter(const struct request *request)
{
	if (request->comm)
		comm_ref(request->comm);
	enter(request);
}

void request_return(const struct request *request)
{
	size_t place;

	if (!request->persistent) {
		enter(request);
		return;
	}
	table_lock();
	place = place_of(request->handle);
	if (places[place].handle)
		places[place].active = true;
	table_unlock();
	if (request->comm)
		comm_unref(request->comm);
}

bool request_take(const void *handle, struct request *request)
{
	bool found = false;
	size_t place;

	table_lock();
	place = place_of(handle);
	if (places[place].handle && places[place].active) {
		*request = places[place];
		found = true;
		if (request->persistent) {
			places[place].active = false;
			if (request->comm)
				comm_ref(request->comm);
		} else {
			remove_at(place);
		}
	}
	table_unlock();
	return found;
}

bool request_peek(const void *handle, struct request *request)
{
	size_t place;

	table_lock();
	place = place_of(handle);
	*request = places[place];
	table_unlock();
	return request->handle != NULL;
}

bool request_any(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED) != 0;
}

void request_forget(const void *handle, enum rankunseen why)
{
	size_t place;

	if (!request_any())
		return;
	table_lock();
	place = place_of(handle);
	if (places[place].handle)
		drop_at(place, why);
	table_unlock();
}

bool request_start(const void *handle, const void *now, int64_t begin, struct request *request)
{
	size_t place;
	bool found = false;

	table_lock();
	place = place_of(handle);
	if (places[place].handle && places[place].persistent) {
		found = true;
		*request = places[place];
		request->active = true;
		request->begin = begin;
		request->handle = now;
		if (now != handle) {
			remove_at(place);
			place = place_of(now);
			if (places[place].handle) {
				drop_at(place, RANKUNSEEN_INCOMPLETE);
				place = place_of(now);
			}
			count++;
		}
		places[place] = *request;
	}
	table_unlock();
	return found;
}

void request_finish(void)
{
	table_lock();
	for (size_t i = 0; i <= mask(); i++) {
		if (places[i].handle)
			unseen(&places[i], RANKUNSEEN_INCOMPLETE);
		places[i].handle = NULL;
	}
	count = 0;
	table_unlock();
}
