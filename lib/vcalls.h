/* SPDX-License-Identifier: Apache-2.0 */
/* vcalls.h - the calls that are recorded, and what their records mean
 *
 * One list for the library that records, the programs that read, and the manual.
 * A row: name of the constant; the call; which series it belongs to; what the
 * fields object, parent, number, a, b and c of struct vring_call are, each a word
 * with one letter before it: @ address of an object in the process, # number,
 * $ bits (written in hexadecimal), empty: not used.
 */
#ifndef NETEMU_VCALLS_H
#define NETEMU_VCALLS_H

/* clang-format off */
#define VCALLS(X)                                                                                               \
	/* the data path: struct vring_send, vring_receive, vring_wc */                                         \
	X(POST_SEND,      "ibv_post_send",       DATA,   "", "", "", "", "", "")                                \
	X(WR,             "ibv_wr",              DATA,   "", "", "", "", "", "")                                \
	X(POST_RECV,      "ibv_post_recv",       DATA,   "", "", "", "", "", "")                                \
	X(POST_SRQ_RECV,  "ibv_post_srq_recv",   DATA,   "", "", "", "", "", "")                                \
	X(POLL_CQ,        "ibv_poll_cq",         DATA,   "", "", "", "", "", "")                                \
	X(START_POLL,     "ibv_start_poll",      DATA,   "", "", "", "", "", "")                                \
	X(NEXT_POLL,      "ibv_next_poll",       DATA,   "", "", "", "", "", "")                                \
	/* the same, as struct vring_call */                                                                    \
	X(REQ_NOTIFY_CQ,  "ibv_req_notify_cq",   EVENT,  "@cq", "", "#solicited_only", "", "", "")              \
	X(GET_CQ_EVENT,   "ibv_get_cq_event",    EVENT,  "@cq", "@channel", "", "", "", "")                     \
	X(ACK_CQ_EVENTS,  "ibv_ack_cq_events",   EVENT,  "@cq", "", "#count", "", "", "")                       \
	X(BIND_MW,        "ibv_bind_mw",         EVENT,  "@mw", "@mr", "#qpn", "$address", "#length", "#rkey")  \
	/* devices */                                                                                           \
	X(OPEN_DEVICE,    "ibv_open_device",     CALL,   "@context", "", "#number", "#node_type", "$guid", "") \
	X(CLOSE_DEVICE,   "ibv_close_device",    CALL,   "@context", "", "", "", "", "")                        \
	X(IMPORT_DEVICE,  "ibv_import_device",   CALL,   "@context", "", "#number", "#node_type", "$guid", "#fd") \
	X(PORT,           "port",                CALL,   "", "", "#port", "#lid", "#link_layer", "#mtu")        \
	X(GID,            "gid",                 CALL,   "", "", "#port", "#index", "$high", "$low")            \
	X(GET_ASYNC_EVENT, "ibv_get_async_event", CALL,  "@element", "", "#event", "", "", "")                  \
	X(ACK_ASYNC_EVENT, "ibv_ack_async_event", CALL,  "@element", "", "#event", "", "", "")                  \
	/* protection domains and what is like them */                                                          \
	X(ALLOC_PD,       "ibv_alloc_pd",        CALL,   "@pd", "", "#handle", "", "", "")                      \
	X(DEALLOC_PD,     "ibv_dealloc_pd",      CALL,   "@pd", "", "", "", "", "")                             \
	X(IMPORT_PD,      "ibv_import_pd",       CALL,   "@pd", "", "#handle", "", "", "")                      \
	X(UNIMPORT_PD,    "ibv_unimport_pd",     CALL,   "@pd", "", "", "", "", "")                             \
	X(ALLOC_PARENT_DOMAIN, "ibv_alloc_parent_domain", CALL, "@pd", "@parent", "", "", "", "")               \
	X(OPEN_XRCD,      "ibv_open_xrcd",       CALL,   "@xrcd", "", "", "", "", "")                           \
	X(CLOSE_XRCD,     "ibv_close_xrcd",      CALL,   "@xrcd", "", "", "", "", "")                           \
	/* memory */                                                                                            \
	X(REG_MR,         "ibv_reg_mr",          MEMORY, "@mr", "@pd", "#lkey", "$address", "#length", "$access_rkey") \
	X(REG_MR_IOVA2,   "ibv_reg_mr_iova2",    MEMORY, "@mr", "@pd", "#lkey", "$address", "#length", "$access_rkey") \
	X(REG_DMABUF_MR,  "ibv_reg_dmabuf_mr",   MEMORY, "@mr", "@pd", "#lkey", "$address", "#length", "$access_rkey") \
	X(REG_DM_MR,      "ibv_reg_dm_mr",       MEMORY, "@mr", "@pd", "#lkey", "$address", "#length", "$access_rkey") \
	X(REREG_MR,       "ibv_rereg_mr",        MEMORY, "@mr", "@pd", "#lkey", "$address", "#length", "$access_rkey") \
	X(DEREG_MR,       "ibv_dereg_mr",        MEMORY, "@mr", "", "#lkey", "", "#length", "")                 \
	X(IMPORT_MR,      "ibv_import_mr",       MEMORY, "@mr", "@pd", "#lkey", "", "", "$access_rkey")         \
	X(UNIMPORT_MR,    "ibv_unimport_mr",     MEMORY, "@mr", "", "#lkey", "", "", "")                        \
	X(ADVISE_MR,      "ibv_advise_mr",       MEMORY, "", "@pd", "#advice", "$flags", "#sges", "")           \
	X(ALLOC_MW,       "ibv_alloc_mw",        MEMORY, "@mw", "@pd", "#rkey", "#type", "", "")                \
	X(DEALLOC_MW,     "ibv_dealloc_mw",      MEMORY, "@mw", "", "#rkey", "", "", "")                        \
	X(ALLOC_DM,       "ibv_alloc_dm",        MEMORY, "@dm", "", "", "#length", "", "")                      \
	X(FREE_DM,        "ibv_free_dm",         MEMORY, "@dm", "", "", "", "", "")                             \
	X(CREATE_AH,      "ibv_create_ah",       MEMORY, "@ah", "@pd", "#dlid", "#port", "$dgid_high", "$dgid_low") \
	X(DESTROY_AH,     "ibv_destroy_ah",      MEMORY, "@ah", "", "", "", "", "")                             \
	/* queues */                                                                                            \
	X(CREATE_COMP_CHANNEL, "ibv_create_comp_channel", CALL, "@channel", "", "#fd", "", "", "")              \
	X(DESTROY_COMP_CHANNEL, "ibv_destroy_comp_channel", CALL, "@channel", "", "#fd", "", "", "")            \
	X(CREATE_CQ,      "ibv_create_cq",       CALL,   "@cq", "@channel", "#cqe", "#vector", "", "")          \
	X(CREATE_CQ_EX,   "ibv_create_cq_ex",    CALL,   "@cq", "@channel", "#cqe", "#vector", "$wc_flags", "$flags") \
	X(RESIZE_CQ,      "ibv_resize_cq",       CALL,   "@cq", "", "#cqe", "", "", "")                         \
	X(DESTROY_CQ,     "ibv_destroy_cq",      CALL,   "@cq", "", "", "", "", "")                             \
	X(CREATE_SRQ,     "ibv_create_srq",      CALL,   "@srq", "@pd", "#srqn", "#max_wr", "#max_sge", "#limit") \
	X(CREATE_SRQ_EX,  "ibv_create_srq_ex",   CALL,   "@srq", "@pd", "#srqn", "#max_wr", "#max_sge", "#limit") \
	X(MODIFY_SRQ,     "ibv_modify_srq",      CALL,   "@srq", "", "$mask", "#max_wr", "", "#limit")          \
	X(DESTROY_SRQ,    "ibv_destroy_srq",     CALL,   "@srq", "", "", "", "", "")                            \
	/* queue pairs */                                                                                       \
	X(CREATE_QP,      "ibv_create_qp",       CALL,   "@qp", "@pd", "#qpn", "@send_cq", "@recv_cq", "@srq")  \
	X(CREATE_QP_EX,   "ibv_create_qp_ex",    CALL,   "@qp", "@pd", "#qpn", "@send_cq", "@recv_cq", "@srq")  \
	X(OPEN_QP,        "ibv_open_qp",         CALL,   "@qp", "@xrcd", "#qpn", "", "", "")                    \
	X(MODIFY_QP,      "ibv_modify_qp",       CALL,   "@qp", "", "#qpn", "$mask", "#state", "")              \
	X(DESTROY_QP,     "ibv_destroy_qp",      CALL,   "@qp", "", "#qpn", "", "", "")                         \
	X(ATTACH_MCAST,   "ibv_attach_mcast",    CALL,   "@qp", "", "#qpn", "#lid", "$gid_high", "$gid_low")    \
	X(DETACH_MCAST,   "ibv_detach_mcast",    CALL,   "@qp", "", "#qpn", "#lid", "$gid_high", "$gid_low")    \
	/* connections */                                                                                       \
	X(CM_CREATE_ID,   "rdma_create_id",      CALL,   "@id", "@channel", "#port_space", "", "", "")          \
	X(CM_DESTROY_ID,  "rdma_destroy_id",     CALL,   "@id", "", "", "", "", "")                             \
	X(CM_BIND_ADDR,   "rdma_bind_addr",      CALL,   "@id", "", "", "", "", "")                             \
	X(CM_RESOLVE_ADDR, "rdma_resolve_addr",  CALL,   "@id", "", "", "#timeout", "", "")                     \
	X(CM_RESOLVE_ROUTE, "rdma_resolve_route", CALL,  "@id", "", "", "#timeout", "", "")                     \
	X(CM_CREATE_QP,   "rdma_create_qp",      CALL,   "@id", "@pd", "#qpn", "@qp", "", "")                   \
	X(CM_DESTROY_QP,  "rdma_destroy_qp",     CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_LISTEN,      "rdma_listen",         CALL,   "@id", "", "#backlog", "", "", "")                     \
	X(CM_CONNECT,     "rdma_connect",        CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_ACCEPT,      "rdma_accept",         CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_DISCONNECT,  "rdma_disconnect",     CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_GET_EVENT,   "rdma_get_cm_event",   CALL,   "@id", "@listen_id", "#event", "#status", "", "")      \
	/* what cannot be seen; what the emulated device says (struct vring_device); what is counted instead   \
	   of being recorded (struct vring_summary) */                                                          \
	X(UNSEEN,         "unseen",              CALL,   "", "", "#why", "", "", "")                            \
	X(DEVICE,         "device",              DEVICE, "", "", "", "", "", "")                                \
	X(SUMMARY,        "summary",             COUNTS, "", "", "", "", "", "")                                \
	/* more of connections; numbers in files stay what they are */                                          \
	X(CM_CREATE_EP,   "rdma_create_ep",      CALL,   "@id", "@pd", "#qpn", "@qp", "", "")                   \
	X(CM_DESTROY_EP,  "rdma_destroy_ep",     CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_CREATE_QP_EX, "rdma_create_qp_ex",  CALL,   "@id", "@pd", "#qpn", "@qp", "", "")                   \
	X(CM_CREATE_SRQ,  "rdma_create_srq",     CALL,   "@id", "@pd", "", "@srq", "", "")                      \
	X(CM_CREATE_SRQ_EX, "rdma_create_srq_ex", CALL,  "@id", "@pd", "", "@srq", "", "")                      \
	X(CM_DESTROY_SRQ, "rdma_destroy_srq",    CALL,   "@id", "", "", "@srq", "", "")                         \
	X(CM_GET_REQUEST, "rdma_get_request",    CALL,   "@id", "@listen_id", "#qpn", "", "", "")               \
	X(CM_ESTABLISH,   "rdma_establish",      CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_REJECT,      "rdma_reject",         CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_REJECT_ECE,  "rdma_reject_ece",     CALL,   "@id", "", "#qpn", "", "", "")                         \
	X(CM_NOTIFY,      "rdma_notify",         CALL,   "@id", "", "#event", "", "", "")                       \
	X(CM_MIGRATE_ID,  "rdma_migrate_id",     CALL,   "@id", "@channel", "", "", "", "")                     \
	X(CM_JOIN_MULTICAST, "rdma_join_multicast", CALL, "@id", "", "#qpn", "", "", "")                        \
	X(CM_JOIN_MULTICAST_EX, "rdma_join_multicast_ex", CALL, "@id", "", "#qpn", "$flags", "", "")            \
	X(CM_LEAVE_MULTICAST, "rdma_leave_multicast", CALL, "@id", "", "#qpn", "", "", "")                      \
	/* how long what was counted took (struct vring_latency) */                                             \
	X(LATENCY,        "latency",             COUNTS, "", "", "", "", "", "")
/* clang-format on */

enum vcall {
	VCALL_NONE,
#define VCALL_CONSTANT(name, ...) VCALL_##name,
	VCALLS(VCALL_CONSTANT)
#undef VCALL_CONSTANT
		VCALL_COUNT,
};

#endif
