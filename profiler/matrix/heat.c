/* SPDX-License-Identifier: Apache-2.0 */
/* heat.c - a matrix on the terminal */
#include "plain.h"
#include "report.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int report_cells(const struct report *report, uint32_t cells, double **values, uint32_t *side,
		 uint32_t *width, struct err *err)
{
	const struct matrix *matrix = report->matrix;
	double *sums;

	*width = (matrix->size + cells - 1) / cells;
	*side = (matrix->size + *width - 1) / *width;
	sums = malloc((size_t)*side * *side * sizeof(*sums));
	if (!sums)
		return err_errno(err, "%s", report->name);
	for (size_t i = 0; i < (size_t)*side * *side; i++)
		sums[i] = -1;
	for (size_t i = 0; i < matrix->count; i++) {
		const struct matrix_pair *pair = &matrix->pairs[i];
		double *sum = &sums[(size_t)(pair->from / *width) * *side + pair->to / *width];

		if (pair->messages)
			*sum = fmax(*sum, 0) + (double)report_value(report, pair);
	}
	*values = sums;
	return 0;
}

/* Shades from little to much; a cell is two columns wide. */
struct shades {
	int count;
	const char *const *cells;
	const char *empty, *zero; /* no message; messages without data */
};

static const char *const ascii_cells[] = { "::", "--", "==", "++", "**", "##", "%%", "@@" };
static const char *const utf8_cells[] = { "\u2591\u2591", "\u2592\u2592", "\u2593\u2593",
					  "\u2588\u2588" };
#define COLOUR(n) "\033[48;5;" #n "m  \033[0m"
static const char *const colour_cells[] = { COLOUR(17), COLOUR(19),  COLOUR(31),  COLOUR(36),
					    COLOUR(71), COLOUR(148), COLOUR(220), COLOUR(226) };

static const struct shades ascii_shades = { 8, ascii_cells, "  ", ".." };
static const struct shades utf8_shades = { 4, utf8_cells, "  ", "\u00b7\u00b7" };
static const struct shades colour_shades = { 8, colour_cells, "  ", ".." };

struct scale {
	const struct shades *shades;
	double least, most; /* of the cells with data */
};

/* Equal steps of the logarithm. */
static int shade_of(const struct scale *scale, double value)
{
	int shade;

	if (scale->most <= scale->least)
		return scale->shades->count - 1;
	shade = (int)(log(value / scale->least) / log(scale->most / scale->least) *
		      scale->shades->count);
	return shade < scale->shades->count ? shade : scale->shades->count - 1;
}

static void put_value(const struct report *report, double value, FILE *out)
{
	char buf[32];

	if (report->what == WHAT_MESSAGES)
		fputs(units_grouped(buf, sizeof(buf), (uint64_t)(value + 0.5)), out);
	else
		fputs(units_bytes(buf, sizeof(buf), value), out);
}

static void put_legend(const struct report *report, const struct scale *scale, uint32_t width,
		       FILE *out)
{
	int count = scale->shades->count;
	double step = pow(scale->most / scale->least, 1.0 / count);
	/* Where all cells are the same, they have the last shade. */
	int first = scale->most > scale->least ? 0 : count - 1;

	fprintf(out, "\n%s sent, from row to column",
		report->what == WHAT_MESSAGES ? "messages" : "bytes");
	if (width > 1)
		fprintf(out, ", %u %s a cell", width, report->by == BY_NODE ? "nodes" : "ranks");
	fprintf(out, ":\n");
	if (scale->most <= 0)
		return;
	for (int shade = first; shade < count; shade++) {
		fprintf(out, "  %s ", scale->shades->cells[shade]);
		put_value(report, scale->least * pow(step, shade), out);
		if (shade % 4 == 3 && shade < count - 1)
			fprintf(out, "\n");
	}
	fprintf(out, " and more\n");
}

static int label_width(const struct report *report)
{
	size_t longest = 4;
	char buf[32];

	for (uint32_t i = 0; report->by == BY_NODE && i < report->matrix->size; i++) {
		size_t length = strlen(report_label(report, i, buf));

		if (length > longest)
			longest = length;
	}
	if (report->by == BY_RANK)
		longest = strlen(report_label(report, report->matrix->size - 1, buf));
	return longest > 16 ? 16 : (int)longest;
}

static void put_rows(const struct report *report, const struct scale *scale, const double *values,
		     uint32_t side, uint32_t width, int label, FILE *out)
{
	char buf[32], name[64];

	for (uint32_t row = 0; row < side; row++) {
		snprintf(name, sizeof(name), "%.*s", label, report_label(report, row * width, buf));
		plain_put_padded(out, name, -label);
		putc(' ', out);
		fputs(report->utf8 ? "\u2502" : "|", out);
		for (uint32_t column = 0; column < side; column++) {
			double value = values[(size_t)row * side + column];

			fputs(value < 0    ? scale->shades->empty
			      : value == 0 ? scale->shades->zero
					   : scale->shades->cells[shade_of(scale, value)],
			      out);
		}
		fprintf(out, "%s\n", report->utf8 ? "\u2502" : "|");
	}
}

int report_heat(const struct report *report, FILE *out, struct err *err)
{
	struct scale scale = { .least = INFINITY };
	int label = label_width(report);
	uint32_t cells = (report->columns - (uint32_t)label - 3) / 2;
	uint32_t side, width;
	double *values;

	if (report_cells(report, cells > 64 ? 64 : cells, &values, &side, &width, err) < 0)
		return -1;
	scale.shades = report->colour ? &colour_shades
		       : report->utf8 ? &utf8_shades
				      : &ascii_shades;
	for (size_t i = 0; i < (size_t)side * side; i++)
		if (values[i] > 0) {
			scale.least = fmin(scale.least, values[i]);
			scale.most = fmax(scale.most, values[i]);
		}
	put_legend(report, &scale, width, out);
	put_rows(report, &scale, values, side, width, label, out);
	free(values);
	return 0;
}
