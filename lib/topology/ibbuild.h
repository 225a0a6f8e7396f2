/* SPDX-License-Identifier: Apache-2.0 */
/* ibbuild.h - what ibfabric.c collects and ibbuild.c makes a topology of */
#ifndef NETEMU_TOPOLOGY_IBBUILD_H
#define NETEMU_TOPOLOGY_IBBUILD_H

#include "topology/ibfabric.h"

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((void)(entry))
#include <uthash.h>

struct ibfabric_id {
	UT_hash_handle hh;
	uint32_t node; /* NETEMU_NONE: only cables name it so far */
	char text[];
};

struct ibfabric_node {
	const struct ibfabric_id *id;
	uint64_t guid; /* 0: not known */
	enum ibfabric_kind kind;
	bool left_out;
	char *description; /* owned */
	uint32_t lid;      /* the lowest it has, 0: none */
	uint32_t line;
	uint32_t index; /* in the topology */
};

struct ibfabric_end {
	uint32_t node, line;
	const struct ibfabric_id *to;
	double rate;
	uint8_t port, to_port; /* 1 .. IB_PORT_MAX; to_port 0: none that is possible */
};

#endif
