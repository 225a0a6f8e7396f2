/* SPDX-License-Identifier: Apache-2.0 */
#include "result/waymark.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

#define TURNS      16   /* between looks at the clock */
#define PATIENCE   2000 /* ms before anything is shown */
#define SHOW_EVERY 200

void waymark_show(struct waymark *mark, const char *what, double done, uint64_t all)
{
	int64_t now;

	if (mark->terminal < 0 || (mark->begun && ++mark->turns % TURNS))
		return;
	now = mark->clock ? mark->clock() : clock_ms();
	if (!mark->begun) {
		mark->begun = now;
		mark->terminal = isatty(STDERR_FILENO) ? 1 : -1;
	}
	if (now - mark->begun < PATIENCE || now - mark->shown < SHOW_EVERY)
		return;
	mark->shown = now;
	fprintf(stderr, "\r%5.1f %% of %llu %s ", all ? 100 * done / (double)all : 100.0,
		(unsigned long long)all, what);
	fflush(stderr);
}

void waymark_end(struct waymark *mark)
{
	if (mark->shown)
		fprintf(stderr, "\r%*s\r", 60, "");
	mark->shown = 0;
}
