/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.h - what a program sent, and where its ranks were */
#ifndef NETEMU_RECORDED_H
#define NETEMU_RECORDED_H

#include "jobs/hostmap.h"
#include "jobs/traffic.h"

struct recorded {
	struct traffic *traffic; /* shared */
	uint32_t *placement;     /* [ranks]: rank -> host, or NULL: not known; owned */
	char *warning;           /* how nodes became hosts, when that is to be said; owned */
};

/* Read an archive or folder of rank files, or the one run directory that TEXT, a
 * path or job id, means; FROM as for traffic_read_from().  With WHERE also which host each rank was
 * on: MAP (may be NULL), names, order.  Returns 0, or -1 with ERR written.
 */
int recorded_open(struct recorded *recorded, const char *text, const char *from, bool where,
		  const struct topology *topology, struct hostmap *map, struct err *err);
void recorded_release(struct recorded *recorded);

#endif
