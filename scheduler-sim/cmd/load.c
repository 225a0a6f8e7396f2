/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - `netemu sim load`: one pattern on one network */
#include "config.h"

#include "commands.h"

#include "load/linkdiff.h"
#include "load/result.h"
#include "outfile.h"
#include "plain.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	KEY_TOPOLOGY = 256,
	KEY_PATTERN,
	KEY_FROM,
	KEY_ROUTING,
	KEY_PLACEMENT,
	KEY_HOSTS,
	KEY_RANKS_PER_HOST,
	KEY_BYTES,
	KEY_COMPAT,
	KEY_FORMAT,
	KEY_GRAPHML,
	KEY_SUMMARY,
	KEY_MEASURED,
	KEY_FAIL,
	KEY_SEED,
	KEY_LINK_RATE,
	KEY_TOP,
};

static const struct argp_option table[] = {
	{ "topology", KEY_TOPOLOGY, "SPEC", 0, "The network, see netemu-topology(5)", 1 },
	{ "pattern", KEY_PATTERN, "PATTERN", 0,
	  "all-to-all, shift:S, shift:all, permutation:NAME, ring, nn2d, nn3d, tree, random:SEED, "
	  "an archive or folder of rank files, a run directory or a job id",
	  1 },
	{ "from", KEY_FROM, "SOURCE", 0,
	  "Whose matrix of a run: mpi, verbs or replay; default the first there is", 1 },
	{ "routing", KEY_ROUTING, "NAME", 0, "How pairs of hosts are routed", 1 },
	{ "placement", KEY_PLACEMENT, "NAME", 0,
	  "Where ranks go: block, cyclic, ..., or given (as in the run)", 2 },
	{ "hosts", KEY_HOSTS, "NODES=HOSTS", 0,
	  "Which hosts the nodes of a run are, such as node[0-3]=h[000-003]; may come several "
	  "times",
	  2 },
	{ "ranks-per-host", KEY_RANKS_PER_HOST, "N", 0,
	  "Ranks that a host takes; default 1 for patterns, its slots for files and runs", 2 },
	{ "bytes", KEY_BYTES, "SIZE", 0, "Bytes of each pair of ranks in a pattern, default 1", 2 },
	{ "seed", KEY_SEED, "S", 0, "Of everything random, default 1", 2 },
	{ "link-rate", KEY_LINK_RATE, "RATE", 0,
	  "What a capacity of 1 means, such as 100Gbit/s, where the topology does not say", 2 },
	{ "compat", KEY_COMPAT, "pfsim", 0, "Behave as PFSim does where that differs", 2 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "tsv (default) or json; with --measured also text, the default there", 3 },
	{ "output", 'o', "FILE", 0, "Write the table to FILE instead of standard output", 3 },
	{ "summary", KEY_SUMMARY, "FORMAT", OPTION_ARG_OPTIONAL,
	  "Show what the loads say together, as text (default) or json; the table only with "
	  "--output",
	  3 },
	{ "top", KEY_TOP, "N", 0, "Links listed as the hottest or most different, default 10", 3 },
	{ "graphml", KEY_GRAPHML, "FILE", 0, "Also write the topology with its loads to FILE", 3 },
	{ "measured", KEY_MEASURED, "LINKS.TSV", 0,
	  "Compare with what the links of a real or emulated network counted", 4 },
	{ "fail", KEY_FAIL, "PERCENT", 0,
	  "With --measured: exit with 1 when they differ by more than that", 4 },
	{ 0 },
};

struct options {
	struct result_settings result;
	const char *format; /* NULL: not given */
	const char *output, *graphml, *measured;
	bool summary, summary_json; /* shown */
	struct hostmap map;
	double fail; /* < 0: not given */
};

static unsigned long long whole(struct argp_state *state, const char *option, const char *text,
				unsigned long long least, unsigned long long most)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || number < least || number > most)
		argp_error(state, "--%s: '%s' is not a whole number from %llu to %llu", option,
			   text, least, most);
	return number;
}

static double percentage(struct argp_state *state, const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || (*end && strcmp(end, "%")) || !(number >= 0) || isinf(number))
		argp_error(state, "--fail: '%s' is not a percentage", text);
	return number / 100;
}

/* TEXT as one of those that NAMES lists, with blanks around each. */
static const char *choose(struct argp_state *state, const char *option, const char *text,
			  const char *names)
{
	char word[32];

	if (strlen(text) < sizeof(word) - 2 && !strchr(text, ' ')) {
		snprintf(word, sizeof(word), " %s ", text);
		if (strstr(names, word))
			return text;
	}
	argp_error(state, "--%s: '%s' is none of%.*s", option, text, (int)strlen(names) - 1, names);
	return text;
}

static void parse_rate(struct options *options, struct argp_state *state, const char *text)
{
	if (topology_rate(text, &options->result.link_rate) < 0 || !(options->result.link_rate > 0))
		argp_error(state, "--link-rate: '%s' is not a rate such as 100Gbit/s or 12.5GB/s",
			   text);
}

static void parse_hosts(struct options *options, struct argp_state *state, char *text)
{
	char *equals = strchr(text, '=');
	struct err err = { "" };

	if (!equals || equals == text || !equals[1])
		argp_error(state, "--hosts: '%s' is not NODES=HOSTS", text);
	*equals = '\0';
	if (hostmap_add(&options->map, text, equals + 1, &err) < 0)
		argp_error(state, "--hosts: %s", err.text);
	options->result.pattern.map = &options->map;
}

/* What does not go together. */
static void check(const struct options *options, struct argp_state *state)
{
	bool shifts = options->result.pattern.text &&
		      strcmp(options->result.pattern.text, "shift:all") == 0;

	if (!options->result.topology)
		argp_error(state, "--topology is missing");
	if (!options->result.pattern.text)
		argp_error(state, "--pattern is missing");
	if (!options->result.routing)
		argp_error(state, "--routing is missing");
	if (options->fail >= 0 && !options->measured)
		argp_error(state, "--fail goes with --measured only");
	if (shifts && (options->measured || options->graphml))
		argp_error(state, "shift:all has no loads of links: no --measured, no --graphml");
	if (options->measured && options->summary)
		argp_error(state, "--measured and --summary do not go together");
	if (!options->measured && options->format && strcmp(options->format, "text") == 0)
		argp_error(state, "--format=text goes with --measured only (see --summary)");
}

/* Options about what is routed. */
static error_t parse_pattern(struct options *options, int key, char *arg, struct argp_state *state)
{
	struct pattern_settings *pattern = &options->result.pattern;

	switch (key) {
	case KEY_TOPOLOGY:
		options->result.topology = arg;
		break;
	case KEY_PATTERN:
		pattern->text = arg;
		break;
	case KEY_FROM:
		pattern->from = choose(state, "from", arg, " mpi verbs replay ");
		break;
	case KEY_ROUTING:
		options->result.routing = arg;
		break;
	case KEY_PLACEMENT:
		pattern->placement = arg;
		break;
	case KEY_HOSTS:
		parse_hosts(options, state, arg);
		break;
	case KEY_RANKS_PER_HOST:
		pattern->ranks_per_host =
			(uint32_t)whole(state, "ranks-per-host", arg, 1, UINT16_MAX);
		break;
	case KEY_BYTES:
		if (units_size(arg, &pattern->bytes) < 0)
			argp_error(state, "--bytes: '%s' is not a size such as 4096 or 64k", arg);
		break;
	case KEY_SEED:
		pattern->seed = whole(state, "seed", arg, 0, INT64_MAX);
		break;
	case KEY_LINK_RATE:
		parse_rate(options, state, arg);
		break;
	case KEY_COMPAT:
		choose(state, "compat", arg, " pfsim ");
		options->result.pfsim = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_FORMAT:
		options->format = choose(state, "format", arg, " tsv json text ");
		break;
	case KEY_GRAPHML:
		options->graphml = arg;
		break;
	case KEY_SUMMARY:
		options->summary = true;
		options->summary_json =
			arg && strcmp(choose(state, "summary", arg, " text json "), "json") == 0;
		break;
	case KEY_MEASURED:
		options->measured = arg;
		break;
	case KEY_FAIL:
		options->fail = percentage(state, arg);
		break;
	case KEY_TOP:
		options->result.top = whole(state, "top", arg, 0, 1000000);
		break;
	case 'o':
		options->output = arg;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': takes options only", arg);
		break;
	case ARGP_KEY_END:
		check(options, state);
		break;
	default:
		return parse_pattern(options, key, arg, state);
	}
	return 0;
}

static const struct argp parser = {
	.options = table,
	.parser = parse,
	.doc = "Show what each link carries when a pattern is routed over a network.\v"
	       "One row for each direction of each cable: src dst capacity bytes flows src_port "
	       "dst_port.  See netemu-sim(1).",
};

static int write_table(const struct options *options, const struct result *result, struct err *err)
{
	struct outfile file;
	int rc = 0;

	if (outfile_open(&file, options->output, err) < 0)
		return -1;
	if (options->format && strcmp(options->format, "json") == 0)
		rc = result_document(result, file.stream, err);
	else
		result_tsv(result, file.stream);
	if (rc == 0)
		return outfile_commit(&file, err);
	outfile_abort(&file);
	return -1;
}

static int write_summary(const struct options *options, const struct result *result,
			 struct err *err)
{
	json_t *document = options->summary_json ? result_json(result) : NULL;
	int rc = 0;

	if (!options->summary_json)
		result_text(result, stdout);
	else if (!document || json_dumpf(document, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER))
		rc = err_set(err, "unable to write the summary");
	else
		putchar('\n');
	json_decref(document);
	if (rc == 0 && fflush(stdout))
		rc = err_errno(err, "unable to write standard output");
	return rc;
}

static int dump_diff(const struct linkdiff *diff, const struct linkdiff_names *names,
		     const struct options *options, FILE *out, struct err *err)
{
	json_t *document = linkdiff_json(diff, names, options->result.top);
	int rc = document ? json_object_set_new(document, "version", json_integer(1)) : -1;

	if (rc == 0)
		rc = json_dumpf(document, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putc('\n', out);
	json_decref(document);
	return rc < 0 ? err_set(err, "unable to write the comparison") : 0;
}

static int write_diff(const struct options *options, const struct linkdiff *diff,
		      const struct linktable *measured, struct err *err)
{
	const struct linkdiff_names names = { "predicted", "measured" };
	const char *format = options->format ? options->format : "text";
	struct outfile file;
	int rc = 0;

	if (outfile_open(&file, options->output, err) < 0)
		return -1;
	if (strcmp(format, "json") == 0)
		rc = dump_diff(diff, &names, options, file.stream, err);
	else if (strcmp(format, "tsv") == 0)
		linkdiff_tsv(diff, &names, measured->has[LINK_MESSAGES], file.stream);
	else
		linkdiff_text(diff, &names, options->result.top, file.stream);
	if (rc == 0)
		rc = outfile_commit(&file, err);
	else
		outfile_abort(&file);
	if (rc == 0 && options->fail >= 0 && diff->ratio > options->fail)
		return err_set(err, "'%s' differs from the prediction by %.2f %%, more than %g %%",
			       options->measured, 100 * diff->ratio, 100 * options->fail);
	return rc;
}

static int compare_measured(const struct options *options, const struct result *result,
			    struct err *err)
{
	struct linktable measured;
	struct linkdiff diff;
	int rc;

	if (linktable_read(&measured, options->measured, err) < 0)
		return -1;
	if (linkdiff_make(&diff, &result->table, &measured) < 0) {
		linktable_release(&measured);
		return err_errno(err, "unable to compare with '%s'", options->measured);
	}
	rc = write_diff(options, &diff, &measured, err);
	linkdiff_release(&diff);
	linktable_release(&measured);
	return rc;
}

/* Tables that were not read at the same moment as the cables. */
static void warn_of_tables(const struct topology_tables *tables)
{
	fprintf(stderr,
		"netemu sim load: warning: %" PRIu64 " entries of the tables are not used: ",
		tables->strange);
	plain_put(stderr, tables->first_strange);
	putc('\n', stderr);
}

static int show(const struct options *options, const struct result *result, struct err *err)
{
	if (result->topology.tables && result->topology.tables->strange)
		warn_of_tables(result->topology.tables);
	if (result->pattern.warning) {
		fputs("netemu sim load: warning: ", stderr);
		plain_put(stderr, result->pattern.warning);
		putc('\n', stderr);
	}
	if (options->graphml && result_graphml(result, options->graphml, err) < 0)
		return -1;
	if (options->measured)
		return compare_measured(options, result, err);
	if (options->summary && write_summary(options, result, err) < 0)
		return -1;
	return !options->summary || options->output ? write_table(options, result, err) : 0;
}

int command_load(int argc, char **argv)
{
	struct options options = {
		.result = { .pattern = { .bytes = 1, .seed = 1 }, .top = 10 },
		.fail = -1,
	};
	struct err err = { "" };
	struct result result;
	int rc;

	hostmap_init(&options.map);
	argp_err_exit_status = 2;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	options.result.progress = isatty(STDERR_FILENO);
	options.result.summarize = options.summary || (options.format && !options.measured &&
						       strcmp(options.format, "json") == 0);
	options.result.pattern.list = options.result.summarize;
	rc = result_make(&result, &options.result, &err);
	if (rc == 0) {
		rc = show(&options, &result, &err);
		result_release(&result);
	}
	hostmap_release(&options.map);
	if (rc < 0) {
		fflush(stdout);
		fputs("netemu sim load: ", stderr);
		plain_put(stderr, err.text);
		putc('\n', stderr);
	}
	return rc < 0;
}
