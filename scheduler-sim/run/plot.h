/* SPDX-License-Identifier: Apache-2.0 */
/* plot.h - pictures by gnuplot
 *
 * Each picture has its script beside it, to be changed and drawn again:
 *   load.gnuplot          congestion and jobs over time
 *   distribution.gnuplot  how many links had which peak and mean load
 *   topology.gnuplot      the network, hot links in hot colours
 *   compare.gnuplot       of a sweep: all combinations side by side
 * Scripts read the CSV and TSV files beside them, but for the topology.
 */
#ifndef NETEMU_SIM_PLOT_H
#define NETEMU_SIM_PLOT_H

#include "report.h"
#include "table.h"

/* Write the scripts of one sub-scenario, and draw them as its `plots` says.
 * Returns 0, or -1 with ERR written; without gnuplot there are scripts only.
 */
int plot_results(const struct report *report, struct err *err);

/* The same for the sweep in the folder OUTPUT. */
int plot_sweep(const struct table *table, const char *output, const char *plots, struct err *err);

/* For the scripts: the head of script NAME; a title that says WHAT of which
 * algorithms; how gnuplot is to write numbers up to HIGHEST; what a load is; the peak
 * of a link's bytes / capacity; the network, 0 or -1 with errno ENOMEM.
 */
void plot_start(FILE *out, const char *name, const char *plots);
void plot_title(FILE *out, const struct scenario_case *sub, const char *what);
const char *plot_format(double highest);
const char *plot_load_label(const struct report *report);
double plot_peak(const struct report *report, uint32_t link);
int plot_network(FILE *out, const struct report *report);

#endif
