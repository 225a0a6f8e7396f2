/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz-jobs.h"
#include "jobs/jobcomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_jobs(jobcomp_parse, data, size);
}
