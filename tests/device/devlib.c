/* SPDX-License-Identifier: Apache-2.0 */
#include "devlib.h"

#include "clock.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static bool in_child;

static void fail_with(const char *what)
{
	if (!in_child)
		fail_msg("%s: %s", what, strerror(errno));
	fprintf(stderr, "child: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void need(bool ok, const char *what)
{
	if (!ok)
		fail_with(what);
}

/* --- labs --- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	remove(path);
	return 0;
}

void lab_open(struct lab *lab, const char *settings, uint32_t nodes)
{
	struct device_settings parsed;
	struct fabric_node node[8];
	char host[8][16];
	struct err err;

	memset(node, 0, sizeof(node));
	snprintf(lab->dir, sizeof(lab->dir), "/dev/shm/netemu-test.XXXXXX");
	need(mkdtemp(lab->dir) != NULL, lab->dir);
	need(device_settings_init(&parsed) == 0, "device_settings_init");
	if (device_settings_parse(&parsed, settings, &err) < 0)
		fail_with(err.text);
	for (uint32_t i = 0; i < nodes; i++) {
		snprintf(host[i], sizeof(host[i]), "node%u", i);
		node[i].host = host[i];
	}
	if (fabric_create(lab->path, sizeof(lab->path), lab->dir, "test", node, nodes, &parsed,
			  &err) < 0)
		fail_with(err.text);
	device_settings_release(&parsed);
}

void lab_close(struct lab *lab)
{
	if (lab->dir[0])
		nftw(lab->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	lab->dir[0] = 0;
}

/* --- hosts --- */

void host_join(struct host *host, const struct lab *lab, uint32_t node)
{
	struct err err;

	memset(host, 0, sizeof(*host));
	if (fabric_join(&host->fabric, lab->path, node, true, &err) < 0)
		fail_with(err.text);
	need(progress_start(&host->fabric) == 0, "progress_start");
	need(context_open(&host->context, &host->fabric, 0) == 0, "context_open");
	need(pd_create(&host->pd, &host->context) == 0, "pd_create");
}

void host_open(struct host *host, uint32_t index)
{
	need(index > 0 && index < HOST_DEVICES, "host_open");
	need(context_open(&host->more[index].context, &host->fabric, index) == 0, "context_open");
	need(pd_create(&host->more[index].pd, &host->more[index].context) == 0, "pd_create");
}

void host_leave(struct host *host)
{
	bool clean;

	if (!host->fabric.segment.header)
		return;
	clean = pd_destroy(&host->pd) == 0;
	for (uint32_t i = 1; i < HOST_DEVICES; i++) {
		if (!host->more[i].context.fabric)
			continue;
		clean &= pd_destroy(&host->more[i].pd) == 0;
		context_close(&host->more[i].context);
	}
	context_close(&host->context);
	progress_stop(&host->fabric);
	fabric_leave(&host->fabric);
	memset(host, 0, sizeof(*host));
	need(clean, "pd_destroy");
}

/* --- ends --- */

static void make_queues(struct end *end)
{
	const struct end_options *o = &end->options;
	struct srq_init srq = { .pd = end->pd, .max_wr = o->depth, .max_sge = 4, .handle = 77 };

	need(cq_create(&end->send_cq, end->context, 2 * o->depth, NULL, 1) == 0, "cq_create");
	need(cq_create(&end->recv_cq, end->context, 2 * o->depth, NULL, 2) == 0, "cq_create");
	if (!o->srq)
		return;
	if (o->xrcd) {
		srq.xrcd = o->xrcd;
		srq.cq = &end->recv_cq;
	}
	need(srq_create(&end->srq, end->context, &srq) == 0, "srq_create");
}

static void make_qp(struct end *end)
{
	const struct end_options *o = &end->options;
	struct qp_init init = {
		.type = o->type,
		.pd = end->pd,
		.send_cq = &end->send_cq,
		.recv_cq = &end->recv_cq,
		.sq_sig_all = !o->unsignaled,
		.max_send_wr = o->depth,
		.max_recv_wr = o->depth,
		.max_send_sge = 4,
		.max_recv_sge = 4,
		.max_inline = 128,
		.handle = 99,
	};

	if (o->type == QP_XRC_RECV) {
		init.pd = NULL;
		init.send_cq = init.recv_cq = NULL;
		init.max_send_wr = init.max_recv_wr = init.max_send_sge = init.max_recv_sge =
			init.max_inline = 0;
	}
	if (o->type == QP_XRC_RECV || o->type == QP_XRC_SEND)
		init.max_recv_wr = init.max_recv_sge = 0;
	if (o->type == QP_XRC_SEND)
		init.recv_cq = NULL;
	if (o->type == QP_XRC_RECV)
		init.xrcd = o->xrcd;
	if (o->srq && !o->xrcd)
		init.srq = &end->srq;
	if (o->other_srq)
		init.srq = o->other_srq;
	need(qp_create(&end->qp, end->context, &init) == 0, "qp_create");
}

void end_create(struct end *end, struct host *host, const struct end_options *options)
{
	memset(end, 0, sizeof(*end));
	end->host = host;
	end->context = options->device ? &host->more[options->device].context : &host->context;
	end->pd = options->device ? &host->more[options->device].pd : &host->pd;
	end->options = *options;
	if (!end->options.depth)
		end->options.depth = 64;
	if (!end->options.max_rd_atomic)
		end->options.max_rd_atomic = 4;
	end->size = options->size ? options->size : 1 << 20;
	end->memory =
		mmap(NULL, end->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(end->memory != MAP_FAILED, "mmap");
	need(mr_register(&end->mr, end->context, end->pd, MR_MEMORY, (uintptr_t)end->memory,
			 end->size, (uintptr_t)end->memory,
			 options->mr_access ? options->mr_access : ALL_ACCESS) == 0,
	     "mr_register");
	make_queues(end);
	make_qp(end);
}

void end_destroy(struct end *end)
{
	uint32_t events, async;

	need(qp_destroy(&end->qp, &async) == 0, "qp_destroy");
	if (end->options.srq)
		need(srq_destroy(&end->srq, &async) == 0, "srq_destroy");
	need(cq_destroy(&end->send_cq, &events, &async) == 0, "cq_destroy");
	need(cq_destroy(&end->recv_cq, &events, &async) == 0, "cq_destroy");
	need(mr_deregister(&end->mr) == 0, "mr_deregister");
	munmap(end->memory, end->size);
}

struct address end_address(const struct end *end)
{
	return (struct address){
		.device = end->context->number,
		.qpn = end->qp.number,
		.rkey = end->mr.key,
		.srqn = end->srq.number,
		.memory = (uintptr_t)end->memory,
	};
}

static struct shared_path path_to(struct end *end, uint32_t device)
{
	const struct shared_device *to = fabric_device(&end->host->fabric, device);
	struct shared_path path = { .port = 1, .global = 1, .hop_limit = 1 };

	memcpy(path.dgid, to->gid[0].raw, 16);
	if (to->link_layer == LINK_IB)
		path.dlid = (uint16_t)atomic_load(&to->lid);
	need(path_resolve(end->context, &path) == 0, "path_resolve");
	need(path.device == device, "the path leads elsewhere");
	return path;
}

static void to_init(struct end *end)
{
	const struct end_options *o = &end->options;
	bool ud = o->type == QP_UD;
	struct qp_attr attr = {
		.state = QP_INIT,
		.port = 1,
		.qkey = 0x1234,
		.access = o->access ? o->access : ALL_ACCESS & ~(uint32_t)ACCESS_MW_BIND,
	};

	need(qp_modify(&end->qp, &attr,
		       QP_ATTR_STATE | QP_ATTR_PKEY_INDEX | QP_ATTR_PORT |
			       (ud ? QP_ATTR_QKEY : QP_ATTR_ACCESS_FLAGS)) == 0,
	     "RESET to INIT");
}

static void to_rtr(struct end *end, const struct address *to)
{
	const struct end_options *o = &end->options;
	uint32_t mask = QP_ATTR_STATE;
	struct qp_attr attr = {
		.state = QP_RTR,
		.path_mtu = 1024,
		.min_rnr_timer = o->min_rnr_timer,
		.max_dest_rd_atomic = o->max_rd_atomic == UINT32_MAX ? 0 : o->max_rd_atomic,
	};

	if (o->type != QP_UD) {
		attr.dest_qpn = to->qpn;
		attr.path = path_to(end, to->device);
		mask |= QP_ATTR_AV | QP_ATTR_PATH_MTU | QP_ATTR_DEST_QPN | QP_ATTR_RQ_PSN;
		if (o->type == QP_RC || o->type == QP_XRC_RECV)
			mask |= QP_ATTR_MAX_DEST_RD_ATOMIC | QP_ATTR_MIN_RNR_TIMER;
	}
	need(qp_modify(&end->qp, &attr, mask) == 0, "INIT to RTR");
}

static void to_rts(struct end *end)
{
	const struct end_options *o = &end->options;
	uint32_t mask = QP_ATTR_STATE | QP_ATTR_SQ_PSN;
	struct qp_attr attr = {
		.state = QP_RTS,
		.timeout = o->timeout,
		.retry_count = o->retry_count,
		.rnr_retry = o->rnr_retry,
		.max_rd_atomic = o->max_rd_atomic == UINT32_MAX ? 0 : o->max_rd_atomic,
	};

	if (o->type == QP_RC || o->type == QP_XRC_SEND)
		mask |= QP_ATTR_TIMEOUT | QP_ATTR_RETRY_CNT | QP_ATTR_RNR_RETRY |
			QP_ATTR_MAX_QP_RD_ATOMIC;
	if (o->type == QP_XRC_RECV)
		mask |= QP_ATTR_TIMEOUT;
	need(qp_modify(&end->qp, &attr, mask) == 0, "RTR to RTS");
}

void end_listen(struct end *end, const struct address *to)
{
	to_init(end);
	to_rtr(end, to);
}

void end_connect(struct end *end, const struct address *to)
{
	end_listen(end, to);
	to_rts(end);
}

uint32_t end_state(const struct end *end)
{
	return atomic_load(&end->qp.shared->state);
}

/* --- requests --- */

/* LENGTH bytes at START as SGEs of PIECE bytes, STRIDE apart.  Returns how many. */
static uint32_t to_sges(const char *start, uint32_t length, uint32_t piece, uint32_t stride,
			uint32_t key, struct shared_sge *sge)
{
	uint32_t sges = 0;

	if (!piece)
		piece = length;
	for (uint32_t done = 0; done < length; done += piece, sges++)
		sge[sges] = (struct shared_sge){
			.addr = (uintptr_t)start + (uint64_t)sges * stride,
			.length = length - done < piece ? length - done : piece,
			.key = key,
		};
	return sges;
}

static uint32_t sges_of(const struct request *r)
{
	if (r->flags & SEND_INLINE || !r->length)
		return 0;
	return r->piece ? (r->length + r->piece - 1) / r->piece : 1;
}

static void fill_in(struct end *end, const struct address *to, const struct request *r,
		    struct shared_sqe *sqe)
{
	sqe->wr_id = r->wr_id;
	sqe->opcode = r->opcode;
	sqe->flags = r->flags;
	sqe->imm = r->imm;
	sqe->remote_addr = to->memory + r->remote;
	sqe->rkey = r->rkey ? r->rkey : to->rkey;
	sqe->srqn = to->srqn;
	sqe->compare_add = r->compare_add;
	sqe->swap = r->swap;
	if (r->flags & SEND_INLINE) {
		memcpy(sqe_inline(end->qp.shared, sqe), end->memory + r->offset, r->length);
	} else {
		to_sges(end->memory + r->offset, r->length, r->piece, r->stride,
			r->lkey ? r->lkey : end->mr.key, sqe->sge);
	}
	if (end->options.type != QP_UD)
		return;
	sqe->remote_qpn = to->qpn;
	sqe->qkey = r->qkey ? r->qkey : 0x1234;
	sqe->path = r->path ? *r->path : path_to(end, to->device);
}

void end_send_all(struct end *end, const struct address *to, const struct request *requests,
		  uint32_t count)
{
	qp_send_begin(&end->qp);
	for (uint32_t i = 0; i < count; i++) {
		const struct request *r = requests + i;
		struct shared_sqe *sqe;

		sqe = qp_send_next(&end->qp, sges_of(r), r->flags & SEND_INLINE ? r->length : 0);
		if (!sqe) {
			int error = errno;

			qp_send_abort(&end->qp);
			errno = error;
			fail_with("qp_send_next");
		}
		fill_in(end, to, r, sqe);
		qp_send_add(&end->qp, sqe);
	}
	qp_send_ring(&end->qp);
}

void end_send(struct end *end, const struct address *to, const struct request *request)
{
	end_send_all(end, to, request, 1);
}

void end_receive_pieces(struct end *end, uint64_t wr_id, uint64_t offset, uint32_t length,
			uint32_t piece, uint32_t stride)
{
	struct shared_sge sge[4];
	uint32_t sges;

	errno = EINVAL;
	need(!piece || length <= 4 * piece, "end_receive_pieces");
	sges = to_sges(end->memory + offset, length, piece, stride, end->mr.key, sge);
	if (end->options.srq)
		need(srq_post(&end->srq, wr_id, sge, sges) == 0, "srq_post");
	else
		need(qp_post_receive(&end->qp, wr_id, sge, sges) == 0, "qp_post_receive");
}

void end_receive(struct end *end, uint64_t wr_id, uint64_t offset, uint32_t length)
{
	end_receive_pieces(end, wr_id, offset, length, 0, 0);
}

struct shared_cqe cq_next(struct cq *cq)
{
	struct shared_cqe entry;
	int64_t end = clock_ms() + 60000;
	int n = 0;

	while (n == 0) {
		n = cq_poll(cq, &entry, 1);
		errno = ETIMEDOUT;
		need(n != 0 || clock_ms() < end, "no completion");
	}
	need(n == 1, "cq_poll");
	return entry;
}

void cq_empty(struct cq *cq)
{
	struct shared_cqe entry;

	errno = 0;
	need(cq_poll(cq, &entry, 1) == 0, "a completion too many");
}

/* struct ib_uverbs_async_event_desc */
struct async_record {
	uint64_t element;
	uint32_t type, reserved;
};

enum event_type next_event(struct host *host, uint64_t *handle)
{
	struct pollfd fd = { .fd = host->context.async_fd, .events = POLLIN };
	struct async_record record;

	errno = ETIMEDOUT;
	need(poll(&fd, 1, 60000) == 1, "no event");
	need(read(fd.fd, &record, sizeof(record)) == sizeof(record), "read");
	if (handle)
		*handle = record.element;
	return (enum event_type)record.type;
}

void no_event(struct host *host)
{
	struct pollfd fd = { .fd = host->context.async_fd, .events = POLLIN };

	errno = 0;
	need(poll(&fd, 1, 0) == 0, "an event too many");
}

/* --- children --- */

pid_t child_run(void (*body)(void *arg), void *arg)
{
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (pid)
		return pid;
	in_child = true;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would wait for it */
	body(arg);
	_exit(0);
}

void child_wait(pid_t pid)
{
	int status;

	need(waitpid(pid, &status, 0) == pid, "waitpid");
	errno = 0;
	need(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child has failed");
}

void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(memory != MAP_FAILED, "mmap");
	return memory;
}
