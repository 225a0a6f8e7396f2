/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"
#include "network.h"
#include "schedulers/schedulers.h"
#include "selections/selections.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define NETEMU_DEBUG 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(NETEMU_DEBUG)
#define ALWAYS_CHECK true
#else
#define ALWAYS_CHECK false
#endif

/* --- set up --- */

static int sim_policy(struct policy *policy, enum netemu_policy_kind kind,
		      const struct netemu_policy *const *(*table)(size_t *count), const char *name,
		      const struct sim_settings *settings, void **state, struct err *err)
{
	const struct netemu_net *net = &settings->topology->net;
	const struct netemu_policy *const *policies;
	char why[256] = "no memory";
	size_t count;

	policies = table(&count);
	if (policy_find(policy, kind, policies, count, name, settings->base, err) < 0)
		return -1;
	if (kind == NETEMU_SCHEDULING && policy->what->scheduling.create)
		*state = policy->what->scheduling.create(net, policy->options, why, sizeof(why));
	else if (kind == NETEMU_SELECTION && policy->what->selection.create)
		*state = policy->what->selection.create(net, policy->options, why, sizeof(why));
	else
		return 0;
	if (*state)
		return 0;
	err_set(err, "%s '%s': %s", policy_kind_name(kind), policy->name, why);
	policy_release(policy);
	return -1;
}

static const struct workload_job *workload_at(const struct sim *sim, size_t i)
{
	return &sim->workload->jobs[sim->order ? sim->order[i] : i];
}

static int arrival_compare(const void *a, const void *b, void *arg)
{
	const struct workload *workload = arg;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_time = workload->jobs[left].job.submit;
	int64_t right_time = workload->jobs[right].job.submit;

	if (left_time != right_time)
		return left_time < right_time ? -1 : 1;
	return (left > right) - (left < right);
}

/* Jobs that do not stand in order of submission are brought into it. */
static int order_arrivals(struct sim *sim)
{
	const struct workload *workload = sim->workload;
	bool sorted = true;

	for (size_t i = 1; i < workload->count && sorted; i++)
		sorted = workload->jobs[i - 1].job.submit <= workload->jobs[i].job.submit;
	if (sorted)
		return 0;
	sim->order = calloc(workload->count, sizeof(*sim->order));
	if (!sim->order)
		return -1;
	for (size_t i = 0; i < workload->count; i++)
		sim->order[i] = i;
	qsort_r(sim->order, workload->count, sizeof(*sim->order), arrival_compare,
		(void *)workload);
	return 0;
}

static int sim_allocate(struct sim *sim)
{
	const struct netemu_net *net = &sim->settings->topology->net;

	evq_init(&sim->evq);
	sim->jobs = calloc(sim->workload->count + 1, sizeof(*sim->jobs));
	sim->scratch = calloc(hostset_words(net->hosts) + 1, sizeof(*sim->scratch));
	sim->chosen = calloc((size_t)net->hosts + 1, sizeof(*sim->chosen));
	if (!sim->jobs || !sim->scratch || !sim->chosen || order_arrivals(sim) < 0 ||
	    resources_init(&sim->resources, net, sim->settings->have) < 0)
		return -1;
	for (size_t i = 0; i < sim->workload->count; i++)
		sim->jobs[i] = (struct sim_job){
			.what = &sim->workload->jobs[i],
			.start = NETEMU_NEVER,
			.end = NETEMU_NEVER,
		};
	cluster_init(sim);
	return 0;
}

static int sim_setup(struct sim *sim, struct err *err)
{
	const struct sim_settings *settings = sim->settings;

	if (settings->no_network && (settings->stretch || settings->windows))
		return err_set(err, "%s needs the network",
			       settings->stretch ? "stretch" : "traffic: windows");
	if (sim_allocate(sim) < 0)
		return err_errno(err, "unable to simulate %zu jobs", sim->workload->count);
	if (sim_policy(&sim->scheduler, NETEMU_SCHEDULING, schedulers, settings->scheduler,
		       settings, &sim->scheduler_state, err) < 0 ||
	    sim_policy(&sim->selection, NETEMU_SELECTION, selections, settings->selection, settings,
		       &sim->selection_state, err) < 0)
		return -1;
	if (settings->no_network)
		return 0;
	if (network_create(&sim->network, settings, err) < 0)
		return -1;
	return settings->stretch ? stretch_init(sim, err) : 0;
}

int sim_create(struct sim **result, const struct sim_settings *settings,
	       const struct workload *workload, struct err *err)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim)
		return err_errno(err, "unable to simulate %zu jobs", workload->count);
	sim->settings = settings;
	sim->workload = workload;
	sim->check = settings->check || ALWAYS_CHECK;
	if (sim_setup(sim, err) < 0) {
		sim_destroy(sim);
		return -1;
	}
	*result = sim;
	return 0;
}

static void release_policies(struct sim *sim)
{
	if (sim->scheduler_state && sim->scheduler.what->scheduling.destroy)
		sim->scheduler.what->scheduling.destroy(sim->scheduler_state);
	if (sim->selection_state && sim->selection.what->selection.destroy)
		sim->selection.what->selection.destroy(sim->selection_state);
	policy_release(&sim->scheduler);
	policy_release(&sim->selection);
}

/* What running jobs have on the links, and all else of each job. */
static void release_jobs(struct sim *sim)
{
	for (size_t i = 0; i < sim->running.count; i++) {
		struct live *live = (struct live *)sim->running.array[sim->running.first + i];

		load_shares_release(&live->shares);
		network_drop_paths(live);
		stretch_drop(live);
	}
	for (struct netemu_job *job = sim->cluster.queue; job; job = job->next)
		stretch_drop((struct live *)job);
	for (size_t i = 0; sim->jobs && i < sim->workload->count; i++) {
		free(sim->jobs[i].reason);
		free(sim->jobs[i].placement);
	}
	free(sim->jobs);
	free(sim->running.array);
}

void sim_destroy(struct sim *sim)
{
	if (!sim)
		return;
	if (sim->pace.destroy)
		sim->pace.destroy(sim->pace.arg);
	release_policies(sim);
	release_jobs(sim);
	network_destroy(sim->network);
	evq_release(&sim->evq);
	resources_release(&sim->resources);
	pool_release(&sim->lives);
	pool_release(&sim->calls);
	pool_release(&sim->kept);
	free(sim->order);
	free(sim->scratch);
	free(sim->chosen);
	free(sim->watchers);
	free(sim);
}

int sim_watch(struct sim *sim, const struct sim_watcher *watcher)
{
	struct sim_watcher *watchers =
		reallocarray(sim->watchers, sim->nwatchers + 1, sizeof(*watchers));

	if (!watchers)
		return -1;
	sim->watchers = watchers;
	watchers[sim->nwatchers++] = *watcher;
	return 0;
}

/* --- run --- */

void sim_tell(struct sim *sim, enum sim_event event, const struct live *live)
{
	if (sim->check && sim->network && !*sim->error.text)
		network_check(sim->network, &sim->running, &sim->error);
	for (size_t i = 0; i < sim->nwatchers; i++)
		if (sim->watchers[i].event)
			sim->watchers[i].event(sim->watchers[i].arg, sim, event, sim->cluster.now,
					       live->result);
}

int sim_move_end(struct sim *sim, struct live *live, int64_t time)
{
	evq_remove(&sim->evq, &live->end);
	return time == NETEMU_NEVER ? 0 : evq_add(&sim->evq, &live->end, time, CLASS_END);
}

/* Would the node selection ever find hosts for JOB?  Those built in do where
 * there are enough.
 */
static int selectable(struct sim *sim, const struct netemu_job *job, struct err *err)
{
	netemu_hostset *all;
	uint32_t count;

	if (!sim->selection.object && sim->selection.what != &selection_explicit)
		return 0;
	all = calloc(hostset_words(sim->resources.hosts), sizeof(*all));
	if (!all)
		return err_errno(err, "unable to check");
	hostset_fill(all, sim->resources.hosts);
	count = cluster_choose(sim, job, all, sim->chosen);
	free(all);
	if (count > 0)
		return 0;
	return err_set(err, "node selection '%s' has no hosts for it, even of the empty cluster",
		       sim->selection.name);
}

static int feasible(struct sim *sim, const struct workload_job *what, struct err *err)
{
	if (what->duration < 0)
		return err_set(err, "its run time is negative");
	if (what->traffic && what->traffic->ranks > what->job.ranks)
		return err_set(err, "its traffic is that of %u ranks, it has %u",
			       what->traffic->ranks, what->job.ranks);
	if (resources_feasible(&sim->resources, &what->job, err) < 0)
		return -1;
	return selectable(sim, &what->job, err);
}

/* As many hosts as hold its ranks is a number where all hosts are alike. */
static uint32_t nodes_of(const struct sim *sim, const struct netemu_job *job)
{
	uint32_t slots = sim->resources.least_slots;

	if (job->nodes || slots != sim->resources.most_slots || job->ngiven)
		return job->nodes;
	return (uint32_t)(((uint64_t)job->ranks + slots - 1) / slots);
}

static int arrive(struct sim *sim, const struct workload_job *what)
{
	struct sim_job *result = &sim->jobs[what - sim->workload->jobs];
	struct live rejected = { .what = what, .result = result }, *live = &rejected;
	struct err why;

	if (feasible(sim, what, &why) < 0) {
		result->outcome = SIM_REJECTED;
		result->reason = strdup(why.text);
		if (!result->reason)
			return err_set(&sim->error, "no memory");
		sim_tell(sim, SIM_SUBMIT, live);
		return 0;
	}
	live = pool_get(&sim->lives, sizeof(*live));
	if (!live)
		return err_set(&sim->error, "no memory");
	*live = (struct live){ .job = what->job, .what = what, .result = result };
	live->job.start = NETEMU_NEVER;
	live->job.nodes = nodes_of(sim, &what->job);
	queue_add(sim, live);
	sim_tell(sim, SIM_SUBMIT, live);
	return 0;
}

/* The time of what happens next. */
static int64_t next_time(const struct sim *sim)
{
	const struct evq_node *node = evq_peek(&sim->evq);
	int64_t time = node ? node->time : NETEMU_NEVER;

	if (sim->arrived < sim->workload->count) {
		int64_t submit = workload_at(sim, sim->arrived)->job.submit;

		if (submit < time)
			time = submit;
	}
	return time;
}

static bool is_due(const struct sim *sim, int class)
{
	const struct evq_node *node = evq_peek(&sim->evq);

	return node && node->time == sim->cluster.now && node->priority == class;
}

static int take_end(struct sim *sim, struct live *live)
{
	bool over = true;

	if (sim->pace.due && sim->pace.due(sim->pace.arg, sim, live, &over, &sim->error) < 0)
		return -1;
	return over ? cluster_end(sim, live, &sim->error) : 0;
}

/* The struct live whose MEMBER the next event is. */
#define NEXT_LIVE(sim, member) \
	((struct live *)((char *)evq_next(&(sim)->evq) - offsetof(struct live, member)))

/* All that happens now: ends, changes of rates and loads, arrivals, calls. */
static int take_events(struct sim *sim)
{
	while (is_due(sim, CLASS_END))
		if (take_end(sim, NEXT_LIVE(sim, end)) < 0)
			return -1;
	while (is_due(sim, CLASS_TICK)) {
		evq_next(&sim->evq);
		if (sim->pace.tick(sim->pace.arg, sim, &sim->error) < 0)
			return -1;
	}
	while (is_due(sim, CLASS_WINDOW))
		if (windows_due(sim, NEXT_LIVE(sim, window), &sim->error) < 0)
			return -1;
	while (sim->arrived < sim->workload->count &&
	       workload_at(sim, sim->arrived)->job.submit <= sim->cluster.now)
		if (arrive(sim, workload_at(sim, sim->arrived++)) < 0)
			return -1;
	while (is_due(sim, CLASS_CALL)) {
		pool_put(&sim->calls, evq_next(&sim->evq));
		sim->called = true;
	}
	return 0;
}

/* A pass, when there is a reason for one. */
static int sim_schedule(struct sim *sim)
{
	int rc = 0;

	if (sim->cluster.arrived || sim->cluster.ended || sim->called)
		rc = sim->scheduler.what->scheduling.pass(sim->scheduler_state, &sim->cluster);
	sim->cluster.arrived = NULL;
	sim->cluster.ended = 0;
	sim->called = false;
	if (*sim->error.text)
		return -1;
	if (rc < 0)
		return err_set(&sim->error, "scheduler '%s' gave up at %" PRId64 " ns",
			       sim->scheduler.name, sim->cluster.now);
	return 0;
}

static int sim_pass(struct sim *sim)
{
	if (sim_schedule(sim) < 0)
		return -1;
	for (size_t i = 0; i < sim->nwatchers; i++)
		if (sim->watchers[i].instant)
			sim->watchers[i].instant(sim->watchers[i].arg, sim, sim->cluster.now);
	if (sim->network)
		network_settled(sim->network);
	return 0;
}

int sim_run(struct sim *sim, struct err *err)
{
	int64_t until = sim->settings->until;
	int64_t time;

	while (!*sim->error.text && (time = next_time(sim)) <= until && time != NETEMU_NEVER) {
		sim->cluster.now = time;
		if (take_events(sim) < 0 || sim_pass(sim) < 0)
			break;
	}
	if (!*sim->error.text && sim->network && sim->running.count == 0)
		network_check(sim->network, &sim->running, &sim->error); /* all 0 again */
	if (*sim->error.text)
		return err_set(err, "%s", sim->error.text);
	return 0;
}

/* --- what it is like now --- */

int64_t sim_now(const struct sim *sim)
{
	return sim->cluster.now;
}

const struct loads *sim_loads(const struct sim *sim)
{
	return sim->network ? network_loads(sim->network) : NULL;
}

const uint32_t *sim_changed(const struct sim *sim, size_t *count)
{
	*count = 0;
	return sim->network ? network_changed(sim->network, count) : NULL;
}

const struct sim_job *sim_jobs(const struct sim *sim, size_t *count)
{
	*count = sim->workload->count;
	return sim->jobs;
}

size_t sim_waiting(const struct sim *sim)
{
	return sim->cluster.queued;
}

size_t sim_running(const struct sim *sim)
{
	return sim->running.count;
}

size_t sim_finished(const struct sim *sim)
{
	return sim->finished;
}

uint32_t sim_busy_hosts(const struct sim *sim)
{
	return sim->resources.hosts - sim->resources.nidle;
}
