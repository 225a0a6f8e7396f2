/* SPDX-License-Identifier: Apache-2.0 */
/* stub-driver.c - a driver of libibverbs whose devices complete what is posted at once
 *
 * Loaded by libibverbs itself, as those of real devices are.  The interface is the one
 * of version 34 (rdma-core 34 to 56), which has no public header: as much of it as is
 * used stands here.  What is missing libibverbs refuses by itself.
 */
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define DEPTH    256 /* completions that are not taken yet, at most */
#define SGES_MAX 1
#define EXTENDED 2
#define NUMBER   42 /* of a queue pair whose qp_context does not point to another one */

struct match {
	void *data;
	const char *modalias;
	uint16_t vendor, device;
	uint8_t kind; /* 2: modalias; 0: end */
};

struct driver {
	const char *name;
	uint32_t abi_min, abi_max;
	const struct match *matches;
	const void *static_providers;
	bool (*match_device)(void *files);
	void *(*alloc_context)(struct ibv_device *device, int fd, void *data);
	void *(*import_context)(struct ibv_device *device, int fd);
	void *(*alloc_device)(void *files);
	void (*uninit_device)(void *device);
};

/* Functions in the order of their names; places without a name are not used here. */
struct functions {
	void *pad0[5];
	struct ibv_pd *(*alloc_pd)(struct ibv_context *context);
	void *pad6[9];
	struct ibv_cq *(*create_cq)(struct ibv_context *context, int cqe,
				    struct ibv_comp_channel *channel, int vector);
	void *pad16[3];
	struct ibv_qp *(*create_qp)(struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
	struct ibv_qp *(*create_qp_ex)(struct ibv_context *context,
				       struct ibv_qp_init_attr_ex *attr);
	void *pad21[5];
	int (*dealloc_pd)(struct ibv_pd *pd);
	void *pad27[4];
	int (*destroy_cq)(struct ibv_cq *cq);
	void *pad32[2];
	int (*destroy_qp)(struct ibv_qp *qp);
	void *pad35[93];
};

void verbs_register_driver_34(const struct driver *driver);
void *_verbs_init_and_alloc_context(struct ibv_device *device, int fd, size_t size,
				    struct verbs_context *offset, uint32_t driver);
void verbs_set_ops(struct verbs_context *verbs, const struct functions *functions);

struct stub_cq {
	struct ibv_cq cq;
	struct ibv_wc wc[DEPTH];
	uint32_t posted, taken;
};

struct stub_qp {
	struct ibv_qp_ex ex; /* first of it is the plain one */
	uint32_t kind;       /* EXTENDED or 0, as libibverbs looks for it */
	uint32_t count;
	uint64_t wr_id[DEPTH]; /* being built */
};

static bool complete(struct ibv_qp *qp, uint64_t wr_id)
{
	struct stub_cq *cq = (struct stub_cq *)qp->send_cq;

	if (cq->posted - cq->taken == DEPTH)
		return false;
	cq->wc[cq->posted++ % DEPTH] = (struct ibv_wc){
		.wr_id = wr_id,
		.qp_num = qp->qp_num,
		.opcode = IBV_WC_RDMA_WRITE,
	};
	return true;
}

static int poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	struct stub_cq *own = (struct stub_cq *)cq;
	int got = 0;

	while (got < count && own->taken != own->posted)
		wc[got++] = own->wc[own->taken++ % DEPTH];
	return got;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	for (; wr; wr = wr->next) {
		if (wr->num_sge <= SGES_MAX && complete(qp, wr->wr_id))
			continue;
		*bad = wr;
		return 12;
	}
	return 0;
}

/* --- requests built by calls --- */

static void wr_start(struct ibv_qp_ex *ex)
{
	((struct stub_qp *)ex)->count = 0;
}

static void wr_rdma_write(struct ibv_qp_ex *ex, uint32_t rkey, uint64_t address)
{
	struct stub_qp *qp = (struct stub_qp *)ex;

	(void)rkey;
	(void)address;
	qp->wr_id[qp->count++ % DEPTH] = ex->wr_id;
}

static void wr_set_sge(struct ibv_qp_ex *ex, uint32_t lkey, uint64_t address, uint32_t length)
{
	(void)ex;
	(void)lkey;
	(void)address;
	(void)length;
}

static int wr_complete(struct ibv_qp_ex *ex)
{
	struct stub_qp *qp = (struct stub_qp *)ex;

	for (uint32_t i = 0; i < qp->count; i++)
		if (!complete(&ex->qp_base, qp->wr_id[i]))
			return 12;
	return 0;
}

/* --- objects --- */

static struct ibv_pd *alloc_pd(struct ibv_context *context)
{
	(void)context;
	return calloc(1, sizeof(struct ibv_pd));
}

static int dealloc_pd(struct ibv_pd *pd)
{
	free(pd);
	return 0;
}

static struct ibv_cq *create_cq(struct ibv_context *context, int cqe,
				struct ibv_comp_channel *channel, int vector)
{
	struct stub_cq *cq = calloc(1, sizeof(*cq));

	(void)vector;
	cq->cq.context = context;
	cq->cq.channel = channel;
	cq->cq.cqe = cqe;
	return &cq->cq;
}

static int destroy_cq(struct ibv_cq *cq)
{
	free(cq);
	return 0;
}

static struct ibv_qp *make_qp(struct ibv_context *context, struct ibv_pd *pd,
			      const struct ibv_qp_init_attr *attr)
{
	struct stub_qp *own = calloc(1, sizeof(*own));
	struct ibv_qp *qp = &own->ex.qp_base;

	qp->context = context;
	qp->qp_context = attr->qp_context;
	qp->pd = pd;
	qp->send_cq = attr->send_cq;
	qp->recv_cq = attr->recv_cq;
	qp->qp_type = attr->qp_type;
	qp->qp_num = attr->qp_context ? *(const uint32_t *)attr->qp_context : NUMBER;
	return qp;
}

static struct ibv_qp *create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	return make_qp(pd->context, pd, attr);
}

static struct ibv_qp *create_qp_ex(struct ibv_context *context, struct ibv_qp_init_attr_ex *attr)
{
	/* the attributes begin as the plain ones do */
	struct ibv_qp *qp = make_qp(context, attr->pd, (const struct ibv_qp_init_attr *)attr);
	struct ibv_qp_ex *ex = &((struct stub_qp *)qp)->ex;

	((struct stub_qp *)qp)->kind = EXTENDED;
	ex->wr_start = wr_start;
	ex->wr_rdma_write = wr_rdma_write;
	ex->wr_set_sge = wr_set_sge;
	ex->wr_complete = wr_complete;
	return qp;
}

static int destroy_qp(struct ibv_qp *qp)
{
	free(qp);
	return 0;
}

/* --- devices --- */

static void *alloc_context(struct ibv_device *device, int fd, void *data)
{
	static const struct functions functions = {
		.alloc_pd = alloc_pd,
		.dealloc_pd = dealloc_pd,
		.create_cq = create_cq,
		.destroy_cq = destroy_cq,
		.create_qp = create_qp,
		.create_qp_ex = create_qp_ex,
		.destroy_qp = destroy_qp,
	};
	struct verbs_context *verbs =
		_verbs_init_and_alloc_context(device, fd, sizeof(*verbs), NULL, 0);

	(void)data;
	if (!verbs)
		return NULL;
	verbs_set_ops(verbs, &functions);
	verbs->context.async_fd = dup(fd); /* else the kernel is asked for one */
	verbs->context.ops.poll_cq = poll_cq;
	verbs->context.ops.post_send = post_send;
	return verbs;
}

static void *alloc_device(void *files)
{
	(void)files;
	return calloc(1, sizeof(struct ibv_device) + 1024);
}

static const struct match matches[] = { { .modalias = "rdma_device:*Nstub*", .kind = 2 }, { 0 } };
static const struct driver driver = {
	.name = "stub",
	.abi_max = 100,
	.matches = matches,
	.alloc_context = alloc_context,
	.alloc_device = alloc_device,
	.uninit_device = free,
};

static __attribute__((constructor)) void add(void)
{
	verbs_register_driver_34(&driver);
}
