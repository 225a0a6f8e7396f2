/* SPDX-License-Identifier: Apache-2.0 */
/* vring.h - the file of recorded verbs calls (verbs/ring-<r>.bin)
 *
 * libnettrace.so writes it through a shared mapping, so that what was recorded
 * survives whatever kills the process; netemu trace reads it.  nettrace-ring(5)
 * documents it.
 *
 * Layout: a header of VRING_HEADER_SIZE bytes, then extents of VRING_EXTENT_SIZE
 * bytes without gaps up to the end of the file.  An extent starts with struct
 * vring_extent, and records of 64 bytes follow, of which the first `used` count.
 * Extents of one series follow each other by `first`, the number of their first
 * record.  Each thread has a series of its own for its data path; when the ring
 * is full its oldest extent is overwritten, which the header counts.
 * Control calls are a series that data never displace, and registrations another
 * one, so that many of these do not displace what tells whom data belong to.  What
 * an emulated device says of messages is a second series of the thread that said it.
 *
 * What a level or a filter leaves out of the data path is counted instead, by queue
 * pair and thread, in records that are updated in place (struct vring_summary, and
 * struct vring_latency where neither requests nor completions are recorded).
 *
 * Times are ticks of the clock that the header names.  An anchor says which tick
 * was which time: at the beginning, the newest one, and at each extent's start.
 * All integers are in the byte order of the machine.
 */
#ifndef NETEMU_VRING_H
#define NETEMU_VRING_H

#include "vcalls.h"

#include <stdint.h>

#define VRING_MAGIC       "netvring"
#define VRING_VERSION     2
#define VRING_VERSION_MIN 1 /* what a reader knows; there all posts have a duration */
#define VRING_BYTE_ORDER  0x01020304U
#define VRING_HEADER_SIZE 4096
#define VRING_EXTENT_SIZE (64 * 1024)
#define VRING_RECORDS     (VRING_EXTENT_SIZE / 64 - 1)

struct vring_anchor {
	uint64_t ticks;
	int64_t monotonic; /* CLOCK_MONOTONIC, ns */
	int64_t realtime;  /* CLOCK_REALTIME, ns since the epoch */
};

enum vring_clock {
	VRING_TSC,       /* the processor's counter */
	VRING_MONOTONIC, /* ns of CLOCK_MONOTONIC, where there is no steady counter */
};

enum vring_level {
	VRING_SUMMARY, /* what is counted per queue pair only */
	VRING_CONTROL, /* and control calls */
	VRING_FULL,    /* and the data path */
};

struct vring_header {
	char magic[8]; /* VRING_MAGIC */
	uint32_t version;
	uint32_t byte_order; /* VRING_BYTE_ORDER as the writer sees it */
	uint32_t clean;      /* 1: the process has ended by itself */
	uint32_t clock;      /* enum vring_clock */
	uint32_t level;      /* enum vring_level: the highest that was in force */
	uint32_t stream;     /* 1: nothing is overwritten */
	uint32_t rank, ranks;
	int32_t pid;
	uint32_t procid;      /* SLURM_PROCID, UINT32_MAX when unset */
	uint64_t lost;        /* records for which there was no room on disk */
	uint64_t overwritten; /* records that gave room to newer ones */
	struct vring_anchor first, last;
	char node[256];    /* SLURMD_NODENAME, else the host name */
	char program[256]; /* /proc/self/exe */
	char job[32];      /* SLURM_JOB_ID or "" */
	char step[32];     /* SLURM_STEP_ID or "" */
	char tag[64];      /* what the user calls this run, or "" */
	uint64_t forked;   /* ticks: fork() made this process; calls before are its parent's */
	int32_t parent;    /* that one's pid */
	uint32_t timed;    /* from version 2: of so many posts of a thread one is timed */
};

enum vring_kind {
	VRING_FREE,   /* not in use */
	VRING_DATA,   /* one thread's data path */
	VRING_CALLS,  /* control calls of all threads */
	VRING_MEMORY, /* registrations, windows, address handles, of all threads */
	VRING_DEVICE, /* what the emulated device told one thread: struct vring_device */
	VRING_COUNTS, /* one thread's struct vring_summary, never overwritten */
	VRING_KINDS,
};

/* 64 bytes, followed by the records. */
struct vring_extent {
	uint32_t kind; /* enum vring_kind */
	uint32_t used;
	uint32_t thread; /* the kernel's number of it; 0: several */
	uint32_t series;
	uint64_t first;       /* number of the first record in its series */
	uint64_t empty_polls; /* of this thread while the extent was the newest one */
	struct vring_anchor anchor;
	uint64_t reserved;
};

/* Each record; `more` records that belong to it follow at once, in the same extent. */
#define VRING_RECORD                                                                      \
	uint64_t time;     /* ticks: when the call began */                               \
	uint32_t duration; /* ticks; UINT32_MAX: that or more; VRING_UNTIMED */           \
	uint16_t call;     /* enum vcall */                                               \
	uint8_t context;   /* number of the device context, VRING_CONTEXT_LAST: others */ \
	uint8_t more

#define VRING_CONTEXT_LAST 255

/* The duration of a post (calls that vring_is_post()) that was not measured, in files of
 * version 2; completions have none in any.
 */
#define VRING_UNTIMED 0

struct vring_record {
	VRING_RECORD;
	uint8_t rest[48];
};

static inline int vring_is_post(uint16_t call)
{
	return call == VCALL_POST_SEND || call == VCALL_WR || call == VCALL_POST_RECV ||
	       call == VCALL_POST_SRQ_RECV;
}

static inline int vring_is_timed(const struct vring_header *header,
				 const struct vring_record *record)
{
	return record->duration != VRING_UNTIMED || !vring_is_post(record->call) ||
	       header->version < 2;
}

/* A send request (VCALL_POST_SEND) or one built by ibv_wr_*() (VCALL_WR).  All of one
 * call have its time and duration.  Further scatter/gather elements are vring_sges,
 * atomics and datagrams have a vring_more.
 */
struct vring_send {
	VRING_RECORD;
	uint32_t qpn;
	uint8_t opcode; /* enum ibv_wr_opcode */
	uint8_t flags;  /* enum ibv_send_flags, the lowest 8 bits */
	uint8_t sges;
	uint8_t error; /* errno it was refused with */
	uint32_t bytes;
	uint32_t imm; /* imm_data as a number, or the key to invalidate */
	uint64_t wr_id;
	uint64_t address; /* of the first element */
	uint64_t remote_address;
	uint32_t lkey;
	uint32_t rkey;
};

/* A receive request, of a queue pair or of a shared queue. */
struct vring_receive {
	VRING_RECORD;
	uint32_t qpn; /* 0: of srq */
	uint8_t pad[2];
	uint8_t sges;
	uint8_t error;
	uint32_t bytes;
	uint32_t lkey;
	uint64_t wr_id;
	uint64_t address;
	uint64_t srq; /* which one: its address in the process */
	uint64_t pad2;
};

/* A completion (VCALL_WC; _EX: taken by ibv_start_poll() and ibv_next_poll()).  `time` is
 * that of the call that took it.
 */
struct vring_wc {
	VRING_RECORD;
	uint32_t qpn;
	uint8_t status; /* enum ibv_wc_status */
	uint8_t opcode; /* enum ibv_wc_opcode: 128 and more are 128 + the lowest bits; of errors 255
			 */
	uint16_t flags; /* enum ibv_wc_flags */
	uint32_t bytes;
	uint32_t imm;
	uint64_t wr_id;
	uint32_t src_qp;
	uint32_t vendor_error;
	uint64_t timestamp; /* of the device, where the program asked for it */
	uint32_t empty;     /* polls of this thread that found nothing since it last took one */
	uint16_t slid;
	uint8_t sl;
	uint8_t batch; /* place among those that the call took; 255: that or later */
};

/* Any other call: what its fields are stands in vcalls.h. */
struct vring_call {
	VRING_RECORD;
	uint64_t object, parent; /* addresses in the process */
	uint32_t number;
	int32_t result; /* as returned; errno where a pointer is returned and there was none */
	uint64_t a, b, c;
};

/* What an emulated device did with a message (VCALL_DEVICE), as lib/devhook.h says it.
 * Only what has a modelled time, an error, or packets that were sent again: the rest
 * stands in the calls.  Any process that uses the device may be told, not only the one
 * whose queue pair it is; `time` of the record is when that was.
 */
struct vring_device {
	VRING_RECORD;
	int64_t at;    /* ns of CLOCK_MONOTONIC: when it happened */
	int64_t until; /* ns; 0: does not apply */
	uint64_t wr_id;
	uint32_t bytes; /* UINT32_MAX: that or more */
	uint32_t qpn, remote_qpn;
	uint16_t device, remote_device; /* numbers in the fabric */
	uint32_t resent;                /* packets */
	uint8_t what;                   /* enum devhook_what */
	uint8_t opcode;                 /* enum ibv_wr_opcode */
	uint8_t status;                 /* enum ibv_wc_status */
	uint8_t pad;
};

#define VRING_SUMMARY_RECORDS 16

#define VRING_OPCODES  16 /* by enum ibv_wr_opcode; the last: that and all above */
#define VRING_SIZES    32 /* [0]: no byte, [n]: 2^(n-1) to 2^n - 1; the last: that or more */
#define VRING_STATUSES 32 /* by enum ibv_wc_status; the last: that and all above */

/* What one thread has posted on a queue pair, or taken completions of, without a record
 * of each (VCALL_SUMMARY).  Takes 16 records: `more` is 15.  `time` is that of the first.
 */
struct vring_summary {
	VRING_RECORD;
	uint32_t qpn; /* 0: a shared receive queue, and completions that do not say */
	uint32_t thread;
	uint64_t srq;                      /* which one: its address in the process */
	uint64_t last;                     /* ticks: the newest one */
	uint64_t refused;                  /* requests that a call returned an error for */
	uint64_t receives, receive_bytes;  /* requests that were posted, and their room */
	uint64_t sent;                     /* completions of sends that succeeded */
	uint64_t received, received_bytes; /* completions of receives that succeeded */
	uint64_t failed;                   /* completions with an error */
	uint64_t pad[4];
	struct {
		uint64_t requests, bytes;
	} by_opcode[VRING_OPCODES];           /* sends that were posted */
	uint64_t send_sizes[VRING_SIZES];     /* sends that were posted, by bytes */
	uint64_t received_sizes[VRING_SIZES]; /* receives that completed, by bytes */
	uint32_t by_status[VRING_STATUSES];   /* completions */
};

#define VRING_LATENCY_RECORDS 75
#define VRING_LATENCY_BITS    4 /* a power of 2 has 2^4 buckets of one width: 1/16 of it */
#define VRING_LATENCY_BUCKETS 592

/* From post to completion (VCALL_LATENCY): sends that were signaled and ended well, of one
 * queue pair, whose completions one thread took.  Takes 75 records.  In ticks, as `time`
 * of the post and of the poll that took it.  Below 16 a bucket has one value; else [n] has
 * those from (16 + n % 16) << (n / 16 - 1) on; the last one has all above 2^40 as well.
 */
struct vring_latency {
	VRING_RECORD;
	uint32_t qpn;
	uint32_t thread;
	uint64_t count, sum, min, max;
	uint64_t pad;
	uint64_t bucket[VRING_LATENCY_BUCKETS];
};

/* Which bucket TICKS are in, and where bucket INDEX begins. */
static inline uint32_t vring_latency_bucket(uint64_t ticks)
{
	uint32_t shift, index;

	if (ticks < 1U << VRING_LATENCY_BITS)
		return (uint32_t)ticks;
	shift = 63U - VRING_LATENCY_BITS - (uint32_t)__builtin_clzll(ticks);
	index = (shift << VRING_LATENCY_BITS) + (uint32_t)(ticks >> shift);
	return index < VRING_LATENCY_BUCKETS ? index : VRING_LATENCY_BUCKETS - 1;
}

static inline uint64_t vring_latency_begin(uint32_t index)
{
	uint32_t count = 1U << VRING_LATENCY_BITS;

	return index < count ? index : (uint64_t)(count + index % count) << (index / count - 1);
}

/* Why calls cannot be seen (VCALL_UNSEEN); its name says more. */
enum vring_unseen {
	VRING_UNSEEN_DIRECT = 1, /* queues are written to without a call: mlx5dv_init_obj() */
	VRING_UNSEEN_DEVX,       /* objects are made by commands to the device: DevX, GPUs */
};

/* --- what a record has beyond its own fields --- */

struct vring_sges {
	struct {
		uint64_t address;
		uint32_t length, lkey;
	} sge[4];
};

struct vring_more {
	uint64_t compare_add, swap;
	uint64_t ah; /* address in the process */
	uint32_t remote_qpn, remote_qkey;
	uint32_t srqn;
	uint32_t pad[7];
};

struct vring_name { /* a device's name, the reason of VCALL_UNSEEN */
	char name[64];
};

struct vring_qp_init { /* of a created queue pair */
	uint32_t type; /* enum ibv_qp_type */
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline;
	uint32_t sig_all;
	uint32_t pad;
	uint64_t send_ops, xrcd;
	uint64_t pad2[2];
};

struct vring_qp_attr { /* of a modified one: what the mask says is valid */
	uint32_t dest_qpn, rq_psn, sq_psn, qkey;
	uint8_t path_mtu, port, timeout, retry_count, rnr_retry, min_rnr_timer, max_rd_atomic,
		max_dest_rd_atomic;
	uint32_t access;
	uint16_t dlid;
	uint8_t sl, is_global;
	uint8_t sgid_index, traffic_class, hop_limit, static_rate;
	uint8_t dgid[16];
	uint32_t pad[3];
};

struct vring_address { /* of a connection */
	uint8_t family, pad[3];
	uint16_t source_port, port;
	uint8_t source[16], to[16];
	uint32_t pad2[6];
};

_Static_assert(sizeof(struct vring_header) <= VRING_HEADER_SIZE, "the header has room");
_Static_assert(sizeof(struct vring_extent) == 64, "as documented");
_Static_assert(sizeof(struct vring_record) == 64 && sizeof(struct vring_send) == 64 &&
		       sizeof(struct vring_receive) == 64 && sizeof(struct vring_wc) == 64 &&
		       sizeof(struct vring_sges) == 64 && sizeof(struct vring_more) == 64 &&
		       sizeof(struct vring_call) == 64 && sizeof(struct vring_name) == 64 &&
		       sizeof(struct vring_qp_init) == 64 && sizeof(struct vring_qp_attr) == 64 &&
		       sizeof(struct vring_address) == 64 && sizeof(struct vring_device) == 64,
	       "records are of one size");
_Static_assert(sizeof(struct vring_summary) == VRING_SUMMARY_RECORDS * 64, "as documented");
_Static_assert(sizeof(struct vring_latency) == VRING_LATENCY_RECORDS * 64, "as documented");

#endif
