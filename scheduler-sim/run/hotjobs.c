/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hotjobs.h"
#include "load/hot.h"

#include <errno.h>
#include <stdlib.h>

#define JOBS_MAX 100
#define LINKS    5

/* One job routed by itself. */
struct alone {
	struct netemu_pair *pairs; /* owned */
	struct loads loads;
	struct routed routed;
	struct linktable table;
	struct hot hot;
};

static void release(struct alone *alone)
{
	hot_release(&alone->hot);
	linktable_release(&alone->table);
	routed_release(&alone->routed);
	loads_release(&alone->loads);
	free(alone->pairs);
}

static int explain(struct alone *alone, const struct report *report, struct router *router,
		   const struct sim_job *job, size_t npairs, struct err *err)
{
	const struct hot_traffic what = {
		.router = router,
		.topology = report->topology,
		.pairs = alone->pairs,
		.npairs = npairs,
		.routed = alone->routed.path ? &alone->routed : NULL,
		.traffic = job->what->traffic,
		.placement = job->placement,
	};

	if (linktable_make(&alone->table, report->topology, &alone->loads) < 0 ||
	    hot_make(&alone->hot, &alone->table, report->topology, !report->topology->nswitches,
		     LINKS) < 0)
		return err_errno(err, "%s", report->dir);
	return hot_explain(&alone->hot, &what, err);
}

static int route(struct alone *alone, const struct report *report, struct router *router,
		 const struct sim_job *job, struct err *err)
{
	const struct traffic *traffic = job->what->traffic;
	const struct netemu_net *net = &report->topology->net;
	struct netemu_route route = {
		.job = job->what->job.id,
		.placement = job->placement,
		.ranks = traffic->ranks,
		.matrix = traffic->pairs,
		.nmatrix = traffic->npairs,
	};
	ssize_t npairs = traffic_fold(traffic->pairs, traffic->npairs, job->placement, net->hosts,
				      &alone->pairs);

	if (npairs < 0 || loads_init(&alone->loads, net->links) < 0)
		return err_errno(err, "%s", report->dir);
	route.pairs = alone->pairs;
	route.npairs = (size_t)npairs;
	alone->routed.want_paths = true;
	if (router_route(router, &route, &alone->loads, &alone->routed, err) < 0)
		return -1;
	return explain(alone, report, router, job, (size_t)npairs, err);
}

static int add_job(json_t *list, const struct report *report, struct router *router,
		   const struct sim_job *job, struct err *err)
{
	struct alone alone = { 0 };
	int rc = route(&alone, report, router, job, err);

	if (rc == 0)
		json_array_append_new(list, json_pack("{s:I, s:s*, s:o}", "job",
						      (json_int_t)job->what->job.id, "name",
						      job->what->name, "links",
						      hot_json(&alone.hot, report->topology)));
	router_forget(router, job->what->job.id);
	release(&alone);
	return rc;
}

static bool has_operations(const struct sim_job *job)
{
	const struct traffic *traffic = job->what->traffic;

	return job->placement && traffic && !traffic->uniform && traffic->nops;
}

int hotjobs_json(const struct report *report, json_t **json, struct err *err)
{
	const struct router_settings settings = { .seed = report->sub->seed, .base = report->base };
	struct router *router = NULL;
	size_t count;
	const struct sim_job *jobs = sim_jobs(report->sim, &count);
	json_t *list = json_array();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count && json_array_size(list) < JOBS_MAX; i++) {
		if (!has_operations(&jobs[i]))
			continue;
		if (!router)
			rc = router_create(&router, report->sub->routing, report->topology,
					   &settings, err);
		if (rc == 0)
			rc = add_job(list, report, router, &jobs[i], err);
	}
	if (router)
		router_destroy(router);
	if (rc == 0)
		*json = list;
	else
		json_decref(list);
	return rc;
}
