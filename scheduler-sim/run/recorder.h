/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - what is kept of a simulation while it runs
 *
 * A watcher (sim.h) that writes the CSV files named as PFSim names them, the
 * snapshots of the links, and remembers of each link its peak and how much it
 * carried on average.  Congestion is the load of a link through its capacity,
 * over the links between switches; where there are none, over all.
 *
 * Against PFSim: there is one sample per instant (all that happens at one time
 * is one change), the last value of a series is kept, and statistics are over
 * the time from the first instant to the last.
 */
#ifndef NETEMU_SIM_RECORDER_H
#define NETEMU_SIM_RECORDER_H

#include "engine/sim.h"
#include "series.h"
#include "spread.h"

/* The series, in the order of the files' table. */
enum recorder_series {
	RECORDER_CONGESTION, /* maximum */
	RECORDER_DEVIATION,
	RECORDER_FLOWS, /* maximum */
	RECORDER_WAITING,
	RECORDER_IN_SYSTEM,
	RECORDER_RUNNING,
	RECORDER_FINISHED,
	RECORDER_SERIES,
};

struct recorder_link {
	load_amount bytes, flows;           /* now */
	load_amount peak_bytes, peak_flows; /* each at its own time */
	double byte_s, flow_s;              /* integrals over time */
	int64_t since;                      /* ns; of bytes and flows */
	uint32_t place;                     /* in the spread, NETEMU_NONE: not in it */
};

struct recorder_settings {
	const struct topology *topology;
	const char *dir;          /* of the results; exists */
	const int64_t *snapshots; /* ascending times, ns */
	size_t nsnapshots;
	int64_t every; /* further ones at all multiples of it; 0: none */
};

struct recorder {
	struct recorder_settings settings;
	struct sim_watcher watcher; /* give this to sim_watch() */
	struct series series[RECORDER_SERIES];
	struct outfile wait, response;
	struct recorder_link *link; /* [links]; owned */
	struct spread spread;
	int64_t first, last; /* instants; first > last: there was none */
	double busy_s;       /* host seconds */
	uint32_t busy;
	size_t snapshot;       /* the next one of the list */
	int64_t next_multiple; /* of `every` */
	size_t written;        /* snapshots */
	bool moved;            /* a job started or left at this instant */
	bool failed;
	struct err err; /* of the first failure */
};

extern const char *const recorder_names[RECORDER_SERIES]; /* "Maximum Congestion", ... */

/* Open the files.  Returns 0, or -1 with ERR written. */
int recorder_init(struct recorder *recorder, const struct recorder_settings *settings,
		  struct err *err);

/* The simulation is over: finish the files.  Returns 0, or -1 with ERR written,
 * also of what failed meanwhile.
 */
int recorder_finish(struct recorder *recorder, struct err *err);
void recorder_release(struct recorder *recorder);

/* Time-weighted mean of what LINK carried. */
double recorder_mean_bytes(const struct recorder *recorder, uint32_t link);
double recorder_mean_flows(const struct recorder *recorder, uint32_t link);

#endif
