/* SPDX-License-Identifier: Apache-2.0 */
/* closing.h - the one line srun says at the end of a recorded step
 *
 * "netprof: RUNDIR: 16 ranks, 4 nodes, 1.23 GiB in 12,345 messages" and what is
 * missing.
 */
#ifndef NETPROF_CLOSING_H
#define NETPROF_CLOSING_H

#include "err.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Zero-initialised = nothing yet. */
struct closing {
	uint32_t ranks, size, incomplete, broken;
	char **nodes; /* each once; owned */
	size_t nnodes;
};

/* Note that a rank ran on NODE.  Returns 0, or -1 with errno. */
int closing_add_node(struct closing *totals, const char *node);

/* Print "; 3 ranks WHAT", or nothing for none. */
void closing_print_count(FILE *out, uint32_t count, const char *what);

/* Add the file NAME of a rank, in the directory DIR, to TOTALS. */
typedef void closing_add_fn(struct closing *totals, int dir, const char *name);
/* Print what was done, after "name: RUNDIR: 16 ranks, 4 nodes". */
typedef void closing_print_fn(const struct closing *totals, const char *rundir, FILE *out);

/* Write the line of RUNDIR to OUT.  Returns 0, or -1 with ERR written when there is no rank
 * in it.  TOTALS has no nodes afterwards.
 */
int closing_print(struct closing *totals, closing_add_fn *add, closing_print_fn *print,
		  const char *rundir, FILE *out, struct err *err);

#endif
