/* SPDX-License-Identifier: Apache-2.0 */
#include "device/progress.h"
#include "clock.h"
#include "device/flight.h"
#include "device/mailbox.h"
#include "device/section.h"
#include "device/watchdog.h"

#include <errno.h>
#include <stdlib.h>

#define NEVER    INT64_MAX
#define PATIENCE 1000 /* looks at a busy `work` */

/* A send queue by its numbers: it may be gone when its time has come. */
struct waiting {
	uint32_t device, qpn;
	int64_t due; /* of others' */
};

struct waiting_list {
	struct waiting *entry;
	uint32_t count, room;
};

struct progress {
	/* Around all that progress_work() does, and around `own`, for moments only.
	 * With priority inheritance: who posts or polls may have a real-time priority.
	 */
	pthread_mutex_t work, lock;
	struct waiting_list own;
	struct waiting_list others; /* under work */
	_Atomic int64_t next;       /* nothing is due before */
};

_Atomic uint32_t progress_pending;

/* What a thread does when it has dropped its locks.  A death that finds no room is
 * noticed again; a queue pair's flush stays set.
 */
static __thread struct {
	uint32_t count;
	struct {
		uint32_t device, qpn;
	} failed[16];
	uint32_t dead; /* process + 1 */
} todo __attribute__((tls_model("initial-exec")));

/* --- lists --- */

/* Returns 0, or -1 with errno ENOMEM. */
static int list_add(struct waiting_list *list, struct waiting entry)
{
	if (list->count == list->room) {
		uint32_t room = list->room ? 2 * list->room : 16;
		struct waiting *grown = realloc(list->entry, room * sizeof(*grown));

		if (!grown)
			return -1;
		list->entry = grown;
		list->room = room;
	}
	list->entry[list->count++] = entry;
	return 0;
}

static void lower(_Atomic int64_t *value, int64_t to)
{
	int64_t now = atomic_load(value);

	while (to < now && !atomic_compare_exchange_weak(value, &now, to))
		;
}

void progress_watch(struct fabric *fabric, struct shared_qp *qp, int64_t due)
{
	struct progress *progress = fabric->progress;
	struct waiting entry = { qp->device, atomic_load(&qp->head.number), 0 };

	if (!progress)
		return;
	if (!atomic_exchange(&qp->watched, 1)) {
		pthread_mutex_lock(&progress->lock);
		if (list_add(&progress->own, entry) < 0)
			atomic_store(&qp->watched, 0);
		else
			atomic_fetch_add(&progress_pending, 1);
		pthread_mutex_unlock(&progress->lock);
	}
	lower(&progress->next, due);
	watchdog_want(fabric, due);
}

void progress_forget(struct fabric *fabric, struct shared_qp *qp)
{
	uint64_t end = atomic_load(&qp->sq_sent);

	for (uint64_t at = atomic_load(&qp->sq_acked); qp->sq_at && at < end; at++)
		mailbox_forget(fabric, qp->head.owner,
			       segment_at(&fabric->segment,
					  qp->sq_at + at % qp->sq_capacity * qp->sq_stride));
	/* its entry goes at the next look: it is not found, or has nothing due */
	atomic_store(&qp->due, NEVER);
	atomic_store(&qp->hinted, 0);
}

/* --- help for others --- */

void progress_hint(struct fabric *fabric, struct shared_qp *qp, uint32_t process, int64_t due)
{
	struct shared_process *to = &fabric->segment.header->process[process];
	uint32_t head, tail, room = sizeof(to->hint) / sizeof(to->hint[0]);
	bool stolen;

	if (atomic_load_explicit(&qp->hinted, memory_order_relaxed) == process + 1 ||
	    process == fabric->self || !lock_try(fabric, &to->hint_lock, &stolen))
		return;
	head = atomic_load(&to->hint_head);
	tail = atomic_load(&to->hint_tail);
	if (tail - head < room) {
		to->hint[tail % room].device = qp->device;
		to->hint[tail % room].qpn = atomic_load(&qp->head.number);
		to->hint[tail % room].due = due;
		atomic_store(&to->hint_tail, tail + 1);
		atomic_store(&qp->hinted, process + 1);
		atomic_store(&to->attention, 1);
	}
	lock_drop(&to->hint_lock);
}

static void collect_hints(struct fabric *fabric)
{
	struct progress *progress = fabric->progress;
	struct shared_process *self = fabric->process;
	uint32_t head = atomic_load(&self->hint_head), tail = atomic_load(&self->hint_tail);
	uint32_t room = sizeof(self->hint) / sizeof(self->hint[0]);

	for (; head != tail; head++) {
		struct waiting entry = { self->hint[head % room].device,
					 self->hint[head % room].qpn, self->hint[head % room].due };

		if (list_add(&progress->others, entry) == 0) {
			atomic_fetch_add(&progress_pending, 1);
			lower(&progress->next, entry.due);
		}
	}
	atomic_store(&self->hint_head, head);
}

/* --- what is due --- */

/* A look at one send queue, unless somebody else has its lock.  Returns when it wants
 * the next one.
 */
static int64_t look(struct fabric *fabric, struct shared_qp *qp, int64_t now)
{
	int64_t due;
	bool stolen;

	if (!lock_try(fabric, &qp->send_lock, &stolen))
		return now; /* soon */
	if (stolen)
		cq_recover(fabric, qp->send_cq_at);
	progress_qp(fabric, qp, now);
	due = atomic_load(&qp->due);
	lock_drop(&qp->send_lock);
	return due;
}

/* --- when the locks are dropped --- */

void progress_later(struct fabric *fabric, struct shared_qp *qp)
{
	uint32_t qpn = atomic_load(&qp->head.number);

	(void)fabric;
	for (uint32_t i = 0; i < todo.count; i++)
		if (todo.failed[i].device == qp->device && todo.failed[i].qpn == qpn)
			return;
	if (todo.count == sizeof(todo.failed) / sizeof(todo.failed[0]))
		return;
	todo.failed[todo.count].device = qp->device;
	todo.failed[todo.count++].qpn = qpn;
}

void progress_dead(uint32_t process)
{
	todo.dead = process + 1;
}

/* Returns whether it is flushed, or need not be. */
static bool flush_failed(struct fabric *fabric, uint32_t device, uint32_t qpn, bool by_watchdog)
{
	_Atomic uint64_t *place = section_enter(fabric);
	struct shared_qp *qp = qp_find(fabric, device, qpn);
	bool done = true;

	if (qp && atomic_load(&qp->flush) && by_watchdog) {
		done = look(fabric, qp, 0) != 0;
	} else if (qp && atomic_load(&qp->flush)) {
		qp_lock_send(fabric, qp);
		progress_qp(fabric, qp, 0);
		lock_drop(&qp->send_lock);
	}
	section_leave(place);
	return done;
}

static __attribute__((noinline)) void do_todo(struct fabric *fabric, bool by_watchdog)
{
	uint32_t dead = todo.dead, count = todo.count;

	todo.count = todo.dead = 0;
	for (uint32_t i = 0; i < count; i++)
		if (!flush_failed(fabric, todo.failed[i].device, todo.failed[i].qpn, by_watchdog))
			todo.failed[todo.count++] = todo.failed[i];
	if (dead)
		fabric_reap(fabric, dead - 1);
}

void progress_todo(struct fabric *fabric)
{
	if (__builtin_expect(todo.count | todo.dead, 0))
		do_todo(fabric, false);
}

/* --- all that is due --- */

/* Returns when ENTRY wants the next look, or NEVER: it leaves its list. */
static int64_t visit(struct fabric *fabric, const struct waiting *entry, int64_t now, int64_t limit)
{
	_Atomic uint64_t *place = section_enter(fabric);
	struct shared_qp *qp = qp_find(fabric, entry->device, entry->qpn);
	uint32_t self = fabric->self + 1;
	int64_t due = NEVER;
	bool own;

	if (qp) {
		own = qp->head.owner == fabric->self;
		due = atomic_load(&qp->due);
		/* the dead send no more */
		if (!own && (!fabric_alive(fabric, qp->head.owner) ||
			     fabric_reach(fabric, qp->head.owner) != REACH_DIRECT))
			due = NEVER;
		else if (due <= limit)
			due = look(fabric, qp, now);
		if (due == NEVER && !own)
			atomic_compare_exchange_strong(&qp->hinted, &self, 0);
		/* who posts now finds it watched, or adds it again */
		if (due == NEVER && own) {
			atomic_store(&qp->watched, 0);
			due = atomic_load(&qp->due);
			if (due != NEVER && atomic_exchange(&qp->watched, 1))
				due = NEVER;
		}
	}
	section_leave(place);
	return due;
}

/* All of LIST; what is left stays in it. */
static int64_t visit_all(struct fabric *fabric, struct waiting_list *list, int64_t now,
			 int64_t limit)
{
	uint32_t kept = 0;
	int64_t next = NEVER;

	for (uint32_t i = 0; i < list->count; i++) {
		int64_t due = visit(fabric, &list->entry[i], now, limit);

		if (due == NEVER)
			continue;
		list->entry[kept++] = list->entry[i];
		if (due < next)
			next = due;
	}
	atomic_fetch_sub(&progress_pending, list->count - kept);
	list->count = kept;
	return next;
}

/* Those who post add to an empty list meanwhile. */
static void visit_own(struct fabric *fabric, int64_t now, int64_t limit)
{
	struct progress *progress = fabric->progress;
	struct waiting_list list, added;
	int64_t next;

	pthread_mutex_lock(&progress->lock);
	list = progress->own;
	progress->own = (struct waiting_list){ .count = 0 };
	pthread_mutex_unlock(&progress->lock);
	next = visit_all(fabric, &list, now, limit);
	pthread_mutex_lock(&progress->lock);
	added = progress->own;
	for (uint32_t i = 0; i < added.count; i++)
		if (list_add(&list, added.entry[i]) < 0)
			atomic_fetch_sub(&progress_pending, 1);
	progress->own = list;
	pthread_mutex_unlock(&progress->lock);
	free(added.entry);
	lower(&progress->next, next);
}

/* One thread at a time, the others go on.  But who finds it busy again and again may
 * keep a thread of lower priority from its end, and lends it its own.
 */
static bool begin_work(struct progress *progress, bool by_watchdog)
{
	static __thread uint32_t missed __attribute__((tls_model("initial-exec")));

	if (pthread_mutex_trylock(&progress->work) == 0) {
		missed = 0;
		return true;
	}
	if (by_watchdog || ++missed < PATIENCE)
		return false;
	missed = 0;
	return pthread_mutex_lock(&progress->work) == 0;
}

void progress_work(struct fabric *fabric, bool by_watchdog)
{
	struct progress *progress = fabric->progress;
	int64_t now, limit, due;

	if (!progress || !begin_work(progress, by_watchdog))
		return;
	if (atomic_exchange(&fabric->process->attention, 0)) {
		collect_hints(fabric);
		mailbox_progress(fabric);
	}
	now = clock_ns(CLOCK_MONOTONIC);
	limit = by_watchdog ? now - WATCHDOG_TICK : now;
	if (atomic_load(&progress->next) <= limit) {
		atomic_store(&progress->next, NEVER);
		visit_own(fabric, now, limit);
		lower(&progress->next, visit_all(fabric, &progress->others, now, limit));
	}
	due = cq_give_due(fabric, now);
	if (due)
		lower(&progress->next, due);
	pthread_mutex_unlock(&progress->work);
	do_todo(fabric, by_watchdog);
}

int64_t progress_next(struct fabric *fabric)
{
	return fabric->progress ? atomic_load(&fabric->progress->next) : NEVER;
}

/* --- times --- */

int64_t progress_timeout(uint32_t timeout)
{
	return (int64_t)4096 << (timeout & 31);
}

int64_t progress_rnr_timer(uint32_t code)
{
	/* 10 us (volume 1, 9.7.5.2.8) */
	static const uint32_t timers[32] = { 65536, 1,    2,    3,     4,     6,     8,     12,
					     16,    24,   32,   48,    64,    96,    128,   192,
					     256,   384,  512,  768,   1024,  1536,  2048,  3072,
					     4096,  6144, 8192, 12288, 16384, 24576, 32768, 49152 };

	return (int64_t)timers[code % 32] * 10000;
}

/* --- the process --- */

static void destroy(struct progress *progress)
{
	free(progress->own.entry);
	free(progress->others.entry);
	free(progress);
}

int progress_start(struct fabric *fabric)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	pthread_mutexattr_t attr;

	if (!progress)
		return -1;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	/* a signal handler that polls may have interrupted its own thread */
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&progress->work, &attr);
	pthread_mutex_init(&progress->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	atomic_store(&progress->next, NEVER);
	atomic_store(&progress_pending, 0);
	fabric->progress = progress;
	fabric->forget = progress_forget_all;
	return 0;
}

void progress_stop(struct fabric *fabric)
{
	struct progress *progress = fabric->progress;

	for (uint32_t i = 0; progress && i < fabric->segment.header->devices; i++)
		flight_settle_all(fabric, i);
	watchdog_stop(fabric);
	mailbox_release(fabric, fabric->self);
	fabric->progress = NULL;
	atomic_store(&progress_pending, 0);
	if (progress)
		destroy(progress);
}

/* What another thread had locked when the process forked stays locked in the child, so
 * nothing is freed.
 */
void progress_forget_all(struct fabric *fabric)
{
	watchdog_forget(fabric);
	atomic_store(&fabric->answering, 0);
	fabric->progress = NULL;
	atomic_store(&progress_pending, 0);
	todo.count = todo.dead = 0;
}
