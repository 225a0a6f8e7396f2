/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - run directories as the rows of a table
 *
 * A row is what run.json says, whoever wrote it; a run that has none (there
 * was no Slurm) is a row of what its name says.
 */
#ifndef NETEMU_CMD_ROWS_H
#define NETEMU_CMD_ROWS_H

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct row {
	char *path;    /* of the run directory; owned */
	json_t *data;  /* run.json, an object; owned */
	int64_t start; /* s since the epoch, 0 = unknown */
};

struct rows {
	struct row *list; /* owned */
	size_t count;
};

/* Add the runs in DIR, or DIR itself when it is one.  A run.json that cannot
 * be read is passed over with a line on standard error; *BAD counts them.
 * Returns 0, or -1 with ERR written.
 */
int rows_scan(struct rows *rows, const char *dir, int *bad, struct err *err);

/* By start, then path; each path once. */
void rows_sort(struct rows *rows);
void rows_release(struct rows *rows);

/* A text or number of ROW's data as text in BUF; "" when it is not known. */
const char *row_text(const struct row *row, const char *key, char *buf, size_t size);

/* Columns: X(name, heading, what stands in it). */
#define COLUMN_LIST(X)                                    \
	X(job, "JOB", "job id and step")                  \
	X(user, "USER", "who ran it")                     \
	X(name, "NAME", "name of the job")                \
	X(partition, "PARTITION", "where it ran")         \
	X(account, "ACCOUNT", "who paid")                 \
	X(cluster, "CLUSTER", "which cluster")            \
	X(ranks, "RANKS", "MPI ranks")                    \
	X(nodes, "NODES", "number of nodes")              \
	X(nodelist, "NODELIST", "their names")            \
	X(cpus, "CPUS", "of the job")                     \
	X(gres, "GRES", "asked for")                      \
	X(memory, "MEMORY", "asked for")                  \
	X(array, "ARRAY", "array job and task")           \
	X(submit, "SUBMIT", "when it was submitted")      \
	X(start, "START", "when it began")                \
	X(end, "END", "when it ended")                    \
	X(elapsed, "ELAPSED", "end - start")              \
	X(instruments, "INSTRUMENTS", "what recorded it") \
	X(command, "COMMAND", "what was run")             \
	X(path, "PATH", "the run directory")

enum column {
#define X(name, heading, what) COLUMN_##name,
	COLUMN_LIST(X)
#undef X
		COLUMN_COUNT
};

extern const char *const column_names[COLUMN_COUNT];
extern const char *const column_headings[COLUMN_COUNT];

/* What stands in COLUMN of ROW.  RAW: times as numbers, for programs. */
const char *row_column(const struct row *row, enum column column, bool raw, char *buf, size_t size);

#endif
