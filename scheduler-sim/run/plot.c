/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "gnuplot.h"
#include "plot.h"
#include "policy/names.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BINS        40
#define NAMED_CASES 40 /* of a sweep whose values are still told */
#define LABEL_MAX   80
#define VALUE_MAX   24
#define PART        ".undone" /* behind the name of a picture; sub_clean() knows it */

static const char *ending_of(const char *plots)
{
	return strcmp(plots, "png") == 0 ? "png" : "svg";
}

static const char *terminal_of(const char *plots)
{
	return strcmp(plots, "png") == 0 ? "pngcairo size 1100,700 noenhanced"
					 : "svg size 1100,700 noenhanced background 'white'";
}

void plot_start(FILE *out, const char *name, const char *plots)
{
	fprintf(out,
		"# drawn by netemu sim; draw it again with gnuplot, in this folder\n"
		"reset\nset datafile separator whitespace\nset terminal %s\n"
		"if (!exists('part')) part = ''\nset output '%s.%s'.part\n",
		terminal_of(plots), name, ending_of(plots));
}

void plot_title(FILE *out, const struct scenario_case *sub, const char *what)
{
	char title[512];

	snprintf(title, sizeof(title), "%s: %s, %s, %s, %s on %s", what,
		 policy_own_name(NETEMU_SCHEDULING, sub->scheduler),
		 policy_own_name(NETEMU_SELECTION, sub->selection),
		 policy_own_name(NETEMU_PLACEMENT, sub->placement),
		 policy_own_name(NETEMU_ROUTING, sub->routing), sub->topology);
	fputs("set title ", out);
	gnuplot_put_quoted(out, title);
	fputs(" font ',11'\n", out);
}

/* How gnuplot is to write numbers up to HIGHEST: 1.5M where they get large. */
const char *plot_format(double highest)
{
	return highest >= 1000 ? "%.1s%c" : "%g";
}

/* What a load is: bytes / (byte/s) are seconds. */
const char *plot_load_label(const struct report *report)
{
	return report->topology->unit == TOPOLOGY_UNIT_BYTE ? "bytes / capacity (s)"
							    : "bytes / capacity";
}

/* The maximum of a series, 0 where it has none. */
static double highest_of(const struct report *report, enum recorder_series series)
{
	const struct stats *stats = &report->recorder->series[series].stats;

	return stats->count ? stats->max : 0;
}

/* The times from the first event to the last; gnuplot wants some time between. */
static void put_times(FILE *out, const struct recorder *recorder)
{
	double first = 0, last = 0;

	if (recorder->first <= recorder->last) {
		first = (double)recorder->first / 1e9;
		last = (double)recorder->last / 1e9;
	}
	fprintf(out, "set xrange [%.9g:%.9g]\n", first, last > first ? last : first + 1);
}

static void put_over_time(FILE *out, const struct report *report)
{
	double jobs =
		fmax(highest_of(report, RECORDER_RUNNING), highest_of(report, RECORDER_WAITING));
	double load = highest_of(report, RECORDER_CONGESTION);

	plot_start(out, "load", report->sub->plots);
	/* one frame below the other, with the same times */
	fprintf(out,
		"set datafile separator ','\nset multiplot layout 2,1\nset grid\n"
		"set key outside top right width 2\nset lmargin 12\nset rmargin 18\n"
		"set format y '%s'\nset yrange [0:%.9g]\n",
		plot_format(load), load > 0 ? 1.08 * load : 1);
	put_times(out, report->recorder);
	plot_title(out, report->sub, "load over time");
	fprintf(out,
		"set ylabel '%s'\n"
		"plot 'Maximum Congestion.csv' every ::1 using 1:2 with steps linewidth 2 title "
		"'maximum', 'Congestion StdDev.csv' every ::1 using 1:2 with steps title "
		"'deviation'\n",
		plot_load_label(report));
	fprintf(out,
		"unset title\nset ylabel 'jobs'\nset xlabel 'time (s)'\nset format y '%%g'\n"
		"set yrange [0:%.9g]\n%s",
		jobs > 0 ? 1.08 * jobs : 1, jobs < 8 ? "set ytics 1\n" : "");
	fputs("plot 'Number of Running Jobs.csv' every ::1 using 1:2 with steps linewidth 2 title "
	      "'running', 'Number of Waiting Jobs.csv' every ::1 using 1:2 with steps title "
	      "'waiting'\nunset multiplot\n",
	      out);
}

double plot_peak(const struct report *report, uint32_t link)
{
	return load_double(report->recorder->link[link].peak_bytes) /
	       report->topology->net.link[link].capacity;
}

static double mean_of(const struct report *report, uint32_t link)
{
	return recorder_mean_bytes(report->recorder, link) /
	       report->topology->net.link[link].capacity;
}

static double highest_peak(const struct report *report)
{
	double highest = 0;

	for (uint32_t i = 0; i < report->topology->net.links; i++)
		if (report->recorder->link[i].place != NETEMU_NONE)
			highest = fmax(highest, plot_peak(report, i));
	return highest;
}

static size_t bin_of(double value, double highest)
{
	size_t bin = (size_t)(value / highest * BINS);

	return bin < BINS ? bin : BINS - 1;
}

static void put_distribution(FILE *out, const struct report *report)
{
	double highest = highest_peak(report);
	size_t peaks[BINS] = { 0 }, means[BINS] = { 0 };

	if (highest <= 0)
		highest = 1;
	for (uint32_t i = 0; i < report->topology->net.links; i++) {
		if (report->recorder->link[i].place == NETEMU_NONE)
			continue;
		peaks[bin_of(plot_peak(report, i), highest)]++;
		means[bin_of(mean_of(report, i), highest)]++;
	}
	plot_start(out, "distribution", report->sub->plots);
	plot_title(out, report->sub, "load of links between switches");
	fprintf(out,
		"set xlabel '%s'\nset ylabel 'links'\nset grid\nset format x '%s'\n"
		"set xrange [0:%.6g]\nset yrange [0:*]\nset offsets 0, 0, graph 0.08, 0\n"
		"set key outside top right\nset style fill solid 0.4\n$bins << EOD\n",
		plot_load_label(report), plot_format(highest), highest);
	for (size_t i = 0; i < BINS; i++)
		fprintf(out, "%.6g %zu %zu\n", ((double)i + 0.5) * highest / BINS, peaks[i],
			means[i]);
	fprintf(out,
		"EOD\nset boxwidth %.6g\nplot $bins using 1:2 with boxes title 'peak', $bins using "
		"1:3 with histeps linewidth 2 title 'mean over time'\n",
		highest / BINS);
}

/* Give the picture of script NAME its own name, or without KEEP remove it. */
static void finish(const char *dir, const char *name, const char *plots, bool keep)
{
	int length = (int)strcspn(name, ".");
	char *part = NULL, *whole = NULL;

	if (asprintf(&part, "%s/%.*s.%s" PART, dir, length, name, ending_of(plots)) < 0)
		part = NULL;
	if (asprintf(&whole, "%s/%.*s.%s", dir, length, name, ending_of(plots)) < 0)
		whole = NULL;
	if (part && (!keep || !whole || rename(part, whole) < 0))
		unlink(part); /* what was too large to be drawn has none */
	free(part);
	free(whole);
}

/* Have gnuplot draw what the scripts NAMES of DIR say, under names for parts.
 * Returns whether it has.
 */
static bool draw_parts(const char *dir, const char *const names[], size_t count)
{
	char *argv[8] = { (char *)"gnuplot", (char *)"-e", (char *)"part = '" PART "'" };

	for (size_t i = 0; i < count && i + 4 < sizeof(argv) / sizeof(*argv); i++)
		argv[i + 3] = (char *)names[i];
	return gnuplot_run(argv, dir, true) == 0;
}

/* Draw the scripts NAMES of DIR; a machine without gnuplot can draw later.
 * Pictures appear when they are whole.
 */
static void draw(const char *dir, const char *const names[], size_t count, const char *plots)
{
	bool drawn = draw_parts(dir, names, count);

	for (size_t i = 0; i < count; i++)
		finish(dir, names[i], plots, drawn);
}

static int put_script(const struct report *report, const char *name,
		      int (*put)(FILE *out, const struct report *report), struct err *err)
{
	struct outfile file;

	if (report_open(report->dir, &file, name, err) < 0)
		return -1;
	if (put(file.stream, report) < 0) {
		outfile_abort(&file);
		return err_errno(err, "%s", report->dir);
	}
	return outfile_commit(&file, err);
}

static int over_time(FILE *out, const struct report *report)
{
	put_over_time(out, report);
	return 0;
}

static int distribution(FILE *out, const struct report *report)
{
	put_distribution(out, report);
	return 0;
}

int plot_results(const struct report *report, struct err *err)
{
	static const char *const names[] = { "load.gnuplot", "distribution.gnuplot",
					     "topology.gnuplot" };

	if (strcmp(report->sub->plots, "no") == 0)
		return 0;
	if (put_script(report, names[0], over_time, err) < 0 ||
	    put_script(report, names[1], distribution, err) < 0 ||
	    put_script(report, names[2], plot_network, err) < 0)
		return -1;
	draw(report->dir, names, 3, report->sub->plots);
	return 0;
}

/* Measures that the comparison shows, by name. */
static const char *const compared[] = { "load_max", "load_mean", "wait_mean" };

#define NCOMPARED (sizeof(compared) / sizeof(*compared))

static size_t measure_index(const char *name)
{
	size_t m = 0;

	while (strcmp(table_measures[m].name, name))
		m++;
	return m;
}

/* The values at sub-scenario ID, of each no more than fits under a column. */
static char *label_of(char *buf, size_t size, const struct table *table, size_t id)
{
	int length = snprintf(buf, size, "%zu:", id);

	for (size_t i = 0; i < table->naxes && (size_t)length < size; i++)
		length += snprintf(buf + length, size - (size_t)length, " %.*s", VALUE_MAX,
				   table_value(table, i, id));
	return buf;
}

static void put_label(FILE *out, const struct table *table, size_t id)
{
	char label[LABEL_MAX];

	putc('"', out);
	for (const char *c = label_of(label, sizeof(label), table, id); *c; c++)
		putc(*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '?' : *c, out);
	putc('"', out);
}

static size_t longest_label(const struct table *table)
{
	char label[LABEL_MAX];
	size_t longest = 0;

	for (size_t id = 0; id < table->cases; id++) {
		size_t length = strlen(label_of(label, sizeof(label), table, id));

		if (length > longest)
			longest = length;
	}
	return longest;
}

static double highest_cell(const struct table *table, size_t measure)
{
	double highest = 0;

	for (size_t id = 0; id < table->cases; id++) {
		const struct table_cell *cell = &table->cells[id * table_nmeasures + measure];

		if (cell->count)
			highest = fmax(highest, cell->mean);
	}
	return highest;
}

static void put_compared(FILE *out, const struct table *table)
{
	fputs("$rows << EOD\n", out);
	for (size_t id = 0; id < table->cases; id++) {
		fprintf(out, "%zu ", id);
		put_label(out, table, id);
		for (size_t k = 0; k < NCOMPARED; k++) {
			const struct table_cell *cell =
				&table->cells[id * table_nmeasures + measure_index(compared[k])];

			if (cell->count)
				fprintf(out, " %.9g %.9g", cell->mean, cell->half);
			else
				fputs(" NaN NaN", out);
		}
		putc('\n', out);
	}
	fputs("EOD\n", out);
}

static void put_sweep(FILE *out, const struct table *table, const char *plots)
{
	bool named = table->naxes && table->cases <= NAMED_CASES;
	size_t longest = named ? longest_label(table) : 0;

	plot_start(out, "compare", plots);
	put_compared(out, table);
	/* labels are written upwards by 30 degrees, smaller than a character's height */
	fprintf(out,
		"set multiplot layout %zu,1 margins char %zu,2,%zu,2 spacing char 0,4\n"
		"set style fill solid 0.5\nset boxwidth 0.7\n"
		"unset key\nset grid y\nset xrange [-0.6:%zu.6]\n%s",
		NCOMPARED, longest / 2 > 12 ? longest / 2 : 12, 3 + longest / 6, table->cases - 1,
		table->cases <= NAMED_CASES ? "set xtics 1\n" : "");
	for (size_t k = 0; k < NCOMPARED; k++) {
		bool last = k + 1 == NCOMPARED;
		size_t measure = measure_index(compared[k]);
		double highest = highest_cell(table, measure);

		if (last && named)
			fputs("set xtics rotate by 30 right font ',9'\n", out);
		fprintf(out, "set format y '%s'\nset yrange [0:%s]\nset title ",
			plot_format(highest), highest > 0 ? "*" : "1");
		gnuplot_put_quoted(out, table_measures[measure].title);
		fprintf(out, "\nplot $rows using 1:%zu%s with boxes", 3 + 2 * k,
			last && named ? ":xtic(2)" : "");
		if (table->repeat > 1)
			fprintf(out,
				", $rows using 1:%zu:%zu with yerrorbars linecolor 'black' "
				"pointtype 0",
				3 + 2 * k, 4 + 2 * k);
		putc('\n', out);
	}
	fputs("unset multiplot\n", out);
}

int plot_sweep(const struct table *table, const char *output, const char *plots, struct err *err)
{
	static const char *const names[] = { "compare.gnuplot" };
	struct outfile file;
	char *path;
	int rc;

	if (strcmp(plots, "no") == 0)
		return 0;
	if (asprintf(&path, "%s/%s", output, names[0]) < 0)
		return err_errno(err, "%s", output);
	rc = outfile_open(&file, path, err);
	free(path);
	if (rc < 0)
		return -1;
	put_sweep(file.stream, table, plots);
	if (outfile_commit(&file, err) < 0)
		return -1;
	draw(output, names, 1, plots);
	return 0;
}
