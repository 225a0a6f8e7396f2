/* SPDX-License-Identifier: Apache-2.0 */
/* etnode.h - one node of an execution trace, whatever form it was written in
 *
 * The neutral form between the readers (protobuf of both schemas, JSON) and all who
 * use traces.  Only what decides what a node does is here; who copies files
 * takes the records themselves (etread.h).
 */
#ifndef CHAKRA_ETNODE_H
#define CHAKRA_ETNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of schema 0.0.4; others stay as they are and do nothing. */
enum et_type {
	ET_INVALID = 0,
	ET_METADATA = 1,
	ET_MEM_LOAD = 2,
	ET_MEM_STORE = 3,
	ET_COMP = 4,
	ET_COMM_SEND = 5,
	ET_COMM_RECV = 6,
	ET_COMM_COLL = 7,
};

enum et_collective {
	ET_ALL_REDUCE = 0,
	ET_REDUCE = 1,
	ET_ALL_GATHER = 2,
	ET_GATHER = 3,
	ET_SCATTER = 4,
	ET_BROADCAST = 5,
	ET_ALL_TO_ALL = 6,
	ET_REDUCE_SCATTER = 7,
	ET_REDUCE_SCATTER_BLOCK = 8,
	ET_BARRIER = 9,
};

/* Which of the fields below an attribute has set: a 0 that is written is not the same
 * as nothing.
 */
enum et_has {
	ET_HAS_CPU = 1 << 0,
	ET_HAS_OPS = 1 << 1,
	ET_HAS_TENSOR = 1 << 2,
	ET_HAS_COMM = 1 << 3, /* comm_type */
	ET_HAS_SIZE = 1 << 4,
	ET_HAS_PRIORITY = 1 << 5,
	ET_HAS_SOURCE = 1 << 6,
	ET_HAS_TARGET = 1 << 7,
	ET_HAS_TAG = 1 << 8,
	ET_HAS_GROUP = 1 << 9,
	ET_HAS_DIMS = 1 << 10,
	ET_HAS_STREAM = 1 << 11,
	ET_HAS_ROOT = 1 << 12,
};

#define ET_DIMS 64 /* dimensions that involved_dim can name */

struct et_node {
	uint64_t id;
	uint32_t type;    /* enum et_type, or what it is */
	uint32_t has;     /* enum et_has */
	const char *name; /* this and all below lie in the reader until the next node */
	const uint64_t *data_deps, *ctrl_deps; /* ids of nodes; may repeat, dangle, be its own */
	size_t data_count, ctrl_count;
	uint64_t start_us, duration_us;
	bool is_cpu;
	uint64_t num_ops;     /* floating-point operations */
	uint64_t tensor_size; /* bytes */
	uint32_t comm_type;   /* enum et_collective, or what it is */
	uint64_t comm_size;   /* bytes */
	int64_t comm_src, comm_dst, comm_tag;
	int32_t comm_priority;
	int64_t root;         /* attribute "root": rank in the group */
	int64_t stream;       /* the GPU's */
	const char *group;    /* pg_name, as text also when a number was written */
	uint64_t dims;        /* involved_dim, bit d for dimension d */
	uint32_t dims_count;  /* of the list */
	const int64_t *sizes; /* attribute "comm_sizes": bytes to each member, all-to-all */
	size_t sizes_count;
	const char *values; /* inputs.values, of METADATA only */
};

/* "COMM_COLL", "ALL_REDUCE"; NULL for numbers without a name. */
const char *et_type_name(uint32_t type);
const char *et_collective_name(uint32_t collective);

/* The number of NAME, any case, with '_' or '-', "allreduce" as well; -1 when it is none. */
int et_collective_number(const char *name);

#endif
