/* SPDX-License-Identifier: Apache-2.0 */
/* textfile.h - lines of a text file, plain or compressed
 *
 * gzip, bzip2, xz and zstd are known by their content.
 */
#ifndef NETEMU_TOPOLOGY_TEXTFILE_H
#define NETEMU_TOPOLOGY_TEXTFILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive;

/* No line of the formats read here comes near it (bytes). */
#define TEXTFILE_LINE_MAX (1u << 20)

struct textfile {
	const char *name; /* for messages; not owned */
	uint32_t line;    /* number of the line last returned, from 1 */
	struct archive *archive;
	const char *block; /* what has been read and not returned yet */
	size_t left;
	char *text; /* the line; owned */
	size_t room;
	bool at_end, failed;
};

/* Open the file NAME, which must live as long as FILE.  Returns 0, or -1 with
 * ERR written.
 */
int textfile_open(struct textfile *file, const char *name, struct err *err);

/* The SIZE bytes of DATA, not copied, as if they were the file NAME. */
void textfile_open_memory(struct textfile *file, const char *name, const void *data, size_t size);

/* The next line without its end ("\n" or "\r\n"), good until the next call and
 * writable, of *LENGTH bytes.  Returns NULL at the end of the file, and on an
 * error, when ERR is written: textfile_failed() tells them apart.
 */
char *textfile_next(struct textfile *file, size_t *length, struct err *err);
bool textfile_failed(const struct textfile *file);
void textfile_close(struct textfile *file);

/* For what has no lines: see to it that FILE->block has bytes, FILE->left of them.
 * Returns 1, 0 at the end of the file, or -1 with ERR written.
 */
int textfile_fill(struct textfile *file, struct err *err);

/* Up to SIZE - 1 bytes from the beginning of the file NAME, NUL behind them.
 * Returns how many, or -1 with ERR written.
 */
ssize_t textfile_head(const char *name, char *buf, size_t size, struct err *err);

/* "file:line: " and WHAT.  Returns -1. */
int textfile_bad(const struct textfile *file, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
