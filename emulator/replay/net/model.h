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
 * link to link, each hop after trunc(latency + bytes / bandwidth) ns and the link free after
 * trunc(bytes / bandwidth).  Or the links of a topology (netemu-topology(5)) or of an emulated
 * device: each serialises what crosses it, messages pass cut-through in pieces, as netemu0
 * does it, those of one pair of ranks one after the other, by each of several ways; a send is done
 * when the answer is back, a latency after it is there.
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

/* Links that are there already: of an emulated device.  All arrays are owned. */
struct model_links {
	uint32_t links, places, ranks;
	uint32_t ways;   /* that a message can go from rank to rank, each with its parts of it */
	double *rate;    /* [links] byte/s; 0: no limit */
	uint32_t *place; /* [ranks][ways]: where each of them is */
	/* From place I to place J: links path[start[p]] .. path[start[p + 1] - 1],
	 * p = I * places + J; also from a place to itself.
	 */
	uint32_t *path;
	uint64_t *start; /* [places * places + 1] */
};

struct model_settings {
	uint32_t dims; /* 0: one dimension, a switch */
	enum model_kind kind[MODEL_DIMS];
	uint32_t npus[MODEL_DIMS];    /* 0: those of the logical topology */
	double bandwidth[MODEL_DIMS]; /* byte/s; 0: no limit */
	double latency[MODEL_DIMS];   /* ns a hop */
	bool congestion;
	/* A network of links in place of dimensions. */
	char *topology, *routing; /* SPEC and algorithm, owned; NULL: dimensions, what fits */
	double link_latency;      /* ns of a whole path */
	double link_rate; /* byte/s of a capacity of 1 where SPEC has no rates; 0: no limit */
	uint64_t seed;    /* of the routing */
	struct model_links *links; /* in place of both; owned, or NULL */
};

/* KEY=VALUE,... as --model takes it (topology=Ring+Switch or Ring,Switch; npus_count=,
 * bandwidth= in GB/s of 2^30 or with a unit, latency= in ns or with a unit,
 * congestion=yes|no), one value or one for each dimension, by '+' or ','; another topology=
 * is a SPEC of links, with routing=, seed=, latency= of a whole path and bandwidth= of links
 * without a rate.  Or @FILE: the same, or the network file of ASTRA-sim, YAML or JSON.
 * What is not said: one Switch, 50 GB/s, 500 ns.  LOGICAL [NLOGICAL]: the sizes of the logical
 * topology, which are npus_count= unless said.  Returns 0, or -1 with ERR and nothing to
 * release.
 */
int model_settings_parse(struct model_settings *settings, const char *text, const uint32_t *logical,
			 uint32_t nlogical, struct err *err);
void model_settings_release(struct model_settings *settings);

struct model;

/* A network of SIZE ranks; SETTINGS are kept.  Ranks fill the hosts of a topology in their
 * order, as many on each as it has slots.  Returns 0, or -1 with ERR: sizes that do not
 * multiply to SIZE, too few hosts.
 */
int model_create(struct model **model, struct loop *loop, const struct model_settings *settings,
		 uint32_t size, struct err *err);
/* The end of RANK; lives as long as the model. */
struct net *model_net(struct model *model, uint32_t rank);
void model_destroy(struct model *model);

/* Matched by nobody when the run has come to its end: a sentence about the first, or 0. */
int model_left(const struct model *model, struct err *err);

#endif
