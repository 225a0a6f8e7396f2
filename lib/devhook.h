/* SPDX-License-Identifier: Apache-2.0 */
/* devhook.h - what an emulated device did with a message, and when
 *
 * The device calls netemu_trace_hook() where somebody defines it: a tracer that
 * is preloaded too exports it, and gets the device's own times beside the calls
 * it sees.  The device knows it as a weak symbol only.  It is called with locks
 * held: it returns soon, and calls nothing of verbs.
 *
 * Where no network is emulated, a message that goes well has no times but those of
 * the calls.  It is told of, too, where the hook says that it wants every one; its
 * modelled times are then those when it was done.
 */
#ifndef NETEMU_DEVHOOK_H
#define NETEMU_DEVHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEVHOOK_VERSION 1

enum devhook_what {
	DEVHOOK_QUEUED,    /* a request was posted */
	DEVHOOK_WIRE,      /* it has its place on the links: `time` it left, `until` it arrives */
	DEVHOOK_DELIVERED, /* the responder has done its part; `until` was the modelled time */
	DEVHOOK_COMPLETED, /* the requester's completion; `until` was the modelled time */
	DEVHOOK_NOT_READY, /* the responder has no receive request: once more at `until` */
	DEVHOOK_NO_ANSWER, /* nothing was heard in time: once more at `until` */
};

struct devhook_event {
	uint32_t version; /* DEVHOOK_VERSION */
	uint32_t what;    /* enum devhook_what */
	int64_t time;     /* CLOCK_MONOTONIC ns */
	int64_t until;    /* ns; 0: does not apply */
	uint32_t device;  /* number in the fabric */
	uint32_t qpn, remote_device, remote_qpn;
	uint64_t wr_id;
	uint64_t bytes;
	uint32_t opcode; /* enum ibv_wr_opcode */
	uint32_t status; /* enum ibv_wc_status */
	uint32_t resent; /* packets */
	uint32_t pad;
};

void netemu_trace_hook(const struct devhook_event *event) __attribute__((weak));

/* Beside the hook, where it is defined: whether it wants to hear of every message. */
extern uint32_t netemu_trace_every __attribute__((weak));

static inline bool devhook_every(void)
{
	return __builtin_expect(netemu_trace_hook != NULL, 0) && &netemu_trace_every &&
	       __atomic_load_n(&netemu_trace_every, __ATOMIC_RELAXED);
}

#endif
