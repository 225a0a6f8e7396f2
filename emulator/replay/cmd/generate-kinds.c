/* SPDX-License-Identifier: Apache-2.0 */
/* generate-kinds.c - what the generated traces do */
#include "cmd/generate.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- one collective, again and again ---- */

static void collective(struct trace *trace, const struct generate_options *options, uint32_t rank)
{
	uint64_t last = TRACE_NONE;
	struct et_node node;

	(void)rank;
	for (uint32_t i = 0; i < options->count; i++) {
		if (options->compute_us)
			last = trace_compute(trace, "compute", options->compute_us, last);
		node = (struct et_node){
			.name = options->kind->name,
			.type = ET_COMM_COLL,
			.has = ET_HAS_COMM | ET_HAS_SIZE | (options->root ? ET_HAS_ROOT : 0),
			.comm_type = options->kind->collective,
			.comm_size = options->size,
			.root = options->root,
		};
		last = trace_add(trace, &node, &last, 1);
	}
}

/* ---- a pipeline: all micro-batches forward, then all back ---- */

/* One stage of a pipeline: what comes, is computed and goes on. */
static uint64_t stage(struct trace *trace, const struct generate_options *options, int64_t from,
		      int64_t to, uint32_t tag, const char *name, uint64_t us, uint64_t last)
{
	uint64_t deps[2] = { last, TRACE_NONE };
	struct et_node node = { .name = name, .type = ET_COMP, .duration_us = us };

	if (from >= 0)
		deps[1] = trace_receive(trace, (uint32_t)from, tag, options->size, TRACE_NONE);
	last = trace_add(trace, &node, deps, 2);
	if (to >= 0)
		trace_send(trace, (uint32_t)to, tag, options->size, last);
	return last;
}

static void pipeline(struct trace *trace, const struct generate_options *options, uint32_t rank)
{
	int64_t before = (int64_t)rank - 1,
		behind = rank + 1 < options->ranks ? (int64_t)rank + 1 : -1;
	uint64_t last = TRACE_NONE;

	for (uint32_t i = 0; i < options->count; i++)
		last = stage(trace, options, before, behind, i, "forward", options->compute_us,
			     last);
	for (uint32_t i = options->count; i-- > 0;)
		last = stage(trace, options, behind, before, options->count + i, "backward",
			     2 * options->compute_us, last);
}

/* ---- a step of a transformer ---- */

/* RANK by its place in each direction: tensor is the fastest, pipeline the slowest. */
struct place {
	uint32_t tensor, data, pipeline;
};

static struct place place_of(const struct generate_options *options, uint32_t rank)
{
	return (struct place){
		.tensor = rank % options->tensor,
		.data = rank / options->tensor % options->data,
		.pipeline = rank / options->tensor / options->data,
	};
}

static uint32_t rank_of(const struct generate_options *options, struct place place)
{
	return (place.pipeline * options->data + place.data) * options->tensor + place.tensor;
}

/* Groups: those of tensor parallelism, then those of data parallelism. */
static uint32_t tensor_group(const struct generate_options *options, struct place place)
{
	return 1 + place.pipeline * options->data + place.data;
}

static uint32_t data_group(const struct generate_options *options, struct place place)
{
	return 1 + options->pipeline * options->data + place.pipeline * options->tensor +
	       place.tensor;
}

static uint32_t transformer_group(const struct generate_options *options, uint32_t id,
				  uint32_t *ranks)
{
	uint32_t tensor = options->pipeline * options->data, count;
	struct place place = { 0 };

	id--;
	if (id < tensor) {
		place.pipeline = id / options->data;
		place.data = id % options->data;
		for (count = 0; count < options->tensor; count++) {
			place.tensor = count;
			ranks[count] = rank_of(options, place);
		}
		return count;
	}
	id -= tensor;
	if (id >= options->pipeline * options->tensor)
		return 0;
	place.pipeline = id / options->tensor;
	place.tensor = id % options->tensor;
	for (count = 0; count < options->data; count++) {
		place.data = count;
		ranks[count] = rank_of(options, place);
	}
	return count;
}

struct step {
	struct trace *trace;
	const struct generate_options *options;
	struct place place;
	int64_t before, behind; /* ranks, or -1 */
	uint32_t layers;        /* of this stage */
	uint64_t last;          /* of the chain of computations */
	uint64_t *gradients;    /* the layers' all-reduces; owned */
};

/* Half of a layer (attention, or what follows it): a computation, and its parts are added up. */
static void half(struct step *step, const char *name, uint64_t us)
{
	step->last = trace_compute(step->trace, name, us, step->last);
	if (step->options->tensor > 1)
		step->last = trace_collective(step->trace, "tensor all-reduce", ET_ALL_REDUCE,
					      step->options->size,
					      tensor_group(step->options, step->place), step->last);
}

static void forward(struct step *step, uint32_t batch)
{
	const struct generate_options *options = step->options;

	if (step->before >= 0) {
		uint64_t deps[2] = { step->last, trace_receive(step->trace, (uint32_t)step->before,
							       batch, options->size, TRACE_NONE) };
		struct et_node node = { .name = "take in", .type = ET_COMP };

		step->last = trace_add(step->trace, &node, deps, 2);
	}
	for (uint32_t layer = 0; layer < step->layers; layer++) {
		half(step, "attention", options->compute_us);
		half(step, "feed forward", options->compute_us);
	}
	if (step->behind >= 0)
		trace_send(step->trace, (uint32_t)step->behind, batch, options->size, step->last);
}

/* Back through all layers; with the last micro-batch the gradients of a layer are whole, and are
 * added up while the next one is computed.
 */
static void backward(struct step *step, uint32_t batch)
{
	const struct generate_options *options = step->options;
	uint32_t tag = options->count + batch;

	if (step->behind >= 0) {
		uint64_t deps[2] = { step->last, trace_receive(step->trace, (uint32_t)step->behind,
							       tag, options->size, TRACE_NONE) };
		struct et_node node = { .name = "take in", .type = ET_COMP };

		step->last = trace_add(step->trace, &node, deps, 2);
	}
	for (uint32_t layer = step->layers; layer-- > 0;) {
		half(step, "feed forward, backward", 2 * options->compute_us);
		half(step, "attention, backward", 2 * options->compute_us);
		if (batch == 0 && options->data > 1)
			step->gradients[layer] =
				trace_collective(step->trace, "gradients", ET_ALL_REDUCE,
						 options->parameters / options->tensor,
						 data_group(options, step->place), step->last);
	}
	if (step->before >= 0)
		trace_send(step->trace, (uint32_t)step->before, tag, options->size, step->last);
}

static void transformer(struct trace *trace, const struct generate_options *options, uint32_t rank)
{
	struct step step = { .trace = trace, .options = options, .last = TRACE_NONE };
	struct et_node node = { .name = "optimizer",
				.type = ET_COMP,
				.duration_us = options->compute_us };
	uint32_t stride = options->tensor * options->data;

	step.place = place_of(options, rank);
	step.before = step.place.pipeline ? (int64_t)rank - stride : -1;
	step.behind = step.place.pipeline + 1 < options->pipeline ? (int64_t)rank + stride : -1;
	/* the first stages have one more when they do not divide */
	step.layers = options->layers / options->pipeline +
		      (step.place.pipeline < options->layers % options->pipeline);
	step.gradients = malloc((step.layers + 1) * sizeof(*step.gradients));
	if (!step.gradients) {
		trace->rc = err_errno(trace->err, "no room for %u layers", step.layers);
		return;
	}
	for (uint32_t layer = 0; layer <= step.layers; layer++)
		step.gradients[layer] = TRACE_NONE;
	for (uint32_t i = 0; i < options->count; i++)
		forward(&step, i);
	for (uint32_t i = options->count; i-- > 0;)
		backward(&step, i);
	step.gradients[step.layers] = step.last;
	trace_add(trace, &node, step.gradients, step.layers + 1);
	free(step.gradients);
}

/* ---- a mixture of experts ---- */

/* Bytes from rank I to rank J in LAYER: half to one and a half of the mean, by the seed (Steele,
 * Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
 */
static uint64_t routed(const struct generate_options *options, uint32_t layer, uint32_t i,
		       uint32_t j)
{
	uint64_t mean = options->size / options->ranks, z = options->seed;

	z += UINT64_C(0x9e3779b97f4a7c15) *
	     (1 + ((uint64_t)layer * options->ranks + i) * options->ranks + j);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return mean / 2 + (mean ? z % (mean + 1) : 0);
}

static uint64_t exchange(struct trace *trace, const struct generate_options *options,
			 const char *name, const int64_t *sizes, uint64_t after)
{
	struct et_node node = {
		.name = name,
		.type = ET_COMM_COLL,
		.has = ET_HAS_COMM | ET_HAS_SIZE,
		.comm_type = ET_ALL_TO_ALL,
		.sizes = sizes,
		.sizes_count = options->ranks,
	};

	for (uint32_t i = 0; i < options->ranks; i++)
		node.comm_size += (uint64_t)sizes[i];
	return trace_add(trace, &node, &after, 1);
}

/* Each layer sends what belongs to others' experts there and takes it back. */
static void moe(struct trace *trace, const struct generate_options *options, uint32_t rank)
{
	int64_t *there = calloc(options->ranks, sizeof(*there));
	int64_t *back = calloc(options->ranks, sizeof(*back));
	uint64_t last = TRACE_NONE;

	if (!there || !back)
		trace->rc = err_errno(trace->err, "no room for %u ranks", options->ranks);
	for (uint32_t layer = 0; there && back && layer < options->layers * options->count;
	     layer++) {
		for (uint32_t i = 0; i < options->ranks; i++) {
			there[i] = (int64_t)routed(options, layer, rank, i);
			back[i] = (int64_t)routed(options, layer, i, rank);
		}
		last = trace_compute(trace, "attention", options->compute_us, last);
		last = exchange(trace, options, "dispatch", there, last);
		last = trace_compute(trace, "experts", options->compute_us, last);
		last = exchange(trace, options, "combine", back, last);
	}
	free(there);
	free(back);
}

const struct generate_kind generate_kinds[] = {
	{ "all-reduce", "a collective", collective, NULL, ET_ALL_REDUCE, false },
	{ "all-gather", "a collective", collective, NULL, ET_ALL_GATHER, false },
	{ "reduce-scatter", "a collective", collective, NULL, ET_REDUCE_SCATTER, false },
	{ "all-to-all", "a collective", collective, NULL, ET_ALL_TO_ALL, false },
	{ "broadcast", "a collective", collective, NULL, ET_BROADCAST, false },
	{ "reduce", "a collective", collective, NULL, ET_REDUCE, false },
	{ "gather", "a collective", collective, NULL, ET_GATHER, false },
	{ "scatter", "a collective", collective, NULL, ET_SCATTER, false },
	{ "barrier", "a collective", collective, NULL, ET_BARRIER, false },
	{ "pipeline", "micro-batches from rank to rank and back", pipeline, NULL, 0, true },
	{ "transformer", "a step of training in three directions", transformer, transformer_group,
	  0, true },
	{ "moe", "a mixture of experts", moe, NULL, 0, true },
	{ 0 },
};
