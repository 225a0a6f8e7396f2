/* SPDX-License-Identifier: Apache-2.0 */
/* swf.h - the Standard Workload Format
 *
 * Feitelson, Tsafrir and Krakov, "Experience with using the Parallel Workloads
 * Archive", JPDC 74(10), 2014; version 2.2.  Comments begin with ';', each job is
 * a line of 18 numbers, -1 where something is not known.
 */
#ifndef NETEMU_SWF_H
#define NETEMU_SWF_H

#include "record.h"

#include <stdio.h>

/* The fields in their order: X(name, what it is). */
#define SWF_FIELD_LIST(X)                                     \
	X(job, "number of the job")                           \
	X(submit, "s")                                        \
	X(wait, "s")                                          \
	X(run, "s")                                           \
	X(procs, "processors it got")                         \
	X(cpu, "s of CPU for each processor, average")        \
	X(memory, "KiB for each processor")                   \
	X(ask_procs, "processors asked for")                  \
	X(ask_time, "s asked for")                            \
	X(ask_memory, "KiB for each processor, asked for")    \
	X(status, "0 failed, 1 done, 2-4 parts, 5 cancelled") \
	X(user, "number")                                     \
	X(group, "number")                                    \
	X(program, "number")                                  \
	X(queue, "number")                                    \
	X(partition, "number")                                \
	X(before, "number of the job it waited for")          \
	X(think, "s after that one")

enum swf_field {
#define X(name, what) SWF_##name,
	SWF_FIELD_LIST(X)
#undef X
		SWF_FIELDS
};

/* Append the jobs in the file PATH as a source of their own; plain or
 * compressed.  A job has a rank for each processor, and as many hosts as hold
 * them unless ask->ranks_per_node is set.  Its limit is the time asked for, at
 * least the run time, else ask->limit, else the run time.  Parts of jobs that
 * were checkpointed (status 2 to 4) and jobs that never ran are left out.
 * Returns 0, or -1 with ERR written: "file:line: ...".
 */
int swf_read(struct workload *workload, const char *path, const struct workload_ask *ask,
	     struct err *err);

/* The same for SIZE bytes of DATA, said to be the file NAME. */
int swf_parse(struct workload *workload, const char *data, size_t size, const char *name,
	      const struct workload_ask *ask, struct err *err);

/* The header: which COMPUTER, and when time 0 is (s since the epoch, -1: unknown). */
void swf_write_header(FILE *out, const char *computer, int64_t unix_start, uint32_t nodes,
		      uint64_t procs);

/* One job.  Fields that were not set are to be -1: begin with swf_nothing. */
extern const double swf_nothing[SWF_FIELDS];
void swf_write_job(FILE *out, const double field[SWF_FIELDS]);

#endif
