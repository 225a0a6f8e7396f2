/* SPDX-License-Identifier: Apache-2.0 */
#include "outfile.h"
#include "result/report.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>

#define SUMMARY_VERSION 1

/* GB/s of the mean time; bytes per ns are GB per s. */
static double algbw(const struct report_collective *one)
{
	double time = times_mean(&one->times);

	return time > 0 ? (double)one->bytes / time : 0;
}

static double busbw(const struct report_collective *one)
{
	return algbw(one) * coll_bus_factor(one->coll, one->ranks);
}

/* As ASTRA-sim counts: all that no computation of the GPU covers; unsigned. */
static uint64_t exposed(const struct report_rank *rank)
{
	return (uint64_t)rank->finish - (uint64_t)rank->busy[LANE_COMP];
}

void report_write_ranks(const struct report *report, FILE *out)
{
	for (size_t i = 0; i < report->nranks; i++)
		fprintf(out,
			"sys[%" PRIu32 "] finished, %" PRIi64 " cycles, exposed communication "
			"%" PRIu64 " cycles.\n",
			report->ranks[i].rank, report->ranks[i].finish, exposed(&report->ranks[i]));
}

void report_write_nodes(const struct report *report, FILE *out)
{
	const struct report_rank *ranks = report->ranks;
	size_t least = 0, most = 0;

	for (size_t i = 1; i < report->nranks; i++) {
		least = ranks[i].nodes < ranks[least].nodes ? i : least;
		most = ranks[i].nodes > ranks[most].nodes ? i : most;
	}
	if (!report->nranks)
		return;
	fprintf(out, "nodes: %" PRIu64, ranks[least].nodes);
	if (ranks[most].nodes != ranks[least].nodes)
		fprintf(out, " (rank %" PRIu32 ") to %" PRIu64 " (rank %" PRIu32 ")",
			ranks[least].rank, ranks[most].nodes, ranks[most].rank);
	fputs(report->nranks > 1 ? " of each rank\n" : "\n", out);
}

void report_write_table(const struct report *report, FILE *out)
{
	if (!report->ncollectives)
		return;
	fprintf(out, "%-15s %6s %15s %8s %12s %12s %12s %11s %11s\n", "collective", "ranks",
		"bytes", "times", "mean us", "p50 us", "p99 us", "algbw GB/s", "busbw GB/s");
	for (size_t i = 0; i < report->ncollectives; i++) {
		const struct report_collective *one = &report->collectives[i];

		fprintf(out,
			"%-15s %6" PRIu32 " %15" PRIu64
			" %8zu %12.3f %12.3f %12.3f %11.4f %11.4f\n",
			coll_name(one->coll), one->ranks, one->bytes,
			(size_t)(one->times.count / one->ranks), times_mean(&one->times) / 1e3,
			times_percentile(&one->times, 50) / 1e3,
			times_percentile(&one->times, 99) / 1e3, algbw(one), busbw(one));
	}
}

/* --- beside what was predicted --- */

static void write_difference(FILE *out, double measured, double predicted)
{
	fprintf(out, " %14.3f %14.3f", measured / 1e3, predicted / 1e3);
	if (predicted > 0)
		fprintf(out, " %+11.1f\n", 100 * (measured - predicted) / predicted);
	else
		fprintf(out, " %11s\n", "-");
}

static const struct report_collective *same_collective(const struct report *report,
						       const struct report_collective *as)
{
	for (size_t i = 0; i < report->ncollectives; i++) {
		const struct report_collective *one = &report->collectives[i];

		if (one->coll == as->coll && one->ranks == as->ranks && one->bytes == as->bytes)
			return one;
	}
	return NULL;
}

void report_write_both(const struct report *report, const struct report *predicted, FILE *out)
{
	fprintf(out, "%-15s %6s %15s %14s %14s %11s\n", "", "ranks", "bytes", "measured us",
		"predicted us", "difference%");
	for (size_t i = 0; i < report->nranks && i < predicted->nranks; i++) {
		fprintf(out, "sys[%" PRIu32 "]%*s", report->ranks[i].rank, 33, "");
		write_difference(out, (double)report->ranks[i].finish,
				 (double)predicted->ranks[i].finish);
	}
	for (size_t i = 0; i < report->ncollectives; i++) {
		const struct report_collective *one = &report->collectives[i],
					       *other = same_collective(predicted, one);

		if (!other)
			continue;
		fprintf(out, "%-15s %6" PRIu32 " %15" PRIu64, coll_name(one->coll), one->ranks,
			one->bytes);
		write_difference(out, times_mean(&one->times), times_mean(&other->times));
	}
}

static json_t *rank_json(const struct report_rank *rank)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rank",
			 (json_int_t)rank->rank, "finish_ns", (json_int_t)rank->finish,
			 "exposed_ns", (json_int_t)exposed(rank), "cpu_ns",
			 (json_int_t)rank->busy[LANE_CPU], "compute_ns",
			 (json_int_t)rank->busy[LANE_COMP], "communication_ns",
			 (json_int_t)rank->busy[LANE_COMM], "nodes", (json_int_t)rank->nodes,
			 "late_mean_ns", (json_int_t)rank->late_mean, "late_max_ns",
			 (json_int_t)rank->late_max, "late_p50_ns", (json_int_t)rank->late_p50,
			 "late_p99_ns", (json_int_t)rank->late_p99);
}

/* The pair that begins at *AT, with its sizes; *AT is behind it then. */
static json_t *pair_json(const struct report *report, size_t *at)
{
	const struct report_pair *first = &report->pairs[*at], *pair = first;
	json_t *sizes = json_array();
	uint64_t messages = 0, bytes = 0;

	for (;
	     *at < report->npairs && pair->source == first->source && pair->target == first->target;
	     pair = &report->pairs[++*at]) {
		messages += pair->messages;
		bytes += pair->messages * pair->size;
		json_array_append_new(sizes, json_pack("[I,I]", (json_int_t)pair->size,
						       (json_int_t)pair->messages));
	}
	return json_pack("{s:I,s:I,s:I,s:I,s:o}", "src", (json_int_t)first->source, "dst",
			 (json_int_t)first->target, "messages", (json_int_t)messages, "bytes",
			 (json_int_t)bytes, "sizes", sizes);
}

static json_t *collective_json(const struct report_collective *one)
{
	return json_pack("{s:s,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f}", "collective",
			 coll_name(one->coll), "ranks", (json_int_t)one->ranks, "bytes",
			 (json_int_t)one->bytes, "count",
			 (json_int_t)((size_t)(one->times.count / one->ranks)), "mean_ns",
			 times_mean(&one->times), "p50_ns", times_percentile(&one->times, 50),
			 "p99_ns", times_percentile(&one->times, 99), "algbw", algbw(one) * 1e9,
			 "busbw", busbw(one) * 1e9);
}

static json_t *ranks_json(const struct report *report)
{
	json_t *ranks = json_array();

	for (size_t i = 0; i < report->nranks; i++)
		json_array_append_new(ranks, rank_json(&report->ranks[i]));
	return ranks;
}

static json_t *collectives_json(const struct report *report)
{
	json_t *collectives = json_array();

	for (size_t i = 0; i < report->ncollectives; i++)
		json_array_append_new(collectives, collective_json(&report->collectives[i]));
	return collectives;
}

static json_t *summary_json(const struct report *report, const struct report *predicted)
{
	json_t *pairs = json_array(), *other = NULL;

	for (size_t i = 0; i < report->npairs;)
		json_array_append_new(pairs, pair_json(report, &i));
	if (predicted)
		other = json_pack("{s:o,s:o}", "ranks", ranks_json(predicted), "collectives",
				  collectives_json(predicted));
	return json_pack("{s:i,s:o,s:o,s:o,s:o*,s:o*}", "version", SUMMARY_VERSION, "ranks",
			 ranks_json(report), "pairs", pairs, "collectives",
			 collectives_json(report), "against_trace", report_against_json(report),
			 "predicted", other);
}

int report_write_summary(const struct report *report, const struct report *predicted,
			 const char *path, struct err *err)
{
	json_t *root = summary_json(report, predicted);
	struct outfile file;
	int rc;

	if (!root)
		return err_set(err, "no room for a summary");
	if (outfile_open(&file, path, err) < 0) {
		json_decref(root);
		return -1;
	}
	rc = json_dumpf(root, file.stream, JSON_INDENT(1));
	json_decref(root);
	fputc('\n', file.stream);
	if (rc < 0) {
		outfile_abort(&file);
		return err_set(err, "unable to write '%s'", path ? path : "-");
	}
	return outfile_commit(&file, err);
}
