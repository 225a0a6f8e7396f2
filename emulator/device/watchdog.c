/* SPDX-License-Identifier: Apache-2.0 */
#include "device/watchdog.h"
#include "clock.h"
#include "device/event.h"
#include "device/progress.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEVER      INT64_MAX
#define IDLE_TICKS 50         /* then it sleeps */
#define FAR        10000000   /* ns: it sleeps until what is due later than that */
#define LONGEST    1000000000 /* ns: who was to wake it may have died just then; twice as */
#define DOUBLED    6          /* long each time that nothing had come, so often */
#define STACK_SIZE (128 * 1024)

struct watchdog {
	struct fabric *fabric;
	pthread_t thread;
	_Atomic int64_t sleeps_to; /* when it looks again by itself */
	uint32_t sleeps;           /* so many times yet */
	uint32_t in_vain;          /* of these: since something was to do */
	_Atomic bool stop;
};

/* Threads that post at the same time make one watchdog. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* Until TIME, or until the word ASLEEP is no more NUMBER and somebody says so. */
static void sleep_until(_Atomic uint32_t *asleep, uint32_t number, int64_t time, int64_t longest)
{
	int64_t left = time == NEVER ? longest : time - clock_ns(CLOCK_MONOTONIC);
	struct timespec wait;

	if (left <= 0)
		return;
	if (left > longest)
		left = longest;
	wait.tv_sec = left / 1000000000;
	wait.tv_nsec = left % 1000000000;
	syscall(SYS_futex, asleep, FUTEX_WAIT, number, &wait, NULL, 0);
}

static bool idle(const struct watchdog *watchdog)
{
	return !atomic_load(&progress_pending) &&
	       !atomic_load(&watchdog->fabric->process->attention) &&
	       !atomic_load(&watchdog->fabric->process->event_due) && !atomic_load(&watchdog->stop);
}

static int64_t longest(struct watchdog *watchdog)
{
	uint32_t times = watchdog->in_vain++;

	return (int64_t)LONGEST << (times < DOUBLED ? times : DOUBLED);
}

/* Asleep is said before the last look, so who leaves something either is seen or
 * wakes us.
 */
static void sleep_long(struct watchdog *watchdog, int64_t time)
{
	_Atomic uint32_t *asleep = &watchdog->fabric->process->asleep;

	atomic_store(&watchdog->sleeps_to, time);
	watchdog->sleeps += watchdog->sleeps == UINT32_MAX ? 2 : 1;
	atomic_store(asleep, watchdog->sleeps);
	if (time == NEVER ? idle(watchdog)
			  : progress_next(watchdog->fabric) >= time &&
				    !atomic_load(&watchdog->fabric->process->attention) &&
				    !atomic_load(&watchdog->stop))
		sleep_until(asleep, watchdog->sleeps, time, longest(watchdog));
	atomic_store(asleep, 0);
	atomic_store(&watchdog->sleeps_to, 0);
}

static void *watch(void *arg)
{
	struct watchdog *watchdog = arg;
	struct fabric *fabric = watchdog->fabric;
	uint32_t ticks = 0;
	int64_t now, next;

	prctl(PR_SET_TIMERSLACK, 1000); /* ns; 50 us otherwise */
	while (!atomic_load(&watchdog->stop)) {
		progress_work(fabric, true);
		now = clock_ns(CLOCK_MONOTONIC);
		next = progress_next(fabric);
		if (!idle(watchdog))
			ticks = watchdog->in_vain = 0;
		if (ticks++ >= IDLE_TICKS)
			sleep_long(watchdog, NEVER);
		else if (next != NEVER && next > now + FAR)
			sleep_long(watchdog, next);
		else
			sleep_until(&fabric->process->asleep, 0, now + WATCHDOG_TICK, LONGEST);
	}
	return NULL;
}

static int start_thread(struct watchdog *watchdog)
{
	size_t size = STACK_SIZE;
	pthread_attr_t attr;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	if (size < (size_t)PTHREAD_STACK_MIN)
		size = (size_t)PTHREAD_STACK_MIN;
	pthread_attr_setstacksize(&attr, size);
	rc = pthread_create(&watchdog->thread, &attr, watch, watchdog);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -1;
	pthread_setname_np(watchdog->thread, "netemu");
	return 0;
}

static struct watchdog *create(struct fabric *fabric)
{
	struct watchdog *watchdog = calloc(1, sizeof(*watchdog));

	if (!watchdog)
		return NULL;
	watchdog->fabric = fabric;
	if (start_thread(watchdog) < 0) {
		free(watchdog);
		return NULL;
	}
	return watchdog;
}

void watchdog_want(struct fabric *fabric, int64_t time)
{
	struct watchdog *watchdog = __atomic_load_n(&fabric->watchdog, __ATOMIC_ACQUIRE);
	int64_t until;

	if (!watchdog) {
		pthread_mutex_lock(&making);
		if (!fabric->watchdog)
			__atomic_store_n(&fabric->watchdog, create(fabric), __ATOMIC_RELEASE);
		pthread_mutex_unlock(&making);
		return;
	}
	until = atomic_load(&watchdog->sleeps_to);
	if (until && time < until - WATCHDOG_TICK)
		event_wake(fabric, fabric->self);
}

void watchdog_stop(struct fabric *fabric)
{
	struct watchdog *watchdog = fabric->watchdog;

	if (!watchdog)
		return;
	atomic_store(&watchdog->stop, true);
	event_wake(fabric, fabric->self);
	pthread_join(watchdog->thread, NULL);
	fabric->watchdog = NULL;
	free(watchdog);
}

void watchdog_forget(struct fabric *fabric)
{
	pthread_mutex_init(&making, NULL);
	fabric->watchdog = NULL;
}
