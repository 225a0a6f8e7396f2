/* SPDX-License-Identifier: Apache-2.0 */
/* sched.h - small simulations for tests of scheduling: times in seconds */
#ifndef NETEMU_TESTS_SCHED_H
#define NETEMU_TESTS_SCHED_H

#include "engine/sim.h"

#define SECOND INT64_C(1000000000)

struct scene_job {
	int64_t submit;
	uint32_t nodes;
	int64_t limit, run; /* run 0: the limit */
};

struct scene {
	struct topology topology;
	struct workload workload;
	struct sim_settings settings;
	struct sim *sim;
};

/* A cluster SPEC under SCHEDULER with linear selection, no network, no jobs. */
void scene_init(struct scene *scene, const char *spec, const char *scheduler);
void scene_release(struct scene *scene);

/* Add a job; what it returns may be changed until the next one is added. */
struct workload_job *scene_add(struct scene *scene, struct scene_job job);

/* Run all; the results stand until scene_release(). */
const struct sim_job *scene_run(struct scene *scene);

/* --- the plainest models: a table of seconds and hosts --- */

#define MODEL_HOSTS 150 /* more than two words of a set */
#define MODEL_JOBS  64

/* Start of each job on HOSTS hosts with linear selection; run times do not
 * exceed limits.
 */
void model_fcfs(const struct scene_job *jobs, int count, int hosts, int64_t *start);
void model_easy(const struct scene_job *jobs, int count, int hosts, int64_t *start);
void model_easy_count(const struct scene_job *jobs, int count, int hosts, int64_t *start);
void model_conservative(const struct scene_job *jobs, int count, int hosts, int64_t *start);

#endif
