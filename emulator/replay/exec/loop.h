/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - time, and what is to be done when
 *
 * One loop for a real run, where time goes by and a network is asked for what has come,
 * and for a virtual one, where time is that of the next timer and all ranks of a run
 * live in one process.  Timers of the same time go off in the order they were set, so a
 * virtual run is the same every time.  Single-threaded.
 */
#ifndef EXEC_LOOP_H
#define EXEC_LOOP_H

#include "err.h"
#include "evq.h"
#include "histogram.h"

#include <stdbool.h>

/* Embedded in what the caller owns; zeroed before its first use. */
struct loop_timer {
	struct evq_node node;
	int64_t due; /* read only */
	/* DUE is the time that was asked for: the real one may be later. */
	void (*fire)(struct loop_timer *timer, int64_t due);
};

/* Where real time comes from; tests have clocks of their own. */
struct loop_clock {
	int64_t (*now)(void *arg); /* ns, from any zero */
	/* Let NS go by, or less: the loop asks again. */
	void (*rest)(void *arg, int64_t ns);
	void *arg;
};

struct loop {
	struct evq timers;
	const struct loop_clock *clock; /* NULL: virtual */
	int64_t zero;                   /* the clock's time at loop_start() */
	int64_t seen;                   /* ns: what loop_now() said last, for what need not be
					   exact: a clock costs as much as a turn */
	bool stopped;
	int failed;      /* -1 after loop_fail() */
	unsigned turns;  /* between looks at whether a signal ends it, as a failure (outfile.h) */
	struct err *err; /* of the caller of loop_run() */
	/* Asked again and again in a real run.  Returns how many things it has done, or -1
	 * with ERR.  NULL: none.
	 */
	int (*poll)(void *arg, struct err *err);
	void *poll_arg;
	uint64_t open;         /* things that are to come by `poll`: it is asked more often then */
	int64_t spin;          /* ns without anything to do before it rests; INT64_MAX: never,
				or LOOP_SPIN_AUTO */
	int64_t rest_cost;     /* ns, what rests took longer than they were to, on average */
	long preempted;        /* times, when that was looked at last */
	int64_t looked;        /* then, ns */
	bool shared;           /* the processor, with others that want it */
	struct histogram late; /* ns that timers went off too late, in real runs */
};

/* As long as a rest costs, twice, where the processor is not shared: who waits for another that
 * rests would rest as well, and they would in turn.
 */
#define LOOP_SPIN_AUTO (-1)

extern const struct loop_clock loop_real_clock; /* CLOCK_MONOTONIC */

/* For real time, by the thread that will run it. */
void loop_init(struct loop *loop, const struct loop_clock *clock);
void loop_release(struct loop *loop); /* timers stay with their owners */

/* Time 0 is now, or AT of the clock. */
void loop_start(struct loop *loop);
void loop_start_at(struct loop *loop, int64_t at);

/* ns since loop_start(); virtual: of the timer that goes off. */
int64_t loop_now(struct loop *loop);

/* Set TIMER, which is not set, for TIME; one that is past goes off at once, after those
 * that are due already.  Returns 0, or -1 with errno ENOMEM.
 */
int loop_at(struct loop *loop, struct loop_timer *timer, int64_t time);
void loop_cancel(struct loop *loop, struct loop_timer *timer);

/* Until loop_stop(), or, virtual, until there is no timer any more.  Returns 0, or -1
 * with ERR written after loop_fail() or a poll that failed.
 */
int loop_run(struct loop *loop, struct err *err);
void loop_stop(struct loop *loop);

/* End loop_run() with a failure, from a timer or a callback: the first sentence counts.
 * Returns -1.
 */
int loop_fail(struct loop *loop, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
