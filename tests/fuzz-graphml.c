/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-graphml.c - any bytes as GraphML
 *
 * What is taken must, written and read again, be taken again and give the same
 * file.
 */
#include "fuzz.h"
#include "topology/build.h"
#include "topology/graphml-write.h"
#include "topology/readers.h"
#include "topology/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_links(const struct netemu_net *net)
{
	for (uint32_t i = 0; i < net->links; i++) {
		const struct netemu_link *link = &net->link[i], *back = &net->link[link->reverse];

		if (back->reverse != i || back->from != link->to || back->to != link->from ||
		    !(link->capacity > 0) || link->from >= net->nodes)
			abort();
	}
}

static int read_bytes(struct topology *topology, const void *data, size_t size, struct err *err)
{
	struct textfile file;
	int rc;

	if (topology_init(topology, "f", err) < 0)
		abort();
	textfile_open_memory(&file, "f", data, size);
	rc = graphml_read(topology, &file, err);
	textfile_close(&file);
	if (rc == 0)
		rc = topology_finish(topology, err);
	if (rc == 0 && topology->build->shape)
		rc = shape_adopt(topology, topology->build->shape, err);
	if (rc < 0)
		topology_release(topology);
	return rc;
}

/* Also releases TOPOLOGY. */
static char *write_back(struct topology *topology, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out || graphml_write(out, topology, NULL, NULL) < 0 || fclose(out) != 0)
		abort();
	topology_release(topology);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topology topology;
	struct err err = { "" };
	size_t first_size, second_size;
	char *first, *second;

	if (read_bytes(&topology, data, size, &err) < 0) {
		if (strncmp(err.text, "f:", 2) != 0)
			abort();
		return 0;
	}
	check_links(&topology.net);
	first = write_back(&topology, &first_size);
	if (read_bytes(&topology, first, first_size, &err) < 0)
		abort();
	second = write_back(&topology, &second_size);
	if (first_size != second_size || memcmp(first, second, first_size) != 0)
		abort();
	free(first);
	free(second);
	return 0;
}
