/* SPDX-License-Identifier: Apache-2.0 */
/* run-real.c - one rank in each process, over a network that is there
 *
 * Ranks meet by the rendezvous, hold on to each other by the lifeline, start together, and send
 * what came of it to rank 0, which prints it.
 */
#include "cmd/load.h"
#include "cmd/run.h"

#include "clock.h"
#include "net/lifeline.h"
#include "outfile.h"
#include "place.h"
#include "rankfile.h"
#include "rendezvous.h"
#include "rundir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAG_SIZE     UINT64_C(0x7ffffffffffffffe)
#define TAG_TEXT     UINT64_C(0x7fffffffffffffff)
#define LAST_WORD_MS 1000
#define LOOK_NS      100000000 /* between looks at whether anything goes on */

struct real_run {
	const struct run_options *options;
	struct net_settings settings;
	struct run_config config;
	struct rendezvous *rendezvous;
	struct lifeline *lifeline;
	struct loop loop;
	struct net *net;
	struct graph graph;
	struct run_rank rank;
	struct report report, foreseen; /* foreseen: with --predict, of rank 0 */
	struct model_settings model;    /* the same */
	struct timeline timeline;
	struct noderows rows;
	char directory[PATH_MAX]; /* replay/ of the run directory, or "" */
	/* of the watchdog */
	int64_t looked, moved; /* ns: last look; last time that something had happened */
	uint64_t events;
	unsigned polls;
};

#define CLOCK_EACH 64 /* polls, when nothing else asks for the time */

/* ---- nothing hangs ---- */

static uint64_t count_events(const struct real_run *run)
{
	uint64_t events = run->loop.late.count;

	for (uint32_t i = 0; i < run->net->size; i++)
		events += run->net->counts[i].tx_messages + run->net->counts[i].rx_messages;
	return events;
}

static int look(struct real_run *run, int64_t now, struct err *err)
{
	char waiting[512] = "";
	uint64_t events = count_events(run);

	run->looked = now;
	if (events != run->events || run->loop.timers.count) {
		run->events = events;
		run->moved = now;
		return 0;
	}
	if (now - run->moved < run->options->patience_s * INT64_C(1000000000))
		return 0;
	exec_waiting(run->rank.exec, waiting, sizeof(waiting));
	return err_set(err, "rank %u (%s): nothing has happened for %u s: %s", run->net->rank,
		       rendezvous_node(run->rendezvous), run->options->patience_s, waiting);
}

static int poll_all(void *arg, struct err *err)
{
	struct real_run *run = arg;
	int64_t now = run->polls++ % CLOCK_EACH ? run->loop.seen : loop_now(&run->loop);

	if (lifeline_check(run->lifeline, now, err) < 0)
		return -1;
	if (now - run->looked > LOOK_NS && look(run, now, err) < 0)
		return -1;
	return net_poll(run->net, err);
}

/* ---- results to rank 0 ---- */

struct parcel {
	struct net_message size, text; /* first, so that it is found from them */
	struct real_run *run;
	char *bytes; /* owned */
	uint64_t length;
	uint32_t *left; /* parcels that are under way */
};

static struct parcel *of_size(struct net_message *message)
{
	return (struct parcel *)((char *)message - offsetof(struct parcel, size));
}

static struct parcel *of_text(struct net_message *message)
{
	return (struct parcel *)((char *)message - offsetof(struct parcel, text));
}

static void fill_size(struct net_message *message, uint64_t at, void *buffer, size_t size)
{
	memcpy(buffer, (char *)&of_size(message)->length + at, size);
}

static void take_size(struct net_message *message, uint64_t at, const void *buffer, size_t size)
{
	memcpy((char *)&of_size(message)->length + at, buffer, size);
}

static void fill_text(struct net_message *message, uint64_t at, void *buffer, size_t size)
{
	memcpy(buffer, of_text(message)->bytes + at, size);
}

static void take_text(struct net_message *message, uint64_t at, const void *buffer, size_t size)
{
	memcpy(of_text(message)->bytes + at, buffer, size);
}

static const struct net_data size_data = { fill_size, take_size };
static const struct net_data text_data = { fill_text, take_text };

static void parcel_done(struct net_message *message, int64_t time)
{
	struct parcel *parcel = of_text(message);

	(void)time;
	if (--*parcel->left == 0)
		loop_stop(&parcel->run->loop);
}

static void nothing(struct net_message *message, int64_t time)
{
	(void)message;
	(void)time;
}

/* The size is known: now the text. */
static void size_came(struct net_message *message, int64_t time)
{
	struct parcel *parcel = of_size(message);
	struct err err;

	(void)time;
	parcel->bytes = parcel->length < UINT32_MAX ? calloc(1, parcel->length + 1) : NULL;
	parcel->text.size = parcel->length;
	if (!parcel->bytes || net_recv(parcel->run->net, &parcel->text, &err) < 0)
		loop_fail(&parcel->run->loop, "no room for the results of rank %u", message->peer);
}

static void parcel_init(struct parcel *parcel, struct real_run *run, uint32_t peer, uint32_t *left)
{
	*parcel = (struct parcel){
		.run = run,
		.left = left,
		.size = { .peer = peer,
			  .tag = TAG_SIZE,
			  .size = sizeof(parcel->length),
			  .data = &size_data,
			  .node_id = NET_NO_NODE,
			  .done = nothing },
		.text = { .peer = peer,
			  .tag = TAG_TEXT,
			  .data = &text_data,
			  .node_id = NET_NO_NODE,
			  .done = parcel_done },
	};
}

static int send_report(struct real_run *run, struct err *err)
{
	struct parcel parcel;
	uint32_t left = 1;
	int rc;

	parcel_init(&parcel, run, 0, &left);
	parcel.bytes = report_pack(&run->report);
	if (!parcel.bytes)
		return err_set(err, "no room for results");
	parcel.length = parcel.text.size = strlen(parcel.bytes);
	rc = net_send(run->net, &parcel.size, err) < 0 ||
			     net_send(run->net, &parcel.text, err) < 0 ||
			     loop_run(&run->loop, err) < 0
		     ? -1
		     : 0;
	free(parcel.bytes);
	return rc;
}

static int collect_reports(struct real_run *run, struct err *err)
{
	uint32_t size = run->net->size, left = size - 1;
	struct parcel *parcels = calloc(size, sizeof(*parcels));
	int rc = parcels ? 0 : err_errno(err, "no room for results");

	for (uint32_t i = 1; rc == 0 && i < size; i++) {
		parcel_init(&parcels[i], run, i, &left);
		parcels[i].size.done = size_came;
		rc = net_recv(run->net, &parcels[i].size, err);
	}
	if (rc == 0 && left)
		rc = loop_run(&run->loop, err);
	for (uint32_t i = 1; rc == 0 && i < size; i++)
		rc = report_unpack(&run->report, parcels[i].bytes, err);
	for (uint32_t i = 1; parcels && i < size; i++)
		free(parcels[i].bytes);
	free(parcels);
	return rc;
}

/* ---- the run directory ---- */

static char *copy_of(const char *name)
{
	const char *text = getenv(name);

	return text ? strdup(text) : NULL;
}

/* The run directory with a replay/ in it: DIR by hand, that of the step under Slurm; "" when there
 * is none to be.
 */
static int find_directory(struct real_run *run, struct err *err)
{
	static const struct place_kind kind = {
		.name = "netemu-replay",
		.directory = "replay",
		.made = { RUNDIR_RANK, NULL },
	};
	const char *dir = run->options->dir;
	struct place place;

	if (getenv("SLURM_JOB_ID")) {
		if (place_find(&place, &kind, dir ? dir : "", rendezvous_rank(run->rendezvous),
			       rendezvous_size(run->rendezvous), err) < 0)
			return -1;
		dir = place.base;
	}
	if (!dir)
		return 0;
	if (snprintf(run->directory, sizeof(run->directory), "%s/replay", dir) >=
	    (int)sizeof(run->directory))
		return err_set(err, "'%s' is too long", dir);
	if ((mkdir(dir, 0777) < 0 && errno != EEXIST) ||
	    (mkdir(run->directory, 0777) < 0 && errno != EEXIST))
		return err_errno(err, "unable to make '%s'", run->directory);
	return 0;
}

/* replay/rank-<r>.json. */
static int write_ledger(struct real_run *run, struct err *err)
{
	struct rankfile file;
	int rc;

	if (!run->directory[0] && find_directory(run, err) < 0)
		return -1;
	if (!run->directory[0])
		return 0;
	if (ledger_file(&run->rank.ledger, run->net->rank, run->net->size,
			(double)loop_now(&run->loop) / 1e9, &file) < 0)
		return err_errno(err, "no room for a ledger");
	file.node = strdup(rendezvous_node(run->rendezvous));
	file.job = copy_of("SLURM_JOB_ID");
	file.step = copy_of("SLURM_STEP_ID");
	file.init_realtime = run->loop.zero + clock_ahead();
	rc = rankfile_save(&file, run->directory, err);
	rankfile_release(&file);
	return rc;
}

/* FILE.<rank>, replay/trace_<rank>.json of the run directory, or that here. */
static int open_timeline(struct real_run *run, struct err *err)
{
	const struct run_options *options = run->options;
	const char *file = options->chrome_trace_file;
	char path[PATH_MAX + 32];
	uint32_t rank = run->net->rank;

	if (options->chrome_trace == TIMELINE_OFF)
		return 0;
	if (file) {
		snprintf(path, sizeof(path), "%s.%u", file, rank);
	} else {
		if (find_directory(run, err) < 0)
			return -1;
		snprintf(path, sizeof(path), "%s%strace_%u.json", run->directory,
			 run->directory[0] ? "/" : "", rank);
	}
	return timeline_open(&run->timeline, options->chrome_trace, options->merged_lanes, path,
			     err);
}

/* FILE.<rank>. */
static int open_rows(struct real_run *run, struct err *err)
{
	char path[PATH_MAX + 32];

	if (!run->options->node_rows)
		return 0;
	snprintf(path, sizeof(path), "%s.%u", run->options->node_rows, run->net->rank);
	run->rank.rows = &run->rows;
	return noderows_open(&run->rows, path, err);
}

/* Rank 0: all that is known, also as replay/summary.json. */
static int print_all(struct real_run *run, struct err *err)
{
	const struct report *foreseen = run->options->predict ? &run->foreseen : NULL;
	char path[PATH_MAX + 16];

	if (foreseen &&
	    run_predict(run->options, &run->model, run->net->size, &run->foreseen, err) < 0) {
		run_print(run->options, &run->report, NULL); /* what was measured stays so */
		return -1;
	}
	if (run_print_both(run->options, &run->report, foreseen, err) < 0)
		return -1;
	if (!run->directory[0])
		return 0;
	snprintf(path, sizeof(path), "%s/summary.json", run->directory);
	return report_write_summary(&run->report, foreseen, path, err);
}

/* ---- one run ---- */

#define HINT "; srun --netemu and mpirun make one, --network=model needs none"

static bool nothing_there(void)
{
	return !getenv("PMIX_NAMESPACE") && !getenv("SLURM_NETEMU_RDV") && !getenv("NETEMU_RDV");
}

static int meet(struct real_run *run, struct err *err)
{
	const struct rendezvous_options how = {
		.program = "netemu-replay",
		.wait_ms = (int)run->options->wait_s * 1000,
	};
	const char *local = getenv("SLURM_LOCALID");
	struct err why = { "" };

	run->rendezvous = rendezvous_open(&how, &why);
	if (!run->rendezvous)
		return err_set(err, "%s%s", why.text, nothing_there() ? HINT : "");
	if (!local)
		local = getenv("OMPI_COMM_WORLD_LOCAL_RANK");
	run->settings = run->options->net;
	run->settings.rendezvous = run->rendezvous;
	run->settings.wait_ms = (int)run->options->wait_s * 1000;
	run->settings.local_rank =
		local ? (uint32_t)strtoul(local, NULL, 10) : rendezvous_rank(run->rendezvous);
	return lifeline_open(&run->lifeline, &run->settings, err);
}

static int prepare(struct real_run *run, struct err *err)
{
	const struct run_options *options = run->options;
	const struct graph_options how = { .deps = options->deps, .names = true };
	struct load load = { .silent = rendezvous_rank(run->rendezvous) != 0 };
	char path[4096];

	if (run_config_read(&run->config, options, rendezvous_size(run->rendezvous), err) < 0 ||
	    run_trace_path(options, rendezvous_rank(run->rendezvous), path, sizeof(path), err) <
		    0 ||
	    load_graph(&load, &run->graph, path, &how, err) < 0)
		return -1;
	run_tell_of_trace(&run->config, &run->graph);
	if (rendezvous_rank(run->rendezvous) == 0 && run_check_summary(options, err) < 0)
		return -1;
	if (options->dir && find_directory(run, err) < 0)
		return -1;
	outfile_guard(rendezvous_stop_waiting); /* devices do not like to be left alone */
	if ((options->network == RUN_TCP
		     ? net_tcp_create(&run->net, &run->loop, &run->settings, err)
		     : net_verbs_create(&run->net, &run->loop, &run->settings, err)) < 0)
		return -1;
	return options->predict && run->net->rank == 0
		       ? run_predicted_network(&run->model, &run->config, run->net, err)
		       : 0;
}

/* ---- together ---- */

#define START_NS 5000000 /* from when all agree until they begin */

/* All begin at one time of rank 0's clock, so that times of ranks can be compared; who comes later
 * has lost that.
 */
static int begin_together(struct real_run *run, struct err *err)
{
	struct rendezvous *rdv = run->rendezvous;
	struct rendezvous_clock clock = { 0 };
	int wait_ms = run->settings.wait_ms;
	int64_t start = 0;

	if (rendezvous_clock(rdv, &clock, wait_ms, err) < 0)
		return -1;
	if (run->net->rank == 0) {
		start = clock_ns(CLOCK_MONOTONIC) + START_NS;
		if (rendezvous_put(rdv, "start", &start, sizeof(start), err) < 0)
			return -1;
	}
	if (rendezvous_fence(rdv, "start", wait_ms, err) < 0)
		return -1;
	if (run->net->rank &&
	    rendezvous_get(rdv, 0, "start", &start, sizeof(start), wait_ms, err) != sizeof(start))
		return -1;
	loop_start_at(&run->loop, start - clock.last.offset);
	return 0;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static int replay(struct real_run *run, struct err *err)
{
	struct err wrong = { "" };

	if (open_timeline(run, err) < 0 ||
	    run_rank_create(&run->rank, &run->config, &run->graph, run->net, &run->report,
			    &run->timeline, err) < 0 ||
	    open_rows(run, err) < 0 || begin_together(run, err) < 0)
		return -1;
	if (run->options->verbose)
		fprintf(stderr, "netemu replay: rank %u of %u begins, %u nodes, %s%s%s\n",
			run->net->rank, run->net->size, run->graph.count, run->net->ops->name,
			run->net->over ? " over " : "", run->net->over ? run->net->over : "");
	timeline_begin(&run->timeline, run->loop.zero + clock_ahead(), run->net->rank);
	run->loop.spin = run->options->spin;
	run->loop.poll = poll_all;
	run->loop.poll_arg = run;
	while (loop_now(&run->loop) < 0)
		clock_rest(1000);
	if (run_rank_start(&run->rank, stop, &run->loop, err) < 0)
		return -1;
	if (!run->rank.done && loop_run(&run->loop, err) < 0)
		return -1;
	if (run_rank_report(&run->rank, &wrong) < 0)
		return err_set(err, "%s", wrong.text);
	return timeline_close(&run->timeline, err) < 0 || noderows_close(&run->rows, err) < 0
		       ? -1
		       : write_ledger(run, err);
}

/* The others wait until rank 0 has printed and written all: what fails there fails on all.  A
 * prediction takes as long as it takes.
 */
static int finish(struct real_run *run, struct err *err)
{
	int wait_ms = run->settings.wait_ms;

	if (run->net->rank)
		return send_report(run, err) < 0
			       ? -1
			       : lifeline_finish(run->lifeline, run->net,
						 run->options->predict ? INT_MAX : wait_ms, err);
	if (collect_reports(run, err) < 0 ||
	    lifeline_gather(run->lifeline, run->net, wait_ms, err) < 0 || print_all(run, err) < 0)
		return -1;
	return lifeline_finish(run->lifeline, run->net, wait_ms, err);
}

int run_real(const struct run_options *options, struct err *err)
{
	struct real_run run = { .options = options };
	int rc;

	loop_init(&run.loop, &loop_real_clock);
	report_init(&run.report);
	run.report.worst = options->worst;
	report_init(&run.foreseen);
	rc = meet(&run, err);
	if (rc == 0)
		rc = prepare(&run, err) < 0 || replay(&run, err) < 0 || finish(&run, err) < 0 ? -1
											      : 0;
	if (rc < 0 && outfile_struck() && run.rendezvous)
		err_set(err, "rank %u was interrupted", rendezvous_rank(run.rendezvous));
	if (rc < 0 && run.lifeline)
		lifeline_fail(run.lifeline, err, LAST_WORD_MS);
	run_rank_release(&run.rank);
	net_destroy(run.net);
	lifeline_close(run.lifeline);
	rendezvous_close(run.rendezvous);
	graph_release(&run.graph);
	run_config_release(&run.config);
	report_release(&run.report);
	timeline_leave(&run.timeline);
	noderows_abort(&run.rows);
	report_release(&run.foreseen);
	model_settings_release(&run.model);
	loop_release(&run.loop);
	return rc;
}
