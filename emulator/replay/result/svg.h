/* SPDX-License-Identifier: Apache-2.0 */
/* svg.h - panels with axes, lines and marks, as SVG
 *
 * Written as it is drawn.  Each mark says in its <title> what a browser shows when one points at
 * it, and in its data-* attributes what it stands for, for programs.
 */
#ifndef RESULT_SVG_H
#define RESULT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How the numbers of an axis read. */
enum svg_unit { SVG_PLAIN, SVG_BYTES, SVG_TIME, SVG_RATE }; /* B, ns, byte/s */

struct svg_axis {
	const char *label;
	enum svg_unit unit;
	bool log;
	double low, high; /* of the values; svg_panel() makes them wider */
};

struct svg_panel {
	double x, y, width, height; /* of what is between the axes, pixels */
	struct svg_axis across, up;
};

/* How a series looks. */
struct svg_style {
	unsigned colour; /* any; they come again after eight */
	bool second;     /* dashed, hollow marks */
};

void svg_begin(FILE *out, double width, double height);
void svg_end(FILE *out);

/* TEXT with what XML does not bear replaced. */
void svg_text(FILE *out, const char *text);

/* Frame, grid, numbers and labels of PANEL, TITLE above it. */
void svg_panel(FILE *out, struct svg_panel *panel, const char *title);
/* A line from one to the next of the COUNT points (ACROSS[i], UP[i]). */
void svg_line(FILE *out, const struct svg_panel *panel, const struct svg_style *style,
	      const double *across, const double *up, size_t count);
/* A mark at one point; ATTRIBUTES and TITLE are XML already. */
void svg_mark(FILE *out, const struct svg_panel *panel, const struct svg_style *style,
	      double across, double up, const char *attributes, const char *title);
/* An entry of the legend at (X, Y). */
void svg_legend(FILE *out, double x, double y, const struct svg_style *style, const char *text);

/* VALUE as it stands at axes: "1.5 ms".  Returns BUF. */
char *svg_number(char *buf, size_t size, double value, enum svg_unit unit);

/* An axis that has no value yet, and VALUE on it.  Of logarithmic ones only what is above 0
 * counts.
 */
#define SVG_NO_RANGE .low = 1e300, .high = -1e300
void svg_widen(struct svg_axis *axis, double value);

#endif
