/* SPDX-License-Identifier: Apache-2.0 */
#include "result/report.h"
#include "stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define LANES 4

static const char *const lane_names[LANES + 1] = { "cpu", "compute", "communication", "receive",
						   "all" };

/* Nodes of one lane, or of all. */
struct against {
	size_t count, timed; /* timed: with a recorded duration, of which errors are */
	double recorded, replayed;
	double p50, p90, p99; /* relative errors without sign; NaN without any */
};

static double error_of(const struct report_node *node)
{
	return fabs((double)(node->replayed - node->recorded)) / (double)node->recorded;
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static struct against sum_up(const struct report *report, int lane, double *errors)
{
	struct against sum = { 0 };

	for (size_t i = 0; i < report->nnodes; i++) {
		const struct report_node *node = &report->nodes[i];

		if (lane < LANES && node->lane != (enum lane)lane)
			continue;
		sum.count++;
		sum.recorded += (double)node->recorded;
		sum.replayed += (double)node->replayed;
		if (node->recorded)
			errors[sum.timed++] = error_of(node);
	}
	qsort(errors, sum.timed, sizeof(*errors), compare_doubles);
	sum.p50 = stats_percentile(errors, sum.timed, 50);
	sum.p90 = stats_percentile(errors, sum.timed, 90);
	sum.p99 = stats_percentile(errors, sum.timed, 99);
	return sum;
}

/* The largest differences first. */
static int compare_nodes(const void *a, const void *b)
{
	const struct report_node *x = a, *y = b;
	int64_t left = llabs(x->replayed - x->recorded), right = llabs(y->replayed - y->recorded);

	if (left != right)
		return left > right ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void report_sort_nodes(struct report *report)
{
	if (report->nnodes)
		qsort(report->nodes, report->nnodes, sizeof(*report->nodes), compare_nodes);
}

static json_t *number_or_null(double number)
{
	return isnan(number) ? json_null() : json_real(number);
}

static json_t *lanes_json(const struct report *report, double *errors)
{
	json_t *lanes = json_array();

	for (int lane = 0; lane <= LANES; lane++) {
		struct against sum = sum_up(report, lane, errors);

		if (sum.count)
			json_array_append_new(
				lanes, json_pack("{s:s,s:I,s:f,s:f,s:o,s:o,s:o}", "lane",
						 lane_names[lane], "nodes", (json_int_t)sum.count,
						 "recorded_ns", sum.recorded, "replayed_ns",
						 sum.replayed, "error_p50", number_or_null(sum.p50),
						 "error_p90", number_or_null(sum.p90), "error_p99",
						 number_or_null(sum.p99)));
	}
	return lanes;
}

json_t *report_against_json(const struct report *report)
{
	double *errors = calloc(report->nnodes + 1, sizeof(*errors));
	json_t *lanes, *nodes;

	if (!errors)
		return NULL;
	lanes = lanes_json(report, errors);
	free(errors);
	nodes = json_array();
	for (size_t i = 0; i < report->nnodes && i < report->worst; i++) {
		const struct report_node *node = &report->nodes[i];

		json_array_append_new(
			nodes, json_pack("{s:I,s:I,s:s,s:I,s:I}", "rank", (json_int_t)node->rank,
					 "id", (json_int_t)node->id, "lane", lane_names[node->lane],
					 "recorded_ns", (json_int_t)node->recorded, "replayed_ns",
					 (json_int_t)node->replayed));
	}
	return json_pack("{s:o,s:o}", "lanes", lanes, "nodes", nodes);
}

int report_write_against(const struct report *report, FILE *out)
{
	double *errors = calloc(report->nnodes + 1, sizeof(*errors));

	if (!errors)
		return -1;
	fprintf(out, "%-15s %9s %15s %15s %9s %9s %9s\n", "lane", "nodes", "recorded us",
		"replayed us", "p50 %", "p90 %", "p99 %");
	for (int lane = 0; lane <= LANES; lane++) {
		struct against sum = sum_up(report, lane, errors);

		if (sum.count)
			fprintf(out, "%-15s %9zu %15.3f %15.3f %9.3f %9.3f %9.3f\n",
				lane_names[lane], sum.count, sum.recorded / 1e3, sum.replayed / 1e3,
				100 * sum.p50, 100 * sum.p90, 100 * sum.p99);
	}
	free(errors);
	fprintf(out, "\n%6s %20s %-15s %15s %15s\n", "rank", "node", "lane", "recorded us",
		"replayed us");
	for (size_t i = 0; i < report->nnodes && i < report->worst; i++) {
		const struct report_node *node = &report->nodes[i];

		fprintf(out, "%6" PRIu32 " %20" PRIu64 " %-15s %15.3f %15.3f\n", node->rank,
			node->id, lane_names[node->lane], (double)node->recorded / 1e3,
			(double)node->replayed / 1e3);
	}
	return 0;
}
