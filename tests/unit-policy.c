/* SPDX-License-Identifier: Apache-2.0 */
/* The policies of contrib/skeleton, loaded as a user's are. */
#include "sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SKELETON BUILDDIR "/contrib/skeleton/.libs/"

/* One host, two jobs of 10 s, rounds of 4 s: 0-4 and 8-12 and 16-18 the first,
 * the rest the second.
 */
static void jobs_take_turns(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;

	(void)state;
	scene_init(&scene, "xgft:1:1", SKELETON "rounds.so:4");
	scene_add(&scene, (struct scene_job){ 0, 1, 10, 0 });
	scene_add(&scene, (struct scene_job){ 1, 1, 10, 0 });
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].start, 0);
	assert_int_equal(jobs[1].start, 4 * SECOND);
	assert_int_equal(jobs[0].end, 18 * SECOND);
	assert_int_equal(jobs[1].end, 20 * SECOND);
	assert_int_equal(jobs[0].restarts, 2);
	assert_int_equal(jobs[1].restarts, 2);
	scene_release(&scene);
}

/* Told of stops and starts, an observer finds that every job ran its time. */
struct meter {
	int64_t started[MODEL_JOBS], ran[MODEL_JOBS];
	const struct sim_job *first;
};

static void measure(void *arg, const struct sim *sim, enum sim_event event, int64_t time,
		    const struct sim_job *job)
{
	struct meter *meter = arg;
	size_t count, j = (size_t)(job - sim_jobs(sim, &count));

	if (event == SIM_START)
		meter->started[j] = time;
	if (event == SIM_STOP || event == SIM_END)
		meter->ran[j] += time - meter->started[j];
}

static void stopped_jobs_go_on_where_they_were(void **state)
{
	struct meter meter = { 0 };
	struct sim_watcher watcher = { .event = measure, .arg = &meter };
	const struct sim_job *jobs;
	struct traffic *traffic;
	struct scene scene;
	uint64_t restarts = 0;
	size_t count;
	struct err err;

	(void)state;
	srand(5);
	scene_init(&scene, "xgft:4x2:1x2", SKELETON "rounds.so:3");
	scene.settings.no_network = false;
	scene.settings.check = true;
	scene.settings.routing = SKELETON "router.so";
	assert_int_equal(traffic_pattern(&traffic, "ring", 2, 1000, &err), 0);
	for (int i = 0; i < MODEL_JOBS; i++)
		scene_add(&scene, (struct scene_job){ i / 4, 2 + rand() % 7, 1 + rand() % 20, 0 })
			->traffic = traffic;
	assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err), 0);
	assert_int_equal(sim_watch(scene.sim, &watcher), 0);
	if (sim_run(scene.sim, &err) < 0)
		fail_msg("%s", err.text);
	jobs = sim_jobs(scene.sim, &count);
	for (size_t j = 0; j < count; j++) {
		assert_int_equal(jobs[j].outcome, SIM_DONE);
		assert_int_equal(meter.ran[j], jobs[j].what->duration);
		restarts += jobs[j].restarts;
	}
	assert_true(restarts > MODEL_JOBS);
	scene_release(&scene);
	traffic_drop(traffic);
}

/* Two leaves, two spines: the first job fills one way, the second takes the
 * other; D-mod-K sends both over the same.
 */
static void a_router_sees_what_the_links_carry(void **state)
{
	static const struct {
		const char *routing;
		uint64_t most;
	} cases[] = { { SKELETON "router.so", 1000 }, { "dmodk", 2000 } };
	struct traffic *traffic;
	struct err err;

	(void)state;
	assert_int_equal(traffic_pattern(&traffic, "shift:1", 2, 1000, &err), 0);
	for (int i = 0; i < 2; i++) {
		static const uint32_t given[2][2] = { { 0, 4 }, { 2, 6 } };
		uint64_t most = 0;
		struct scene scene;

		scene_init(&scene, "xgft:4x2:1x2", "fcfs");
		scene.settings.no_network = false;
		scene.settings.selection = "explicit";
		scene.settings.routing = cases[i].routing;
		scene.settings.until = 5 * SECOND;
		for (int j = 0; j < 2; j++) {
			struct workload_job *job =
				scene_add(&scene, (struct scene_job){ 0, 2, 10, 0 });

			job->job.given = given[j];
			job->job.ngiven = 2;
			job->traffic = traffic;
		}
		scene_run(&scene);
		for (uint32_t l = 0; l < scene.topology.net.links; l++) {
			uint64_t bytes = load_integer(sim_loads(scene.sim)->link[l].bytes);

			if (bytes > most && topology_is_isl(&scene.topology, l))
				most = bytes;
		}
		assert_int_equal(most, cases[i].most);
		scene_release(&scene);
	}
	traffic_drop(traffic);
}

static void says_what_is_wrong_with_an_object(void **state)
{
	static const struct {
		const char *scheduler, *message;
	} cases[] = {
		{ "./none.so", "unable to load './none.so': ./none.so: cannot open shared object "
			       "file: No such file or directory" },
		{ SKELETON "router.so", "'" SKELETON "router.so': is a routing, not a scheduler" },
		{ SKELETON "rounds.so:0", "scheduler '" SKELETON "rounds.so': '0': not the length "
					  "of a round in seconds" },
	};
	struct scene scene;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		scene_init(&scene, "xgft:2:1", cases[i].scheduler);
		assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err),
				 -1);
		assert_string_equal(err.text, cases[i].message);
		scene_release(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_take_turns),
		cmocka_unit_test(stopped_jobs_go_on_where_they_were),
		cmocka_unit_test(a_router_sees_what_the_links_carry),
		cmocka_unit_test(says_what_is_wrong_with_an_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
