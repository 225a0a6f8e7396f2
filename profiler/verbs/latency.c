/* SPDX-License-Identifier: Apache-2.0 */
#include "latency.h"
#include "filter.h"
#include "traced.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Chains of entries that only grow: who looks needs no lock.  One without a key is free. */
#define BUCKETS 1024

#define SPINS 64 /* who has the lock needs less, unless it was interrupted */

#define SIGNALED 1 /* the lowest bit of a time says so */

struct post {
	uint64_t wr_id, time; /* time 0: it has ended, or was refused */
};

struct latency_pair {
	_Atomic uint64_t key;
	struct latency_pair *next;
	uint64_t mark;
	uint32_t room; /* a power of 2 */
	bool all_signaled;
	atomic_bool busy;
	atomic_bool stale; /* what is outstanding is gone */
	/* What came while another one was at it: requests that will complete, completions */
	_Atomic uint32_t missed_posts, missed_ends;
	uint32_t older; /* completions that come before that of the oldest request we know of */
	uint32_t head, tail;
	struct post post[];
};

static struct latency_pair *_Atomic table[BUCKETS];
static pthread_mutex_t adding = PTHREAD_MUTEX_INITIALIZER;

/* --- queue pairs --- */

static uint64_t key_of(uint8_t context, uint32_t qpn)
{
	return (uint64_t)context << 32 | qpn;
}

static struct latency_pair *_Atomic *chain(uint64_t key)
{
	return &table[(key * 0x9e3779b97f4a7c15ULL >> 32) % BUCKETS];
}

struct latency_pair *latency_find(uint8_t context, uint32_t qpn)
{
	uint64_t key = key_of(context, qpn);
	struct latency_pair *pair = *chain(key);

	while (pair && pair->key != key)
		pair = pair->next;
	return qpn ? pair : NULL;
}

static struct latency_pair *find_qp(const struct ibv_qp *qp)
{
	const struct traced_context *context = traced_context(qp->context);

	return context ? latency_find((uint8_t)context->number, qp->qp_num) : NULL;
}

/* As many as can be outstanding, within bounds. */
static uint32_t room_for(uint32_t depth)
{
	uint32_t room = 16;

	while (room < depth && room < LATENCY_MOST)
		room *= 2;
	return room;
}

/* One of KEY, or a free one; with room. */
static struct latency_pair *fitting(struct latency_pair *pair, uint64_t key, uint32_t room)
{
	struct latency_pair *found = NULL;

	for (; pair; pair = pair->next) {
		if (pair->key == key && pair->room >= room)
			return pair;
		if (pair->key == key)
			pair->key = 0; /* too small: one that nobody has destroyed */
		if (!pair->key && pair->room >= room)
			found = pair;
	}
	return found;
}

static struct latency_pair *make(struct latency_pair *_Atomic *head, uint32_t room)
{
	struct latency_pair *pair = calloc(1, sizeof(*pair) + room * sizeof(struct post));

	if (!pair)
		return NULL;
	pair->room = room;
	pair->next = *head;
	*head = pair;
	return pair;
}

static void add(uint64_t key, bool all_signaled, uint32_t room)
{
	struct latency_pair *_Atomic *head = chain(key);
	static uint64_t marks;
	struct latency_pair *pair;

	pthread_mutex_lock(&adding);
	pair = fitting(*head, key, room);
	if (!pair)
		pair = make(head, room);
	if (pair) {
		pair->stale = true;
		pair->all_signaled = all_signaled;
		pair->mark = ++marks;
		pair->key = key;
	}
	pthread_mutex_unlock(&adding);
}

void latency_made(const struct ibv_qp *qp, bool all_signaled, uint32_t depth)
{
	const struct traced_context *context = traced_context(qp->context);
	int error = errno;

	if (context && filter_counts(qp->qp_num))
		add(key_of((uint8_t)context->number, qp->qp_num), all_signaled, room_for(depth));
	errno = error;
}

void latency_reset(const struct ibv_qp *qp)
{
	struct latency_pair *pair = find_qp(qp);

	if (pair)
		pair->stale = true;
}

struct latency_mark latency_mark(const struct ibv_qp *qp)
{
	struct latency_pair *pair = find_qp(qp);

	return (struct latency_mark){ .pair = pair, .number = pair ? pair->mark : 0 };
}

/* Unless another one has its number meanwhile. */
void latency_forget(struct latency_mark mark)
{
	if (!mark.pair)
		return;
	pthread_mutex_lock(&adding);
	if (mark.pair->mark == mark.number)
		mark.pair->key = 0;
	pthread_mutex_unlock(&adding);
}

void latency_child(void)
{
	pthread_mutex_init(&adding, NULL);
	for (int i = 0; i < BUCKETS; i++)
		for (struct latency_pair *pair = table[i]; pair; pair = pair->next) {
			pair->busy = false;
			pair->stale = true;
		}
}

/* --- requests --- */

static bool try_lock(struct latency_pair *pair)
{
	for (int i = 0; i < SPINS; i++)
		if (!atomic_load_explicit(&pair->busy, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&pair->busy, true, memory_order_acquire))
			return true;
	return false;
}

static void leave(struct latency_pair *pair)
{
	atomic_store_explicit(&pair->busy, false, memory_order_release);
}

static struct post *at(struct latency_pair *pair, uint32_t index)
{
	return &pair->post[index & (pair->room - 1)];
}

/* The oldest one is gone; returns whether a completion of it is to come. */
static bool drop(struct latency_pair *pair)
{
	return at(pair, pair->head++)->time & SIGNALED;
}

static void push(struct latency_pair *pair, uint64_t wr_id, uint64_t time)
{
	if (pair->tail - pair->head == pair->room)
		pair->older += drop(pair);
	*at(pair, pair->tail++) = (struct post){ .wr_id = wr_id, .time = time };
}

/* A completion was missed: as they come in order, of the oldest. */
static void drop_completed(struct latency_pair *pair)
{
	if (pair->older)
		pair->older--;
	else
		while (pair->head != pair->tail && !drop(pair))
			continue;
}

/* Whether nobody else is at PAIR.  What was missed before is made up for: a request has its place
 * among the others, and no time.  ENDS: completions that had been missed when this one came; of
 * those that are missed from then on, a signal handler's, nobody knows yet which is the
 * oldest.
 */
static bool enter(struct latency_pair *pair)
{
	uint32_t ends = pair->missed_ends;

	if (!try_lock(pair))
		return false;
	if (pair->stale) {
		pair->stale = false;
		pair->head = pair->tail = 0;
		pair->older = 0;
		pair->missed_posts = pair->missed_ends = 0;
	}
	for (; __builtin_expect(pair->missed_posts, 0); pair->missed_posts--)
		push(pair, 0, SIGNALED);
	for (; __builtin_expect(ends && pair->missed_ends, 0); ends--) {
		pair->missed_ends--;
		drop_completed(pair);
	}
	return true;
}

void latency_post(struct latency_pair *pair, uint64_t wr_id, bool signaled, uint64_t time)
{
	bool completes = signaled || pair->all_signaled;

	if (!enter(pair)) {
		pair->missed_posts += completes;
		return;
	}
	push(pair, wr_id, (time & ~(uint64_t)SIGNALED) | (completes ? SIGNALED : 0));
	leave(pair);
}

void latency_refuse(struct latency_pair *pair, uint64_t wr_id, bool signaled, uint64_t time)
{
	uint32_t index;

	if (!enter(pair)) {
		pair->missed_ends += signaled || pair->all_signaled;
		return;
	}
	for (index = pair->tail; index != pair->head; index--) {
		struct post *post = at(pair, index - 1);

		if (post->wr_id != wr_id || (post->time ^ time) & ~(uint64_t)SIGNALED)
			continue;
		post->time = 0;
		break;
	}
	while (pair->tail != pair->head && !at(pair, pair->tail - 1)->time)
		pair->tail--;
	leave(pair);
}

void latency_post_list(struct latency_pair *pair, const struct ibv_send_wr *wr, uint64_t time)
{
	for (; pair && wr; wr = wr->next)
		latency_post(pair, wr->wr_id, wr->send_flags & IBV_SEND_SIGNALED, time);
}

void latency_refuse_list(struct latency_pair *pair, const struct ibv_send_wr *wr, uint64_t time)
{
	for (; pair && wr; wr = wr->next)
		latency_refuse(pair, wr->wr_id, wr->send_flags & IBV_SEND_SIGNALED, time);
}

/* What has completed at AT, by which unsignaled ones before it have too. */
static uint64_t take(struct latency_pair *pair, uint32_t index, bool oldest)
{
	uint64_t time = at(pair, index)->time;

	at(pair, index)->time = 0;
	if (oldest)
		pair->head = index + 1;
	return time & ~(uint64_t)SIGNALED;
}

/* The oldest that it can be of, which may be one of which nothing is known. */
static uint64_t take_completed(struct latency_pair *pair, uint64_t wr_id, bool failed)
{
	bool oldest = true; /* of those that complete */

	for (uint32_t index = pair->head; index != pair->tail; index++) {
		const struct post *post = at(pair, index);

		/* one that fails always says so */
		if (!post->time || !(failed || post->time & SIGNALED))
			continue;
		if (post->wr_id == wr_id || post->time == SIGNALED)
			return take(pair, index, oldest);
		oldest = oldest && !(post->time & SIGNALED);
	}
	return 0;
}

uint64_t latency_end(struct latency_pair *pair, uint64_t wr_id, bool failed)
{
	uint64_t time = 0;

	if (!enter(pair)) {
		pair->missed_ends++;
		return 0;
	}
	if (pair->older)
		pair->older--;
	else
		time = take_completed(pair, wr_id, failed);
	leave(pair);
	return failed ? 0 : time;
}
