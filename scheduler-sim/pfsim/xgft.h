/* SPDX-License-Identifier: Apache-2.0 */
/* xgft.h - the tree that PFSim generates for the parameters of an XGFT
 *
 * Every switch on top is joined to every top switch of each subtree; from
 * three levels on this has more cables than the extended generalized fat tree
 * of that name, see xgft: in topology/generate.h.  Nodes are called by numbers:
 * the w[0] * .. * w[h - 1] switches on top first, then one subtree after the
 * other in the same way.
 */
#ifndef NETEMU_PFSIM_XGFT_H
#define NETEMU_PFSIM_XGFT_H

#include "topology/topology.h"

/* HEIGHT levels of switches with M[i] subtrees and W[i]; all links of capacity BW,
 * NPE slots on each host.  Initialises TOPOLOGY, with SOURCE for messages, and
 * finishes it.  Returns 0, or -1 with ERR written and nothing to release.
 */
int pfsim_xgft(struct topology *topology, const char *source, uint32_t height, const uint32_t *m,
	       const uint32_t *w, double bw, uint32_t npe, struct err *err);

#endif
