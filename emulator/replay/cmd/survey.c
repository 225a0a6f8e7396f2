/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/survey.h"

#include "cmd/load.h"

#include <stdlib.h>

#define PASSES     3    /* over a trace: this one and two of graph_load() */
#define SHOW_NODES 4096 /* between two words of how far it is */

static const char *const forms[] = {
	[ET_FORM_PROTO] = "protobuf, schema 0.0.4",
	[ET_FORM_PROTO1] = "protobuf, schema 0.0.1",
	[ET_FORM_WORKLOAD] = "JSON, a workload graph",
	[ET_FORM_RECORDS] = "JSON, an object for each record",
};

const char *survey_form(const struct survey *survey)
{
	return forms[survey->form];
}

const char *survey_row_name(const struct survey_row *row)
{
	const char *name = et_collective_name(row->comm_type);

	if (row->type != ET_COMM_COLL)
		return row->type == ET_COMM_SEND ? "SEND" : "RECV";
	return name ? name : "COLL";
}

/* ---- what the graph does not keep ---- */

static void take_times(struct survey *survey, const struct et_node *node)
{
	uint64_t end = node->start_us + node->duration_us;

	if (node->type != ET_METADATA && !node->is_cpu)
		survey->gpu++;
	if (node->is_cpu)
		survey->cpu_us += node->duration_us;
	else if (node->type == ET_COMP)
		survey->compute_us += node->duration_us;
	else
		survey->comm_us += node->duration_us;
	if (!node->start_us)
		return;
	if (!survey->first_us || node->start_us < survey->first_us)
		survey->first_us = node->start_us;
	if (end > survey->last_us)
		survey->last_us = end;
}

static int pass(struct survey *survey, struct load *load, const char *path, struct err *err)
{
	struct et_reader *reader = et_open(path, err);
	struct et_node node;
	uint64_t count = 0;
	int rc;

	if (!reader)
		return -1;
	survey->form = et_form(reader);
	survey->compressed = et_compressed(reader);
	survey->size = et_length(reader);
	while ((rc = et_next(reader, &node, NULL, err)) > 0) {
		take_times(survey, &node);
		if (count++ % SHOW_NODES == 0)
			load_show(load, et_position(reader), PASSES * survey->size, survey->size);
	}
	load->before = 1.0 / PASSES;
	et_close(reader);
	return rc;
}

/* ---- traffic ---- */

static int compare(const void *a, const void *b)
{
	const struct survey_row *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? 1 : -1; /* collectives first */
	if (x->comm_type != y->comm_type)
		return x->comm_type < y->comm_type ? -1 : 1;
	if (x->is_cpu != y->is_cpu)
		return x->is_cpu ? 1 : -1;
	return x->group == y->group ? 0 : x->group < y->group ? -1 : 1;
}

static struct survey_row row_of(const struct graph *graph, const struct graph_node *node)
{
	const struct graph_extra *extra =
		node->extra == GRAPH_NONE ? NULL : &graph->extras[node->extra];
	struct survey_row row = {
		.type = node->type,
		.comm_type = UINT32_MAX,
		.is_cpu = node->is_cpu,
		.group = extra ? extra->group : GRAPH_NONE,
		.count = 1,
		.bytes = extra ? extra->comm_size : 0,
		.duration_us = node->duration_us,
	};

	if (node->type == ET_COMM_COLL && extra && extra->has & ET_HAS_COMM)
		row.comm_type = extra->comm_type;
	return row;
}

static int add_row(struct survey *survey, const struct survey_row *row, struct err *err)
{
	struct survey_row *rows;

	for (size_t i = 0; i < survey->count; i++) {
		if (compare(&survey->rows[i], row))
			continue;
		survey->rows[i].count++;
		survey->rows[i].bytes += row->bytes;
		survey->rows[i].duration_us += row->duration_us;
		return 0;
	}
	rows = reallocarray(survey->rows, survey->count + 1, sizeof(*rows));
	if (!rows)
		return err_errno(err, "%s", survey->graph.path);
	survey->rows = rows;
	rows[survey->count++] = *row;
	return 0;
}

static int take_traffic(struct survey *survey, struct err *err)
{
	const struct graph *graph = &survey->graph;
	struct survey_row row;

	for (uint32_t i = 0; i < graph->count; i++) {
		if (graph->nodes[i].type < ET_COMM_SEND || graph->nodes[i].type > ET_COMM_COLL)
			continue;
		row = row_of(graph, &graph->nodes[i]);
		if (add_row(survey, &row, err) < 0)
			return -1;
	}
	if (survey->count)
		qsort(survey->rows, survey->count, sizeof(*survey->rows), compare);
	return 0;
}

int survey_read(struct survey *survey, const char *path, unsigned deps, struct err *err)
{
	const struct graph_options options = { .deps = deps, .names = true };
	struct load load = { 0 };

	*survey = (struct survey){ 0 };
	if (pass(survey, &load, path, err) < 0 ||
	    load_graph(&load, &survey->graph, path, &options, err) < 0)
		return -1;
	if (take_traffic(survey, err) == 0)
		return 0;
	survey_release(survey);
	return -1;
}

void survey_release(struct survey *survey)
{
	graph_release(&survey->graph);
	free(survey->rows);
	*survey = (struct survey){ 0 };
}
