/* SPDX-License-Identifier: Apache-2.0 */
/* enums.h - the words of InfiniBand as numbers
 *
 * The engine knows no header of a verbs library.  Its numbers are those of the
 * verbs; a front-end asserts that they are (verbs/numbers.c), and casts.
 */
#ifndef DEVICE_ENUMS_H
#define DEVICE_ENUMS_H

enum link_layer {
	LINK_IB = 1,
	LINK_ETHERNET = 2,
};

enum gid_type {
	GID_IB,
	GID_ROCE_V1,
	GID_ROCE_V2,
};

enum port_state {
	PORT_DOWN = 1,
	PORT_INIT,
	PORT_ARMED,
	PORT_ACTIVE,
};

enum transport {
	TRANSPORT_AUTO, /* direct where it can be, else queue */
	TRANSPORT_DIRECT,
	TRANSPORT_QUEUE,
};

enum qp_type {
	QP_RC = 2,
	QP_UC,
	QP_UD,
	QP_XRC_SEND = 9,
	QP_XRC_RECV,
};

enum qp_state {
	QP_RESET,
	QP_INIT,
	QP_RTR,
	QP_RTS,
	QP_SQD,
	QP_SQE,
	QP_ERR,
};

enum access {
	ACCESS_LOCAL_WRITE = 1,
	ACCESS_REMOTE_WRITE = 2,
	ACCESS_REMOTE_READ = 4,
	ACCESS_REMOTE_ATOMIC = 8,
	ACCESS_MW_BIND = 16,
	ACCESS_ZERO_BASED = 32,
	ACCESS_ON_DEMAND = 64,
	ACCESS_HUGETLB = 128,
	ACCESS_RELAXED_ORDERING = 1 << 20,
};

enum wr_opcode {
	WR_RDMA_WRITE,
	WR_RDMA_WRITE_WITH_IMM,
	WR_SEND,
	WR_SEND_WITH_IMM,
	WR_RDMA_READ,
	WR_ATOMIC_CMP_AND_SWP,
	WR_ATOMIC_FETCH_AND_ADD,
	WR_LOCAL_INV,
	WR_BIND_MW,
	WR_SEND_WITH_INV,
};

enum send_flags {
	SEND_FENCE = 1,
	SEND_SIGNALED = 2,
	SEND_SOLICITED = 4,
	SEND_INLINE = 8,
	SEND_IP_CSUM = 16,
};

enum wc_status {
	WC_SUCCESS,
	WC_LOC_LEN_ERR,
	WC_LOC_QP_OP_ERR,
	WC_LOC_EEC_OP_ERR,
	WC_LOC_PROT_ERR,
	WC_WR_FLUSH_ERR,
	WC_MW_BIND_ERR,
	WC_BAD_RESP_ERR,
	WC_LOC_ACCESS_ERR,
	WC_REM_INV_REQ_ERR,
	WC_REM_ACCESS_ERR,
	WC_REM_OP_ERR,
	WC_RETRY_EXC_ERR,
	WC_RNR_RETRY_EXC_ERR,
	WC_LOC_RDD_VIOL_ERR,
	WC_REM_INV_RD_REQ_ERR,
	WC_REM_ABORT_ERR,
	WC_INV_EECN_ERR,
	WC_INV_EEC_STATE_ERR,
	WC_FATAL_ERR,
	WC_RESP_TIMEOUT_ERR,
	WC_GENERAL_ERR,
};

enum wc_opcode {
	WC_SEND,
	WC_RDMA_WRITE,
	WC_RDMA_READ,
	WC_COMP_SWAP,
	WC_FETCH_ADD,
	WC_BIND_MW,
	WC_LOCAL_INV,
	WC_RECV = 128,
	WC_RECV_RDMA_WITH_IMM,
};

enum wc_flags {
	WC_GRH = 1,
	WC_WITH_IMM = 2,
	WC_WITH_INV = 8,
};

/* What modify_qp is to change. */
enum qp_attr_mask {
	QP_ATTR_STATE = 1 << 0,
	QP_ATTR_CUR_STATE = 1 << 1,
	QP_ATTR_EN_SQD_ASYNC_NOTIFY = 1 << 2,
	QP_ATTR_ACCESS_FLAGS = 1 << 3,
	QP_ATTR_PKEY_INDEX = 1 << 4,
	QP_ATTR_PORT = 1 << 5,
	QP_ATTR_QKEY = 1 << 6,
	QP_ATTR_AV = 1 << 7,
	QP_ATTR_PATH_MTU = 1 << 8,
	QP_ATTR_TIMEOUT = 1 << 9,
	QP_ATTR_RETRY_CNT = 1 << 10,
	QP_ATTR_RNR_RETRY = 1 << 11,
	QP_ATTR_RQ_PSN = 1 << 12,
	QP_ATTR_MAX_QP_RD_ATOMIC = 1 << 13,
	QP_ATTR_ALT_PATH = 1 << 14,
	QP_ATTR_MIN_RNR_TIMER = 1 << 15,
	QP_ATTR_SQ_PSN = 1 << 16,
	QP_ATTR_MAX_DEST_RD_ATOMIC = 1 << 17,
	QP_ATTR_PATH_MIG_STATE = 1 << 18,
	QP_ATTR_CAP = 1 << 19,
	QP_ATTR_DEST_QPN = 1 << 20,
	QP_ATTR_RATE_LIMIT = 1 << 25,
};

enum event_type {
	EVENT_NONE = -1,
	EVENT_CQ_ERR,
	EVENT_QP_FATAL,
	EVENT_QP_REQ_ERR,
	EVENT_QP_ACCESS_ERR,
	EVENT_COMM_EST,
	EVENT_SQ_DRAINED,
	EVENT_PATH_MIG,
	EVENT_PATH_MIG_ERR,
	EVENT_DEVICE_FATAL,
	EVENT_PORT_ACTIVE,
	EVENT_PORT_ERR,
	EVENT_LID_CHANGE,
	EVENT_PKEY_CHANGE,
	EVENT_SM_CHANGE,
	EVENT_SRQ_ERR,
	EVENT_SRQ_LIMIT_REACHED,
	EVENT_QP_LAST_WQE_REACHED,
	EVENT_CLIENT_REREGISTER,
	EVENT_GID_CHANGE,
};

enum channel_kind {
	CHANNEL_COMPLETIONS, /* struct ib_uverbs_comp_event_desc */
	CHANNEL_ASYNC,       /* struct ib_uverbs_async_event_desc */
};

enum window_state {
	WINDOW_FREE, /* never bound, or invalidated: its key opens nothing */
	WINDOW_VALID,
};

#endif
