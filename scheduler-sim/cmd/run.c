/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - `netemu sim run`: a scenario, or what-if of recorded runs */
#include "config.h"

#include "commands.h"
#include "run/cluster.h"
#include "run/plot.h"
#include "run/sweep.h"
#include "run/table.h"
#include "run/whatif.h"
#include "topology/topology.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM     "netemu sim run"
#define WORKERS_MAX 1024

enum {
	KEY_SEED = 256,
	KEY_COMPAT,
	KEY_LINK_RATE,
	KEY_RESUME,
	KEY_SLURM,
	KEY_ONLY,
	KEY_TOPOLOGY,
	KEY_SCHEDULER,
	KEY_SELECTION,
	KEY_PLACEMENT,
	KEY_ROUTING,
	KEY_SACCT,
	KEY_RUNS,
	KEY_PATTERN,
	KEY_BYTES,
};

static const struct argp_option table[] = {
	{ NULL, 'j', "N", 0, "Run N sub-scenarios at a time (default 1)", 1 },
	{ "parallel", 'p', "N", 0, "The same, as PFSim calls it", 1 },
	{ "verbose", 'v', NULL, 0, "Tell of each sub-scenario", 1 },
	{ "output", 'o', "DIR", 0, "Write the results there, instead of where the scenario says",
	  1 },
	{ "seed", KEY_SEED, "S", 0, "The seed, instead of the scenario's", 1 },
	{ "link-rate", KEY_LINK_RATE, "RATE", 0,
	  "Capacity of all links (100Gbit/s), instead of the scenario's link_rate", 1 },
	{ "compat", KEY_COMPAT, "pfsim", 0, "Behave exactly as PFSim does", 1 },
	{ "resume", KEY_RESUME, NULL, 0,
	  "Leave alone the results that are there and follow from the same inputs", 1 },
	{ "only", KEY_ONLY, "A[-B]", 0, "Only these sub-scenarios, and no table", 1 },
	{ "slurm", KEY_SLURM, "SBATCH-OPTIONS", OPTION_ARG_OPTIONAL,
	  "Submit an array job that runs them; netemu sim collect gathers the results", 1 },
	{ NULL, 0, NULL, 0,
	  "For run directories, job ids or accounting instead of a scenario:", 2 },
	{ "topology", KEY_TOPOLOGY, "SPEC", 0, "The network; may stand more than once", 2 },
	{ "routing", KEY_ROUTING, "LIST", 0, "Routing algorithms (default dmodk)", 2 },
	{ "placement", KEY_PLACEMENT, "LIST", 0, "Process placements (default block)", 2 },
	{ "selection", KEY_SELECTION, "LIST", 0, "Node selections (default linear)", 2 },
	{ "scheduler", KEY_SCHEDULER, "LIST", 0, "Job schedulers (default fcfs)", 2 },
	{ "sacct", KEY_SACCT, "FILE", 0, "The jobs that sacct -P listed, instead of runs", 2 },
	{ "runs", KEY_RUNS, "DIR", 0, "Run directories with the matrices of these jobs", 2 },
	{ "pattern", KEY_PATTERN, "NAME", 0, "What jobs without a matrix send (default none)", 2 },
	{ "bytes", KEY_BYTES, "SIZE", 0, "How much, for each pair of ranks (default 1)", 2 },
	{ 0 },
};

struct options {
	struct scenario_options scenario;
	struct sweep_options sweep;
	bool only, slurm;
	const char *sbatch; /* options, or NULL */
	struct whatif whatif;
	char **args;
	int nargs;
};

static void parse_workers(struct options *options, struct argp_state *state, const char *arg)
{
	uint64_t count;

	if (schema_parse_count(arg, &count) < 0 || !count || count > WORKERS_MAX)
		argp_error(state, "'%s' is no number of workers (1 to %d)", arg, WORKERS_MAX);
	options->sweep.workers = (unsigned int)count;
}

static void parse_only(struct options *options, struct argp_state *state, const char *arg)
{
	char first[32];
	const char *dash = strchr(arg, '-');
	uint64_t from = 0, to = 0;

	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - arg) : 31, arg);
	if (schema_parse_count(first, &from) < 0 ||
	    schema_parse_count(dash ? dash + 1 : first, &to) < 0 || to < from)
		argp_error(state, "--only: '%s' is no range of numbers (as 7 or 0-7)", arg);
	options->sweep.first = from;
	options->sweep.last = to;
	options->only = true;
}

static void add_topology(struct options *options, struct argp_state *state, const char *arg)
{
	if (options->whatif.ntopologies == WHATIF_TOPOLOGIES)
		argp_error(state, "--topology: at most %d", WHATIF_TOPOLOGIES);
	options->whatif.topologies[options->whatif.ntopologies++] = arg;
}

static error_t parse_whatif(struct options *options, int key, char *arg, struct argp_state *state)
{
	uint64_t size;

	switch (key) {
	case KEY_TOPOLOGY:
		add_topology(options, state, arg);
		break;
	case KEY_ROUTING:
		options->whatif.routing = arg;
		break;
	case KEY_PLACEMENT:
		options->whatif.placement = arg;
		break;
	case KEY_SELECTION:
		options->whatif.selection = arg;
		break;
	case KEY_SCHEDULER:
		options->whatif.scheduler = arg;
		break;
	case ARGP_KEY_ARGS:
		options->args = state->argv + state->next;
		options->nargs = state->argc - state->next;
		break;
	case KEY_SACCT:
		options->whatif.sacct = arg;
		break;
	case KEY_RUNS:
		options->whatif.runs = arg;
		break;
	case KEY_PATTERN:
		options->whatif.pattern = arg;
		break;
	case KEY_BYTES:
		if (units_size(arg, &size) < 0)
			argp_error(state, "--bytes: '%s' is no size (as 64k, 1MiB)", arg);
		options->whatif.bytes = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		if (options->whatif.sacct)
			break;
		argp_error(state, "a scenario is wanted, or run directories with --topology");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	uint64_t seed;
	double rate;

	switch (key) {
	case 'j':
	case 'p':
		parse_workers(options, state, arg);
		break;
	case 'v':
		options->sweep.verbose = true;
		break;
	case 'o':
		options->scenario.output = arg;
		break;
	case KEY_SEED:
		if (schema_parse_count(arg, &seed) < 0)
			argp_error(state, "--seed: '%s' is no integer >= 0", arg);
		options->scenario.seed = arg;
		break;
	case KEY_LINK_RATE:
		if (topology_rate(arg, &rate) < 0)
			argp_error(state, "--link-rate: '%s' is no rate (as 100Gbit/s)", arg);
		options->scenario.link_rate = arg;
		break;
	case KEY_COMPAT:
		if (strcmp(arg, "pfsim"))
			argp_error(state, "--compat: '%s' is not known (pfsim is)", arg);
		options->scenario.pfsim = true;
		break;
	case KEY_RESUME:
		options->sweep.resume = true;
		break;
	case KEY_SLURM:
		options->slurm = true;
		options->sbatch = arg;
		break;
	case KEY_ONLY:
		parse_only(options, state, arg);
		break;
	default:
		return parse_whatif(options, key, arg, state);
	}
	return 0;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.args_doc = "SCENARIO.yml\nRUN... --topology SPEC\n--sacct FILE --topology SPEC",
	.doc = "Simulate the jobs of a scenario under all combinations of its algorithms, and "
	       "leave link loads, waiting times and tables in its output folder.\v"
	       "See netemu-sim(1) and netemu-scenario(5).",
};

static bool is_scenario(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

/* What came of it, said once more where it is not all.  Returns the exit status. */
static int tell(const struct scenario *scenario, const struct sweep_result *result)
{
	size_t count = result->done + result->skipped + result->failed + result->missing;

	if (result->failed)
		fprintf(stderr, PROGRAM ": %zu of %zu sub-scenarios failed\n", result->failed,
			count);
	if (result->signal) {
		fprintf(stderr,
			PROGRAM
			": interrupted; %zu of %zu sub-scenarios are in '%s' (--resume goes "
			"on)\n",
			result->done + result->skipped, count, scenario->output);
		signal(result->signal, SIG_DFL);
		raise(result->signal);
	}
	return result->failed || result->missing ? 1 : 0;
}

/* The table of all that is in the output folder. */
static int show_table(const struct scenario *scenario, struct err *err)
{
	struct table results;
	int rc;

	if (table_read(&results, scenario->output, err) < 0)
		return -1;
	rc = table_write(scenario->output, &results, err);
	if (rc == 0)
		rc = plot_sweep(&results, scenario->output, results.plots, err);
	/* without any result there is nothing to see */
	if (rc == 0 && results.missing < results.cases * results.repeat)
		table_text(&results, stdout);
	table_release(&results);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = err_errno(err, "unable to write standard output");
	return rc;
}

static int run_here(struct scenario *scenario, struct options *options, struct err *err)
{
	struct sweep_result result;
	size_t count = scenario_count(scenario);
	int status;

	if (options->only && options->sweep.last >= count)
		return err_set(err, "--only: there are %zu sub-scenarios, 0 to %zu", count,
			       count - 1);
	if (!options->only)
		options->sweep.last = count - 1;
	if (sweep_run(scenario, &options->sweep, PROGRAM, &result, err) < 0)
		return -1;
	status = tell(scenario, &result);
	if (!options->only && show_table(scenario, err) < 0)
		return -1;
	return status;
}

static int run(struct options *options, struct err *err)
{
	struct scenario scenario;
	char *path = NULL;
	int status;

	if (!options->nargs || !is_scenario(options->args[0])) {
		options->whatif.output = options->scenario.output;
		path = whatif_write(&options->whatif, options->args, options->nargs, err);
		if (!path)
			return -1;
		options->scenario.output = options->whatif.output;
	} else if (options->nargs > 1 || options->whatif.ntopologies || options->whatif.sacct) {
		return err_set(err, "'%s': one scenario is wanted, which has its own topology",
			       options->args[options->nargs - 1]);
	}
	status = scenario_open(&scenario, path ? path : options->args[0], &options->scenario, err);
	free(path);
	if (status < 0)
		return -1;
	if (sweep_describe(&scenario, err) < 0)
		status = -1;
	else if (options->slurm)
		status = cluster_submit(&scenario, options->sweep.workers, options->sbatch, err);
	else
		status = run_here(&scenario, options, err);
	scenario_release(&scenario);
	return status;
}

int command_run(int argc, char **argv)
{
	struct options options = { .sweep = { .workers = 1 } };
	struct err err = { "" };
	int status;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	status = run(&options, &err);
	whatif_release(&options.whatif);
	if (status >= 0)
		return status;
	fprintf(stderr, PROGRAM ": %s\n", err.text);
	return 1;
}
