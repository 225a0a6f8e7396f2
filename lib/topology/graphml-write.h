/* SPDX-License-Identifier: Apache-2.0 */
/* graphml-write.h - a topology as GraphML
 *
 * What read_graphml() reads back to the same topology, and networkx, Gephi and
 * Cytoscape open: one edge for each direction of each cable, in the order of
 * net.link.
 */
#ifndef NETEMU_TOPOLOGY_GRAPHML_WRITE_H
#define NETEMU_TOPOLOGY_GRAPHML_WRITE_H

#include "topology/topology.h"

#include <stdio.h>

/* One more attribute of edges, by link: one of both arrays. */
struct graphml_column {
	const char *name; /* e.g. "bytes"; letters and '_' */
	const uint64_t *integer;
	const double *real;
};

struct graphml_values {
	const struct graphml_column *column;
	size_t count;
};

/* Write TOPOLOGY, finished, to OUT, with VALUES (NULL: none) on its edges.  The
 * caller flushes and closes OUT.  Returns 0, or -1 with ERR written.
 */
int graphml_write(FILE *out, const struct topology *topology, const struct graphml_values *values,
		  struct err *err);

#endif
