/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h - pictures of summaries: time and bandwidth
 *
 * For each kind of collective and number of ranks a row of two panels: median and 99th percentile
 * of the time, and both bandwidths, by size.  Below how long each lane was taken, over ranks,
 * measured and predicted side by side.  Several summaries share the panels.
 *
 * Marks have data-file, data-side (measured, predicted), data-what (p50_ns, ...) and data-value, a
 * number as in the summary; of collectives data-collective, data-ranks, data-bytes, of ranks
 * data-rank.
 */
#ifndef RESULT_PLOT_H
#define RESULT_PLOT_H

#include "result/summary.h"

#include <stdio.h>

/* Draw COUNT summaries to OUT, one SVG.  Returns 0, or -1 with ERR: there is nothing to draw. */
int plot_summaries(const struct summary *summaries, size_t count, FILE *out, struct err *err);

#endif
