/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "result/plot.h"

#include "gnuplot.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 1240 /* pixels */
#define ROW   340

#define RANKS_NAMED 16 /* each, while there are no more */

static const char *const sides[] = { "measured", "predicted" };
static const char *const lanes[] = { "finish", "cpu", "compute", "communication" };

#define LANES (sizeof(lanes) / sizeof(*lanes))

/* Panels of collectives: two columns of their data each. */
static const struct panel {
	const char *what, *format;
	double unit; /* of what is drawn, in those of the summary */
	struct {
		const char *label;
		int column;
		size_t at;
	} line[2];
} panels[] = {
	{ "time",
	  "%.0s %cs",
	  1e9,
	  { { "p50", 2, offsetof(struct summary_collective, p50) },
	    { "p99", 3, offsetof(struct summary_collective, p99) } } },
	{ "bandwidth",
	  "%.0s %cB/s",
	  1,
	  { { "busbw", 5, offsetof(struct summary_collective, busbw) },
	    { "algbw", 4, offsetof(struct summary_collective, algbw) } } },
};

/* Collectives of one kind and number of ranks. */
struct kind {
	const char *name;
	uint32_t ranks;
};

struct plot {
	const struct summary *summaries;
	size_t count;
	struct kind *kinds;
	size_t nkinds;
	bool ranks[SUMMARY_SIDES]; /* there are some */
};

static const struct summary_part *part_of(const struct plot *plot, size_t file, int side)
{
	return &plot->summaries[file].part[side];
}

static bool is_of(const struct summary_collective *one, const struct kind *kind)
{
	return one->ranks == kind->ranks && !strcmp(one->name, kind->name);
}

static bool has(const struct summary_part *part, const struct kind *kind)
{
	for (size_t i = 0; i < part->ncollectives; i++)
		if (is_of(&part->collectives[i], kind))
			return true;
	return false;
}

/* --- data --- */

/* Names are of a file: they must not end the line. */
static void put_comment(FILE *out, const struct plot *plot, size_t file, int side, const char *what)
{
	fprintf(out, "# %s, ", sides[side]);
	gnuplot_put_quoted(out, plot->summaries[file].path);
	fprintf(out, ": ");
	gnuplot_put_quoted(out, what);
	putc('\n', out);
}

/* Every number as in the summary. */
static void put_collectives(FILE *out, const struct plot *plot, size_t k, size_t file, int side)
{
	const struct summary_part *part = part_of(plot, file, side);

	if (!has(part, &plot->kinds[k]))
		return;
	put_comment(out, plot, file, side, plot->kinds[k].name);
	fprintf(out, "# of %" PRIu32 " ranks: bytes, p50 and p99 (ns), algbw and busbw (byte/s)\n",
		plot->kinds[k].ranks);
	fprintf(out, "$collective_%zu_%zu_%d << EOD\n", k, file, side);
	for (size_t i = 0; i < part->ncollectives; i++) {
		const struct summary_collective *one = &part->collectives[i];

		if (is_of(one, &plot->kinds[k]))
			fprintf(out, "%" PRIu64 " %.17g %.17g %.17g %.17g\n", one->bytes, one->p50,
				one->p99, one->algbw, one->busbw);
	}
	fprintf(out, "EOD\n");
}

static void put_ranks(FILE *out, const struct plot *plot, size_t file, int side)
{
	const struct summary_part *part = part_of(plot, file, side);

	if (!part->nranks)
		return;
	put_comment(out, plot, file, side, "ranks");
	fprintf(out, "# rank,");
	for (size_t i = 0; i < LANES; i++)
		fprintf(out, " %s", lanes[i]);
	fprintf(out, " (ns)\n$ranks_%zu_%d << EOD\n", file, side);
	for (size_t i = 0; i < part->nranks; i++)
		fprintf(out, "%" PRIu32 " %.17g %.17g %.17g %.17g\n", part->ranks[i].rank,
			part->ranks[i].finish, part->ranks[i].cpu, part->ranks[i].compute,
			part->ranks[i].communication);
	fprintf(out, "EOD\n");
}

/* --- panels --- */

/* " title 'SIDE LABEL, FILE'", the file where there are several. */
static void put_title(FILE *out, const struct plot *plot, size_t file, const char *side,
		      const char *label)
{
	const char *path = plot->summaries[file].path, *slash = strrchr(path, '/');
	char title[160];

	if (slash && strcmp(slash, "/summary.json") != 0)
		path = slash + 1;
	snprintf(title, sizeof(title), "%s%s%s%s%.60s", side, *side ? " " : "", label,
		 plot->count > 1 ? ", " : "", plot->count > 1 ? path : "");
	fputs(" title ", out);
	gnuplot_put_quoted(out, title);
}

/* The colour is of file and side, the dashes of what it is. */
static void put_line(FILE *out, const struct plot *plot, size_t k, size_t file, int side,
		     const struct panel *panel, int i, bool first)
{
	fprintf(out, "%s $collective_%zu_%zu_%d using ($1 > 0 ? $1 : 1):($%d/%g)",
		first ? "plot" : ",", k, file, side, panel->line[i].column, panel->unit);
	fprintf(out, " with linespoints linecolor %zu dashtype %d pointtype %d",
		SUMMARY_SIDES * file + (size_t)side + 1, i + 1, i ? 6 : 7);
	put_title(out, plot, file, sides[side], panel->line[i].label);
}

/* What lies on a logarithmic axis. */
struct range {
	double low, high;
};

static void widen(struct range *range, double value)
{
	if (value <= 0)
		return;
	range->low = range->high > 0 ? fmin(range->low, value) : value;
	range->high = fmax(range->high, value);
}

static void find_ranges(const struct plot *plot, const struct kind *kind, const struct panel *panel,
			struct range *sizes, struct range *values)
{
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			const struct summary_part *part = part_of(plot, file, side);

			for (size_t i = 0; i < part->ncollectives; i++) {
				const char *one = (const char *)&part->collectives[i];

				if (!is_of(&part->collectives[i], kind))
					continue;
				widen(sizes, fmax((double)part->collectives[i].bytes, 1));
				for (int line = 0; line < 2; line++)
					widen(values,
					      *(const double *)(one + panel->line[line].at));
			}
		}
}

static void put_panel(FILE *out, const struct plot *plot, size_t k, const struct panel *panel)
{
	struct range sizes = { 0, 0 }, values = { 0, 0 };
	bool first = true;
	char title[160];

	find_ranges(plot, &plot->kinds[k], panel, &sizes, &values);
	if (values.high <= 0) { /* a barrier has no bandwidth */
		fprintf(out, "set multiplot next\n");
		return;
	}
	snprintf(title, sizeof(title), "%.80s of %" PRIu32 " ranks: %s", plot->kinds[k].name,
		 plot->kinds[k].ranks, panel->what);
	fputs("set title ", out);
	gnuplot_put_quoted(out, title);
	fprintf(out, "\nset format y '%s'\nset xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n",
		panel->format, fmax(sizes.low / 2, 1), sizes.high * 2,
		pow(10, floor(log10(values.low / panel->unit))),
		pow(10, floor(log10(values.high / panel->unit)) + 1));
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++)
			for (int i = 0; i < 2 && has(part_of(plot, file, side), &plot->kinds[k]);
			     i++, first = false)
				put_line(out, plot, k, file, side, panel, i, first);
	putc('\n', out);
}

static void put_lanes(FILE *out, const struct plot *plot, int side)
{
	bool first = true;

	fprintf(out, "set title 'lanes of the ranks, %s'\n", sides[side]);
	for (size_t file = 0; file < plot->count; file++)
		for (size_t i = 0; i < LANES && part_of(plot, file, side)->nranks; i++) {
			fprintf(out, "%s $ranks_%zu_%d using 1:($%zu/1e9)", first ? "plot" : ",",
				file, side, i + 2);
			fprintf(out,
				" with linespoints linecolor %zu dashtype %zu pointtype 7 pointsize 0.4",
				i + 1, file % 5 + 1);
			put_title(out, plot, file, "", lanes[i]);
			first = false;
		}
	putc('\n', out);
}

/* The longest time over all lanes of both sides, which have the same scale; and *LAST rank. */
static double longest(const struct plot *plot, uint32_t *last)
{
	double most = 0;

	*last = 0;
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			const struct summary_part *part = part_of(plot, file, side);

			for (size_t i = 0; i < part->nranks; i++) {
				const struct summary_rank *rank = &part->ranks[i];

				most = fmax(most, fmax(fmax(rank->finish, rank->cpu),
						       fmax(rank->compute, rank->communication)));
				if (rank->rank > *last)
					*last = rank->rank;
			}
		}
	return most > 0 ? most : 1;
}

static bool has_ranks(const struct plot *plot)
{
	return plot->ranks[SUMMARY_MEASURED] || plot->ranks[SUMMARY_PREDICTED];
}

static void put_all_lanes(FILE *out, const struct plot *plot)
{
	uint32_t last;
	double most = longest(plot, &last);

	fprintf(out, "unset logscale\nset xlabel 'rank'\nset format x '%%g'\n");
	fprintf(out, "set format y '%%.1s %%cs'\nset yrange [0:%.9g]\nset xrange [-0.5:%.9g]\n",
		1.05e-9 * most, (double)last + 0.5);
	if (last < RANKS_NAMED)
		fprintf(out, "set xtics 0,1\n");
	for (int side = 0; side < SUMMARY_SIDES; side++)
		if (plot->ranks[side])
			put_lanes(out, plot, side);
}

static void put_script(FILE *out, const struct plot *plot, const char *path)
{
	size_t rows = plot->nkinds + has_ranks(plot);

	gnuplot_put_head(out, "netemu replay plot", path, WIDTH, (unsigned int)(ROW * rows));
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			for (size_t k = 0; k < plot->nkinds; k++)
				put_collectives(out, plot, k, file, side);
			put_ranks(out, plot, file, side);
		}
	fprintf(out, "set multiplot layout %zu,2\nset grid\nset key outside right top width -2\n",
		rows);
	fprintf(out, "set logscale x 2\nset logscale y\nset xlabel 'size'\nset format x '%s'\n",
		"%.0b %BB");
	fprintf(out, "set xtics rotate by -35\nset lmargin 12\n");
	for (size_t k = 0; k < plot->nkinds; k++)
		for (size_t i = 0; i < sizeof(panels) / sizeof(*panels); i++)
			put_panel(out, plot, k, &panels[i]);
	if (has_ranks(plot))
		put_all_lanes(out, plot);
	fprintf(out, "unset multiplot\n");
}

/* --- what there is --- */

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : x->ranks < y->ranks ? -1 : x->ranks > y->ranks;
}

/* Returns 0, or -1 with ERR. */
static int find_kinds(struct plot *plot, struct err *err)
{
	size_t all = 0, most = 1;

	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			most += part_of(plot, file, side)->ncollectives;
			plot->ranks[side] |= part_of(plot, file, side)->nranks > 0;
		}
	plot->kinds = calloc(most, sizeof(*plot->kinds));
	if (!plot->kinds)
		return err_errno(err, "no room for a picture");
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			const struct summary_part *part = part_of(plot, file, side);

			for (size_t i = 0; i < part->ncollectives; i++)
				plot->kinds[all++] = (struct kind){ part->collectives[i].name,
								    part->collectives[i].ranks };
		}
	qsort(plot->kinds, all, sizeof(*plot->kinds), compare_kinds);
	for (size_t i = 0; i < all; i++)
		if (!plot->nkinds ||
		    compare_kinds(&plot->kinds[plot->nkinds - 1], &plot->kinds[i]) != 0)
			plot->kinds[plot->nkinds++] = plot->kinds[i];
	return 0;
}

int plot_script(const struct plot_files *files, const char *path, FILE *out, struct err *err)
{
	struct plot plot = { .summaries = files->summaries, .count = files->count };
	int rc = find_kinds(&plot, err);

	if (rc == 0 && !plot.nkinds && !has_ranks(&plot))
		rc = err_set(err, "'%s': there are neither ranks nor collectives to draw",
			     files->summaries[0].path);
	if (rc == 0)
		put_script(out, &plot, path);
	free(plot.kinds);
	return rc;
}

static int put(FILE *out, const char *path, const void *arg, struct err *err)
{
	return plot_script(arg, path, out, err);
}

int plot_draw(const struct plot_files *files, const char *path, struct err *err)
{
	return gnuplot_draw(path, put, files, err);
}
