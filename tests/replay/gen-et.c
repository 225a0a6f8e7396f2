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

static void add(struct et_writer *out, const struct et_record *record, uint64_t by, bool first)
{
	Chakra__Node *node = chakra__node__unpack(NULL, record->size, record->data);
	struct err err = { "" };
	uint8_t *data;

	if (!node)
		fail("damaged");
	shift(node->data_deps, node->n_data_deps, by);
	shift(node->ctrl_deps, node->n_ctrl_deps, by);
	if (first && by && !node->n_data_deps) {
		node->data_deps = malloc(sizeof(*node->data_deps));
		if (!node->data_deps)
			fail("no memory");
		node->data_deps[0] = node->id + by - STRIDE;
		node->n_data_deps = 1;
	}
	node->id += by;
	data = malloc(chakra__node__get_packed_size(node));
	if (!data || et_add_raw(out, data, chakra__node__pack(node, data), &err) < 0)
		fail(err.text);
	free(data);
	chakra__node__free_unpacked(node, NULL);
}

static void add_copy(struct et_writer *out, const char *path, uint64_t copy)
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
	if (!copy && head && et_add_raw(out, head, size, &err) < 0)
		fail(err.text);
	for (bool first = true; (rc = et_next(reader, &node, &record, &err)) > 0; first = false)
		add(out, &record, copy * STRIDE, first);
	if (rc < 0)
		fail(err.text);
	et_close(reader);
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	struct et_writer *out;

	if (argc != 4)
		fail("TRACE COPIES OUT");
	out = et_create(argv[3], &err);
	if (!out)
		fail(err.text);
	for (uint64_t copy = 0; copy < strtoull(argv[2], NULL, 10); copy++)
		add_copy(out, argv[1], copy);
	if (et_commit(out, &err) < 0)
		fail(err.text);
	return 0;
}
