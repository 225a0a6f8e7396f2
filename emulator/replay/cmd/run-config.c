/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run.h"

#include "outfile.h"
#include "plain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool names_a_file(const char *workload)
{
	size_t length = strlen(workload);

	return (length > 3 && !strcmp(workload + length - 3, ".et")) ||
	       (length > 6 && !strcmp(workload + length - 6, ".et.gz")) ||
	       (length > 5 && !strcmp(workload + length - 5, ".json"));
}

int run_trace_path(const struct run_options *options, uint32_t rank, char *path, size_t size,
		   struct err *err)
{
	static const char *const endings[] = { "et", "et.gz", "json" };
	int length;

	if (names_a_file(options->workload)) {
		length = snprintf(path, size, "%s", options->workload);
		return length < (int)size ? 0 : err_set(err, "'%s' is too long", options->workload);
	}
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		length = snprintf(path, size, "%s.%u.%s", options->workload, rank, endings[i]);
		if (length >= (int)size)
			return err_set(err, "'%s' is too long", options->workload);
		if (access(path, F_OK) == 0)
			return 0;
	}
	return err_set(err, "no trace of rank %u: '%s.%u.et' is not there", rank, options->workload,
		       rank);
}

void run_tell_of_trace(struct run_config *config, const struct graph *graph)
{
	bool ctrl = config->options->deps & GRAPH_CTRL;
	const struct {
		uint64_t count;
		const char *what;
	} rows[] = {
		{ !graph->count, "there are no nodes in it" },
		{ graph->data_dangling + (ctrl ? graph->ctrl_dangling : 0),
		  "edges to nodes that are not in it" },
		{ graph->data_self + (ctrl ? graph->ctrl_self : 0),
		  "edges of nodes to themselves" },
		{ graph->unknown, "nodes of kinds that nobody knows" },
	};
	const char *between = ": ";

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].count || config->options->quiet || config->told)
			continue;
		if (*between == ':') {
			fputs("netemu replay: ", stderr);
			plain_put(stderr, graph->path);
		}
		fputs(between, stderr);
		if (i)
			fprintf(stderr, "%" PRIu64 " ", rows[i].count);
		fputs(rows[i].what, stderr);
		between = ", ";
	}
	if (*between == ',') {
		fputs(graph->count ? " do nothing\n" : "\n", stderr);
		config->told = true;
	}
}

int run_check_summary(const struct run_options *options, struct err *err)
{
	struct outfile file;

	if (!options->summary)
		return 0;
	if (outfile_open(&file, options->summary, err) < 0)
		return -1;
	outfile_abort(&file);
	return 0;
}

static uint32_t count_traces(const struct run_options *options)
{
	char path[4096];
	uint32_t count = 0;

	if (names_a_file(options->workload))
		return 1;
	while (run_trace_path(options, count, path, sizeof(path), NULL) == 0)
		count++;
	return count;
}

/* A file, or "4x2". */
static int read_dims(struct dims *dims, const char *text, struct err *err)
{
	if (strspn(text, "0123456789x") == strlen(text))
		return dims_parse(dims, text, err);
	return dims_read(dims, text, err);
}

static int settle_size(struct run_config *config, uint32_t size, struct err *err)
{
	const struct run_options *options = config->options;
	uint64_t product;

	if (!options->topology) {
		config->size = size             ? size
			       : options->ranks ? options->ranks
						: count_traces(options);
		if (!config->size)
			return err_set(err, "no traces: '%s.0.et' is not there", options->workload);
		config->dims = (struct dims){ .count = 1, .size = { config->size } };
		return 0;
	}
	if (read_dims(&config->dims, options->topology, err) < 0)
		return -1;
	product = dims_product(&config->dims);
	if (product > RUN_RANKS)
		return err_set(err, "'%s': dimensions for %llu ranks, of at most %u",
			       options->topology, (unsigned long long)product, RUN_RANKS);
	config->size = size ? size : options->ranks ? options->ranks : (uint32_t)product;
	if (product != config->size)
		return err_set(err, "'%s': dimensions for %llu ranks, but there are %u",
			       options->topology, (unsigned long long)product, config->size);
	return 0;
}

int run_config_read(struct run_config *config, const struct run_options *options, uint32_t size,
		    struct err *err)
{
	*config = (struct run_config){ .options = options };
	system_init(&config->system);
	if (options->system && system_read(&config->system, options->system, err) < 0)
		return -1;
	if (config->system.ignored[0] && !options->quiet)
		fprintf(stderr, "netemu replay: '%s': not known and not used: %s\n",
			options->system, config->system.ignored);
	if (options->memory && remote_read(&config->remote, options->memory, err) < 0)
		return -1;
	if (settle_size(config, size, err) < 0)
		return -1;
	if (groups_init(&config->groups, config->size) < 0)
		return err_errno(err, "no room for %u ranks", config->size);
	return options->groups ? groups_read(&config->groups, options->groups, config->size, err)
			       : 0;
}

void run_config_release(struct run_config *config)
{
	system_release(&config->system);
	groups_release(&config->groups);
	remote_release(&config->remote);
}
