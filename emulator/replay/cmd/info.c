/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - `netemu replay info`: what is in a trace */
#include "cmd/commands.h"
#include "cmd/survey.h"
#include "exec/exec.h"
#include "optrow.h"
#include "plain.h"
#include "units.h"

#include <inttypes.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 8 /* nodes that are named in text */

struct info_options {
	char **traces;
	int count;
	bool json;
	unsigned deps;
};

static const struct optrow rows[] = {
	OPTROW(struct info_options, "deps", deps, &kind_replay_deps, "EDGES",
	       "data (default) or data+ctrl: the edges in force"),
	OPTROW(struct info_options, "json", json, &optrow_flag, NULL,
	       "Print an array with an object for each trace"),
	{ .help = NULL },
};

static error_t take_traces(int key, char *arg, struct argp_state *state)
{
	struct info_options *options = state->hook;

	(void)arg;
	if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "TRACE is missing");
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	options->traces = state->argv + state->next;
	options->count = state->argc - state->next;
	return 0;
}

/* ---- text ---- */

static void put_count(const char *what, uint64_t count)
{
	char text[32];

	printf("  %-20s %s\n", what, units_grouped(text, sizeof(text), count));
}

static void put_line(const char *what, const char *text)
{
	printf("  %-20s ", what);
	plain_put(stdout, text);
	putchar('\n');
}

static void put_edges(const char *what, uint64_t count, uint64_t self, uint64_t dangling)
{
	char a[32], b[32], c[32];

	printf("  %-20s %s; on themselves %s; on nodes that are not there %s\n", what,
	       units_grouped(a, sizeof(a), count), units_grouped(b, sizeof(b), self),
	       units_grouped(c, sizeof(c), dangling));
}

static void put_nodes(const struct survey *survey)
{
	const struct graph *graph = &survey->graph;

	put_count("nodes", graph->count);
	for (uint32_t type = 0; type < 8; type++)
		if (graph->by_type[type])
			put_count(et_type_name(type), graph->by_type[type]);
	if (graph->unknown)
		put_count("of unknown types", graph->unknown);
	put_count("on the GPU", survey->gpu);
	if (graph->count)
		printf("  %-20s %" PRIu64 " to %" PRIu64 "\n", "ids", graph->nodes[0].id,
		       graph->nodes[graph->count - 1].id);
	put_edges("data edges", graph->data_edges, graph->data_self, graph->data_dangling);
	put_edges("ctrl edges", graph->ctrl_edges, graph->ctrl_self, graph->ctrl_dangling);
	put_count("repeated edges", graph->repeated);
}

static void put_first(const struct graph *graph)
{
	uint32_t list[FIRST];
	size_t count = exec_first(graph, list, FIRST);

	printf("  %-20s", "ready at first");
	for (size_t i = 0; i < count && i < FIRST; i++)
		printf(" %" PRIu64, graph->nodes[list[i]].id);
	if (count > FIRST)
		printf(" and %zu more", count - FIRST);
	putchar('\n');
}

static void put_times(const struct survey *survey)
{
	char a[32], b[32], c[32];

	if (survey->last_us)
		printf("  %-20s %s us, from %" PRIu64 " to %" PRIu64 " us\n", "recorded time",
		       units_grouped(a, sizeof(a), survey->last_us - survey->first_us),
		       survey->first_us, survey->last_us);
	printf("  %-20s CPU %s us, GPU compute %s us, GPU communication %s us\n",
	       "sums of durations", units_grouped(a, sizeof(a), survey->cpu_us),
	       units_grouped(b, sizeof(b), survey->compute_us),
	       units_grouped(c, sizeof(c), survey->comm_us));
}

static void put_traffic(const struct survey *survey)
{
	char count[32], bytes[32], time[32];

	if (!survey->count)
		return;
	printf("  %-22s %-5s %-12s %10s %20s %16s\n", "communication", "on", "group", "count",
	       "bytes", "us");
	for (size_t i = 0; i < survey->count; i++) {
		const struct survey_row *row = &survey->rows[i];

		printf("  %-22s %-5s ", survey_row_name(row), row->is_cpu ? "CPU" : "GPU");
		plain_put_padded(stdout,
				 row->group == GRAPH_NONE ? "-"
							  : graph_name(&survey->graph, row->group),
				 12);
		printf(" %10s %20s %16s\n", units_grouped(count, sizeof(count), row->count),
		       units_grouped(bytes, sizeof(bytes), row->bytes),
		       units_grouped(time, sizeof(time), row->duration_us));
	}
}

static void put_groups(const struct graph *graph)
{
	for (uint32_t i = 0; i < graph->groups_count; i++) {
		const struct graph_group *group = &graph->groups[i];

		printf("  group ");
		plain_put_padded(stdout, graph_name(graph, group->name), 14);
		if (!group->count)
			printf(" all ranks");
		for (uint32_t m = 0; m < group->count; m++)
			printf(" %" PRIi64, graph->members[group->first + m]);
		putchar('\n');
	}
}

static void put_text(const struct survey *survey)
{
	const struct graph *graph = &survey->graph;
	char size[32];

	plain_put(stdout, graph->path);
	putchar('\n');
	printf("  %-20s %s%s, %s\n", "form", survey_form(survey),
	       survey->compressed ? ", by gzip" : "",
	       units_bytes(size, sizeof(size), (double)survey->size));
	if (*graph->version)
		put_line("version", graph->version);
	if (*graph->schema)
		put_line("schema", graph->schema);
	put_nodes(survey);
	put_first(graph);
	put_times(survey);
	put_traffic(survey);
	put_groups(graph);
}

/* ---- JSON ---- */

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *text(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_string("?");
}

static json_t *types_json(const struct graph *graph)
{
	json_t *object = json_object();

	for (uint32_t type = 0; type < 8; type++)
		if (graph->by_type[type])
			json_object_set_new(object, et_type_name(type),
					    number(graph->by_type[type]));
	return object;
}

static json_t *edges_json(uint64_t count, uint64_t self, uint64_t dangling)
{
	return json_pack("{s:o,s:o,s:o}", "count", number(count), "self", number(self), "dangling",
			 number(dangling));
}

static json_t *first_json(const struct graph *graph)
{
	size_t count = exec_first(graph, NULL, 0);
	uint32_t *list = calloc(count + 1, sizeof(*list));
	json_t *array = json_array();

	if (list)
		exec_first(graph, list, count);
	for (size_t i = 0; list && i < count; i++)
		json_array_append_new(array, number(graph->nodes[list[i]].id));
	free(list);
	return array;
}

static json_t *traffic_json(const struct survey *survey)
{
	json_t *array = json_array();

	for (size_t i = 0; i < survey->count; i++) {
		const struct survey_row *row = &survey->rows[i];
		const char *group =
			row->group == GRAPH_NONE ? "" : graph_name(&survey->graph, row->group);

		json_array_append_new(
			array, json_pack("{s:s,s:b,s:o,s:o,s:o,s:o}", "what", survey_row_name(row),
					 "cpu", row->is_cpu, "group", text(group), "count",
					 number(row->count), "bytes", number(row->bytes),
					 "duration_us", number(row->duration_us)));
	}
	return array;
}

static json_t *groups_json(const struct graph *graph)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < graph->groups_count; i++) {
		const struct graph_group *group = &graph->groups[i];
		json_t *members = json_array();

		for (uint32_t m = 0; m < group->count; m++)
			json_array_append_new(members,
					      json_integer(graph->members[group->first + m]));
		json_object_set_new(object, graph_name(graph, group->name), members);
	}
	return object;
}

static json_t *survey_json(const struct survey *survey)
{
	const struct graph *graph = &survey->graph;
	json_t *object = json_pack(
		"{s:o,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "trace", text(graph->path), "form",
		survey_form(survey), "gzip", survey->compressed, "size", number(survey->size),
		"version", text(graph->version), "schema", text(graph->schema), "nodes",
		number(graph->count), "types", types_json(graph), "unknown_types",
		number(graph->unknown), "gpu_nodes", number(survey->gpu));

	if (graph->count)
		json_object_set_new(object, "ids",
				    json_pack("[o,o]", number(graph->nodes[0].id),
					      number(graph->nodes[graph->count - 1].id)));
	json_object_set_new(object, "data_edges",
			    edges_json(graph->data_edges, graph->data_self, graph->data_dangling));
	json_object_set_new(object, "ctrl_edges",
			    edges_json(graph->ctrl_edges, graph->ctrl_self, graph->ctrl_dangling));
	json_object_set_new(object, "repeated_edges", number(graph->repeated));
	json_object_set_new(object, "first", first_json(graph));
	json_object_set_new(object, "recorded_us", number(survey->last_us - survey->first_us));
	json_object_set_new(object, "durations_us",
			    json_pack("{s:o,s:o,s:o}", "cpu", number(survey->cpu_us), "compute",
				      number(survey->compute_us), "communication",
				      number(survey->comm_us)));
	json_object_set_new(object, "communication", traffic_json(survey));
	json_object_set_new(object, "groups", groups_json(graph));
	return object;
}

/* ---- the command ---- */

static int show(const struct info_options *options, struct err *err)
{
	json_t *all = options->json ? json_array() : NULL;
	struct survey survey;
	int rc = 0;

	for (int i = 0; rc == 0 && i < options->count; i++) {
		rc = survey_read(&survey, options->traces[i], options->deps, err);
		if (rc < 0)
			break;
		if (options->json)
			json_array_append_new(all, survey_json(&survey));
		else
			put_text(&survey);
		survey_release(&survey);
	}
	if (rc == 0 && options->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
	if (rc == 0 && (fflush(stdout) || ferror(stdout)))
		return err_errno(err, "unable to write to standard output");
	return rc;
}

int command_info(int argc, char **argv)
{
	static const struct optrow_program program = {
		.rows = rows,
		.other = take_traces,
		.args_doc = "TRACE...",
		.doc = "What is in traces: form, nodes, edges, communication, times.",
	};
	struct info_options options = { .deps = GRAPH_DATA };
	struct err err = { "" };

	setlocale(LC_CTYPE, "");
	if (optrow_parse(&program, &options, argc, argv))
		return 2;
	if (show(&options, &err) == 0)
		return 0;
	return command_failed("info", &err);
}
