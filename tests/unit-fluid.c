/* SPDX-License-Identifier: Apache-2.0 */
/* unit-fluid.c - fair rates against closed forms and a plain model */
#include "config.h"

#include "engine/fluid.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S    1000000000LL /* ns */
#define RATE 1e9          /* byte/s of every link */

/* COUNT switches in a row, a host on each: links i -> i + 1 between switches. */
struct row {
	struct topology topology;
	uint32_t hop[64]; /* from switch i to i + 1 */
};

static void row_init(struct row *row, uint32_t count, const double *capacity)
{
	char name[16];

	assert_int_equal(topology_init(&row->topology, "row", NULL), 0);
	row->topology.unit = TOPOLOGY_UNIT_BYTE;
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		topology_node(&row->topology, name, false, 0, NULL);
	}
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		topology_node(&row->topology, name, true, 0, NULL);
		topology_cable(&row->topology, i, 0, count + i, 0, RATE * 1000, 0, NULL);
	}
	for (uint32_t i = 0; i + 1 < count; i++)
		topology_cable(&row->topology, i, 1, i + 1, 2, capacity ? capacity[i] : RATE, 0,
			       NULL);
	assert_int_equal(topology_finish(&row->topology, NULL), 0);
	for (uint32_t l = 0; l < row->topology.net.links; l++) {
		const struct netemu_link *link = &row->topology.net.link[l];

		if (link->from + 1 == link->to && link->to < count)
			row->hop[link->from] = l;
	}
}

static struct fluid_flow flow(const struct row *row, uint32_t first, uint32_t count, double bytes)
{
	return (struct fluid_flow){ .path = row->hop + first, .nlinks = count, .bytes = bytes };
}

static struct fluid *start(struct row *row)
{
	struct fluid *fluid;

	assert_int_equal(fluid_create(&fluid, &row->topology, NULL), 0);
	return fluid;
}

static void one_flow_takes_bytes_by_rate(void **state)
{
	static const double bytes[] = { 1, 1e9, 3.5e9, 7, 123456789, 1e15 };
	struct row row;

	(void)state;
	row_init(&row, 4, NULL);
	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		struct fluid_flow f = flow(&row, 0, 3, bytes[i]);

		assert_int_equal(fluid_alone(&row.topology, &f, 1), (int64_t)bytes[i]);
	}
	topology_release(&row.topology);
}

static void two_jobs_on_a_link_take_twice_as_long(void **state)
{
	struct fluid_transfer a = { 0 }, b = { 0 };
	struct fluid_flow f;
	struct fluid *fluid;
	struct row row;

	(void)state;
	row_init(&row, 2, NULL);
	fluid = start(&row);
	f = flow(&row, 0, 1, 5e9);
	fluid_begin(fluid, &a, &f, 1, 0);
	fluid_begin(fluid, &b, &f, 1, 0);
	assert_int_equal(fluid_next(fluid), 10 * S);
	fluid_advance(fluid, 10 * S);
	assert_ptr_equal(fluid_ended(fluid) == &a ? &b : &a, fluid_ended(fluid));
	assert_null(fluid_ended(fluid));
	assert_int_equal(a.end, 10 * S);
	assert_int_equal(b.end, 10 * S);
	fluid_cancel(fluid, &a, 10 * S);
	fluid_cancel(fluid, &b, 10 * S);
	assert_int_equal(fluid_next(fluid), NETEMU_NEVER);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

/* The second comes when the first has sent x of b bytes: the first ends after
 * x + 2 (b - x), the second b after that less what it has sent, b - x.
 */
static void rates_follow_who_comes_and_goes(void **state)
{
	struct fluid_transfer a = { 0 }, b = { 0 };
	struct fluid_flow f;
	struct fluid *fluid;
	struct row row;

	(void)state;
	row_init(&row, 2, NULL);
	fluid = start(&row);
	f = flow(&row, 0, 1, 10e9);
	fluid_begin(fluid, &a, &f, 1, 0);
	fluid_begin(fluid, &b, &f, 1, 4 * S);
	fluid_advance(fluid, 100 * S);
	assert_int_equal(a.end, 16 * S);
	assert_int_equal(b.end, 20 * S);
	fluid_cancel(fluid, &a, 100 * S);
	fluid_cancel(fluid, &b, 100 * S);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

static void a_cancelled_transfer_gives_back_its_share(void **state)
{
	struct fluid_transfer a = { 0 }, b = { 0 };
	struct fluid_flow f;
	struct fluid *fluid;
	struct row row;

	(void)state;
	row_init(&row, 2, NULL);
	fluid = start(&row);
	f = flow(&row, 0, 1, 10e9);
	fluid_begin(fluid, &a, &f, 1, 0);
	fluid_begin(fluid, &b, &f, 1, 0);
	fluid_cancel(fluid, &b, 4 * S); /* a has sent 2e9 */
	assert_int_equal(fluid_next(fluid), 12 * S);
	fluid_cancel(fluid, &a, 5 * S);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

/* The parking lot: one flow over all N links, K short ones on each.  All get
 * 1 / (K + 1); the short ones of b bytes end together, and the long one of
 * b bytes as well; with 2 b it goes on alone.
 */
static void parking_lot(uint32_t n, uint32_t k, double long_bytes)
{
	struct fluid_transfer long_one = { 0 }, *short_ones;
	const double b = 6e9;
	struct fluid *fluid;
	struct fluid_flow f;
	struct row row;
	int64_t shared = (int64_t)(k + 1) * 6 * S;

	row_init(&row, n + 1, NULL);
	fluid = start(&row);
	f = flow(&row, 0, n, long_bytes);
	fluid_begin(fluid, &long_one, &f, 1, 0);
	short_ones = calloc((size_t)n * k, sizeof(*short_ones));
	for (uint32_t i = 0; i < n * k; i++) {
		f = flow(&row, i / k, 1, b);
		fluid_begin(fluid, &short_ones[i], &f, 1, 0);
	}
	assert_true(fabs(fluid_rate(fluid, &long_one, 0) - RATE / (k + 1)) < 1);
	fluid_advance(fluid, 1000 * S);
	for (uint32_t i = 0; i < n * k; i++)
		assert_int_equal(short_ones[i].end, shared);
	assert_int_equal(long_one.end, shared + (int64_t)(long_bytes - b));
	for (uint32_t i = 0; i < n * k; i++)
		fluid_cancel(fluid, &short_ones[i], 1000 * S);
	fluid_cancel(fluid, &long_one, 1000 * S);
	free(short_ones);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

static void parking_lot_in_closed_form(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 8; n++)
		for (uint32_t k = 1; k <= 4; k++) {
			parking_lot(n, k, 6e9);
			parking_lot(n, k, 12e9);
		}
}

/* A flow held back by a slow link leaves the rest of a fast one to others. */
static void what_one_cannot_use_goes_to_others(void **state)
{
	static const double capacity[] = { 10e9, 2e9 };
	struct fluid_transfer t = { 0 };
	struct fluid_flow flows[3];
	struct fluid *fluid;
	struct row row;

	(void)state;
	row_init(&row, 3, capacity);
	fluid = start(&row);
	flows[0] = flow(&row, 0, 2, 1e12);
	flows[1] = flow(&row, 0, 1, 1e12);
	flows[2] = flow(&row, 0, 1, 1e12);
	fluid_begin(fluid, &t, flows, 3, 0);
	assert_true(fluid_rate(fluid, &t, 0) == 2e9);
	assert_true(fluid_rate(fluid, &t, 1) == 4e9);
	assert_true(fluid_rate(fluid, &t, 2) == 4e9);
	fluid_cancel(fluid, &t, 0);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

static void nothing_to_send_ends_at_once(void **state)
{
	struct fluid_transfer t = { 0 };
	struct fluid_flow flows[2] = { { .bytes = 5 } };
	struct fluid *fluid;
	struct row row;

	(void)state;
	row_init(&row, 3, NULL);
	fluid = start(&row);
	flows[1] = flow(&row, 0, 1, 0);
	fluid_begin(fluid, &t, flows, 2, 7);
	assert_int_equal(t.end, 7);
	assert_ptr_equal(fluid_ended(fluid), &t);
	fluid_cancel(fluid, &t, 7);
	fluid_destroy(fluid);
	topology_release(&row.topology);
}

static void needs_a_unit(void **state)
{
	struct fluid *fluid;
	struct err err;
	struct row row;

	(void)state;
	row_init(&row, 2, NULL);
	row.topology.unit = TOPOLOGY_UNIT_NONE;
	assert_int_equal(fluid_create(&fluid, &row.topology, &err), -1);
	assert_non_null(strstr(err.text, "--link-rate"));
	topology_release(&row.topology);
}

/* Rates by raising all together in the plainest way. */
static void plain_rates(const struct row *row, const struct fluid_flow *flows, uint32_t count,
			double *rates)
{
	const struct netemu_net *net = &row->topology.net;
	bool fixed[64] = { false };

	memset(rates, 0, count * sizeof(*rates));
	for (;;) {
		double least = INFINITY;
		uint32_t tight = 0;

		for (uint32_t l = 0; l < net->links; l++) {
			double rest = net->link[l].capacity;
			uint32_t open = 0;

			for (uint32_t f = 0; f < count; f++)
				for (uint32_t i = 0; i < flows[f].nlinks; i++)
					if (flows[f].path[i] == l) {
						rest -= fixed[f] ? rates[f] : 0;
						open += !fixed[f];
					}
			if (open && rest / open < least) {
				least = rest / open;
				tight = l;
			}
		}
		if (least == INFINITY)
			return;
		for (uint32_t f = 0; f < count; f++)
			for (uint32_t i = 0; i < flows[f].nlinks; i++)
				if (flows[f].path[i] == tight && !fixed[f]) {
					fixed[f] = true;
					rates[f] = least;
				}
	}
}

static void rates_are_those_of_the_plain_model(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 1, "unit-fluid", 0);
	for (int round = 0; round < 200; round++) {
		struct fluid_transfer t = { 0 };
		struct fluid_flow flows[64];
		double capacity[20], rates[64];
		uint32_t count = 1 + (uint32_t)random_below(&random, 64);
		struct fluid *fluid;
		struct row row;

		for (int i = 0; i < 20; i++)
			capacity[i] = (double)(1 + random_below(&random, 5)) * 1e8;
		row_init(&row, 21, capacity);
		for (uint32_t f = 0; f < count; f++) {
			uint32_t first = (uint32_t)random_below(&random, 20);

			flows[f] = flow(&row, first,
					1 + (uint32_t)random_below(&random, 20 - first), 1e15);
		}
		fluid = start(&row);
		fluid_begin(fluid, &t, flows, count, 0);
		plain_rates(&row, flows, count, rates);
		for (uint32_t f = 0; f < count; f++)
			assert_true(fabs(fluid_rate(fluid, &t, f) - rates[f]) <= 1e-9 * rates[f]);
		fluid_cancel(fluid, &t, 0);
		fluid_destroy(fluid);
		topology_release(&row.topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flow_takes_bytes_by_rate),
		cmocka_unit_test(two_jobs_on_a_link_take_twice_as_long),
		cmocka_unit_test(rates_follow_who_comes_and_goes),
		cmocka_unit_test(a_cancelled_transfer_gives_back_its_share),
		cmocka_unit_test(parking_lot_in_closed_form),
		cmocka_unit_test(what_one_cannot_use_goes_to_others),
		cmocka_unit_test(nothing_to_send_ends_at_once),
		cmocka_unit_test(needs_a_unit),
		cmocka_unit_test(rates_are_those_of_the_plain_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
