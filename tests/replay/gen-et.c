/* SPDX-License-Identifier: Apache-2.0 */
/* gen-et.c - a large trace in the shape of a small one
 *
 * gen-et TRACE COPIES OUT: TRACE so often one behind the other, each with ids of its own; the
 * first node of a copy waits for the first of the one before.
 */
#include "chakra/chakra.pb-c.h"
#include "chakra/etread.h"
#include "chakra/etwrite.h"

#include <stdio.h>
#include <stdlib.h>

#define STRIDE 100000 /* between ids of copies */

static void fail(const char *why)
{
	fprintf(stderr, "gen-et: %s\n", why);
	exit(1);
}

static void shift(uint64_t *list, size_t count, uint64_t by)
{
	for (size_t i = 0; i < count; i++)
		list[i] += by;
}

/* The nodes of a trace, unpacked once; their ids move on from copy to copy. */
struct nodes {
	Chakra__Node **list;
	size_t count, room, longest;
};

static void add(struct nodes *nodes, const struct et_record *record)
{
	Chakra__Node *node = chakra__node__unpack(NULL, record->size, record->data);

	if (nodes->count == nodes->room) {
		nodes->room = nodes->room ? 2 * nodes->room : 4096;
		nodes->list = reallocarray(nodes->list, nodes->room, sizeof(*nodes->list));
	}
	if (!node || !nodes->list)
		fail("damaged, or no memory");
	nodes->list[nodes->count++] = node;
	if (record->size > nodes->longest)
		nodes->longest = record->size;
}

static void read_nodes(struct nodes *nodes, const char *path, struct et_writer *out)
{
	struct err err = { "" };
	struct et_reader *reader = et_open(path, &err);
	struct et_record record;
	struct et_node node;
	const uint8_t *head;
	size_t size;
	int rc;

	if (!reader)
		fail(err.text);
	head = et_head(reader, &size);
	if (head && et_add_raw(out, head, size, &err) < 0)
		fail(err.text);
	while ((rc = et_next(reader, &node, &record, &err)) > 0)
		add(nodes, &record);
	if (rc < 0)
		fail(err.text);
	et_close(reader);
}

static void wait_for(Chakra__Node *node, uint64_t id)
{
	if (!node->n_data_deps)
		node->data_deps = malloc(sizeof(*node->data_deps));
	if (!node->data_deps)
		fail("no memory");
	node->data_deps[0] = id;
	node->n_data_deps = 1;
}

/* Numbers grow by a few bytes at most. */
static void add_copy(struct et_writer *out, struct nodes *nodes, uint8_t *data, uint64_t by)
{
	struct err err = { "" };

	for (size_t i = 0; i < nodes->count; i++) {
		Chakra__Node *node = nodes->list[i];

		shift(node->data_deps, node->n_data_deps, by);
		shift(node->ctrl_deps, node->n_ctrl_deps, by);
		node->id += by;
		if (i == 0 && by)
			wait_for(node, node->id - by);
		if (et_add_raw(out, data, chakra__node__pack(node, data), &err) < 0)
			fail(err.text);
	}
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	struct nodes nodes = { 0 };
	struct et_writer *out;
	uint8_t *data;

	if (argc != 4)
		fail("TRACE COPIES OUT");
	out = et_create(argv[3], &err);
	if (!out)
		fail(err.text);
	read_nodes(&nodes, argv[1], out);
	data = malloc(10 * nodes.longest);
	if (!data)
		fail("no memory");
	for (uint64_t copy = 0; copy < strtoull(argv[2], NULL, 10); copy++)
		add_copy(out, &nodes, data, copy ? STRIDE : 0);
	if (et_commit(out, &err) < 0)
		fail(err.text);
	free(data);
	for (size_t i = 0; i < nodes.count; i++)
		chakra__node__free_unpacked(nodes.list[i], NULL);
	free(nodes.list);
	return 0;
}
