/* SPDX-License-Identifier: Apache-2.0 */
/* compat_xgft.h - what PFSim builds when it is asked for an XGFT
 *
 * A tree of height h has w_1 * ... * w_h switches at its top, each joined with
 * every top switch of each of its m_h subtrees; a tree of height 0 is a host.
 * For three levels and more that is no XGFT: XGFT(3;4,4,3;1,2,2) gets 192
 * directed links instead of 168.
 */
#ifndef NETEMU_SIM_COMPAT_XGFT_H
#define NETEMU_SIM_COMPAT_XGFT_H

#include "schema.h"
#include "topology/topology.h"

/* From the `params:` of a scenario's topology.  Nodes are numbered as PFSim does,
 * the top of a tree before what is below; numbers have leading zeros, so that
 * they sort as numbers.  Returns 0, or -1 with ERR written.
 */
int compat_xgft(struct topology *topology, const struct yaml_node *params, const char *spec,
		struct err *err);

#endif
