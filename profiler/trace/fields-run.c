/* SPDX-License-Identifier: Apache-2.0 */
/* fields-run.c - where records come from */
#include "trace/fieldlib.h"

static const char *const clocks[] = { [VRING_TSC] = "TSC", [VRING_MONOTONIC] = "CLOCK_MONOTONIC" };
static const char *const levels[] = {
	[VRING_SUMMARY] = "summary", [VRING_CONTROL] = "control", [VRING_FULL] = "full"
};

void fields_process(struct json *json, const struct trace_file *file)
{
	const struct vring_header *header = &file->header;

	JSON_PUT(json, "{\"rank\":");
	json_u64(json, file->rank);
	FIELD_U64(json, "ranks", header->ranks);
	FIELD_TEXT(json, "node", header->node);
	FIELD_TEXT(json, "program", header->program);
	FIELD_I64(json, "pid", header->pid);
	if (header->procid != UINT32_MAX)
		FIELD_U64(json, "procid", header->procid);
	FIELD_TEXT(json, "tag", header->tag);
	FIELD_TEXT(json, "clock", header->clock <= VRING_MONOTONIC ? clocks[header->clock] : "?");
	FIELD_I64(json, "clock_offset_ns", file->offset);
	FIELD_TEXT(json, "level", header->level <= VRING_FULL ? levels[header->level] : "?");
	FIELD_BOOL(json, "clean", header->clean);
	FIELD_BOOL(json, "stream", header->stream);
	FIELD_U64(json, "timed", header->version < 2 ? 1 : header->timed);
	FIELD_ID(json, "records", file->records);
	FIELD_ID(json, "dropped", file->dropped);
	FIELD_ID(json, "lost", header->lost);
	FIELD_ID(json, "empty_polls", file->empty_polls);
	JSON_PUT(json, "}");
}

void fields_job(struct json *json, const struct trace_run *run)
{
	const struct vring_header *header = &run->file[0].header;

	JSON_PUT(json, "\"job\":");
	json_text(json, header->job);
	FIELD_TEXT(json, "step", header->step);
}
