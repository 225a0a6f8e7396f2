/* SPDX-License-Identifier: Apache-2.0 */
/* result-graphml.c - a topology with its loads, for Gephi and Cytoscape */
#include "result.h"

#include "outfile.h"
#include "topology/graphml-write.h"

#include <errno.h>
#include <stdlib.h>

/* Amounts of links: as integers when all of them are, else as reals. */
struct values {
	uint64_t *integer;
	double *real;
	bool whole;
};

static int values_init(struct values *values, uint32_t links)
{
	*values = (struct values){
		.integer = malloc((links + (size_t)1) * sizeof(*values->integer)),
		.real = malloc((links + (size_t)1) * sizeof(*values->real)),
		.whole = true,
	};
	return values->integer && values->real ? 0 : -1;
}

static void values_release(struct values *values)
{
	free(values->integer);
	free(values->real);
}

static void values_set(struct values *values, uint32_t link, load_amount amount)
{
	values->integer[link] = load_integer(amount);
	values->real[link] = load_double(amount);
	if ((load_amount)values->integer[link] << LOADS_SHIFT != amount)
		values->whole = false;
}

static struct graphml_column column(const struct values *values, const char *name)
{
	return (struct graphml_column){
		.name = name,
		.integer = values->whole ? values->integer : NULL,
		.real = values->whole ? NULL : values->real,
	};
}

static int write_file(const struct result *result, const struct graphml_values *values,
		      const char *path, struct err *err)
{
	struct outfile file;

	if (outfile_open(&file, path, err) < 0)
		return -1;
	if (graphml_write(file.stream, &result->topology, values, err) == 0)
		return outfile_commit(&file, err);
	outfile_abort(&file);
	return -1;
}

int result_graphml(const struct result *result, const char *path, struct err *err)
{
	struct values bytes, flows;
	int rc = values_init(&bytes, result->loads.count);

	if (values_init(&flows, result->loads.count) < 0 || rc < 0) {
		errno = ENOMEM;
		rc = err_errno(err, "unable to write '%s'", path);
	} else {
		for (uint32_t link = 0; link < result->loads.count; link++) {
			values_set(&bytes, link, result->loads.link[link].bytes);
			values_set(&flows, link, result->loads.link[link].flows);
		}
		const struct graphml_column columns[] = { column(&bytes, "bytes"),
							  column(&flows, "flows") };
		const struct graphml_values values = { columns, 2 };

		rc = write_file(result, &values, path, err);
	}
	values_release(&bytes);
	values_release(&flows);
	return rc;
}
