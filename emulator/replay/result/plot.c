/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "result/plot.h"

#include "result/svg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LEFT    90.0 /* pixels: to the first panel */
#define WIDTH   400.0
#define GAP     110.0 /* between the panels of a row */
#define HEIGHT  240.0
#define ROW     330.0
#define TOP     60.0
#define LEGEND  220.0
#define ENTRY   17.0
#define TOTAL   (LEFT + 2 * WIDTH + GAP + LEGEND + 30)
#define MOST    1024 /* marks of a series over ranks */
#define LEGENDS 13   /* entries for which there is room */

static const char *const sides[] = { "measured", "predicted" };

/* What is drawn of a collective, in pairs: one panel each. */
static const struct quantity {
	const char *what, *label;
	size_t at;
} quantities[2][2] = {
	{ { "p50_ns", "p50", offsetof(struct summary_collective, p50) },
	  { "p99_ns", "p99", offsetof(struct summary_collective, p99) } },
	{ { "busbw", "busbw", offsetof(struct summary_collective, busbw) },
	  { "algbw", "algbw", offsetof(struct summary_collective, algbw) } },
};

static const struct quantity lanes[] = {
	{ "finish_ns", "finish", offsetof(struct summary_rank, finish) },
	{ "cpu_ns", "cpu", offsetof(struct summary_rank, cpu) },
	{ "compute_ns", "compute", offsetof(struct summary_rank, compute) },
	{ "communication_ns", "communication", offsetof(struct summary_rank, communication) },
};
#define LANES (sizeof(lanes) / sizeof(*lanes))

struct plot {
	const struct summary *summaries;
	size_t count;
	FILE *out;
	double y; /* of the row */
	size_t entries;
	double *across, *up; /* points of a line; room for the longest */
};

static double value_of(const void *item, const struct quantity *quantity)
{
	return *(const double *)((const char *)item + quantity->at);
}

/* ---- texts ---- */

/* As text that is part of XML; NULL without memory. */
static char *escaped(const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	if (!out)
		return NULL;
	svg_text(out, text);
	fclose(out);
	return result;
}

/* LABEL, of what side and, of several, what file. */
static void legend(struct plot *plot, const struct svg_style *style, const struct summary *summary,
		   const char *side, const char *label)
{
	double x = LEFT + 2 * WIDTH + GAP + 20, y = plot->y + 6 + ENTRY * (double)plot->entries;
	const char *slash = strrchr(summary->path, '/');
	const char *name = slash && strcmp(slash, "/summary.json") ? slash + 1 : summary->path;
	char text[80];

	if (plot->entries++ >= LEGENDS)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s%.40s", side, *side ? " " : "", label,
		 plot->count > 1 ? ", " : "", plot->count > 1 ? name : "");
	svg_legend(plot->out, x, y, style, text);
}

/* ---- collectives ---- */

/* Those of one kind and number of ranks. */
struct kind {
	const char *name;
	uint32_t ranks;
};

static bool is_of(const struct summary_collective *one, const struct kind *kind)
{
	return one->ranks == kind->ranks && !strcmp(one->name, kind->name);
}

static double size_of(const struct summary_collective *one)
{
	return one->bytes ? (double)one->bytes : 1; /* a barrier has a place too */
}

static void mark_collective(struct plot *plot, const struct svg_panel *panel,
			    const struct svg_style *style, const struct summary *summary, int side,
			    const struct quantity *quantity, const struct summary_collective *one)
{
	double value = value_of(one, quantity);
	char *name = escaped(one->name), *path = escaped(summary->path);
	char *attributes = NULL, *title = NULL, text[32];
	enum svg_unit unit = panel->up.unit;

	if (name && path &&
	    asprintf(&attributes,
		     "data-file=\"%s\" data-side=\"%s\" data-what=\"%s\" data-collective=\"%s\" "
		     "data-ranks=\"%" PRIu32 "\" data-bytes=\"%" PRIu64 "\" data-value=\"%.17g\"",
		     path, sides[side], quantity->what, name, one->ranks, one->bytes, value) < 0)
		attributes = NULL;
	if (name && path &&
	    asprintf(&title, "%s, %" PRIu32 " ranks, %" PRIu64 " bytes: %s %s, %s (%s)", name,
		     one->ranks, one->bytes, quantity->label,
		     svg_number(text, sizeof(text), value, unit), sides[side], path) < 0)
		title = NULL;
	if (attributes && title)
		svg_mark(plot->out, panel, style, size_of(one), value, attributes, title);
	free(attributes);
	free(title);
	free(name);
	free(path);
}

static void draw_sizes(struct plot *plot, const struct svg_panel *panel, const struct kind *kind,
		       size_t which, int side, size_t file)
{
	const struct summary *summary = &plot->summaries[file];
	const struct summary_part *part = &summary->part[side];

	for (int second = 0; second < 2; second++) {
		const struct quantity *quantity = &quantities[which][second];
		struct svg_style style = { (unsigned)(2 * file) + (unsigned)side, second };
		size_t count = 0;

		for (size_t i = 0; i < part->ncollectives; i++) {
			if (!is_of(&part->collectives[i], kind))
				continue;
			plot->across[count] = size_of(&part->collectives[i]);
			plot->up[count++] = value_of(&part->collectives[i], quantity);
		}
		if (!count)
			continue;
		svg_line(plot->out, panel, &style, plot->across, plot->up, count);
		for (size_t i = 0; i < part->ncollectives; i++)
			if (is_of(&part->collectives[i], kind))
				mark_collective(plot, panel, &style, summary, side, quantity,
						&part->collectives[i]);
		legend(plot, &style, summary, sides[side], quantity->label);
	}
}

static void widen(struct svg_panel *panel, const struct summary_part *part, const struct kind *kind,
		  size_t which)
{
	for (size_t i = 0; i < part->ncollectives; i++) {
		const struct summary_collective *one = &part->collectives[i];

		if (!is_of(one, kind))
			continue;
		svg_widen(&panel->across, size_of(one));
		svg_widen(&panel->up, value_of(one, &quantities[which][0]));
		svg_widen(&panel->up, value_of(one, &quantities[which][1]));
	}
}

static void draw_kind(struct plot *plot, const struct kind *kind)
{
	static const struct {
		const char *what, *label;
		enum svg_unit unit;
	} panels[] = { { "time", "time", SVG_TIME }, { "bandwidth", "bandwidth", SVG_RATE } };
	char title[160];

	for (size_t which = 0; which < 2; which++) {
		struct svg_panel panel = {
			.x = LEFT + (double)which * (WIDTH + GAP),
			.y = plot->y,
			.width = WIDTH,
			.height = HEIGHT,
			.across = { "size", SVG_BYTES, true, SVG_NO_RANGE },
			.up = { panels[which].label, panels[which].unit, true, SVG_NO_RANGE },
		};

		for (size_t file = 0; file < plot->count; file++)
			for (int side = 0; side < SUMMARY_SIDES; side++)
				widen(&panel, &plot->summaries[file].part[side], kind, which);
		snprintf(title, sizeof(title), "%.80s among %" PRIu32 " ranks: %s", kind->name,
			 kind->ranks, panels[which].what);
		svg_panel(plot->out, &panel, title);
		for (size_t file = 0; file < plot->count; file++)
			for (int side = 0; side < SUMMARY_SIDES; side++)
				draw_sizes(plot, &panel, kind, which, side, file);
	}
	plot->entries = 0;
	plot->y += ROW;
}

/* ---- ranks ---- */

/* Ranks [first, first + few) of PART: the longest, and where the mark is. */
static double longest(const struct summary_part *part, const struct quantity *lane, size_t first,
		      size_t few, double *across)
{
	size_t last = first + few < part->nranks ? first + few : part->nranks;
	double most = 0;

	for (size_t i = first; i < last; i++) {
		double value = value_of(&part->ranks[i], lane);

		most = value > most ? value : most;
	}
	*across = ((double)part->ranks[first].rank + (double)part->ranks[last - 1].rank) / 2;
	return most;
}

static void mark_ranks(struct plot *plot, const struct svg_panel *panel,
		       const struct svg_style *style, const struct summary *summary, int side,
		       const struct quantity *lane, size_t first, size_t few)
{
	const struct summary_part *part = &summary->part[side];
	size_t last = first + few < part->nranks ? first + few - 1 : part->nranks - 1;
	char *path = escaped(summary->path), *attributes = NULL, *title = NULL, text[32];
	double across, value = longest(part, lane, first, few, &across);
	char ranks[32];

	snprintf(ranks, sizeof(ranks), first < last ? "%" PRIu32 "-%" PRIu32 : "%" PRIu32,
		 part->ranks[first].rank, part->ranks[last].rank);
	if (path && asprintf(&attributes,
			     "data-file=\"%s\" data-side=\"%s\" data-what=\"%s\" data-rank=\"%s\" "
			     "data-value=\"%.17g\"",
			     path, sides[side], lane->what, ranks, value) < 0)
		attributes = NULL;
	if (path &&
	    asprintf(&title, "rank %s: %s %s%s, %s (%s)", ranks, lane->label,
		     first < last ? "at most " : "",
		     svg_number(text, sizeof(text), value, SVG_TIME), sides[side], path) < 0)
		title = NULL;
	if (attributes && title)
		svg_mark(plot->out, panel, style, across, value, attributes, title);
	free(attributes);
	free(title);
	free(path);
}

static void draw_lanes(struct plot *plot, const struct svg_panel *panel, int side, size_t file)
{
	const struct summary *summary = &plot->summaries[file];
	const struct summary_part *part = &summary->part[side];
	size_t few = (part->nranks + MOST - 1) / MOST;

	for (size_t lane = 0; part->nranks && lane < LANES; lane++) {
		struct svg_style style = { (unsigned)lane, file % 2 };
		size_t count = 0;

		for (size_t i = 0; i < part->nranks; i += few, count++)
			plot->up[count] = longest(part, &lanes[lane], i, few, &plot->across[count]);
		svg_line(plot->out, panel, &style, plot->across, plot->up, count);
		for (size_t i = 0; i < part->nranks; i += few)
			mark_ranks(plot, panel, &style, summary, side, &lanes[lane], i, few);
		if (side == SUMMARY_MEASURED)
			legend(plot, &style, summary, "", lanes[lane].label);
	}
}

/* Both sides with the same scale. */
static void draw_ranks(struct plot *plot)
{
	struct svg_panel panel = {
		.y = plot->y,
		.width = WIDTH,
		.height = HEIGHT,
		.across = { "rank", SVG_PLAIN, false, SVG_NO_RANGE },
		.up = { "time", SVG_TIME, false, SVG_NO_RANGE },
	};
	bool any[SUMMARY_SIDES] = { false };
	char title[80];

	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			const struct summary_part *part = &plot->summaries[file].part[side];

			any[side] |= part->nranks > 0;
			for (size_t i = 0; i < part->nranks; i++) {
				svg_widen(&panel.across, part->ranks[i].rank);
				for (size_t lane = 0; lane < LANES; lane++)
					svg_widen(&panel.up,
						  value_of(&part->ranks[i], &lanes[lane]));
			}
		}
	for (int side = 0; side < SUMMARY_SIDES; side++) {
		struct svg_panel one = panel;

		if (!any[side])
			continue;
		one.x = LEFT + side * (WIDTH + GAP);
		snprintf(title, sizeof(title), "lanes of the ranks, %s", sides[side]);
		svg_panel(plot->out, &one, title);
		for (size_t file = 0; file < plot->count; file++)
			draw_lanes(plot, &one, side, file);
	}
	plot->y += ROW;
}

/* ---- all ---- */

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	return names ? names : x->ranks < y->ranks ? -1 : x->ranks > y->ranks;
}

/* The kinds there are, and points of the longest line.  NULL without memory. */
static struct kind *find_kinds(const struct plot *plot, size_t *count, size_t *points)
{
	size_t all = 0, distinct = 0;
	struct kind *kinds;

	*points = MOST + 1;
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			size_t own = plot->summaries[file].part[side].ncollectives;

			all += own;
			*points = own > *points ? own : *points;
		}
	kinds = calloc(all + 1, sizeof(*kinds));
	if (!kinds)
		return NULL;
	all = 0;
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++) {
			const struct summary_part *part = &plot->summaries[file].part[side];

			for (size_t i = 0; i < part->ncollectives; i++)
				kinds[all++] = (struct kind){ part->collectives[i].name,
							      part->collectives[i].ranks };
		}
	qsort(kinds, all, sizeof(*kinds), compare_kinds);
	for (size_t i = 0; i < all; i++)
		if (!distinct || compare_kinds(&kinds[distinct - 1], &kinds[i]))
			kinds[distinct++] = kinds[i];
	*count = distinct;
	return kinds;
}

static bool has_ranks(const struct plot *plot)
{
	for (size_t file = 0; file < plot->count; file++)
		for (int side = 0; side < SUMMARY_SIDES; side++)
			if (plot->summaries[file].part[side].nranks)
				return true;
	return false;
}

static int draw(struct plot *plot, const struct kind *kinds, size_t count, struct err *err)
{
	bool ranks = has_ranks(plot);

	if (!count && !ranks)
		return err_set(err, "'%s': there are neither ranks nor collectives to draw",
			       plot->summaries[0].path);
	svg_begin(plot->out, TOTAL, TOP + ROW * (double)(count + ranks));
	plot->y = TOP;
	for (size_t i = 0; i < count; i++)
		draw_kind(plot, &kinds[i]);
	if (ranks)
		draw_ranks(plot);
	svg_end(plot->out);
	return 0;
}

int plot_summaries(const struct summary *summaries, size_t count, FILE *out, struct err *err)
{
	struct plot plot = { .summaries = summaries, .count = count, .out = out };
	size_t nkinds = 0, points = 0;
	struct kind *kinds = find_kinds(&plot, &nkinds, &points);
	int rc = -1;

	plot.across = calloc(points, sizeof(*plot.across));
	plot.up = calloc(points, sizeof(*plot.up));
	if (!kinds || !plot.across || !plot.up)
		err_errno(err, "no room for a picture");
	else
		rc = draw(&plot, kinds, nkinds, err);
	free(kinds);
	free(plot.across);
	free(plot.up);
	return rc;
}
