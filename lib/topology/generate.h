/* SPDX-License-Identifier: Apache-2.0 */
/* generate.h - networks by rule
 *
 * Each generator adds the nodes and cables of one shape to a TOPOLOGY that
 * topology_init() made, with the parameters in ARGS (what stands behind the
 * kind's ':' in the SPEC), and sets its shape and ndims.  Capacities are 1
 * without a unit, hosts have 1 slot.  They return 0, or -1 with ERR written.
 *
 * Ports count from 1.  Hosts come first and are called h000, h001, ... in the
 * order of their addresses; switches are s<level>-<coordinates>.
 */
#ifndef NETEMU_TOPOLOGY_GENERATE_H
#define NETEMU_TOPOLOGY_GENERATE_H

#include "topology/topology.h"

/* xgft: M:W[:P], e.g. 4x4x3:1x2x2: an extended generalized fat tree XGFT(h;
 * m1..mh; w1..wh) (Ohring et al., IPPS 1995) with p[i] parallel cables between
 * levels i and i + 1.  dim = m, w, cables = p, ndims = h.
 *
 * A node of level l (0: hosts) has coord[i] = y[i+1] for i < l, x[i+1] for i >= l;
 * host index = sum of x[i] * product of m[j < i].  Nodes (l; X, x[l+1]; Y) and
 * (l + 1; X; Y, y[l+1]) are joined for all y.  Nodes of one level stand in the
 * order of their coordinates, coord[0] first to change.
 * Ports of a node of level l: to child x cable k: x * p + k + 1; to parent y
 * cable k: (number of ports down) + y * p + k + 1.  Its links stand in the order
 * of its ports.
 */
int xgft_generate(struct topology *topology, const char *args, struct err *err);

/* kary: K:N, a k-ary n-tree (Petrini and Vanneschi, IPPS 1997): XGFT(n; k..k;
 * 1,k..k).
 */
int kary_generate(struct topology *topology, const char *args, struct err *err);

/* torus: K0xK1x..[:HOSTS]: a switch at each lattice point, with HOSTS hosts (1)
 * on it.  dim = K, ndims of them.  coord of a switch is its lattice point, of a
 * host that of its switch; both stand in the order of coord, coord[0] first to
 * change.
 * Port 2d + 1 of a switch leads to the neighbour at + in dimension d, 2d + 2 to
 * the one at -, 2 * ndims + 1 + i to its host i.  A dimension of size 2 has both
 * (two cables between the two switches), so that a ring of any size looks the
 * same; one of size 1 has neither.
 */
int torus_generate(struct topology *topology, const char *args, struct err *err);

/* mesh: the same without the cables from the last lattice point to the first. */
int mesh_generate(struct topology *topology, const char *args, struct err *err);

/* dragonfly: P:A:H, g = a * h + 1 groups of a routers with p hosts and h global
 * cables each (Kim et al., ISCA 2008, the canonical one).  dim = p, a, h, ndims
 * = 3; coord of a router = group, router, of a host = group, router, host.
 * Within a group all routers are joined.  Global port q = router * h + i of group
 * G leads to group (G + q + 1) mod g, to global port a * h - 1 - q of it (the
 * relative arrangement of Hastings et al., CLUSTER 2015).
 * Ports of router r: 1 + i to its host i; p + 1 + s to router s of its group (s
 * counts without r); p + a + i, its global port i.
 */
int dragonfly_generate(struct topology *topology, const char *args, struct err *err);

#endif
