/* SPDX-License-Identifier: Apache-2.0 */
/* unit-stretch.c - run times that follow the network, loads that follow windows */
#include "sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define GB UINT64_C(1000000000)

/* Two leaf switches with four hosts each and one cable up, 1 GB/s everywhere. */
#define NETWORK "xgft:4x2:1x1@rate=8Gbit/s"

/* A job with one flow of BYTES from host FROM to host TO. */
struct one {
	struct netemu_rank_pair pair;
	struct traffic traffic;
	uint32_t hosts[2];
};

static struct workload_job *add_flow(struct scene *scene, struct one *one, int64_t submit,
				     int64_t run, uint32_t from, uint32_t to, uint64_t bytes)
{
	struct workload_job *job = scene_add(scene, (struct scene_job){ submit, 2, 1000, run });

	*one = (struct one){
		.pair = { 0, 1, bytes, 1 },
		.traffic = { .ranks = 2, .npairs = 1, .users = 1 },
		.hosts = { from, to },
	};
	one->traffic.pairs = &one->pair;
	job->traffic = &one->traffic;
	job->job.given = one->hosts;
	job->job.ngiven = 2;
	return job;
}

static void start(struct scene *scene, const char *scheduler)
{
	scene_init(scene, NETWORK, scheduler);
	scene->settings.no_network = false;
	scene->settings.check = true;
	scene->settings.selection = "explicit";
	scene->settings.stretch = true;
}

static void alone_it_takes_what_was_given(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one;

	(void)state;
	start(&scene, "fcfs");
	add_flow(&scene, &one, 3, 15, 0, 4, 10 * GB);
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].end, 18 * SECOND);
	assert_int_equal(jobs[0].drain, 10 * SECOND);
	scene_release(&scene);
}

/* Compute 5 s, drain 10 s: both drain on the cable from 5 s on. */
static void two_jobs_on_a_cable_drain_twice_as_long(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[3];

	(void)state;
	start(&scene, "fcfs");
	add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB);
	add_flow(&scene, &one[1], 0, 15, 1, 5, 10 * GB);
	add_flow(&scene, &one[2], 0, 15, 2, 3, 10 * GB); /* below one switch */
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].end, 25 * SECOND);
	assert_int_equal(jobs[1].end, 25 * SECOND);
	assert_int_equal(jobs[2].end, 15 * SECOND);
	scene_release(&scene);
}

/* The first drains 5 .. and has sent 4 GB when the second begins at 9; the rest
 * takes 12 s; then the second has 4 GB left, for itself.
 */
static void rates_change_when_a_drain_begins_and_ends(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, "fcfs");
	add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB);
	add_flow(&scene, &one[1], 4, 15, 1, 5, 10 * GB);
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].end, 21 * SECOND);
	assert_int_equal(jobs[1].end, 25 * SECOND);
	scene_release(&scene);
}

static void the_compute_part_can_be_given(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, "fcfs");
	add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB)->compute = 2 * SECOND;
	add_flow(&scene, &one[1], 0, 4, 5, 1, 10 * GB); /* shorter than its traffic */
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].end, 12 * SECOND);
	assert_int_equal(jobs[1].end, 10 * SECOND);
	scene_release(&scene);
}

static void nothing_to_send_is_no_drain(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, "fcfs");
	add_flow(&scene, &one[0], 0, 15, 0, 4, 0);
	add_flow(&scene, &one[1], 0, 7, 1, 5, GB)->traffic = NULL;
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].end, 15 * SECOND);
	assert_int_equal(jobs[1].end, 7 * SECOND);
	scene_release(&scene);
}

/* A job behind one that takes longer than its limit waits for its real end. */
static void others_wait_for_a_late_job(void **state)
{
	static const char *const schedulers[] = { "fcfs",       "sjf",          "easy",
						  "easy-count", "conservative", "priority" };

	(void)state;
	for (size_t i = 0; i < sizeof(schedulers) / sizeof(*schedulers); i++) {
		const struct sim_job *jobs;
		struct scene scene;
		struct one one[3];

		start(&scene, schedulers[i]);
		add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB)->job.limit = 15 * SECOND;
		add_flow(&scene, &one[1], 0, 15, 1, 5, 10 * GB)->job.limit = 15 * SECOND;
		add_flow(&scene, &one[2], 1, 5, 0, 4, GB)->job.limit = 5 * SECOND;
		jobs = scene_run(&scene);
		assert_int_equal(jobs[0].end, 25 * SECOND);
		assert_int_equal(jobs[2].start, 25 * SECOND);
		assert_int_equal(jobs[2].end, 30 * SECOND);
		scene_release(&scene);
	}
}

static void leaves_no_memory_at_the_horizon(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, "fcfs");
	scene.settings.until = 8 * SECOND;
	add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB);
	add_flow(&scene, &one[1], 0, 30, 1, 5, 10 * GB);
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].outcome, SIM_RUNNING);
	assert_int_equal(jobs[1].outcome, SIM_RUNNING);
	scene_release(&scene);
}

/* Rounds of 10 s on the same hosts, a at 0, b at 10, ...: each sends alone. */
static void a_stopped_job_goes_on_where_it_was(void **state)
{
	const struct sim_job *jobs;
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, SKELETON "/rounds.so:10");
	add_flow(&scene, &one[0], 0, 15, 0, 4, 10 * GB); /* 0 .. 10, 20 .. 25 */
	add_flow(&scene, &one[1], 0, 12, 0, 4, 12 * GB); /* 10 .. 20, 25 .. 27 */
	jobs = scene_run(&scene);
	assert_int_equal(jobs[0].restarts, 1);
	assert_int_equal(jobs[0].end, 25 * SECOND);
	assert_int_equal(jobs[1].end, 27 * SECOND);
	scene_release(&scene);
}

static void refuses_what_it_cannot_do(void **state)
{
	struct scene scene;
	struct one one;
	struct err err;

	(void)state;
	start(&scene, "fcfs");
	scene.topology.unit = TOPOLOGY_UNIT_NONE;
	assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err), -1);
	assert_non_null(strstr(err.text, "--link-rate"));
	scene_release(&scene);

	start(&scene, "fcfs");
	scene.settings.routing = "ecmp";
	add_flow(&scene, &one, 0, 15, 0, 4, GB);
	assert_int_equal(sim_create(&scene.sim, &scene.settings, &scene.workload, &err), 0);
	assert_int_equal(sim_run(scene.sim, &err), -1);
	assert_string_equal(err.text, "routing 'ecmp' splits flows: run times that follow the "
				      "network need one path for each pair");
	scene_release(&scene);
}

/* --- windows --- */

/* What the cable from the first leaf up carries after each instant. */
struct seen {
	int64_t time[32];
	uint64_t bytes[32];
	size_t count;
};

static void look(void *arg, const struct sim *sim, int64_t time)
{
	const struct loads *loads = sim_loads(sim);
	struct seen *seen = arg;
	uint64_t bytes = 0;

	for (uint32_t l = 0; l < loads->count; l++)
		bytes += load_integer(loads->link[l].bytes);
	seen->time[seen->count] = time / SECOND;
	seen->bytes[seen->count++] = bytes / 4; /* four links on the path */
}

static void see(struct scene *scene, struct seen *seen)
{
	const struct sim_watcher watcher = { .instant = look, .arg = seen };
	struct err err;

	if (sim_create(&scene->sim, &scene->settings, &scene->workload, &err) < 0)
		fail_msg("%s", err.text);
	sim_watch(scene->sim, &watcher);
	if (sim_run(scene->sim, &err) < 0)
		fail_msg("%s", err.text);
}

static const int64_t window_times[][2] = { { 2, 4 }, { 4, 5 }, { 8, 9 } };

static void loads_follow_the_windows(void **state)
{
	static const char *const routings[] = { "dmodk", "greedy-max", "ecmp", "random" };
	static const int64_t times[] = { 10, 12, 14, 15, 18, 19, 20 };
	static const uint64_t bytes[] = { 0, 5, 7, 0, 9, 0, 0 };

	(void)state;
	for (size_t r = 0; r < sizeof(routings) / sizeof(*routings); r++) {
		struct netemu_rank_pair pairs[3] = { { 0, 1, 5, 1 },
						     { 0, 1, 7, 1 },
						     { 0, 1, 9, 1 } };
		struct traffic_part windows[3];
		struct seen seen = { 0 };
		struct scene scene;
		struct one one;

		for (int w = 0; w < 3; w++)
			windows[w] = (struct traffic_part){
				.start = window_times[w][0] * SECOND,
				.end = window_times[w][1] * SECOND,
				.pairs = &pairs[w],
				.npairs = 1,
			};
		start(&scene, "fcfs");
		scene.settings.stretch = false;
		scene.settings.windows = true;
		scene.settings.routing = routings[r];
		add_flow(&scene, &one, 10, 10, 0, 4, 21);
		one.traffic.windows = windows;
		one.traffic.nwindows = 3;
		see(&scene, &seen);
		assert_int_equal(seen.count, 7);
		assert_memory_equal(seen.time, times, sizeof(times));
		assert_memory_equal(seen.bytes, bytes, sizeof(bytes));
		scene_release(&scene);
	}
}

/* Overlapping jobs meet only where both send. */
static void windows_meet_only_when_both_send(void **state)
{
	struct netemu_rank_pair pair = { 0, 1, 5, 1 };
	struct traffic_part first = {
		.start = 1 * SECOND, .end = 3 * SECOND, .pairs = &pair, .npairs = 1
	};
	struct traffic_part second = {
		.start = 5 * SECOND, .end = 6 * SECOND, .pairs = &pair, .npairs = 1
	};
	struct seen seen = { 0 };
	struct scene scene;
	struct one one[2];

	(void)state;
	start(&scene, "fcfs");
	scene.settings.stretch = false;
	scene.settings.windows = true;
	add_flow(&scene, &one[0], 0, 10, 0, 4, 5);
	add_flow(&scene, &one[1], 0, 10, 1, 5, 5);
	one[0].traffic.windows = &first;
	one[1].traffic.windows = &second;
	one[0].traffic.nwindows = one[1].traffic.nwindows = 1;
	see(&scene, &seen);
	for (size_t i = 0; i < seen.count; i++)
		assert_true(seen.bytes[i] <= 5);
	scene_release(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone_it_takes_what_was_given),
		cmocka_unit_test(two_jobs_on_a_cable_drain_twice_as_long),
		cmocka_unit_test(rates_change_when_a_drain_begins_and_ends),
		cmocka_unit_test(the_compute_part_can_be_given),
		cmocka_unit_test(nothing_to_send_is_no_drain),
		cmocka_unit_test(others_wait_for_a_late_job),
		cmocka_unit_test(leaves_no_memory_at_the_horizon),
		cmocka_unit_test(a_stopped_job_goes_on_where_it_was),
		cmocka_unit_test(refuses_what_it_cannot_do),
		cmocka_unit_test(loads_follow_the_windows),
		cmocka_unit_test(windows_meet_only_when_both_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
