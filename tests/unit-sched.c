/* SPDX-License-Identifier: Apache-2.0 */
#include "sched.h"
#include "engine/schedulers/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define JOBS 8

/* --- cases worked out by hand --- */

struct hand {
	const char *scheduler;
	uint32_t hosts;
	struct scene_job jobs[JOBS]; /* up to one without nodes */
	int64_t starts[JOBS];
};

#define CASE_A                                                                      \
	5,                                                                          \
	{                                                                           \
		{ 0, 2, 10, 0 }, { 1, 4, 10, 0 }, { 2, 1, 100, 0 }, { 3, 1, 5, 0 }, \
			{ 4, 1, 10, 0 },                                            \
	}
#define CASE_B                                                                                    \
	4,                                                                                        \
	{                                                                                         \
		{ 0, 3, 10, 6 }, { 1, 4, 10, 0 }, { 2, 2, 4, 0 }, { 3, 1, 9, 0 }, { 4, 1, 3, 0 }, \
	}
#define CASE_D                                                                      \
	5,                                                                          \
	{                                                                           \
		{ 0, 2, 100, 0 }, { 0, 1, 1, 0 }, { 0, 2, 10, 0 }, { 2, 2, 20, 0 }, \
			{ 3, 1, 50, 0 },                                            \
	}
#define CASE_E                                                                      \
	4,                                                                          \
	{                                                                           \
		{ 0, 3, 10, 0 }, { 1, 2, 20, 0 }, { 2, 4, 10, 0 }, { 3, 1, 50, 0 }, \
	}

static void check_hand(const struct hand *hand)
{
	const struct sim_job *jobs;
	struct scene scene;
	char spec[32];

	snprintf(spec, sizeof(spec), "xgft:%u:1", hand->hosts);
	scene_init(&scene, spec, hand->scheduler);
	for (int j = 0; j < JOBS && hand->jobs[j].nodes; j++)
		scene_add(&scene, hand->jobs[j]);
	jobs = scene_run(&scene);
	for (int j = 0; j < JOBS && hand->jobs[j].nodes; j++)
		if (jobs[j].outcome != SIM_DONE || jobs[j].start != hand->starts[j] * SECOND)
			fail_msg("%s on %u hosts: job %d starts at %g, not %g", hand->scheduler,
				 hand->hosts, j + 1, (double)jobs[j].start / SECOND,
				 (double)hand->starts[j]);
	scene_release(&scene);
}

static void starts_as_worked_out_by_hand(void **state)
{
	static const struct hand hands[] = {
		{ "easy", CASE_A, { 0, 10, 2, 3, 20 } },
		{ "easy-count", CASE_A, { 0, 10, 2, 3, 20 } },
		{ "conservative", CASE_A, { 0, 10, 2, 3, 20 } },
		{ "fcfs", CASE_A, { 0, 10, 10, 20, 20 } },
		{ "pfsim.scheduler.FCFSScheduler", CASE_A, { 0, 10, 10, 20, 20 } },
		{ "easy", CASE_B, { 0, 7, 17, 17, 4 } },
		{ "easy-count", CASE_B, { 0, 7, 17, 17, 4 } },
		{ "conservative", CASE_B, { 0, 7, 17, 17, 4 } },
		{ "easy-count", CASE_D, { 0, 0, 0, 10, 3 } },
		{ "easy", CASE_D, { 0, 0, 0, 10, 10 } },
		{ "easy", CASE_E, { 0, 10, 53, 3 } },
		{ "conservative", CASE_E, { 0, 10, 30, 40 } },
		/* one at a time: shortest first once the first has ended */
		{ "sjf",
		  2,
		  { { 0, 2, 9, 0 }, { 1, 2, 5, 0 }, { 2, 2, 3, 0 }, { 3, 2, 3, 0 } },
		  { 0, 15, 9, 12 } },
		/* the shortest does not fit, and holds up the longer one that would */
		{ "sjf", 2, { { 0, 1, 9, 0 }, { 1, 2, 5, 0 }, { 2, 1, 6, 0 } }, { 0, 9, 14 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hands) / sizeof(*hands); i++)
		check_hand(&hands[i]);
}

/* 64 ranks, then three times 16, on 8 hosts with 8 slots: PFSim starts them at
 * 1, 6, 11 and 16; all three fit when the first ends.
 */
static void fcfs_starts_all_that_fit(void **state)
{
	static const double submit[] = { 1.0, 1.1, 1.2, 1.3 };
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:8:1@slots=8", "fcfs");
	for (int j = 0; j < 4; j++) {
		struct workload_job *job = scene_add(&scene, (struct scene_job){ 0, 0, 5, 0 });

		job->job.submit = (int64_t)(submit[j] * 10) * (SECOND / 10);
		job->job.ranks = j == 0 ? 64 : 16;
	}
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].start, 1 * SECOND);
	assert_int_equal(jobs[0].nhosts, 8);
	for (int j = 1; j < 4; j++) {
		assert_int_equal(jobs[j].start, 6 * SECOND);
		assert_int_equal(jobs[j].nhosts, 2);
		assert_int_equal(jobs[j].hosts[0], 2 * (j - 1));
	}
	scene_release(&scene);
}

static void orders_by_importance(void **state)
{
	static const struct {
		const char *scheduler;
		int64_t starts[4];
	} cases[] = {
		/* job 1 runs until 10; 2: priority 5, 3: 9, 4: 9; each takes 10 */
		{ "priority", { 0, 30, 10, 20 } },
		{ "priority:given=0,age=1", { 0, 10, 20, 30 } },
		{ "priority:given=-1", { 0, 10, 20, 30 } },
		{ "priority:given=0,age=-1", { 0, 30, 20, 10 } },
		{ "priority:size=100", { 0, 30, 20, 10 } },
	};
	static const int64_t priority[] = { 0, 5, 9, 9 };
	static const uint32_t nodes[] = { 4, 3, 3, 4 };
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scene_init(&scene, "xgft:4:1", cases[i].scheduler);
		for (int j = 0; j < 4; j++)
			scene_add(&scene, (struct scene_job){ j, nodes[j], 10, 0 })->job.priority =
				priority[j];
		jobs = scene_run(&scene);
		for (int j = 0; j < 4; j++)
			assert_int_equal(jobs[j].start, cases[i].starts[j] * SECOND);
		scene_release(&scene);
	}
}

/* --- random runs --- */

struct kind {
	const char *name;
	void (*model)(const struct scene_job *jobs, int count, int hosts, int64_t *start);
};

static const struct kind kinds[] = {
	{ "fcfs", model_fcfs },
	{ "easy", model_easy },
	{ "easy-count", model_easy_count },
	{ "conservative", model_conservative },
};

static void draw_jobs(struct scene_job *jobs, int count, int hosts, bool exact)
{
	int64_t time = 0;

	for (int j = 0; j < count; j++) {
		time += rand() % 3 ? rand() % 6 : 0;
		jobs[j].submit = time;
		jobs[j].nodes = (uint32_t)(1 + rand() % (rand() % 2 ? hosts : 3));
		jobs[j].limit = 1 + rand() % 40;
		jobs[j].run = exact ? 0 : 1 + rand() % jobs[j].limit;
		if (jobs[j].nodes > (uint32_t)hosts)
			jobs[j].nodes = (uint32_t)hosts;
	}
}

static void check_random(const struct kind *kind, bool exact)
{
	struct scene_job jobs[MODEL_JOBS];
	int count = 1 + rand() % 40, hosts = 2 + rand() % (rand() % 16 ? 15 : MODEL_HOSTS - 1);
	const struct sim_job *result;
	int64_t starts[MODEL_JOBS];
	struct scene scene;
	char spec[32];

	draw_jobs(jobs, count, hosts, exact);
	kind->model(jobs, count, hosts, starts);
	snprintf(spec, sizeof(spec), "xgft:%d:1", hosts);
	scene_init(&scene, spec, kind->name);
	for (int j = 0; j < count; j++)
		scene_add(&scene, jobs[j]);
	result = scene_run(&scene);
	for (int j = 0; j < count; j++)
		if (result[j].start != starts[j] * SECOND)
			fail_msg("%s, %d hosts, job %d of %d: %g, not %g", kind->name, hosts, j + 1,
				 count, (double)result[j].start / SECOND, (double)starts[j]);
	scene_release(&scene);
}

static void does_as_the_plainest_models(void **state)
{
	(void)state;
	srand(1);
	for (int i = 0; i < 400; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			check_random(&kinds[k], i % 2);
}

/* --- what holds whatever the jobs --- */

struct audit {
	uint32_t on[64]; /* jobs on each host */
	bool shares[64];
	int64_t last_submit, last_start, previous;
	size_t starts, ends, submits;
	bool in_order; /* of submission */
};

static void on_event(void *arg, const struct sim *sim, enum sim_event event, int64_t time,
		     const struct sim_job *job)
{
	struct audit *audit = arg;

	assert_int_equal(time, sim_now(sim));
	assert_true(time >= audit->previous);
	audit->previous = time;
	audit->submits += event == SIM_SUBMIT;
	for (uint32_t i = 0; event != SIM_SUBMIT && i < job->nhosts; i++) {
		uint32_t host = job->hosts[i];

		if (event == SIM_START) {
			assert_true(audit->on[host] == 0 ||
				    (audit->shares[host] && job->what->job.shares));
			audit->on[host]++;
			audit->shares[host] = job->what->job.shares;
		} else {
			assert_true(audit->on[host] > 0);
			audit->on[host]--;
		}
	}
	if (event == SIM_START) {
		audit->starts++;
		audit->in_order = audit->in_order && job->what->job.submit >= audit->last_submit;
		audit->last_submit = job->what->job.submit;
	}
	audit->ends += event == SIM_END;
}

static void on_instant(void *arg, const struct sim *sim, int64_t time)
{
	struct audit *audit = arg;

	assert_true(time >= audit->previous);
	assert_int_equal(sim_running(sim), audit->starts - audit->ends);
	assert_int_equal(sim_waiting(sim), audit->submits - audit->starts);
	assert_int_equal(sim_finished(sim), audit->ends);
}

static void audit_run(const char *scheduler, const char *selection, bool shares)
{
	struct audit audit = { .in_order = true };
	struct sim_watcher watcher = { on_event, on_instant, &audit };
	struct scene_job jobs[MODEL_JOBS];
	struct scene scene;
	int64_t work = 0, longest = 0, last = 0;
	size_t count;
	struct err err;

	scene_init(&scene, "xgft:4x4:1x2@slots=4", scheduler);
	scene.settings.selection = selection;
	draw_jobs(jobs, MODEL_JOBS, 16, rand() % 2);
	for (int j = 0; j < MODEL_JOBS; j++) {
		struct workload_job *job = scene_add(&scene, jobs[j]);

		job->job.shares = shares && rand() % 2;
		job->job.want[NETEMU_CORES] = job->job.shares ? (uint64_t)(rand() % 4) : 0;
		work += job->duration * jobs[j].nodes;
		longest += job->duration;
		last = job->job.submit;
	}
	assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err), 0);
	assert_int_equal(sim_watch(scene.sim, &watcher), 0);
	assert_int_equal(sim_run(scene.sim, &err), 0);
	for (size_t j = 0; j < MODEL_JOBS; j++) {
		const struct sim_job *job = &sim_jobs(scene.sim, &count)[j];

		assert_int_equal(job->outcome, SIM_DONE);
		assert_int_equal(job->end - job->start, job->what->duration);
		assert_true(job->start >= job->what->job.submit);
		assert_int_equal(job->nhosts, job->what->job.nodes);
	}
	assert_true(strcmp(scheduler, "fcfs") != 0 || audit.in_order);
	/* the last end: not before the work could be done, and never idle for longer
	 * than it takes to come
	 */
	assert_true(shares || sim_now(scene.sim) >= work / 16);
	assert_true(sim_now(scene.sim) <= last + longest);
	assert_int_equal(sim_busy_hosts(scene.sim), 0);
	scene_release(&scene);
}

static void never_puts_two_jobs_on_a_host(void **state)
{
	static const char *const schedulers[] = { "fcfs",         "sjf",
						  "easy",         "easy-count",
						  "conservative", "priority:size=1,age=1" };
	static const char *const selections[] = { "linear", "random", "compact" };

	(void)state;
	srand(2);
	for (int i = 0; i < 20; i++)
		for (size_t s = 0; s < sizeof(schedulers) / sizeof(*schedulers); s++)
			for (size_t n = 0; n < sizeof(selections) / sizeof(*selections); n++)
				audit_run(schedulers[s], selections[n], i % 2);
}

/* --- a window into reservations: they hold when limits are met --- */

/* Starts with only the jobs up to J that were there when J came first in the
 * queue cannot be asked from outside; that a conservative start never comes
 * later when jobs come behind it can.
 */
static void later_jobs_do_not_delay_conservative_starts(void **state)
{
	struct scene_job jobs[MODEL_JOBS];
	int64_t starts[MODEL_JOBS];

	(void)state;
	srand(3);
	for (int i = 0; i < 40; i++) {
		draw_jobs(jobs, 24, 8, true);
		for (int count = 1; count <= 24; count++) {
			const struct sim_job *result;
			struct scene scene;

			scene_init(&scene, "xgft:8:1", "conservative");
			for (int j = 0; j < count; j++)
				scene_add(&scene, jobs[j]);
			result = scene_run(&scene);
			for (int j = 0; j + 1 < count; j++)
				assert_int_equal(result[j].start, starts[j]);
			starts[count - 1] = result[count - 1].start;
			scene_release(&scene);
		}
	}
}

/* --- the index of waiting jobs --- */

#define WAITING 20000 /* more than a block of blocks */

static size_t find_plainly(const struct waiting *waiting, size_t place,
			   const struct waiting_wanted *wanted)
{
	for (; place < waiting->count; place++) {
		const struct waiting_item *item = &waiting->item[place];

		if (item->job && ((item->hosts <= wanted->hosts && item->time <= wanted->time) ||
				  item->hosts <= wanted->beside))
			break;
	}
	return place;
}

static void finds_waiting_jobs_as_a_plain_search_does(void **state)
{
	struct netemu_job *jobs = calloc(WAITING, sizeof(*jobs));
	struct waiting waiting = { 0 };
	size_t removed = 0;

	(void)state;
	srand(6);
	for (int i = 0; i < WAITING; i++) {
		struct waiting_wanted wanted;
		size_t place;

		jobs[i].nodes = (uint32_t)(50 + rand() % 1000);
		jobs[i].limit = 50 + rand() % 1000;
		assert_int_equal(waiting_add(&waiting, &jobs[i]), 0);
		wanted.hosts = (uint32_t)(rand() % 200);
		wanted.time = rand() % 200;
		wanted.beside = (uint32_t)(rand() % 60);
		place = (size_t)rand() % waiting.count;
		place = rand() % 2 ? 0 : place;
		assert_int_equal(waiting_find(&waiting, place, SIZE_MAX, &wanted),
				 find_plainly(&waiting, place, &wanted));
		if (rand() % 3 == 0)
			continue;
		place = waiting_find(&waiting, place, waiting.count, rand() % 9 ? &wanted : NULL);
		if (place < waiting.count) {
			waiting_remove(&waiting, place);
			removed++;
		}
	}
	assert_true(removed > 1000 && waiting_first(&waiting) < waiting.count);
	waiting_release(&waiting);
	free(jobs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_as_worked_out_by_hand),
		cmocka_unit_test(fcfs_starts_all_that_fit),
		cmocka_unit_test(orders_by_importance),
		cmocka_unit_test(does_as_the_plainest_models),
		cmocka_unit_test(never_puts_two_jobs_on_a_host),
		cmocka_unit_test(later_jobs_do_not_delay_conservative_starts),
		cmocka_unit_test(finds_waiting_jobs_as_a_plain_search_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
