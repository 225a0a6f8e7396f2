/* SPDX-License-Identifier: Apache-2.0 */
#include "device/cq.h"

#include "device/lock.h"
#include "device/progress.h"
#include "device/section.h"
#include "device/watchdog.h"

#include "clock.h"

#include <errno.h>

static int fail(int error)
{
	errno = error;
	return -1;
}

static uint32_t round_up(uint32_t capacity)
{
	uint32_t power = 1;

	while (power < capacity)
		power *= 2;
	return power;
}

static struct shared_cqe *ring(const struct segment *segment, const struct shared_cq *cq)
{
	return segment_at(segment, atomic_load_explicit(&cq->ring_at, memory_order_relaxed));
}

/* --- channels --- */

int comp_channel_create(struct comp_channel *channel, struct context *context)
{
	*channel = (struct comp_channel){ .context = context };
	channel->shared =
		channel_create(context->fabric, context->number, CHANNEL_COMPLETIONS, &channel->fd);
	return channel->shared ? 0 : -1;
}

int comp_channel_destroy(struct comp_channel *channel)
{
	if (atomic_load(&channel->users))
		return fail(EBUSY);
	channel_destroy(channel->context->fabric, channel->context->number, channel->shared,
			channel->fd);
	return 0;
}

static void join_channel(struct cq *cq, struct comp_channel *channel)
{
	uint32_t users = atomic_fetch_add(&channel->users, 1) + 1;
	struct fabric *fabric = cq->context->fabric;

	cq->channel = channel;
	cq->shared->channel_at = segment_offset(&fabric->segment, channel->shared);
	channel_reserve(fabric, channel->shared, channel->fd, users);
}

/* --- create, destroy --- */

int cq_create(struct cq *cq, struct context *context, uint32_t capacity,
	      struct comp_channel *channel, uint64_t handle)
{
	struct segment *segment = &context->fabric->segment;
	struct shared_cq *shared;
	uint32_t number;
	uint64_t ring_at;

	if (!capacity || capacity > context->device->limits.max_cqe)
		return fail(EINVAL);
	shared = (struct shared_cq *)table_add(segment, &context->device->cq, &number);
	if (!shared)
		return -1;
	shared->capacity = round_up(capacity);
	ring_at = segment_alloc(segment, (uint64_t)shared->capacity * sizeof(struct shared_cqe));
	if (!ring_at) {
		table_remove(segment, &context->device->cq, &shared->head);
		return fail(ENOMEM);
	}
	atomic_store(&shared->ring_at, ring_at);
	shared->async_at = segment_offset(segment, context->async);
	shared->handle = handle;
	*cq = (struct cq){ .context = context, .shared = shared, .number = number };
	pthread_spin_init(&cq->lock, PTHREAD_PROCESS_PRIVATE);
	if (channel)
		join_channel(cq, channel);
	table_publish(&shared->head, number);
	return 0;
}

int cq_destroy(struct cq *cq, uint32_t *events, uint32_t *async)
{
	struct context *context = cq->context;
	struct fabric *fabric = context->fabric;
	struct shared_cq *shared = cq->shared;
	uint32_t purged = 0;

	*events = *async = 0;
	if (context_took(&shared->head, cq->number))
		return 0;
	if (atomic_load(&shared->users))
		return fail(EBUSY);
	table_hide(&shared->head);
	section_wait(fabric);
	if (cq->channel) {
		purged = channel_purge(fabric, cq->channel->shared, shared->handle);
		atomic_fetch_sub(&cq->channel->shared->owed, atomic_load(&shared->owed));
		atomic_fetch_sub(&cq->channel->users, 1);
	}
	*events = atomic_load(&shared->events) - purged;
	*async = atomic_load(&shared->async_events) -
		 channel_purge(fabric, context->async, shared->handle);
	segment_free(&fabric->segment, atomic_load(&shared->ring_at),
		     (uint64_t)shared->capacity * sizeof(struct shared_cqe));
	table_remove(&fabric->segment, &context->device->cq, &shared->head);
	pthread_spin_destroy(&cq->lock);
	return 0;
}

/* --- producers --- */

static void set_number(struct fabric *fabric, uint64_t at, uint64_t value)
{
	atomic_store_explicit((_Atomic uint64_t *)segment_at(&fabric->segment, at), value,
			      memory_order_release);
}

/* Whoever reads the event may arm the queue again before it is written here that it is
 * not armed.
 */
static void give_event(struct fabric *fabric, struct shared_cq *cq)
{
	uint32_t telling = CQ_TELLING;

	cq->held = 0;
	atomic_store(&cq->event_due, 0);
	atomic_store(&cq->armed, CQ_TELLING);
	if (cq->channel_at)
		channel_complete(fabric, segment_at(&fabric->segment, cq->channel_at), cq);
	atomic_compare_exchange_strong(&cq->armed, &telling, CQ_IDLE);
}

/* The lock was taken from the dead.  An event that it may not have given is given
 * now: one too many does no harm.
 */
static void settle(struct fabric *fabric, struct shared_cq *cq)
{
	uint64_t at = atomic_load(&cq->commit_at);
	uint64_t produced = atomic_load(&cq->produced);

	if (at && produced == cq->commit_position)
		set_number(fabric, at, cq->commit_value);
	atomic_store(&cq->commit_at, 0);
	if (atomic_load(&cq->armed) != CQ_IDLE && produced != atomic_load(&cq->consumed))
		give_event(fabric, cq);
}

static struct shared_cq *lock_cq(struct fabric *fabric, uint64_t cq_at)
{
	struct shared_cq *cq = segment_at(&fabric->segment, cq_at);

	if (lock_take(fabric, &cq->lock, fabric->self))
		settle(fabric, cq);
	return cq;
}

void cq_recover(struct fabric *fabric, uint64_t cq_at)
{
	if (cq_at)
		lock_drop(&lock_cq(fabric, cq_at)->lock);
}

/* Whether there is room; when there is none the queue is of no more use, unless its
 * user looks after that.
 */
static bool has_room(struct fabric *fabric, struct shared_cq *cq, uint64_t produced)
{
	if (atomic_load_explicit(&cq->overrun, memory_order_relaxed))
		return false;
	if (produced - atomic_load_explicit(&cq->consumed, memory_order_acquire) < cq->capacity)
		return true;
	if (cq->ignore_overrun)
		return false;
	atomic_store(&cq->overrun, 1);
	if (cq->async_at)
		channel_async(fabric, segment_at(&fabric->segment, cq->async_at), EVENT_CQ_ERR,
			      cq->handle, &cq->async_events);
	return false;
}

/* PROCESS gives an event at DUE. */
static void want_event(struct shared_process *process, int64_t due)
{
	int64_t now = atomic_load(&process->event_due);

	while ((!now || due < now) && !atomic_compare_exchange_weak(&process->event_due, &now, due))
		;
}

/* Whether the event waits for more completions, or for its time. */
static bool holds_back(struct fabric *fabric, struct shared_cq *cq)
{
	int64_t due;

	if (!cq->moderate_count || ++cq->held >= cq->moderate_count)
		return false;
	if (atomic_load(&cq->event_due))
		return true;
	due = clock_ns(CLOCK_MONOTONIC) + cq->moderate_period;
	atomic_store(&cq->event_due, due);
	want_event(&fabric->segment.header->process[cq->head.owner], due);
	event_wake(fabric, cq->head.owner);
	return true;
}

/* Who arms the queue takes its lock for that, and looks at it afterwards: so either it is
 * seen to be armed here, or the completion is seen there.
 */
static void tell(struct fabric *fabric, struct shared_cq *cq, bool solicited)
{
	uint32_t armed;

	if (!cq->channel_at)
		return;
	armed = atomic_load_explicit(&cq->armed, memory_order_relaxed);
	if (armed != CQ_ARMED && (armed != CQ_ARMED_SOLICITED || !solicited))
		return;
	if (!holds_back(fabric, cq))
		give_event(fabric, cq);
}

static void put(struct fabric *fabric, struct shared_cq *cq, uint64_t position,
		const struct shared_cqe *entry)
{
	struct shared_cqe *to = ring(&fabric->segment, cq) + (position & (cq->capacity - 1));

	*to = *entry;
	/* who did not need a clock for the work does not know the time */
	if (cq->timestamps && !to->time)
		to->time = clock_ns(CLOCK_MONOTONIC);
	atomic_store_explicit(&cq->produced, position + 1, memory_order_release);
}

uint64_t cq_push(struct fabric *fabric, uint64_t cq_at, const struct shared_cqe *entry,
		 bool solicited)
{
	struct shared_cq *cq = lock_cq(fabric, cq_at);
	uint64_t position = atomic_load_explicit(&cq->produced, memory_order_relaxed);

	if (has_room(fabric, cq, position)) {
		put(fabric, cq, position, entry);
		tell(fabric, cq, solicited || entry->status != WC_SUCCESS);
	}
	lock_drop(&cq->lock);
	return position;
}

uint64_t cq_push_commit(struct fabric *fabric, uint64_t cq_at, const struct shared_cqe *entry,
			bool solicited, uint64_t counter_at, uint64_t value)
{
	struct shared_cq *cq = lock_cq(fabric, cq_at);
	uint64_t position = atomic_load_explicit(&cq->produced, memory_order_relaxed);

	if (has_room(fabric, cq, position)) {
		cq->commit_position = position + 1;
		cq->commit_value = value;
		atomic_store_explicit(&cq->commit_at, counter_at, memory_order_release);
		atomic_thread_fence(memory_order_release);
		put(fabric, cq, position, entry);
		set_number(fabric, counter_at, value);
		atomic_store_explicit(&cq->commit_at, 0, memory_order_release);
		tell(fabric, cq, solicited || entry->status != WC_SUCCESS);
	} else {
		set_number(fabric, counter_at, value);
	}
	lock_drop(&cq->lock);
	return position;
}

struct shared_cqe *cq_batch_next(struct fabric *fabric, uint64_t cq_at, struct cq_batch *batch)
{
	struct shared_cq *cq = batch->cq;
	struct shared_cqe *entries, *entry;

	if (!cq) {
		cq = batch->cq = lock_cq(fabric, cq_at);
		batch->first = batch->next =
			atomic_load_explicit(&cq->produced, memory_order_relaxed);
	}
	if (!has_room(fabric, cq, batch->next))
		return NULL;
	entries = ring(&fabric->segment, cq);
	entry = entries + (batch->next++ & (cq->capacity - 1));
	__builtin_prefetch(entries + (batch->next & (cq->capacity - 1)), 1);
	return entry;
}

static void set_times(struct fabric *fabric, const struct shared_cq *cq, uint64_t from,
		      uint64_t end)
{
	struct shared_cqe *entries = ring(&fabric->segment, cq);
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	for (uint64_t i = from; i != end; i++)
		entries[i & (cq->capacity - 1)].time = now;
}

void cq_batch_end(struct fabric *fabric, struct cq_batch *batch)
{
	struct shared_cq *cq = batch->cq;

	if (!cq)
		return;
	if (cq->timestamps)
		set_times(fabric, cq, batch->first, batch->next);
	atomic_store_explicit(&cq->produced, batch->next, memory_order_release);
	for (uint64_t i = batch->first; cq->channel_at && i != batch->next; i++)
		tell(fabric, cq, false);
	lock_drop(&cq->lock);
}

/* --- consumers --- */

static void lock_consumers(struct cq *cq)
{
	if (!cq->single_threaded)
		pthread_spin_lock(&cq->lock);
}

static void unlock_consumers(struct cq *cq)
{
	if (!cq->single_threaded)
		pthread_spin_unlock(&cq->lock);
}

static void free_slots(const struct segment *segment, const struct shared_cqe *entry)
{
	struct shared_qp *qp = segment_at(segment, entry->qp_at);

	if (!entry->receive && entry->qp_at)
		atomic_store_explicit(&qp->sq_freed, entry->position, memory_order_release);
}

static int take(struct cq *cq, struct shared_cqe *entries, int count)
{
	const struct segment *segment = &cq->context->fabric->segment;
	struct shared_cq *shared = cq->shared;
	uint64_t consumed = atomic_load_explicit(&shared->consumed, memory_order_relaxed);
	uint64_t produced = atomic_load_explicit(&shared->produced, memory_order_acquire);
	const struct shared_cqe *from = ring(segment, shared);
	int taken = 0;

	for (; taken < count && consumed != produced; taken++, consumed++) {
		entries[taken] = from[consumed & (shared->capacity - 1)];
		free_slots(segment, &entries[taken]);
	}
	atomic_store_explicit(&shared->consumed, consumed, memory_order_release);
	return taken;
}

static bool is_empty(const struct shared_cq *cq)
{
	return atomic_load_explicit(&cq->produced, memory_order_acquire) ==
	       atomic_load_explicit(&cq->consumed, memory_order_relaxed);
}

int cq_poll(struct cq *cq, struct shared_cqe *entries, int count)
{
	int taken;

	progress_all(cq->context->fabric);
	if (is_empty(cq->shared)) {
		if (atomic_load_explicit(&cq->shared->overrun, memory_order_relaxed))
			return fail(EOVERFLOW);
		return 0;
	}
	if (__builtin_expect(context_took(&cq->shared->head, cq->number), 0))
		return 0;
	lock_consumers(cq);
	taken = take(cq, entries, count);
	unlock_consumers(cq);
	return taken;
}

static void arm(struct fabric *fabric, struct shared_cq *cq, uint32_t armed)
{
	uint32_t telling = CQ_TELLING;

	/* who gives an event holds the lock, and its completion is there already */
	if (atomic_compare_exchange_strong(&cq->armed, &telling, armed))
		return;
	lock_cq(fabric, segment_offset(&fabric->segment, cq));
	/* whoever waits for any completion is not content with a solicited one */
	if (atomic_load(&cq->armed) != CQ_ARMED)
		atomic_store(&cq->armed, armed);
	lock_drop(&cq->lock);
}

void cq_arm(struct cq *cq, bool solicited_only)
{
	struct context *context = cq->context;

	if (__builtin_expect(context_took(&cq->shared->head, cq->number), 0) || !cq->channel)
		return;
	arm(context->fabric, cq->shared, solicited_only ? CQ_ARMED_SOLICITED : CQ_ARMED);
	channel_pay(context->fabric, context->number, cq->channel->shared);
}

/* --- moderation --- */

void cq_moderate(struct cq *cq, uint32_t count, int64_t period)
{
	struct fabric *fabric = cq->context->fabric;
	struct shared_cq *shared = cq->shared;

	lock_cq(fabric, segment_offset(&fabric->segment, shared));
	shared->moderate_count = count && period ? count : 0;
	shared->moderate_period = period;
	/* what was held back by other rules */
	if (atomic_load(&shared->event_due))
		give_event(fabric, shared);
	lock_drop(&shared->lock);
	/* it may be wanted while the program is away */
	if (count && period)
		watchdog_want(fabric, 0);
}

/* Returns when its event is due, as long as it is not given; 0: none is. */
static int64_t give_if_due(struct fabric *fabric, struct shared_cq *cq, int64_t now)
{
	int64_t due = atomic_load(&cq->event_due);
	bool stolen;

	if (!due || due > now)
		return due;
	if (!lock_try(fabric, &cq->lock, &stolen))
		return now; /* soon */
	if (stolen)
		settle(fabric, cq);
	if (atomic_load(&cq->event_due))
		give_event(fabric, cq);
	lock_drop(&cq->lock);
	return 0;
}

int64_t cq_give_due(struct fabric *fabric, int64_t now)
{
	const struct segment *segment = &fabric->segment;
	int64_t due = atomic_load_explicit(&fabric->process->event_due, memory_order_relaxed);
	_Atomic uint64_t *place;
	struct shared_head *head;

	if (!due || due > now)
		return due;
	/* who holds another one back meanwhile says so after this */
	atomic_store(&fabric->process->event_due, 0);
	place = section_enter(fabric);
	for (uint32_t device = 0; device < segment->header->devices; device++) {
		const struct shared_table *table = &fabric_device(fabric, device)->cq;
		uint32_t index = 0;

		while ((head = table_next(segment, table, &index))) {
			if (head->owner != fabric->self)
				continue;
			due = give_if_due(fabric, (struct shared_cq *)head, now);
			if (due)
				want_event(fabric->process, due);
		}
	}
	section_leave(place);
	return atomic_load(&fabric->process->event_due);
}

/* Both locks are held.  A process that takes the lock from us when we have died finds
 * no capacity that is larger than the ring.
 */
static void exchange_ring(struct fabric *fabric, struct shared_cq *cq, uint64_t ring_at,
			  uint32_t capacity)
{
	const struct shared_cqe *from = ring(&fabric->segment, cq);
	struct shared_cqe *to = segment_at(&fabric->segment, ring_at);
	uint32_t smaller = capacity < cq->capacity ? capacity : cq->capacity;
	uint64_t produced = atomic_load(&cq->produced);

	for (uint64_t i = atomic_load(&cq->consumed); i != produced; i++)
		to[i & (capacity - 1)] = from[i & (cq->capacity - 1)];
	cq->capacity = smaller;
	atomic_store(&cq->ring_at, ring_at);
	atomic_thread_fence(memory_order_seq_cst);
	cq->capacity = capacity;
}

int cq_resize(struct cq *cq, uint32_t capacity)
{
	struct fabric *fabric = cq->context->fabric;
	struct shared_cq *shared = cq->shared;
	uint64_t old_at, ring_at;
	uint32_t old;
	bool fits;

	if (context_took(&shared->head, cq->number) || !capacity ||
	    capacity > cq->context->device->limits.max_cqe)
		return fail(EINVAL);
	capacity = round_up(capacity);
	ring_at = segment_alloc(&fabric->segment, (uint64_t)capacity * sizeof(struct shared_cqe));
	if (!ring_at)
		return fail(ENOMEM);
	lock_consumers(cq);
	lock_cq(fabric, segment_offset(&fabric->segment, shared));
	old = shared->capacity;
	old_at = atomic_load(&shared->ring_at);
	fits = atomic_load(&shared->produced) - atomic_load(&shared->consumed) <= capacity;
	if (fits)
		exchange_ring(fabric, shared, ring_at, capacity);
	lock_drop(&shared->lock);
	unlock_consumers(cq);
	segment_free(&fabric->segment, fits ? old_at : ring_at,
		     (uint64_t)(fits ? old : capacity) * sizeof(struct shared_cqe));
	return fits ? 0 : fail(EINVAL);
}

void cq_clean(struct cq *cq, uint64_t qp_at, uint32_t qpn)
{
	struct fabric *fabric = cq->context->fabric;
	struct shared_cq *shared = cq->shared;
	struct shared_cqe *entries;
	uint64_t to, produced, mask;

	lock_consumers(cq);
	lock_cq(fabric, segment_offset(&fabric->segment, shared));
	entries = ring(&fabric->segment, shared);
	mask = shared->capacity - 1;
	produced = atomic_load(&shared->produced);
	to = atomic_load(&shared->consumed);
	for (uint64_t i = to; i != produced; i++) {
		const struct shared_cqe *entry = &entries[i & mask];

		/* who was at it when its number was taken away has written 0 */
		if (entry->qp_at != qp_at || (entry->qpn && entry->qpn != qpn))
			entries[to++ & mask] = *entry;
	}
	atomic_store(&shared->produced, to);
	lock_drop(&shared->lock);
	unlock_consumers(cq);
}
