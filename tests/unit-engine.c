/* SPDX-License-Identifier: Apache-2.0 */
#include "sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- jobs that can never run --- */

static void rejects_what_can_never_run(void **state)
{
	static const struct {
		uint32_t nodes, ranks;
		uint64_t want[NETEMU_RESOURCES];
		int64_t run;
		uint32_t given;
		const char *selection, *reason;
	} cases[] = {
		{ 9, 9, { 0 }, 1, 0, "linear", "wants 9 hosts, the cluster has 8" },
		{ 2, 17, { 0 }, 1, 0, "linear", "wants hosts with 9 slots, the cluster has none" },
		{ 0, 65, { 0 }, 1, 0, "linear", "wants 65 slots, the cluster has 64" },
		{ 0, 0, { 0 }, 1, 0, "linear", "wants no hosts" },
		{ 1, 1, { 0, 3 }, 1, 0, "linear", "wants 3 GPUs of each host, there are 2" },
		{ 1,
		  1,
		  { 0, 0, 101 },
		  1,
		  0,
		  "linear",
		  "wants 101 bytes of memory of each host, there are 100" },
		{ 1, 1, { 0, 0, 0, 6 }, 1, 0, "linear", "wants 6 licences in all, there are 5" },
		{ 1, 1, { 0 }, -1, 0, "linear", "its run time is negative" },
		{ 2,
		  2,
		  { 0 },
		  1,
		  1,
		  "explicit",
		  "node selection 'explicit' has no hosts for it, even of the empty cluster" },
	};
	static const uint32_t given[] = { 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct sim_job *jobs;
		struct workload_job *job;
		struct scene scene;

		scene_init(&scene, "xgft:8:1@slots=8", "fcfs");
		scene.settings.selection = cases[i].selection;
		scene.settings.have[NETEMU_GPUS] = 2;
		scene.settings.have[NETEMU_MEMORY] = 100;
		scene.settings.have[NETEMU_LICENCES] = 5;
		job = scene_add(&scene, (struct scene_job){ 0, cases[i].nodes, 1, 0 });
		job->job.ranks = cases[i].ranks;
		memcpy(job->job.want, cases[i].want, sizeof(cases[i].want));
		job->duration = cases[i].run;
		job->job.given = given;
		job->job.ngiven = cases[i].given;
		job = scene_add(&scene, (struct scene_job){ 0, 1, 1, 0 }); /* it holds up nothing */
		job->job.given = given;
		job->job.ngiven = 1;
		jobs = scene_run(&scene);
		assert_int_equal(jobs[0].outcome, SIM_REJECTED);
		assert_string_equal(jobs[0].reason, cases[i].reason);
		assert_int_equal(jobs[1].outcome, SIM_DONE);
		assert_null(jobs[1].reason);
		scene_release(&scene);
	}
}

static void refuses_unknown_policies(void **state)
{
	static const struct {
		const char *scheduler, *selection, *message;
	} cases[] = {
		{ "fifo", "linear",
		  "'fifo': not a scheduler (fcfs, sjf, easy, easy-count, conservative, priority, "
		  "or a path with a '/')" },
		{ "fcfs", "best",
		  "'best': not a node selection (linear, random, compact, explicit, "
		  "or a path with a '/')" },
		{ "fcfs:x", "linear", "scheduler 'fcfs': 'x': fcfs has no options" },
		{ "easy:depth=", "linear", "scheduler 'easy': 'depth=': not depth=JOBS" },
		{ "priority:age=1,size", "linear",
		  "scheduler 'priority': 'size': not given=, age=, size= or short= with a number" },
		{ "fcfs", "random:2", "node selection 'random': '2': random has no options" },
	};
	struct scene scene;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scene_init(&scene, "xgft:8:1", cases[i].scheduler);
		scene.settings.selection = cases[i].selection;
		assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err),
				 -1);
		assert_string_equal(err.text, cases[i].message);
		scene_release(&scene);
	}
}

/* --- the order of events, the horizon --- */

static void hosts_of_an_end_serve_an_arrival_of_that_time(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:2:1", "fcfs");
	scene_add(&scene, (struct scene_job){ 0, 2, 10, 0 });
	scene_add(&scene, (struct scene_job){ 10, 2, 10, 0 });
	scene_add(&scene, (struct scene_job){ 5, 2, 10, 0 }); /* sorted before it */
	jobs = scene_run(&scene);
	assert_int_equal(jobs[2].start, 10 * SECOND);
	assert_int_equal(jobs[1].start, 20 * SECOND);
	scene_release(&scene);
}

static void stops_at_the_horizon(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:2:1", "fcfs");
	scene.settings.until = 10 * SECOND;
	scene_add(&scene, (struct scene_job){ 0, 2, 10, 0 });
	scene_add(&scene, (struct scene_job){ 0, 2, 10, 0 });
	scene_add(&scene, (struct scene_job){ 0, 2, 10, 0 });
	scene_add(&scene, (struct scene_job){ 11, 2, 10, 0 });
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].outcome, SIM_DONE); /* an end at it happens */
	assert_int_equal(jobs[1].outcome, SIM_RUNNING);
	assert_int_equal(jobs[2].outcome, SIM_WAITING);
	assert_int_equal(jobs[3].outcome, SIM_WAITING);
	assert_int_equal(sim_waiting(scene.sim), 1);
	scene_release(&scene);
}

static void a_run_of_no_time_ends_at_once(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:2:1", "easy");
	for (int i = 0; i < 3; i++)
		scene_add(&scene, (struct scene_job){ 1, 2, 0, 0 });
	jobs = scene_run(&scene);
	for (int i = 0; i < 3; i++)
		assert_int_equal(jobs[i].end, 1 * SECOND);
	scene_release(&scene);
}

/* --- resources --- */

/* 8 cores, 2 GPUs: two jobs with one GPU share a host, the third waits; one
 * that does not share waits for an empty one.
 */
static void shares_hosts_up_to_what_they_have(void **state)
{
	static const struct {
		bool shares;
		uint64_t cores, gpus;
		int64_t start;
	} jobs[] = {
		{ true, 4, 1, 0 },  { true, 4, 1, 0 },   { true, 0, 1, 10 },
		{ true, 8, 0, 10 }, { false, 0, 0, 20 },
	};
	const struct sim_job *result;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:2:1@slots=8", "fcfs");
	scene.settings.have[NETEMU_GPUS] = 2;
	scene_add(&scene, (struct scene_job){ 0, 1, 100, 0 }); /* host 0 is out of it */
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		struct workload_job *job = scene_add(&scene, (struct scene_job){ 0, 1, 10, 0 });

		job->job.shares = jobs[i].shares;
		job->job.want[NETEMU_CORES] = jobs[i].cores;
		job->job.want[NETEMU_GPUS] = jobs[i].gpus;
	}
	result = scene_run(&scene);
	assert_int_equal(result[1].start, 0);
	assert_int_equal(result[2].start, 0);
	assert_int_equal(result[3].start, 10 * SECOND);
	assert_int_equal(result[4].start, 20 * SECOND); /* 8 cores beside 1 used */
	assert_int_equal(result[5].start, 30 * SECOND);
	scene_release(&scene);
}

static void licences_are_of_the_whole_cluster(void **state)
{
	static const char *const schedulers[] = { "fcfs", "easy", "conservative" };

	(void)state;
	for (int s = 0; s < 3; s++) {
		const struct sim_job *jobs;
		struct scene scene;

		scene_init(&scene, "xgft:8:1", schedulers[s]);
		scene.settings.have[NETEMU_LICENCES] = 3;
		for (int i = 0; i < 3; i++)
			scene_add(&scene, (struct scene_job){ 0, 1, 10, 0 })
				->job.want[NETEMU_LICENCES] = 2;
		scene_add(&scene, (struct scene_job){ 0, 1, 100, 0 })->job.want[NETEMU_LICENCES] =
			1;
		jobs = scene_run(&scene);
		assert_int_equal(jobs[1].start, 10 * SECOND);
		assert_int_equal(jobs[2].start, 20 * SECOND);
		/* one licence is left over, and backfill may use it */
		assert_int_equal(jobs[3].start, s == 0 ? 20 * SECOND : 0);
		scene_release(&scene);
	}
}

/* --- node selection --- */

static void expect_hosts(const struct sim_job *job, const char *expected)
{
	char text[256];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < job->nhosts; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u", i ? " " : "",
				      job->hosts[i]);
	assert_string_equal(text, expected);
}

/* Busy: 0, 3, 4, 9; free blocks 1-2, 5-8, 10-15. */
static void selects_hosts_by_its_rule(void **state)
{
	static const struct {
		const char *selection;
		uint32_t nodes, ranks;
		const char *hosts;
	} cases[] = {
		{ "linear", 1, 1, "1" },
		{ "linear", 2, 2, "1 2" },
		{ "linear", 3, 3, "5 6 7" },
		{ "linear", 5, 5, "10 11 12 13 14" },
		{ "linear", 7, 7, "5 10 11 12 13 14 15" },
		{ "linear", 0, 12, "5 6 7" }, /* four slots each */
		{ "pfsim.host_selector.LinearHostSelector", 11, 11, "1 5 6 7 8 10 11 12 13 14 15" },
		/* leaves of 4 hosts: 2, 3, 3 and 4 free; pods of two: 5 and 7 */
		{ "compact", 1, 1, "1" },
		{ "compact", 2, 2, "1 2" },
		{ "compact", 3, 3, "5 6 7" },
		{ "compact", 4, 4, "12 13 14 15" },
		{ "compact", 5, 5, "1 2 5 6 7" },
		{ "compact", 6, 6, "8 10 12 13 14 15" },
		{ "compact", 8, 8, "1 5 6 7 12 13 14 15" },
		{ "compact", 0, 10, "5 6 7" },
	};
	static const uint32_t busy[] = { 0, 3, 4, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct sim_job *jobs;
		struct workload_job *job;
		struct scene scene;
		int64_t last;

		/* jobs of 1 host that fill all, then those on the free ones end */
		scene_init(&scene, "xgft:4x2x2:1x2x2@slots=4", "fcfs");
		scene.settings.selection = cases[i].selection;
		for (uint32_t h = 0; h < 16; h++) {
			last = 5;
			for (int k = 0; k < 4; k++)
				last = busy[k] == h ? 50 : last;
			scene_add(&scene, (struct scene_job){ 0, 1, last, 0 });
		}
		job = scene_add(&scene, (struct scene_job){ 10, cases[i].nodes, 1, 0 });
		job->job.ranks = cases[i].ranks;
		jobs = scene_run(&scene);
		for (uint32_t h = 0; h < 16; h++)
			assert_int_equal(jobs[h].hosts[0], h);
		assert_int_equal(jobs[16].start, 10 * SECOND);
		expect_hosts(&jobs[16], cases[i].hosts);
		scene_release(&scene);
	}
}

static void explicit_waits_for_the_hosts_it_had(void **state)
{
	static const uint32_t given[3][2] = { { 5, 2 }, { 2, 3 }, { 0, 1 } };
	static const char *const hosts[] = { "2 5", "2 3", "0 1" };
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:8:1", "easy");
	scene.settings.selection = "explicit";
	for (int i = 0; i < 3; i++) {
		struct workload_job *job = scene_add(&scene, (struct scene_job){ i, 2, 10, 0 });

		job->job.given = given[i];
		job->job.ngiven = 2;
	}
	jobs = scene_run(&scene);
	for (int i = 0; i < 3; i++)
		expect_hosts(&jobs[i], hosts[i]);
	assert_int_equal(jobs[1].start, 10 * SECOND);
	assert_int_equal(jobs[2].start, 2 * SECOND);
	scene_release(&scene);
}

/* Each of the 6 pairs of 4 hosts about equally often: 600 draws, 100 each with a
 * standard deviation of 9.1.
 */
static void random_draws_every_set_alike(void **state)
{
	unsigned int seen[16] = { 0 };
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:4:1", "fcfs");
	scene.settings.selection = "random";
	for (int i = 0; i < 600; i++)
		scene_add(&scene, (struct scene_job){ i, 2, 1, 0 });
	jobs = scene_run(&scene);
	for (int i = 0; i < 600; i++) {
		assert_true(jobs[i].hosts[0] < jobs[i].hosts[1]);
		seen[jobs[i].hosts[0] * 4 + jobs[i].hosts[1]]++;
	}
	for (unsigned int a = 0; a < 4; a++)
		for (unsigned int b = a + 1; b < 4; b++)
			assert_in_range(seen[a * 4 + b], 55, 145);
	scene_release(&scene);
}

/* 15 of 16: each is left out 37.5 times, with a standard deviation of 5.9. */
static void random_leaves_every_host_out_alike(void **state)
{
	unsigned int seen[16] = { 0 };
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:16:1", "fcfs");
	scene.settings.selection = "random";
	for (int i = 0; i < 600; i++)
		scene_add(&scene, (struct scene_job){ i, 15, 1, 0 });
	jobs = scene_run(&scene);
	for (int i = 0; i < 600; i++)
		for (int h = 0; h < 15; h++)
			seen[jobs[i].hosts[h]]++;
	for (int h = 0; h < 16; h++)
		assert_in_range(600 - seen[h], 10, 65);
	scene_release(&scene);
}

/* --- traffic --- */

struct mirror {
	struct load *load;
	uint32_t links;
	size_t instants;
};

/* What sim_changed() tells must be enough to follow the loads. */
static void follow(void *arg, const struct sim *sim, int64_t time)
{
	const struct loads *loads = sim_loads(sim);
	struct mirror *mirror = arg;
	const uint32_t *changed;
	size_t count;

	(void)time;
	changed = sim_changed(sim, &count);
	for (size_t i = 0; i < count; i++)
		mirror->load[changed[i]] = loads->link[changed[i]];
	assert_memory_equal(mirror->load, loads->link, mirror->links * sizeof(*mirror->load));
	mirror->instants++;
}

static void run_traffic(const char *placement, const char *routing)
{
	static const char *const patterns[] = { "all-to-all", "ring", "nn2d", "tree", "shift:3" };
	struct sim_watcher watcher = { .instant = follow };
	struct traffic *traffic[5];
	struct mirror mirror = { 0 };
	struct scene scene;
	struct err err;

	scene_init(&scene, "xgft:4x4:1x2@slots=4", "easy");
	scene.settings.no_network = false;
	scene.settings.check = true;
	scene.settings.placement = placement;
	scene.settings.routing = routing;
	for (int p = 0; p < 5; p++)
		assert_int_equal(traffic_pattern(&traffic[p], patterns[p], 12, 1000, &err), 0);
	for (int i = 0; i < 60; i++) {
		struct workload_job *job = scene_add(
			&scene, (struct scene_job){ i / 3, 3 + rand() % 6, 1 + rand() % 9, 0 });

		job->job.ranks = 12;
		job->traffic = rand() % 6 ? traffic[rand() % 5] : NULL;
	}
	mirror.links = scene.topology.net.links;
	mirror.load = calloc(mirror.links, sizeof(*mirror.load));
	watcher.arg = &mirror;
	assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err), 0);
	assert_int_equal(sim_watch(scene.sim, &watcher), 0);
	if (sim_run(scene.sim, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(mirror.instants > 0);
	for (uint32_t i = 0; i < mirror.links; i++)
		assert_true(mirror.load[i].bytes == 0 && mirror.load[i].flows == 0);
	scene_release(&scene);
	for (int p = 0; p < 5; p++)
		traffic_drop(traffic[p]);
	free(mirror.load);
}

static void what_jobs_add_they_take_away(void **state)
{
	static const char *const routings[] = { "dmodk",  "smodk",      "random",
						"greedy", "greedy-max", "ecmp" };

	(void)state;
	srand(4);
	for (size_t i = 0; i < sizeof(routings) / sizeof(*routings); i++) {
		run_traffic("block", routings[i]);
		run_traffic("cyclic", routings[i]);
	}
}

/* Two leaves of two hosts, one core switch; every rank sends to every other:
 * each leaf sends 2 x 2 flows of 10 bytes up.
 */
static void knows_the_load_of_a_job_alone(void **state)
{
	const struct sim_job *jobs;
	struct traffic *traffic;
	struct scene scene;
	struct err err;

	(void)state;
	scene_init(&scene, "xgft:2x2:1x1", "fcfs");
	scene.settings.no_network = false;
	assert_int_equal(traffic_pattern(&traffic, "all-to-all", 4, 10, &err), 0);
	scene_add(&scene, (struct scene_job){ 0, 4, 10, 0 })->traffic = traffic;
	jobs = scene_run(&scene);
	assert_true(jobs[0].max_load * scene.topology.net.link[0].capacity == 40);
	assert_int_equal(jobs[0].unroutable, 0);
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(jobs[0].placement[r], r);
	scene_release(&scene);
	traffic_drop(traffic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rejects_what_can_never_run),
		cmocka_unit_test(refuses_unknown_policies),
		cmocka_unit_test(hosts_of_an_end_serve_an_arrival_of_that_time),
		cmocka_unit_test(stops_at_the_horizon),
		cmocka_unit_test(a_run_of_no_time_ends_at_once),
		cmocka_unit_test(shares_hosts_up_to_what_they_have),
		cmocka_unit_test(licences_are_of_the_whole_cluster),
		cmocka_unit_test(selects_hosts_by_its_rule),
		cmocka_unit_test(explicit_waits_for_the_hosts_it_had),
		cmocka_unit_test(random_draws_every_set_alike),
		cmocka_unit_test(random_leaves_every_host_out_alike),
		cmocka_unit_test(what_jobs_add_they_take_away),
		cmocka_unit_test(knows_the_load_of_a_job_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
