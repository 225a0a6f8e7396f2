/* SPDX-License-Identifier: Apache-2.0 */
#include "closing.h"
#include "instrument.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

int closing_add_node(struct closing *totals, const char *node)
{
	char **nodes;

	/* Ranks of one node mostly follow each other. */
	for (size_t i = totals->nnodes; i--;)
		if (!strcmp(totals->nodes[i], node))
			return 0;
	nodes = realloc(totals->nodes, (totals->nnodes + 1) * sizeof(*nodes));
	if (!nodes)
		return -1;
	totals->nodes = nodes;
	nodes[totals->nnodes] = strdup(node);
	if (!nodes[totals->nnodes])
		return -1;
	totals->nnodes++;
	return 0;
}

/* And nothing else: no temporary one. */
static bool is_rank_file(const char *name)
{
	size_t prefix = strlen(instrument.prefix), digits;

	if (strncmp(name, instrument.prefix, prefix) != 0)
		return false;
	digits = strspn(name + prefix, "0123456789");
	return digits && !strcmp(name + prefix + digits, instrument.suffix);
}

static int add_all(struct closing *totals, closing_add_fn *add, const char *rundir, struct err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *stream;

	if (snprintf(path, sizeof(path), "%s/%s", rundir, instrument.directory) >=
	    (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", rundir);
	stream = opendir(path);
	if (!stream)
		return err_errno(err, "unable to open '%s'", path);
	while ((entry = readdir(stream)))
		if (is_rank_file(entry->d_name))
			add(totals, dirfd(stream), entry->d_name);
	closedir(stream);
	return 0;
}

void closing_print_count(FILE *out, uint32_t count, const char *what)
{
	if (count)
		fprintf(out, "; %u rank%s %s", count, count == 1 ? "" : "s", what);
}

static void print_ranks(const struct closing *totals, const char *rundir, FILE *out)
{
	fprintf(out, "%s: %s: %u rank%s, %zu node%s", instrument.name, rundir, totals->ranks,
		totals->ranks == 1 ? "" : "s", totals->nnodes, totals->nnodes == 1 ? "" : "s");
}

static void print_missing(const struct closing *totals, FILE *out)
{
	closing_print_count(out, totals->incomplete, "incomplete");
	closing_print_count(out, totals->broken, "not readable");
	if (totals->size > totals->ranks + totals->broken)
		closing_print_count(out, totals->size - totals->ranks - totals->broken, "missing");
}

int closing_print(struct closing *totals, closing_add_fn *add, closing_print_fn *print,
		  const char *rundir, FILE *out, struct err *err)
{
	int rc = add_all(totals, add, rundir, err);

	if (rc == 0 && !totals->ranks)
		rc = err_set(err, "'%s': no rank has left its file", rundir);
	if (rc == 0) {
		print_ranks(totals, rundir, out);
		print(totals, rundir, out);
		print_missing(totals, out);
		fputc('\n', out);
	}
	while (totals->nnodes)
		free(totals->nodes[--totals->nnodes]);
	free(totals->nodes);
	return rc;
}
