/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - how far it is, for who waits at a terminal; and Ctrl-C */
#ifndef TRACE_PROGRESS_H
#define TRACE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t total, before; /* bytes; of files that are done */
	int64_t begun, shown;   /* ms */
	bool terminal, visible;
	unsigned turns;
};

/* TOTAL bytes are to be read.  From here to progress_end() SIGINT and SIGTERM are noted, and
 * kill only the second time.
 */
void progress_begin(struct progress *progress, uint64_t total);

/* DONE bytes of the current file are read.  Cheap enough for each event.  Returns false after
 * Ctrl-C.
 */
bool progress_step(struct progress *progress, uint64_t done);

void progress_end(struct progress *progress);

#endif
