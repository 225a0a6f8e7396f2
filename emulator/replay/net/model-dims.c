/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model-parts.h"

#include <stdlib.h>

/* Ranks are numbered with dimension 0 fastest. */
static uint32_t place_in(const struct model *model, uint32_t rank, uint32_t dim)
{
	for (uint32_t d = 0; d < dim; d++)
		rank /= model->npus[d];
	return rank % model->npus[dim];
}

/* The first dimension in which they differ; that they do is known. */
static uint32_t first_difference(const struct model *model, uint32_t a, uint32_t b)
{
	uint32_t dim = 0;

	while (a % model->npus[dim] == b % model->npus[dim]) {
		a /= model->npus[dim];
		b /= model->npus[dim];
		dim++;
	}
	return dim;
}

/* Steps upwards from FROM to TO on a ring of N. */
static uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t n)
{
	return (to + n - from) % n;
}

static uint32_t hops_between(const struct model *model, uint32_t dim, uint32_t a, uint32_t b)
{
	uint32_t n = model->npus[dim], up;

	switch (model->settings->kind[dim]) {
	case MODEL_RING:
		up = ring_distance(place_in(model, a, dim), place_in(model, b, dim), n);
		return up <= n - up ? up : n - up;
	case MODEL_SWITCH:
		return 2;
	default:
		return 1;
	}
}

static double wire_time(const struct model *model, uint32_t dim, uint64_t bytes)
{
	return model->rate[dim] > 0 ? (double)bytes / model->rate[dim] : 0;
}

static struct flight *flight_of(struct loop_timer *timer)
{
	return (struct flight *)((char *)timer - offsetof(struct flight, timer));
}

static void arrive(struct loop_timer *timer, int64_t due)
{
	(void)due;
	model_arrived(flight_of(timer), 0);
}

/* --- by the formula --- */

static int formula_init(struct model *model, struct err *err)
{
	(void)model;
	(void)err;
	return 0;
}

static void formula_release(struct model *model)
{
	(void)model;
}

static int64_t formula_time(const struct model *model, uint32_t from, uint32_t to, uint64_t bytes)
{
	uint32_t dim, hops;

	if (from == to)
		return 0;
	dim = first_difference(model, from, to);
	hops = hops_between(model, dim, from, to);
	return model_whole(hops * model->settings->latency[dim] + wire_time(model, dim, bytes));
}

static int formula_begin(struct model *model, struct flight *flight, struct err *err)
{
	int64_t time =
		formula_time(model, flight->arrival.peer, flight->target, flight->arrival.size);

	flight->timer.fire = arrive;
	return model_at(model, &flight->timer, model_later(loop_now(model->loop), time), err);
}

const struct model_way model_way_formula = {
	.init = formula_init,
	.begin = formula_begin,
	.release = formula_release,
};

/* --- over links --- */

/* When each link is free again.  Of a ring a rank has two, upwards and downwards, of a switch
 * one there and one back, fully connected one to each place.
 */
struct dim_links {
	int64_t *free[MODEL_DIMS];
};

static uint32_t links_of(const struct model *model, uint32_t dim)
{
	return model->settings->kind[dim] == MODEL_FULL ? model->npus[dim] : 2;
}

static void dims_release(struct model *model)
{
	struct dim_links *dims = model->way_data;

	for (uint32_t d = 0; d < MODEL_DIMS; d++)
		free(dims->free[d]);
	free(dims);
}

static int dims_init(struct model *model, struct err *err)
{
	struct dim_links *dims = calloc(1, sizeof(*dims));

	if (!dims)
		return err_errno(err, "no room for links");
	model->way_data = dims;
	for (uint32_t d = 0; d < model->dims; d++) {
		dims->free[d] = calloc((size_t)model->size * links_of(model, d), sizeof(int64_t));
		if (dims->free[d])
			continue;
		err_errno(err, "no room for links");
		dims_release(model);
		return -1;
	}
	return 0;
}

static uint32_t stride_of(const struct model *model, uint32_t dim)
{
	uint32_t stride = 1;

	for (uint32_t d = 0; d < dim; d++)
		stride *= model->npus[d];
	return stride;
}

/* The rank at PLACE of the dimension that RANK is in. */
static uint32_t rank_at(const struct model *model, uint32_t rank, uint32_t dim, uint32_t place)
{
	return rank + (place - place_in(model, rank, dim)) * stride_of(model, dim);
}

/* Of two ways as long it goes upwards. */
static size_t ring_link(const struct model *model, const struct flight *flight, uint32_t from,
			uint32_t to)
{
	uint32_t n = model->npus[flight->dim], up = ring_distance(from, to, n);
	bool down = n - up < up;
	uint32_t place = (down ? from + n - flight->hop : from + flight->hop) % n;

	return 2 * (size_t)rank_at(model, flight->arrival.peer, flight->dim, place) + down;
}

/* The link of the hop that comes next. */
static size_t next_link(const struct model *model, const struct flight *flight)
{
	uint32_t dim = flight->dim, source = flight->arrival.peer;
	uint32_t from = place_in(model, source, dim), to = place_in(model, flight->target, dim);

	switch (model->settings->kind[dim]) {
	case MODEL_RING:
		return ring_link(model, flight, from, to);
	case MODEL_SWITCH:
		if (flight->hop == 0)
			return 2 * (size_t)source;
		return 2 * (size_t)rank_at(model, source, dim, to) + 1;
	default:
		return (size_t)source * model->npus[dim] + to;
	}
}

static void hop_ended(struct loop_timer *timer, int64_t due);

/* Wait for the next link, cross it. */
static int cross(struct model *model, struct flight *flight, struct err *err)
{
	struct dim_links *dims = model->way_data;
	int64_t *free = &dims->free[flight->dim][next_link(model, flight)];
	double wire = wire_time(model, flight->dim, flight->arrival.size);
	int64_t start = loop_now(model->loop);

	if (start < *free)
		start = *free;
	*free = model_later(start, model_whole(wire));
	flight->hop++;
	flight->timer.fire = hop_ended;
	return model_at(
		model, &flight->timer,
		model_later(start, model_whole(model->settings->latency[flight->dim] + wire)), err);
}

static void hop_ended(struct loop_timer *timer, int64_t due)
{
	struct flight *flight = flight_of(timer);
	struct err err;

	(void)due;
	if (flight->hop == flight->hops)
		model_arrived(flight, 0);
	else if (cross(flight->model, flight, &err) < 0)
		loop_fail(flight->model->loop, "%s", err.text);
}

static int dims_begin(struct model *model, struct flight *flight, struct err *err)
{
	uint32_t source = flight->arrival.peer;

	if (source == flight->target)
		return formula_begin(model, flight, err);
	flight->dim = first_difference(model, source, flight->target);
	flight->hops = hops_between(model, flight->dim, source, flight->target);
	return cross(model, flight, err);
}

const struct model_way model_way_dims = {
	.init = dims_init,
	.begin = dims_begin,
	.release = dims_release,
};
