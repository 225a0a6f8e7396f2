/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/progress.h"
#include "clock.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define TURNS      4096 /* events between looks at the clock */
#define PATIENCE   2000 /* ms before anything is shown */
#define SHOW_EVERY 200

static const int signals[] = { SIGINT, SIGTERM };
#define SIGNALS (sizeof(signals) / sizeof(*signals))

static struct sigaction saved[SIGNALS];
static volatile sig_atomic_t interrupted;

static void note(int signal)
{
	(void)signal;
	interrupted = 1;
}

void progress_begin(struct progress *progress, uint64_t total)
{
	const struct sigaction action = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND };

	*progress = (struct progress){
		.total = total,
		.begun = clock_ms(),
		.terminal = isatty(STDERR_FILENO),
	};
	interrupted = 0;
	for (size_t i = 0; i < SIGNALS; i++) {
		sigaction(signals[i], NULL, &saved[i]);
		/* who is told to ignore it goes on doing so */
		if (saved[i].sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

static void show(struct progress *progress, uint64_t done, int64_t now)
{
	double bytes = (double)(progress->before + done);
	double percent = progress->total ? 100 * bytes / (double)progress->total : 100;

	if (now - progress->begun < PATIENCE || now - progress->shown < SHOW_EVERY)
		return;
	progress->shown = now;
	progress->visible = true;
	fprintf(stderr, "\r%5.1f %%  %.0f MB/s ", percent < 100 ? percent : 100,
		bytes / 1e3 / (double)(now - progress->begun));
	fflush(stderr);
}

bool progress_step(struct progress *progress, uint64_t done)
{
	if (++progress->turns % TURNS == 0 && progress->terminal)
		show(progress, done, clock_ms());
	return !interrupted;
}

void progress_end(struct progress *progress)
{
	for (size_t i = 0; i < SIGNALS; i++)
		if (saved[i].sa_handler == SIG_DFL)
			sigaction(signals[i], &saved[i], NULL);
	if (progress->visible)
		fprintf(stderr, "\r%*s\r", 24, "");
}
