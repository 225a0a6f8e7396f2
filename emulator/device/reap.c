/* SPDX-License-Identifier: Apache-2.0 */
/* What a process leaves behind, cleared up by itself or by another one.  Who does it
 * may die over it, and another one begins anew: a number is forgotten before what it
 * leads to is given back, so at worst a piece of memory is lost.
 */
#include "device/context.h"
#include "device/cq.h"
#include "device/fabric.h"
#include "device/flight.h"
#include "device/net.h"
#include "device/lock.h"
#include "device/mailbox.h"
#include "device/progress.h"
#include "device/section.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOBODY UINT16_MAX

struct work {
	struct fabric *fabric;
	struct shared_device *device;
	uint32_t number; /* of the device */
	uint32_t process;
};

/* Memory of the heap to which FIELD leads. */
static void give_back(const struct work *w, void *field, uint64_t size)
{
	uint64_t at = __atomic_exchange_n((uint64_t *)field, 0, __ATOMIC_SEQ_CST);

	segment_free(&w->fabric->segment, at, size);
}

/* --- records, kind by kind --- */

/* A PD or an XRC domain of ours has one user less. */
static void leave_pd(const struct work *w, uint32_t number)
{
	struct shared_pd *pd =
		(struct shared_pd *)table_find(&w->fabric->segment, &w->device->pd, number);

	if (pd && atomic_load(&pd->users))
		atomic_fetch_sub(&pd->users, 1);
}

static void leave_xrcd(const struct work *w, uint32_t number)
{
	struct shared_xrcd *xrcd =
		(struct shared_xrcd *)table_find(&w->fabric->segment, &w->device->xrcd, number);

	if (xrcd && atomic_load(&xrcd->users))
		atomic_fetch_sub(&xrcd->users, 1);
}

static void orphan_qp(struct shared_head *head, uint32_t process)
{
	struct shared_qp *qp = (struct shared_qp *)head;

	lock_orphan(&qp->send_lock, process);
	lock_orphan(&qp->receive_lock, process);
	lock_orphan(&qp->rq.lock, process);
}

static void clear_qp(const struct work *w, struct shared_head *head)
{
	struct shared_qp *qp = (struct shared_qp *)head;
	struct shared_rq *rq = &qp->rq;

	net_flush(w->fabric, &qp->stream);
	flight_drop(w->fabric, qp);
	leave_pd(w, __atomic_exchange_n(&qp->pd, 0, __ATOMIC_SEQ_CST));
	leave_xrcd(w, __atomic_exchange_n(&qp->xrcd, 0, __ATOMIC_SEQ_CST));
	give_back(w, &qp->sq_at, (uint64_t)qp->sq_capacity * qp->sq_stride);
	give_back(w, &rq->ring_at, (uint64_t)rq->capacity * rq->stride);
	give_back(w, &qp->in_rqe_at, qp->in_rqe_size);
}

static void orphan_srq(struct shared_head *head, uint32_t process)
{
	lock_orphan(&((struct shared_srq *)head)->rq.lock, process);
}

static void clear_srq(const struct work *w, struct shared_head *head)
{
	struct shared_srq *srq = (struct shared_srq *)head;

	leave_pd(w, __atomic_exchange_n(&srq->pd, 0, __ATOMIC_SEQ_CST));
	leave_xrcd(w, __atomic_exchange_n(&srq->xrcd, 0, __ATOMIC_SEQ_CST));
	give_back(w, &srq->rq.ring_at, (uint64_t)srq->rq.capacity * srq->rq.stride);
}

static void orphan_cq(struct shared_head *head, uint32_t process)
{
	lock_orphan(&((struct shared_cq *)head)->lock, process);
}

static void clear_cq(const struct work *w, struct shared_head *head)
{
	struct shared_cq *cq = (struct shared_cq *)head;

	give_back(w, &cq->ring_at, (uint64_t)cq->capacity * sizeof(struct shared_cqe));
}

static void clear_mr(const struct work *w, struct shared_head *head)
{
	struct shared_mr *mr = (struct shared_mr *)head;

	leave_pd(w, __atomic_exchange_n(&mr->pd, 0, __ATOMIC_SEQ_CST));
	if (mr->kind == MR_STORE)
		give_back(w, &mr->addr, mr->length);
}

static void orphan_channel(struct shared_head *head, uint32_t process)
{
	lock_orphan(&((struct shared_channel *)head)->lock, process);
}

static bool others_use_pd(struct shared_head *head)
{
	return atomic_load(&((struct shared_pd *)head)->handles) > 1;
}

static bool others_use_xrcd(struct shared_head *head)
{
	return atomic_load(&((struct shared_xrcd *)head)->handles) > 1;
}

/* One handle of a process that is gone; the others own it from now on. */
static void disown(struct shared_head *head, _Atomic uint32_t *handles)
{
	head->owner = NOBODY;
	atomic_fetch_sub(handles, 1);
}

static void disown_pd(struct shared_head *head)
{
	disown(head, &((struct shared_pd *)head)->handles);
}

static void disown_xrcd(struct shared_head *head)
{
	disown(head, &((struct shared_xrcd *)head)->handles);
}

/* In the order in which they are cleared: users before what they use. */
static const struct kind {
	size_t table;
	void (*orphan)(struct shared_head *head, uint32_t process);
	void (*clear)(const struct work *w, struct shared_head *head);
	bool (*stays)(struct shared_head *head);
	void (*disown)(struct shared_head *head);
} kinds[] = {
	{ offsetof(struct shared_device, qp), orphan_qp, clear_qp, NULL, NULL },
	{ offsetof(struct shared_device, srq), orphan_srq, clear_srq, NULL, NULL },
	{ offsetof(struct shared_device, mr), NULL, clear_mr, NULL, NULL },
	{ offsetof(struct shared_device, dm), NULL, clear_mr, NULL, NULL },
	{ offsetof(struct shared_device, cq), orphan_cq, clear_cq, NULL, NULL },
	{ offsetof(struct shared_device, channel), orphan_channel, NULL, NULL, NULL },
	{ offsetof(struct shared_device, xrcd), NULL, NULL, others_use_xrcd, disown_xrcd },
	{ offsetof(struct shared_device, pd), NULL, NULL, others_use_pd, disown_pd },
	{ offsetof(struct shared_device, group), NULL, NULL, NULL, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* --- all of a kind --- */

static struct shared_table *table_of(const struct work *w, const struct kind *kind)
{
	return (struct shared_table *)((char *)w->device + kind->table);
}

/* The first record in use at *INDEX or behind it. */
static struct shared_head *next_used(const struct work *w, const struct shared_table *table,
				     uint32_t *index)
{
	struct shared_head *head;

	while ((head = table_record(&w->fabric->segment, table, *index))) {
		++*index;
		if (atomic_load(&head->used))
			return head;
	}
	return NULL;
}

static void orphan_all(const struct work *w, const struct kind *kind)
{
	struct shared_table *table = table_of(w, kind);
	struct shared_head *head;
	uint32_t index = 1;

	lock_orphan(&table->lock, w->process);
	while (kind->orphan && (head = next_used(w, table, &index)))
		kind->orphan(head, w->process);
}

/* Nobody finds them any more. */
static void hide_all(const struct work *w, const struct kind *kind)
{
	struct shared_table *table = table_of(w, kind);
	struct shared_head *head;
	uint32_t index = 1;

	while ((head = next_used(w, table, &index))) {
		uint32_t number = atomic_load(&head->number);

		if (head->owner != w->process)
			continue;
		if (kind->stays && kind->stays(head)) {
			kind->disown(head);
			continue;
		}
		if (kind->clear == clear_qp && atomic_load(&((struct shared_qp *)head)->groups))
			group_forget(w->fabric, w->number, number);
		table_hide(head);
	}
}

static void remove_all(const struct work *w, const struct kind *kind)
{
	struct shared_table *table = table_of(w, kind);
	struct shared_head *head;
	uint32_t index = 1;

	while ((head = next_used(w, table, &index))) {
		if (head->owner != w->process)
			continue;
		if (kind->clear)
			kind->clear(w, head);
		table_remove(&w->fabric->segment, table, head);
	}
}

/* --- a process --- */

/* Queue pairs that nobody finds any more, of which handles may be left. */
static void end_pairs(const struct work *w)
{
	struct shared_head *head;
	uint32_t index = 1;

	while ((head = next_used(w, &w->device->qp, &index))) {
		struct shared_qp *qp = (struct shared_qp *)head;

		if (head->owner != w->process || atomic_load(&head->number))
			continue;
		atomic_store(&qp->state, QP_RESET);
		progress_forget(w->fabric, qp);
	}
}

static bool has_any(const struct work *w)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct shared_head *head;
		uint32_t index = 1;

		while (kinds[i].clear && (head = next_used(w, table_of(w, &kinds[i]), &index)))
			if (head->owner == w->process)
				return true;
	}
	return false;
}

bool process_clear_device(struct fabric *fabric, uint32_t device)
{
	struct work w = {
		.fabric = fabric,
		.device = fabric_device(fabric, device),
		.number = device,
		.process = fabric->self,
	};
	bool any = has_any(&w);

	flight_settle_all(fabric, device);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].clear || kinds[i].stays)
			hide_all(&w, &kinds[i]);
	section_wait(fabric);
	end_pairs(&w);
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].clear || kinds[i].stays)
			remove_all(&w, &kinds[i]);
	return any;
}

static void each_device(struct work *w, void (*each)(const struct work *w, const struct kind *kind))
{
	for (w->number = 0; w->number < w->fabric->segment.header->devices; w->number++) {
		w->device = fabric_device(w->fabric, w->number);
		for (size_t i = 0; i < KINDS; i++)
			each(w, &kinds[i]);
	}
}

/* The locks it held, wherever they are: its number will be another's. */
static void orphan_locks(struct work *w)
{
	struct shared_header *header = w->fabric->segment.header;
	struct shared_link *links = segment_at(&w->fabric->segment, header->links_at);

	lock_orphan(&header->heap_lock, w->process);
	lock_orphan(&header->service_lock, w->process);
	for (uint32_t i = 0; i < header->links; i++)
		lock_orphan(&links[i].lock, w->process);
	for (uint32_t i = 0; i < FABRIC_PROCESSES; i++)
		lock_orphan(&header->process[i].hint_lock, w->process);
	for (uint32_t i = 0; i < header->devices; i++) {
		lock_orphan(&fabric_device(w->fabric, i)->atomics, w->process);
		lock_orphan(&fabric_device(w->fabric, i)->objects, w->process);
	}
	each_device(w, orphan_all);
}

/* Completion queues of others that it had locked: a program may sleep until the event
 * that it has not given.
 */
static void settle_queues(struct work *w)
{
	_Atomic uint64_t *section = section_enter(w->fabric);

	for (uint32_t i = 0; i < w->fabric->segment.header->devices; i++) {
		const struct shared_table *table = &fabric_device(w->fabric, i)->cq;
		struct shared_head *head;
		uint32_t index = 0;

		while ((head = table_next(&w->fabric->segment, table, &index)))
			if (atomic_load(&((struct shared_cq *)head)->lock.owner) == UINT32_MAX)
				cq_recover(w->fabric, segment_offset(&w->fabric->segment, head));
	}
	section_leave(section);
}

/* event.<process>.<file> */
static void remove_files(const struct work *w)
{
	int fd = openat(w->fabric->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	char event[32];
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	snprintf(event, sizeof(event), "event.%u.", w->process);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, event, strlen(event)) == 0)
			unlinkat(w->fabric->dir_fd, entry->d_name, 0);
	}
	closedir(dir);
}

static void remove_services(const struct work *w)
{
	struct shared_header *header = w->fabric->segment.header;

	for (uint32_t i = 0; i < FABRIC_SERVICES; i++) {
		uint32_t process = w->process + 1;

		atomic_compare_exchange_strong(&header->service[i].process, &process, 0);
	}
}

void process_clear(struct fabric *fabric, uint32_t process)
{
	struct work w = { .fabric = fabric, .process = process };
	struct shared_process *shared = &fabric->segment.header->process[process];

	orphan_locks(&w);
	settle_queues(&w);
	remove_services(&w);
	each_device(&w, hide_all);
	section_wait(fabric);
	each_device(&w, remove_all);
	give_back(&w, &shared->requests_at, MAILBOX_SIZE);
	give_back(&w, &shared->responses_at, MAILBOX_SIZE);
	remove_files(&w);
	atomic_store(&shared->hint_head, 0);
	atomic_store(&shared->hint_tail, 0);
	atomic_store(&shared->attention, 0);
	atomic_store(&shared->event_due, 0);
	atomic_store(&shared->asleep, 0);
}
