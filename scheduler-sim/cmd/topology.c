/* SPDX-License-Identifier: Apache-2.0 */
/* topology.c - netemu sim topology: generate, read, convert and describe networks */
#include "config.h"

#include "commands.h"
#include "outfile.h"
#include "plain.h"
#include "stats.h"
#include "topology/graphml-write.h"
#include "topology/shape.h"

#include <argp.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FORMAT = 256 };

static const struct argp_option table[] = {
	{ "output", 'o', "FILE", 0, "Write there instead of to standard output", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "summary (default), graphml or tsv; of --output=FILE by what its name ends with", 0 },
	{ 0 },
};

struct options {
	const char *spec, *output;
	int format; /* index in formats, -1: not given */
};

static const char *unit_text(const struct topology *topology)
{
	return topology->unit == TOPOLOGY_UNIT_BYTE ? " byte/s" : "";
}

/* --- summary: what is counted at once --- */

/* Cables of one boundary, upwards; or within one level. */
struct boundary {
	uint32_t level;
	bool within;
	uint64_t cables;
	double least, most; /* capacity of their links */
};

struct boundaries {
	struct boundary *boundary; /* [2 * levels]: up, within; owned */
	uint32_t levels;
};

static int count_boundaries(const struct topology *topology, struct boundaries *all,
			    struct err *err)
{
	const struct netemu_net *net = &topology->net;

	all->levels = 1;
	for (uint32_t i = 0; i < net->nodes; i++)
		if (net->level[i] != NETEMU_NONE && net->level[i] >= all->levels)
			all->levels = net->level[i] + 1;
	/* the last is for what no host reaches */
	all->boundary = calloc(2 * ((size_t)all->levels + 1), sizeof(*all->boundary));
	if (!all->boundary)
		return err_errno(err, "%s", topology->source);
	for (uint32_t i = 0; i < net->links; i++) {
		uint32_t from = net->level[net->link[i].from], to = net->level[net->link[i].to];
		uint32_t level = from < to ? from : to;
		struct boundary *boundary;

		level = level < all->levels ? level : all->levels;
		boundary = &all->boundary[2 * level + (from == to)];
		boundary->level = level;
		boundary->within = from == to;
		boundary->cables += i < net->link[i].reverse;
		if (boundary->least == 0 || net->link[i].capacity < boundary->least)
			boundary->least = net->link[i].capacity;
		if (net->link[i].capacity > boundary->most)
			boundary->most = net->link[i].capacity;
	}
	return 0;
}

static void put_capacity(FILE *out, const struct topology *topology,
			 const struct boundary *boundary)
{
	fprintf(out, "capacity %.10g", boundary->least);
	if (boundary->most > boundary->least)
		fprintf(out, " to %.10g", boundary->most);
	fprintf(out, "%s\n", unit_text(topology));
}

static void put_boundaries(FILE *out, const struct topology *topology, const struct boundaries *all)
{
	fprintf(out, "%-12s%u\n", "cables", topology->net.links / 2);
	for (uint32_t i = 0; i < 2 * (all->levels + 1); i++) {
		const struct boundary *boundary = &all->boundary[i];
		char what[48];

		if (!boundary->cables)
			continue;
		if (boundary->level == all->levels)
			snprintf(what, sizeof(what), "out of reach");
		else if (boundary->within)
			snprintf(what, sizeof(what), "within %u", boundary->level);
		else
			snprintf(what, sizeof(what), "%u to %u", boundary->level,
				 boundary->level + 1);
		fprintf(out, "  %-14s%8" PRIu64 "  ", what, boundary->cables);
		put_capacity(out, topology, boundary);
	}
}

static int put_switches(FILE *out, const struct topology *topology, uint32_t levels,
			struct err *err)
{
	uint32_t *count = calloc((size_t)levels + 1, sizeof(*count));

	if (!count)
		return err_errno(err, "%s", topology->source);
	for (uint32_t i = 0; i < topology->net.nodes; i++) {
		uint32_t level = topology->net.level[i];

		count[level < levels ? level : levels]++;
	}
	fprintf(out, "%-12s%u\n", "switches", topology->nswitches);
	for (uint32_t level = 1; level < levels; level++)
		fprintf(out, "  level %-8u%8u\n", level, count[level]);
	if (count[levels])
		fprintf(out, "  %-14s%8u\n", "out of reach", count[levels]);
	free(count);
	return 0;
}

static void put_line(FILE *out, const char *name, const char *text)
{
	fprintf(out, "%-12s", name);
	plain_put(out, text);
	fputc('\n', out);
}

static int write_summary(FILE *out, const struct topology *topology, struct err *err)
{
	struct boundaries all;
	uint64_t slots = 0;
	char shape[SHAPE_TEXT];
	int rc;

	if (count_boundaries(topology, &all, err) < 0)
		return -1;
	for (uint32_t i = 0; i < topology->net.hosts; i++)
		slots += topology->net.slots[i];
	put_line(out, "topology", topology->source);
	if (*topology->name)
		put_line(out, "name", topology->name);
	put_line(out, "shape", *shape_text(topology, shape, sizeof(shape)) ? shape : "irregular");
	fprintf(out, "%-12s%u\n%-12s%" PRIu64 "\n", "hosts", topology->net.hosts, "slots", slots);
	rc = put_switches(out, topology, all.levels, err);
	put_boundaries(out, topology, &all);
	if (topology->tables)
		fprintf(out, "%-12s%" PRIu64 " entries\n", "routes", topology->tables->entries);
	if (topology->tables && topology->tables->strange) {
		fprintf(out, "  %-14s%8" PRIu64 "  ", "not used", topology->tables->strange);
		plain_put(out, topology->tables->first_strange);
		fputc('\n', out);
	}
	free(all.boundary);
	return rc;
}

/* --- the other formats --- */

static int write_graphml(FILE *out, const struct topology *topology, struct err *err)
{
	return graphml_write(out, topology, NULL, err);
}

static void put_port(FILE *out, uint32_t port)
{
	if (port == NETEMU_NONE)
		fputs("\t-", out);
	else
		fprintf(out, "\t%u", port);
}

static void put_number(FILE *out, double number)
{
	char text[40];

	if (number == floor(number) && number < 1e15)
		fprintf(out, "\t%.0f", number);
	else
		fprintf(out, "\t%s", stats_repr(text, sizeof(text), number));
}

/* The columns of netemu sim load, without the loads. */
static int write_tsv(FILE *out, const struct topology *topology, struct err *err)
{
	const struct netemu_net *net = &topology->net;

	(void)err;
	fputs("src\tdst\tcapacity\tsrc_port\tdst_port\n", out);
	for (uint32_t i = 0; i < net->links; i++) {
		const struct netemu_link *link = &net->link[i];

		plain_put_cell(out, net->name[link->from]);
		fputc('\t', out);
		plain_put_cell(out, net->name[link->to]);
		put_number(out, link->capacity);
		put_port(out, link->from_port);
		put_port(out, link->to_port);
		fputc('\n', out);
	}
	return 0;
}

static const struct format {
	const char *name;
	int (*write)(FILE *out, const struct topology *topology, struct err *err);
} formats[] = {
	{ "summary", write_summary },
	{ "graphml", write_graphml },
	{ "tsv", write_tsv },
};

#define NFORMATS ((int)(sizeof(formats) / sizeof(*formats)))

static int find_format(const char *name)
{
	for (int i = 0; i < NFORMATS; i++)
		if (strcmp(formats[i].name, name) == 0)
			return i;
	return -1;
}

/* A file's by what its name ends with. */
static void choose_format(struct options *options, struct argp_state *state)
{
	const char *dot = options->output ? strrchr(options->output, '.') : NULL;

	if (options->format >= 0)
		return;
	options->format = dot ? find_format(dot + 1) : -1;
	if (!options->output || strcmp(options->output, "-") == 0)
		options->format = 0;
	if (options->format < 0)
		argp_error(state, "--output: '%s' does not end with .graphml or .tsv: say --format",
			   options->output);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		options->output = arg;
		break;
	case KEY_FORMAT:
		options->format = find_format(arg);
		if (options->format < 0)
			argp_error(state, "--format: '%s' is not summary, graphml or tsv", arg);
		break;
	case ARGP_KEY_ARG:
		if (options->spec)
			argp_error(state, "'%s': only one topology at a time", arg);
		options->spec = arg;
		break;
	case ARGP_KEY_END:
		if (!options->spec)
			argp_error(state, "no topology");
		choose_format(options, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	table,
	parse,
	"SPEC",
	"Generate or read a network, and describe or convert it.\v"
	"SPEC is a file (GraphML, ibnetdiscover, opensm-subnet.lst, topology.conf), "
	"xgft:M:W[:P], kary:K:N, torus:K0xK1x..., mesh:..., dragonfly:P:A:H, ib:FILE[:LFTS] or "
	"slurm:FILE, with @slots=N and @rate=100Gbit/s behind it; see netemu-topology(5).",
	NULL,
	NULL,
	NULL,
};

static int run(const struct options *options, struct err *err)
{
	struct topology topology;
	struct outfile file;
	int rc;

	if (topology_open(&topology, options->spec, NULL, err) < 0)
		return -1;
	rc = outfile_open(&file, options->output, err);
	if (rc == 0) {
		rc = formats[options->format].write(file.stream, &topology, err);
		if (rc == 0)
			rc = outfile_commit(&file, err);
		else
			outfile_abort(&file);
	}
	topology_release(&topology);
	return rc;
}

int command_topology(int argc, char **argv)
{
	struct options options = { .format = -1 };
	struct err err;

	setlocale(LC_CTYPE, "");
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &options) != 0)
		return 2;
	if (run(&options, &err) == 0)
		return 0;
	fprintf(stderr, "netemu sim topology: %s\n", err.text);
	return 1;
}
