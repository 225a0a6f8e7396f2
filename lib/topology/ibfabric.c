/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/ibfabric.h"

#include "topology/ibbuild.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element of SIZE bytes in ARRAY, which has COUNT. */
static void *grow(void *array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t more = *room ? 2 * *room : 256;
	void *moved;

	if (count < *room)
		return array;
	if (more < *room) {
		errno = ENOMEM;
		return NULL;
	}
	moved = reallocarray(array, more, size);
	if (moved)
		*room = more;
	return moved;
}

static int no_memory(const struct ibfabric *fabric, struct err *err)
{
	errno = ENOMEM;
	return err_errno(err, "%s", fabric->source);
}

int ibfabric_init(struct ibfabric *fabric, const char *source, struct err *err)
{
	*fabric = (struct ibfabric){ .source = source };
	fabric->lid_node = malloc((IB_LID_MAX + 1) * sizeof(*fabric->lid_node));
	if (!fabric->lid_node)
		return no_memory(fabric, err);
	memset(fabric->lid_node, 0xff, (IB_LID_MAX + 1) * sizeof(*fabric->lid_node));
	return 0;
}

void ibfabric_release(struct ibfabric *fabric)
{
	struct ibfabric_id *id, *next;

	HASH_ITER (hh, fabric->ids, id, next) {
		HASH_DEL(fabric->ids, id);
		free(id);
	}
	for (uint32_t i = 0; i < fabric->nnodes; i++)
		free(fabric->nodes[i].description);
	free(fabric->nodes);
	free(fabric->ends);
	free(fabric->lid_node);
	*fabric = (struct ibfabric){ 0 };
}

/* What stands for ID, made when it is new; NULL without memory. */
static struct ibfabric_id *intern(struct ibfabric *fabric, const char *text, size_t length)
{
	struct ibfabric_id *id;

	HASH_FIND(hh, fabric->ids, text, length, id);
	if (id)
		return id;
	id = calloc(1, sizeof(*id) + length + 1);
	if (!id)
		return NULL;
	memcpy(id->text, text, length);
	id->node = NETEMU_NONE;
	HASH_ADD_KEYPTR(hh, fabric->ids, id->text, length, id);
	if (!id->hh.tbl) { /* uthash had no memory */
		free(id);
		return NULL;
	}
	return id;
}

/* An adapter inside a switch that adds up what collectives send through it
 * (Mellanox SHARP): no process runs there.
 */
static bool is_inside_switch(const struct ibfabric_new *new)
{
	static const char text[] = "Aggregation Node";

	return new->kind ==
	       IBFABRIC_CA &&memmem(new->description, new->described, text, sizeof(text) - 1);
}

static uint32_t add_node(struct ibfabric *fabric, struct ibfabric_id *id,
			 const struct ibfabric_new *new, struct err *err)
{
	struct ibfabric_node *nodes =
		grow(fabric->nodes, &fabric->node_room, fabric->nnodes, sizeof(*nodes));
	char *description = strndup(new->description, new->described);

	if (nodes)
		fabric->nodes = nodes;
	if (!nodes || !description) {
		free(description);
		no_memory(fabric, err);
		return NETEMU_NONE;
	}
	nodes[fabric->nnodes] = (struct ibfabric_node){
		.id = id,
		.guid = new->guid,
		.kind = new->kind,
		.description = description,
		.line = new->line,
		.left_out = is_inside_switch(new),
	};
	id->node = fabric->nnodes;
	return fabric->nnodes++;
}

uint32_t ibfabric_node(struct ibfabric *fabric, const struct ibfabric_new *new, struct err *err)
{
	struct ibfabric_id *id = intern(fabric, new->id, new->length);
	const struct ibfabric_node *old;

	if (!id) {
		no_memory(fabric, err);
		return NETEMU_NONE;
	}
	if (id->node == NETEMU_NONE)
		return add_node(fabric, id, new, err);
	old = &fabric->nodes[id->node];
	if (new->same && old->kind == new->kind)
		return id->node;
	err_set(err, "%s:%u: '%s' is %s node as on line %u", fabric->source, new->line, id->text,
		new->same ? "not the same kind of" : "the same", old->line);
	return NETEMU_NONE;
}

int ibfabric_alias(struct ibfabric *fabric, uint32_t node, const char *id, size_t length,
		   uint32_t line, struct err *err)
{
	struct ibfabric_id *alias = intern(fabric, id, length);

	if (!alias)
		return no_memory(fabric, err);
	if (alias->node != NETEMU_NONE && alias->node != node)
		return err_set(err, "%s:%u: '%s' is another node on line %u", fabric->source, line,
			       alias->text, fabric->nodes[alias->node].line);
	alias->node = node;
	return 0;
}

int ibfabric_lid(struct ibfabric *fabric, uint32_t node, uint32_t lid, uint32_t lmc, uint32_t line,
		 struct err *err)
{
	struct ibfabric_node *owner = &fabric->nodes[node];

	if (lid == 0 || lid == 0xffff)
		return 0;
	if (lmc > IB_LMC_MAX)
		return err_set(err, "%s:%u: an lmc of more than %d", fabric->source, line,
			       IB_LMC_MAX);
	if (lid > IB_LID_MAX || lid + (1u << lmc) - 1 > IB_LID_MAX)
		return err_set(err, "%s:%u: lid %u is above the largest one, %u", fabric->source,
			       line, lid, IB_LID_MAX);
	for (uint32_t i = lid; i < lid + (1u << lmc); i++) {
		uint32_t *at = &fabric->lid_node[i];

		if (*at != NETEMU_NONE && *at != node)
			return err_set(err, "%s:%u: lid %u is that of '%s' on line %u",
				       fabric->source, line, i, fabric->nodes[*at].id->text,
				       fabric->nodes[*at].line);
		*at = node;
	}
	if (owner->lid == 0 || lid < owner->lid)
		owner->lid = lid;
	return 0;
}

int ibfabric_end(struct ibfabric *fabric, const struct ibfabric_cable *cable, struct err *err)
{
	struct ibfabric_end *ends =
		grow(fabric->ends, &fabric->end_room, fabric->nends, sizeof(*ends));
	struct ibfabric_id *to = intern(fabric, cable->to, cable->length);

	if (ends)
		fabric->ends = ends;
	if (!ends || !to)
		return no_memory(fabric, err);
	if (cable->port < 1 || cable->port > IB_PORT_MAX)
		return err_set(err, "%s:%u: no port %u of 1 to %d", fabric->source, cable->line,
			       cable->port, IB_PORT_MAX);
	ends[fabric->nends++] = (struct ibfabric_end){
		.node = cable->node,
		.to = to,
		.line = cable->line,
		.port = (uint8_t)cable->port,
		.to_port = cable->to_port > IB_PORT_MAX ? 0 : (uint8_t)cable->to_port,
		.rate = cable->rate,
	};
	return 0;
}

/* Gigabaud of one lane and what its code leaves for data, from the InfiniBand
 * Architecture Specification 1.4, volume 2: 8b/10b up to QDR, 64b/66b up to
 * EDR; HDR and later send PAM4 symbols of two bits (baud counts bits here) and
 * 256b/257b inside RS(544,514), together 16/17.  FDR10 is Mellanox's.  As
 * OpenSM writes them: by what an SDR lane of 2.5 Gbaud is counted as.
 */
static const struct speed {
	const char *name, *opensm;
	double gigabaud;
	int data, code; /* bits of data in how many sent */
} speeds[] = {
	{ "SDR", "2.5", 2.5, 8, 10 },     { "DDR", "5", 5, 8, 10 },
	{ "QDR", "10", 10, 8, 10 },       { "FDR10", "FDR10", 10.3125, 64, 66 },
	{ "FDR", "14", 14.0625, 64, 66 }, { "EDR", "25", 25.78125, 64, 66 },
	{ "HDR", "50", 53.125, 16, 17 },  { "NDR", "100", 106.25, 16, 17 },
	{ "XDR", "200", 212.5, 16, 17 },
};

static unsigned lanes(const char *width, size_t length)
{
	static const struct {
		const char *name;
		unsigned lanes;
	} widths[] = { { "1x", 1 }, { "2x", 2 }, { "4x", 4 }, { "8x", 8 }, { "12x", 12 } };

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++)
		if (strlen(widths[i].name) == length && !strncasecmp(widths[i].name, width, length))
			return widths[i].lanes;
	return 0;
}

static bool same(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && strncasecmp(name, text, length) == 0;
}

double ibfabric_rate(const char *width, size_t width_length, const char *speed, size_t speed_length)
{
	unsigned n = lanes(width, width_length);

	for (size_t i = 0; i < sizeof(speeds) / sizeof(*speeds); i++)
		if (same(speeds[i].name, speed, speed_length) ||
		    same(speeds[i].opensm, speed, speed_length))
			return n * speeds[i].gigabaud * 1e9 * speeds[i].data / speeds[i].code / 8;
	return 0;
}
