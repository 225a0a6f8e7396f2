/* SPDX-License-Identifier: Apache-2.0 */

#include "cmd/run.h"
#include "nearest.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum key {
	KEY_SYSTEM = 0x100,
	KEY_NETWORK,
	KEY_MODEL,
	KEY_RANKS,
	KEY_DEPS,
	KEY_COMPAT,
	KEY_VERIFY,
	KEY_MERGED,
	KEY_REPLAY_ONLY,
	KEY_PREDICT,
	KEY_ALLGATHER,
	KEY_COMM_SCALE,
	KEY_COMPUTE_SCALE,
	KEY_INJECTION_SCALE,
	KEY_WARMUP,
	KEY_QUEUES,
	KEY_SEGMENT,
	KEY_MEMORY,
	KEY_MTU,
	KEY_SL,
	KEY_TC,
	KEY_TIMEOUT,
	KEY_RETRY,
	KEY_INTERFACE,
	KEY_WAIT,
	KEY_PATIENCE,
	KEY_SPIN,
	KEY_SUMMARY,
	KEY_DIR,
	KEY_QUIET,
	KEY_AGAINST,
	KEY_CHROME,
	KEY_CHROME_FILE,
	KEY_IGNORED,
};

/* Genie's and ASTRA-sim's names are aliases of ours. */
static const struct argp_option table[] = {
	{ NULL, 0, NULL, 0, "What is replayed:", 1 },
	{ "workload", 'w', "PREFIX|FILE.et", 0,
	  "Traces PREFIX.<rank>.et, or one FILE.et for all ranks", 1 },
	{ "workload-configuration", 'w', NULL, OPTION_ALIAS, NULL, 1 },
	{ "system", 's', "FILE", 0, "system.json: algorithms, chunks, policies", 1 },
	{ "system-configuration", 's', NULL, OPTION_ALIAS, NULL, 1 },
	{ "memory", 'm', "FILE", 0, "Remote memory (JSON)", 1 },
	{ "remote-memory-configuration", 'm', NULL, OPTION_ALIAS, NULL, 1 },
	{ "logical_topology", 'l', "FILE|AxBxC", 0, "Logical dimensions; all ranks in one", 1 },
	{ "logical-topology", 'l', NULL, OPTION_ALIAS, NULL, 1 },
	{ "comm_group", 'c', "FILE", 0, "Communicator groups (JSON)", 1 },
	{ "comm-group", 'c', NULL, OPTION_ALIAS, NULL, 1 },
	{ "comm-group-configuration", 'c', NULL, OPTION_ALIAS, NULL, 1 },
	{ "deps", KEY_DEPS, "data|data+ctrl", 0, "Edges that are in force (data)", 1 },
	{ "num_iterations", 't', "N", 0, "Times the trace is run (1)", 1 },
	{ "iterations", 't', NULL, OPTION_ALIAS, NULL, 1 },
	{ "warmup", KEY_WARMUP, "N", 0, "Times before, which do not count (0)", 1 },

	{ NULL, 0, NULL, 0, "How:", 2 },
	{ "compat", KEY_COMPAT, NULL, 0, "Messages exactly as ASTRA-sim's", 2 },
	{ "allgather-size", KEY_ALLGATHER, "shard|total", 0,
	  "What comm_size of an all-gather is (shard)", 2 },
	{ "merged-lanes", KEY_MERGED, NULL, 0,
	  "Computation and communication of the GPU share a lane, as in Genie", 2 },
	{ "replay-only", KEY_REPLAY_ONLY, NULL, 0, "Each node takes its recorded duration", 2 },
	{ "verify", KEY_VERIFY, NULL, 0, "Move real data and compare what comes out", 2 },
	{ "comm-scale", KEY_COMM_SCALE, "X", 0, "Multiply sizes of collectives (1)", 2 },
	{ "compute-scale", KEY_COMPUTE_SCALE, "X", 0, "Multiply durations of computation (1)", 2 },
	{ "injection-scale", KEY_INJECTION_SCALE, "X", 0, "Multiply endpoint delays (1)", 2 },
	{ "num-queues-per-dim", KEY_QUEUES, "N", 0, "Queues of each dimension (1)", 2 },

	{ NULL, 0, NULL, 0, "Over what:", 3 },
	{ "network", KEY_NETWORK, "verbs|tcp|model", 0, "What carries the messages (verbs)", 3 },
	{ "model", KEY_MODEL, "KEY=VALUE,...|@FILE", 0,
	  "The network that is computed: topology=, bandwidth=, latency=, congestion=", 3 },
	{ "network-configuration", KEY_MODEL, NULL, OPTION_ALIAS, NULL, 3 },
	{ "predict", KEY_PREDICT, NULL, 0,
	  "Run the same on the model afterwards, and print both side by side", 3 },
	{ "ranks", KEY_RANKS, "N", 0, "Ranks of a model (those of the logical topology)", 3 },
	{ "rdma_driver", 'd', "DEVICE[,DEVICE]", 0,
	  "RDMA devices for the ranks of a host in turn (the first there is)", 3 },
	{ "rdma-driver", 'd', NULL, OPTION_ALIAS, NULL, 3 },
	{ "device", 'd', NULL, OPTION_ALIAS, NULL, 3 },
	{ "rdma_port", 'p', "N", 0, "Its port (1)", 3 },
	{ "rdma-port", 'p', NULL, OPTION_ALIAS, NULL, 3 },
	{ "rdma_gid_index", 'x', "N", 0, "GID of the port (of RoCE the first of version 2)", 3 },
	{ "rdma-gid-index", 'x', NULL, OPTION_ALIAS, NULL, 3 },
	{ "num_qps", 'q', "N", 0, "Queue pairs to each peer (1)", 3 },
	{ "num-qps", 'q', NULL, OPTION_ALIAS, NULL, 3 },
	{ "mtu", KEY_MTU, "BYTES", 0, "Path MTU (the port's)", 3 },
	{ "service-level", KEY_SL, "N", 0, "Service level (0)", 3 },
	{ "traffic-class", KEY_TC, "N", 0, "Traffic class (0)", 3 },
	{ "ack-timeout", KEY_TIMEOUT, "N", 0, "4.096 us * 2^N without an answer (14)", 3 },
	{ "retry-count", KEY_RETRY, "N", 0, "Times a packet is sent again (7)", 3 },
	{ "segment", KEY_SEGMENT, "SIZE", 0, "Bytes of a message that travel together (128k)", 3 },
	{ "registered-memory", KEY_MEMORY, "SIZE", 0, "Memory of a rank for messages (256M)", 3 },
	{ "interface", KEY_INTERFACE, "NAME|ADDRESS", 0, "Of TCP (what is reachable)", 3 },
	{ "wait", KEY_WAIT, "SECONDS", 0, "For other ranks to come (60)", 3 },
	{ "timeout", KEY_PATIENCE, "SECONDS", 0, "Without anything going on (60)", 3 },
	{ "spin", KEY_SPIN, "TIME|always", 0, "Before a rank that waits sleeps (50us)", 3 },

	{ NULL, 0, NULL, 0, "What comes of it:", 4 },
	{ "summary", KEY_SUMMARY, "FILE", 0, "Write the results as JSON", 4 },
	{ "dir", KEY_DIR, "DIR", 0,
	  "Run directory to leave ledgers in; under Slurm where it is made", 4 },
	{ "against-trace", KEY_AGAINST, "N", OPTION_ARG_OPTIONAL,
	  "Recorded times beside replayed ones, the N worst nodes (10)", 4 },
	{ "chrome-trace", KEY_CHROME, "off|workload|event", 0,
	  "Write a Chrome trace of nodes, or of messages too (off)", 4 },
	{ "chrome-trace-file", KEY_CHROME_FILE, "FILE", 0,
	  "Where; of several processes FILE.<rank>", 4 },
	{ "quiet", KEY_QUIET, NULL, 0, "Only the lines of ranks", 4 },
	{ "verbose", 'v', NULL, 0, "Say when ranks begin", 4 },

	{ "ranks_per_node", 'r', "N", OPTION_HIDDEN, NULL, 5 },
	{ "logging", 'g', "FILE", OPTION_HIDDEN, NULL, 5 },
	{ "rank", 'n', "N", OPTION_HIDDEN, NULL, 5 },
	{ "redis_ip", 'i', "ADDRESS", OPTION_HIDDEN, NULL, 5 },
	{ "redis_num_ranks", KEY_IGNORED, "N", OPTION_HIDDEN, NULL, 5 },
	{ "redis_rank", 'R', "N", OPTION_HIDDEN, NULL, 5 },
	{ 0 },
};

static void number(struct argp_state *state, const char *name, const char *text, uint64_t max,
		   uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || !*text || *end || *text == '-' || *value > max)
		argp_error(state, "--%s='%s': a whole number up to %llu is wanted", name, text,
			   (unsigned long long)max);
}

static uint32_t number32(struct argp_state *state, const char *name, const char *text, uint64_t max)
{
	uint64_t value;

	number(state, name, text, max, &value);
	return (uint32_t)value;
}

static double scale(struct argp_state *state, const char *name, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || *end || !(value > 0 && value < 1e18))
		argp_error(state, "--%s='%s': a number above 0 is wanted", name, text);
	return value;
}

static uint64_t bytes(struct argp_state *state, const char *name, const char *text, uint64_t max)
{
	uint64_t value;

	if (units_size(text, &value) < 0 || !value || value > max)
		argp_error(state, "--%s='%s': a size up to %llu bytes is wanted", name, text,
			   (unsigned long long)max);
	return value;
}

/* The place of TEXT among WORDS. */
static int word(struct argp_state *state, const char *name, const char *text,
		const char *const *words)
{
	struct nearest nearest;
	const char *meant;

	nearest_init(&nearest, text);
	for (int i = 0; words[i]; i++) {
		if (!strcmp(words[i], text))
			return i;
		nearest_offer(&nearest, words[i]);
	}
	meant = nearest_name(&nearest);
	argp_error(state, "--%s='%s': there is no such thing%s%s%s", name, text,
		   meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "");
	return 0;
}

static int64_t spin_time(struct argp_state *state, const char *text)
{
	int64_t ns = INT64_MAX;

	if (strcmp(text, "always") && units_duration(text, &ns) < 0)
		argp_error(state, "--spin='%s': a time such as 50us, or 'always'", text);
	return ns;
}

static const char *const networks[] = { "verbs", "tcp", "model", NULL };
static const char *const deps[] = { "data", "data+ctrl", NULL };
static const char *const levels[] = { "off", "workload", "event", NULL };
static const char *const sizes[] = { "shard", "total", NULL };

static error_t parse_network(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;
	struct net_settings *net = &options->net;

	switch (key) {
	case KEY_NETWORK:
		options->network = (enum run_network)word(state, "network", arg, networks);
		return 0;
	case KEY_MODEL:
		options->model = arg;
		return 0;
	case KEY_PREDICT:
		options->predict = true;
		return 0;
	case KEY_RANKS:
		options->ranks = number32(state, "ranks", arg, 1 << 20);
		return 0;
	case 'd':
		net->device = arg;
		return 0;
	case 'p':
		net->port = number32(state, "rdma_port", arg, 255);
		return 0;
	case 'x':
		net->gid_index = number32(state, "rdma_gid_index", arg, 255);
		net->has_gid_index = true;
		return 0;
	case 'q':
		net->queue_pairs = number32(state, "num_qps", arg, 16);
		return 0;
	case KEY_MTU:
		net->mtu = number32(state, "mtu", arg, 4096);
		return 0;
	case KEY_SL:
		net->service_level = (uint8_t)number32(state, "service-level", arg, 15);
		return 0;
	case KEY_TC:
		net->traffic_class = (uint8_t)number32(state, "traffic-class", arg, 255);
		return 0;
	case KEY_TIMEOUT:
		net->timeout = (uint8_t)number32(state, "ack-timeout", arg, 31);
		return 0;
	case KEY_RETRY:
		net->retry = (uint8_t)number32(state, "retry-count", arg, 7);
		return 0;
	case KEY_SEGMENT:
		net->segment = (uint32_t)bytes(state, "segment", arg, 64 << 20);
		return 0;
	case KEY_MEMORY:
		net->memory = bytes(state, "registered-memory", arg, UINT64_C(1) << 44);
		return 0;
	case KEY_INTERFACE:
		net->interface = arg;
		return 0;
	case KEY_WAIT:
		options->wait_s = (int)number32(state, "wait", arg, 1000000);
		return 0;
	case KEY_PATIENCE:
		options->patience_s = (int)number32(state, "timeout", arg, 1000000);
		return 0;
	case KEY_SPIN:
		options->spin = spin_time(state, arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;

	switch (key) {
	case 'w':
		options->workload = arg;
		return 0;
	case 's':
		options->system = arg;
		return 0;
	case 'm':
		options->memory = arg;
		return 0;
	case 'l':
		options->topology = arg;
		return 0;
	case 'c':
		options->groups = arg;
		return 0;
	case KEY_DEPS:
		options->deps = GRAPH_DATA | (word(state, "deps", arg, deps) ? GRAPH_CTRL : 0u);
		return 0;
	case 't':
		options->iterations = number32(state, "num_iterations", arg, UINT32_MAX);
		return 0;
	case KEY_WARMUP:
		options->warmup = number32(state, "warmup", arg, UINT32_MAX);
		return 0;
	case KEY_COMPAT:
		options->compat = true;
		return 0;
	case KEY_ALLGATHER:
		options->allgather = (enum allgather_size)word(state, "allgather-size", arg, sizes);
		return 0;
	case KEY_MERGED:
		options->merged_lanes = true;
		return 0;
	case KEY_REPLAY_ONLY:
		options->replay_only = true;
		return 0;
	case KEY_VERIFY:
		options->verify = true;
		return 0;
	case KEY_COMM_SCALE:
		options->comm_scale = scale(state, "comm-scale", arg);
		return 0;
	case KEY_COMPUTE_SCALE:
		options->compute_scale = scale(state, "compute-scale", arg);
		return 0;
	case KEY_INJECTION_SCALE:
		options->injection_scale = scale(state, "injection-scale", arg);
		return 0;
	case KEY_QUEUES:
		options->queues_per_dim = number32(state, "num-queues-per-dim", arg, 64);
		return 0;
	case KEY_SUMMARY:
		options->summary = arg;
		return 0;
	case KEY_DIR:
		options->dir = arg;
		return 0;
	case KEY_AGAINST:
		options->against_trace = true;
		options->worst = arg ? number32(state, "against-trace", arg, UINT32_MAX) : 10;
		return 0;
	case KEY_CHROME:
		options->chrome_trace =
			(enum timeline_level)word(state, "chrome-trace", arg, levels);
		options->has_chrome_trace = true;
		return 0;
	case KEY_CHROME_FILE:
		options->chrome_trace_file = arg;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case KEY_QUIET:
		options->quiet = true;
		return 0;
	case 'r':
	case 'g':
	case 'n':
	case 'i':
	case 'R':
	case KEY_IGNORED: /* of Genie; nothing here needs to be told */
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': there are options only", arg);
		return 0;
	case ARGP_KEY_END:
		if (!options->workload)
			argp_error(state, "--workload is missing");
		return 0;
	default:
		return parse_network(key, arg, state);
	}
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.doc = "Replay Chakra traces as traffic.\v"
	       "Ranks find each other by srun --netemu, PMIx, or NETEMU_RDV; a model needs only "
	       "one process.  netemu-replay(1) says more.",
};

int run_options_parse(struct run_options *options, int argc, char **argv)
{
	*options = (struct run_options){
		.deps = GRAPH_DATA,
		.comm_scale = 1,
		.compute_scale = 1,
		.injection_scale = 1,
		.iterations = 1,
		.queues_per_dim = 1,
		.wait_s = 60,
		.patience_s = 60,
		.spin = 50000,
	};
	argp_err_exit_status = 2;
	return argp_parse(&argp, argc, argv, 0, NULL, options) ? 2 : 0;
}
