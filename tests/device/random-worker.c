/* SPDX-License-Identifier: Apache-2.0 */
#include "random-worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	struct host host;
	struct pd pd[PDS];
	struct cq cq[CQS];
	struct comp_channel channel;
	struct xrcd xrcd;
	struct srq srq[SRQS];
	struct qp qp[QPS];
	struct mr region[REGIONS], window[WINDOWS];
	struct dm dm;
	void *address;
} self;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "worker: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* --- objects --- */

/* What its events say. */
static uint64_t handle_of(const struct command *c)
{
	return (uint64_t)c->object << 8 | c->slot;
}

static int create_srq(const struct command *c)
{
	const struct making *m = &c->making;
	uint32_t slot = c->slot;
	struct srq_init init = {
		.pd = &self.pd[m->pd],
		.max_wr = m->capacity,
		.max_sge = SGES,
		.handle = handle_of(c),
	};

	if (slot == SRQ_OF_XRC) {
		init.xrcd = &self.xrcd;
		init.cq = &self.cq[m->cq];
	}
	return srq_create(&self.srq[slot], &self.host.context, &init);
}

static int create_qp(const struct command *c)
{
	const struct making *m = &c->making;
	uint32_t slot = c->slot;
	struct qp_init init = {
		.type = model_types[slot],
		.pd = &self.pd[m->pd],
		.send_cq = &self.cq[m->cq],
		.recv_cq = &self.cq[m->recv_cq],
		.srq = m->srq < 0 ? NULL : &self.srq[m->srq],
		.xrcd = &self.xrcd,
		.sq_sig_all = m->sig_all,
		.max_send_wr = m->capacity,
		.max_recv_wr = m->receives,
		.max_send_sge = SGES,
		.max_recv_sge = SGES,
		.max_inline = INLINE,
		.handle = handle_of(c),
	};

	return qp_create(&self.qp[slot], &self.host.context, &init);
}

static int create_region(const struct command *c)
{
	const struct making *m = &c->making;
	uint64_t addr = (uintptr_t)self.address + m->offset;
	struct mr *mr = &self.region[c->slot];
	struct pd *pd = &self.pd[m->pd];

	if (c->slot == REGION_OF_DM)
		return mr_register_dm(mr, pd, &self.dm, m->offset, m->length, m->access);
	return mr_register(mr, &self.host.context, pd, MR_MEMORY, addr, m->length, addr, m->access);
}

static int create_dm(struct reply *reply)
{
	uint8_t byte[STORE];

	for (uint32_t i = 0; i < STORE; i++)
		byte[i] = store_byte(i);
	if (dm_create(&self.dm, &self.host.context, STORE, 0))
		return -1;
	reply->number = self.dm.number;
	return dm_write(&self.dm, 0, byte, STORE);
}

static int create(const struct command *c, struct reply *reply)
{
	struct context *context = &self.host.context;
	const struct making *m = &c->making;
	uint32_t slot = c->slot;
	int rc = -1;

	switch (c->object) {
	case OBJECT_PD:
		return pd_create(&self.pd[slot], context);
	case OBJECT_CQ:
		rc = cq_create(&self.cq[slot], context, m->capacity, &self.channel, handle_of(c));
		reply->number = rc ? 0 : atomic_load(&self.cq[slot].shared->head.number);
		break;
	case OBJECT_SRQ:
		rc = create_srq(c);
		reply->number = self.srq[slot].number;
		break;
	case OBJECT_QP:
		rc = create_qp(c);
		reply->number = self.qp[slot].number;
		break;
	case OBJECT_REGION:
		rc = create_region(c);
		reply->number = self.region[slot].key;
		break;
	case OBJECT_WINDOW:
		rc = mw_create(&self.window[slot], context, &self.pd[m->pd],
			       slot == WINDOW_1 ? MR_WINDOW1 : MR_WINDOW2);
		reply->number = self.window[slot].key;
		break;
	case OBJECT_DM:
		return create_dm(reply);
	}
	return rc;
}

static int destroy(const struct command *c, struct reply *reply)
{
	uint32_t slot = c->slot, events, async;

	(void)reply;
	switch (c->object) {
	case OBJECT_PD:
		return pd_destroy(&self.pd[slot]);
	case OBJECT_CQ:
		return cq_destroy(&self.cq[slot], &events, &async);
	case OBJECT_SRQ:
		return srq_destroy(&self.srq[slot], &async);
	case OBJECT_QP:
		return qp_destroy(&self.qp[slot], &async);
	case OBJECT_REGION:
		return mr_deregister(&self.region[slot]);
	case OBJECT_WINDOW:
		return mw_destroy(&self.window[slot]);
	case OBJECT_DM:
		return dm_destroy(&self.dm);
	}
	return -1;
}

static int resize(const struct command *c, struct reply *reply)
{
	(void)reply;
	return c->object == OBJECT_CQ ? cq_resize(&self.cq[c->slot], c->making.capacity)
				      : srq_resize(&self.srq[c->slot], c->making.capacity);
}

static int limit(const struct command *c, struct reply *reply)
{
	(void)reply;
	return srq_set_limit(&self.srq[c->slot], c->making.capacity);
}

static int reregister(const struct command *c, struct reply *reply)
{
	const struct making *m = &c->making;

	(void)reply;
	return mr_reregister(&self.region[c->slot], (int)c->count, &self.pd[m->pd],
			     (uintptr_t)self.address + m->offset, m->length, m->access);
}

static int store(const struct command *c, struct reply *reply)
{
	const struct making *m = &c->making;
	uint8_t byte[COPY_MOST];

	for (uint32_t i = 0; i < m->length; i++)
		byte[i] = (uint8_t)(c->count - 1 + i);
	return c->count ? dm_write(&self.dm, m->offset, byte, m->length)
			: dm_read(&self.dm, m->offset, reply->byte, m->length);
}

/* --- groups --- */

static int attach(const struct command *c, struct reply *reply)
{
	uint8_t gid[16];

	(void)reply;
	model_gid(c->count, gid);
	return group_attach(&self.qp[c->slot], gid, LID_OF_GROUPS + c->count);
}

static int detach(const struct command *c, struct reply *reply)
{
	uint8_t gid[16];

	(void)reply;
	model_gid(c->count, gid);
	return group_detach(&self.qp[c->slot], gid, LID_OF_GROUPS + c->count);
}

static struct shared_path path_to_group(uint32_t group)
{
	struct shared_path path = { .port = 1, .global = true, .hop_limit = 1 };

	model_gid(group, path.dgid);
	if (self.host.context.device->link_layer == LINK_IB)
		path.dlid = (uint16_t)(LID_OF_GROUPS + group);
	must(path_resolve(&self.host.context, &path) == 0, "path_resolve");
	return path;
}

/* --- states --- */

static struct shared_path path_to(uint32_t device, bool global)
{
	const struct shared_device *to = fabric_device(&self.host.fabric, device);
	struct shared_path path = { .port = 1, .global = global, .hop_limit = 1 };

	memcpy(path.dgid, to->gid[0].raw, 16);
	path.dlid = (uint16_t)atomic_load(&to->lid);
	must(path_resolve(&self.host.context, &path) == 0, "path_resolve");
	return path;
}

static uint32_t mask_of(uint32_t type, uint32_t from, uint32_t to)
{
	bool requests = type == QP_RC || type == QP_XRC_SEND;
	bool responds = type == QP_RC || type == QP_XRC_RECV;
	uint32_t mask = QP_ATTR_STATE;

	if (to == QP_INIT)
		mask |= QP_ATTR_PKEY_INDEX | QP_ATTR_PORT |
			(type == QP_UD ? QP_ATTR_QKEY : QP_ATTR_ACCESS_FLAGS);
	if (to == QP_RTR && type != QP_UD)
		mask |= QP_ATTR_AV | QP_ATTR_PATH_MTU | QP_ATTR_DEST_QPN | QP_ATTR_RQ_PSN;
	if (to == QP_RTR && responds)
		mask |= QP_ATTR_MAX_DEST_RD_ATOMIC | QP_ATTR_MIN_RNR_TIMER;
	if (to != QP_RTS || from != QP_RTR)
		return mask;
	mask |= QP_ATTR_SQ_PSN;
	if (requests)
		mask |= QP_ATTR_TIMEOUT | QP_ATTR_RETRY_CNT | QP_ATTR_RNR_RETRY |
			QP_ATTR_MAX_QP_RD_ATOMIC;
	return type == QP_XRC_RECV ? mask | QP_ATTR_TIMEOUT : mask;
}

static int modify(const struct command *c, struct reply *reply)
{
	struct qp *qp = &self.qp[c->slot];
	const struct change *change = &c->change;
	struct qp_attr attr = {
		.state = change->state,
		.access = change->access,
		.qkey = change->qkey,
		.port = 1,
		.path_mtu = 1024,
		.dest_qpn = change->to_qpn,
		.min_rnr_timer = 1,
		.timeout = 1,
		.retry_count = 1,
		.rnr_retry = change->rnr_retry,
		.max_rd_atomic = 2,
		.max_dest_rd_atomic = 2,
	};

	(void)reply;
	if (change->state == QP_RTR)
		attr.path = path_to(change->to_device, true);
	return qp_modify(qp, &attr,
			 mask_of(qp->shared->type, atomic_load(&qp->shared->state), change->state));
}

/* --- requests --- */

static void fill_in(struct qp *qp, const struct work *work, struct shared_sqe *sqe)
{
	sqe->wr_id = work->wr_id;
	sqe->opcode = work->opcode;
	sqe->flags = work->flags;
	sqe->imm = work->imm;
	sqe->remote_addr = work->remote_addr;
	sqe->rkey = work->rkey;
	sqe->srqn = work->srqn;
	sqe->compare_add = work->compare_add;
	sqe->swap = work->swap;
	sqe->window = work->window;
	sqe->window_key = work->window_key;
	sqe->region_key = work->region_key;
	sqe->window_access = work->window_access;
	sqe->window_addr = work->window_addr;
	sqe->window_length = work->window_length;
	if (work->flags & SEND_INLINE)
		memcpy(sqe_inline(qp->shared, sqe), (void *)(uintptr_t)work->sge[0].addr,
		       work->inline_length);
	else
		memcpy(sqe->sge, work->sge, work->sges * sizeof(work->sge[0]));
	if (qp->shared->type != QP_UD)
		return;
	sqe->remote_qpn = work->group ? 0xffffff : work->to_qpn;
	sqe->qkey = work->qkey;
	sqe->path =
		work->group ? path_to_group(work->group) : path_to(work->to_device, work->global);
	sqe->path.traffic_class = work->traffic_class;
	sqe->path.flow_label = work->flow_label;
}

/* COUNT requests, of which those before the first that is refused are sent. */
static int send_work(const struct command *c, struct reply *reply)
{
	struct qp *qp = &self.qp[c->slot];
	struct work work = c->work;
	struct shared_sqe *sqe;
	int count = 0;

	qp_send_begin(qp);
	for (; (uint32_t)count < c->count; count++) {
		bool in_line = work.flags & SEND_INLINE;

		sqe = qp_send_next(qp, in_line ? 0 : work.sges, work.inline_length);
		if (!sqe) {
			reply->error = errno;
			break;
		}
		fill_in(qp, &work, sqe);
		qp_send_add(qp, sqe);
		work.wr_id++;
	}
	if (count)
		qp_send_ring(qp);
	else
		qp_send_abort(qp);
	return count;
}

static int receive(const struct command *c, struct reply *reply)
{
	const struct work *work = &c->work;
	int count = 0, rc;

	for (; (uint32_t)count < c->count; count++) {
		uint64_t wr_id = work->wr_id + (uint32_t)count;

		rc = c->object == OBJECT_SRQ
			     ? srq_post(&self.srq[c->slot], wr_id, work->sge, work->sges)
			     : qp_post_receive(&self.qp[c->slot], wr_id, work->sge, work->sges);
		if (!rc)
			continue;
		reply->error = errno;
		break;
	}
	return count;
}

static int poll_cq(const struct command *c, struct reply *reply)
{
	return cq_poll(&self.cq[c->slot], reply->entry, (int)c->count);
}

static int arm(const struct command *c, struct reply *reply)
{
	(void)reply;
	cq_arm(&self.cq[c->slot], c->count);
	return 0;
}

static int progress(const struct command *c, struct reply *reply)
{
	(void)c;
	(void)reply;
	progress_all(&self.host.fabric);
	return 0;
}

static int notice(const struct command *c, struct reply *reply)
{
	(void)reply;
	while (fabric_alive(&self.host.fabric, c->slot))
		usleep(100);
	return 0;
}

static int reap(const struct command *c, struct reply *reply)
{
	struct fabric *fabric = &self.host.fabric;

	(void)reply;
	while (atomic_load(&fabric->segment.header->process[c->slot].state) != PROCESS_FREE) {
		fabric_reap(fabric, c->slot);
		usleep(100);
	}
	return 0;
}

/* --- events --- */

static bool has_event(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* As struct ib_uverbs_async_event_desc and ib_uverbs_comp_event_desc. */
static void read_events(struct desk *desk)
{
	struct {
		uint64_t element;
		uint32_t type, reserved;
	} async;
	uint64_t handle;

	while (has_event(self.host.context.async_fd)) {
		must(read(self.host.context.async_fd, &async, sizeof(async)) == sizeof(async) &&
			     async.type < EVENT_TYPES,
		     "an event");
		desk->events[async.type]++;
	}
	while (has_event(self.channel.fd)) {
		must(read(self.channel.fd, &handle, sizeof(handle)) == sizeof(handle),
		     "a completion event");
		desk->completion_events++;
	}
}

/* --- the process --- */

static void join(const struct worker_options *options, struct reply *reply)
{
	must(dup2(options->said, STDERR_FILENO) >= 0, "dup2");
	self.address = mmap(options->address, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			    options->memory, (off_t)options->offset);
	must(self.address == options->address, "mmap");
	host_join(&self.host, options->lab, options->node);
	must(comp_channel_create(&self.channel, &self.host.context) == 0, "comp_channel_create");
	must(xrcd_open(&self.xrcd, &self.host.context, -1, true, false) == 0, "xrcd_open");
	reply->process = self.host.fabric.self;
	reply->device = self.host.context.number;
	memcpy(reply->gid, self.host.context.device->gid[0].raw, 16);
}

static void answer(int fd)
{
	must(send(fd, "", 1, MSG_NOSIGNAL) == 1, "send");
}

static int (*const handlers[])(const struct command *c, struct reply *reply) = {
	[COMMAND_SEND] = send_work,  [COMMAND_RECEIVE] = receive,
	[COMMAND_POLL] = poll_cq,    [COMMAND_ARM] = arm,
	[COMMAND_MODIFY] = modify,   [COMMAND_CREATE] = create,
	[COMMAND_DESTROY] = destroy, [COMMAND_RESIZE] = resize,
	[COMMAND_LIMIT] = limit,     [COMMAND_REREGISTER] = reregister,
	[COMMAND_ATTACH] = attach,   [COMMAND_DETACH] = detach,
	[COMMAND_STORE] = store,     [COMMAND_PROGRESS] = progress,
	[COMMAND_NOTICE] = notice,   [COMMAND_REAP] = reap,
};

void worker_run(void *arg)
{
	const struct worker_options *options = arg;
	const struct command *command = &options->desk->command;
	struct reply *reply = &options->desk->reply;
	char bell;

	memset(options->desk->events, 0, sizeof(options->desk->events));
	options->desk->completion_events = 0;
	join(options, reply);
	answer(options->fd);
	while (recv(options->fd, &bell, 1, 0) == 1 && command->kind != COMMAND_END) {
		memset(reply, 0, offsetof(struct reply, entry));
		errno = 0;
		reply->rc = handlers[command->kind](command, reply);
		if (reply->rc < 0)
			reply->error = errno;
		read_events(options->desk);
		answer(options->fd);
	}
	must(comp_channel_destroy(&self.channel) == 0, "comp_channel_destroy");
	must(xrcd_close(&self.xrcd) == 0, "xrcd_close");
	host_leave(&self.host);
}
