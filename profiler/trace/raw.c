/* SPDX-License-Identifier: Apache-2.0 */
/* raw.c - every record, all that it says: nettrace-raw(5) */
#include "trace/export.h"
#include "trace/fields.h"

#define BUFFER (1 << 20)

struct raw {
	struct json json;
	const struct trace_file *file; /* that is being read */
	bool some;                     /* events have been written */
};

static int begin(void *arg, const struct trace_file *file)
{
	struct raw *raw = arg;

	raw->file = file;
	return 0;
}

static int take(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct raw *raw = arg;
	struct json *json = &raw->json;

	(void)objects;
	if (raw->some)
		JSON_PUT(json, ",\n{\"time\":");
	else
		JSON_PUT(json, "{\"time\":");
	raw->some = true;
	json_i64(json, event->time);
	if (event->timed) {
		JSON_PUT(json, ",\"duration\":");
		json_i64(json, event->duration);
	}
	JSON_PUT(json, ",\"rank\":");
	json_u64(json, raw->file->rank);
	fields_event(json, event, raw->file->offset);
	JSON_PUT(json, "}");
	return json->failed ? -1 : 0;
}

static void put_head(struct json *json, const struct trace_run *run, uint32_t first, uint32_t count)
{
	JSON_PUT(json, "{\"format\":\"nettrace-raw\",\"version\":");
	json_u64(json, FIELDS_VERSION);
	JSON_PUT(json, ",\n");
	fields_job(json, run);
	JSON_PUT(json, ",\n\"processes\":[\n");
	for (uint32_t i = first; i < first + count; i++) {
		if (i > first)
			JSON_PUT(json, ",\n");
		fields_process(json, &run->file[i]);
	}
	JSON_PUT(json, "],\n\"events\":[\n");
}

static int write(const struct trace_run *run, uint32_t first, uint32_t count, FILE *stream,
		 int *error, struct err *err)
{
	struct raw raw = { 0 };
	const struct trace_handler handler = { .arg = &raw, .event = take, .begin = begin };
	int rc;

	if (json_init(&raw.json, stream, BUFFER) < 0)
		return err_errno(err, "'%s'", run->path);
	put_head(&raw.json, run, first, count);
	rc = export_walk(run, first, count, &handler, err);
	JSON_PUT(&raw.json, "\n]}\n");
	if (rc == 0)
		rc = json_flush(&raw.json);
	*error = raw.json.failed;
	json_release(&raw.json);
	return rc;
}

const struct export_format export_raw = { "raw", "raw_trace", ".json", write };
