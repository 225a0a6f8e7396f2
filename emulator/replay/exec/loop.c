/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/loop.h"

#include "clock.h"
#include "outfile.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define TURNS 64

/* A thread that sleeps comes back too late: the last of it is spun away, with LOOP_SPIN_AUTO
 * twice what that usually is.
 */
#define WAKE_LEAST 30000   /* ns */
#define REST_MAX   1000000 /* ns without a look at whether it is to stop */
/* What comes is seen late by a share of how long it was waited for, and at most so much. */
#define REST_SHARE 64
#define REST_POLL  50000  /* ns */
#define REST_ALONE 200000 /* ns, when nothing is to come */
/* Where ranks share a processor, one that asks too often keeps another from what it waits for. */
#define REST_SHARED  40000
#define SPIN_LEAST   10000 /* ns */
#define SPIN_MOST    200000
#define SHARED_LOOK  10000000 /* ns that this is looked at over */
#define SHARED_TIMES 3        /* another has had it meanwhile: the kernel's own threads are fewer */

static int64_t real_now(void *arg)
{
	(void)arg;
	return clock_ns(CLOCK_MONOTONIC);
}

static void real_rest(void *arg, int64_t ns)
{
	(void)arg;
	if (ns > 0)
		clock_rest(ns);
}

const struct loop_clock loop_real_clock = { real_now, real_rest, NULL };

static struct loop_timer *timer_of(struct evq_node *node)
{
	return (struct loop_timer *)((char *)node - offsetof(struct loop_timer, node));
}

/* The next timer, when it is due at NOW. */
static int fire_next(struct loop *loop, int64_t now)
{
	struct evq_node *node = evq_peek(&loop->timers);
	struct loop_timer *timer;

	if (!node || node->time > now)
		return 0;
	evq_next(&loop->timers);
	timer = timer_of(node);
	if (loop->clock)
		histogram_add(&loop->late, (uint64_t)(now - timer->due));
	timer->fire(timer, timer->due);
	return 1;
}

static bool goes_on(struct loop *loop)
{
	if (++loop->turns % TURNS == 0 && outfile_struck())
		loop_fail(loop, "interrupted");
	return !loop->stopped && !loop->failed;
}

static int virtual_run(struct loop *loop)
{
	struct evq_node *node;

	while (goes_on(loop) && (node = evq_peek(&loop->timers)))
		fire_next(loop, node->time);
	return loop->failed;
}

static int64_t shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long POLL need not be asked when it has had nothing for WAITED.  Without anything that
 * is to come it only helps others.
 */
static int64_t poll_rest(const struct loop *loop, int64_t waited)
{
	return loop->open ? 1 + shorter(waited / REST_SHARE, REST_POLL) : REST_ALONE;
}

/* Other threads have again and again been given this thread's processor, of late. */
static bool shares_processor(struct loop *loop, int64_t now)
{
	struct rusage usage;

	if (loop->clock != &loop_real_clock || now - loop->looked < SHARED_LOOK)
		return loop->shared;
	if (getrusage(RUSAGE_THREAD, &usage) < 0)
		return false;
	loop->shared = (usage.ru_nivcsw - loop->preempted) * SHARED_LOOK >=
		       SHARED_TIMES * (now - loop->looked);
	loop->looked = now;
	loop->preempted = usage.ru_nivcsw;
	return loop->shared;
}

/* How long to ask again and again before a rest.  Twice what a rest costs loses little where that
 * is in vain (Karlin, Manasse, McGeoch, Owicki: "Competitive randomized algorithms for nonuniform
 * problems", 1990), and ends before long that two threads rest in turn.
 */
static int64_t spin_time(struct loop *loop, int64_t now, int64_t waited)
{
	if (loop->spin != LOOP_SPIN_AUTO)
		return loop->spin;
	if (waited < SPIN_LEAST || shares_processor(loop, now))
		return SPIN_LEAST;
	return shorter(2 * loop->rest_cost, SPIN_MOST);
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void take_rest(struct loop *loop, int64_t now, int64_t rest)
{
	int64_t cost;

	loop->clock->rest(loop->clock->arg, rest);
	cost = shorter(loop_now(loop) - now - rest, SPIN_MOST);
	loop->rest_cost += (cost - loop->rest_cost) / (cost > loop->rest_cost ? 2 : 32);
}

/* How long before a time to wake for it. */
static int64_t wake_time(const struct loop *loop)
{
	return loop->spin == LOOP_SPIN_AUTO ? longer(2 * loop->rest_cost, WAKE_LEAST) : WAKE_LEAST;
}

/* Nothing was there to do since SINCE: spin for a while, then sleep, not beyond what is due. */
static void idle(struct loop *loop, int64_t now, int64_t since)
{
	const struct evq_node *node = evq_peek(&loop->timers);
	int64_t rest = REST_MAX, poll;

	if (now - since < spin_time(loop, now, now - since))
		return;
	if (node)
		rest = shorter(rest, node->time - now - wake_time(loop));
	if (loop->poll) {
		poll = poll_rest(loop, now - since);
		if (shares_processor(loop, now) && poll < REST_SHARED)
			poll = REST_SHARED;
		rest = shorter(rest, poll);
	}
	if (rest > 0)
		take_rest(loop, now, rest);
}

static int real_run(struct loop *loop, struct err *err)
{
	int64_t now, since = 0;
	bool busy = true;
	int done;

	while (goes_on(loop)) {
		done = loop->poll ? loop->poll(loop->poll_arg, err) : 0;
		if (done < 0)
			return -1;
		while (!loop->stopped && !loop->failed && evq_peek(&loop->timers) &&
		       fire_next(loop, loop_now(loop)))
			done++;
		if (!done) {
			now = loop_now(loop);
			if (busy)
				since = now;
			idle(loop, now, since);
		}
		busy = done;
	}
	return loop->failed;
}

void loop_init(struct loop *loop, const struct loop_clock *clock)
{
	/* The kernel would let a thread sleep 50 us longer than it asks for. */
	if (clock == &loop_real_clock)
		prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	*loop = (struct loop){ .clock = clock, .spin = LOOP_SPIN_AUTO };
	evq_init(&loop->timers);
}

void loop_release(struct loop *loop)
{
	evq_release(&loop->timers);
	histogram_release(&loop->late);
}

void loop_start(struct loop *loop)
{
	loop->zero = loop->clock ? loop->clock->now(loop->clock->arg) : 0;
}

void loop_start_at(struct loop *loop, int64_t at)
{
	loop->zero = at;
}

int64_t loop_now(struct loop *loop)
{
	if (loop->clock)
		loop->seen = loop->clock->now(loop->clock->arg) - loop->zero;
	else
		loop->seen = loop->timers.now > 0 ? loop->timers.now : 0;
	return loop->seen;
}

int loop_at(struct loop *loop, struct loop_timer *timer, int64_t time)
{
	int64_t earliest = loop->timers.now;

	timer->due = time;
	return evq_add(&loop->timers, &timer->node, time > earliest ? time : earliest, 0);
}

void loop_cancel(struct loop *loop, struct loop_timer *timer)
{
	evq_remove(&loop->timers, &timer->node);
}

int loop_run(struct loop *loop, struct err *err)
{
	loop->err = err;
	loop->stopped = false;
	loop->failed = 0;
	return loop->clock ? real_run(loop, err) : virtual_run(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

int loop_fail(struct loop *loop, const char *fmt, ...)
{
	char text[sizeof(loop->err->text)];
	va_list args;

	if (loop->failed)
		return -1;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	loop->failed = -1;
	return err_set(loop->err, "%s", text);
}
