/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - the state of one PFSim run, shared by the files of this folder */
#ifndef NETEMU_PFSIM_WORLD_H
#define NETEMU_PFSIM_WORLD_H

#include "outfile.h"
#include "pfsim/heap.h"
#include "pfsim/paths.h"
#include "pfsim/pfsim.h"
#include "pfsim/series.h"

/* On one link, by one job. */
struct pfsim_use {
	uint32_t link;
	uint64_t bytes, flows;
};

struct pfsim_job {
	uint32_t generator;
	double duration, created, started, finished; /* s */
	uint32_t *hosts; /* in the order of selection, may repeat; owned */
	uint32_t nhosts;
	uint32_t *place;        /* host of each rank, until it has started; owned */
	struct pfsim_use *uses; /* owned */
	size_t nuses, room;
};

enum pfsim_metric {
	PFSIM_MAX_CONGESTION,
	PFSIM_CONGESTION_DEVIATION,
	PFSIM_MAX_FLOWS,
	PFSIM_WAITING,
	PFSIM_IN_SYSTEM,
	PFSIM_RUNNING,
	PFSIM_FINISHED,
	PFSIM_WAIT_TIME,
	PFSIM_RESPONSE_TIME,
	PFSIM_METRICS,
};

struct pfsim_world {
	const struct pfsim_scenario *scenario;
	const struct topology *topology;
	struct mt19937 mt;
	struct pfsim_router *router;
	struct pfsim_heap heap;
	double now;
	struct pfsim_job *jobs; /* owned */
	uint32_t njobs, room;
	uint32_t *queue; /* of jobs, [head .. njobs queued at the end]; owned */
	uint32_t head, tail;
	uint32_t running, finished;
	bool random_hosts; /* selection */
	enum { PFSIM_BLOCK, PFSIM_CYCLIC, PFSIM_SHUFFLE } mapper;
	bool *allocated;     /* [hosts]; owned */
	double *traffic;     /* [links]; owned */
	double *flows;       /* [links]; owned */
	uint32_t *isl, nisl; /* links between switches; owned */
	struct pfsim_series series[PFSIM_METRICS];
	struct outfile events; /* events.csv */
};

/* Slots of all hosts that are free, and whether they hold JOB's ranks. */
bool pfsim_fits(const struct pfsim_world *world, const struct pfsim_job *job);

/* Choose hosts for JOB, which fits.  Returns 0, or -1 with errno ENOMEM. */
int pfsim_select(struct pfsim_world *world, struct pfsim_job *job);

/* Choose the host of each rank of JOB.  Returns 0, or -1 with errno ENOMEM. */
int pfsim_place(struct pfsim_world *world, struct pfsim_job *job);

/* Route JOB's traffic and put it on the links; take it off again.  Return 0, or
 * -1 with ERR written.
 */
int pfsim_load(struct pfsim_world *world, uint32_t job, struct err *err);
void pfsim_unload(struct pfsim_world *world, uint32_t job);

/* Samples of the links at the time that it is.  Returns 0, or -1 with errno. */
int pfsim_sample_links(struct pfsim_world *world);

/* Write result.txt and the CSV files into DIR. */
int pfsim_write(const struct pfsim_world *world, const char *dir, struct err *err);

static inline uint32_t pfsim_ranks(const struct pfsim_world *world, const struct pfsim_job *job)
{
	return world->scenario->jobs[job->generator].traffic->ranks;
}

#endif
