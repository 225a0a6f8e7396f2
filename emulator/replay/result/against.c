/* SPDX-License-Identifier: Apache-2.0 */
/* against.c - how long nodes took beside how long their trace says
 *
 * However many there are: of each lane sums and a histogram of errors, and of the nodes themselves
 * only the worst.
 */
#include "result/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define UNIT 1e9 /* errors are counted in so many parts of one */

static const char *const lane_names[REPORT_LANES + 1] = { "cpu", "compute", "communication",
							  "receive", "all" };

const char *report_lane_name(enum lane lane)
{
	return lane_names[lane];
}

/* ---- the worst ---- */

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

/* On top of the heap is the one that goes first. */
static void rise(struct report_node *nodes, size_t at, const struct report_node *node)
{
	for (; at && compare_nodes(&nodes[(at - 1) / 2], node) < 0; at = (at - 1) / 2)
		nodes[at] = nodes[(at - 1) / 2];
	nodes[at] = *node;
}

static void sink(struct report_node *nodes, size_t count, const struct report_node *node)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && compare_nodes(&nodes[child + 1], &nodes[child]) > 0)
			child++;
		if (compare_nodes(&nodes[child], node) <= 0)
			break;
		nodes[at] = nodes[child];
		at = child;
	}
	nodes[at] = *node;
}

void report_offer(struct report *report, const struct report_node *node)
{
	size_t room = report->rnodes ? 2 * report->rnodes : 16;
	struct report_node *nodes;

	if (report->nnodes == report->worst) {
		if (report->worst && compare_nodes(node, &report->nodes[0]) < 0)
			sink(report->nodes, report->nnodes, node);
		return;
	}
	if (report->nnodes == report->rnodes) {
		nodes = reallocarray(report->nodes, room, sizeof(*nodes));
		if (!nodes) {
			report->failed = ENOMEM;
			return;
		}
		report->nodes = nodes;
		report->rnodes = room;
	}
	rise(report->nodes, report->nnodes++, node);
}

void report_sort_nodes(struct report *report)
{
	/* no heap any more: nothing is offered from here on */
	if (report->nnodes)
		qsort(report->nodes, report->nnodes, sizeof(*report->nodes), compare_nodes);
}

/* ---- all ---- */

static uint64_t error_of(const struct report_node *node)
{
	double error = fabs((double)(node->replayed - node->recorded)) / (double)node->recorded;

	return error * UNIT < 1e18 ? (uint64_t)(error * UNIT + 0.5) : (uint64_t)1e18;
}

void report_node(struct report *report, const struct report_node *node)
{
	struct report_lane *lane = &report->lanes[node->lane];

	lane->nodes++;
	lane->recorded += (double)node->recorded;
	lane->replayed += (double)node->replayed;
	if (node->recorded > 0 && histogram_add(&lane->errors, error_of(node)) < 0)
		report->failed = ENOMEM;
	report_offer(report, node);
}

static int add_lane(struct report_lane *sum, const struct report_lane *lane)
{
	sum->nodes += lane->nodes;
	sum->recorded += lane->recorded;
	sum->replayed += lane->replayed;
	return histogram_merge(&sum->errors, &lane->errors);
}

/* NaN without any. */
static double percentile(const struct report_lane *lane, double percent)
{
	return lane->errors.count ? (double)histogram_percentile(&lane->errors, percent) / UNIT
				  : NAN;
}

/* Each lane that has nodes, and all of them, to SEE.  -1 with errno. */
static int each_lane(const struct report *report,
		     void (*see)(void *arg, const struct report_lane *lane, const char *name),
		     void *arg)
{
	struct report_lane all = { 0 };
	int rc = 0;

	for (int lane = 0; rc == 0 && lane < REPORT_LANES; lane++)
		rc = add_lane(&all, &report->lanes[lane]);
	for (int lane = 0; rc == 0 && lane < REPORT_LANES; lane++)
		if (report->lanes[lane].nodes)
			see(arg, &report->lanes[lane], lane_names[lane]);
	if (rc == 0 && all.nodes)
		see(arg, &all, lane_names[REPORT_LANES]);
	histogram_release(&all.errors);
	return rc;
}

/* ---- the summary ---- */

static json_t *number_or_null(double number)
{
	return isnan(number) ? json_null() : json_real(number);
}

static void lane_to_json(void *arg, const struct report_lane *lane, const char *name)
{
	json_array_append_new(arg, json_pack("{s:s,s:I,s:f,s:f,s:o,s:o,s:o}", "lane", name, "nodes",
					     (json_int_t)lane->nodes, "recorded_ns", lane->recorded,
					     "replayed_ns", lane->replayed, "error_p50",
					     number_or_null(percentile(lane, 50)), "error_p90",
					     number_or_null(percentile(lane, 90)), "error_p99",
					     number_or_null(percentile(lane, 99))));
}

json_t *report_against_json(const struct report *report)
{
	json_t *lanes = json_array(), *nodes;

	if (!lanes || each_lane(report, lane_to_json, lanes) < 0 || !json_array_size(lanes)) {
		json_decref(lanes);
		return NULL;
	}
	nodes = json_array();
	for (size_t i = 0; i < report->nnodes; i++) {
		const struct report_node *node = &report->nodes[i];

		json_array_append_new(
			nodes, json_pack("{s:I,s:I,s:s,s:I,s:I}", "rank", (json_int_t)node->rank,
					 "id", (json_int_t)node->id, "lane", lane_names[node->lane],
					 "recorded_ns", (json_int_t)node->recorded, "replayed_ns",
					 (json_int_t)node->replayed));
	}
	return json_pack("{s:o,s:o}", "lanes", lanes, "nodes", nodes);
}

/* ---- the table ---- */

static void write_lane(void *arg, const struct report_lane *lane, const char *name)
{
	fprintf(arg, "%-15s %9" PRIu64 " %15.3f %15.3f %9.3f %9.3f %9.3f\n", name, lane->nodes,
		lane->recorded / 1e3, lane->replayed / 1e3, 100 * percentile(lane, 50),
		100 * percentile(lane, 90), 100 * percentile(lane, 99));
}

int report_write_against(const struct report *report, FILE *out)
{
	fprintf(out, "%-15s %9s %15s %15s %9s %9s %9s\n", "lane", "nodes", "recorded us",
		"replayed us", "p50 %", "p90 %", "p99 %");
	if (each_lane(report, write_lane, out) < 0)
		return -1;
	fprintf(out, "\n%6s %20s %-15s %15s %15s\n", "rank", "node", "lane", "recorded us",
		"replayed us");
	for (size_t i = 0; i < report->nnodes; i++) {
		const struct report_node *node = &report->nodes[i];

		fprintf(out, "%6" PRIu32 " %20" PRIu64 " %-15s %15.3f %15.3f\n", node->rank,
			node->id, lane_names[node->lane], (double)node->recorded / 1e3,
			(double)node->replayed / 1e3);
	}
	return 0;
}

/* ---- travelling ---- */

static void error_to_json(void *arg, uint64_t value, uint64_t count)
{
	json_array_append_new(arg, json_pack("[I,I]", (json_int_t)value, (json_int_t)count));
}

json_t *report_pack_against(const struct report *report)
{
	json_t *lanes = json_array(), *nodes = json_array(), *errors;

	for (int lane = 0; lane < REPORT_LANES; lane++) {
		const struct report_lane *one = &report->lanes[lane];

		errors = json_array();
		histogram_each(&one->errors, error_to_json, errors);
		json_array_append_new(lanes, json_pack("[I,f,f,o]", (json_int_t)one->nodes,
						       one->recorded, one->replayed, errors));
	}
	for (size_t i = 0; i < report->nnodes; i++) {
		const struct report_node *node = &report->nodes[i];

		json_array_append_new(nodes, json_pack("[I,I,I,I,I]", (json_int_t)node->rank,
						       (json_int_t)node->lane, (json_int_t)node->id,
						       (json_int_t)node->recorded,
						       (json_int_t)node->replayed));
	}
	return json_pack("[o,o]", lanes, nodes);
}

static int unpack_lane(struct report_lane *lane, json_t *root)
{
	struct report_lane part = { 0 };
	json_int_t nodes, value, count;
	json_t *errors, *one;
	size_t i;
	int rc;

	if (json_unpack(root, "[I,F,F,o]", &nodes, &part.recorded, &part.replayed, &errors) < 0)
		return -1;
	part.nodes = (uint64_t)nodes;
	json_array_foreach(errors, i, one)
	{
		if (json_unpack(one, "[I,I]", &value, &count) < 0 || value < 0 || count < 0 ||
		    histogram_add_many(&part.errors, (uint64_t)value, (uint64_t)count) < 0) {
			histogram_release(&part.errors);
			return -1;
		}
	}
	rc = add_lane(lane, &part);
	histogram_release(&part.errors);
	return rc;
}

static int unpack_nodes(struct report *report, json_t *list)
{
	json_int_t rank, lane, id, recorded, replayed;
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (json_unpack(one, "[I,I,I,I,I]", &rank, &lane, &id, &recorded, &replayed) < 0 ||
		    lane < 0 || lane > LANE_NONE)
			return -1;
		report_offer(report, &(struct report_node){ (uint32_t)rank, (enum lane)lane,
							    (uint64_t)id, recorded, replayed });
	}
	return 0;
}

int report_unpack_against(struct report *report, json_t *root)
{
	json_t *lanes, *nodes;

	if (json_unpack(root, "[o,o]", &lanes, &nodes) < 0 ||
	    json_array_size(lanes) != REPORT_LANES)
		return -1;
	for (int lane = 0; lane < REPORT_LANES; lane++)
		if (unpack_lane(&report->lanes[lane], json_array_get(lanes, (size_t)lane)) < 0)
			return -1;
	return unpack_nodes(report, nodes);
}
