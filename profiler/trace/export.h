/* SPDX-License-Identifier: Apache-2.0 */
/* export.h - the formats of `netemu trace export` */
#ifndef TRACE_EXPORT_H
#define TRACE_EXPORT_H

#include "trace/run.h"

#include <stdio.h>

struct export_format {
	const char *name;   /* as --format says it */
	const char *file;   /* of one rank: what stands before _<rank> in its name, */
	const char *suffix; /* and what after it; a file of the whole run has no rank */
	/* Write COUNT files of RUN from FIRST on to STREAM.  Returns 0, or -1: with ERR
	 * written, or the errno of STREAM in *ERROR.
	 */
	int (*write)(const struct trace_run *run, uint32_t first, uint32_t count, FILE *stream,
		     int *error, struct err *err);
};

extern const struct export_format export_chrome, export_raw, export_csv;

/* Walk these files with HANDLER, one progress for all where it is all of them. */
int export_walk(const struct trace_run *run, uint32_t first, uint32_t count,
		const struct trace_handler *handler, struct err *err);

#endif
