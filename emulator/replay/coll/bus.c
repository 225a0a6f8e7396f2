/* SPDX-License-Identifier: Apache-2.0 */
#include "coll/bus.h"

#include "config/system.h"

#define PART  100 /* bytes that are reduced at a time */
#define BEGIN 50  /* ns of a reduction of nothing */

void bus_init(struct bus *bus, const struct system *system)
{
	*bus = (struct bus){
		.L = (int64_t)system->bus_L,
		.o = (int64_t)system->bus_o,
		.g = (int64_t)system->bus_g,
		.G = system->bus_G,
		.reduction = system->reduction_delay,
		.way = { { INT64_MIN, INT64_MIN }, { INT64_MIN, INT64_MIN } },
		.reduced = INT64_MIN,
	};
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t bus_move(struct bus *bus, enum bus_way way, int64_t time, uint64_t bytes)
{
	int64_t left = bus->way[way].left, back = bus->way[!way].there;
	int64_t first = later(time, later(left, back)) + bus->o;

	/* the end that sends has sent before, and nothing has come to it since */
	if (left != INT64_MIN && left >= back)
		first = later(first, left + bus->g);
	left = first + (int64_t)((bytes ? (double)(bytes - 1) : 0) * bus->G);
	bus->way[way].left = left;
	bus->way[way].there = left + bus->L + bus->o;
	return bus->way[way].there;
}

int64_t bus_reduce(struct bus *bus, int64_t time, uint64_t bytes)
{
	bus->reduced = later(time, bus->reduced) + (int64_t)(bytes / PART) * bus->reduction + BEGIN;
	return bus->reduced;
}
