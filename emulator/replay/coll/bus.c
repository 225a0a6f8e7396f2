/* SPDX-License-Identifier: Apache-2.0 */
#include "coll/bus.h"

#include "config/system.h"

#define PART     100    /* bytes that are reduced at a time */
#define BEGIN    50     /* ns of a reduction of nothing */
#define MEMORY_G 0.0038 /* ns a byte, of the bus to the memory: ASTRA-sim's */

void bus_init(struct bus *bus, const struct system *system)
{
	const struct bus_way unused = { INT64_MIN, INT64_MIN };

	*bus = (struct bus){
		.L = (int64_t)system->bus_L,
		.o = (int64_t)system->bus_o,
		.g = (int64_t)system->bus_g,
		.G = system->bus_G,
		.reduction = system->reduction_delay,
		.network = { unused, unused },
		.memory = { unused, unused },
		.reduced = INT64_MIN,
	};
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* BYTES want to go one WAY of a bus from TIME on, whose other way is BACK. */
static int64_t move(const struct bus *bus, struct bus_way *way, const struct bus_way *back,
		    int64_t time, uint64_t bytes, double G)
{
	int64_t first = later(time, later(way->left, back->there)) + bus->o;

	/* the end that sends has sent before, and nothing has come to it since */
	if (way->left != INT64_MIN && way->left >= back->there)
		first = later(first, way->left + bus->g);
	way->left = first + (int64_t)((bytes ? (double)(bytes - 1) : 0) * G);
	way->there = way->left + bus->L + bus->o;
	return way->there;
}

static int64_t reduce(struct bus *bus, int64_t time, uint64_t bytes)
{
	bus->reduced = later(time, bus->reduced) + (int64_t)(bytes / PART) * bus->reduction + BEGIN;
	return bus->reduced;
}

/* STEP before REST. */
static bus_steps before(enum bus_step step, bus_steps rest)
{
	return rest << 4 | step;
}

bus_steps bus_to_send(void)
{
	return before(BUS_FETCH, before(BUS_OUT, BUS_END));
}

bus_steps bus_when_in(bool reduced, bool sent_on)
{
	bus_steps steps = before(BUS_STORE, sent_on ? bus_to_send() : BUS_END);

	return reduced ? before(BUS_STORE, before(BUS_FETCH, before(BUS_REDUCE, steps))) : steps;
}

int64_t bus_step(struct bus *bus, bus_steps *steps, int64_t time, uint64_t bytes, uint64_t charge)
{
	struct bus_way *network = bus->network, *memory = bus->memory;
	enum bus_step step = *steps & 15;

	*steps >>= 4;
	switch (step) {
	case BUS_OUT:
		return move(bus, &network[0], &network[1], time, bytes, bus->G);
	case BUS_IN:
		return move(bus, &network[1], &network[0], time, bytes, bus->G);
	case BUS_STORE:
		return move(bus, &memory[0], &memory[1], time, bytes, MEMORY_G);
	case BUS_FETCH:
		return move(bus, &memory[1], &memory[0], time, bytes, MEMORY_G);
	case BUS_REDUCE:
		return reduce(bus, time, charge);
	case BUS_END:
		break;
	}
	return time;
}
