/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - one simulation: a workload on a cluster under one choice of policies
 *
 * Discrete events in the order (time, class, insertion): ends before arrivals
 * before calls; after all events of an instant there is one scheduling pass,
 * and the pass may start jobs, stop jobs and ask to be called at a time.
 * Starting a job selects hosts, places its ranks, routes its traffic and adds
 * it to the loads of the links; its end subtracts exactly that.
 */
#ifndef NETEMU_SIM_H
#define NETEMU_SIM_H

#include "../jobs/workload.h"
#include "../route/router.h"

struct sim_settings {
	const struct topology *topology;
	/* Names with :options.  Placement `explicit` puts ranks where the real job
	 * had them, and is `block` for jobs of which that is not known.
	 */
	const char *scheduler, *selection, *placement, *routing;
	uint64_t seed;
	int64_t until;    /* ns; events after it do not happen; NETEMU_NEVER: all jobs */
	bool no_network;  /* neither place nor route: scheduling only */
	bool check;       /* conservation after every event; always in debug builds */
	const char *base; /* for shared objects */
	/* Of each host; licences in all.  0: not counted, any want is met; cores: its slots. */
	uint64_t have[NETEMU_RESOURCES];
	/* Run times follow the network: a job computes, then its traffic drains at
	 * the max-min fair rates of fluid.h, and it ends with the last flow.
	 */
	bool stretch;
	/* The loads of a job that has windows are those of the window that it is
	 * in, not its total.
	 */
	bool windows;
};

/* What became of a job of the workload. */
enum sim_outcome {
	SIM_WAITING, /* never started before `until` */
	SIM_RUNNING, /* did not end before it */
	SIM_DONE,
	SIM_REJECTED, /* can never run here */
};

struct sim_job {
	const struct workload_job *what;
	enum sim_outcome outcome;
	char *reason;       /* why it was rejected; owned */
	int64_t start, end; /* first start, last end; NETEMU_NEVER = did not */
	uint32_t *hosts;    /* of the last start; owned */
	uint32_t nhosts;
	uint32_t *placement; /* rank -> host; owned; NULL without network or traffic */
	uint32_t restarts;   /* times it was stopped */
	uint64_t unroutable; /* pairs of hosts */
	double max_load;     /* of its own traffic alone: bytes / capacity, switch to switch */
	double bound;        /* placement aware: of max_load for any placement; else 0 */
	/* Routing minmax: the maximum load over the links it could choose from, with
	 * what other jobs had there, and its lower bound; else 0.
	 */
	double routed_most, routed_bound;
	int64_t drain; /* ns its traffic takes alone; with `stretch`, else 0 */
};

enum sim_event { SIM_SUBMIT, SIM_START, SIM_STOP, SIM_END };

struct sim;

/* Told of everything that happens, in order, after the loads have changed. */
struct sim_watcher {
	void (*event)(void *arg, const struct sim *sim, enum sim_event event, int64_t time,
		      const struct sim_job *job);
	/* After the scheduling pass of an instant. */
	void (*instant)(void *arg, const struct sim *sim, int64_t time);
	void *arg;
};

/* Set up: SETTINGS and WORKLOAD are kept, not owned.  Returns 0, or -1 with ERR
 * written: an unknown policy, a topology it does not fit.
 */
int sim_create(struct sim **sim, const struct sim_settings *settings,
	       const struct workload *workload, struct err *err);
void sim_destroy(struct sim *sim);

int sim_watch(struct sim *sim, const struct sim_watcher *watcher);

/* Run to the end.  Returns 0, or -1 with ERR written. */
int sim_run(struct sim *sim, struct err *err);

int64_t sim_now(const struct sim *sim);
const struct loads *sim_loads(const struct sim *sim);
const struct sim_job *sim_jobs(const struct sim *sim, size_t *count); /* as in the workload */
/* For watchers in instant(): the links whose load has changed since the last
 * one (in any order, some perhaps twice), *COUNT of them; valid until it returns.
 * Looking at all links at each instant would cost more than the simulation.
 */
const uint32_t *sim_changed(const struct sim *sim, size_t *count);
size_t sim_waiting(const struct sim *sim);
size_t sim_running(const struct sim *sim);
size_t sim_finished(const struct sim *sim);
uint32_t sim_busy_hosts(const struct sim *sim);

#endif
