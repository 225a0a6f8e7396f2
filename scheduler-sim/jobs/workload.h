/* SPDX-License-Identifier: Apache-2.0 */
/* workload.h - the jobs that come, with their traffic
 *
 * A list in order of submission (equal times: as in the source).  Sources:
 * generators, SWF files, accounting (sacct -P), jobcomp/filetxt, run
 * directories of netemu, and lists in a scenario.  Each source appends.
 */
#ifndef NETEMU_WORKLOAD_H
#define NETEMU_WORKLOAD_H

#include "traffic.h"

struct workload_job {
	struct netemu_job job;  /* id, submit, limit, nodes, ranks, want, ...; given is owned */
	char *name;             /* owned */
	char *cluster;          /* or NULL; owned */
	int64_t duration;       /* ns of run time */
	double submit_s, duration_s; /* as drawn or written, in seconds */
	struct traffic *traffic; /* shared, or NULL: none */
	uint32_t *placement;     /* the real job's rank -> index in job.given, or NULL; owned */
	char **given_names;      /* names of the hosts it had, ngiven of them, or NULL; owned */
	int64_t real_start;      /* when it really started, NETEMU_NEVER = not known */
	unsigned int source;     /* which source it came from, from 0 */
};

struct workload {
	struct workload_job *jobs; /* owned */
	size_t count, room;
	unsigned int sources;
	/* What was left out, by reason, to be reported. */
	size_t skipped; /* e.g. cancelled before start, no times */
};

void workload_init(struct workload *workload);
void workload_release(struct workload *workload);

/* A new job with nothing in it (start NETEMU_NEVER, 1 rank), or NULL with errno
 * ENOMEM.  Valid until the next call.
 */
struct workload_job *workload_add(struct workload *workload);

/* Order of submission. */
void workload_sort(struct workload *workload);

#endif
