/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h - what shall go wrong, and when
 *
 * A file with one fault a line, `TIME KEY=VALUE,...`: TIME after the start, as
 * 1.5s, the list as of netemu device set.  Blank lines and what follows '#' at
 * the beginning of a line are skipped.
 */
#ifndef DEVICE_FAULTS_H
#define DEVICE_FAULTS_H

#include "target.h"

#include <stdio.h>

struct faults {
	struct fault {
		int64_t time; /* ns after the start */
		char *list;   /* owned */
		size_t line;
	} * fault; /* by time; owned */
	size_t count, next;
	const char *path; /* not owned */
};

/* Read PATH.  Returns 0, or -1 with ERR naming file and line: also of what no fabric could
 * ever do.
 */
int faults_read(struct faults *faults, const char *path, struct err *err);
int faults_parse(struct faults *faults, FILE *file, const char *path, struct err *err);
void faults_release(struct faults *faults);

/* Do what is due at NOW (ns after the start); one that cannot be done is told on
 * standard error.  FABRIC NULL: nothing is done.  Returns ns until the next, or -1 when there is
 * none.
 */
int64_t faults_do(struct faults *faults, struct fabric *fabric, const struct target *target,
		  int64_t now);

#endif
