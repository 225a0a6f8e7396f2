/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAN   0.3  /* of a lattice: from a switch to its hosts */
#define DEPTH 0.7  /* of a lattice: how far the third dimension goes */
#define STUB  0.45 /* of a lattice: what is drawn of a cable round a torus */
#define HOSTS 1.12 /* radius of their circle; that of the lowest switches is 1 */
#define INNER 0.7  /* how much smaller the circle of the highest switches is */
#define GAP   0.5  /* between groups of a dragonfly, in steps from router to router */
#define EDGE  0.04 /* round the picture */
#define WIDE  1.5  /* width of the picture / height */

static bool is_level(const struct netemu_net *net, uint32_t node)
{
	return net->level[node] != NETEMU_NONE;
}

static uint32_t highest_level(const struct netemu_net *net)
{
	uint32_t top = 0;

	for (uint32_t i = 0; i < net->nodes; i++)
		if (is_level(net, i) && net->level[i] > top)
			top = net->level[i];
	return top;
}

static uint32_t row_of(const struct netemu_net *net, uint32_t node, uint32_t top)
{
	return is_level(net, node) ? net->level[node] : top + 1;
}

/* Rows, each spread evenly. */
static int rows(struct layout *layout)
{
	const struct netemu_net *net = &layout->topology->net;
	uint32_t top = highest_level(net);
	uint32_t *width = calloc(2 * ((size_t)top + 2), sizeof(*width));
	uint32_t *used = width + top + 2;

	if (!width)
		return -1;
	for (uint32_t i = 0; i < net->nodes; i++)
		width[row_of(net, i, top)]++;
	for (uint32_t i = 0; i < net->nodes; i++) {
		uint32_t row = row_of(net, i, top);

		layout->at[i].x = (used[row]++ + 0.5) / width[row];
		layout->at[i].y = row / fmax(top, 1);
	}
	free(width);
	return 0;
}

static struct layout_point lattice_point(const struct topology *topology, uint32_t node)
{
	const uint32_t *coord = topology->nodes[node].coord;
	double deep = topology->ndims > 2 ? DEPTH * coord[2] / topology->dim[2] : 0;

	return (struct layout_point){
		.x = coord[0] + deep,
		.y = (topology->ndims > 1 ? coord[1] : 0) + 0.7 * deep,
	};
}

static double per_host(const struct topology *topology)
{
	return topology->nswitches ? ceil((double)topology->net.hosts / topology->nswitches) : 1;
}

/* Hosts stand round their switches, from the upper right on. */
static int lattice(struct layout *layout)
{
	const struct topology *topology = layout->topology;
	const struct netemu_net *net = &topology->net;
	double fan = topology->ndims > 2 ? FAN * DEPTH / topology->dim[2] : FAN;
	double hosts = per_host(topology);
	uint32_t *used = calloc(net->nodes, sizeof(*used));

	if (!used)
		return -1;
	for (uint32_t i = 0; i < net->nodes; i++) {
		double angle;

		layout->at[i] = lattice_point(topology, i);
		if (net->level[i])
			continue;
		angle = M_PI * (-0.25 - 2 * used[net->link[net->first[i]].to]++ / hosts);
		layout->at[i].x += fan * cos(angle);
		layout->at[i].y += fan * sin(angle);
	}
	free(used);
	return 0;
}

/* Steps round the outer circle of switches; groups of a dragonfly stand apart. */
static double steps_around(const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	double steps = 0, groups = 0;

	for (uint32_t i = 0; i < net->nodes; i++)
		if (net->level[i] == 1) {
			steps++;
			groups = fmax(groups, topology->nodes[i].coord[0] + 1);
		}
	return topology->shape == TOPOLOGY_DRAGONFLY ? steps + GAP * groups : steps;
}

static void put_round(struct layout_point *point, double radius, double turn)
{
	point->x = radius * sin(2 * M_PI * turn);
	point->y = radius * cos(2 * M_PI * turn);
}

/* Hosts next to the switch of their first cable. */
static void put_hosts(struct layout *layout, const double *turn, double width, uint32_t *used)
{
	const struct netemu_net *net = &layout->topology->net;
	double hosts = per_host(layout->topology);

	for (uint32_t i = 0; i < net->nodes; i++) {
		uint32_t to = net->link[net->first[i]].to;

		if (net->level[i] == 0)
			put_round(&layout->at[i], HOSTS,
				  turn[to] + 0.8 * width * ((used[to]++ + 0.5) / hosts - 0.5));
	}
}

static void put_switches(struct layout *layout, double *turn, double around, uint32_t *row)
{
	const struct topology *topology = layout->topology;
	const struct netemu_net *net = &topology->net;
	uint32_t top = highest_level(net), *used = row + top + 2;

	for (uint32_t i = 0; i < net->nodes; i++)
		row[row_of(net, i, top)]++;
	for (uint32_t i = 0; i < net->nodes; i++) {
		uint32_t level = row_of(net, i, top);

		if (!level)
			continue;
		turn[i] = used[level]++;
		if (topology->shape == TOPOLOGY_DRAGONFLY)
			turn[i] += GAP * topology->nodes[i].coord[0];
		turn[i] /= level == 1 ? around : row[level];
		put_round(&layout->at[i], 1 - INNER * (level - 1) / (top + 1), turn[i]);
	}
}

static int circles(struct layout *layout)
{
	const struct netemu_net *net = &layout->topology->net;
	double around = steps_around(layout->topology);
	double *turn = calloc(net->nodes, sizeof(*turn));
	uint32_t *used = calloc(net->nodes, sizeof(*used));
	uint32_t *row = calloc(2 * ((size_t)highest_level(net) + 2), sizeof(*row));
	int rc = turn && used && row ? 0 : -1;

	if (rc == 0) {
		put_switches(layout, turn, around, row);
		put_hosts(layout, turn, 1 / around, used);
	}
	free(row);
	free(used);
	free(turn);
	return rc;
}

static enum layout_kind kind_of(const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;

	if ((topology->shape == TOPOLOGY_TORUS || topology->shape == TOPOLOGY_MESH) &&
	    topology->ndims <= 3)
		return LAYOUT_LATTICE;
	for (uint32_t i = 0; i < net->links; i++)
		if (net->level[net->link[i].from] &&
		    net->level[net->link[i].from] == net->level[net->link[i].to])
			return LAYOUT_CIRCLES;
	return LAYOUT_ROWS;
}

/* The least frame round all nodes. */
static void enclose(struct layout *layout)
{
	const struct layout_point *at = layout->at;

	layout->left = layout->right = at[0].x;
	layout->bottom = layout->top = at[0].y;
	for (uint32_t i = 1; i < layout->topology->net.nodes; i++) {
		layout->left = fmin(layout->left, at[i].x);
		layout->right = fmax(layout->right, at[i].x);
		layout->bottom = fmin(layout->bottom, at[i].y);
		layout->top = fmax(layout->top, at[i].y);
	}
}

static void widen(double *low, double *high, double by)
{
	*low -= by;
	*high += by;
}

/* With room for stubs and names; where angles mean something, in true proportion. */
static void frame(struct layout *layout)
{
	double outside = layout->kind == LAYOUT_LATTICE ? STUB : 0, width, height;

	enclose(layout);
	width = layout->right - layout->left;
	height = layout->top - layout->bottom;
	widen(&layout->left, &layout->right, outside + EDGE * fmax(width, 0.5));
	widen(&layout->bottom, &layout->top, outside + EDGE * fmax(height, 0.5));
	if (layout->kind == LAYOUT_ROWS)
		return;
	width = layout->right - layout->left;
	height = layout->top - layout->bottom;
	widen(&layout->left, &layout->right, fmax(0, WIDE * height - width) / 2);
	widen(&layout->bottom, &layout->top, fmax(0, width / WIDE - height) / 2);
}

int layout_make(struct layout *layout, const struct topology *topology)
{
	int rc;

	*layout = (struct layout){ .kind = kind_of(topology), .topology = topology };
	layout->at = calloc(topology->net.nodes, sizeof(*layout->at));
	if (!layout->at)
		return -1;
	if (layout->kind == LAYOUT_ROWS)
		rc = rows(layout);
	else if (layout->kind == LAYOUT_LATTICE)
		rc = lattice(layout);
	else
		rc = circles(layout);
	if (rc < 0)
		layout_release(layout);
	else
		frame(layout);
	return rc;
}

void layout_release(struct layout *layout)
{
	free(layout->at);
	layout->at = NULL;
}

/* The step from one point of a lattice to the next in dimension D. */
static struct layout_point unit(const struct topology *topology, unsigned int d)
{
	double deep = d == 2 ? DEPTH / topology->dim[2] : 0;

	return (struct layout_point){ .x = d == 0 ? 1 : deep, .y = d == 1 ? 1 : 0.7 * deep };
}

int layout_lines(const struct layout *layout, uint32_t link, struct layout_point line[4])
{
	const struct topology *topology = layout->topology;
	uint32_t from = topology->net.link[link].from, to = topology->net.link[link].to;
	const uint32_t *a = topology->nodes[from].coord, *b = topology->nodes[to].coord;

	line[0] = layout->at[from];
	line[1] = line[3] = layout->at[to];
	for (unsigned int d = 0; layout->kind == LAYOUT_LATTICE && d < topology->ndims; d++) {
		struct layout_point step = unit(topology, d);
		double sign = a[d] < b[d] ? -STUB : STUB;

		if ((a[d] > b[d] ? a[d] - b[d] : b[d] - a[d]) < 2)
			continue;
		line[1] = (struct layout_point){ line[0].x + sign * step.x,
						 line[0].y + sign * step.y };
		line[2] = (struct layout_point){ line[3].x - sign * step.x,
						 line[3].y - sign * step.y };
		return 2;
	}
	return 1;
}
