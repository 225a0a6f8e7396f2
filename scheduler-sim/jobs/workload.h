/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h - the jobs that come, with their traffic
 *
 * A list in order of submission (equal times: as in the source).  Sources:
 * generators, SWF files, accounting (sacct -P), jobcomp/filetxt, run
 * directories of netemu, and lists in a scenario.  Each source appends, in a
 * header of its own: generate.h, swf.h, sacct.h, jobcomp.h, runs.h.  When all
 * have, workload_settle() puts the jobs in order, workload_traffic() gives a
 * pattern to those without a matrix, and hostmap.h finds the hosts they had.
 */
#ifndef NETEMU_WORKLOAD_H
#define NETEMU_WORKLOAD_H

#include "traffic.h"

#define WORKLOAD_MAX 100000000 /* jobs */

struct workload_job {
	struct netemu_job job; /* id, submit, limit, nodes, ranks, want, ...; given is owned */
	char *name;            /* or NULL; owned */
	char *cluster;         /* or NULL; owned */
	int64_t duration;      /* ns of run time */
	int64_t compute;       /* ns of it without traffic, when run times follow the network; */
			       /* NETEMU_NEVER: duration less what its traffic takes alone */
	double submit_s, duration_s; /* as drawn or written, in seconds */
	struct traffic *traffic;     /* shared, or NULL: none */
	uint32_t *placement;         /* the real job's rank -> index in job.given, or NULL; owned */
	char *node_list;             /* the nodes it had, as Slurm writes them, or NULL; owned */
	int64_t real_start;          /* when it really started, NETEMU_NEVER = not known */
	uint32_t array_task;         /* NETEMU_NONE: no task of an array */
	unsigned int source;         /* which source it came from, from 0 */
	bool clock;                  /* times are those of the real clock */
	bool recorded;               /* its traffic is what it really sent */
};

/* Why something in a source is no job. */
#define WORKLOAD_SKIP_LIST(X)                              \
	X(STEP, "steps of jobs")                           \
	X(PENDING, "jobs that never started")              \
	X(RUNNING, "jobs that have not ended")             \
	X(TIMES, "jobs without a time")                    \
	X(SIZE, "jobs without nodes or CPUs")              \
	X(PARTIAL, "parts of jobs that were checkpointed") \
	X(TWICE, "jobs that are there twice")              \
	X(BROKEN, "runs that cannot be read")

enum workload_skip {
#define X(suffix, text) WORKLOAD_##suffix,
	WORKLOAD_SKIP_LIST(X)
#undef X
		WORKLOAD_SKIPS
};

struct workload {
	struct workload_job *jobs; /* owned */
	size_t count, room;
	unsigned int sources;
	/* What was left out, by reason and in all, to be reported. */
	size_t left_out[WORKLOAD_SKIPS];
	size_t skipped;
	/* Accounting with runs, of all sources: runs that could be read, jobs that got
	 * the matrix of one, runs of no job, runs that could not be read.
	 */
	size_t runs, joined, strange, broken;
	int64_t epoch; /* real time of time 0, ns; NETEMU_NEVER = none of it was real */
};

void workload_init(struct workload *workload);
void workload_release(struct workload *workload);

/* A new job with nothing in it (start NETEMU_NEVER, 1 rank, source the latest
 * one begun), or NULL with errno ENOMEM.  Valid until the next call.
 */
struct workload_job *workload_add(struct workload *workload);

/* Take the job added last away again. */
void workload_undo(struct workload *workload);

/* Count one that is left out. */
void workload_skip(struct workload *workload, enum workload_skip reason);

/* "3 steps of jobs, 2 jobs that never started", or "".  BUF of at least 512
 * bytes.  Returns BUF.
 */
char *workload_skip_text(const struct workload *workload, char *buf, size_t size);

/* Order of submission. */
void workload_sort(struct workload *workload);

/* Sort, and let the jobs of the real clock begin at time 0: from all of them the
 * earliest submission is taken off, so that several sources stay in step.
 */
void workload_settle(struct workload *workload);

/* Of the jobs of one source that have the same cluster, id, task, submission
 * and start all but the first go, counted as WORKLOAD_TWICE.  FROM is the
 * index of the source's first job.  Returns 0, or -1 with errno ENOMEM.
 */
int workload_unique(struct workload *workload, size_t from);

/* What the jobs of a source send that have no traffic: PATTERN (see
 * traffic_pattern()) over their ranks, BYTES for each pair.  Jobs with the same
 * number of ranks share it.  Returns 0, or -1 with ERR written.
 */
int workload_traffic(struct workload *workload, unsigned int source, const char *pattern,
		     uint64_t bytes, struct err *err);

/* Node-hours of jobs with recorded traffic / node-hours of all; 0 without jobs. */
double workload_recorded(const struct workload *workload);

#endif
