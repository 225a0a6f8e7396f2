/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH    40
#define INTERVAL 100000000 /* ns */

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void progress_begin(struct progress *progress, size_t total)
{
	const char *term = getenv("TERM");

	memset(progress, 0, sizeof(*progress));
	progress->total = total;
	progress->begun = monotonic();
	progress->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
	progress_show(progress, 0);
}

void progress_show(struct progress *progress, size_t done)
{
	int64_t now = monotonic(), left;
	char bar[WIDTH + 1];
	size_t filled;

	if (!progress->terminal || !progress->total ||
	    (done < progress->total && progress->visible && now - progress->shown < INTERVAL))
		return;
	filled = done * WIDTH / progress->total;
	memset(bar, '.', WIDTH);
	memset(bar, '#', filled);
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K[%s] %zu/%zu", bar, done, progress->total);
	if (done) {
		left = (now - progress->begun) / (int64_t)done * (int64_t)(progress->total - done);
		left = left / 1000000000 + (done < progress->total);
		fprintf(stderr, "  %" PRId64 ":%02d:%02d left", left / 3600, (int)(left / 60 % 60),
			(int)(left % 60));
	}
	fflush(stderr);
	progress->shown = now;
	progress->visible = true;
}

void progress_clear(struct progress *progress)
{
	if (!progress->visible)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->visible = false;
}
