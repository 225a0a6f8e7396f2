/* SPDX-License-Identifier: Apache-2.0 */
/* generate.h - jobs that come at random
 *
 * An open renewal process, as PFSim's: the time from one submission to the next
 * and the run time are each drawn from a distribution.  Each draw has a random
 * stream of its own, made from the seed, what is drawn, the source and the
 * number of the job: all sub-scenarios of a sweep see the same jobs, and more
 * jobs change none of the earlier ones.
 */
#ifndef NETEMU_GENERATE_H
#define NETEMU_GENERATE_H

#include "mt19937.h"
#include "record.h"

enum generate_kind {
	GENERATE_EXPONENTIAL, /* a = rate, 1/s */
	GENERATE_UNIFORM,     /* in [a, b), s */
	GENERATE_CONSTANT,    /* a, s */
	GENERATE_TRACE,       /* numbers, one after the other, s */
};

struct generate_distribution {
	enum generate_kind kind;
	double a, b;
	double *numbers; /* owned */
	size_t count;
};

/* The numbers (s, >= 0) in the file PATH, between blanks and line ends; '#'
 * begins a comment.  Returns 0, or -1 with ERR written: "file:line: ...".
 */
int generate_numbers(struct generate_distribution *distribution, const char *path, struct err *err);

/* The same for SIZE bytes of DATA, said to be the file NAME. */
int generate_parse(struct generate_distribution *distribution, const char *data, size_t size,
		   const char *name, struct err *err);
void generate_release(struct generate_distribution *distribution);

struct generate {
	const struct generate_distribution *duration, *interarrival; /* not owned */
	uint64_t seed;
	unsigned int source;
	struct mt19937 *python; /* draw from it, as PFSim does; NULL: own streams */
	uint64_t drawn;         /* jobs so far */
};

/* Draw the next job: its run time first, then the time to its submission from
 * the last one's (s).  Returns 0, or -1 when a trace has no more numbers.
 */
int generate_next(struct generate *generate, double *duration, double *interarrival);

/* Append the jobs of GENERATE as a source of their own (generate->source is set
 * to it), until COUNT jobs (0: any number), the end of a trace, or a submission
 * after UNTIL (ns; NETEMU_NEVER: none).  MODEL is copied into each: ranks, nodes, want,
 * limit (0: the run time), priority, shares; ids count from 0.  TRAFFIC is
 * shared, or NULL.  Returns 0, or -1 with ERR written: without any end, or more
 * than WORKLOAD_MAX / 10 jobs.
 */
int generate_jobs(struct generate *generate, struct workload *workload,
		  const struct netemu_job *model, struct traffic *traffic, const char *name,
		  uint64_t count, int64_t until, struct err *err);

#endif
