/* SPDX-License-Identifier: Apache-2.0 */
/* greedy.h - the least loaded of all shortest paths */
#ifndef NETEMU_GREEDY_H
#define NETEMU_GREEDY_H

#include "loads.h"
#include "waves.h"

struct greedy {
	struct waves waves;
	struct ways ways;
	uint32_t *weight;  /* [links], 0: not between switches; owned */
	load_amount *best; /* [inner]; owned */
	uint32_t *path;    /* [inner + 2]; owned */
	bool max;
};

/* By the largest load on a path when MAX, else by their sum.  Returns NULL with
 * errno ENOMEM.
 */
struct greedy *greedy_create(const struct topology *topology, bool max);
void greedy_destroy(struct greedy *greedy); /* NULL is fine */

/* The first of the best paths for BYTES from host FROM to host TO, with LOADS on
 * the links already, into greedy->path.  Returns its length, 0 when there is
 * none, or -1 with errno ENOMEM.  greedy->ways are those of the pair then.
 */
int greedy_path(struct greedy *greedy, const struct loads *loads, uint32_t from, uint32_t to,
		uint64_t bytes);

#endif
