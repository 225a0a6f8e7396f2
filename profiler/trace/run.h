/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the recorded files of a run, on one clock, and who is who in it
 *
 * A first pass over the control calls alone says which rank a queue pair belongs to;
 * the second one goes through each file by itself, so files can be finished one
 * after the other.
 */
#ifndef TRACE_RUN_H
#define TRACE_RUN_H

#include "trace/match.h"

/* A queue pair that has ever had an address. */
struct trace_end {
	uint32_t file; /* index */
	uint32_t qp;   /* the id of the queue pair */
	uint32_t qpn;
	uint32_t peer_qpn; /* the last one it was connected to, 0 = none */
	struct trace_address address;
	int64_t created, ended; /* on the run's clock; INT64_MAX: it has not */
};

struct trace_file {
	char *path; /* owned */
	uint32_t rank;
	struct vring_header header;
	int64_t offset;      /* ns: a time of this file + offset is on the run's clock */
	int64_t uncertainty; /* ns: of it, as clocks of nodes drift; -1: nobody has measured */
	int64_t forked;      /* on the run's clock: calls before are of the process that forked
			      * this one; INT64_MIN: none are */
	uint64_t bytes, records, dropped, empty_polls;
	bool whole; /* each call of the data path has its record: nothing was overwritten, lost,
		     * or counted in place of it */
};

struct trace_run {
	char *path; /* of the run directory, or of the only file; owned */
	bool directory;
	struct trace_file *file; /* by rank, then by path; owned */
	uint32_t files;
	uint32_t unreadable;     /* files of the directory that standard error has named */
	uint32_t ranks;          /* as the files say */
	uint32_t missing;        /* ranks without a file: of each rank that has none */
	struct run_table *table; /* ends by address */
	int64_t start;           /* of the first record, on the run's clock: ns since the epoch */
};

/* Open what NAME means: a run directory, JOBID[.STEP], or one file.  The run's clock is
 * CLOCK_REALTIME of node 0: offsets of nodes are those of run.json, where it has some.
 * Files of a directory that cannot be read are named on standard error and left out, as
 * long as there is another one.  Returns 0, or -1 with ERR written.
 */
int trace_run_open(struct trace_run *run, const char *name, struct err *err);
void trace_run_close(struct trace_run *run);

/* Who had the number QPN at ADDRESS at TIME (run's clock); NULL: nobody that was
 * recorded.  What it returns is valid until the run is closed.
 */
const struct trace_end *trace_run_find(const struct trace_run *run,
				       const struct trace_address *address, uint32_t qpn,
				       int64_t time);
/* The other end of the queue pair QP of FILE, or NULL. */
const struct trace_end *trace_run_peer(const struct trace_run *run, uint32_t file,
				       const struct trace_qp *qp);

struct trace_handler {
	void *arg;
	/* Each may be NULL; -1 ends everything.  All times, also those of OBJECTS, are on
	 * the run's clock.
	 */
	int (*event)(void *arg, const struct reader_event *event, const struct objects *objects);
	struct match_handler match; /* its arg is not used: it gets ARG */
	/* Before the first event and after the last one of a file. */
	int (*begin)(void *arg, const struct trace_file *file);
	int (*end)(void *arg, const struct trace_file *file, const struct objects *objects);
};

/* Go through file INDEX, or all one after the other, with progress on standard error when
 * it is a terminal and takes long.  Ctrl-C makes it fail, so that what is half written can
 * be removed.  Returns 0, or -1 with ERR written; where a handler has failed it is the
 * handler's to write it.
 */
int trace_run_walk(const struct trace_run *run, uint32_t index, const struct trace_handler *handler,
		   struct err *err);
int trace_run_walk_all(const struct trace_run *run, const struct trace_handler *handler,
		       struct err *err);

#endif
