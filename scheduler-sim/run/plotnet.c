/* SPDX-License-Identifier: Apache-2.0 */
/* plotnet.c - the network with its hot cables coloured */
#include "config.h"

#include "layout.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>

#define NODES_MAX  4000 /* in the picture */
#define EDGES_MAX  20000
#define NAMES_MAX  40 /* switches, or hosts, that are still named in it */
#define THICK_MAX  500
#define NORMAL_MAX 4000
#define HOT        0.75 /* cables above this share of the hottest are thick in any case */

/* A cable by the busier of its directions. */
struct cable {
	uint32_t link;
	double load;
};

/* The hottest last, so that it is drawn above the others. */
static int by_load(const void *a, const void *b)
{
	const struct cable *x = a, *y = b;

	if (x->load != y->load)
		return x->load < y->load ? -1 : 1;
	return (x->link > y->link) - (x->link < y->link);
}

/* All cables; each is the first of its two links.  NULL: no memory. */
static struct cable *list_cables(const struct report *report, uint32_t *count)
{
	const struct netemu_net *net = &report->topology->net;
	struct cable *cables = calloc((size_t)net->links + 1, sizeof(*cables));

	*count = 0;
	for (uint32_t i = 0; cables && i < net->links; i++) {
		uint32_t back = net->link[i].reverse;

		if (back < i)
			continue;
		cables[(*count)++] = (struct cable){
			.link = i,
			.load = fmax(plot_peak(report, i), plot_peak(report, back)),
		};
	}
	if (cables)
		qsort(cables, *count, sizeof(*cables), by_load);
	return cables;
}

static void put_cables(FILE *out, const struct layout *layout, const struct cable *cables,
		       uint32_t count)
{
	fputs("$cables << EOD\n", out);
	for (uint32_t i = 0; i < count; i++) {
		struct layout_point line[4];
		int lines = layout_lines(layout, cables[i].link, line);

		for (int k = 0; k < 2 * lines; k += 2)
			fprintf(out, "%.4f %.4f %.4f %.4f %.6g\n", line[k].x, line[k].y,
				line[k + 1].x - line[k].x, line[k + 1].y - line[k].y,
				cables[i].load);
	}
	fputs("EOD\n", out);
}

/* Switches, or hosts, with their names. */
static void put_nodes(FILE *out, const struct layout *layout, const char *block, bool hosts)
{
	const struct netemu_net *net = &layout->topology->net;

	fprintf(out, "$%s << EOD\n", block);
	for (uint32_t i = 0; i < net->nodes; i++) {
		if ((net->node_host[i] != NETEMU_NONE) != hosts)
			continue;
		fprintf(out, "%.4f %.4f \"", layout->at[i].x, layout->at[i].y);
		for (const char *c = net->name[i]; *c; c++)
			putc(*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '?' : *c, out);
		fputs("\"\n", out);
	}
	fputs("EOD\n", out);
}

static void put_frame(FILE *out, const struct layout *layout, double highest)
{
	highest = highest > 0 ? highest : 1;
	fprintf(out,
		"set palette defined (0 '#d8d8d8', 0.25 '#f0d060', 0.6 '#f08030', 1 '#c00020')\n"
		"hottest = %.6g\nset cbrange [0:hottest]\nset format cb '%s'\nunset colorbox\n"
		"set colorbox user origin 0.90, 0.1 size 0.02, 0.75\n"
		"unset key\nunset border\nunset xtics\nunset ytics\n"
		"set lmargin at screen 0.02\nset rmargin at screen 0.88\n"
		"set tmargin at screen 0.93\nset bmargin at screen 0.03\n"
		"set xrange [%.4f:%.4f]\nset yrange [%.4f:%.4f]\n",
		highest, plot_format(highest), layout->left, layout->right, layout->bottom,
		layout->top);
}

static void put_plot(FILE *out, const struct topology *topology, uint32_t cables)
{
	uint32_t nswitches = topology->nswitches, nhosts = topology->net.hosts;

	fprintf(out,
		"plot $cables using 1:2:3:4:5 with vectors nohead linewidth %s linecolor palette",
		cables <= THICK_MAX    ? "2"
		: cables <= NORMAL_MAX ? "1"
				       : "0.5");
	if (cables > THICK_MAX)
		fprintf(out,
			", $cables using 1:($5 >= %g * hottest ? $2 : NaN):3:4:5 with vectors "
			"nohead linewidth 2 linecolor palette",
			HOT);
	if (nswitches)
		fputs(", $switches using 1:2 with points pointtype 5 pointsize 0.7 linecolor "
		      "'#303030'",
		      out);
	fprintf(out, ", $hosts using 1:2 with points pointtype 7 pointsize %s linecolor '#606060'",
		nhosts <= THICK_MAX ? "0.5" : "0.2");
	if (nswitches && nswitches <= NAMES_MAX)
		fputs(", $switches using 1:2:3 with labels offset 0,0.8 font ',9'", out);
	if (nhosts <= NAMES_MAX)
		fputs(", $hosts using 1:2:3 with labels offset 0,-0.8 font ',9'", out);
	putc('\n', out);
}

static void put_all(FILE *out, const struct report *report, const struct layout *layout,
		    const struct cable *cables, uint32_t count)
{
	char title[128];

	plot_start(out, "topology", report->sub->plots);
	snprintf(title, sizeof(title), "peak load of cables, the busier direction, %s",
		 plot_load_label(report));
	plot_title(out, report->sub, title);
	put_cables(out, layout, cables, count);
	if (report->topology->nswitches)
		put_nodes(out, layout, "switches", false);
	put_nodes(out, layout, "hosts", true);
	put_frame(out, layout, count ? cables[count - 1].load : 1);
	put_plot(out, report->topology, count);
}

int plot_network(FILE *out, const struct report *report)
{
	const struct netemu_net *net = &report->topology->net;
	struct layout layout;
	struct cable *cables;
	uint32_t count;

	if (net->nodes > NODES_MAX || net->links > 2 * EDGES_MAX) {
		fputs("# the network is too large to be drawn\n", out);
		return 0;
	}
	if (layout_make(&layout, report->topology) < 0)
		return -1;
	cables = list_cables(report, &count);
	if (!cables) {
		layout_release(&layout);
		return -1;
	}
	put_all(out, report, &layout, cables, count);
	free(cables);
	layout_release(&layout);
	return 0;
}
