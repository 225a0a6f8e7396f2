/* SPDX-License-Identifier: Apache-2.0 */
/* chrome-device.c - what the device did, and what was only counted */
#include "trace/chromelib.h"
#include "trace/fields.h"
#include "trace/names.h"
#include "devhook.h"

#include <string.h>

static struct json *device_begin(struct chrome *chrome, const struct vring_device *device, char ph,
				 int64_t at)
{
	uint32_t tid = tracks_device(&chrome->tracks, device->qpn);
	struct json *json = chrome_begin(chrome, ph, tid, at, ORDERED_AFTER);
	const char *step = fields_device_step(device);

	JSON_PUT(json, ",\"cat\":\"device\",\"name\":\"");
	json_put(json, step, strlen(step));
	JSON_PUT(json, " ");
	json_u64(json, device->bytes);
	if (ph == 'i') {
		JSON_PUT(json, " B\",\"s\":\"t\"");
		return json;
	}
	JSON_PUT(json, " B\",\"id\":");
	json_hex(json, chrome_number(chrome, NUMBER_DEVICE, chrome->ways));
	return json;
}

/* A way over the links takes time, all else is a moment. */
void chrome_take_device(struct chrome *chrome, const struct reader_event *event)
{
	const struct vring_device *device = (const struct vring_device *)event->record;
	int64_t at = (int64_t)((uint64_t)device->at + (uint64_t)chrome->file->offset);
	uint64_t length =
		device->until > device->at ? (uint64_t)device->until - (uint64_t)device->at : 0;
	bool way = device->what == DEVHOOK_WIRE;
	struct json *json;

	chrome->ways += way;
	json = device_begin(chrome, device, way ? 'b' : 'i', at);
	JSON_PUT(json, ",\"args\":{\"wr_id\":");
	json_id(json, device->wr_id);
	chrome_name(json, "opcode", name_wr_opcode(device->opcode));
	chrome_name(json, "status", name_wc_status(device->status));
	JSON_PUT(json, ",\"device\":");
	json_u64(json, device->device);
	JSON_PUT(json, ",\"remote_device\":");
	json_u64(json, device->remote_device);
	JSON_PUT(json, ",\"remote_qpn\":");
	json_u64(json, device->remote_qpn);
	JSON_PUT(json, ",\"resent\":");
	json_u64(json, device->resent);
	JSON_PUT(json, "}");
	chrome_end(chrome);
	if (!way)
		return;
	device_begin(chrome, device, 'e', (int64_t)((uint64_t)at + length));
	chrome_end(chrome);
}

/* What a level or a filter has left out, where that begins. */
void chrome_take_summary(struct chrome *chrome, const struct reader_event *event)
{
	/* of both kinds of records the number is at the same place */
	const struct vring_summary *summary = (const struct vring_summary *)event->record;
	uint32_t tid = tracks_device(&chrome->tracks, summary->qpn);
	struct json *json = chrome_begin(chrome, 'i', tid, event->time, ORDERED_AFTER);

	JSON_PUT(json, ",\"s\":\"t\",\"cat\":");
	json_text(json, reader_call_name(event->record->call));
	JSON_PUT(json, ",\"name\":\"counted only\",\"args\":{\"rank\":");
	json_u64(json, chrome->file->rank);
	fields_event(json, event, chrome->file->offset);
	JSON_PUT(json, "}");
	chrome_end(chrome);
}
