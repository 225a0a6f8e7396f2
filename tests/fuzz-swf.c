/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz-jobs.h"
#include "jobs/swf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_jobs(swf_parse, data, size);
}
