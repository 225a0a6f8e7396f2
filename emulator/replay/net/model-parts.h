/* SPDX-License-Identifier: Apache-2.0 */
/* model-parts.h - what the parts of the modelled network share
 *
 * model.c matches messages and ends them; a way says when they arrive: model-dims.c by
 * the formula or over the links of dimensions, model-links.c over those of a topology or
 * of a device.
 */
#ifndef NET_MODEL_PARTS_H
#define NET_MODEL_PARTS_H

#include "net/match.h"
#include "net/model.h"

struct flight;

/* What goes one of the ways of model-links.c. */
struct flight_part {
	struct flight *flight;
	struct flight_part *next; /* of a stream */
	uint64_t size, issued;    /* bytes */
};

/* A message under way, or there and not yet received.  Lies in a block of the model's. */
struct flight {
	struct match_arrival arrival; /* first: what the matching knows of it */
	struct loop_timer timer;      /* the way's */
	struct model *model;
	struct net_message *send; /* NULL when it is there */
	uint32_t target;
	void *copy;          /* contents of one that was there first, or NULL; owned */
	struct flight *next; /* of those that are free */
	/* The way's. */
	uint32_t dim, hop, hops;
	struct flight_part part;
	struct flight_part *parts; /* in place of it: of several ways; owned, or NULL */
	uint64_t through;          /* bytes */
	double ended;              /* ns: when the last of them came */
};

struct model_way {
	/* Prepare model->way_data.  Returns 0, or -1 with ERR and nothing to release. */
	int (*init)(struct model *model, struct err *err);
	/* See to it that model_arrived() is called from the loop when it is there.
	 * Returns 0, or -1 with ERR.
	 */
	int (*begin)(struct model *model, struct flight *flight, struct err *err);
	void (*release)(struct model *model);
};

extern const struct model_way model_way_formula, model_way_dims, model_way_links;

struct model {
	struct loop *loop;
	const struct model_settings *settings;
	const struct model_way *way;
	void *way_data;
	uint32_t size;
	uint32_t npus[MODEL_DIMS], dims;
	double rate[MODEL_DIMS]; /* byte/ns, 0: no limit */
	struct model_end *ends;  /* [size] */
	struct net_count *counts;
	struct flight *free;
	struct flight_block *blocks;
};

/* FLIGHT is there, and its sender knows ANSWER ns later. */
void model_arrived(struct flight *flight, int64_t answer);

/* Nanoseconds without their fraction, and a sum, both kept within what a time may be. */
int64_t model_whole(double ns);
int64_t model_later(int64_t time, int64_t ns);

/* loop_at(), with a sentence. */
int model_at(struct model *model, struct loop_timer *timer, int64_t time, struct err *err);

#endif
