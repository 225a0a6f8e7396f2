/* SPDX-License-Identifier: Apache-2.0 */
/* chrome-calls.c - calls, each a slice of its thread with all its requests or completions */
#include "trace/chromelib.h"
#include "trace/fields.h"
#include "trace/names.h"

#include <string.h>

void chrome_close_call(struct chrome *chrome)
{
	struct slice *slice = &chrome->slice;
	const char *name = reader_call_name(slice->call);
	struct json *json;

	if (!slice->open)
		return;
	slice->open = false;
	json = chrome_begin(chrome, 'X', slice->tid, slice->time, ORDERED_SLICE);
	JSON_PUT(json, ",\"dur\":");
	json_us(json, slice->duration);
	JSON_PUT(json, ",\"cat\":\"verbs\",\"name\":\"");
	json_put(json, name, strlen(name));
	JSON_PUT(json, "\",\"args\":{");
	json_put(json, chrome->args.base, (size_t)(chrome->args.at - chrome->args.base));
	JSON_PUT(json, "}");
	chrome_end(chrome);
	chrome->args.at = chrome->args.base;
}

static void put_request(struct json *json, const struct vring_send *send)
{
	JSON_PUT(json, "{\"qpn\":");
	json_u64(json, send->qpn);
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, send->wr_id);
	chrome_name(json, "opcode", name_wr_opcode(send->opcode));
	JSON_PUT(json, ",\"bytes\":");
	json_u64(json, send->bytes);
	fields_flags(json, "flags", fields_send_flags, send->flags);
	if (send->error) {
		JSON_PUT(json, ",\"error\":");
		json_u64(json, send->error);
	}
	JSON_PUT(json, "}");
}

static void put_receive(struct json *json, const struct vring_receive *receive)
{
	if (receive->call == VCALL_POST_SRQ_RECV) {
		JSON_PUT(json, "{\"srq\":");
		json_hex(json, receive->srq);
	} else {
		JSON_PUT(json, "{\"qpn\":");
		json_u64(json, receive->qpn);
	}
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, receive->wr_id);
	JSON_PUT(json, ",\"bytes\":");
	json_u64(json, receive->bytes);
	if (receive->error) {
		JSON_PUT(json, ",\"error\":");
		json_u64(json, receive->error);
	}
	JSON_PUT(json, "}");
}

static void put_completion(struct json *json, const struct vring_wc *wc)
{
	JSON_PUT(json, "{\"qpn\":");
	json_u64(json, wc->qpn);
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, wc->wr_id);
	chrome_name(json, "status", name_wc_status(wc->status));
	if (!wc->status) {
		chrome_name(json, "opcode", name_wc_opcode(wc->opcode));
		JSON_PUT(json, ",\"bytes\":");
		json_u64(json, wc->bytes);
	}
	if (wc->empty) {
		JSON_PUT(json, ",\"empty_polls\":");
		json_u64(json, wc->empty);
	}
	JSON_PUT(json, "}");
}

enum shape { SHAPE_CALL, SHAPE_SEND, SHAPE_RECEIVE, SHAPE_COMPLETION };

static enum shape shape_of(uint16_t call)
{
	static const uint8_t shapes[VCALL_COUNT] = {
		[VCALL_POST_SEND] = SHAPE_SEND,       [VCALL_WR] = SHAPE_SEND,
		[VCALL_POST_RECV] = SHAPE_RECEIVE,    [VCALL_POST_SRQ_RECV] = SHAPE_RECEIVE,
		[VCALL_POLL_CQ] = SHAPE_COMPLETION,   [VCALL_START_POLL] = SHAPE_COMPLETION,
		[VCALL_NEXT_POLL] = SHAPE_COMPLETION,
	};

	return call < VCALL_COUNT ? shapes[call] : SHAPE_CALL;
}

/* Whether EVENT is of the call whose slice is open. */
static bool slice_goes_on(const struct slice *slice, const struct reader_event *event)
{
	return slice->open && shape_of(slice->call) != SHAPE_CALL &&
	       shape_of(event->record->call) == shape_of(slice->call) &&
	       event->time == slice->time && event->duration == slice->duration &&
	       event->thread == slice->thread && event->series == slice->series;
}

static int slice_open(struct chrome *chrome, const struct reader_event *event)
{
	chrome->slice = (struct slice){
		.open = true,
		.call = event->record->call,
		.thread = event->thread,
		.series = event->series,
		.time = event->time,
		.duration = event->duration,
	};
	chrome->slice.tid =
		tracks_slice(&chrome->tracks, event->thread, event->time,
			     (int64_t)((uint64_t)event->time + (uint64_t)event->duration));
	return chrome->slice.tid ? 0 : -1;
}

static void put_args(struct chrome *chrome, const struct reader_event *event)
{
	static const char *const lists[] = {
		[SHAPE_SEND] = "\"requests\":[",
		[SHAPE_RECEIVE] = "\"requests\":[",
		[SHAPE_COMPLETION] = "\"completions\":[",
	};
	enum shape shape = shape_of(event->record->call);
	struct json *json = &chrome->args;

	if (!event->timed && !chrome->slice.records)
		JSON_PUT(json, "\"timed\":false,");
	if (shape == SHAPE_CALL) {
		JSON_PUT(json, "\"duration_ns\":");
		json_i64(json, event->duration);
		fields_event(json, event, chrome->file->offset);
		return;
	}
	if (chrome->slice.records++)
		json->at[-1] = ','; /* the bracket that has closed the list */
	else
		json_put(json, lists[shape], strlen(lists[shape]));
	if (shape == SHAPE_SEND)
		put_request(json, (const struct vring_send *)event->record);
	else if (shape == SHAPE_RECEIVE)
		put_receive(json, (const struct vring_receive *)event->record);
	else
		put_completion(json, (const struct vring_wc *)event->record);
	JSON_PUT(json, "]");
}

int chrome_take_call(struct chrome *chrome, const struct reader_event *event)
{
	if (!slice_goes_on(&chrome->slice, event)) {
		chrome_close_call(chrome);
		if (slice_open(chrome, event) < 0)
			return -1;
	}
	put_args(chrome, event);
	return chrome->args.failed ? -1 : 0;
}
