/* SPDX-License-Identifier: Apache-2.0 */
/* op.h - an operation on its way to its responder
 *
 * Self-contained: whoever carries it out needs to know nothing of the
 * requester.  A transport that cuts messages gives the responder its parts in
 * order, with OFFSET, and LAST on the last of them.
 */
#ifndef DEVICE_OP_H
#define DEVICE_OP_H

#include "device/fabric.h"

#include <sys/uio.h>

#define PAYLOAD_PARTS 40

/* Bytes that lie in PROCESS's memory, or, with process UINT32_MAX, in what this
 * process can touch itself (its own memory, the segment, a message of a queue).
 * A part at NULL reads as 0, and what is written to it goes nowhere.
 */
struct payload {
	uint32_t process;
	uint32_t parts;
	struct iovec part[PAYLOAD_PARTS];
};

#define PAYLOAD_HERE UINT32_MAX

/* LENGTH bytes at START, here.  (An initialiser would clear all the other parts.) */
static inline void payload_one(struct payload *payload, void *start, size_t length)
{
	payload->process = PAYLOAD_HERE;
	payload->parts = 1;
	payload->part[0] = (struct iovec){ .iov_base = start, .iov_len = length };
}

struct op {
	uint32_t from, from_qpn; /* device, number */
	uint32_t to, to_qpn;
	enum qp_type type;
	enum wr_opcode opcode;
	uint32_t flags; /* enum send_flags */
	uint32_t imm;   /* network order, or the key to invalidate */
	uint32_t rkey;
	uint64_t remote_addr;
	uint64_t compare_add, swap;
	uint32_t srqn;
	uint32_t qkey, pkey_index;
	struct shared_path path; /* for the global routing header, and src_path_bits, sl */
	uint64_t length;         /* of the whole message */
	uint64_t offset;         /* of this part */
	uint64_t number;         /* of the message, counted from the QP's RESET; grows */
	uint64_t attempt;        /* in parts: another one each time the message is sent */
	bool last;
	/* What is sent or written; of a read, where it goes to. */
	struct payload *payload;
};

/* What the responder answers, beside the numbers of enum wc_status with which
 * the requester's work then completes.
 */
enum {
	RESPOND_RNR = 1000, /* not ready: rnr_timer says for how long */
	RESPOND_NOTHING,    /* nobody there, or it does not take packets now */
	RESPOND_QUEUE,      /* memory cannot be reached: nothing is done, use the mailbox */
};

struct answer {
	int status;
	uint32_t rnr_timer; /* code of the responder's min_rnr_timer */
	uint64_t original;  /* atomic: what was there */
	/* Called once a message is in its place and before the receive completes, where that
	 * answers the requester: whoever sees the completion may be gone at once.
	 */
	void (*early)(struct answer *answer);
};

#endif
