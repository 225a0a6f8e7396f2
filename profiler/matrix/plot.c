/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - pictures by gnuplot
 *
 * Each picture has its script beside it, data included, so that it can be
 * changed and drawn again: gnuplot FILE.gnuplot.
 */
#include "gnuplot.h"
#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLOT_CELLS 512 /* a side, at most */

bool report_plot_suffix(const char *path)
{
	return gnuplot_can_draw(path);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_title(FILE *out, const struct report *report, const char *what)
{
	char title[512];

	snprintf(title, sizeof(title), "%s: %s", base_of(report->name), what);
	fprintf(out, "set title ");
	gnuplot_put_quoted(out, title);
	fprintf(out, "\n");
}

static void put_range(FILE *out, const double *values, size_t count)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < count; i++)
		if (values[i] > 0) {
			least = fmin(least, values[i]);
			most = fmax(most, values[i]);
		}
	if (most <= 0)
		least = most = 1;
	if (least == most)
		most = 10 * least;
	fprintf(out, "set logscale cb\nset cbrange [%.0f:%.0f]\n", least, most);
}

/* Names instead of numbers at the axes, as many as can be read. */
static void put_names(FILE *out, const struct report *report, uint32_t side, uint32_t width)
{
	char buf[32];

	if (report->by != BY_NODE || side > 48)
		return;
	for (int axis = 0; axis < 2; axis++) {
		fprintf(out, "set %ctics %s(", "xy"[axis], axis ? "" : "rotate ");
		for (uint32_t i = 0; i < side; i++) {
			fputs(i ? ", " : "", out);
			gnuplot_put_quoted(out, report_label(report, i * width, buf));
			fprintf(out, " %" PRIu32, i * width);
		}
		fprintf(out, ")\n");
	}
}

static int put_heat(FILE *out, const char *path, const void *arg, struct err *err)
{
	const struct report *report = arg;
	const char *unit = report->by == BY_NODE ? "node" : "rank";
	uint32_t side, width;
	double *values;

	if (report_cells(report, PLOT_CELLS, &values, &side, &width, err) < 0)
		return -1;
	gnuplot_put_head(out, "netemu-matrix", path, 900, 820);
	put_title(out, report, report->what == WHAT_MESSAGES ? "messages sent" : "bytes sent");
	fprintf(out, "set xlabel 'to %s'\nset ylabel 'from %s'\nset cblabel '%s'\n", unit, unit,
		report->what == WHAT_MESSAGES ? "messages" : "bytes");
	fprintf(out, "set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', "
		     "4 '#21908d', 5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725')\n");
	put_range(out, values, (size_t)side * side);
	fprintf(out, "set format cb '%s'\nset size square\nset tics out nomirror\nunset key\n",
		report->what == WHAT_MESSAGES ? "%.0s%c" : "%.0s %cB");
	fprintf(out, "set xrange [%g:%g]\nset yrange [%g:%g]\n", -0.5 * width,
		((double)side - 0.5) * width, ((double)side - 0.5) * width, -0.5 * width);
	put_names(out, report, side, width);
	fprintf(out, "$cells << EOD\n");
	for (uint32_t row = 0; row < side; row++) {
		for (uint32_t column = 0; column < side; column++) {
			double value = values[(size_t)row * side + column];

			fputs(column ? " " : "", out);
			fprintf(out, "%.0f", value > 0 ? value : 0);
		}
		putc('\n', out);
	}
	fprintf(out,
		"EOD\nplot $cells matrix using ($1*%" PRIu32 "):($2*%" PRIu32
		"):($3 > 0 ? $3 : NaN) with image pixels\n",
		width, width);
	free(values);
	return 0;
}

static int put_sizes(FILE *out, const char *path, const void *arg, struct err *err)
{
	const struct report *report = arg;
	static const char *const prefixes[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	uint64_t bins[REPORT_BINS];
	int used = report_bins(report->run, bins);

	(void)err;
	gnuplot_put_head(out, "netemu-matrix", path, 900, 820);
	put_title(out, report, "sizes of the messages sent");
	fprintf(out, "set xlabel 'bytes, from'\nset ylabel 'messages'\nset logscale y\n"
		     "set yrange [0.5:*]\nset format y '%%.0s%%c'\nset style fill solid 0.8\n"
		     "set boxwidth 0.9\nset tics out nomirror\nset xtics rotate\nunset key\n"
		     "set datafile missing '-'\n$bins << EOD\n");
	for (int bin = 0; bin < used || bin < 2; bin++) {
		int power = bin ? bin - 1 : 0;

		fprintf(out, "\"%d %s\" ", bin ? 1 << power % 10 : 0, prefixes[power / 10]);
		if (bins[bin])
			fprintf(out, "%" PRIu64 "\n", bins[bin]);
		else
			fprintf(out, "-\n");
	}
	fprintf(out, "EOD\nplot [-1:%d] $bins using 0:2:xtic(1) with boxes lc rgb '#2c718e'\n",
		used > 2 ? used : 2);
	return 0;
}

int report_plot(const struct report *report, const char *path, struct err *err)
{
	const char *suffix = strrchr(path, '.');
	char *sizes;
	int rc;

	if (gnuplot_draw(path, put_heat, report, err) < 0)
		return -1;
	if (!report->run->nsizes) {
		fprintf(stderr,
			"netemu-matrix: %s: no sizes were recorded, so there is no "
			"histogram of them\n",
			report->name);
		return 0;
	}
	if (asprintf(&sizes, "%.*s-sizes%s", (int)(strlen(path) - strlen(suffix)), path, suffix) <
	    0)
		return err_errno(err, "%s", path);
	rc = gnuplot_draw(sizes, put_sizes, report, err);
	free(sizes);
	return rc;
}
