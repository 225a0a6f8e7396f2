/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - traces into memory, with how far it is on a terminal */
#ifndef CMD_LOAD_H
#define CMD_LOAD_H

#include "chakra/graph.h"
#include "result/waymark.h"

/* Zeroed before its first use. */
struct load {
	struct waymark mark;
	uint32_t file, files; /* the place of this one among how many; 0: there is only one */
	double before;        /* part of the work on it that was done before */
	bool silent;
};

/* DONE of ALL bytes, of the rest of the work on this file. */
void load_show(struct load *load, uint64_t done, uint64_t all, uint64_t file_bytes);

/* graph_load(); OPTIONS as there, whose `progress` is not used. */
int load_graph(struct load *load, struct graph *graph, const char *path,
	       const struct graph_options *options, struct err *err);

#endif
