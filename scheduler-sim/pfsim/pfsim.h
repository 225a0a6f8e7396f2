/* SPDX-License-Identifier: Apache-2.0 */
/* pfsim.h - a simulation exactly as PFSim runs it
 *
 * For --compat=pfsim: the same events in the same order at the same doubles,
 * the same draws of the same Mersenne Twister, the same files.  What differs
 * from netemu's own engine: one queued job is started for each one that ends,
 * random selection may take a host twice, paths of the way back stay in the
 * router's cache, only links between switches carry anything, loads are what a
 * job sends in all.  (Takahashi et al., HPCMASPA 2017; behaviour of version
 * 0.2.0's successor on its main branch.)
 */
#ifndef NETEMU_PFSIM_H
#define NETEMU_PFSIM_H

#include "jobs/traffic.h"
#include "route/router.h"

/* A stream of jobs, or one job. */
struct pfsim_jobs {
	double submit_lambd, duration_lambd; /* of the exponential distributions */
	bool once;                           /* one job: submitted at `submit`, lasts `duration` */
	double submit, duration;             /* s */
	const char *trace;                   /* file name without folder: jobs are TRACE-<n> */
	const struct traffic *traffic;
};

struct pfsim_scenario {
	const struct topology *topology;
	double duration;           /* events later than this do not happen */
	bool duration_is_float;    /* how the scenario wrote it: "1000.0" or "1000" */
	const char *topology_text; /* "pfsim.topology.FileTopology {'path': 'x.graphml'}" */
	const char *host_selector; /* as the scenario names them */
	const char *process_mapper;
	const char *router;
	const struct pfsim_jobs *jobs;
	size_t njobs;
	uint64_t seed;
};

/* Run SCENARIO and write result.txt, PFSim's nine CSV files and events.csv into
 * the folder DIR, which exists.  Returns 0, or -1 with ERR written.
 */
int pfsim_run(const struct pfsim_scenario *scenario, const char *dir, struct err *err);

#endif
