/* SPDX-License-Identifier: Apache-2.0 */
/* mesh.h - a TCP connection between each two ranks */
#ifndef NET_MESH_H
#define NET_MESH_H

#include "net/net.h"

/* Connect all ranks of the rendezvous in SETTINGS; all call it together.  FDS [size] gets a
 * descriptor (not blocking) for each other rank, -1 for this one.  Returns 0, or -1 with ERR
 * naming ranks that did not come.
 */
int mesh_connect(int *fds, const struct net_settings *settings, struct err *err);

#endif
