/* SPDX-License-Identifier: Apache-2.0 */
#include "device/mailbox.h"
#include "clock.h"
#include "device/event.h"
#include "device/progress.h"
#include "device/respond.h"
#include "device/section.h"
#include "device/watchdog.h"

#include <string.h>

#define PATIENCE 2000000000 /* ns: then an answer that nobody is about to give is lost */
#define AGAIN    10000      /* ns: room may have come */
#define LOOK     1000000    /* ns: is the responder still alive? */
#define AT_ONCE  64         /* records of one look */

#define RING_HEAD 64
#define RING_SIZE (MAILBOX_SIZE - RING_HEAD)

/* Producers append under the process's hint_lock, the process takes out.  A record is
 * published by the store of tail: one that its writer did not finish has never been
 * there.
 */
struct ring {
	_Atomic uint64_t head, tail; /* bytes since the beginning */
	_Atomic uint64_t promised;   /* responses: bytes that are asked for */
	uint64_t pad[5];
	char data[RING_SIZE];
};

_Static_assert(sizeof(struct ring) == MAILBOX_SIZE, "others give it back by its size");

enum mail_kind {
	MAIL_FILLER, /* up to the ring's end */
	MAIL_REQUEST,
	MAIL_RESPONSE,
};

/* A record, and its payload behind it. */
struct mail {
	uint32_t size; /* of all, a multiple of 64 */
	uint32_t kind; /* enum mail_kind */
	uint32_t process;
	uint32_t bytes; /* of the part; of payload, but in a request of a read */
	struct op op;   /* payload is set by the reader */
	int32_t status;
	uint32_t rnr_timer;
	uint64_t original;
	char data[] __attribute__((aligned(64)));
};

enum mail_state {
	MAIL_NONE,
	MAIL_ASKED, /* parts are on their way */
	MAIL_ANSWERED,
};

static uint32_t size_of(uint64_t bytes)
{
	return (uint32_t)((sizeof(struct mail) + bytes + 63) / 64 * 64);
}

static bool is_read(const struct op *op)
{
	return op->opcode == WR_RDMA_READ;
}

static bool reliable(const struct op *op)
{
	return op->type == QP_RC || op->type == QP_XRC_SEND;
}

/* --- rings --- */

/* Who first writes to a process makes its rings. */
static bool make_rings(struct fabric *fabric, struct shared_process *process)
{
	struct segment *segment = &fabric->segment;

	lock_take(fabric, &process->hint_lock, fabric->self);
	if (!process->responses_at)
		process->responses_at = segment_alloc(segment, sizeof(struct ring));
	if (process->responses_at && !process->requests_at)
		__atomic_store_n(&process->requests_at, segment_alloc(segment, sizeof(struct ring)),
				 __ATOMIC_RELEASE);
	lock_drop(&process->hint_lock);
	return process->requests_at;
}

static struct ring *ring_of(struct fabric *fabric, uint32_t number, enum mail_kind kind)
{
	struct shared_process *process = &fabric->segment.header->process[number];

	if (!__atomic_load_n(&process->requests_at, __ATOMIC_ACQUIRE) &&
	    !make_rings(fabric, process))
		return NULL;
	return segment_at(&fabric->segment,
			  kind == MAIL_REQUEST ? process->requests_at : process->responses_at);
}

void mailbox_release(struct fabric *fabric, uint32_t number)
{
	struct shared_process *process = &fabric->segment.header->process[number];
	uint64_t requests = process->requests_at, responses = process->responses_at;

	__atomic_store_n(&process->requests_at, 0, __ATOMIC_SEQ_CST);
	process->responses_at = 0;
	if (!requests && !responses)
		return;
	section_wait(fabric);
	segment_free(&fabric->segment, requests, sizeof(struct ring));
	segment_free(&fabric->segment, responses, sizeof(struct ring));
}

/* SIZE bytes at the end, in one piece; hint_lock is held.  *TAIL is what publishes them. */
static struct mail *room(struct ring *ring, uint32_t size, uint64_t *tail)
{
	uint64_t end = atomic_load(&ring->tail);
	uint64_t rest = RING_SIZE - end % RING_SIZE;
	uint64_t filler = rest < size ? rest : 0;
	struct mail *mail = (struct mail *)(ring->data + end % RING_SIZE);

	if (end + filler + size - atomic_load(&ring->head) > RING_SIZE)
		return NULL;
	if (filler) {
		mail->size = (uint32_t)filler;
		mail->kind = MAIL_FILLER;
		mail = (struct mail *)ring->data;
	}
	*tail = end + filler + size;
	mail->size = size;
	return mail;
}

/* Put HEAD and BYTES of FROM at OFFSET into the ring of PROCESS.  Returns 1, 0 when there is
 * no room, or -1 when the payload cannot be read.
 */
static int put(struct fabric *fabric, uint32_t process, const struct mail *head,
	       const struct payload *from, uint64_t offset, uint64_t bytes)
{
	struct shared_lock *lock = &fabric->segment.header->process[process].hint_lock;
	struct ring *ring = ring_of(fabric, process, head->kind);
	struct payload to = { .process = PAYLOAD_HERE, .parts = 1 };
	struct mail *mail;
	uint64_t tail;
	int rc = 0;

	if (!ring)
		return 0;
	lock_take(fabric, lock, fabric->self);
	mail = room(ring, size_of(bytes), &tail);
	if (mail) {
		memcpy(&mail->kind, &head->kind, sizeof(*head) - offsetof(struct mail, kind));
		mail->process = fabric->self;
		to.part[0].iov_base = mail->data;
		to.part[0].iov_len = bytes;
		rc = bytes && memory_copy(fabric, &to, 0, from, offset, bytes) < 0 ? -1 : 1;
	}
	if (rc == 1)
		atomic_store(&ring->tail, tail);
	lock_drop(lock);
	if (rc == 1) {
		atomic_store(&fabric->segment.header->process[process].attention, 1);
		event_wake(fabric, process);
	}
	return rc;
}

/* The next record, or NULL; it stays until taken(). */
static struct mail *first(struct ring *ring)
{
	uint64_t head = atomic_load(&ring->head);

	while (head != atomic_load(&ring->tail)) {
		struct mail *mail = (struct mail *)(ring->data + head % RING_SIZE);

		if (mail->kind != MAIL_FILLER)
			return mail;
		head += mail->size;
		atomic_store(&ring->head, head);
	}
	return NULL;
}

static void taken(struct ring *ring, const struct mail *mail)
{
	atomic_store(&ring->head, atomic_load(&ring->head) + mail->size);
}

/* --- the requester --- */

static void begin(struct shared_qp *qp, struct shared_sqe *sqe, uint32_t process, int64_t now)
{
	sqe->mail_state = MAIL_ASKED;
	sqe->mail_process = process;
	sqe->mail_attempt = ++qp->attempts;
	sqe->mail_sent = sqe->mail_answered = 0;
	sqe->mail_credit = 0;
	sqe->mail_since = now;
}

/* Promise room for an answer with BYTES; half of the ring is enough for anybody. */
static bool promise(struct ring *own, struct shared_sqe *sqe, uint64_t bytes)
{
	uint32_t size = size_of(bytes);

	if (atomic_fetch_add(&own->promised, size) + size > RING_SIZE / 2) {
		atomic_fetch_sub(&own->promised, size);
		return false;
	}
	sqe->mail_credit += size;
	return true;
}

static void redeem(struct fabric *fabric, uint32_t process, struct shared_sqe *sqe, uint32_t size)
{
	struct ring *own = ring_of(fabric, process, MAIL_RESPONSE);

	if (size > sqe->mail_credit)
		size = sqe->mail_credit;
	sqe->mail_credit -= size;
	if (own)
		atomic_fetch_sub(&own->promised, size);
}

/* The next part.  Returns as put(). */
static int put_part(struct fabric *fabric, struct shared_sqe *sqe, const struct op *op)
{
	struct ring *own = ring_of(fabric, fabric->self, MAIL_RESPONSE);
	uint64_t left = op->length - sqe->mail_sent;
	uint64_t bytes = left < MAILBOX_PART ? left : MAILBOX_PART;
	bool read = is_read(op);
	uint32_t credit = sqe->mail_credit;
	struct mail head = { .kind = MAIL_REQUEST, .bytes = (uint32_t)bytes, .op = *op };
	int rc;

	if (!own)
		return 0;
	if (reliable(op) && (read || !sqe->mail_sent) && !promise(own, sqe, read ? bytes : 0))
		return 0;
	head.op.payload = NULL;
	head.op.offset = sqe->mail_sent;
	head.op.attempt = sqe->mail_attempt;
	head.op.last = bytes == left;
	if (op->opcode == WR_ATOMIC_CMP_AND_SWP || op->opcode == WR_ATOMIC_FETCH_AND_ADD)
		rc = put(fabric, sqe->mail_process, &head, NULL, 0, 0);
	else
		rc = put(fabric, sqe->mail_process, &head, op->payload, sqe->mail_sent,
			 read ? 0 : bytes);
	if (rc <= 0)
		redeem(fabric, fabric->self, sqe, sqe->mail_credit - credit);
	else
		sqe->mail_sent += bytes;
	return rc;
}

/* Put what there is room for.  Returns 1 when all is on its way, or as put(). */
static int put_parts(struct fabric *fabric, struct shared_sqe *sqe, const struct op *op)
{
	int rc = 1;

	if (!op->length && !sqe->mail_sent) {
		rc = put_part(fabric, sqe, op);
		if (rc == 1)
			sqe->mail_sent = 1; /* an empty message is one part */
		return rc;
	}
	while (rc == 1 && sqe->mail_sent < op->length)
		rc = put_part(fabric, sqe, op);
	return rc;
}

static bool unread(struct fabric *fabric, uint32_t process, enum mail_kind kind)
{
	struct ring *ring = ring_of(fabric, process, kind);

	return ring && atomic_load(&ring->head) != atomic_load(&ring->tail);
}

/* Time in which mail lies unread on either side does not count: who is to read it is
 * stopped or without a processor, which a NIC's answers do not wait for either.
 */
static bool patient(struct fabric *fabric, const struct shared_qp *qp, struct shared_sqe *sqe,
		    int64_t now)
{
	int64_t limit = progress_timeout(qp->timeout) * (qp->retry_count + 1);

	if (!qp->timeout)
		return true;
	if (unread(fabric, sqe->mail_process, MAIL_REQUEST) ||
	    unread(fabric, fabric->self, MAIL_RESPONSE))
		sqe->mail_since = now;
	return now - sqe->mail_since < (limit > PATIENCE ? limit : PATIENCE);
}

static bool answered(struct fabric *fabric, struct shared_sqe *sqe, struct answer *answer,
		     int status)
{
	answer->status = status;
	answer->rnr_timer = sqe->mail_rnr_timer;
	answer->original = sqe->result;
	mailbox_forget(fabric, fabric->self, sqe);
	return true;
}

bool mailbox_ask(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		 const struct op *op, uint32_t process, struct answer *answer, int64_t *again)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);
	int rc;

	if (sqe->mail_state == MAIL_ANSWERED)
		return answered(fabric, sqe, answer, (int)sqe->mail_status);
	if (sqe->mail_state == MAIL_NONE) {
		if (process >= FABRIC_PROCESSES)
			return answered(fabric, sqe, answer, RESPOND_NOTHING);
		begin(qp, sqe, process, now);
	}
	if (!fabric_alive(fabric, sqe->mail_process)) {
		/* its last answers may lie here */
		if (!unread(fabric, fabric->self, MAIL_RESPONSE))
			return answered(fabric, sqe, answer, RESPOND_NOTHING);
		atomic_store(&fabric->process->attention, 1);
		*again = now + AGAIN;
		return false;
	}
	/* The program may have seen the completion of a request before its answer was
	 * on its way: what it sends then does not overtake the answer.
	 */
	if (atomic_load(&fabric->answering) == process + 1) {
		*again = now + AGAIN;
		return false;
	}
	rc = put_parts(fabric, sqe, op);
	if (rc < 0)
		return answered(fabric, sqe, answer, WC_LOC_PROT_ERR);
	if (rc == 1 && !reliable(op))
		return answered(fabric, sqe, answer, WC_SUCCESS);
	if (reliable(op) && !patient(fabric, qp, sqe, now))
		return answered(fabric, sqe, answer, WC_RETRY_EXC_ERR);
	*again = now + (rc ? LOOK : AGAIN);
	return false;
}

void mailbox_throw(struct fabric *fabric, const struct op *op, uint32_t process)
{
	struct mail head = { .kind = MAIL_REQUEST, .bytes = (uint32_t)op->length, .op = *op };

	head.op.payload = NULL;
	put(fabric, process, &head, op->payload, 0, op->length);
}

void mailbox_forget(struct fabric *fabric, uint32_t process, struct shared_sqe *sqe)
{
	if (sqe->mail_credit)
		redeem(fabric, process, sqe, sqe->mail_credit);
	sqe->mail_state = MAIL_NONE;
}

/* Returns false when the data cannot be written. */
static bool store_read(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe,
		       struct mail *mail)
{
	struct payload to = { .parts = 0 };
	struct payload from = { .process = PAYLOAD_HERE,
				.parts = 1,
				.part[0] = { mail->data, mail->bytes } };

	if (!mail->bytes)
		return true;
	return !memory_gather(fabric, qp->device, sqe->sge, sqe->sges, true, qp->pd, qp->head.owner,
			      &to) &&
	       !memory_copy(fabric, &to, mail->op.offset, &from, 0, mail->bytes);
}

static void take_answer(struct fabric *fabric, struct shared_qp *qp, struct mail *mail)
{
	uint64_t at = atomic_load(&qp->sq_delivered);
	struct shared_sqe *sqe =
		segment_at(&fabric->segment, qp->sq_at + at % qp->sq_capacity * qp->sq_stride);
	int status = mail->status;
	bool read = is_read(&mail->op);

	if (at == atomic_load(&qp->sq_sent) || sqe->mail_state != MAIL_ASKED ||
	    sqe->mail_attempt != mail->op.attempt)
		return;
	redeem(fabric, fabric->self, sqe, mail->size);
	sqe->mail_since = clock_ns(CLOCK_MONOTONIC);
	sqe->mail_answered += mail->bytes;
	if (!status && read && !store_read(fabric, qp, sqe, mail))
		status = WC_LOC_PROT_ERR;
	if (!status && read && sqe->mail_answered < mail->op.length)
		return;
	sqe->mail_status = (uint32_t)status;
	sqe->mail_rnr_timer = mail->rnr_timer;
	sqe->result = mail->original;
	sqe->mail_state = MAIL_ANSWERED;
}

/* Returns false when the requester's queue is locked: not now. */
static bool handle_response(struct fabric *fabric, struct mail *mail)
{
	_Atomic uint64_t *place = section_enter(fabric);
	struct shared_qp *qp = qp_find(fabric, mail->op.from, mail->op.from_qpn);
	bool stolen, done = true;

	if (qp && !lock_try(fabric, &qp->send_lock, &stolen)) {
		done = false;
	} else if (qp) {
		take_answer(fabric, qp, mail);
		progress_qp(fabric, qp, 0);
		lock_drop(&qp->send_lock);
	}
	section_leave(place);
	return done;
}

/* --- the responder --- */

static void answer_mail(struct fabric *fabric, const struct mail *mail, const struct answer *answer,
			char *data)
{
	const struct op *op = &mail->op;
	bool read = is_read(op) && answer->status == WC_SUCCESS;
	struct payload from = { .process = PAYLOAD_HERE,
				.parts = 1,
				.part[0] = { data, mail->bytes } };
	struct mail head = {
		.kind = MAIL_RESPONSE,
		.bytes = read ? mail->bytes : 0,
		.op = *op,
		.status = answer->status == RESPOND_QUEUE ? WC_REM_OP_ERR : answer->status,
		.rnr_timer = answer->rnr_timer,
		.original = answer->original,
	};

	/* without room it is lost: then many have been asked for in vain */
	put(fabric, mail->process, &head, &from, 0, head.bytes);
}

/* A message is answered once; parts behind one that was refused are not, but the last
 * is: then the requester knows when the queue pair has gone in between.
 */
static bool wants_answer(const struct op *op, const struct answer *answer)
{
	if (is_read(op) || op->last || !op->offset)
		return op->last || is_read(op) || answer->status != WC_SUCCESS;
	return answer->status != WC_SUCCESS && answer->status != RESPOND_NOTHING;
}

/* An answer that is sent before the receive completes. */
struct early_answer {
	struct answer answer; /* first */
	struct fabric *fabric;
	const struct mail *mail;
	bool sent;
};

static void answer_early(struct answer *answer)
{
	struct early_answer *early = (struct early_answer *)answer;

	if (!reliable(&early->mail->op) || !fabric_alive(early->fabric, early->mail->process))
		return;
	answer_mail(early->fabric, early->mail, answer, NULL);
	early->sent = true;
}

static void handle_request(struct fabric *fabric, struct mail *mail)
{
	static char data[MAILBOX_PART]; /* one thread at a time makes progress */
	struct payload payload = { .process = PAYLOAD_HERE,
				   .parts = 1,
				   .part[0] = { mail->data, mail->bytes } };
	struct op op = mail->op;
	struct early_answer early = { { .early = answer_early }, fabric, mail, false };
	const struct answer *answer = &early.answer;
	_Atomic uint64_t *place;

	if (is_read(&op))
		payload.part[0].iov_base = data;
	op.payload = &payload;
	place = section_enter(fabric);
	atomic_store(&fabric->answering, mail->process + 1);
	respond_early(fabric, &op, &early.answer);
	if (!early.sent && reliable(&op) && wants_answer(&op, answer) &&
	    fabric_alive(fabric, mail->process))
		answer_mail(fabric, mail, answer, data);
	atomic_store(&fabric->answering, 0);
	section_leave(place);
}

/* --- both --- */

/* Returns whether something is left. */
static bool take_responses(struct fabric *fabric, struct ring *ring)
{
	struct mail *mail;

	while ((mail = first(ring))) {
		if (!handle_response(fabric, mail))
			return true;
		taken(ring, mail);
	}
	return false;
}

/* An answer that came before a request, which may be what its sender says to it, is taken before
 * it.
 */
static bool take_requests(struct fabric *fabric, struct ring *ring, struct ring *responses)
{
	struct mail *mail;

	for (uint32_t i = 0; i < AT_ONCE; i++) {
		mail = first(ring);
		if (!mail)
			return false;
		if (take_responses(fabric, responses))
			return true;
		handle_request(fabric, mail);
		taken(ring, mail);
	}
	return true;
}

void mailbox_progress(struct fabric *fabric)
{
	struct ring *responses;
	bool left;

	if (!__atomic_load_n(&fabric->process->requests_at, __ATOMIC_ACQUIRE))
		return;
	responses = ring_of(fabric, fabric->self, MAIL_RESPONSE);
	left = take_responses(fabric, responses);
	left |= take_requests(fabric, ring_of(fabric, fabric->self, MAIL_REQUEST), responses);
	if (left)
		atomic_store(&fabric->process->attention, 1);
	/* whoever gets mail may be away when the next comes */
	watchdog_want(fabric, INT64_MAX);
}
