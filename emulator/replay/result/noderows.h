/* SPDX-License-Identifier: Apache-2.0 */
/* noderows.h - each node that ended as a row of a tab-separated table
 *
 * rank, id, name, lane, start_ns, recorded_ns, replayed_ns; in the order in which they end,
 * written as it goes.
 */
#ifndef RESULT_NODEROWS_H
#define RESULT_NODEROWS_H

#include "chakra/graph.h"
#include "exec/exec.h"
#include "outfile.h"

struct noderows {
	struct outfile file; /* not open: nothing is written */
};

/* Begin PATH.  Returns 0, or -1 with ERR. */
int noderows_open(struct noderows *rows, const char *path, struct err *err);
/* NODE of GRAPH ran from START to END, ns. */
void noderows_add(struct noderows *rows, uint32_t rank, const struct graph *graph, uint32_t node,
		  enum lane lane, int64_t start, int64_t end);
/* The file is whole.  Returns 0, or -1 with ERR. */
int noderows_close(struct noderows *rows, struct err *err);
/* Nothing is left of it; does nothing after noderows_close(). */
void noderows_abort(struct noderows *rows);

#endif
