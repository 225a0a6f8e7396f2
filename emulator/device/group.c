/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"

#include "device/lock.h"
#include "device/qp.h"
#include "device/section.h"

#include <errno.h>
#include <string.h>

#define LID_MULTICAST  0xc000 /* the first */
#define LID_PERMISSIVE 0xffff
#define NOBODY         UINT16_MAX /* no process owns a group: it outlives each of its members */

static int einval(void)
{
	errno = EINVAL;
	return -1;
}

static bool gid_is_multicast(const uint8_t gid[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return gid[0] == 0xff || (!memcmp(gid, mapped, 12) && (gid[12] & 0xf0) == 0xe0);
}

static bool lid_is_multicast(uint32_t lid)
{
	return lid >= LID_MULTICAST && lid < LID_PERMISSIVE;
}

/* --- paths --- */

static int resolve_global(struct context *context, struct shared_path *path)
{
	const struct shared_device *device = context->device;

	if (path->sgid_index >= device->gids)
		return einval();
	path->multicast = gid_is_multicast(path->dgid);
	if (path->multicast)
		path->device = UINT32_MAX;
	else if (device->link_layer == LINK_IB && path->dlid)
		path->device = fabric_by_lid(context->fabric, path->dlid);
	else
		path->device = fabric_by_gid(context->fabric, path->dgid);
	return 0;
}

int path_resolve(struct context *context, struct shared_path *path)
{
	if (path->port != 1)
		return einval();
	if (path->global)
		return resolve_global(context, path);
	if (context->device->link_layer == LINK_ETHERNET)
		return einval();
	path->multicast = lid_is_multicast(path->dlid);
	path->device = path->multicast ? UINT32_MAX : fabric_by_lid(context->fabric, path->dlid);
	return 0;
}

/* --- groups; changes are made with the device's lock of objects --- */

static struct shared_group *search(const struct segment *segment,
				   const struct shared_device *device, const uint8_t gid[16],
				   uint32_t lid)
{
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = table_next(segment, &device->group, &index))) {
		struct shared_group *group = (struct shared_group *)head;

		if (group->lid == lid && !memcmp(group->gid, gid, 16))
			return group;
	}
	return NULL;
}

struct shared_group *group_find(struct fabric *fabric, uint32_t device, const uint8_t gid[16],
				uint32_t lid)
{
	return search(&fabric->segment, fabric_device(fabric, device), gid, lid);
}

static struct shared_group *add_group(struct context *context, const uint8_t gid[16], uint32_t lid,
				      uint32_t *number)
{
	struct shared_group *group;

	group = (struct shared_group *)table_add(&context->fabric->segment, &context->device->group,
						 number);
	if (!group)
		return NULL;
	group->head.owner = NOBODY;
	group->lid = lid;
	memcpy(group->gid, gid, 16);
	return group;
}

/* The place of QPN, or with QPN 0 one that is free, or NULL. */
static _Atomic uint32_t *member(struct shared_group *group, uint32_t qpn)
{
	for (uint32_t i = 0; i < GROUP_MEMBERS; i++)
		if (atomic_load(&group->qpn[i]) == qpn)
			return &group->qpn[i];
	return NULL;
}

static uint32_t count_members(const struct shared_group *group)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < GROUP_MEMBERS; i++)
		count += atomic_load(&group->qpn[i]) != 0;
	return count;
}

static int add_member(struct qp *qp, struct shared_group *group)
{
	const struct device_limits *limits = &qp->context->device->limits;
	_Atomic uint32_t *place = member(group, 0);

	if (!place || count_members(group) >= limits->max_mcast_qp) {
		errno = ENOMEM;
		return -1;
	}
	atomic_fetch_add(&qp->shared->groups, 1);
	atomic_store(place, qp->number);
	atomic_store(&group->members, count_members(group));
	return 0;
}

static int attach(struct qp *qp, const uint8_t gid[16], uint32_t lid)
{
	struct context *context = qp->context;
	struct shared_group *group = search(&context->fabric->segment, context->device, gid, lid);
	uint32_t number = 0;

	if (group && member(group, qp->number))
		return 0;
	if (!group)
		group = add_group(context, gid, lid, &number);
	if (!group)
		return -1;
	if (add_member(qp, group)) {
		if (number)
			table_remove(&context->fabric->segment, &context->device->group,
				     &group->head);
		errno = ENOMEM;
		return -1;
	}
	if (number)
		table_publish(&group->head, number);
	return 0;
}

/* Take QPN out.  Returns the group when that leaves it empty: it is hidden then, and
 * the caller frees it.
 */
static struct shared_group *remove_member(struct shared_group *group, _Atomic uint32_t *place)
{
	atomic_store(place, 0);
	atomic_store(&group->members, count_members(group));
	if (atomic_load(&group->members))
		return NULL;
	table_hide(&group->head);
	return group;
}

static void free_group(struct fabric *fabric, struct shared_device *device,
		       struct shared_group *group)
{
	if (!group)
		return;
	section_wait(fabric);
	table_remove(&fabric->segment, &device->group, &group->head);
}

static bool may_attach(const struct qp *qp, const uint8_t gid[16], uint32_t lid)
{
	if (qp->shared->type != QP_UD || !gid_is_multicast(gid))
		return false;
	return qp->context->device->link_layer == LINK_ETHERNET || lid_is_multicast(lid);
}

/* Groups of Ethernet are told apart by their GID alone. */
static uint32_t group_lid(const struct qp *qp, uint32_t lid)
{
	return qp->context->device->link_layer == LINK_ETHERNET ? 0 : lid;
}

int group_attach(struct qp *qp, const uint8_t gid[16], uint32_t lid)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_lock *lock = &qp->context->device->objects;
	int rc;

	if (!may_attach(qp, gid, lid))
		return einval();
	lock_take(fabric, lock, fabric->self);
	rc = attach(qp, gid, group_lid(qp, lid));
	lock_drop(lock);
	return rc;
}

int group_detach(struct qp *qp, const uint8_t gid[16], uint32_t lid)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_device *device = qp->context->device;
	struct shared_group *group, *empty = NULL;
	_Atomic uint32_t *place = NULL;

	if (!may_attach(qp, gid, lid))
		return einval();
	lock_take(fabric, &device->objects, fabric->self);
	group = search(&fabric->segment, device, gid, group_lid(qp, lid));
	if (group)
		place = member(group, qp->number);
	if (place) {
		empty = remove_member(group, place);
		atomic_fetch_sub(&qp->shared->groups, 1);
	}
	lock_drop(&device->objects);
	free_group(fabric, device, empty);
	return place ? 0 : einval();
}

/* The next group that QPN has left empty, hidden, or NULL. */
static struct shared_group *forget_one(struct fabric *fabric, struct shared_device *device,
				       uint32_t qpn, uint32_t *index)
{
	struct shared_head *head;

	while ((head = table_next(&fabric->segment, &device->group, index))) {
		struct shared_group *group = (struct shared_group *)head;
		_Atomic uint32_t *place = member(group, qpn);

		if (place && remove_member(group, place))
			return group;
	}
	return NULL;
}

void group_forget(struct fabric *fabric, uint32_t device, uint32_t qpn)
{
	struct shared_device *shared = fabric_device(fabric, device);
	struct shared_group *empty;
	uint32_t index = 0;

	do {
		lock_take(fabric, &shared->objects, fabric->self);
		empty = forget_one(fabric, shared, qpn, &index);
		lock_drop(&shared->objects);
		free_group(fabric, shared, empty);
	} while (empty);
}
