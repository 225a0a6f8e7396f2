/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"
#include "devhook.h"

static struct {
	bool calls[VCALL_COUNT];
	uint32_t qpn;
	uint64_t min_size;
	bool counts; /* no send and no completion is recorded */
} filter;

bool filter_start(const struct nettrace_settings *settings)
{
	bool some = false;

	nettrace_settings_calls(settings, filter.calls);
	for (uint32_t call = 1; call < VCALL_COUNT; call++)
		some = some || !filter.calls[call];
	if (settings->level < VRING_FULL)
		for (uint32_t call = VCALL_POST_SEND; call <= VCALL_BIND_MW; call++)
			filter.calls[call] = false;
	if (settings->level < VRING_FULL)
		filter.calls[VCALL_DEVICE] = false;
	netemu_trace_every = settings->device && filter.calls[VCALL_DEVICE];
	filter.counts = true;
	for (uint32_t call = VCALL_POST_SEND; call <= VCALL_NEXT_POLL; call++)
		if (call != VCALL_POST_RECV && call != VCALL_POST_SRQ_RECV && filter.calls[call])
			filter.counts = false;
	filter.qpn = settings->qpn;
	filter.min_size = settings->min_size;
	return some || settings->level < VRING_FULL || filter.qpn || filter.min_size;
}

static bool is_pair(uint32_t qpn)
{
	return !filter.qpn || filter.qpn == qpn;
}

bool filter_request(uint16_t call, uint32_t qpn, uint32_t bytes)
{
	return filter.calls[call] && is_pair(qpn) && bytes >= filter.min_size;
}

/* How many bytes a send had stands in its request alone. */
bool filter_wc(uint16_t call, uint32_t qpn, bool received, bool failed, uint32_t bytes)
{
	return filter.calls[call] && is_pair(qpn) &&
	       (failed || !received || bytes >= filter.min_size);
}

bool filter_counts(uint32_t qpn)
{
	return filter.counts || !is_pair(qpn);
}

bool filter_call(uint16_t call)
{
	return filter.calls[call];
}

bool filter_device(uint32_t qpn)
{
	return filter.calls[VCALL_DEVICE] && is_pair(qpn);
}
