/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what is shown of a run, and how
 *
 * Everything goes to a stdio stream; a write that failed is found when the
 * stream is closed, in main.c.
 */
#ifndef NETEMU_MATRIX_REPORT_H
#define NETEMU_MATRIX_REPORT_H

#include "run.h"

#include <stdio.h>

enum what { WHAT_BYTES, WHAT_MESSAGES, WHAT_SIZES };
enum by { BY_RANK, BY_NODE };

struct report {
	const char *name; /* as the user named the run */
	struct run *run;
	enum what what;
	enum by by;
	bool list_windows;
	const struct matrix *matrix;   /* of what was selected, by rank or node */
	const struct matrix *ranks;    /* the same, by rank */
	struct matrix_summary summary; /* of `ranks` */
	/* How it is drawn on a terminal. */
	unsigned columns;
	bool utf8, colour;
};

/* How a row or column of report->matrix is called: a rank or a node. */
const char *report_label(const struct report *report, uint32_t index, char buf[32]);

/* Set columns, utf8 and colour as the terminal has them; TO_STDOUT: it is shown there. */
void report_terminal(struct report *report, bool to_stdout);

/* Of one pair, what the report is about. */
static inline uint64_t report_value(const struct report *report, const struct matrix_pair *pair)
{
	return report->what == WHAT_MESSAGES ? pair->messages : pair->bytes;
}

/* The formats.  Return 0, or -1 with ERR written. */
int report_text(const struct report *report, FILE *out, struct err *err);
int report_tsv(const struct report *report, FILE *out, struct err *err);
int report_json(const struct report *report, FILE *out, struct err *err);

/* A tar archive that PFSim reads, compressed as the suffix of PATH says ("-":
 * standard output, not compressed).
 */
int report_pfsim(const struct report *report, const char *path, struct err *err);

/* The matrix as blocks or characters, after a line that says what they mean. */
int report_heat(const struct report *report, FILE *out, struct err *err);

/* REPORT->matrix in at most CELLS by CELLS sums, row by row: *VALUES is
 * malloc'ed, *SIDE gets their number a side, *WIDTH how many ranks or nodes
 * one stands for.  Cells without a message are < 0.
 */
int report_cells(const struct report *report, uint32_t cells, double **values, uint32_t *side,
		 uint32_t *width, struct err *err);

/* Heat map to PATH (.svg, .png or .pdf), histogram of message sizes to the
 * same name with -sizes in it, each with its gnuplot script beside it.
 */
int report_plot(const struct report *report, const char *path, struct err *err);
/* Whether PATH has a suffix that can be plotted. */
bool report_plot_suffix(const char *path);

/* Messages by power of two of their size: [0] of no bytes, [k + 1] of
 * [2^k, 2^(k+1)).  Returns how many are in use.
 */
#define REPORT_BINS 65
int report_bins(const struct run *run, uint64_t bins[REPORT_BINS]);

/* What changed from A to B, in FORMAT: "text", "tsv" or "json". */
void report_diff(const struct report *a, const struct report *b, const struct matrix_diff *diff,
		 const char *format, FILE *out);

/* TEXT as a JSON string, or null. */
void put_json(FILE *out, const char *text);

#endif
