/* SPDX-License-Identifier: Apache-2.0 */
/* context.h - an opened device, and the small objects of it
 *
 * A front-end's object embeds the engine's; memory of both is the front-end's.
 * Functions return 0, or -1 with errno.
 */
#ifndef DEVICE_CONTEXT_H
#define DEVICE_CONTEXT_H

#include "device/fabric.h"
#include "device/event.h"
#include "device/segment.h"

struct context {
	struct fabric *fabric;
	struct shared_device *device;
	uint32_t number; /* of the device */
	struct shared_channel *async;
	int async_fd;
};

/* Open the device with INDEX of this node. */
int context_open(struct context *context, struct fabric *fabric, uint32_t index);

/* What a program has left in it goes with the last context of its device.  Objects of
 * that are done with then: destroying them does nothing, posting to them is EINVAL.
 * Returns whether there are or were some: their CONTEXT has to stay.
 */
bool context_close(struct context *context);

/* Whether the record with NUMBER was cleared so. */
static inline bool context_took(const struct shared_head *head, uint32_t number)
{
	return atomic_load_explicit(&head->number, memory_order_relaxed) != number;
}

struct pd {
	struct context *context;
	struct shared_pd *shared;
	uint32_t number;
};

/* Count an object made in it, and that it is gone. */
static inline void pd_use(struct pd *pd)
{
	atomic_fetch_add(&pd->shared->users, 1);
}

static inline void pd_unuse(struct pd *pd)
{
	atomic_fetch_sub(&pd->shared->users, 1);
}

int pd_create(struct pd *pd, struct context *context);
int pd_import(struct pd *pd, struct context *context, uint32_t number); /* ENOENT */
/* -1 with EBUSY while objects are made in it and this is its last handle. */
int pd_destroy(struct pd *pd);

struct xrcd {
	struct context *context;
	struct shared_xrcd *shared;
	uint32_t number;
	_Atomic uint32_t users; /* queue pairs and receive queues made by this handle */
};

/* That of the file FD, or one of its own with FD -1.  CREATE, EXCLUSIVE as O_CREAT
 * and O_EXCL: ENOENT, EEXIST.
 */
int xrcd_open(struct xrcd *xrcd, struct context *context, int fd, bool create, bool exclusive);
int xrcd_close(struct xrcd *xrcd); /* EBUSY */

/* Where PATH leads: fills path->device and path->multicast in.  Returns 0, or -1 with EINVAL (a
 * gid index that is not there, a port other than 1, no gid on Ethernet).
 */
int path_resolve(struct context *context, struct shared_path *path);

/* --- multicast --- */

struct qp;
int group_attach(struct qp *qp, const uint8_t gid[16], uint32_t lid); /* EINVAL, ENOMEM */
int group_detach(struct qp *qp, const uint8_t gid[16], uint32_t lid); /* EINVAL */

/* Out of all groups of DEVICE: QPN's process has died. */
void group_forget(struct fabric *fabric, uint32_t device, uint32_t qpn);

/* The group with GID and LID, or NULL.  In a section. */
struct shared_group *group_find(struct fabric *fabric, uint32_t device, const uint8_t gid[16],
				uint32_t lid);

#endif
