/* SPDX-License-Identifier: Apache-2.0 */
#include "nodeclock.h"
#include "clock.h"
#include "leave.h"
#include "outfile.h"
#include "rendezvous.h"
#include "rundir.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM   "netemu-helper"
#define KEY       "clock"
#define SECOND    1000000000LL
#define FIRST_NAP 10   /* s between the first and the second measurement */
#define LAST_NAP  3600 /* s at most */
#define READINGS  16   /* of both clocks of a node */
#define PATIENCE  2000 /* ms for the last measurement, when the step has ended */
#define DRIFT     1e-3 /* clocks do not drift apart faster; less sure is not known */
#define ROW_TEXT  256

/* CLOCK_REALTIME of this node less its CLOCK_MONOTONIC, ns; UNCERTAINTY either way. */
struct reading {
	int64_t ahead, uncertainty;
	int64_t at; /* CLOCK_REALTIME */
};

/* What a node has found out, on its own monotonic clock. */
struct row {
	struct reading own;
	struct rendezvous_moment moment;
	double drift, drift_uncertainty;
	char node[RENDEZVOUS_NODE];
};

struct nodeclock {
	char address[RENDEZVOUS_ADDRESS], node[RENDEZVOUS_NODE];
	uint32_t rank;
	char *dir, *job, *step;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ending; /* the step has ended here */
	bool ended;  /* nothing more is measured */
};

static struct reading read_clocks(void)
{
	struct reading best = { .uncertainty = INT64_MAX };

	for (int i = 0; i < READINGS; i++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC);
		int64_t at = clock_ns(CLOCK_REALTIME);
		int64_t half = (clock_ns(CLOCK_MONOTONIC) - before) / 2;

		if (half + 1 < best.uncertainty)
			best = (struct reading){ at - before - half, half + 1, at };
	}
	return best;
}

/* --- the measurement --- */

static int put_row(struct rendezvous *rdv, const struct row *row)
{
	char text[ROW_TEXT];

	snprintf(text, sizeof(text),
		 "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %.9g %.9g %s",
		 row->own.ahead, row->own.uncertainty, row->own.at, row->moment.offset,
		 row->moment.uncertainty, row->drift, row->drift_uncertainty, row->node);
	return rendezvous_put(rdv, KEY, text, strlen(text) + 1, NULL);
}

static int get_row(struct rendezvous *rdv, uint32_t rank, struct row *row)
{
	char text[ROW_TEXT] = "";

	if (rendezvous_get(rdv, rank, KEY, text, sizeof(text) - 1, 0, NULL) < 0)
		return -1;
	return sscanf(text,
		      "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %lf %lf %63s",
		      &row->own.ahead, &row->own.uncertainty, &row->own.at, &row->moment.offset,
		      &row->moment.uncertainty, &row->drift, &row->drift_uncertainty,
		      row->node) == 8
		       ? 0
		       : -1;
}

static struct row *get_rows(struct rendezvous *rdv)
{
	uint32_t size = rendezvous_size(rdv);
	struct row *rows = calloc(size, sizeof(*rows));

	for (uint32_t rank = 0; rows && rank < size; rank++) {
		if (get_row(rdv, rank, &rows[rank]) < 0) {
			free(rows);
			return NULL;
		}
	}
	return rows;
}

/* --- run.json --- */

/* How far NODE's CLOCK_REALTIME is ahead of that of FIRST. */
static json_t *entry(const struct row *first, const struct row *node)
{
	bool same = node == first;
	int64_t offset = node->own.ahead - first->own.ahead - node->moment.offset;
	int64_t uncertainty =
		node->own.uncertainty + first->own.uncertainty + node->moment.uncertainty;

	return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f}", "node", node->node, "offset",
			 (json_int_t)(same ? 0 : offset), "uncertainty",
			 (json_int_t)(same ? 0 : uncertainty), "at",
			 (json_int_t)(node->own.at / SECOND), "drift", same ? 0.0 : -node->drift,
			 "drift_uncertainty", same ? 0.0 : node->drift_uncertainty);
}

static json_t *entries(const struct row *rows, uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, entry(&rows[0], &rows[i]));
	return list;
}

static json_t *load(const char *path, const char *job, const char *step)
{
	json_t *root = json_load_file(path, 0, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return json_pack("{s:i, s:I, s:s, s:s}", "version", RUNDIR_VERSION, "job",
			 (json_int_t)strtoll(job, NULL, 10), "step", step, "slurm_step", step);
}

static int save(const char *path, const json_t *root, struct err *err)
{
	struct outfile file;

	if (outfile_open(&file, path, err) < 0)
		return -1;
	json_dumpf(root, file.stream, JSON_INDENT(1));
	fputc('\n', file.stream);
	return outfile_commit(&file, err);
}

/* Nobody is there who could be told why not. */
static void write_rows(const struct nodeclock *clock, const struct row *rows, uint32_t count)
{
	char rundir[PATH_MAX], path[PATH_MAX + 16];
	struct err err = { "" };
	json_t *root;
	int lock;

	if (leave_directory(rundir, sizeof(rundir), clock->dir, clock->job, clock->step, NULL) < 0)
		return;
	snprintf(path, sizeof(path), "%s/" RUNDIR_RUN, rundir);
	lock = rundir_lock(rundir);
	root = load(path, clock->job, clock->step);
	json_object_set_new(root, "clock", entries(rows, count));
	if (save(path, root, &err) < 0)
		rundir_log(rundir, "netemu", "%s", err.text);
	json_decref(root);
	rundir_unlock(lock);
}

/* --- the thread --- */

static void set(struct nodeclock *clock, bool *what)
{
	pthread_mutex_lock(&clock->lock);
	*what = true;
	pthread_cond_broadcast(&clock->changed);
	pthread_mutex_unlock(&clock->lock);
}

/* Until *WHAT is set, for MS at most.  Returns whether it is. */
static bool wait_for(struct nodeclock *clock, const bool *what, int64_t ms)
{
	int64_t end = clock_ms() + ms;
	struct timespec until = { .tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000 };
	bool is;

	pthread_mutex_lock(&clock->lock);
	while (!*what && clock_ms() < end)
		pthread_cond_timedwait(&clock->changed, &clock->lock, &until);
	is = *what;
	pthread_mutex_unlock(&clock->lock);
	return is;
}

/* After a moment the drift would be anything. */
static void set_drift(struct row *row, const struct rendezvous_clock *found)
{
	if (found->drift_uncertainty > DRIFT)
		return;
	row->drift = found->drift;
	row->drift_uncertainty = found->drift_uncertainty;
}

/* Together with all others, who are waited for WAIT_MS; fails when one of them has left. */
static int measure(struct nodeclock *clock, struct rendezvous *rdv, int wait_ms)
{
	struct rendezvous_clock found;
	struct row row = { .drift = 0 }, *rows = NULL;

	if (rendezvous_clock(rdv, &found, wait_ms, NULL) < 0)
		return -1;
	row.own = read_clocks();
	row.moment = found.last;
	set_drift(&row, &found);
	snprintf(row.node, sizeof(row.node), "%s", clock->node);
	if (put_row(rdv, &row) < 0 || rendezvous_fence(rdv, KEY, wait_ms, NULL) < 0)
		return -1;
	if (clock->rank == 0)
		rows = get_rows(rdv);
	if (rows)
		write_rows(clock, rows, rendezvous_size(rdv));
	free(rows);
	/* nobody leaves before the first has what it needs */
	return rendezvous_barrier(rdv, KEY, wait_ms, NULL);
}

static void *run(void *arg)
{
	struct nodeclock *clock = arg;
	struct rendezvous_options options = {
		.program = PROGRAM,
		.generation = 1,
		.address = clock->address,
		.has_rank = true,
		.rank = clock->rank,
		.node = clock->node,
	};
	struct rendezvous *rdv = rendezvous_open(&options, NULL);
	int64_t nap = FIRST_NAP;
	bool there = rdv && measure(clock, rdv, 0) == 0;

	while (there && !wait_for(clock, &clock->ending, nap * 1000)) {
		there = measure(clock, rdv, 0) == 0;
		nap = nap < LAST_NAP / 2 ? 2 * nap : LAST_NAP;
	}
	if (there)
		measure(clock, rdv, PATIENCE);
	rendezvous_close(rdv);
	set(clock, &clock->ended);
	return NULL;
}

static void discard(struct nodeclock *clock)
{
	free(clock->dir);
	free(clock->job);
	free(clock->step);
	free(clock);
}

/* clock_ms() is of CLOCK_MONOTONIC. */
static void init_lock(struct nodeclock *clock)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&clock->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock->changed, &attr);
	pthread_condattr_destroy(&attr);
}

struct nodeclock *nodeclock_start(const char *address, uint32_t rank, const char *name,
				  const char *dir, const char *job, const char *step)
{
	struct nodeclock *clock = calloc(1, sizeof(*clock));
	pthread_t thread;

	if (!clock)
		return NULL;
	clock->rank = rank;
	snprintf(clock->address, sizeof(clock->address), "%s", address);
	snprintf(clock->node, sizeof(clock->node), "%s", name);
	clock->dir = strdup(dir);
	clock->job = strdup(job);
	clock->step = strdup(step);
	init_lock(clock);
	if (!clock->dir || !clock->job || !clock->step ||
	    pthread_create(&thread, NULL, run, clock)) {
		discard(clock);
		return NULL;
	}
	pthread_detach(thread); /* it ends with the process, and CLOCK too */
	return clock;
}

void nodeclock_finish(struct nodeclock *clock)
{
	if (!clock)
		return;
	set(clock, &clock->ending);
	wait_for(clock, &clock->ended, PATIENCE);
}
