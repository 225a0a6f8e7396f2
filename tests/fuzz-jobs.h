/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-jobs.h - any bytes as a file of jobs
 *
 * What is taken must be jobs that a simulation can run; what is not is a
 * sentence with the file's name.
 */
#ifndef NETEMU_TESTS_FUZZ_JOBS_H
#define NETEMU_TESTS_FUZZ_JOBS_H

#include "fuzz.h"
#include "jobs/record.h"

#include <stdlib.h>
#include <string.h>

typedef int fuzz_jobs_fn(struct workload *workload, const char *data, size_t size, const char *name,
			 const struct workload_ask *ask, struct err *err);

static inline void fuzz_check_jobs(const struct workload *workload)
{
	for (size_t i = 0; i < workload->count; i++) {
		const struct workload_job *job = &workload->jobs[i];

		if (job->job.submit < 0 || job->duration < 0 || job->job.limit < job->duration ||
		    !job->job.ranks || job->job.submit > INT64_MAX - job->duration ||
		    (i && job->job.submit < job[-1].job.submit))
			abort();
	}
}

static inline int fuzz_jobs(fuzz_jobs_fn *parse, const uint8_t *data, size_t size)
{
	const struct workload_ask ask = { .resources = true };
	char *exact = malloc(size ? size : 1); /* so that reading behind the end is seen */
	struct workload workload;
	struct err err = { "" };

	memcpy(exact, data, size);
	workload_init(&workload);
	if (parse(&workload, exact, size, "f", &ask, &err) < 0 && strncmp(err.text, "f:", 2))
		abort();
	workload_settle(&workload);
	fuzz_check_jobs(&workload);
	workload_release(&workload);
	free(exact);
	return 0;
}

#endif
