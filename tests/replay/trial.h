/* SPDX-License-Identifier: Apache-2.0 */

/* Collectives of ranks on a network that takes a random time for each message. */

#ifndef TEST_TRIAL_H
#define TEST_TRIAL_H

#include "coll/collective.h"

#include "net/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define RANKS 64

/* --- a network that takes a random time for each message --- */

struct wire {
	struct net net; /* first */
	struct match match;
	struct wires *wires;
};

struct wires {
	struct loop loop;
	uint32_t size;
	struct wire ends[RANKS];
	uint64_t seed;
	uint32_t spread; /* ns, at most */
	uint64_t tags_with_top_bit;
	uint32_t damaged; /* the message whose first byte is changed, counted down; 0: none */
};

/* A message on its way, and while it waits for its receive. */
struct passage {
	struct match_arrival arrival; /* first */
	struct loop_timer timer;
	struct wires *wires;
	struct net_message *send;
	bool arrived;
};

static inline uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Over in pieces of odd sizes. */
static inline void hand_over(struct wires *wires, struct net_message *send,
			     struct net_message *receive)
{
	uint8_t buffer[97];
	uint64_t at, size;

	assert_int_equal(send->size, receive->size);
	for (at = 0; send->data && at < send->size; at += size) {
		size = send->size - at < sizeof(buffer) ? send->size - at : sizeof(buffer);
		send->data->fill(send, at, buffer, size);
		if (at == 0 && wires->damaged && --wires->damaged == 0)
			buffer[0] ^= 1;
		receive->data->take(receive, at, buffer, size);
	}
}

static inline void meet(struct loop_timer *timer, int64_t due)
{
	struct passage *passage =
		(struct passage *)((char *)timer - offsetof(struct passage, timer));
	struct net_message *send = passage->send, *receive = passage->arrival.receive;

	hand_over(passage->wires, send, receive);
	free(passage);
	send->done(send, due);
	receive->done(receive, due);
}

static inline void arrive(struct loop_timer *timer, int64_t due)
{
	struct passage *passage =
		(struct passage *)((char *)timer - offsetof(struct passage, timer));

	passage->arrived = true;
	if (passage->arrival.receive)
		meet(timer, due);
}

/* Matched in the order in which they are sent, delivered in any. */
static inline int wire_send(struct net *net, struct net_message *message, struct err *err)
{
	struct wires *wires = ((struct wire *)net)->wires;
	struct passage *passage = calloc(1, sizeof(*passage));

	wires->tags_with_top_bit += message->tag >> 63;
	passage->arrival = (struct match_arrival){ .peer = net->rank,
						   .tag = message->tag,
						   .size = message->size };
	passage->timer.fire = arrive;
	passage->wires = wires;
	passage->send = message;
	if (match_arrive(&wires->ends[message->peer].match, &passage->arrival, message->peer, err) <
	    0) {
		free(passage);
		return -1;
	}
	return loop_at(&wires->loop, &passage->timer,
		       loop_now(&wires->loop) + 1 + draw(&wires->seed, wires->spread));
}

static inline int wire_recv(struct net *net, struct net_message *message, struct err *err)
{
	struct wire *wire = (struct wire *)net;
	struct match_arrival *arrival;
	struct passage *passage;

	if (match_receive(&wire->match, message, &arrival, net->rank, err) < 0)
		return -1;
	passage = (struct passage *)arrival;
	if (!passage || !passage->arrived)
		return 0;
	passage->timer.fire = meet;
	return loop_at(&wire->wires->loop, &passage->timer, loop_now(&wire->wires->loop));
}

static int64_t ticks;

/* Time that goes by when it is looked at. */
static inline int64_t tick_now(void *arg)
{
	(void)arg;
	return ticks += 500;
}

static inline void tick_rest(void *arg, int64_t ns)
{
	(void)arg;
	ticks += ns;
}

static inline void wires_init(struct wires *wires, uint32_t size, uint64_t seed, uint32_t spread)
{
	static const struct net_ops ops = { .name = "wire", .send = wire_send, .recv = wire_recv };
	uint32_t i;

	*wires = (struct wires){ .size = size, .seed = seed, .spread = spread };
	loop_init(&wires->loop, NULL);
	loop_start(&wires->loop);
	for (i = 0; i < size; i++) {
		struct wire *wire = &wires->ends[i];

		wire->wires = wires;
		wire->net =
			(struct net){ .ops = &ops, .loop = &wires->loop, .rank = i, .size = size };
		wire->net.counts = calloc(size, sizeof(*wire->net.counts));
		match_init(&wire->match);
	}
}

static inline void wires_release(struct wires *wires)
{
	uint32_t i;

	for (i = 0; i < wires->size; i++) {
		/* Nothing is left over. */
		assert_int_equal(wires->ends[i].match.receives + wires->ends[i].match.arrivals, 0);
		match_release(&wires->ends[i].match);
		free(wires->ends[i].net.counts);
	}
	loop_release(&wires->loop);
	assert_int_equal(wires->tags_with_top_bit, 0);
}

/* --- ranks that do one collective after the other --- */

struct job {
	enum coll coll;
	uint64_t size;
	const struct group *group;
	uint64_t dims;
	uint32_t root;
	const int64_t *sizes;
};

struct rank {
	struct collective collective; /* first */
	struct collectives *collectives;
	struct trial *trial;
	const struct job *jobs;
	uint32_t jobs_count, next;
	uint64_t sent;
	int64_t finished;
};

struct trial {
	struct wires wires;
	struct system system;
	struct dims dims;
	struct collectives_settings settings;
	struct rank ranks[RANKS];
	uint32_t busy; /* ranks that have something to do */
};

static inline void next_job(struct rank *rank, int64_t time)
{
	const struct job *job = &rank->jobs[rank->next];
	struct err err;

	rank->finished = time;
	if (rank->next == rank->jobs_count) {
		if (--rank->trial->busy == 0)
			loop_stop(&rank->trial->wires.loop);
		return;
	}
	rank->next++;
	rank->collective = (struct collective){
		.coll = job->coll,
		.size = job->size,
		.group = job->group,
		.dims = job->dims ? job->dims : UINT64_MAX,
		.root = job->root,
		.sizes = job->sizes,
		.node_id = rank->next,
		.done = rank->collective.done,
	};
	if (collectives_start(rank->collectives, &rank->collective, time, &err) < 0)
		loop_fail(&rank->trial->wires.loop, "%s", err.text);
}

static inline void job_done(struct collective *collective, int64_t time)
{
	struct rank *rank = (struct rank *)collective;

	assert_true(collective->ended == time && collective->started <= time);
	rank->sent += collective->sent;
	next_job(rank, time);
}

static inline void set_algorithms(struct system *system, const char *all_reduce,
				  const char *all_to_all)
{
	struct err err;

	*system = (struct system){ .endpoint_delay = 10,
				   .active_chunks = 1,
				   .splits = 1,
				   .local_bw_aware = true,
				   .memory_bw = 1600 };
	assert_int_equal(algorithm_parse(&system->all_reduce[0], all_reduce, &err), 0);
	assert_int_equal(algorithm_parse(&system->all_to_all[0], all_to_all, &err), 0);
	system->all_gather[0] = system->reduce_scatter[0] = system->all_reduce[0];
	system->all_reduce_count = system->all_gather_count = 1;
	system->reduce_scatter_count = system->all_to_all_count = 1;
}

static inline void trial_init(struct trial *trial, struct dims dims, uint64_t seed, uint32_t spread)
{
	uint32_t n = 1, d, i;
	struct err err;

	for (d = 0; d < dims.count; d++)
		n *= dims.size[d];
	trial->dims = dims;
	wires_init(&trial->wires, n, seed, spread);
	trial->settings.system = &trial->system;
	trial->settings.dims = &trial->dims;
	for (i = 0; i < n; i++) {
		struct rank *rank = &trial->ranks[i];

		*rank = (struct rank){ .trial = trial, .collective.done = job_done };
		assert_int_equal(collectives_create(&rank->collectives, &trial->wires.ends[i].net,
						    &trial->settings, &err),
				 0);
	}
}

/* Go by CLOCK from now on. */
static inline void collectives_of(struct trial *trial, const struct loop_clock *clock)
{
	uint32_t i;
	struct err err;

	trial->wires.loop.clock = clock;
	trial->wires.loop.spin = 0;
	loop_start(&trial->wires.loop);
	for (i = 0; i < trial->wires.size; i++) {
		collectives_destroy(trial->ranks[i].collectives);
		assert_int_equal(collectives_create(&trial->ranks[i].collectives,
						    &trial->wires.ends[i].net, &trial->settings,
						    &err),
				 0);
	}
}

static inline void give(struct trial *trial, uint32_t rank, const struct job *jobs, uint32_t count)
{
	trial->ranks[rank].jobs = jobs;
	trial->ranks[rank].jobs_count = count;
}

/* All end, and every byte is what it must be. */
static inline void trial_run(struct trial *trial)
{
	struct err err = { "" };
	uint32_t i;

	trial->busy = trial->wires.size;
	for (i = 0; i < trial->wires.size; i++)
		next_job(&trial->ranks[i], draw(&trial->wires.seed, trial->wires.spread));
	/* Whoever had nothing to do at all may have stopped it before it began. */
	if (trial->busy && loop_run(&trial->wires.loop, &err) < 0)
		fail_msg("%s", err.text);
	for (i = 0; i < trial->wires.size; i++) {
		struct rank *rank = &trial->ranks[i];

		if (rank->next < rank->jobs_count || rank->collective.work)
			fail_msg("rank %u hangs in its collective %u", i, rank->next);
		if (collectives_wrong(rank->collectives, &err))
			fail_msg("%s", err.text);
	}
}

static inline void trial_release(struct trial *trial)
{
	uint32_t i;

	for (i = 0; i < trial->wires.size; i++)
		collectives_destroy(trial->ranks[i].collectives);
	wires_release(&trial->wires);
}

/* The same for all ranks. */
static inline void all_do(struct trial *trial, const struct job *jobs, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < trial->wires.size; i++)
		give(trial, i, jobs, count);
	trial_run(trial);
}

#endif
