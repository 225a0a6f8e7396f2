/* SPDX-License-Identifier: Apache-2.0 */
#include "result/svg.h"

#include <math.h>
#include <string.h>

#define TICKS 32

/* M. Okabe, K. Ito, "Color Universal Design" (2008): told apart by all eyes. */
static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
				       "#e69f00", "#56b4e9", "#000000", "#999933" };

static const char *colour_of(const struct svg_style *style)
{
	return colours[style->colour % (sizeof(colours) / sizeof(*colours))];
}

void svg_begin(FILE *out, double width, double height)
{
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		width, height, width, height);
}

void svg_end(FILE *out)
{
	fputs("</svg>\n", out);
}

/* Bytes of the character at TEXT, 0 when it is no UTF-8 or nothing XML may hold. */
static size_t character(const unsigned char *text)
{
	size_t length = *text < 0x80 ? 1 : *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;

	if (*text < 0x20 || *text == 0x7f || (*text >= 0x80 && *text < 0xc2) || *text > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] >= 0xa0) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] >= 0x90) ||
	    (*text == 0xef && text[1] == 0xbf && text[2] >= 0xbe))
		return 0;
	return length;
}

void svg_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t length = character(at);

		if (*at == '&')
			fputs("&amp;", out);
		else if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '"')
			fputs("&quot;", out);
		else if (length)
			fwrite(at, 1, length, out);
		else
			putc('?', out);
		at += length ? length : 1;
	}
}

/* ---- numbers ---- */

static char *with_prefix(char *buf, size_t size, double value, double step,
			 const char *const *prefixes, int count, const char *unit)
{
	int power = 0;

	while (power + 1 < count && fabs(value) >= step * (1 - 1e-9)) {
		value /= step;
		power++;
	}
	snprintf(buf, size, "%.4g %s%s", value, prefixes[power], unit);
	return buf;
}

char *svg_number(char *buf, size_t size, double value, enum svg_unit unit)
{
	static const char *const binary[] = { "", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei" };
	static const char *const decimal[] = { "", "k", "M", "G", "T", "P", "E" };
	static const char *const times[] = { "ns", "us", "ms", "s" };

	switch (unit) {
	case SVG_BYTES:
		return with_prefix(buf, size, value, 1024, binary, 7, "B");
	case SVG_TIME:
		return with_prefix(buf, size, value, 1000, times, 4, "");
	case SVG_RATE:
		return with_prefix(buf, size, value, 1000, decimal, 7, "B/s");
	default:
		snprintf(buf, size, "%.6g", value);
		return buf;
	}
}

/* ---- axes ---- */

void svg_widen(struct svg_axis *axis, double value)
{
	if (axis->log && !(value > 1e-6))
		return;
	axis->low = fmin(axis->low, value);
	axis->high = fmax(axis->high, value);
}

/* Some room at both ends, and something at all. */
static void make_room(struct svg_axis *axis)
{
	double step;

	if (axis->low > axis->high) {
		axis->low = axis->log ? 1 : 0;
		axis->high = axis->log ? 10 : 1;
	}
	if (axis->log) {
		step = fmax(pow(axis->high / axis->low, 0.06), 1.5);
		axis->low /= step;
		axis->high *= step;
	} else if (axis->unit == SVG_PLAIN) {
		axis->low -= 0.5;
		axis->high += 0.5;
	} else {
		axis->low = 0;
		axis->high = axis->high > 0 ? axis->high * 1.06 : 1;
	}
}

static double part_of(const struct svg_axis *axis, double value)
{
	if (axis->log)
		return value > axis->low ? log(value / axis->low) / log(axis->high / axis->low) : 0;
	return (value - axis->low) / (axis->high - axis->low);
}

static double place_x(const struct svg_panel *panel, double value)
{
	return panel->x + panel->width * part_of(&panel->across, value);
}

static double place_y(const struct svg_panel *panel, double value)
{
	return panel->y + panel->height * (1 - part_of(&panel->up, value));
}

static size_t add_tick(double *ticks, size_t count, const struct svg_axis *axis, double value)
{
	if (count < TICKS && value >= axis->low && value <= axis->high)
		ticks[count++] = value + 0.0; /* never -0 */
	return count;
}

/* Powers of BASE, so many of them apart that there are few; where there are hardly any, what is in
 * between.
 */
static size_t log_ticks(const struct svg_axis *axis, double base, double *ticks)
{
	static const double between[] = { 1, 2, 5 };
	double powers = log(axis->high / axis->low) / log(base), step = ceil(powers / 7);
	size_t count = 0, parts = base > 2 && powers < 3 ? 3 : 1;
	double first = floor(log(axis->low) / log(base));

	step = step < 1 ? 1 : step;
	for (double power = step * floor(first / step); pow(base, power) <= axis->high;
	     power += step)
		for (size_t i = 0; i < parts; i++)
			count = add_tick(ticks, count, axis, pow(base, power) * between[i]);
	return count;
}

static size_t linear_ticks(const struct svg_axis *axis, double *ticks)
{
	double raw = (axis->high - axis->low) / 6, power = pow(10, floor(log10(raw)));
	double step = power * (raw <= power ? 1 : raw <= 2 * power ? 2 : raw <= 5 * power ? 5 : 10);
	size_t count = 0;

	if (axis->unit == SVG_PLAIN && step < 1)
		step = 1;
	for (double value = step * ceil(axis->low / step); value <= axis->high; value += step)
		count = add_tick(ticks, count, axis, value);
	return count;
}

static size_t ticks_of(const struct svg_axis *axis, double *ticks)
{
	if (!axis->log)
		return linear_ticks(axis, ticks);
	return log_ticks(axis, axis->unit == SVG_BYTES ? 2 : 10, ticks);
}

static void put_across(FILE *out, const struct svg_panel *panel)
{
	double ticks[TICKS], below = panel->y + panel->height;
	size_t count = ticks_of(&panel->across, ticks);
	char text[32];

	for (size_t i = 0; i < count; i++) {
		double x = place_x(panel, ticks[i]);

		fprintf(out,
			"<path d=\"M%.1f %.1fV%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
			x, panel->y, below, x, below + 16,
			svg_number(text, sizeof(text), ticks[i], panel->across.unit));
	}
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
		panel->x + panel->width / 2, below + 33);
	svg_text(out, panel->across.label);
	fputs("</text>\n", out);
}

static void put_up(FILE *out, const struct svg_panel *panel)
{
	double ticks[TICKS], left = panel->x - 66, middle = panel->y + panel->height / 2;
	size_t count = ticks_of(&panel->up, ticks);
	char text[32];

	for (size_t i = 0; i < count; i++) {
		double y = place_y(panel, ticks[i]);

		fprintf(out,
			"<path d=\"M%.1f %.1fH%.1f\" stroke=\"#ddd\"/>"
			"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			panel->x, y, panel->x + panel->width, panel->x - 6, y + 4,
			svg_number(text, sizeof(text), ticks[i], panel->up.unit));
	}
	fprintf(out,
		"<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(-90 %.1f "
		"%.1f)\">",
		left, middle, left, middle);
	svg_text(out, panel->up.label);
	fputs("</text>\n", out);
}

void svg_panel(FILE *out, struct svg_panel *panel, const char *title)
{
	make_room(&panel->across);
	make_room(&panel->up);
	put_across(out, panel);
	put_up(out, panel);
	fprintf(out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
		"stroke=\"black\"/>\n<text x=\"%.1f\" y=\"%.1f\" font-weight=\"bold\">",
		panel->x, panel->y, panel->width, panel->height, panel->x, panel->y - 8);
	svg_text(out, title);
	fputs("</text>\n", out);
}

/* ---- series ---- */

void svg_line(FILE *out, const struct svg_panel *panel, const struct svg_style *style,
	      const double *across, const double *up, size_t count)
{
	if (count < 2)
		return;
	fputs("<polyline points=\"", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%.1f,%.1f", i ? " " : "", place_x(panel, across[i]),
			place_y(panel, up[i]));
	fprintf(out, "\" fill=\"none\" stroke=\"%s\"%s/>\n", colour_of(style),
		style->second ? " stroke-dasharray=\"5 3\"" : "");
}

void svg_mark(FILE *out, const struct svg_panel *panel, const struct svg_style *style,
	      double across, double up, const char *attributes, const char *title)
{
	fprintf(out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\" stroke=\"%s\" "
		"%s><title>%s</title></circle>\n",
		place_x(panel, across), place_y(panel, up),
		style->second ? "white" : colour_of(style), colour_of(style), attributes, title);
}

void svg_legend(FILE *out, double x, double y, const struct svg_style *style, const char *text)
{
	fprintf(out,
		"<path d=\"M%.1f %.1fh24\" stroke=\"%s\"%s/>"
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\" stroke=\"%s\"/>"
		"<text x=\"%.1f\" y=\"%.1f\">",
		x, y, colour_of(style), style->second ? " stroke-dasharray=\"5 3\"" : "", x + 12, y,
		style->second ? "white" : colour_of(style), colour_of(style), x + 30, y + 4);
	svg_text(out, text);
	fputs("</text>\n", out);
}
