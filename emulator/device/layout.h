/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h - what lies in the shared segment of a fabric
 *
 * Every process of a fabric maps the same file.  It holds the nodes and their
 * devices, the queues and tables of every process, the links between devices.
 * Records name each other by numbers (a process, a device, a QPN) or by their
 * offset from the start of the segment (`..._at`, 0: none), never by pointers.
 *
 * A process owns what it makes and alone makes and destroys it; others find a
 * record by (device, number) inside a section (section.h), which keeps what
 * they found from being freed under them.  What may change in between stands
 * under the record's lock.  Locks are taken in this order, several of one kind
 * never at once:
 *
 *   queue pair, its send side > queue pair, its receive side > receive queue
 *   (own or shared) > completion queue > channel > table > heap
 *
 * The locks of a device (atomics, objects) stand before table.
 *
 * A process may be killed at any instruction: every change is made visible by
 * one last store, so that a lock can be taken away from the dead (lock.h).
 */
#ifndef DEVICE_LAYOUT_H
#define DEVICE_LAYOUT_H

#include "device/enums.h"

#include <stdatomic.h>
#include <stdint.h>

#define LAYOUT_VERSION 5 /* one more with each change of what is below */
#define LAYOUT_MAGIC   "netemu\r\n"

#define FABRIC_PROCESSES 1024 /* alive at once */
#define FABRIC_THREADS   32   /* of a process in sections at once; more wait for a place */
#define DEVICE_GIDS      8
#define TABLE_CHUNKS     24
#define LINK_NAME_SIZE   64

struct shared_lock {
	_Atomic uint32_t owner; /* process + 1; 0: free; UINT32_MAX: of a dead one */
};

/* Records of one kind, by index from 1.  Chunk K has FIRST << K records; chunks are
 * added and never move.
 */
struct shared_table {
	struct shared_lock lock;
	uint32_t record;       /* bytes of one, a multiple of 64 */
	uint32_t first;        /* records of chunk 0, a power of 2 */
	uint32_t limit;        /* how many may be in use */
	_Atomic uint32_t used; /* how many are */
	_Atomic uint32_t end;  /* indexes from here on have never been used */
	uint32_t next;         /* where the search for a free one goes on */
	uint32_t pad;
	_Atomic uint64_t chunk_at[TABLE_CHUNKS];
};

/* First in every record of a table. */
struct shared_head {
	_Atomic uint32_t number; /* index << 8 | tag; 0: free, or not yet, or no more to be found */
	uint16_t owner;          /* process */
	uint8_t tag;             /* of its latest use */
	_Atomic uint8_t used;    /* bool: between table_add() and table_remove() */
};

/* One section of a thread, in a cache line of its own. */
struct shared_section {
	_Atomic uint64_t count; /* odd while a thread is in it */
	uint64_t pad[7];
};

/* --- processes --- */

struct shared_process {
	_Atomic uint32_t state; /* enum process_state */
	uint32_t generation;    /* one more each time a process takes this place */
	int32_t pid;            /* in its own pid name space */
	uint64_t pid_ns;        /* inode of that name space */
	uint32_t node;
	uint32_t uid;
	int64_t since; /* CLOCK_REALTIME ns */
	char command[32];
	uint64_t probe;        /* a random value others read to see whether they can */
	uint64_t probe_addr;   /* where that value lies in its memory */
	uint64_t segment_addr; /* where the segment does */

	_Atomic uint32_t sections; /* used so far, from 0 */
	struct shared_section section[FABRIC_THREADS];

	/* Send queues of others whose work is due here: their progress is a
	 * kindness, so what finds no room is left out.
	 */
	struct shared_lock hint_lock;
	_Atomic uint32_t hint_head, hint_tail;
	struct {
		uint32_t device, qpn;
		int64_t due;
	} hint[256];

	/* transport=queue: what has been sent here (mailbox.h) */
	uint64_t requests_at, responses_at;

	_Atomic uint32_t attention; /* bool: there is a hint or mail */
	/* Not 0: its watchdog sleeps on this word (a futex), and is to be woken; another
	 * number each time.
	 */
	_Atomic uint32_t asleep;
	uint32_t pad1;
	_Atomic int64_t event_due; /* the first of its completion queues' event_due; 0: none */
};

enum process_state {
	PROCESS_FREE,
	PROCESS_JOINING,
	PROCESS_ALIVE,
	PROCESS_DEAD, /* seen to be dead; somebody clears up */
};

/* --- nodes, devices, ports --- */

struct shared_gid {
	uint8_t raw[16];
	uint32_t type; /* enum gid_type */
	/* of InfiniBand; on Ethernet each process looks (verbs/interface.h) */
	uint32_t ifindex;
	char ifname[16];
};

struct shared_node {
	char host[256];
	char name[64];           /* in Slurm, or host */
	uint64_t guid;           /* host order */
	uint8_t ip[2][16];       /* IPv4 as ::ffff:a.b.c.d, and IPv6 or 0 */
	uint32_t first, devices; /* its devices are first .. first + devices - 1 */
};

/* What is asked of a device; `netemuN.KEY=` sets it for one. */
struct device_limits {
	uint32_t max_qp, max_qp_wr, max_sge, max_inline, max_cq, max_cqe, max_mr, max_mw, max_pd,
		max_srq, max_srq_wr, max_srq_sge, max_ah, max_rd_atomic, max_mcast_grp,
		max_mcast_qp, max_xrcd, max_dm;
	uint64_t max_mr_size, max_dm_size;
};

struct port_counters {
	_Atomic uint64_t xmit_bytes, xmit_packets, rcv_bytes, rcv_packets;
	_Atomic uint64_t multicast_xmit, multicast_rcv;
	_Atomic uint64_t packets_lost, packets_resent, bytes_resent;
	_Atomic uint64_t rnr_naks, timeouts, sequence_naks, remote_errors, drops;
};

#define LATENESS_BUCKETS 40 /* by powers of 2 of ns */

struct shared_device {
	char name[16];
	uint32_t node, index; /* of the node's devices */
	uint64_t guid;
	uint32_t link_layer; /* enum link_layer */
	_Atomic uint32_t lid;
	_Atomic uint32_t port_state; /* enum port_state */
	_Atomic uint32_t mtu;        /* bytes of payload: 256 .. 4096 */
	_Atomic uint32_t up, down;   /* links of a star */
	uint32_t gids;
	struct shared_gid gid[DEVICE_GIDS];
	struct device_limits limits;
	uint32_t strict;    /* bool */
	uint32_t transport; /* enum transport */

	struct shared_lock atomics; /* around a read-modify-write of memory */
	/* Around changes of windows, XRC domains and groups; nothing but a table's lock
	 * is taken under it.
	 */
	struct shared_lock objects;
	struct shared_table pd, mr, dm, cq, srq, qp, xrcd, channel, group;
	struct port_counters counters;
	_Atomic uint64_t lateness[LATENESS_BUCKETS]; /* messages delivered so late */
};

/* --- links --- */

/* When a link is busy, in ticks (net.h): in order, apart from each other. */
#define LINK_SPANS 32
struct link_span {
	int64_t begin, end;
};

struct shared_link {
	char name[LINK_NAME_SIZE], from[LINK_NAME_SIZE], to[LINK_NAME_SIZE];
	uint32_t from_port, to_port; /* UINT32_MAX: not known */
	struct shared_lock lock;
	_Atomic uint32_t down; /* bool */
	_Atomic uint64_t rate; /* byte/s, as the bits of a double; 0.0: no limit */
	_Atomic uint64_t loss; /* probability that a packet is lost, as the bits of a double */
	uint64_t random[4];    /* of the stream of losses */
	uint32_t first, spans; /* a ring */
	int64_t floor;         /* before it nothing more is taken; ticks */
	struct link_span span[LINK_SPANS];
	_Atomic uint64_t bytes, messages; /* payload, once; whether it arrives or not */
	_Atomic uint64_t wire_bytes;      /* what crossed it: headers, acks, resent packets too */
	_Atomic uint64_t queue_ns;        /* pieces waited for it */
	_Atomic uint64_t lost, resent_bytes;
};

/* --- protection domains, memory --- */

struct shared_pd {
	struct shared_head head;
	_Atomic uint32_t users; /* objects made in it */
	_Atomic uint32_t handles;
	uint32_t pad[12];
};

enum mr_kind {
	MR_MEMORY,  /* of its process */
	MR_DEVICE,  /* device memory: addr is an offset in the segment */
	MR_NULL,    /* reads as 0, what is written goes nowhere */
	MR_WINDOW1, /* addr and length are those it is bound to; length 0: unbound */
	MR_WINDOW2,
	MR_STORE, /* device memory itself, at ADDR in the segment, in a table of its own */
};

/* Regions and windows: the keys of a device.  Key = index << 8 | a tag that is
 * another one each time (of a window of kind 2 its user chooses it); it stands in
 * head.number while the key is valid.
 */
struct shared_mr {
	struct shared_head head;
	uint32_t kind;
	uint32_t access; /* enum access */
	uint32_t pd;
	uint32_t qpn;  /* MR_WINDOW2 when bound: for this queue pair alone */
	uint64_t addr; /* in its process, or the offset */
	uint64_t length;
	uint64_t iova;
	_Atomic uint32_t windows; /* bound to it: as many or, after a death, more */
	uint32_t parent;          /* window: key of its region */
	_Atomic uint32_t state;   /* window: enum window_state; the rest counts while it is valid */
	uint32_t asked;           /* device memory: bytes its user asked for */
};

/* --- completion queues and channels --- */

struct shared_cqe {
	uint64_t wr_id;
	uint64_t qp_at;
	uint64_t position; /* of the send or receive queue: slots below are free once this is polled
			    */
	int64_t time;      /* CLOCK_MONOTONIC ns */
	uint32_t qpn, src_qpn;
	uint32_t byte_len;
	uint32_t imm; /* network order; or the rkey that was invalidated */
	uint8_t status, opcode, flags, sl;
	uint16_t slid, pkey_index;
	uint32_t vendor_err;
	uint8_t dlid_path_bits, receive; /* receive: bool, of a receive queue */
	uint16_t pad;
};

enum cq_armed {
	CQ_IDLE,
	CQ_ARMED_SOLICITED,
	CQ_ARMED,
	CQ_TELLING, /* the event is being written; it may be armed again meanwhile */
};

struct shared_cq {
	struct shared_head head;
	struct shared_lock lock; /* of producers, and resize */
	_Atomic uint32_t armed;  /* enum cq_armed */
	uint32_t capacity;
	_Atomic uint32_t overrun; /* bool: it is of no more use */
	_Atomic uint64_t produced, consumed;
	_Atomic uint64_t ring_at;      /* struct shared_cqe[capacity] */
	uint64_t channel_at;           /* struct shared_channel, or 0 */
	uint64_t async_at;             /* that of its context */
	uint64_t handle;               /* what a record on the channel says */
	_Atomic uint32_t events;       /* records written so far */
	_Atomic uint32_t users;        /* queue pairs and shared receive queues */
	_Atomic uint32_t owed;         /* events that found no room in the channel */
	_Atomic uint32_t async_events; /* records of asynchronous events so far */
	/* A completion and what goes with it, so that a death in between neither
	 * loses nor doubles it: when PRODUCED has come to commit_position, the number
	 * at commit_at becomes commit_value.  0: nothing is under way.
	 */
	uint64_t commit_position, commit_value;
	_Atomic uint64_t commit_at;
	uint32_t ignore_overrun; /* bool: what finds no room is dropped, nothing else */
	uint32_t timestamps;     /* bool: its user looks at the time of completions */
	/* Moderation: an event for so many completions, or so long (ns) after the first;
	 * 0: for each.  How many it has been held back for, and until when.
	 */
	uint32_t moderate_count, held;
	int64_t moderate_period;
	_Atomic int64_t event_due; /* 0: none is held back */
};

/* Completion or asynchronous events on their way to one descriptor: a FIFO in
 * the fabric's directory, event.<owner>.<file>.
 */
struct shared_channel {
	struct shared_head head;
	struct shared_lock lock;
	uint32_t file;
	uint32_t kind;         /* enum channel_kind */
	_Atomic uint32_t owed; /* events that found no room */
	/* bool: asynchronous: its context is closed, and queues are left that name it */
	_Atomic uint32_t closed;
	uint32_t pad[9];
};

/* --- receive queues --- */

struct shared_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t key;
};

/* A ring of CAPACITY entries of STRIDE bytes: struct shared_rqe. */
struct shared_rq {
	struct shared_lock lock;
	uint32_t capacity, max_sge, stride;
	_Atomic uint64_t posted, taken;
	uint64_t ring_at;
	_Atomic uint64_t completing_cq_at; /* where the entry TAKEN is being completed, or 0 */
	_Atomic uint32_t limit;            /* shared: event when fewer are left; 0: none */
	uint32_t pad;
};

struct shared_rqe {
	uint64_t wr_id;
	uint32_t sges, pad;
	struct shared_sge sge[];
};

struct shared_srq {
	struct shared_head head;
	uint32_t pd;
	uint32_t xrc; /* bool */
	uint32_t xrcd;
	_Atomic uint32_t error; /* bool */
	uint64_t cq_at;         /* xrc: where receives complete */
	uint64_t async_at, handle;
	_Atomic uint32_t users;
	_Atomic uint32_t async_events; /* records of asynchronous events so far */
	struct shared_rq rq;
};

struct shared_xrcd {
	struct shared_head head;
	_Atomic uint32_t users, handles;
	uint64_t dev, inode; /* of the file it was opened with; 0: none */
	uint32_t pad[8];
};

/* A multicast group of a device. */
#define GROUP_MEMBERS 240
struct shared_group {
	struct shared_head head;
	uint8_t gid[16];
	uint32_t lid;
	_Atomic uint32_t members;
	_Atomic uint32_t qpn[GROUP_MEMBERS]; /* 0: none */
};

/* --- queue pairs --- */

/* Where a packet goes: what an address handle or the path of a QP says. */
struct shared_path {
	uint32_t device; /* of the fabric; UINT32_MAX: nobody answers to that address */
	uint16_t dlid;
	uint8_t sl, global; /* global: bool, dgid and sgid_index count */
	uint8_t dgid[16];
	uint32_t flow_label;
	uint8_t sgid_index, hop_limit, traffic_class, src_path_bits;
	uint8_t static_rate, port, multicast, pad;
};

enum sqe_state {
	SQE_POSTED,
	SQE_SENT,      /* its times are known */
	SQE_DELIVERED, /* the responder has done its part: status is known */
};

enum sqe_lost {
	SQE_ARRIVES,
	SQE_LOST,    /* the network gave it up */
	SQE_UNHEARD, /* it arrives, but its requester gives up waiting for an answer */
};

/* How far a message has come on the links (net.c); all 0: not begun. */
struct net_state {
	int64_t since; /* ns: not sent before; 0: since it was posted */
	uint32_t stage;
	uint32_t again; /* bool: it has been sent before (net_again()) */
	uint32_t resent;
	uint64_t placed;      /* bytes that have their place */
	int64_t ready;        /* ticks: the next packet does not begin before */
	int64_t there, back;  /* ns: latency and jitter of this message */
	int64_t deliver, ack; /* ns; 0: not yet */
	int64_t react;        /* ns: the NAK comes, the request is sent again; INT64_MAX: no */
	uint32_t packets;     /* of the message */
	uint32_t next;        /* packet that is sent next */
	uint32_t first;       /* that the requester has no acknowledgement of */
	uint32_t expected;    /* by the receiver */
	uint32_t high;        /* packets below have been sent once */
	uint32_t tries;       /* that got no further */
	uint32_t gap;         /* what the NAK asks for */
	uint32_t asked;       /* bool: this gap has been told */
	uint32_t timer;       /* bool: `react` is a timer */
	uint32_t progressed;  /* bool: since the last request */
	uint32_t asks;        /* requests of a read */
	int64_t arrives;      /* ns: the request is at the responder; INT64_MAX: none */
	uint32_t timeouts, sequence_naks;
	uint64_t resent_bytes;
};

/* A send request: all that anybody needs to carry it out.  What every request needs comes
 * first, in as few cache lines as can be; it is 0 when a request begins.
 */
struct shared_sqe {
	uint64_t wr_id;
	uint32_t state;  /* enum sqe_state */
	uint32_t opcode; /* enum wr_opcode */
	uint32_t flags;  /* enum send_flags */
	uint32_t imm;    /* network order; or the key to invalidate */
	uint64_t remote_addr;
	uint32_t rkey;
	uint32_t srqn;                /* xrc: shared receive queue of the responder */
	uint32_t sges, inline_length; /* inline data stand behind the SGEs' room */
	uint64_t bytes;
	uint32_t packets;
	uint32_t status;                                /* enum wc_status */
	int64_t posted_at, sent_at, deliver_at, ack_at; /* CLOCK_MONOTONIC ns */
	int64_t retry_since;
	uint32_t retries, rnr_retries;
	uint32_t lost;     /* enum sqe_lost */
	uint32_t checksum; /* strict: of the payload when it was posted */
	uint32_t mail_state, mail_credit;

	/* What some kinds of requests have; also 0 at first where the queue pair is not RC. */
	uint64_t compare_add, swap;
	uint64_t result; /* atomic: what was there */
	uint32_t remote_qpn, qkey;
	struct shared_path path; /* datagrams: of the address handle */
	/* bind: the window's key, the new one, and what it is bound to */
	uint32_t window, window_key, region_key, window_access;
	uint64_t window_addr, window_length;

	/* transport=queue (mailbox.c): set with mail_state */
	uint32_t mail_status, mail_process, mail_rnr_timer, mail_pad;
	uint64_t mail_attempt;             /* number of this try to send it */
	uint64_t mail_sent, mail_answered; /* bytes */
	int64_t mail_since;

	struct net_state net; /* set when it is first needed */
	struct shared_sge sge[];
};

/* One direction of a queue pair on the links. */
struct net_lane {
	int64_t sent_at; /* ticks: when its last byte leaves */
	/* What is reserved and not yet sent, the older half first: when the last of
	 * it is through all links (ns), and how much it is.
	 */
	struct {
		int64_t end;
		uint64_t bytes;
	} half[2];
};

/* Messages of one kind that net_count() has not yet told links and ports of. */
struct net_counting {
	uint32_t from, to; /* devices */
	uint32_t type, response;
	uint32_t messages;
	uint32_t extra; /* bytes of further headers */
	uint64_t bytes, packets;
};

/* Times of the messages of one queue pair (net.h). */
struct net_stream {
	struct net_lane out, in;    /* requests; what responders answer to a read */
	int64_t deliver_at, ack_at; /* ns: of its last message; these never go back */
	uint64_t random[4];         /* jitter */
	struct net_counting counting;
};

#define FLIGHTS 256
struct shared_qp {
	struct shared_head head;
	uint32_t type; /* enum qp_type */
	uint32_t device;
	uint32_t pd, xrcd;
	_Atomic uint32_t state;   /* enum qp_state */
	_Atomic uint32_t flush;   /* bool: it has failed and its send queue is to be flushed */
	_Atomic uint32_t handles; /* ibv_open_qp() adds one */
	_Atomic uint32_t groups;  /* multicast groups it is in */
	uint64_t handle;          /* what an asynchronous event says */
	_Atomic uint64_t async_at;
	uint64_t send_cq_at, recv_cq_at, srq_at;
	uint32_t sq_sig_all;
	_Atomic uint32_t async_events; /* records of asynchronous events so far */

	/* What modify_qp set; changed under both locks. */
	uint32_t qkey, pkey_index, access, dest_qpn, rq_psn, sq_psn, path_mtu;
	uint32_t max_rd_atomic, max_dest_rd_atomic;
	uint32_t timeout, retry_count, rnr_retry, min_rnr_timer;
	struct shared_path path;

	/* Faults asked for. */
	_Atomic uint32_t force_error;  /* bool */
	_Atomic uint32_t force_status; /* enum wc_status of the request below; 0: none */
	_Atomic uint64_t force_wr_id;

	/* Its send side.  What one side writes lies in no cache line of the other's, for two
	 * processes write them at the same time.
	 */
	_Alignas(64) struct shared_lock send_lock;
	uint32_t sq_capacity, sq_max_sge, sq_max_inline, sq_stride;
	uint64_t sq_at;
	/* freed <= acked <= delivered <= sent <= posted; of UC and UD what has left is
	 * delivered, as far as this queue goes
	 */
	_Atomic uint64_t sq_posted, sq_sent, sq_delivered, sq_acked;
	_Atomic uint64_t sq_freed; /* completions polled cover all below */
	_Atomic int64_t due;       /* ns; when it wants progress next; INT64_MAX: never */
	struct net_stream stream;
	uint32_t drained; /* bool: SQD, and the event has been given */
	/* UC, UD: what has left and not arrived (flight.h): a ring of offsets of requests */
	_Atomic uint32_t flights_begun, flights_ended;
	uint64_t flights_at, flight_bytes;
	_Atomic uint32_t outstanding_reads;
	uint64_t attempts;        /* transport=queue: tries to send a message */
	_Atomic uint32_t watched; /* bool: its process looks after it (progress.c) */
	_Atomic uint32_t hinted;  /* process + 1 that helps with it */
	_Atomic uint64_t tx_bytes, tx_messages, resent, rnr, timeouts; /* for whoever looks on */

	/* Its receive side. */
	_Alignas(64) struct shared_lock receive_lock;
	uint32_t last_event;  /* bool: LAST_WQE_REACHED has been given */
	uint32_t established; /* bool: COMM_EST has */
	struct shared_rq rq;  /* without a shared receive queue */
	/* transport=queue: of the message that is being received */
	uint64_t in_bytes, in_attempt;
	uint64_t in_rqe_at; /* its receive request, when a shared queue has given it */
	uint32_t in_rqe_size, in_rqe_taken;
	uint64_t expected; /* number of the next message, counted from RESET */
	/* what the one before was answered, for a requester that asks again */
	uint32_t answer_status, pad1;
	uint64_t answer_original;
	_Atomic uint64_t rx_bytes, rx_messages; /* for whoever looks on */
};

/* --- services --- */

/* Who listens on a node: a mailbox and a word to wake it by belong to the process. */
#define FABRIC_SERVICES 256
struct shared_service {
	_Atomic uint32_t process; /* + 1; 0: free */
	uint32_t node;
	uint64_t service; /* id of the service, as rdma_cm's; its port is in it */
};

/* --- the segment --- */

struct shared_header {
	char magic[8];
	uint32_t version, header_size;
	_Atomic uint32_t ready; /* bool: all of it is written */
	uint32_t uid;
	char name[64];       /* of the fabric: "default", "job 12", "step 12.0" */
	char settings[4096]; /* as they were given */
	uint64_t seed;

	/* heap (segment.h) */
	struct shared_lock heap_lock;
	uint32_t pad;
	_Atomic uint64_t size;  /* bytes that are allocated and may be touched */
	_Atomic uint64_t limit; /* of size: what every process has mapped */
	uint64_t brk;           /* all from here on have never been used */
	uint64_t free_at[48];   /* by powers of 2 */

	uint32_t nodes, devices, links, pad2;
	uint64_t nodes_at;   /* struct shared_node[nodes] */
	uint64_t devices_at; /* struct shared_device[devices] */
	uint64_t links_at;   /* struct shared_link[links] */
	/* topology=: [devices * devices] offsets of struct net_route; 0: a star */
	uint64_t routes_at;
	_Atomic int64_t latency, jitter; /* ns */
	_Atomic uint32_t
		delayed; /* bool: there is a latency, a rate, a loss or a jitter anywhere */
	_Atomic uint32_t next_file; /* names of FIFOs */

	struct shared_lock service_lock;
	uint32_t pad3;
	struct shared_service service[FABRIC_SERVICES];

	/* Which processes are not PROCESS_FREE; where the search for a free one goes on. */
	_Atomic uint64_t present[FABRIC_PROCESSES / 64];
	_Atomic uint32_t next_process;
	uint32_t pad4;
	struct shared_process process[FABRIC_PROCESSES];
};

#endif
