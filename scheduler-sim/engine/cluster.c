/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.c - what a scheduling policy can do */
#include "engine.h"
#include "network.h"
#include "random.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

static struct sim *sim_of(const struct netemu_cluster *cluster)
{
	return (struct sim *)((char *)cluster - offsetof(struct sim, cluster));
}

/* Bring the numbers that a policy reads up to date. */
static void refresh(struct sim *sim)
{
	sim->cluster.running = sim->running.array + sim->running.first;
	sim->cluster.nrunning = sim->running.count;
	sim->cluster.nidle = sim->resources.nidle;
	if (sim->resources.have[NETEMU_LICENCES])
		sim->cluster.licences = sim->resources.licences;
	else
		sim->cluster.licences = UINT64_MAX;
}

/* --- the queue --- */

/* Put LIVE behind BEFORE (NULL: first). */
static void queue_insert(struct sim *sim, struct live *live, struct live *before)
{
	struct netemu_job **link = before ? &before->job.next : &sim->cluster.queue;
	struct live *after = (struct live *)*link;

	live->previous = before;
	live->job.next = *link;
	*link = &live->job;
	if (after)
		after->previous = live;
	else
		sim->last = live;
	sim->cluster.queued++;
}

void queue_add(struct sim *sim, struct live *live)
{
	queue_insert(sim, live, sim->last);
	if (!sim->cluster.arrived)
		sim->cluster.arrived = &live->job;
}

/* The order of submission is that of results but for equal times. */
static bool came_before(const struct live *a, const struct live *b)
{
	if (a->job.submit != b->job.submit)
		return a->job.submit < b->job.submit;
	return a->result < b->result;
}

static void queue_return(struct sim *sim, struct live *live)
{
	struct live *before = NULL, *next = (struct live *)sim->cluster.queue;

	for (; next && came_before(next, live); next = (struct live *)next->job.next)
		before = next;
	queue_insert(sim, live, before);
}

static void queue_remove(struct sim *sim, struct live *live)
{
	struct live *after = (struct live *)live->job.next;

	if (sim->cluster.arrived == &live->job)
		sim->cluster.arrived = live->job.next;
	if (live->previous)
		live->previous->job.next = live->job.next;
	else
		sim->cluster.queue = live->job.next;
	if (after)
		after->previous = live->previous;
	else
		sim->last = live->previous;
	live->job.next = NULL;
	sim->cluster.queued--;
}

/* --- node selection --- */

struct selecting {
	struct netemu_select select; /* first */
	struct random random;
	uint64_t seed;
	bool drawn;
};

static uint64_t draw(struct netemu_select *select, uint64_t below)
{
	struct selecting *selecting = (struct selecting *)select;

	if (!selecting->drawn)
		random_init(&selecting->random, selecting->seed, "selection", select->job->id);
	selecting->drawn = true;
	return random_below(&selecting->random, below);
}

/* The set to choose from: AVAILABLE, or what is free. */
static const netemu_hostset *offer(struct sim *sim, const struct netemu_job *job,
				   const netemu_hostset *available, uint32_t *count)
{
	struct resources *res = &sim->resources;

	if (!available && resources_plain(res, job)) {
		*count = res->nidle;
		return res->idle;
	}
	if (!available) {
		*count = resources_available(res, job, sim->scratch);
		return sim->scratch;
	}
	if (!resources_suits_all(res, job)) {
		hostset_copy(sim->scratch, available, res->hosts);
		resources_mask(res, job, sim->scratch);
		available = sim->scratch;
	}
	*count = hostset_count(available, res->hosts);
	return available;
}

static bool all_offered(const netemu_hostset *set, const uint32_t *hosts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!hostset_has(set, hosts[i]))
			return false;
	return true;
}

uint32_t cluster_choose(struct sim *sim, const struct netemu_job *job,
			const netemu_hostset *available, uint32_t *hosts)
{
	struct selecting selecting = {
		.select = { .net = sim->cluster.net, .job = job, .random = draw },
		.seed = sim->settings->seed,
	};
	struct netemu_select *select = &selecting.select;
	uint32_t count;

	select->available = offer(sim, job, available, &select->navailable);
	if (select->navailable == 0 || job->nodes > select->navailable)
		return 0;
	count = sim->selection.what->selection.select(sim->selection_state, select, hosts);
	if (count == 0)
		return 0;
	if (resources_valid(&sim->resources, job, hosts, count, false) &&
	    all_offered(select->available, hosts, count))
		return count;
	err_set(&sim->error,
		"job %" PRIu64 ": node selection '%s' chose hosts that it may not have", job->id,
		sim->selection.name);
	return 0;
}

static uint32_t cluster_select(struct netemu_cluster *cluster, const struct netemu_job *job,
			       const netemu_hostset *available, uint32_t *hosts)
{
	return cluster_choose(sim_of(cluster), job, available, hosts);
}

static bool cluster_fits(const struct netemu_cluster *cluster, const struct netemu_job *job)
{
	return resources_fit(&sim_of(cluster)->resources, job);
}

static uint32_t cluster_available(const struct netemu_cluster *cluster,
				  const struct netemu_job *job, netemu_hostset *hosts)
{
	return resources_available(&sim_of(cluster)->resources, job, hosts);
}

/* --- start, stop, end --- */

static int host_compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Keep HOSTS, sorted, as those of the job. */
static int keep_hosts(struct sim *sim, struct live *live, const uint32_t *hosts, uint32_t count)
{
	struct sim_job *result = live->result;
	bool sorted = true;

	if (!result->hosts || result->nhosts < count)
		result->hosts = pool_keep(&sim->kept, count * sizeof(*hosts));
	if (!result->hosts)
		return -1;
	result->nhosts = count;
	memcpy(result->hosts, hosts, count * sizeof(*hosts));
	for (uint32_t i = 1; i < count && sorted; i++)
		sorted = hosts[i - 1] < hosts[i];
	if (!sorted)
		qsort(result->hosts, count, sizeof(*hosts), host_compare);
	live->job.hosts = result->hosts;
	live->job.nhosts = count;
	return 0;
}

/* The run ends when what is left of it is over; a time that no number holds
 * never comes.
 */
static int schedule_end(struct sim *sim, struct live *live)
{
	int64_t end = sim_later(sim->cluster.now, live->what->duration - live->job.ran);

	return sim_move_end(sim, live, end);
}

static int start_running(struct sim *sim, struct live *live, const uint32_t *hosts, uint32_t count)
{
	struct err *err = &sim->error;

	live->job.start = sim->cluster.now;
	live->started = sim->starts++;
	live->runs = true;
	if (keep_hosts(sim, live, hosts, count) < 0 ||
	    resources_take(&sim->resources, &live->job, hosts, count) < 0 ||
	    running_add(&sim->running, live) < 0 || schedule_end(sim, live) < 0)
		return err_errno(err, "job %" PRIu64, live->job.id);
	live->result->outcome = SIM_RUNNING;
	if (live->result->start == NETEMU_NEVER)
		live->result->start = sim->cluster.now;
	if (sim->network && network_start(sim->network, live, hosts, count, err) < 0)
		return -1;
	if (sim->network && windows_start(sim, live, err) < 0)
		return -1;
	return sim->pace.start ? sim->pace.start(sim->pace.arg, sim, live, err) : 0;
}

static int cluster_start(struct netemu_cluster *cluster, struct netemu_job *job,
			 const uint32_t *hosts, uint32_t count)
{
	struct live *live = (struct live *)job;
	struct sim *sim = sim_of(cluster);

	if (live->runs || *sim->error.text)
		return -1;
	if (!hosts) {
		hosts = sim->chosen;
		count = cluster_choose(sim, job, NULL, sim->chosen);
	}
	if (count == 0 || !resources_valid(&sim->resources, job, hosts, count, true))
		return -1;
	queue_remove(sim, live);
	if (start_running(sim, live, hosts, count) < 0)
		return -1;
	refresh(sim);
	sim_tell(sim, SIM_START, live);
	return 0;
}

/* Off its hosts and links. */
static int leave(struct sim *sim, struct live *live, bool stopped, struct err *err)
{
	if (sim->pace.leave && sim->pace.leave(sim->pace.arg, sim, live, stopped, err) < 0)
		return -1;
	windows_leave(sim, live);
	if (sim->network && network_stop(sim->network, live, !stopped, err) < 0)
		return -1;
	evq_remove(&sim->evq, &live->end);
	running_remove(&sim->running, live);
	resources_give(&sim->resources, &live->job, live->job.hosts, live->job.nhosts);
	live->runs = false;
	refresh(sim);
	return 0;
}

static int cluster_stop(struct netemu_cluster *cluster, struct netemu_job *job)
{
	struct live *live = (struct live *)job;
	struct sim *sim = sim_of(cluster);

	if (!live->runs || leave(sim, live, true, &sim->error) < 0)
		return -1;
	job->ran += cluster->now - job->start;
	job->start = NETEMU_NEVER;
	job->hosts = NULL;
	job->nhosts = 0;
	live->result->outcome = SIM_WAITING;
	live->result->restarts++;
	queue_return(sim, live);
	sim_tell(sim, SIM_STOP, live);
	return 0;
}

int cluster_end(struct sim *sim, struct live *live, struct err *err)
{
	if (leave(sim, live, false, err) < 0)
		return -1;
	live->result->outcome = SIM_DONE;
	live->result->end = sim->cluster.now;
	sim->finished++;
	sim->cluster.ended++;
	sim_tell(sim, SIM_END, live);
	pool_put(&sim->lives, live);
	return 0;
}

static int cluster_call_at(struct netemu_cluster *cluster, int64_t time)
{
	struct sim *sim = sim_of(cluster);
	struct evq_node *node;

	if (time <= cluster->now || time == NETEMU_NEVER)
		return -1;
	node = pool_get(&sim->calls, sizeof(*node));
	if (!node)
		return err_set(&sim->error, "no memory");
	*node = (struct evq_node){ 0 };
	return evq_add(&sim->evq, node, time, CLASS_CALL);
}

void cluster_init(struct sim *sim)
{
	sim->cluster = (struct netemu_cluster){
		.net = &sim->settings->topology->net,
		.idle = sim->resources.idle,
		.fits = cluster_fits,
		.available = cluster_available,
		.select = cluster_select,
		.start = cluster_start,
		.stop = cluster_stop,
		.call_at = cluster_call_at,
	};
	refresh(sim);
}
