/* SPDX-License-Identifier: Apache-2.0 */
#include "closing.h"
#include "rankfile.h"
#include "rundir.h"
#include "units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct totals {
	uint64_t bytes, messages;
	uint32_t ranks, size, incomplete, broken;
	char **nodes; /* each once; owned */
	size_t nnodes;
};

static int add_node(struct totals *totals, const char *node)
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

static void add_rank(struct totals *totals, const struct rankfile *rank)
{
	totals->ranks++;
	totals->size = rank->ranks > totals->size ? rank->ranks : totals->size;
	totals->incomplete += !rank->complete;
	for (size_t i = 0; i < rank->peers.count; i++) {
		totals->bytes += rank->peers.rows[i].tx_bytes;
		totals->messages += rank->peers.rows[i].tx_messages;
	}
	add_node(totals, rank->node ? rank->node : "");
}

static void add_file(struct totals *totals, int dir, const char *name)
{
	struct rankfile rank;
	struct stat st;
	void *data;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			if (rankfile_read(&rank, data, (size_t)st.st_size, name, NULL) == 0) {
				add_rank(totals, &rank);
				rankfile_release(&rank);
			} else {
				totals->broken++;
			}
			munmap(data, (size_t)st.st_size);
		}
	}
	close(fd);
}

static bool is_rank_file(const char *name)
{
	int used = 0;
	unsigned rank;

	return sscanf(name, "rank-%u.json%n", &rank, &used) == 1 && used && !name[used];
}

static int add_all(struct totals *totals, const char *rundir, struct err *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *stream;

	if (snprintf(path, sizeof(path), "%s/" RUNDIR_MPI, rundir) >= (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", rundir);
	stream = opendir(path);
	if (!stream)
		return err_errno(err, "unable to open '%s'", path);
	while ((entry = readdir(stream)))
		if (is_rank_file(entry->d_name))
			add_file(totals, dirfd(stream), entry->d_name);
	closedir(stream);
	return 0;
}

static void print_count(FILE *out, uint32_t count, const char *what)
{
	if (count)
		fprintf(out, "; %u rank%s %s", count, count == 1 ? "" : "s", what);
}

static void print_line(const struct totals *totals, const char *rundir, FILE *out)
{
	char bytes[32], messages[32];

	fprintf(out, "netprof: %s: %u rank%s, %zu node%s, %s in %s message%s", rundir,
		totals->ranks, totals->ranks == 1 ? "" : "s", totals->nnodes,
		totals->nnodes == 1 ? "" : "s",
		units_bytes(bytes, sizeof(bytes), (double)totals->bytes),
		units_grouped(messages, sizeof(messages), totals->messages),
		totals->messages == 1 ? "" : "s");
	print_count(out, totals->incomplete, "incomplete");
	print_count(out, totals->broken, "not readable");
	if (totals->size > totals->ranks + totals->broken)
		print_count(out, totals->size - totals->ranks - totals->broken, "missing");
	fputc('\n', out);
}

int closing_print(const char *rundir, FILE *out, struct err *err)
{
	struct totals totals = { 0 };
	int rc = add_all(&totals, rundir, err);

	if (rc == 0 && !totals.ranks)
		rc = err_set(err, "'%s': no rank has left its file", rundir);
	if (rc == 0)
		print_line(&totals, rundir, out);
	while (totals.nnodes)
		free(totals.nodes[--totals.nnodes]);
	free(totals.nodes);
	return rc;
}
