/* SPDX-License-Identifier: Apache-2.0 */
/* hook.c - what the emulated device says of messages, where one is loaded
 *
 * Called with its locks held, in whatever process was there when it was time.
 */
#include "control.h"
#include "devhook.h"
#include "filter.h"

/* Ticks of now.  What the device says is over costs no look at the clock; when a message
 * will leave is not now.
 */
static uint64_t moment(const struct devhook_event *event, uint64_t before)
{
	uint64_t ticks = event->what == DEVHOOK_WIRE ? before : ticks_of(event->time);

	if (!ticks)
		ticks = ticks_now();
	return (int64_t)(ticks - before) < 0 ? before : ticks;
}

static void fill(struct vring_device *record, const struct devhook_event *event)
{
	record->at = event->time;
	record->until = event->until;
	record->wr_id = event->wr_id;
	record->bytes = event->bytes < UINT32_MAX ? (uint32_t)event->bytes : UINT32_MAX;
	record->qpn = event->qpn;
	record->remote_qpn = event->remote_qpn;
	record->device = (uint16_t)event->device;
	record->remote_device = (uint16_t)event->remote_device;
	record->resent = event->resent;
	record->what = (uint8_t)event->what;
	record->opcode = (uint8_t)event->opcode;
	record->status = (uint8_t)event->status;
}

EXPORT uint32_t netemu_trace_every;

/* A message whose times nothing modelled, and that went well, is in the calls already. */
static bool tells(const struct devhook_event *event)
{
	return event->until || event->status || event->resent || netemu_trace_every;
}

EXPORT void netemu_trace_hook(const struct devhook_event *event)
{
	struct vring_device *record;
	struct recorder *self;

	if (record_mode == RECORD_NOTHING || event->version != DEVHOOK_VERSION || !tells(event) ||
	    (record_mode == RECORD_SOME && !filter_device(event->qpn)))
		return;
	self = record_thread();
	record = self ? (struct vring_device *)record_enter(&self->device, 1) : NULL;
	if (!record)
		return;
	*record = (struct vring_device){
		.time = self->told = moment(event, self->told),
		.call = VCALL_DEVICE,
		.context = VRING_CONTEXT_LAST,
	};
	fill(record, event);
	record_leave(&self->device, 1);
}
