/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c - `netemu replay generate`: make traces */
#include "cmd/generate.h"
#include "cmd/commands.h"
#include "nearest.h"
#include "optrow.h"
#include "outfile.h"
#include "plain.h"
#include "result/waymark.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000000 /* ranks, layers, and so on: more is a slip of the hand */

/* ---- options ---- */

/* A uint64_t of microseconds. */
static int parse_microseconds(void *field, const struct key *key, const char *value,
			      struct err *err)
{
	int64_t ns = 0;

	if (kind_time.parse(&ns, key, value, err) < 0)
		return -1;
	if (ns % 1000)
		return values_bad(key, value, "not whole microseconds", err);
	*(uint64_t *)field = (uint64_t)ns / 1000;
	return 0;
}

static int parse_instrument(void *field, const struct key *key, const char *value, struct err *err)
{
	if (strcmp(value, "mpi") && strcmp(value, "verbs") && strcmp(value, "replay"))
		return values_bad(key, value, "none of mpi, verbs and replay", err);
	*(const char **)field = value;
	return 0;
}

static const struct kind microseconds = { parse_microseconds, NULL, false };
static const struct kind instrument = { parse_instrument, NULL, true };

#define ROW(...) OPTROW(struct generate_options, __VA_ARGS__)

static const struct optrow rows[] = {
	ROW("from", run, &optrow_text, "RUN",
	    "Instead of a KIND: what netprof or nettrace recorded of RUN, as netemu-matrix takes "
	    "it"),
	ROW("instrument", instrument, &instrument, "NAME",
	    "mpi (default), verbs or replay: of --from"),
	ROW("ranks", ranks, &kind_count, "N",
	    "Ranks (4); of a transformer data x tensor x pipeline", OPTROW_RANGE(1, MOST)),
	ROW("size", size, &kind_bytes, "BYTES",
	    "Of a collective, of what goes between stages, of activations (1M)",
	    OPTROW_RANGE(0, INT64_MAX)),
	ROW("count", count, &kind_count, "N", "Times, or micro-batches (1)", OPTROW_RANGE(1, MOST)),
	ROW("compute", compute_us, &microseconds, "TIME",
	    "Of one computation: before each collective (0), or of half a layer or a stage (100us)",
	    OPTROW_RANGE(0, INT64_MAX)),
	ROW("root", root, &kind_count, "RANK", "Of broadcast, reduce, gather and scatter (0)",
	    OPTROW_RANGE(0, MOST)),
	ROW("layers", layers, &kind_count, "N", "Of transformer and moe (4)",
	    OPTROW_RANGE(1, MOST)),
	ROW("data", data, &kind_count, "N", "Ranks of data parallelism (2)", OPTROW_RANGE(1, MOST)),
	ROW("tensor", tensor, &kind_count, "N", "Ranks of tensor parallelism (2)",
	    OPTROW_RANGE(1, MOST)),
	ROW("pipeline", pipeline, &kind_count, "N", "Stages of pipeline parallelism (2)",
	    OPTROW_RANGE(1, MOST)),
	ROW("parameters", parameters, &kind_bytes, "BYTES", "Gradients of a layer (16M)",
	    OPTROW_RANGE(0, INT64_MAX)),
	ROW("seed", seed, &kind_seed, "N", "Of moe's sizes (1)", OPTROW_RANGE(0, UINT64_MAX)),
	{ .help = NULL },
};

static const struct generate_kind *kind_of(const char *name)
{
	for (const struct generate_kind *kind = generate_kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

static void no_kind(const char *name, struct argp_state *state)
{
	struct nearest nearest;
	const char *meant;

	nearest_init(&nearest, name);
	for (const struct generate_kind *kind = generate_kinds; kind->name; kind++)
		nearest_offer(&nearest, kind->name);
	meant = nearest_name(&nearest);
	argp_error(state, "there is no kind '%s'%s%s%s", name, meant ? " (did you mean '" : "",
		   meant ? meant : "", meant ? "'?)" : "");
}

static error_t take_argument(struct generate_options *options, const char *arg,
			     struct argp_state *state)
{
	if (options->prefix)
		argp_error(state, "one PREFIX is enough: '%s'", arg);
	if (options->run || options->kind) {
		options->prefix = arg;
		return 0;
	}
	options->kind = kind_of(arg);
	if (!options->kind)
		no_kind(arg, state);
	return 0;
}

static void check(struct generate_options *options, struct argp_state *state)
{
	if (!options->prefix)
		argp_error(state, options->run ? "PREFIX is missing" : "KIND or PREFIX is missing");
	if (options->run && options->kind)
		argp_error(state, "a KIND or --from=RUN, not both");
	if (options->compute_us == UINT64_MAX)
		options->compute_us = options->kind && options->kind->steps ? 100 : 0;
	if (options->kind && options->kind->group) {
		uint64_t ranks = (uint64_t)options->data * options->tensor * options->pipeline;

		if (ranks > MOST)
			argp_error(state, "%" PRIu64 " ranks are too many", ranks);
		options->ranks = (uint32_t)ranks;
		if (options->layers < options->pipeline)
			argp_error(state, "%" PRIu32 " layers are too few for %" PRIu32 " stages",
				   options->layers, options->pipeline);
	}
	if (options->root >= options->ranks)
		argp_error(state, "--root=%" PRIu32 ": there are %" PRIu32 " ranks", options->root,
			   options->ranks);
}

static error_t other(int key, char *arg, struct argp_state *state)
{
	struct generate_options *options = state->hook;

	if (key == ARGP_KEY_ARG)
		return take_argument(options, arg, state);
	if (key == ARGP_KEY_END)
		check(options, state);
	return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

/* The kinds, behind the options. */
static char *help(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size = 0;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&list, &size);
	if (!out)
		return (char *)text;
	fputs("KIND is one of\n", out);
	for (const struct generate_kind *kind = generate_kinds; kind->name; kind++)
		fprintf(out, "  %-16s %s\n", kind->name, kind->help);
	fclose(out);
	return list;
}

/* ---- the command ---- */

static int write_groups(const struct generate_options *options, struct err *err)
{
	uint32_t *ranks = malloc(options->ranks * sizeof(*ranks)), count;
	struct outfile file;
	char path[PATH_MAX];
	int rc = -1;

	if (!ranks)
		return err_errno(err, "no room for %" PRIu32 " ranks", options->ranks);
	if (snprintf(path, sizeof(path), "%s.groups.json", options->prefix) >= (int)sizeof(path))
		err_set(err, "'%s': the path is too long", options->prefix);
	else
		rc = outfile_open(&file, path, err);
	if (rc == 0) {
		for (uint32_t id = 1; (count = options->kind->group(options, id, ranks)); id++) {
			fprintf(file.stream, "%s\"%" PRIu32 "\": [", id == 1 ? "{\n" : ",\n", id);
			for (uint32_t i = 0; i < count; i++)
				fprintf(file.stream, "%s%" PRIu32, i ? ", " : "", ranks[i]);
			putc(']', file.stream);
		}
		fputs("\n}\n", file.stream);
		rc = outfile_commit(&file, err);
	}
	free(ranks);
	return rc;
}

static int generate(const struct generate_options *options, struct err *err)
{
	struct waymark mark = { 0 };
	struct trace trace;
	int rc = 0;

	for (uint32_t rank = 0; rc == 0 && rank < options->ranks; rank++) {
		rc = trace_create(&trace, options->prefix, rank, err);
		if (rc < 0)
			break;
		options->kind->rank(&trace, options, rank);
		rc = trace_finish(&trace);
		waymark_show(&mark, "traces written", rank + 1, options->ranks);
	}
	waymark_end(&mark);
	return rc == 0 && options->kind->group ? write_groups(options, err) : rc;
}

int command_generate(int argc, char **argv)
{
	static const struct optrow_program program = {
		.rows = rows,
		.other = other,
		.args_doc = "KIND PREFIX\n--from=RUN PREFIX",
		.doc = "Make a trace for each rank, PREFIX.<rank>.et, and PREFIX.groups.json where "
		       "there are groups.\v",
		.help_filter = help,
	};
	struct generate_options options = {
		.instrument = "mpi",
		.ranks = 4,
		.count = 1,
		.layers = 4,
		.data = 2,
		.tensor = 2,
		.pipeline = 2,
		.size = 1 << 20,
		.parameters = 16 << 20,
		.compute_us = UINT64_MAX,
		.seed = 1,
	};
	struct err err = { "" };
	int rc;

	if (optrow_parse(&program, &options, argc, argv))
		return 2;
	rc = options.run ? generate_from(&options, &options.ranks, &err) : generate(&options, &err);
	if (rc == 0) {
		printf("%" PRIu32 " traces, ", options.ranks);
		plain_put(stdout, options.prefix);
		puts(".<rank>.et");
		return 0;
	}
	return command_failed("generate", &err);
}
