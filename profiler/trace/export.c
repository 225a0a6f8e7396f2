/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/export.h"

int export_walk(const struct trace_run *run, uint32_t first, uint32_t count,
		const struct trace_handler *handler, struct err *err)
{
	int rc = 0;

	if (count == run->files)
		return trace_run_walk_all(run, handler, err);
	for (uint32_t i = first; rc == 0 && i < first + count; i++)
		rc = trace_run_walk(run, i, handler, err);
	return rc;
}
