/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-et.c - any bytes as a trace
 *
 * Whatever they are: an error is a sentence; what can be read can be written and says the same
 * again; a record that can be shown as JSON comes back as the same bytes; edges of a graph are
 * those between nodes of it.
 */
#include "../fuzz.h"

#include "chakra/etread.h"
#include "chakra/etrecord.h"
#include "chakra/etwrite.h"
#include "chakra/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void failed(const struct err *err)
{
	if (!*err->text)
		abort();
}

static void record_comes_back(const uint8_t *data, size_t size, bool head)
{
	struct err err = { "" };
	json_t *object = etrecord_json(data, size, head, &err);
	uint8_t *again;
	size_t length;

	if (!object) {
		failed(&err);
		return;
	}
	if (etrecord_bytes(object, head, &again, &length, &err) < 0 || length != size ||
	    (size && memcmp(again, data, size)))
		abort();
	free(again);
	json_decref(object);
}

/* What a reader says of a node it says of the record made of it. */
static void node_comes_back(const struct et_node *node)
{
	static const uint8_t head[] = { 0 };
	struct et_bytes bytes = { 0 };
	struct err err = { "" };
	struct et_reader *reader;
	struct et_node again;
	uint8_t *file;
	size_t size = sizeof(head), left;

	if (et_encode(node, &bytes) < 0)
		abort();
	file = malloc(bytes.size + 8);
	if (!file)
		abort();
	memcpy(file, head, sizeof(head));
	for (left = bytes.size; left >= 0x80; left >>= 7)
		file[size++] = (uint8_t)(left | 0x80);
	file[size++] = (uint8_t)left;
	if (bytes.size)
		memcpy(file + size, bytes.data, bytes.size);
	reader = et_open_memory(file, size + bytes.size, "again", &err);
	if (!reader || et_next(reader, &again, NULL, &err) != 1)
		abort();
	if (again.id != node->id || again.type != node->type || strcmp(again.name, node->name) ||
	    again.has != node->has || again.data_count != node->data_count ||
	    again.ctrl_count != node->ctrl_count || again.duration_us != node->duration_us ||
	    again.comm_size != node->comm_size || again.comm_dst != node->comm_dst ||
	    again.sizes_count != node->sizes_count || strcmp(again.group, node->group))
		abort();
	et_close(reader);
	free(bytes.data);
	free(file);
}

static void read_nodes(const uint8_t *data, size_t size)
{
	struct err err = { "" };
	struct et_reader *reader = et_open_memory(data, size, "trace", &err);
	struct et_record record;
	struct et_node node;
	const uint8_t *head;
	size_t length;
	int rc;

	if (!reader) {
		failed(&err);
		return;
	}
	head = et_head(reader, &length);
	if (head && et_form(reader) == ET_FORM_PROTO)
		record_comes_back(head, length, true);
	while ((rc = et_next(reader, &node, &record, &err)) > 0) {
		node_comes_back(&node);
		if (et_form(reader) == ET_FORM_PROTO)
			record_comes_back(record.data, record.size, false);
	}
	if (rc < 0)
		failed(&err);
	et_close(reader);
}

static void load(const uint8_t *data, size_t size, unsigned deps)
{
	const struct graph_options options = { .deps = deps, .names = true };
	int fd = memfd_create("trace", MFD_CLOEXEC);
	struct err err = { "" };
	struct graph graph;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (graph_load(&graph, path, &options, &err) < 0) {
		failed(&err);
	} else {
		uint64_t edges = 0, parents = 0;

		for (uint32_t i = 0; i < graph.count; i++) {
			struct graph_walk walk;

			graph_children(&graph, i, &walk);
			for (uint32_t child; (child = graph_next(&walk)) != GRAPH_NONE; edges++)
				if (child >= graph.count || child == i)
					abort();
			parents += graph.nodes[i].parents;
		}
		if (edges != parents)
			abort();
		graph_release(&graph);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_nodes(data, size);
	load(data, size, GRAPH_DATA);
	load(data, size, GRAPH_DATA | GRAPH_CTRL);
	return 0;
}
