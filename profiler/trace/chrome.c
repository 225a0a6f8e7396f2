/* SPDX-License-Identifier: Apache-2.0 */
/* chrome.c - a timeline in the Chrome trace event format
 *
 * A process is a rank, a track a thread or a queue pair.  A call is a complete event
 * ("X") with all requests or completions it took, a work request an asynchronous one
 * ("b", "e") on the track of its queue.  Events are written in order of time, but for
 * names, which stand before all.  netemu-trace(1) says what is what.
 */
#include "trace/chromelib.h"
#include "trace/export.h"
#include "trace/fields.h"
#include "trace/overlay.h"

#include <string.h>

#define CALL_BUFFER (64 << 10)

static int64_t since_start(const struct chrome *chrome, int64_t time)
{
	return (int64_t)((uint64_t)time - (uint64_t)chrome->run->start);
}

struct json *chrome_begin(struct chrome *chrome, char ph, uint32_t tid, int64_t time,
			  enum ordered_class order)
{
	int64_t at = since_start(chrome, time);
	struct json *json = ordered_begin(&chrome->out, at, order);
	char head[] = "{\"ph\":\"?\",\"pid\":";

	head[7] = ph;
	JSON_PUT(json, head);
	json_u64(json, chrome->tracks.pid);
	JSON_PUT(json, ",\"tid\":");
	json_u64(json, tid);
	JSON_PUT(json, ",\"ts\":");
	json_us(json, at);
	return json;
}

void chrome_end(struct chrome *chrome)
{
	JSON_PUT(&chrome->out.json, "}");
	ordered_end(&chrome->out);
}

void chrome_name(struct json *json, const char *key, const char *name)
{
	JSON_PUT(json, ",\"");
	json_put(json, key, strlen(key));
	JSON_PUT(json, "\":\"");
	json_put(json, name, strlen(name));
	JSON_PUT(json, "\"");
}

uint64_t chrome_number(const struct chrome *chrome, enum number what, uint64_t number)
{
	uint64_t file = (uint64_t)(chrome->file - chrome->run->file) + 1;

	return file << 42 | (uint64_t)what << 40 | number;
}

static int take(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct chrome *chrome = arg;

	(void)objects;
	if (event->time > chrome->now)
		chrome->now = event->time;
	switch (event->record->call) {
	case VCALL_DEVICE:
		chrome_take_device(chrome, event);
		break;
	case VCALL_SUMMARY:
	case VCALL_LATENCY:
		chrome_take_summary(chrome, event);
		break;
	default:
		if (chrome_take_call(chrome, event) < 0)
			return -1;
	}
	return chrome->out.json.failed ? -1 : 0;
}

/* --- files --- */

/* A rank of which there are several processes is several processes here, too. */
static uint32_t pid_of(const struct trace_run *run, uint32_t index)
{
	uint32_t last = run->file[run->files - 1].rank;

	if (index && run->file[index - 1].rank == run->file[index].rank)
		return last + 1 + index;
	return run->file[index].rank;
}

static int begin(void *arg, const struct trace_file *file)
{
	struct chrome *chrome = arg;
	uint32_t index = (uint32_t)(file - chrome->run->file);
	bool again = index && file[-1].rank == file->rank;

	chrome->file = file;
	chrome->now = INT64_MIN;
	tracks_begin(&chrome->tracks, index, pid_of(chrome->run, index));
	tracks_name_process(&chrome->tracks, file);
	return again ? 0 : overlay_put(&chrome->tracks, file, chrome->err);
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct chrome *chrome = arg;

	(void)file, (void)objects;
	chrome_close_call(chrome);
	tracks_release(&chrome->tracks);
	return ordered_flush(&chrome->out);
}

/* What all of it is, before the events. */
static void put_head(FILE *stream, struct json *json, const struct trace_run *run, uint32_t first,
		     uint32_t files)
{
	json->stream = stream;
	JSON_PUT(json, "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{"
		       "\"format\":\"nettrace-chrome\",\"version\":1,\"start_ns\":\"");
	json_i64(json, run->start);
	JSON_PUT(json, "\",");
	fields_job(json, run);
	if (files == 1) {
		JSON_PUT(json, ",\"node\":");
		json_text(json, run->file[first].header.node);
		JSON_PUT(json, ",\"rank\":");
		json_u64(json, run->file[first].rank);
	}
	JSON_PUT(json, ",\"processes\":[\n");
	for (uint32_t i = first; i < first + files; i++) {
		if (i > first)
			JSON_PUT(json, ",\n");
		fields_process(json, &run->file[i]);
	}
	JSON_PUT(json, "]},\n\"traceEvents\":[\n");
	json_flush(json);
	json->stream = NULL;
}

static int write_all(struct chrome *chrome, uint32_t first, uint32_t files, FILE *stream,
		     int *error, struct err *err)
{
	const struct trace_handler handler = {
		.arg = chrome,
		.event = take,
		.match = { .posted = chrome_posted, .ended = chrome_ended, .left = chrome_left },
		.begin = begin,
		.end = end,
	};
	int rc;

	put_head(stream, &chrome->args, chrome->run, first, files);
	rc = export_walk(chrome->run, first, files, &handler, err);
	tracks_release(&chrome->tracks); /* of one that failed */
	fputs("\n]}\n", stream);         /* its errors are seen when it is closed */
	*error = chrome->out.json.failed ? chrome->out.json.failed : chrome->args.failed;
	return *error ? -1 : rc;
}

static int write(const struct trace_run *run, uint32_t first, uint32_t files, FILE *stream,
		 int *error, struct err *err)
{
	struct chrome chrome = { .run = run, .err = err };
	int rc = -1;

	chrome.tracks.run = run;
	chrome.tracks.out = &chrome.out;
	if (ordered_init(&chrome.out, stream) < 0 || json_init(&chrome.args, NULL, CALL_BUFFER) < 0)
		err_errno(err, "'%s'", run->path);
	else
		rc = write_all(&chrome, first, files, stream, error, err);
	json_release(&chrome.args);
	ordered_release(&chrome.out);
	return rc;
}

const struct export_format export_chrome = { "chrome", "trace", ".json", write };
