/* SPDX-License-Identifier: Apache-2.0 */
/* windows.c - loads that follow the recorded windows of a job
 *
 * The windows count from the job's start; a job that was stopped goes on in
 * the one it had come to.  Between windows and behind the last it sends
 * nothing.
 */
#include "engine.h"
#include "network.h"

static bool has_windows(const struct sim *sim, const struct live *live)
{
	return sim->settings->windows && live->what->traffic && live->what->traffic->nwindows;
}

int windows_due(struct sim *sim, struct live *live, struct err *err)
{
	const struct traffic *traffic = live->what->traffic;
	int64_t begun = live->job.start - live->job.ran, now = sim->cluster.now - begun;
	const struct traffic_part *part;
	bool inside;

	while (live->next_window < traffic->nwindows &&
	       traffic->windows[live->next_window].end <= now)
		live->next_window++;
	if (live->next_window == traffic->nwindows)
		return network_window(sim->network, live, NULL, err);
	part = &traffic->windows[live->next_window];
	inside = part->start <= now;
	if (network_window(sim->network, live, inside ? part : NULL, err) < 0)
		return -1;
	return evq_add(&sim->evq, &live->window, sim_later(begun, inside ? part->end : part->start),
		       CLASS_WINDOW);
}

int windows_start(struct sim *sim, struct live *live, struct err *err)
{
	live->next_window = 0;
	return has_windows(sim, live) ? windows_due(sim, live, err) : 0;
}

void windows_leave(struct sim *sim, struct live *live)
{
	evq_remove(&sim->evq, &live->window);
}
