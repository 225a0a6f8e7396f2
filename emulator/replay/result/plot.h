/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h - pictures of summaries: time and bandwidth
 *
 * For each kind of collective and number of ranks a row of two panels: median and 99th percentile
 * of the time, and both bandwidths, by size.  Below how long each lane was taken, over ranks,
 * measured and predicted side by side.  Several summaries share the panels.
 */
#ifndef RESULT_PLOT_H
#define RESULT_PLOT_H

#include "result/summary.h"

#include <stdio.h>

struct plot_files {
	const struct summary *summaries;
	size_t count; /* at least 1 */
};

/* Draw FILES into PATH, a name that gnuplot_can_draw().  Returns 0, or -1 with ERR. */
int plot_draw(const struct plot_files *files, const char *path, struct err *err);
/* The script for that to OUT.  Returns 0, or -1 with ERR: there is nothing to draw. */
int plot_script(const struct plot_files *files, const char *path, FILE *out, struct err *err);

#endif
