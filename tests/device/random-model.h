/* SPDX-License-Identifier: Apache-2.0 */
/* random-model.h - what queue pairs do, in the plainest way
 *
 * One program with arrays stands for all processes of a fabric: an operation is a
 * memcpy() from one array to another, a queue is an array that is shifted.  Nothing
 * takes time: model_run() carries out all that can be, and what is left waits for
 * something that has not been posted.  Only numbers (enums.h) and the layout of
 * completions are shared with what is tested.
 *
 * What is left out, for there the outcome is a matter of time: a queue that is to
 * drain while it waits for a receive request (which requests behind that one have
 * been sent by then?), two senders that wait for the same shared receive queue, and
 * most queue pairs that are connected with themselves.
 */
#ifndef TESTS_DEVICE_RANDOM_MODEL_H
#define TESTS_DEVICE_RANDOM_MODEL_H

#include "device/layout.h"

#include <stdbool.h>

#define PROCESSES 4
#define PDS       2
#define CQS       2
#define SRQS      2 /* the last one is of XRC */
#define QPS       7
#define REGIONS   4 /* the last one is of device memory */
#define WINDOWS   3 /* the last one is of type 1 */
#define GROUPS    2 /* multicast, from 1 */
#define SGES      3
#define INLINE    64
#define DEPTH     32
#define CQ_DEPTH  1024
#define MTU       4096

#define SRQ_OF_XRC   (SRQS - 1)
#define REGION_OF_DM (REGIONS - 1)
#define WINDOW_1     (WINDOWS - 1)

#define EVENT_TYPES (EVENT_GID_CHANGE + 1)

/* Memory of a process, at the same address in each: what is sent and read of, what
 * others write to, where receives and results go.  Nothing is copied within a zone, so
 * the order of bytes never matters.
 */
#define ZONE          (44 * 1024)
#define ARENA         (3 * ZONE)
#define ZONE_SOURCES  0
#define ZONE_TARGETS  ZONE
#define ZONE_RECEIVED (2 * ZONE)

/* Device memory has the same zones, and its addresses begin at 0. */
#define DM_ZONE   4096
#define STORE     (3 * DM_ZONE)
#define COPY_MOST 256 /* bytes at once by its owner */

/* What is in it when it is new. */
static inline uint8_t store_byte(uint32_t i)
{
	return (uint8_t)(i * 31 + i / 251);
}

enum object {
	OBJECT_PD,
	OBJECT_CQ,
	OBJECT_SRQ,
	OBJECT_QP,
	OBJECT_REGION,
	OBJECT_WINDOW,
	OBJECT_DM,
};

/* What an object is made with. */
struct making {
	uint32_t pd, cq, recv_cq;
	int srq; /* -1: none */
	bool sig_all;
	uint32_t capacity, receives;
	uint32_t offset, length, access; /* of a region; in device memory */
};

/* What a queue pair is changed to. */
struct change {
	uint32_t state, access, rnr_retry, qkey;
	uint32_t to_device, to_qpn;
};

/* A send or a receive request, as it is posted. */
struct work {
	uint64_t wr_id;
	uint32_t opcode, flags, imm;
	uint32_t sges;
	struct shared_sge sge[SGES + 1];
	uint32_t inline_length; /* bytes at sge[0].addr */
	uint8_t data[INLINE + 1];
	uint64_t sum; /* strict: of what it sends when it was posted; 0: none */
	uint64_t remote_addr;
	uint32_t rkey, srqn;
	uint64_t compare_add, swap;
	/* datagrams */
	uint32_t to_device, to_qpn, qkey, flow_label;
	uint32_t group; /* 0: to one queue pair */
	uint8_t traffic_class;
	bool global;
	/* binding */
	uint32_t window, window_key, region_key, window_access;
	uint64_t window_addr, window_length;
};

/* A completion that has to come; of a queue pair and direction in this order. */
struct expected {
	uint32_t qpn;
	bool receive, xrc;
	bool or_flushed; /* that would be as good */
	bool solicited;
	uint64_t wr_id;
	uint32_t status, opcode, byte_len, flags, imm, src_qpn;
};

struct model_cq {
	bool used, overrun; /* overrun: some of these have been lost */
	bool armed, armed_solicited;
	uint32_t capacity, count;
	struct expected expected[CQ_DEPTH];
};

struct model_rq {
	uint32_t capacity, count;
	uint32_t limit; /* of a shared one: told when fewer are left; 0: no more */
	struct work work[DEPTH];
};

struct model_srq {
	bool used;
	uint32_t number, pd, cq; /* cq: of XRC */
	struct model_rq rq;
};

struct model_qp {
	bool used;
	uint32_t number, type, state, pd, send_cq, recv_cq;
	int srq; /* -1: none */
	bool sig_all;
	bool last_event; /* LAST_WQE_REACHED has been given */
	uint32_t capacity;
	uint64_t posted, acked, freed;
	struct work work[DEPTH]; /* acked .. posted, modulo DEPTH */
	struct model_rq rq;
	uint32_t access, rnr_retry, qkey;
	uint32_t to_device, to_qpn;
	bool group[GROUPS + 1]; /* it is a member of */
};

struct model_region {
	bool used, store; /* store: of device memory */
	uint32_t key, pd, access;
	uint64_t addr, length;
};

struct model_window {
	bool used, bound, type1;
	uint32_t key, pd, access, qpn, region_key;
	uint64_t addr, length, iova;
};

struct model_process {
	bool alive;
	uint32_t device;
	uint8_t gid[16];
	uint8_t *memory; /* what ARENA bytes and, while it has some, device memory should be */
	bool dm;
	uint32_t dm_number;
	/* events given so far, by type; and those of completion queues */
	uint32_t events[EVENT_TYPES], completion_events;
	bool pd[PDS];
	struct model_cq cq[CQS];
	struct model_srq srq[SRQS];
	struct model_qp qp[QPS];
	struct model_region region[REGIONS];
	struct model_window window[WINDOWS];
};

/* Mistakes that the model can be told to make, to show that they are found. */
enum fault {
	FAULT_NONE,
	FAULT_BYTE,  /* the last byte of a write is forgotten */
	FAULT_LOST,  /* an error completion is not expected */
	FAULT_SWAP,  /* receive requests are taken from the wrong end */
	FAULT_GUARD, /* an atomic changes the byte behind it */
	FAULT_GROUP, /* a datagram to a group goes to nobody */
	FAULT_STORE, /* what is copied to device memory is not there */
	FAULT_FILL,  /* strict: memory that is to be written stays as it was */
	FAULT_TOLD,  /* strict: nobody says what has changed */
	FAULT_TYPE1, /* a window of type 1 is for one queue pair alone */
	FAULTS,
};

struct model {
	uint32_t processes;
	uint64_t address; /* where memory lies in each process */
	bool strict;
	uint32_t told; /* strict: requests whose memory has changed */
	bool silent;   /* somebody has asked in vain since this was last cleared */
	enum fault fault;
	struct model_process process[PROCESSES];
};

/* The address of group GROUP; its LID is LID_OF_GROUPS + GROUP. */
#define LID_OF_GROUPS 0xc000
void model_gid(uint32_t group, uint8_t gid[16]);

/* What queue pair SLOT of every process is. */
extern const uint32_t model_types[QPS];

/* A queue pair by device and number; *PROCESS is whose.  NULL: nobody's. */
struct model_qp *model_find(struct model *m, uint32_t device, uint32_t number, uint32_t *process);

/* All that can be done is done. */
void model_run(struct model *m);

/* Verbs: 0, or the errno they are refused with.  NUMBER: what the new object is called. */
void model_create(struct model *m, uint32_t process, enum object object, uint32_t slot,
		  const struct making *making, uint32_t number);
int model_destroy(struct model *m, uint32_t process, enum object object, uint32_t slot);
int model_resize(struct model *m, uint32_t process, enum object object, uint32_t slot,
		 uint32_t capacity);
/* Into group GROUP or out of it. */
int model_attach(struct model_qp *qp, uint32_t group);
int model_detach(struct model_qp *qp, uint32_t group);
/* Bytes BYTE, BYTE + 1, ... go to device memory. */
int model_copy(struct model *m, uint32_t process, const struct making *where, uint32_t byte);
int model_limit(struct model *m, uint32_t process, uint32_t slot, uint32_t limit);
/* FLAGS: 1 for its range, 2 for its domain, 4 for its access. */
int model_reregister(struct model *m, uint32_t process, uint32_t slot, uint32_t flags,
		     const struct making *making);
int model_modify(struct model *m, uint32_t process, struct model_qp *qp,
		 const struct change *change);
int model_send(struct model *m, uint32_t process, struct model_qp *qp, const struct work *work);
int model_receive(struct model *m, uint32_t process, struct model_rq *rq, uint32_t pd,
		  const struct work *work);
int model_qp_receive(struct model *m, uint32_t process, struct model_qp *qp,
		     const struct work *work);

/* The next completion is told, or the next solicited one. */
void model_arm(struct model_cq *cq, bool solicited);

/* Does a request at the head of QP wait for a receive request? */
bool model_waits(const struct model_qp *qp);

/* Polled from CQ: what is wrong with ENTRY, or NULL; it is then taken. */
const char *model_poll(struct model *m, uint32_t process, uint32_t cq,
		       const struct shared_cqe *entry);

/* --- between the files of the model --- */

struct model_region *model_region(struct model_process *p, uint32_t key);
struct model_window *model_window(struct model_process *p, uint32_t key);
bool model_covers(uint64_t addr, uint64_t length, uint64_t start, uint64_t size);
/* Where KEY leads in the memory of P; -1: it does not. */
int64_t model_open(const struct model *m, struct model_process *p, uint32_t key, uint64_t addr,
		   uint64_t length, uint32_t access, uint32_t pd, uint32_t qpn);
/* The SGEs in which the first LENGTH bytes lie may be used. */
bool model_open_local(const struct model *m, struct model_process *p, const struct work *work,
		      uint64_t length, uint32_t access, uint32_t pd);
/* What a request sends; LENGTH bytes, but for the first SKIP, to where it wants them. */
void model_gather(const struct model *m, struct model_process *p, const struct work *work,
		  uint32_t pd, uint8_t *to);
void model_scatter(const struct model *m, struct model_process *p, const struct work *work,
		   uint32_t pd, const uint8_t *from, uint64_t length, uint64_t skip);
/* strict: memory that WORK is going to write gets its pattern; keep what it sends, and look
 * whether that is still the same.
 */
void model_fill(const struct model *m, struct model_process *p, const struct work *work,
		uint32_t pd);
void model_keep(const struct model *m, struct model_process *p, struct work *work, uint32_t pd);
void model_look(struct model *m, struct model_process *p, struct work *work, uint32_t pd);
bool model_reliable(const struct model_qp *qp);
void model_complete(struct model *m, uint32_t process, uint32_t cq, struct expected expected);
void model_fail(struct model *m, uint32_t process, struct model_qp *qp, enum event_type event);
struct work model_take(struct model *m, uint32_t process, struct model_rq *rq);

#endif
