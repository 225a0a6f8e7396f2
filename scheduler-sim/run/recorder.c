/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder.h"
#include "snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECOND        1e9
#define SNAPSHOTS_MAX 100000

const char *const recorder_names[RECORDER_SERIES] = {
	[RECORDER_CONGESTION] = "Maximum Congestion",
	[RECORDER_DEVIATION] = "Congestion StdDev",
	[RECORDER_FLOWS] = "Maximum Number of Flows",
	[RECORDER_WAITING] = "Number of Waiting Jobs",
	[RECORDER_IN_SYSTEM] = "Number of Jobs in System",
	[RECORDER_RUNNING] = "Number of Running Jobs",
	[RECORDER_FINISHED] = "Number of Finished Jobs",
};

static void fail_memory(struct recorder *recorder)
{
	if (!recorder->failed)
		err_errno(&recorder->err, "%s", recorder->settings.dir);
	recorder->failed = true;
}

/* A value of a file with the header "Value". */
static void put_value(struct outfile *file, int64_t ns)
{
	char text[32];

	fprintf(file->stream, "%s\n", stats_repr(text, sizeof(text), (double)ns / SECOND));
}

static void on_event(void *arg, const struct sim *sim, enum sim_event event, int64_t time,
		     const struct sim_job *job)
{
	struct recorder *recorder = arg;

	(void)sim;
	if (event == SIM_SUBMIT)
		return;
	recorder->moved = true;
	if (event == SIM_START && job->restarts == 0)
		put_value(&recorder->wait, time - job->what->job.submit);
	if (event == SIM_END)
		put_value(&recorder->response, time - job->what->job.submit);
}

static void take_snapshot(struct recorder *recorder, int64_t at)
{
	if (recorder->failed)
		return;
	if (recorder->written == SNAPSHOTS_MAX)
		err_set(&recorder->err, "%s: more than %d snapshots", recorder->settings.dir,
			SNAPSHOTS_MAX);
	if (recorder->written++ == SNAPSHOTS_MAX ||
	    snapshot_write(recorder->settings.topology, recorder->link, recorder->settings.dir, at,
			   &recorder->err) < 0)
		recorder->failed = true;
}

static int64_t listed_snapshot(const struct recorder *recorder)
{
	return recorder->snapshot < recorder->settings.nsnapshots
		       ? recorder->settings.snapshots[recorder->snapshot]
		       : NETEMU_NEVER;
}

/* Those whose time came before UNTIL, of the links as they still were. */
static void take_snapshots(struct recorder *recorder, int64_t until)
{
	while (!recorder->failed) {
		int64_t listed = listed_snapshot(recorder), multiple = recorder->next_multiple;

		if (listed >= until && multiple >= until)
			return;
		take_snapshot(recorder, listed < multiple ? listed : multiple);
		if (listed <= multiple)
			recorder->snapshot++;
		if (multiple <= listed && __builtin_add_overflow(multiple, recorder->settings.every,
								 &recorder->next_multiple))
			recorder->next_multiple = NETEMU_NEVER;
	}
}

static void integrate(struct recorder_link *link, int64_t until)
{
	double seconds = (double)(until - link->since) / SECOND;

	link->byte_s += load_double(link->bytes) * seconds;
	link->flow_s += load_double(link->flows) * seconds;
	link->since = until;
}

static void change_link(struct recorder *recorder, uint32_t index, const struct load *load,
			int64_t time)
{
	struct recorder_link *link = &recorder->link[index];
	double capacity = recorder->settings.topology->net.link[index].capacity;

	integrate(link, time);
	link->bytes = load->bytes;
	link->flows = load->flows;
	if (link->bytes > link->peak_bytes)
		link->peak_bytes = link->bytes;
	if (link->flows > link->peak_flows)
		link->peak_flows = link->flows;
	if (link->place != NETEMU_NONE)
		spread_set(&recorder->spread, link->place, load_double(link->bytes) / capacity,
			   load_double(link->flows));
}

static void change_links(struct recorder *recorder, const struct sim *sim, int64_t time)
{
	const struct loads *loads = sim_loads(sim);
	const uint32_t *changed;
	size_t count;

	changed = sim_changed(sim, &count);
	for (size_t i = 0; i < count; i++)
		change_link(recorder, changed[i], &loads->link[changed[i]], time);
	if (count)
		spread_update(&recorder->spread);
}

static void put(struct recorder *recorder, enum recorder_series which, int64_t time, double value)
{
	if (series_put(&recorder->series[which], time, value) < 0)
		fail_memory(recorder);
}

static void put_samples(struct recorder *recorder, const struct sim *sim, int64_t time)
{
	double waiting = (double)sim_waiting(sim), running = (double)sim_running(sim);

	put(recorder, RECORDER_WAITING, time, waiting);
	put(recorder, RECORDER_IN_SYSTEM, time, waiting + running);
	put(recorder, RECORDER_RUNNING, time, running);
	put(recorder, RECORDER_FINISHED, time, (double)sim_finished(sim));
	if (!recorder->moved)
		return;
	put(recorder, RECORDER_CONGESTION, time, spread_max(&recorder->spread));
	put(recorder, RECORDER_DEVIATION, time, spread_deviation(&recorder->spread));
	put(recorder, RECORDER_FLOWS, time, spread_other_max(&recorder->spread));
}

static void begin(struct recorder *recorder, int64_t time)
{
	int64_t every = recorder->settings.every;

	recorder->first = recorder->last = time;
	if (every && time > 0 && time <= NETEMU_NEVER - every)
		recorder->next_multiple = (time + every - 1) / every * every;
}

static void on_instant(void *arg, const struct sim *sim, int64_t time)
{
	struct recorder *recorder = arg;
	size_t changed;

	if (recorder->failed)
		return;
	if (recorder->first > recorder->last)
		begin(recorder, time);
	take_snapshots(recorder, time);
	recorder->busy_s += (double)recorder->busy * (double)(time - recorder->last) / SECOND;
	recorder->busy = sim_busy_hosts(sim);
	recorder->last = time;
	sim_changed(sim, &changed);
	if (changed)
		recorder->moved = true;
	change_links(recorder, sim, time);
	put_samples(recorder, sim, time);
	recorder->moved = false;
}

/* Links between switches, or all where there are none, have a place. */
static uint32_t give_places(struct recorder *recorder)
{
	const struct topology *topology = recorder->settings.topology;
	uint32_t count = 0, places = 0;

	for (uint32_t i = 0; i < topology->net.links; i++)
		count += topology_is_isl(topology, i);
	for (uint32_t i = 0; i < topology->net.links; i++)
		recorder->link[i].place =
			!count || topology_is_isl(topology, i) ? places++ : NETEMU_NONE;
	return places;
}

static int open_value_file(struct recorder *recorder, struct outfile *file, const char *name,
			   struct err *err)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s/%s", recorder->settings.dir, name) < 0)
		return err_errno(err, "%s", name);
	rc = outfile_open(file, path, err);
	free(path);
	if (rc == 0)
		fputs("Value\n", file->stream);
	return rc;
}

static int open_series(struct recorder *recorder, struct err *err)
{
	for (int i = 0; i < RECORDER_SERIES; i++) {
		bool whole = i != RECORDER_CONGESTION && i != RECORDER_DEVIATION;
		char *path;
		int rc;

		if (asprintf(&path, "%s/%s.csv", recorder->settings.dir, recorder_names[i]) < 0)
			return err_errno(err, "%s", recorder_names[i]);
		rc = series_open(&recorder->series[i], path, whole, err);
		free(path);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int recorder_init(struct recorder *recorder, const struct recorder_settings *settings,
		  struct err *err)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->settings = *settings;
	recorder->first = 1;
	recorder->next_multiple = settings->every ? 0 : NETEMU_NEVER;
	recorder->watcher = (struct sim_watcher){
		.event = on_event,
		.instant = on_instant,
		.arg = recorder,
	};
	recorder->link = calloc(settings->topology->net.links, sizeof(*recorder->link));
	if (!recorder->link || spread_init(&recorder->spread, give_places(recorder)) < 0) {
		err_errno(err, "%s", settings->dir);
		recorder_release(recorder);
		return -1;
	}
	if (open_series(recorder, err) < 0 ||
	    open_value_file(recorder, &recorder->wait, "Job Wait Time.csv", err) < 0 ||
	    open_value_file(recorder, &recorder->response, "Job Response Time.csv", err) < 0) {
		recorder_release(recorder);
		return -1;
	}
	return 0;
}

int recorder_finish(struct recorder *recorder, struct err *err)
{
	take_snapshots(recorder, recorder->last + 1);
	/* What was asked for behind the end shows the end. */
	for (; recorder->snapshot < recorder->settings.nsnapshots; recorder->snapshot++)
		take_snapshot(recorder, recorder->settings.snapshots[recorder->snapshot]);
	if (recorder->failed)
		return err_set(err, "%s", recorder->err.text);
	for (uint32_t i = 0; i < recorder->settings.topology->net.links; i++)
		if (recorder->first <= recorder->last)
			integrate(&recorder->link[i], recorder->last);
	for (int i = 0; i < RECORDER_SERIES; i++)
		if (series_finish(&recorder->series[i], recorder->last, err) < 0)
			return -1;
	if (outfile_commit(&recorder->wait, err) < 0)
		return -1;
	return outfile_commit(&recorder->response, err);
}

void recorder_release(struct recorder *recorder)
{
	for (int i = 0; i < RECORDER_SERIES; i++)
		series_release(&recorder->series[i]);
	outfile_abort(&recorder->wait);
	outfile_abort(&recorder->response);
	spread_release(&recorder->spread);
	free(recorder->link);
	memset(recorder, 0, sizeof(*recorder));
}

static double mean(const struct recorder *recorder, double integral)
{
	return recorder->last > recorder->first
		       ? integral / ((double)(recorder->last - recorder->first) / SECOND)
		       : 0;
}

double recorder_mean_bytes(const struct recorder *recorder, uint32_t link)
{
	return mean(recorder, recorder->link[link].byte_s);
}

double recorder_mean_flows(const struct recorder *recorder, uint32_t link)
{
	return mean(recorder, recorder->link[link].flow_s);
}
