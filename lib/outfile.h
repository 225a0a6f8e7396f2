/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.h - a file that appears when it is whole
 *
 * What is written goes to a temporary name in the same folder;
 * outfile_commit() gives it its own.  So a file that is there is complete, an
 * interrupted program leaves the old one, and a reader never sees a half.
 */
#ifndef NETEMU_OUTFILE_H
#define NETEMU_OUTFILE_H

#include "err.h"

#include <stdio.h>

struct outfile {
	FILE *stream; /* write here; NULL when not open */
	char *path;   /* its own name; owned; NULL: standard output */
	char *temp;   /* owned; NULL: no file */
};

/* Open PATH for writing; NULL or "-" is standard output.  What is no file, a device or a
 * pipe, is written to at once.  Returns 0, or -1 with ERR written.
 */
int outfile_open(struct outfile *file, const char *path, struct err *err);

/* Close the file and give it its name (standard output: flush).  Returns 0, or
 * -1 with ERR written ("unable to write 'x': No space left on device"); then
 * nothing of it is left.  Either way FILE is closed.
 */
int outfile_commit(struct outfile *file, struct err *err);

/* Close it and remove what was written.  Nothing happens when it is closed. */
void outfile_abort(struct outfile *file);

typedef void outfile_gently_fn(void);

/* From now on a program that SIGINT, SIGTERM or SIGHUP ends (not where it is ignored) leaves none
 * of what it had begun: temporary names are removed, then the signal has its way.  With GENTLY
 * the first signal only calls that, from its handler: the program is to end by itself; the
 * second has its way.
 */
void outfile_guard(outfile_gently_fn *gently);

/* The signal that was taken gently, or 0: the exit status is to be 128 more. */
int outfile_struck(void);

#endif
