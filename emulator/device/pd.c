/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"

#include "device/section.h"

#include <errno.h>

int pd_create(struct pd *pd, struct context *context)
{
	struct segment *segment = &context->fabric->segment;
	struct shared_pd *shared;
	uint32_t number;

	shared = (struct shared_pd *)table_add(segment, &context->device->pd, &number);
	if (!shared)
		return -1;
	atomic_store(&shared->handles, 1);
	*pd = (struct pd){ .context = context, .shared = shared, .number = number };
	table_publish(&shared->head, number);
	return 0;
}

/* One handle more, unless the last one has just gone. */
static bool take_handle(struct shared_pd *shared)
{
	uint32_t handles = atomic_load(&shared->handles);

	while (handles)
		if (atomic_compare_exchange_weak(&shared->handles, &handles, handles + 1))
			return true;
	return false;
}

int pd_import(struct pd *pd, struct context *context, uint32_t number)
{
	struct fabric *fabric = context->fabric;
	_Atomic uint64_t *section = section_enter(fabric);
	struct shared_pd *shared =
		(struct shared_pd *)table_find(&fabric->segment, &context->device->pd, number);
	bool found = shared && take_handle(shared);

	section_leave(section);
	if (!found) {
		errno = ENOENT;
		return -1;
	}
	*pd = (struct pd){ .context = context, .shared = shared, .number = number };
	return 0;
}

int pd_destroy(struct pd *pd)
{
	struct fabric *fabric = pd->context->fabric;
	uint32_t handles = atomic_load(&pd->shared->handles);

	if (context_took(&pd->shared->head, pd->number))
		return 0;
	do {
		if (handles == 1 && atomic_load(&pd->shared->users)) {
			errno = EBUSY;
			return -1;
		}
	} while (!atomic_compare_exchange_weak(&pd->shared->handles, &handles, handles - 1));
	if (handles > 1)
		return 0;
	table_hide(&pd->shared->head);
	section_wait(fabric);
	table_remove(&fabric->segment, &pd->context->device->pd, &pd->shared->head);
	return 0;
}
