/* SPDX-License-Identifier: Apache-2.0 */
/* generate.c - `netemu replay generate`: make traces */
#include "cmd/generate.h"
#include "cmd/commands.h"
#include "outfile.h"
#include "plain.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1000000 /* ranks, layers, and so on: more is a slip of the hand */

enum {
	KEY_FROM = 256,
	KEY_INSTRUMENT,
	KEY_RANKS,
	KEY_COUNT,
	KEY_LAYERS,
	KEY_ROOT,
	KEY_DATA,
	KEY_TENSOR,
	KEY_PIPELINE,
	KEY_SIZE,
	KEY_PARAMETERS,
	KEY_COMPUTE,
	KEY_SEED,
};

static const struct argp_option table[] = {
	{ "from", KEY_FROM, "RUN", 0,
	  "Instead of a KIND: what netprof or nettrace recorded of RUN, as netemu-matrix takes it",
	  0 },
	{ "instrument", KEY_INSTRUMENT, "NAME", 0, "mpi (default), verbs or replay: of --from", 0 },
	{ "ranks", KEY_RANKS, "N", 0, "Ranks (4); of a transformer data x tensor x pipeline", 0 },
	{ "size", KEY_SIZE, "BYTES", 0,
	  "Of a collective, of what goes between stages, of activations (1M)", 0 },
	{ "count", KEY_COUNT, "N", 0, "Times, or micro-batches (1)", 0 },
	{ "compute", KEY_COMPUTE, "TIME", 0,
	  "Of one computation: before each collective (0), or of half a layer or a stage (100us)",
	  0 },
	{ "root", KEY_ROOT, "RANK", 0, "Of broadcast, reduce, gather and scatter (0)", 0 },
	{ "layers", KEY_LAYERS, "N", 0, "Of transformer and moe (4)", 0 },
	{ "data", KEY_DATA, "N", 0, "Ranks of data parallelism (2)", 0 },
	{ "tensor", KEY_TENSOR, "N", 0, "Ranks of tensor parallelism (2)", 0 },
	{ "pipeline", KEY_PIPELINE, "N", 0, "Stages of pipeline parallelism (2)", 0 },
	{ "parameters", KEY_PARAMETERS, "BYTES", 0, "Gradients of a layer (16M)", 0 },
	{ "seed", KEY_SEED, "N", 0, "Of moe's sizes (1)", 0 },
	{ 0 },
};

static uint64_t number(const char *text, uint64_t min, uint64_t max, const char *what,
		       struct argp_state *state)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || value < min || value > max)
		argp_error(state, "--%s=%s: a number from %" PRIu64 " to %" PRIu64, what, text, min,
			   max);
	return value;
}

static uint64_t bytes(const char *text, const char *what, struct argp_state *state)
{
	uint64_t value = 0;

	if (units_size(text, &value) < 0 || value > INT64_MAX)
		argp_error(state, "--%s=%s: a number of bytes, such as 4096 or 1M", what, text);
	return value;
}

static uint64_t microseconds(const char *text, struct argp_state *state)
{
	int64_t ns = 0;

	if (units_duration(text, &ns) < 0 || ns < 0 || ns % 1000)
		argp_error(state, "--compute=%s: whole microseconds, such as 10us or 2ms", text);
	return (uint64_t)ns / 1000;
}

static const struct generate_kind *kind_of(const char *name)
{
	for (const struct generate_kind *kind = generate_kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
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
		argp_error(state, "there is no kind '%s'; see --help", arg);
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

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct generate_options *options = state->input;
	const struct {
		int key;
		uint32_t *to;
		uint32_t min;
		const char *name;
	} numbers[] = {
		{ KEY_RANKS, &options->ranks, 1, "ranks" },
		{ KEY_COUNT, &options->count, 1, "count" },
		{ KEY_LAYERS, &options->layers, 1, "layers" },
		{ KEY_ROOT, &options->root, 0, "root" },
		{ KEY_DATA, &options->data, 1, "data" },
		{ KEY_TENSOR, &options->tensor, 1, "tensor" },
		{ KEY_PIPELINE, &options->pipeline, 1, "pipeline" },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i].key == key) {
			*numbers[i].to =
				(uint32_t)number(arg, numbers[i].min, MOST, numbers[i].name, state);
			return 0;
		}
	switch (key) {
	case KEY_FROM:
		options->run = arg;
		return 0;
	case KEY_INSTRUMENT:
		if (strcmp(arg, "mpi") && strcmp(arg, "verbs") && strcmp(arg, "replay"))
			argp_error(state, "--instrument=%s: mpi, verbs or replay", arg);
		options->instrument = arg;
		return 0;
	case KEY_SIZE:
		options->size = bytes(arg, "size", state);
		return 0;
	case KEY_PARAMETERS:
		options->parameters = bytes(arg, "parameters", state);
		return 0;
	case KEY_COMPUTE:
		options->compute_us = microseconds(arg, state);
		return 0;
	case KEY_SEED:
		options->seed = number(arg, 0, UINT64_MAX, "seed", state);
		return 0;
	case ARGP_KEY_ARG:
		return take_argument(options, arg, state);
	case ARGP_KEY_END:
		check(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
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
	struct trace trace;

	for (uint32_t rank = 0; rank < options->ranks; rank++) {
		if (trace_create(&trace, options->prefix, rank, err) < 0)
			return -1;
		options->kind->rank(&trace, options, rank);
		if (trace_finish(&trace) < 0)
			return -1;
	}
	return options->kind->group ? write_groups(options, err) : 0;
}

int command_generate(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
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

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = options.run ? generate_from(&options, &options.ranks, &err) : generate(&options, &err);
	if (rc == 0) {
		printf("%" PRIu32 " traces, ", options.ranks);
		plain_put(stdout, options.prefix);
		puts(".<rank>.et");
		return 0;
	}
	fputs("netemu replay generate: ", stderr);
	plain_put(stderr, err.text);
	putc('\n', stderr);
	return 1;
}
