/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#define WC_FLAGS                                                                 \
	((uint64_t)IBV_WC_STANDARD_FLAGS | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP | \
	 IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK)
#define COMP_MASK (IBV_CQ_INIT_ATTR_MASK_FLAGS | IBV_CQ_INIT_ATTR_MASK_PD)
#define CQ_FLAGS  (IBV_CREATE_CQ_ATTR_SINGLE_THREADED | IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN)

static inline struct shared_cqe *now(struct ibv_cq_ex *cq)
{
	return &((struct front_cq *)cq)->now;
}

/* --- reading the current entry --- */

static enum ibv_wc_opcode read_opcode(struct ibv_cq_ex *cq)
{
	return (enum ibv_wc_opcode)now(cq)->opcode;
}

static uint32_t read_vendor_err(struct ibv_cq_ex *cq)
{
	return now(cq)->vendor_err;
}

static unsigned int read_wc_flags(struct ibv_cq_ex *cq)
{
	return now(cq)->flags;
}

static uint32_t read_byte_len(struct ibv_cq_ex *cq)
{
	return now(cq)->byte_len;
}

static __be32 read_imm_data(struct ibv_cq_ex *cq)
{
	return now(cq)->imm;
}

static uint32_t read_qp_num(struct ibv_cq_ex *cq)
{
	return now(cq)->qpn;
}

static uint32_t read_src_qp(struct ibv_cq_ex *cq)
{
	return now(cq)->src_qpn;
}

static uint32_t read_slid(struct ibv_cq_ex *cq)
{
	return now(cq)->slid;
}

static uint8_t read_sl(struct ibv_cq_ex *cq)
{
	return now(cq)->sl;
}

static uint8_t read_dlid_path_bits(struct ibv_cq_ex *cq)
{
	return now(cq)->dlid_path_bits;
}

static uint64_t read_completion_ts(struct ibv_cq_ex *cq)
{
	return now(cq)->time;
}

static uint64_t read_completion_wallclock_ns(struct ibv_cq_ex *cq)
{
	return now(cq)->time + ((struct front_cq *)cq)->wallclock;
}

/* What was not asked for reads as 0. */
static uint64_t no_u64(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static uint32_t no_u32(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static uint16_t no_u16(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static uint8_t no_u8(struct ibv_cq_ex *cq)
{
	(void)cq;
	return 0;
}

static void read_no_tm_info(struct ibv_cq_ex *cq, struct ibv_wc_tm_info *info)
{
	(void)cq;
	*info = (struct ibv_wc_tm_info){ 0 };
}

/* --- going through the entries --- */

/* Take the next entry.  Returns 0 or an error number: ENOENT when there is none. */
static int take(struct front_cq *own)
{
	int got = cq_poll(&own->engine, &own->now, 1);

	if (got != 1)
		return got < 0 ? errno : ENOENT;
	own->ex.wr_id = own->now.wr_id;
	own->ex.status = (enum ibv_wc_status)own->now.status;
	return 0;
}

static int start_poll(struct ibv_cq_ex *cq, struct ibv_poll_cq_attr *attr)
{
	struct front_cq *own = (struct front_cq *)cq;
	int rc;

	if (attr && attr->comp_mask)
		return EINVAL;
	pthread_mutex_lock(&own->polling);
	rc = take(own);
	if (rc)
		pthread_mutex_unlock(&own->polling);
	return rc;
}

static int next_poll(struct ibv_cq_ex *cq)
{
	return take((struct front_cq *)cq);
}

static void end_poll(struct ibv_cq_ex *cq)
{
	pthread_mutex_unlock(&((struct front_cq *)cq)->polling);
}

/* One thread at a time: the user says so. */
static int start_poll_alone(struct ibv_cq_ex *cq, struct ibv_poll_cq_attr *attr)
{
	return attr && attr->comp_mask ? EINVAL : take((struct front_cq *)cq);
}

static void end_poll_alone(struct ibv_cq_ex *cq)
{
	(void)cq;
}

/* --- making one --- */

static void set_readers(struct ibv_cq_ex *cq, uint64_t flags)
{
#define IF(flag, function, otherwise) (flags & IBV_WC_EX_WITH_##flag ? function : otherwise)
	cq->read_opcode = read_opcode;
	cq->read_vendor_err = read_vendor_err;
	cq->read_wc_flags = read_wc_flags;
	cq->read_byte_len = IF(BYTE_LEN, read_byte_len, no_u32);
	cq->read_imm_data = IF(IMM, read_imm_data, no_u32);
	cq->read_qp_num = IF(QP_NUM, read_qp_num, no_u32);
	cq->read_src_qp = IF(SRC_QP, read_src_qp, no_u32);
	cq->read_slid = IF(SLID, read_slid, no_u32);
	cq->read_sl = IF(SL, read_sl, no_u8);
	cq->read_dlid_path_bits = IF(DLID_PATH_BITS, read_dlid_path_bits, no_u8);
	cq->read_completion_ts = IF(COMPLETION_TIMESTAMP, read_completion_ts, no_u64);
	cq->read_completion_wallclock_ns =
		IF(COMPLETION_TIMESTAMP_WALLCLOCK, read_completion_wallclock_ns, no_u64);
	cq->read_cvlan = no_u16;
	cq->read_flow_tag = no_u32;
	cq->read_tm_info = read_no_tm_info;
#undef IF
}

static int check_init(const struct ibv_cq_init_attr_ex *init)
{
	struct front_pd *domain = (struct front_pd *)init->parent_domain;

	if (init->comp_mask & ~(uint32_t)COMP_MASK || init->wc_flags & ~WC_FLAGS)
		return EOPNOTSUPP;
	if (init->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS && init->flags & ~(uint32_t)CQ_FLAGS)
		return EOPNOTSUPP;
	if (init->comp_mask & IBV_CQ_INIT_ATTR_MASK_PD && (!domain || !domain->parent))
		return EINVAL;
	return 0;
}

struct ibv_cq_ex *front_create_cq_ex(struct ibv_context *context, struct ibv_cq_init_attr_ex *init)
{
	uint32_t flags = init->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS ? init->flags : 0;
	struct front_cq *own;
	bool alone;

	errno = check_init(init);
	if (errno)
		return NULL;
	own = front_cq_create(context, init->cqe, init->cq_context, init->channel,
			      init->comp_vector);
	if (!own)
		return NULL;
	own->is_ex = true;
	if (init->comp_mask & IBV_CQ_INIT_ATTR_MASK_PD) {
		own->domain = (struct front_pd *)init->parent_domain;
		front_use_domain(own->domain, 1);
	}
	/* a thread domain says so too */
	alone = flags & IBV_CREATE_CQ_ATTR_SINGLE_THREADED || (own->domain && own->domain->td);
	own->engine.single_threaded = alone;
	own->engine.shared->ignore_overrun = !!(flags & IBV_CREATE_CQ_ATTR_IGNORE_OVERRUN);
	own->engine.shared->timestamps =
		!!(init->wc_flags & (IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
				     IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK));
	own->ex.start_poll = alone ? start_poll_alone : start_poll;
	own->ex.next_poll = next_poll;
	own->ex.end_poll = alone ? end_poll_alone : end_poll;
	set_readers(&own->ex, init->wc_flags);
	return &own->ex;
}

int front_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr)
{
	const struct ibv_moderate_cq *moderate = &attr->moderate;

	if (attr->attr_mask & ~(uint32_t)IBV_CQ_ATTR_MODERATE)
		return EINVAL;
	if (attr->attr_mask)
		cq_moderate(&((struct front_cq *)cq)->engine, moderate->cq_count,
			    moderate->cq_period * 1000LL);
	return 0;
}
