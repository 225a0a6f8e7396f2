/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "plot.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BINS            40
#define NODES_MAX       4000 /* in the picture of the network */
#define EDGES_MAX       20000
#define NAMES_MAX       64 /* nodes that are still named in it */
#define FRACTION_OF_ROW 0.9
#define PART            ".undone" /* behind the name of a picture; sub_clean() knows it */

extern char **environ;

static const char *ending_of(const char *plots)
{
	return strcmp(plots, "png") == 0 ? "png" : "svg";
}

static const char *terminal_of(const char *plots)
{
	return strcmp(plots, "png") == 0 ? "pngcairo size 1100,700 noenhanced"
					 : "svg size 1100,700 noenhanced background 'white'";
}

/* TEXT within single quotes of gnuplot. */
static void put_quoted(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', out);
		putc((unsigned char)*text < 0x20 ? '?' : *text, out);
	}
	putc('\'', out);
}

static void put_start(FILE *out, const char *name, const char *plots)
{
	fprintf(out,
		"# drawn by netemu sim; draw it again with gnuplot, in this folder\n"
		"reset\nset datafile separator whitespace\nset terminal %s\n"
		"if (!exists('part')) part = ''\nset output '%s.%s'.part\n",
		terminal_of(plots), name, ending_of(plots));
}

/* Of PFSim's dotted names the last part. */
static const char *short_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strncmp(name, "pfsim.", 6) == 0 && dot ? dot + 1 : name;
}

static void put_title(FILE *out, const struct scenario_case *sub, const char *what)
{
	char title[512];

	snprintf(title, sizeof(title), "%s: %s, %s, %s, %s on %s", what, short_name(sub->scheduler),
		 short_name(sub->selection), short_name(sub->placement), short_name(sub->routing),
		 sub->topology);
	fputs("set title ", out);
	put_quoted(out, title);
	fputs(" font ',11'\n", out);
}

static void put_over_time(FILE *out, const struct report *report)
{
	put_start(out, "load", report->sub->plots);
	fputs("set datafile separator ','\nset multiplot layout 2,1\nset grid\n"
	      "set key outside top right\n",
	      out);
	put_title(out, report->sub, "load over time");
	fputs("set ylabel 'bytes / capacity'\n"
	      "plot 'Maximum Congestion.csv' every ::1 using 1:2 with steps title 'maximum', "
	      "'Congestion StdDev.csv' every ::1 using 1:2 with steps title 'deviation'\n"
	      "unset title\nset ylabel 'jobs'\nset xlabel 'time (s)'\n"
	      "plot 'Number of Running Jobs.csv' every ::1 using 1:2 with steps title 'running', "
	      "'Number of Waiting Jobs.csv' every ::1 using 1:2 with steps title 'waiting'\n"
	      "unset multiplot\n",
	      out);
}

static double peak_of(const struct report *report, uint32_t link)
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
			highest = fmax(highest, peak_of(report, i));
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
		peaks[bin_of(peak_of(report, i), highest)]++;
		means[bin_of(mean_of(report, i), highest)]++;
	}
	put_start(out, "distribution", report->sub->plots);
	put_title(out, report->sub, "load of links between switches");
	fputs("set xlabel 'bytes / capacity'\nset ylabel 'links'\nset grid\n"
	      "set style fill solid 0.4\n$bins << EOD\n",
	      out);
	for (size_t i = 0; i < BINS; i++)
		fprintf(out, "%.6g %zu %zu\n", ((double)i + 0.5) * highest / BINS, peaks[i],
			means[i]);
	fprintf(out,
		"EOD\nset boxwidth %.6g\nplot $bins using 1:2 with boxes title 'peak', $bins using "
		"1:3 with steps linewidth 2 title 'mean over time'\n",
		highest / BINS);
}

struct point {
	double x, y;
};

/* Rows of nodes by their distance from the hosts, each spread evenly. */
static struct point *lay_out(const struct netemu_net *net)
{
	struct point *points = calloc(net->nodes, sizeof(*points));
	uint32_t top = 0, *width, *used;

	for (uint32_t i = 0; i < net->nodes; i++)
		if (net->level[i] > top && net->level[i] != NETEMU_NONE)
			top = net->level[i];
	width = calloc((size_t)top + 2, sizeof(*width));
	used = calloc((size_t)top + 2, sizeof(*used));
	for (uint32_t i = 0; points && width && used && i < net->nodes; i++)
		width[net->level[i] <= top ? net->level[i] : top + 1]++;
	for (uint32_t i = 0; points && width && used && i < net->nodes; i++) {
		uint32_t row = net->level[i] <= top ? net->level[i] : top + 1;

		points[i].x = (used[row]++ + 0.5) / width[row] * FRACTION_OF_ROW;
		points[i].y = row;
	}
	if (!width || !used) {
		free(points);
		points = NULL;
	}
	free(width);
	free(used);
	return points;
}

/* One line for each cable: the hotter of its directions. */
static void put_cables(FILE *out, const struct report *report, const struct point *points)
{
	const struct netemu_net *net = &report->topology->net;

	fputs("$cables << EOD\n", out);
	for (uint32_t i = 0; i < net->links; i++) {
		const struct netemu_link *link = &net->link[i];
		double load;

		if (link->reverse < i)
			continue;
		load = fmax(peak_of(report, i), peak_of(report, link->reverse));
		fprintf(out, "%.5f %g %.5f %g %.6g\n", points[link->from].x, points[link->from].y,
			points[link->to].x - points[link->from].x,
			points[link->to].y - points[link->from].y, load);
	}
	fputs("EOD\n", out);
}

static void put_nodes(FILE *out, const struct netemu_net *net, const struct point *points)
{
	fputs("$nodes << EOD\n", out);
	for (uint32_t i = 0; i < net->nodes; i++) {
		fprintf(out, "%.5f %g \"", points[i].x, points[i].y);
		for (const char *c = net->name[i]; *c; c++)
			putc(*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '?' : *c, out);
		fputs("\"\n", out);
	}
	fputs("EOD\n", out);
}

static int put_topology(FILE *out, const struct report *report)
{
	const struct netemu_net *net = &report->topology->net;
	struct point *points;
	double highest = 0;

	if (net->nodes > NODES_MAX || net->links > 2 * EDGES_MAX) {
		fputs("# the network is too large to be drawn\n", out);
		return 0;
	}
	points = lay_out(net);
	if (!points)
		return -1;
	for (uint32_t i = 0; i < net->links; i++)
		highest = fmax(highest, peak_of(report, i));
	put_start(out, "topology", report->sub->plots);
	put_title(out, report->sub, "peak load of cables");
	put_cables(out, report, points);
	put_nodes(out, net, points);
	free(points);
	fprintf(out,
		"set palette defined (0 '#d0d0d0', 0.25 '#f0d060', 0.6 '#f08030', 1 '#c00020')\n"
		"set cblabel 'bytes / capacity, the busier direction'\nset cbrange [0:%.6g]\n"
		"unset key\nunset border\nunset xtics\nset ytics 1\nset ylabel 'level'\n"
		"set yrange [-0.5:*]\nset offsets 0, 0, 0.4, 0\n"
		"plot $cables using 1:2:3:4:5 with vectors nohead linewidth 2 linecolor palette, "
		"$nodes using 1:2 with points pointtype 7 pointsize 0.7 linecolor '#303030'",
		highest > 0 ? highest : 1);
	if (net->nodes <= NAMES_MAX)
		fputs(", $nodes using 1:2:3 with labels offset 0,0.8 font ',9' rotate by 30", out);
	putc('\n', out);
	return 0;
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
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	for (size_t i = 0; i < count && i + 4 < sizeof(argv) / sizeof(*argv); i++)
		argv[i + 3] = (char *)names[i];
	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	posix_spawn_file_actions_addchdir_np(&actions, dir);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
	if (posix_spawnp(&pid, "gnuplot", &actions, NULL, argv, environ) == 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	posix_spawn_file_actions_destroy(&actions);
	return status == 0;
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
	    put_script(report, names[2], put_topology, err) < 0)
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

static void put_label(FILE *out, const struct table *table, size_t id)
{
	fprintf(out, "\"%zu:", id);
	for (size_t i = 0; i < table->naxes; i++) {
		putc(' ', out);
		for (const char *c = short_name(table_value(table, i, id)); *c; c++)
			putc(*c == '"' || *c == '\\' ? '?' : *c, out);
	}
	putc('"', out);
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
	bool named = table->naxes && table->cases <= 40;

	put_start(out, "compare", plots);
	put_compared(out, table);
	fprintf(out,
		"set multiplot layout %zu,1 margins char 24,2,%d,2 spacing char 0,4\n"
		"set style fill solid 0.5\nset boxwidth 0.7\n"
		"unset key\nset grid y\nset yrange [0:*]\nset xrange [-0.6:%zu.6]\n"
		"set format y '%%.3g'\n%s",
		NCOMPARED, named ? 14 : 3, table->cases - 1,
		table->cases <= 40 ? "set xtics 1\n" : "");
	for (size_t k = 0; k < NCOMPARED; k++) {
		bool last = k + 1 == NCOMPARED;

		if (last && named)
			fputs("set xtics rotate by 30 right font ',8'\n", out);
		fputs("set title ", out);
		put_quoted(out, table_measures[measure_index(compared[k])].title);
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
