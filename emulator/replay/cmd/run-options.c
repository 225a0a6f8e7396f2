/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/run.h"
#include "optrow.h"
#include "units.h"

#include <stdlib.h>
#include <string.h>

/* ---- kinds of values ---- */

VALUES_WORDS(replay_network, enum run_network, "none of verbs, tcp and model",
	     { "verbs", RUN_VERBS }, { "tcp", RUN_TCP }, { "model", RUN_MODEL })
VALUES_WORDS(replay_trace, enum timeline_level, "none of off, workload and event",
	     { "off", TIMELINE_OFF }, { "workload", TIMELINE_WORKLOAD },
	     { "event", TIMELINE_EVENT })
VALUES_WORDS(replay_gathered, enum allgather_size, "neither shard nor total",
	     { "shard", ALLGATHER_SHARD }, { "total", ALLGATHER_TOTAL })

VALUES_WORDS(replay_mtu, uint32_t, "none of 256, 512, 1024, 2048 and 4096", { "256", 256 },
	     { "512", 512 }, { "1024", 1024 }, { "2048", 2048 }, { "4096", 4096 })

/* A double. */
static int parse_factor(void *field, const struct key *key, const char *value, struct err *err)
{
	char *end;
	double factor = strtod(value, &end);

	if (end == value || *end || !(factor > 0 && factor < 1e18))
		return values_bad(key, value, "not a number above 0, such as 0.5", err);
	*(double *)field = factor;
	return 0;
}

/* A uint8_t. */
static int parse_byte(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t number;

	if (values_count(key, value, &number, err) < 0)
		return -1;
	*(uint8_t *)field = (uint8_t)number;
	return 0;
}

/* A uint32_t of bytes. */
static int parse_segment(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t bytes;

	if (kind_bytes.parse(&bytes, key, value, err) < 0)
		return -1;
	*(uint32_t *)field = (uint32_t)bytes;
	return 0;
}

static int parse_spin(void *field, const struct key *key, const char *value, struct err *err)
{
	if (!strcmp(value, "always")) {
		*(int64_t *)field = INT64_MAX;
		return 0;
	}
	if (!strcmp(value, "auto")) {
		*(int64_t *)field = LOOP_SPIN_AUTO;
		return 0;
	}
	return kind_time.parse(field, key, value, err);
}

static const struct kind factor = { parse_factor, NULL, false };
static const struct kind byte = { parse_byte, NULL, false };
static const struct kind segment = { parse_segment, NULL, false };
static const struct kind spin = { parse_spin, NULL, false };

/* ---- the options ---- */

#define ROW(...) OPTROW(struct run_options, __VA_ARGS__)
#define IGNORED(text, value, ...)                                                     \
	{                                                                             \
		.key.name = text, .key.kind = &optrow_none, .arg = value, __VA_ARGS__ \
	}
#define GIVEN(name) .given = offsetof(struct run_options, name)

/* Genie's and ASTRA-sim's names are aliases of ours. */
static const struct optrow rows[] = {
	{ .help = "What is replayed:" },
	ROW("workload", workload, &optrow_text, "PREFIX|FILE.et",
	    "Traces PREFIX.<rank>.et, or one FILE.et for all ranks", .letter = 'w',
	    .aliases = { "workload-configuration" }),
	ROW("system", system, &optrow_text, "FILE", "system.json: algorithms, chunks, policies",
	    .letter = 's', .aliases = { "system-configuration" }),
	ROW("memory", memory, &optrow_text, "FILE", "Remote memory (JSON)", .letter = 'm',
	    .aliases = { "remote-memory-configuration" }),
	ROW("logical_topology", topology, &optrow_text, "FILE|AxBxC",
	    "Logical dimensions; all ranks in one", .letter = 'l',
	    .aliases = { "logical-topology" }),
	ROW("comm_group", groups, &optrow_text, "FILE", "Communicator groups (JSON)", .letter = 'c',
	    .aliases = { "comm-group", "comm-group-configuration" }),
	ROW("deps", deps, &kind_replay_deps, "data|data+ctrl", "Edges that are in force (data)"),
	ROW("num_iterations", iterations, &kind_count, "N", "Times the trace is run (1)",
	    OPTROW_RANGE(1, UINT32_MAX), .letter = 't', .aliases = { "iterations" }),
	ROW("warmup", warmup, &kind_count, "N", "Times before, which do not count (0)",
	    OPTROW_RANGE(0, UINT32_MAX)),

	{ .help = "How:" },
	ROW("compat", compat, &optrow_flag, NULL, "Messages exactly as ASTRA-sim's"),
	ROW("allgather-size", allgather, &kind_replay_gathered, "shard|total",
	    "What comm_size of an all-gather is (shard)"),
	ROW("merged-lanes", merged_lanes, &optrow_flag, NULL,
	    "Computation and communication of the GPU share a lane, as in Genie"),
	ROW("replay-only", replay_only, &optrow_flag, NULL,
	    "Each node takes its recorded duration"),
	ROW("verify", verify, &optrow_flag, NULL, "Move real data and compare what comes out"),
	ROW("comm-scale", comm_scale, &factor, "X", "Multiply sizes of collectives (1)"),
	ROW("compute-scale", compute_scale, &factor, "X", "Multiply durations of computation (1)"),
	ROW("injection-scale", injection_scale, &factor, "X", "Multiply endpoint delays (1)"),
	ROW("num-queues-per-dim", queues_per_dim, &kind_count, "N", "Queues of each dimension (1)",
	    OPTROW_RANGE(1, 64)),

	{ .help = "Over what:" },
	ROW("network", network, &kind_replay_network, "verbs|tcp|model",
	    "What carries the messages (verbs)"),
	ROW("model", model, &optrow_text, "KEY=VALUE,...|@FILE",
	    "The network that is computed: topology=, bandwidth=, latency=, congestion=",
	    .aliases = { "network-configuration" }),
	ROW("predict", predict, &optrow_flag, NULL,
	    "Run the same on the model afterwards, and print both side by side"),
	ROW("ranks", ranks, &kind_count, "N", "Ranks of a model (those of the logical topology)",
	    OPTROW_RANGE(1, RUN_RANKS)),
	ROW("rdma_driver", net.device, &optrow_text, "DEVICES",
	    "For the ranks of a host in turn, by commas, those of one rank by +, or @FILE with a "
	    "line for each host (the first there is)",
	    .letter = 'd', .aliases = { "rdma-driver", "device" }),
	ROW("rdma_port", net.port, &kind_count, "N", "Its port (1)", OPTROW_RANGE(1, 255),
	    .letter = 'p', .aliases = { "rdma-port" }),
	ROW("rdma_gid_index", net.gid_index, &kind_count, "N",
	    "GID of the port (of RoCE the first of version 2)", OPTROW_RANGE(0, 255), .letter = 'x',
	    GIVEN(net.has_gid_index), .aliases = { "rdma-gid-index" }),
	ROW("num_qps", net.queue_pairs, &kind_count, "N",
	    "Queue pairs to each peer (one over each device)", OPTROW_RANGE(1, 16), .letter = 'q',
	    .aliases = { "num-qps" }),
	ROW("mtu", net.mtu, &kind_replay_mtu, "BYTES", "Path MTU (the port's)"),
	ROW("service-level", net.service_level, &byte, "N", "Service level (0)",
	    OPTROW_RANGE(0, 15)),
	ROW("traffic-class", net.traffic_class, &byte, "N", "Traffic class (0)",
	    OPTROW_RANGE(0, 255)),
	ROW("ack-timeout", net.timeout, &byte, "N", "4.096 us * 2^N without an answer (14)",
	    OPTROW_RANGE(1, 31)),
	ROW("retry-count", net.retry, &byte, "N", "Times a packet is sent again (7)",
	    OPTROW_RANGE(0, 7), GIVEN(net.has_retry)),
	ROW("segment", net.segment, &segment, "SIZE",
	    "Bytes of a message that travel together (128k)", OPTROW_RANGE(4096, 64 << 20)),
	ROW("registered-memory", net.memory, &kind_bytes, "SIZE",
	    "Memory of a rank for messages (256M)", OPTROW_RANGE(1, UINT64_C(1) << 44)),
	ROW("interface", net.interface, &optrow_text, "NAME|ADDRESS", "Of TCP (what is reachable)"),
	ROW("wait", wait_s, &kind_count, "SECONDS", "For other ranks to come (60)",
	    OPTROW_RANGE(1, 1000000)),
	ROW("timeout", patience_s, &kind_count, "SECONDS", "Without anything going on (60)",
	    OPTROW_RANGE(1, 1000000)),
	ROW("spin", spin, &spin, "TIME|auto|always", "Before a rank that waits sleeps (auto)",
	    OPTROW_RANGE(0, INT64_MAX)),

	{ .help = "What comes of it:" },
	ROW("summary", summary, &optrow_text, "FILE", "Write the results as JSON"),
	ROW("dir", dir, &optrow_text, "DIR",
	    "Run directory to leave ledgers in; under Slurm where it is made"),
	ROW("against-trace", worst, &kind_count, "N",
	    "Recorded times beside replayed ones, the N worst nodes (10)",
	    OPTROW_RANGE(0, UINT32_MAX), .otherwise = "10", GIVEN(against_trace)),
	ROW("against-trace-file", node_rows, &optrow_text, "FILE",
	    "Write both times of every node; of several processes FILE.<rank>"),
	ROW("chrome-trace", chrome_trace, &kind_replay_trace, "off|workload|event",
	    "Write a Chrome trace of nodes, or of messages too (off)", GIVEN(has_chrome_trace)),
	ROW("chrome-trace-file", chrome_trace_file, &optrow_text, "FILE",
	    "Where; of several processes FILE.<rank>"),
	ROW("quiet", quiet, &optrow_flag, NULL, "Only the lines of ranks"),
	ROW("verbose", verbose, &optrow_flag, NULL, "Say when ranks begin", .letter = 'v'),

	/* of Genie; nothing here needs to be told */
	IGNORED("ranks_per_node", "N", .letter = 'r'),
	IGNORED("logging", "FILE", .letter = 'g'),
	IGNORED("rank", "N", .letter = 'n'),
	IGNORED("redis_ip", "ADDRESS", .letter = 'i'),
	IGNORED("redis_num_ranks", "N"),
	IGNORED("redis_rank", "N", .letter = 'R'),
	{ .help = NULL },
};

static error_t check(int key, char *arg, struct argp_state *state)
{
	const struct run_options *options = state->hook;

	if (key == ARGP_KEY_ARG)
		argp_error(state, "'%s': there are options only", arg);
	if (key == ARGP_KEY_END && !options->workload)
		argp_error(state, "--workload is missing");
	return ARGP_ERR_UNKNOWN;
}

int run_options_parse(struct run_options *options, int argc, char **argv)
{
	static const struct optrow_program program = {
		.rows = rows,
		.other = check,
		.doc = "Replay Chakra traces as traffic.\v"
		       "Ranks find each other by srun --netemu, PMIx, or NETEMU_RDV; a model needs "
		       "only one process.  netemu-replay(1) says more.",
	};

	*options = (struct run_options){
		.deps = GRAPH_DATA,
		.comm_scale = 1,
		.compute_scale = 1,
		.injection_scale = 1,
		.iterations = 1,
		.queues_per_dim = 1,
		.wait_s = 60,
		.patience_s = 60,
		.spin = LOOP_SPIN_AUTO,
	};
	return optrow_parse(&program, options, argc, argv) ? 2 : 0;
}
