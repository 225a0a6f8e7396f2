/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/topology.h"

#include "topology/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((void)(entry))
#include <uthash.h>

#define BLOCK 1024 /* names that are allocated together */

struct topology_name {
	UT_hash_handle hh; /* its key is the name in topology->nodes */
	uint32_t node;
};

struct topology_block {
	struct topology_block *next;
	struct topology_name name[BLOCK];
};

/* Room for one more element of SIZE bytes in ARRAY, which has COUNT. */
static int grow(void *array, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *old, *moved;

	if (count < *room)
		return 0;
	memcpy(&old, array, sizeof(old));
	moved = reallocarray(old, more, size);
	if (!moved)
		return -1;
	memcpy(array, &moved, sizeof(moved));
	*room = more;
	return 0;
}

static int no_memory(const struct topology *topology, struct err *err)
{
	return err_errno(err, "%s", topology->source);
}

static const struct topology_name *find(const struct topology *topology, const char *name)
{
	struct topology_name *found;

	HASH_FIND_STR(topology->build->names, name, found);
	return found;
}

static struct topology_name *new_name(struct topology_private *build, uint32_t node)
{
	struct topology_block *block = build->blocks;
	struct topology_name *name;

	if (!block || build->block_used == BLOCK) {
		block = calloc(1, sizeof(*block));
		if (!block)
			return NULL;
		block->next = build->blocks;
		build->blocks = block;
		build->block_used = 0;
	}
	name = &block->name[build->block_used++];
	name->node = node;
	return name;
}

static int add_name(struct topology_private *build, const char *text, uint32_t node)
{
	struct topology_name *name = new_name(build, node);

	if (!name)
		return -1;
	HASH_ADD_KEYPTR(hh, build->names, text, strlen(text), name);
	if (name->hh.tbl)
		return 0;
	build->block_used--;
	errno = ENOMEM;
	return -1;
}

static int second_node(const struct topology *topology, uint32_t first, uint32_t line,
		       struct err *err)
{
	char place[TOPOLOGY_PLACE];
	const struct topology_node *node = &topology->nodes[first];

	topology_place(topology, line, place, sizeof(place));
	if (!node->line)
		return err_set(err, "%s: a second node '%s'", place, node->name);
	return err_set(err, "%s: a second node '%s', the first is in line %u", place, node->name,
		       node->line);
}

/* The node LINK is to stand at, checked. */
static int check_ends(const struct topology *topology, uint32_t from, uint32_t to, uint32_t line,
		      struct err *err)
{
	char place[TOPOLOGY_PLACE];

	if (from != to)
		return 0;
	topology_place(topology, line, place, sizeof(place));
	return err_set(err, "%s: link from '%s' to itself", place, topology->nodes[from].name);
}

static int set_line(struct topology_private *build, uint32_t link, uint32_t line)
{
	if (!line && !build->line)
		return 0;
	if (!build->line || build->line_room < build->link_room) {
		uint32_t *lines = reallocarray(build->line, build->link_room, sizeof(*lines));

		if (!lines)
			return -1;
		if (!build->line)
			memset(lines, 0, link * sizeof(*lines));
		build->line = lines;
		build->line_room = build->link_room;
	}
	build->line[link] = line;
	return 0;
}

static int add_link(struct topology *topology, const struct netemu_link *link, uint32_t line,
		    struct err *err)
{
	struct topology_private *build = topology->build;
	uint32_t count = topology->net.links;

	if (count == TOPOLOGY_MAX_LINKS)
		return err_set(err, "%s: more than %u links", topology->source, TOPOLOGY_MAX_LINKS);
	if (grow(&build->link, &build->link_room, count, sizeof(*build->link)) < 0 ||
	    set_line(build, count, line) < 0)
		return no_memory(topology, err);
	build->link[count] = *link;
	topology->net.link = build->link;
	topology->net.links++;
	return 0;
}

char *topology_place(const struct topology *topology, uint32_t line, char *buf, size_t size)
{
	if (line)
		snprintf(buf, size, "%s:%u", topology->source, line);
	else
		snprintf(buf, size, "%s", topology->source);
	return buf;
}

int topology_init(struct topology *topology, const char *source, struct err *err)
{
	*topology = (struct topology){
		.name = strdup(""),
		.source = strdup(source),
		.build = calloc(1, sizeof(*topology->build)),
	};
	if (topology->name && topology->source && topology->build) {
		topology->build->max_nodes = TOPOLOGY_MAX_NODES;
		topology->build->max_links = TOPOLOGY_MAX_LINKS;
		return 0;
	}
	topology_release(topology);
	errno = ENOMEM;
	return err_errno(err, "%s", source);
}

static void release_names(struct topology_private *build)
{
	struct topology_block *block;

	HASH_CLEAR(hh, build->names);
	while ((block = build->blocks)) {
		build->blocks = block->next;
		free(block);
	}
}

static void release_tables(struct topology_tables *tables, uint32_t nodes)
{
	for (uint32_t i = 0; tables->port && i < nodes; i++)
		free(tables->port[i]);
	free(tables->port);
	free(tables->node);
	free(tables);
}

void topology_release(struct topology *topology)
{
	struct topology_private *build = topology->build;

	if (topology->tables)
		release_tables(topology->tables, topology->net.nodes);
	for (uint32_t i = 0; i < topology->net.nodes; i++) {
		free(topology->nodes[i].name);
		free(topology->nodes[i].info);
		free(topology->nodes[i].mac);
	}
	free(topology->nodes);
	if (build) {
		release_names(build);
		free(build->link);
		free(build->line);
		free(build->shape);
		free(build->first);
		free(build->name);
		free(build->host_node);
		free(build->node_host);
		free(build->slots);
		free(build->level);
		free(build);
	}
	free(topology->name);
	free(topology->source);
	*topology = (struct topology){ 0 };
}

uint32_t topology_node(struct topology *topology, const char *name, bool is_host, uint32_t line,
		       struct err *err)
{
	struct topology_private *build = topology->build;
	const struct topology_name *first = find(topology, name);
	uint32_t index = topology->net.nodes;
	char *copy;

	if (first) {
		second_node(topology, first->node, line, err);
		return NETEMU_NONE;
	}
	if (index == TOPOLOGY_MAX_NODES) {
		err_set(err, "%s: more than %u nodes", topology->source, TOPOLOGY_MAX_NODES);
		return NETEMU_NONE;
	}
	copy = strdup(name);
	if (!copy ||
	    grow(&topology->nodes, &build->node_room, index, sizeof(*topology->nodes)) < 0 ||
	    add_name(build, copy, index) < 0) {
		free(copy);
		no_memory(topology, err);
		return NETEMU_NONE;
	}
	topology->nodes[index] = (struct topology_node){
		.name = copy,
		.is_host = is_host,
		.slots = 1,
		.dpid = -1,
		.line = line,
	};
	topology->net.nodes++;
	return index;
}

uint32_t topology_find(const struct topology *topology, const char *name)
{
	const struct topology_name *found = find(topology, name);

	return found ? found->node : NETEMU_NONE;
}

int topology_link(struct topology *topology, uint32_t from, uint32_t from_port, uint32_t to,
		  uint32_t to_port, double capacity, uint32_t line, struct err *err)
{
	const struct netemu_link link = { .from = from,
					  .to = to,
					  .from_port = from_port,
					  .to_port = to_port,
					  .reverse = NETEMU_NONE,
					  .capacity = capacity };

	if (check_ends(topology, from, to, line, err) < 0)
		return -1;
	return add_link(topology, &link, line, err);
}

int topology_cable(struct topology *topology, uint32_t a, uint32_t a_port, uint32_t b,
		   uint32_t b_port, double capacity, uint32_t line, struct err *err)
{
	const uint32_t first = topology->net.links;
	const struct netemu_link there = { .from = a,
					   .to = b,
					   .from_port = a_port,
					   .to_port = b_port,
					   .reverse = first + 1,
					   .capacity = capacity };
	const struct netemu_link back = { .from = b,
					  .to = a,
					  .from_port = b_port,
					  .to_port = a_port,
					  .reverse = first,
					  .capacity = capacity };

	if (check_ends(topology, a, b, line, err) < 0 || add_link(topology, &there, line, err) < 0)
		return -1;
	if (add_link(topology, &back, line, err) == 0)
		return 0;
	topology->net.links--;
	return -1;
}

char *topology_link_text(const struct topology *topology, uint32_t link, char *buf, size_t size)
{
	const struct netemu_link *l = &topology->net.link[link];
	char from[16] = "", to[16] = "";

	if (l->from_port != NETEMU_NONE)
		snprintf(from, sizeof(from), " %u", l->from_port);
	if (l->to_port != NETEMU_NONE)
		snprintf(to, sizeof(to), " %u", l->to_port);
	snprintf(buf, size, "%s%s -> %s%s", topology->nodes[l->from].name, from,
		 topology->nodes[l->to].name, to);
	return buf;
}

uint32_t topology_boundary(const struct topology *topology, uint32_t link, bool *up)
{
	const struct netemu_link *l = &topology->net.link[link];
	uint32_t from = topology->net.level[l->from], to = topology->net.level[l->to];

	*up = from < to;
	return from < to ? from : to;
}

bool topology_is_isl(const struct topology *topology, uint32_t link)
{
	const struct netemu_link *l = &topology->net.link[link];

	return !topology->nodes[l->from].is_host && !topology->nodes[l->to].is_host;
}

static void renumber_tables(struct topology_tables *tables, uint8_t **port, uint32_t nodes,
			    const uint32_t *to)
{
	for (uint32_t i = 0; i < nodes; i++)
		port[to[i]] = tables->port[i];
	for (uint32_t i = 0; i < tables->lids; i++)
		if (tables->node[i] < nodes)
			tables->node[i] = to[tables->node[i]];
	free(tables->port);
	tables->port = port;
}

int topology_renumber(struct topology *topology, const uint32_t *to)
{
	struct topology_private *build = topology->build;
	uint32_t n = topology->net.nodes;
	struct topology_node *nodes = calloc(build->node_room + 1, sizeof(*nodes));
	uint8_t **port = topology->tables ? calloc(n + 1, sizeof(*port)) : NULL;
	struct topology_name *name, *next;

	if (!nodes || (topology->tables && !port)) {
		free(nodes);
		free(port);
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t i = 0; i < n; i++)
		nodes[to[i]] = topology->nodes[i];
	free(topology->nodes);
	topology->nodes = nodes;
	HASH_ITER (hh, build->names, name, next)
		name->node = to[name->node];
	for (uint32_t i = 0; i < topology->net.links; i++) {
		build->link[i].from = to[build->link[i].from];
		build->link[i].to = to[build->link[i].to];
	}
	if (port)
		renumber_tables(topology->tables, port, n, to);
	return 0;
}
