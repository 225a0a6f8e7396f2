/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a bar on standard error, when that is a terminal */
#ifndef NETEMU_SIM_PROGRESS_H
#define NETEMU_SIM_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	size_t total;
	int64_t begun; /* ns, monotonic */
	int64_t shown; /* ns, the last time */
	bool terminal, visible;
};

void progress_begin(struct progress *progress, size_t total);

/* DONE of them are: at most ten times a second, and at the end. */
void progress_show(struct progress *progress, size_t done);

/* Take the bar away, for other text or at the end. */
void progress_clear(struct progress *progress);

#endif
