/* SPDX-License-Identifier: Apache-2.0 */
/* ibfabric.h - an InfiniBand fabric between its dump and a topology
 *
 * The dumps list the ports of each node and what is at the other end of its
 * cable, so each cable stands there twice.  A reader adds nodes and those ends
 * as they come; ibfabric_build() brings the ends together and makes nodes and
 * cables of a topology from them.
 *
 * What becomes what: a channel adapter is a host, and so is a router, which
 * takes traffic of its subnet like one and forwards none of it; the adapter
 * that a switch has inside for reductions ("... Aggregation Node") is left
 * out, and so is a cable from a node to itself.  Several ports of an adapter
 * are several cables of one host.
 *
 * ibfabric_build() puts nodes in the order of their LIDs, those without one
 * behind, and read_ib() then by name, which is the same whatever the format and
 * the order of discovery.  The links of a node are in the order of its ports.
 *
 * A node is named by the first word of its description when no other node has
 * it ("node186" of "node186 HCA-1"), else by the description when no other
 * node has that, else by its id.
 */
#ifndef NETEMU_TOPOLOGY_IBFABRIC_H
#define NETEMU_TOPOLOGY_IBFABRIC_H

#include "topology/topology.h"

#define IB_LID_MAX  0xbfff /* of unicast */
#define IB_PORT_MAX 254    /* of a switch; 255 is "none" */
#define IB_LMC_MAX  7

enum ibfabric_kind {
	IBFABRIC_SWITCH,
	IBFABRIC_CA,
	IBFABRIC_ROUTER,
};

struct ibfabric_node;
struct ibfabric_end;
struct ibfabric_id;

struct ibfabric {
	const char *source; /* for messages; not owned */
	struct ibfabric_node *nodes;
	uint32_t nnodes, node_room;
	struct ibfabric_end *ends;
	uint32_t nends, end_room;
	struct ibfabric_id *ids; /* hashed */
	uint32_t *lid_node;      /* [IB_LID_MAX + 1]: the node of a LID or NETEMU_NONE */
};

/* An empty fabric read from the file SOURCE, which is not copied.  Returns 0, or
 * -1 with ERR written.
 */
int ibfabric_init(struct ibfabric *fabric, const char *source, struct err *err);
void ibfabric_release(struct ibfabric *fabric);

/* Add the node that has ID (LENGTH bytes: "S-0002c90200412345") and GUID (0: not
 * known) and a DESCRIPTION of DESCRIBED bytes, on LINE.  One that is there with
 * that ID is taken when SAME is set, and refused otherwise.  Returns its index,
 * or NETEMU_NONE with ERR written.
 */
struct ibfabric_new {
	const char *id;
	size_t length;
	uint64_t guid;
	enum ibfabric_kind kind;
	const char *description;
	size_t described;
	uint32_t line;
	bool same;
};
uint32_t ibfabric_node(struct ibfabric *fabric, const struct ibfabric_new *new, struct err *err);

/* Another ID by which cables name NODE.  Returns 0, or -1 with ERR written: it
 * is another node's.
 */
int ibfabric_alias(struct ibfabric *fabric, uint32_t node, const char *id, size_t length,
		   uint32_t line, struct err *err);

/* A port of NODE has the 1 << LMC LIDs from LID (0 and 65535: none).  Saying it
 * again does no harm.  Returns 0, or -1 with ERR written: out of range, or
 * another node's.
 */
int ibfabric_lid(struct ibfabric *fabric, uint32_t node, uint32_t lid, uint32_t lmc, uint32_t line,
		 struct err *err);

/* One end of a cable: PORT of NODE, which leads to TO_PORT of the node with the
 * id TO at RATE (byte/s), as LINE says.  Returns 0, or -1 with ERR written.
 */
struct ibfabric_cable {
	uint32_t node, port;
	const char *to;
	size_t length;
	uint32_t to_port;
	double rate;
	uint32_t line;
};
int ibfabric_end(struct ibfabric *fabric, const struct ibfabric_cable *cable, struct err *err);

/* Add the nodes and cables to TOPOLOGY, byte/s, the slower of what the two ends
 * of a cable say; and, when TABLES is set, forwarding tables without an entry
 * that know all LIDs.  Returns 0, or -1 with ERR written: a cable of which only
 * one end is there, two cables in one port.
 */
int ibfabric_build(struct ibfabric *fabric, struct topology *topology, bool tables,
		   struct err *err);

/* The data rate of one direction of a link of WIDTH ("4x", LENGTH bytes) and
 * SPEED ("QDR", or as OpenSM writes it "10", "FDR10") in byte/s, or 0 when they
 * are not known.  See the table in the source.
 */
double ibfabric_rate(const char *width, size_t width_length, const char *speed,
		     size_t speed_length);

#endif
