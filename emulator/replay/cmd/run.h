/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - `netemu replay run`: the parts of it */
#ifndef CMD_RUN_H
#define CMD_RUN_H

#include "chakra/graph.h"
#include "config/system.h"
#include "exec/exec.h"
#include "net/lifeline.h"
#include "net/model.h"
#include "result/ledger.h"
#include "result/noderows.h"
#include "result/report.h"
#include "result/timeline.h"
#include "result/waymark.h"

#define RUN_RANKS (1u << 20) /* at most: more is a slip of the hand */

enum run_network { RUN_VERBS, RUN_TCP, RUN_MODEL };

/* What the command line says; texts are those of the arguments. */
struct run_options {
	const char *workload, *system, *memory, *topology, *groups;
	enum run_network network;
	const char *model; /* of --model, NULL without */
	uint32_t ranks;    /* of a model without topology */
	unsigned deps;     /* enum graph_deps */
	bool compat, verify, merged_lanes, replay_only, quiet, verbose, predict;
	enum allgather_size allgather;
	double comm_scale, compute_scale, injection_scale;
	uint32_t iterations, warmup, queues_per_dim;
	struct net_settings net;
	uint32_t wait_s, patience_s; /* for the others to come; without anything going on */
	int64_t spin;                /* ns */
	const char *summary, *dir;
	enum timeline_level chrome_trace; /* of the environment without the option */
	bool has_chrome_trace, against_trace;
	uint32_t worst;                /* nodes that --against-trace shows */
	const char *node_rows;         /* of --against-trace-file, NULL without */
	const char *chrome_trace_file; /* NULL: where the network says */
};

/* Take ARGV; wrong ones end the program with 2.  Returns 0, or 2. */
int run_options_parse(struct run_options *options, int argc, char **argv);

/* What all ranks have in common, read once. */
struct run_config {
	const struct run_options *options;
	struct system system;
	struct remote remote;
	struct dims dims;
	struct groups groups;
	uint32_t size; /* ranks */
	bool told;     /* run_tell_of_trace() */
};

/* Read the files of OPTIONS for SIZE ranks (0: as many as the topology or the traces say).
 * Returns 0, or -1 with ERR: also of a topology whose product is not SIZE.
 */
int run_config_read(struct run_config *config, const struct run_options *options, uint32_t size,
		    struct err *err);
void run_config_release(struct run_config *config);

/* Say on standard error what of GRAPH does nothing: edges, nodes, or all of it.  Once for a run,
 * unless it is to be quiet.
 */
void run_tell_of_trace(struct run_config *config, const struct graph *graph);

/* That the summary can be written, before it takes long to have one.  -1 with ERR. */
int run_check_summary(const struct run_options *options, struct err *err);

/* The trace of RANK: PREFIX.<rank>.et, or FILE.et for all.  PATH of SIZE bytes. */
int run_trace_path(const struct run_options *options, uint32_t rank, char *path, size_t size,
		   struct err *err);

/* One rank of the run: what it needs on whatever network. */
struct run_rank {
	struct run_config *config;
	const struct graph *graph;
	struct net *net; /* of the caller */
	struct collectives *collectives;
	struct exec *exec;
	struct exec_settings settings;
	struct collectives_settings coll_settings;
	struct report *report; /* of the caller */
	struct ledger ledger;
	struct waymark mark;       /* rank 0 */
	uint64_t ended, all;       /* nodes */
	struct timeline *timeline; /* of the caller */
	struct noderows *rows;     /* the same; set when it is wanted */
	bool done;
	void (*all_done)(void *arg);
	void *arg;
};

/* NET, GRAPH, REPORT and TIMELINE are kept.  Returns 0, or -1 with ERR. */
int run_rank_create(struct run_rank *rank, struct run_config *config, const struct graph *graph,
		    struct net *net, struct report *report, struct timeline *timeline,
		    struct err *err);
/* Begin; ALL_DONE(ARG) when the trace is through. */
int run_rank_start(struct run_rank *rank, void (*all_done)(void *arg), void *arg, struct err *err);
/* Put what came of it into the report.  -1 with ERR: what was verified is wrong. */
int run_rank_report(struct run_rank *rank, struct err *err);
/* Nodes that have not ended are in the timeline as such. */
void run_rank_release(struct run_rank *rank);

/* The two kinds of run.  Return 0, or -1 with ERR. */
int run_model(const struct run_options *options, struct err *err);
int run_real(const struct run_options *options, struct err *err);

/* What the model SETTINGS make of the traces for SIZE ranks, into REPORT, sorted; nothing is
 * printed and nothing verified.  Returns 0, or -1 with ERR.
 */
int run_predict(const struct run_options *options, const struct model_settings *settings,
		uint32_t size, struct report *report, struct err *err);
/* The network that is predicted: of --model, else of the emulated devices that NET goes over.
 * Returns 0, or -1 with ERR: nothing is known of the network.
 */
int run_predicted_network(struct model_settings *settings, const struct run_config *config,
			  const struct net *net, struct err *err);

/* Print what REPORT says, as OPTIONS want it. */
int run_print(const struct run_options *options, struct report *report, struct err *err);
/* The same with PREDICTED, sorted, beside it; NULL: nothing was. */
int run_print_both(const struct run_options *options, struct report *report,
		   const struct report *predicted, struct err *err);

#endif
