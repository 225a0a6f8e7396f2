/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - the inside of a simulation, see sim.h
 *
 * A job is a `struct live` from its arrival to its end; before and after it
 * costs a struct sim_job only.  Arrivals are taken from the sorted workload,
 * so the event queue holds running jobs and calls.
 */
#ifndef NETEMU_ENGINE_H
#define NETEMU_ENGINE_H

#include "sim.h"
#include "resources.h"
#include "evq.h"
#include "policy/policy_load.h"

/* Order of events at one time; arrivals come before the calls. */
enum { CLASS_END, CLASS_TICK, CLASS_WINDOW, CLASS_CALL };

/* The pairs of hosts of a running job and their paths. */
struct live_paths {
	struct netemu_pair *pairs; /* owned */
	size_t npairs;
	size_t *sorted;       /* [npairs] their numbers, ascending (from, to); owned */
	struct routed routed; /* owned; without paths when `split` */
	bool split;           /* fractional routing: pairs have several paths */
};

struct live {
	struct netemu_job job; /* first: what policies see */
	struct evq_node end;   /* of the run; may be moved, see sim_move_end() */
	const struct workload_job *what;
	struct sim_job *result;
	struct live *previous; /* in the queue; next unused one in the pool */
	uint64_t started;      /* counted over all starts: order of equal ends */
	bool runs;
	struct load_shares shares;   /* what it puts on the links */
	struct live_paths *paths;    /* with `stretch` or `windows`, while it runs; owned */
	struct stretch_job *stretch; /* owned by sim->pace */
	struct evq_node window;      /* when the next window begins or one ends */
	size_t next_window;          /* which one */
};

/* Running jobs by the time at which they reach their limits: array[first ..
 * first + count).
 */
struct running {
	struct netemu_job **array; /* owned */
	size_t first, count, room;
};

/* Insert and remove LIVE; sim->running and the cluster's view change.  Returns
 * 0, or -1 with errno ENOMEM.
 */
int running_add(struct running *running, struct live *live);
void running_remove(struct running *running, struct live *live);

/* Pools: things of one size that are used again, and bytes that are kept. */
struct pool_block;
struct pool {
	struct pool_block *blocks; /* owned */
	size_t used;               /* bytes of the newest block */
	void *unused;              /* first of a list */
};

void *pool_get(struct pool *pool, size_t size); /* not zeroed; NULL without memory */
void pool_put(struct pool *pool, void *item);   /* items of one pool have one size */
void *pool_keep(struct pool *pool, size_t size);
void pool_release(struct pool *pool);

struct network;

/* What makes run times follow the network: told after a job's loads are on the
 * links and before they leave; moves the ends of running jobs.
 */
struct pace {
	int (*start)(void *arg, struct sim *sim, struct live *live, struct err *err);
	/* The end of LIVE has come.  *OVER is true; false: it has been moved. */
	int (*due)(void *arg, struct sim *sim, struct live *live, bool *over, struct err *err);
	/* An event of class CLASS_TICK has come. */
	int (*tick)(void *arg, struct sim *sim, struct err *err);
	/* LIVE ends or, with STOPPED, is taken off its hosts. */
	int (*leave)(void *arg, struct sim *sim, struct live *live, bool stopped, struct err *err);
	void (*destroy)(void *arg);
	void *arg;
};

struct sim {
	const struct sim_settings *settings;
	const struct workload *workload;
	struct netemu_cluster cluster; /* what the scheduler sees */
	struct sim_job *jobs;          /* [workload->count]; owned */
	size_t *order;                 /* of arrivals; NULL: as they are; owned */
	size_t arrived;                /* how many of them */
	struct evq evq;
	struct resources resources;
	struct running running;
	struct live *last; /* of the queue */
	struct policy scheduler, selection;
	void *scheduler_state, *selection_state;
	struct network *network; /* NULL: none */
	struct pace pace;
	struct pool lives, calls, kept;
	netemu_hostset *scratch; /* owned */
	uint32_t *chosen;        /* [hosts]; owned */
	struct sim_watcher *watchers;
	size_t nwatchers;
	uint64_t starts;
	size_t finished;
	bool in_pass, check;
	bool called;      /* call_at() asked for this pass */
	struct err error; /* of a policy's function, when it has text */
};

/* Fill in the functions of sim->cluster. */
void cluster_init(struct sim *sim);

/* Put LIVE, just come, at the end of the queue. */
void queue_add(struct sim *sim, struct live *live);

/* LIVE has run its time.  Returns 0, or -1 with ERR written. */
int cluster_end(struct sim *sim, struct live *live, struct err *err);

/* Hosts for JOB out of AVAILABLE (NULL: what is free) by the node selection;
 * not looked at, whether they are.
 */
uint32_t cluster_choose(struct sim *sim, const struct netemu_job *job,
			const netemu_hostset *available, uint32_t *hosts);

/* Free what LIVE keeps of its paths. */
void network_drop_paths(struct live *live);

/* Have run times follow the network.  Returns 0, or -1 with ERR written: a
 * topology whose capacities have no unit.
 */
int stretch_init(struct sim *sim, struct err *err);

/* Free what LIVE keeps for it, when all is over. */
void stretch_drop(struct live *live);

/* The windows of LIVE, which starts or leaves. */
int windows_start(struct sim *sim, struct live *live, struct err *err);
int windows_due(struct sim *sim, struct live *live, struct err *err);
void windows_leave(struct sim *sim, struct live *live);

void sim_tell(struct sim *sim, enum sim_event event, const struct live *live);

/* TIME and SPAN ns more, NETEMU_NEVER when no number holds that. */
static inline int64_t sim_later(int64_t time, int64_t span)
{
	return span > NETEMU_NEVER - time ? NETEMU_NEVER : time + span;
}

/* Have running LIVE end at TIME instead (NETEMU_NEVER: not by itself). */
int sim_move_end(struct sim *sim, struct live *live, int64_t time);

#endif
