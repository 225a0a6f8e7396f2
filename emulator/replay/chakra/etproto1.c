/* SPDX-License-Identifier: Apache-2.0 */
/* etproto1.c - nodes of schema 0.0.1 */
#include "chakra/chakra1.pb-c.h"
#include "chakra/etparts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Numbers of 0.0.1 as those of 0.0.4; what is not known does nothing. */
static const uint32_t types[] = { ET_INVALID,   ET_MEM_LOAD,  ET_MEM_STORE, ET_COMP,
				  ET_COMM_SEND, ET_COMM_RECV, ET_COMM_COLL };
static const uint32_t collectives[] = { UINT32_MAX, ET_ALL_REDUCE, ET_ALL_TO_ALL, ET_ALL_GATHER,
					ET_REDUCE_SCATTER };

static uint32_t lookup(const uint32_t *table, size_t count, uint32_t number, uint32_t other)
{
	return number < count ? table[number] : other;
}

static void take_number(struct et_reader *reader, struct et_node *node, bool is_there,
			const char *name, uint64_t value)
{
	if (is_there)
		et_set_number(reader, node, name, (int64_t)value);
}

static int take_dims(struct et_reader *reader, struct et_node *node, const Chakra1__Node *wire)
{
	int64_t *list;

	if (!wire->n_involved_dim)
		return 0;
	list = et_alloc(&reader->arena, wire->n_involved_dim * sizeof(*list));
	if (!list)
		return -1;
	for (size_t i = 0; i < wire->n_involved_dim; i++)
		list[i] = wire->involved_dim[i];
	et_set_list(node, "involved_dim", list, wire->n_involved_dim);
	return 0;
}

int et_decode1(struct et_reader *reader, struct et_node *node, const uint8_t *data, size_t size)
{
	Chakra1__Node *wire = chakra1__node__unpack(&reader->allocator, size, data);

	if (!wire) {
		errno = EINVAL;
		return -1;
	}
	node->id = wire->id;
	node->type = lookup(types, sizeof(types) / sizeof(*types), wire->node_type, UINT32_MAX);
	node->name = wire->name ? wire->name : "";
	node->data_deps = wire->parent;
	node->data_count = wire->n_parent;
	node->duration_us = wire->simulated_run_time;
	take_number(reader, node, wire->has_num_ops, "num_ops", wire->num_ops);
	take_number(reader, node, wire->has_tensor_size, "tensor_size", wire->tensor_size);
	take_number(reader, node, wire->has_comm_src, "comm_src", wire->comm_src);
	take_number(reader, node, wire->has_comm_dst, "comm_dst", wire->comm_dst);
	take_number(reader, node, wire->has_comm_size, "comm_size", wire->comm_size);
	take_number(reader, node, wire->has_comm_tag, "comm_tag", wire->comm_tag);
	take_number(reader, node, wire->has_comm_priority, "comm_priority", wire->comm_priority);
	take_number(reader, node, wire->has_communicator_id && wire->communicator_id, "pg_name",
		    wire->communicator_id);
	take_number(reader, node, wire->has_comm_type && wire->comm_type, "comm_type",
		    lookup(collectives, sizeof(collectives) / sizeof(*collectives), wire->comm_type,
			   UINT32_MAX));
	return take_dims(reader, node, wire);
}
