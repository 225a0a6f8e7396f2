/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - where the nodes of a network are drawn
 *
 * A torus or mesh of up to three dimensions as its lattice, the third one going
 * off at an angle; networks with cables between switches of the same level on
 * circles, hosts outside; all others in rows by their distance from the hosts.
 */
#ifndef NETEMU_SIM_LAYOUT_H
#define NETEMU_SIM_LAYOUT_H

#include "topology/topology.h"

enum layout_kind {
	LAYOUT_ROWS,
	LAYOUT_LATTICE,
	LAYOUT_CIRCLES,
};

struct layout_point {
	double x, y;
};

struct layout {
	enum layout_kind kind;
	struct layout_point *at;         /* of each node; owned */
	double left, right, bottom, top; /* of the picture, 3 : 2 but for rows */
	const struct topology *topology;
};

/* TOPOLOGY stays with the caller.  Returns 0, or -1 with errno ENOMEM. */
int layout_make(struct layout *layout, const struct topology *topology);
void layout_release(struct layout *layout);

/* The lines to draw for LINK: one, or two short ones for a cable that goes round a
 * torus.  LINE gets pairs of begin and end.  Returns how many lines.
 */
int layout_lines(const struct layout *layout, uint32_t link, struct layout_point line[4]);

#endif
