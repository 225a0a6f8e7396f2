/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot.h - pictures by gnuplot
 *
 * Each picture FILE.svg has its script FILE.gnuplot beside it, data included, so that it can be
 * changed and drawn again.
 */
#ifndef NETEMU_GNUPLOT_H
#define NETEMU_GNUPLOT_H

#include "err.h"

#include <stdbool.h>
#include <stdio.h>

/* Whether PATH ends in .svg, .png or .pdf. */
bool gnuplot_can_draw(const char *path);

/* TEXT within single quotes. */
void gnuplot_put_quoted(FILE *out, const char *text);

/* The head of a script of PROGRAM that draws PATH, WIDTH by HEIGHT pixels (of a pdf 50 a cm). */
void gnuplot_put_head(FILE *out, const char *program, const char *path, unsigned int width,
		      unsigned int height);

/* Writes what follows the head.  Returns 0, or -1 with ERR. */
typedef int gnuplot_put_fn(FILE *out, const char *path, const void *arg, struct err *err);

/* Have PUT write the script of PATH, a name that can be drawn, and draw it.  Returns 0, or -1 with
 * ERR: then there is no picture, but where gnuplot is missing or fails, the script.
 */
int gnuplot_draw(const char *path, gnuplot_put_fn *put, const void *arg, struct err *err);

/* Run ARGV, {"gnuplot", ..., NULL}, in folder DIR, NULL: this one; QUIET: it prints nothing.
 * Returns its exit status, 128 and more for a signal, or -1 with errno.
 */
int gnuplot_run(char *const argv[], const char *dir, bool quiet);

#endif
