/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run.h"
#include "cmd/commands.h"

#include "outfile.h"

#include <stdio.h>

static void node_ended(void *arg, uint32_t node, enum lane lane, int64_t start, int64_t end,
		       const struct collective *collective)
{
	struct run_rank *rank = arg;

	if (!rank->net->rank)
		waymark_show(&rank->mark, "nodes", ++rank->ended, rank->all);
	if (collective)
		report_collective(rank->report, collective);
	if (rank->config->options->against_trace)
		report_node(
			rank->report,
			&(struct report_node){
				.rank = rank->net->rank,
				.lane = lane,
				.id = rank->graph->nodes[node].id,
				.recorded = (int64_t)rank->graph->nodes[node].duration_us * 1000,
				.replayed = end - start,
			});
	if (rank->rows)
		noderows_add(rank->rows, rank->net->rank, rank->graph, node, lane, start, end);
	if (rank->timeline->level)
		timeline_node(rank->timeline, rank->net->rank, rank->graph,
			      &(struct timeline_slice){ node, lane, start, end });
}

static void node_unfinished(void *arg, uint32_t node, enum lane lane, int64_t start)
{
	struct run_rank *rank = arg;
	int64_t now = loop_now(rank->net->loop);

	timeline_unfinished(
		rank->timeline, rank->net->rank, rank->graph,
		&(struct timeline_slice){ node, lane, start, now > start ? now : start });
}

int run_rank_create(struct run_rank *rank, struct run_config *config, const struct graph *graph,
		    struct net *net, struct report *report, struct timeline *timeline,
		    struct err *err)
{
	const struct run_options *options = config->options;
	*rank = (struct run_rank){
		.config = config,
		.graph = graph,
		.net = net,
		.report = report,
		.timeline = timeline,
		.coll_settings = {
			.system = &config->system,
			.dims = &config->dims,
			.queues_per_dim = options->queues_per_dim,
			.compat = options->compat,
			.allgather = options->compat ? ALLGATHER_SHARD : options->allgather,
			.verify = options->verify,
			.size_scale = options->comm_scale,
			.injection_scale = options->injection_scale,
		},
		.settings = {
			.system = &config->system,
			.remote = options->memory ? &config->remote : NULL,
			.groups = &config->groups,
			.merged_lanes = options->merged_lanes,
			.replay_only = options->replay_only || config->system.replay_only,
			.compat = options->compat,
			.compute_scale = options->compute_scale,
			.size_scale = options->comm_scale,
			.iterations = options->iterations,
			.warmup = options->warmup,
			.ended = node_ended,
			.arg = rank,
		},
	};
	rank->all = (uint64_t)graph->count * (options->iterations ? options->iterations : 1);
	ledger_init(&rank->ledger);
	ledger_follow(&rank->ledger, net);
	timeline_watch(timeline, net);
	if (collectives_create(&rank->collectives, net, &rank->coll_settings, err) < 0)
		return -1;
	return exec_create(&rank->exec, graph, &rank->settings, net, rank->collectives, err);
}

static void all_nodes_done(void *arg)
{
	struct run_rank *rank = arg;

	rank->done = true;
	waymark_end(&rank->mark);
	rank->all_done(rank->arg);
}

int run_rank_start(struct run_rank *rank, void (*all_done)(void *arg), void *arg, struct err *err)
{
	rank->all_done = all_done;
	rank->arg = arg;
	timeline_rank(rank->timeline, rank->net->rank);
	return exec_start(rank->exec, all_nodes_done, rank, err);
}

int run_rank_report(struct run_rank *rank, struct err *err)
{
	const struct loop *loop = rank->net->loop;
	struct exec_result result;
	struct report_rank line = { .rank = rank->net->rank };
	struct err why = { "" };

	exec_result(rank->exec, &result);
	line.finish = result.finish;
	for (int lane = 0; lane < 4; lane++)
		line.busy[lane] = result.busy[lane];
	line.nodes = result.nodes;
	line.late_max = (int64_t)loop->late.max;
	line.late_mean = (int64_t)histogram_mean(&loop->late);
	line.late_p50 = (int64_t)histogram_percentile(&loop->late, 50);
	line.late_p99 = (int64_t)histogram_percentile(&loop->late, 99);
	line.wrong = collectives_wrong(rank->collectives, &why);
	report_rank(rank->report, &line);
	rank->net->told = NULL;
	rank->net->watch = NULL;
	ledger_report(&rank->ledger, line.rank, rank->report);
	if (rank->ledger.failed)
		rank->report->failed = rank->ledger.failed;
	return line.wrong ? err_set(err, "rank %u: %s", line.rank, why.text) : 0;
}

void run_rank_release(struct run_rank *rank)
{
	if (rank->exec && rank->timeline->level)
		exec_under_way(rank->exec, node_unfinished, rank);
	if (rank->exec)
		exec_destroy(rank->exec);
	if (rank->collectives)
		collectives_destroy(rank->collectives);
	ledger_release(&rank->ledger);
	rank->exec = NULL;
	rank->collectives = NULL;
}

int run_print(const struct run_options *options, struct report *report, struct err *err)
{
	return run_print_both(options, report, NULL, err);
}

int run_print_both(const struct run_options *options, struct report *report,
		   const struct report *predicted, struct err *err)
{
	report_sort(report);
	report_write_ranks(report, stdout);
	if (!options->quiet)
		report_write_nodes(report, stdout);
	if (!options->quiet && report->ncollectives) {
		putchar('\n');
		report_write_table(report, stdout);
	}
	if (options->against_trace) {
		putchar('\n');
		if (report_write_against(report, stdout) < 0)
			return err_errno(err, "no room for results");
	}
	if (predicted) {
		putchar('\n');
		report_write_both(report, predicted, stdout);
	}
	fflush(stdout);
	if (report->failed || (predicted && predicted->failed))
		return err_set(err, "there was no room for all results");
	return options->summary ? report_write_summary(report, predicted, options->summary, err)
				: 0;
}

int command_run(int argc, char **argv)
{
	struct run_options options;
	struct err err = { "" };
	int rc = run_options_parse(&options, argc, argv);

	if (rc)
		return rc;
	if (!options.has_chrome_trace)
		rc = timeline_environment(&options.chrome_trace, &err);
	if (rc == 0)
		rc = options.network == RUN_MODEL ? run_model(&options, &err)
						  : run_real(&options, &err);
	rc = rc < 0 ? command_failed(NULL, &err) : 0;
	return outfile_struck() ? 128 + outfile_struck() : rc;
}
