/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "snapshot.h"
#include "topology/graphml-write.h"

#include <errno.h>
#include <stdlib.h>

struct arrays {
	uint64_t *bytes, *flows; /* [links] */
	double *load;            /* bytes / capacity */
};

static void release(struct arrays *arrays)
{
	free(arrays->bytes);
	free(arrays->flows);
	free(arrays->load);
}

static int fill(struct arrays *arrays, const struct topology *topology,
		const struct recorder_link *links)
{
	uint32_t count = topology->net.links;

	arrays->bytes = calloc(count, sizeof(*arrays->bytes));
	arrays->flows = calloc(count, sizeof(*arrays->flows));
	arrays->load = calloc(count, sizeof(*arrays->load));
	if (!arrays->bytes || !arrays->flows || !arrays->load)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		arrays->bytes[i] = load_integer(links[i].bytes);
		arrays->flows[i] = load_integer(links[i].flows);
		arrays->load[i] = load_double(links[i].bytes) / topology->net.link[i].capacity;
	}
	return 0;
}

/* "DIR/loads-12.5.graphml", to be freed. */
static char *name_of(const char *dir, int64_t at)
{
	char *path = NULL;
	size_t size;
	FILE *out = open_memstream(&path, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s/loads-", dir);
	series_put_seconds(out, at);
	fputs(".graphml", out);
	if (fclose(out) == 0)
		return path;
	free(path);
	return NULL;
}

static int write_file(const struct topology *topology, const struct arrays *arrays,
		      const char *path, struct err *err)
{
	const struct graphml_column columns[] = {
		{ .name = "bytes", .integer = arrays->bytes },
		{ .name = "flows", .integer = arrays->flows },
		{ .name = "load", .real = arrays->load },
	};
	const struct graphml_values values = { .column = columns, .count = 3 };
	struct outfile file;

	if (outfile_open(&file, path, err) < 0)
		return -1;
	if (graphml_write(file.stream, topology, &values, err) < 0) {
		outfile_abort(&file);
		return -1;
	}
	return outfile_commit(&file, err);
}

int snapshot_write(const struct topology *topology, const struct recorder_link *links,
		   const char *dir, int64_t at, struct err *err)
{
	struct arrays arrays = { 0 };
	char *path = name_of(dir, at);
	int rc;

	if (!path || fill(&arrays, topology, links) < 0)
		rc = err_errno(err, "%s", dir);
	else
		rc = write_file(topology, &arrays, path, err);
	release(&arrays);
	free(path);
	return rc;
}
