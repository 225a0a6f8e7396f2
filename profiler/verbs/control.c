/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"
#include "filter.h"

#include <string.h>

/* Which series a call belongs to. */
static enum vring_kind kind_of(enum vcall call)
{
#define DATA                            VRING_DATA
#define EVENT                           VRING_DATA
#define CALL                            VRING_CALLS
#define MEMORY                          VRING_MEMORY
#define DEVICE                          VRING_DEVICE
#define COUNTS                          VRING_COUNTS
#define KIND(constant, name, kind, ...) [VCALL_##constant] = kind,
	static const uint8_t kinds[VCALL_COUNT] = { VCALLS(KIND) };
#undef KIND
#undef MEMORY
#undef DEVICE
#undef COUNTS
#undef CALL
#undef EVENT
#undef DATA

	return kinds[call];
}

static void put_data(const struct control *control, uint32_t count)
{
	struct vring_record *room = record_mode ? record_room(count) : NULL;

	if (!room)
		return;
	memcpy(room, control, count * sizeof(struct vring_record));
	record_keep(count);
}

void control_put(struct control *control, const struct ibv_context *context)
{
	const struct traced_context *traced = context ? traced_context(context) : NULL;
	enum vring_kind kind = kind_of(control->call.call);
	uint32_t count = 1U + control->call.more;

	if (!filter_call(control->call.call))
		return;
	control->call.context = (uint8_t)(traced ? traced->number : VRING_CONTEXT_LAST);
	if (kind == VRING_DATA)
		put_data(control, count);
	else
		record_put(kind, control, count);
}
