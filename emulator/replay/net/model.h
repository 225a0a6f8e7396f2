/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - a network that is computed: all ranks in one process, virtual time
 *
 * The analytical network of ASTRA-sim ("Scalable hierarchical training simulations",
 * ISPASS 2023): each dimension is a ring, a switch or fully connected; a message takes
 *
 *     trunc(hops * latency + bytes / bandwidth) ns
 *
 * with the hops of the first dimension in which the two ranks differ: the shorter way of
 * a ring, 2 over a switch, 1 if fully connected.  With `congestion` the links (one
 * dimension) are used by one message at a time, in order of arrival, whole messages from
 * link to link.  Or the links of a topology (netemu-topology(5)): each serialises
 * what crosses it, messages pass cut-through, as netemu0 does it.
 */
#ifndef NET_MODEL_H
#define NET_MODEL_H

#include "net/net.h"

#define MODEL_DIMS 16

enum model_kind {
	MODEL_RING,
	MODEL_SWITCH,
	MODEL_FULL, /* FullyConnected */
};

struct model_settings {
	uint32_t dims; /* 0: one dimension, a switch */
	enum model_kind kind[MODEL_DIMS];
	uint32_t npus[MODEL_DIMS];    /* 0: those of the logical topology */
	double bandwidth[MODEL_DIMS]; /* byte/s */
	double latency[MODEL_DIMS];   /* ns a hop */
	bool congestion;
	/* A network of links in place of dimensions. */
	char *topology, *routing; /* SPEC and algorithm, owned; NULL: dimensions */
	double link_latency;      /* ns of a whole path */
};

/* KEY=VALUE,... as --model takes it (topology=Ring+Switch or Ring,Switch; npus_count=,
 * bandwidth= in GB/s of 2^30 or with a unit, latency= in ns or with a unit,
 * congestion=yes|no, routing=), one value or one for each dimension; or @FILE, also
 * the network file (YAML) of ASTRA-sim.  LOGICAL [NLOGICAL]: the sizes of the logical
 * topology.  Returns 0, or -1 with ERR.
 */
int model_settings_parse(struct model_settings *settings, const char *text, const uint32_t *logical,
			 uint32_t nlogical, struct err *err);
void model_settings_release(struct model_settings *settings);

struct model;

/* A network of SIZE ranks.  Returns 0, or -1 with ERR: sizes that do not multiply to SIZE. */
int model_create(struct model **model, struct loop *loop, const struct model_settings *settings,
		 uint32_t size, struct err *err);
/* The end of RANK; lives as long as the model. */
struct net *model_net(struct model *model, uint32_t rank);
void model_destroy(struct model *model);

/* Matched by nobody when the run has come to its end: a sentence about the first, or 0. */
int model_left(const struct model *model, struct err *err);

#endif
