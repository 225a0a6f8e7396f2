/* SPDX-License-Identifier: Apache-2.0 */
/* run-model.c - all ranks in one process, on a network that is computed */
#include "cmd/load.h"
#include "cmd/run.h"

#include <errno.h>
#include <stdlib.h>

struct model_run {
	struct run_config config;
	struct model_settings settings;
	struct loop loop;
	struct model *model;
	struct graph *graphs; /* [ngraphs]: one of each rank, or one for all */
	uint32_t ngraphs;
	struct run_rank *ranks; /* [config.size] */
	struct report report;
	struct timeline timeline;
	struct noderows rows;
	uint32_t done;
};

static int load_graphs(struct model_run *run, struct err *err)
{
	const struct run_options *options = run->config.options;
	const struct graph_options how = { .deps = options->deps, .names = true };
	char path[4096], first[4096];
	struct load load = { 0 };
	bool same;

	if (run_trace_path(options, 0, first, sizeof(first), err) < 0)
		return -1;
	same = run_trace_path(options, run->config.size, path, sizeof(path), NULL) == 0 &&
	       !__builtin_strcmp(path, first);
	load.files = same ? 1 : run->config.size;
	run->graphs = calloc(load.files, sizeof(*run->graphs));
	if (!run->graphs)
		return err_errno(err, "no room for %u ranks", run->config.size);
	for (; load.file < load.files; load.file++) {
		if (run_trace_path(options, load.file, path, sizeof(path), err) < 0 ||
		    load_graph(&load, &run->graphs[load.file], path, &how, err) < 0)
			return -1;
		run_tell_of_trace(&run->config, &run->graphs[load.file]);
		run->ngraphs++;
	}
	return 0;
}

static void rank_done(void *arg)
{
	struct model_run *run = arg;

	run->done++;
}

static int start_ranks(struct model_run *run, struct err *err)
{
	const struct run_options *options = run->config.options;
	const char *path = options->chrome_trace_file;
	uint32_t size = run->config.size;

	if (timeline_open(&run->timeline, options->chrome_trace, options->merged_lanes,
			  path ? path : "chrome_trace.json", err) < 0)
		return -1;
	timeline_begin(&run->timeline, 0, -1);
	if (options->node_rows && noderows_open(&run->rows, options->node_rows, err) < 0)
		return -1;
	run->ranks = calloc(size, sizeof(*run->ranks));
	if (!run->ranks)
		return err_errno(err, "no room for %u ranks", size);
	for (uint32_t i = 0; i < size; i++) {
		if (run_rank_create(&run->ranks[i], &run->config, &run->graphs[i % run->ngraphs],
				    model_net(run->model, i), &run->report, &run->timeline,
				    err) < 0)
			return -1;
		run->ranks[i].rows = options->node_rows ? &run->rows : NULL;
	}
	loop_start(&run->loop);
	for (uint32_t i = 0; i < size; i++)
		if (run_rank_start(&run->ranks[i], rank_done, run, err) < 0)
			return -1;
	return 0;
}

/* Time has come to its end and not all ranks have: who waits, for what? */
static int stuck(struct model_run *run, struct err *err)
{
	char waiting[512] = "";

	for (uint32_t i = 0; i < run->config.size && !waiting[0]; i++)
		if (!run->ranks[i].done)
			exec_waiting(run->ranks[i].exec, waiting, sizeof(waiting));
	if (model_left(run->model, err) < 0)
		return -1;
	return err_set(err, "%u of %u ranks wait for ever: %s", run->config.size - run->done,
		       run->config.size, waiting);
}

static int replay(struct model_run *run, struct err *err)
{
	struct err wrong;
	int rc = 0;

	if (start_ranks(run, err) < 0 || loop_run(&run->loop, err) < 0)
		return -1;
	if (run->done < run->config.size)
		return stuck(run, err);
	for (uint32_t i = 0; i < run->config.size; i++)
		if (run_rank_report(&run->ranks[i], &wrong) < 0 && rc == 0)
			rc = err_set(err, "%s", wrong.text);
	return rc;
}

static int prepare(struct model_run *run, const struct run_options *options, uint32_t size,
		   const struct model_settings *settings, struct err *err)
{
	if (run_config_read(&run->config, options, size, err) < 0)
		return -1;
	if (!settings) {
		if (run_check_summary(options, err) < 0 ||
		    model_settings_parse(&run->settings, options->model ? options->model : "",
					 run->config.dims.size, run->config.dims.count, err) < 0)
			return -1;
		settings = &run->settings;
	}
	return model_create(&run->model, &run->loop, settings, run->config.size, err) < 0 ||
			       load_graphs(run, err) < 0
		       ? -1
		       : 0;
}

static void model_run_release(struct model_run *run)
{
	for (uint32_t i = 0; run->ranks && i < run->config.size; i++)
		run_rank_release(&run->ranks[i]);
	for (uint32_t i = 0; i < run->ngraphs; i++)
		graph_release(&run->graphs[i]);
	if (run->model)
		model_destroy(run->model);
	model_settings_release(&run->settings);
	run_config_release(&run->config);
	report_release(&run->report);
	timeline_leave(&run->timeline);
	noderows_abort(&run->rows);
	loop_release(&run->loop);
	free(run->graphs);
	free(run->ranks);
}

/* The loop asks by itself. */
static void struck(void)
{
}

int run_model(const struct run_options *options, struct err *err)
{
	struct model_run run = { 0 };
	struct err wrong = { "" };
	int rc;

	loop_init(&run.loop, NULL);
	report_init(&run.report);
	run.report.worst = options->worst;
	rc = prepare(&run, options, 0, NULL, err);
	outfile_guard(struck);
	if (rc == 0)
		rc = replay(&run, err);
	outfile_guard(NULL);
	/* What was verified is printed also where it is wrong. */
	if (run.config.size && run.done == run.config.size &&
	    (run_print(options, &run.report, rc ? &wrong : err) < 0 ||
	     timeline_close(&run.timeline, rc ? &wrong : err) < 0 ||
	     noderows_close(&run.rows, rc ? &wrong : err) < 0))
		rc = -1;
	model_run_release(&run);
	return rc;
}

int run_predict(const struct run_options *options, const struct model_settings *settings,
		uint32_t size, struct report *report, struct err *err)
{
	struct run_options plain = *options;
	struct model_run run = { 0 };
	int rc;

	plain.quiet = true;
	plain.verify = false;
	plain.chrome_trace = TIMELINE_OFF;
	plain.against_trace = false;
	plain.node_rows = NULL;
	loop_init(&run.loop, NULL);
	report_init(&run.report);
	rc = prepare(&run, &plain, size, settings, err);
	if (rc == 0)
		rc = replay(&run, err);
	if (rc == 0) {
		report_sort(&run.report);
		*report = run.report;
		report_init(&run.report);
	}
	model_run_release(&run);
	return rc;
}
