/* SPDX-License-Identifier: Apache-2.0 */
/* Eight processes in a ring over links that lose a packet in a hundred: what each
 * sends, writes, reads and adds arrives once, in order, and as it was.
 */
#include "devlib.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMBERS  8
#define MESSAGES 200
#define LENGTH   5000
#define SLOT     8192
#define RING     16

/* Zones of a member's memory: what it sends, receives, is written to, what it reads;
 * in front of all a counter and where an atomic's result goes.
 */
#define SENT     SLOT
#define RECEIVED (SENT + RING * SLOT)
#define WRITTEN  (RECEIVED + RING * SLOT)
#define READ     (WRITTEN + RING * SLOT)

struct shared {
	_Atomic uint32_t ready, done, failed;
	struct address in[MEMBERS], out[MEMBERS];
	_Atomic uint64_t resent;
};

static struct shared *shared;
static struct lab lab;

static void must(bool ok)
{
	if (ok && !atomic_load(&shared->failed))
		return;
	atomic_store(&shared->failed, 1); /* the others do not wait for this one */
	_exit(1);
}

static void meet(_Atomic uint32_t *count, uint32_t all)
{
	atomic_fetch_add(count, 1);
	while (atomic_load(count) < all) {
		must(true);
		sched_yield();
	}
}

static void fill(char *to, uint32_t member, uint32_t number)
{
	for (uint32_t i = 0; i < LENGTH; i++)
		to[i] = (char)(member * 31 + number * 7 + i * 13 + i / 251);
}

static bool is(const char *at, uint32_t member, uint32_t number)
{
	char should[LENGTH];

	fill(should, member, number);
	return !memcmp(at, should, LENGTH);
}

struct member {
	uint32_t number, before;
	struct host host;
	struct end out, in;
	struct address to;
	uint32_t received;
};

/* What has come is the next one, whole. */
static void receive(struct member *m)
{
	struct shared_cqe entry;

	must(true);
	while (cq_poll(&m->in.recv_cq, &entry, 1) == 1) {
		uint32_t slot = m->received % RING;
		uint64_t offset = RECEIVED + slot * SLOT;

		must(!entry.status && entry.wr_id == m->received && entry.byte_len == LENGTH &&
		     entry.flags & WC_WITH_IMM && entry.imm == m->received);
		must(is(m->in.memory + offset, m->before, m->received));
		m->received++;
		if (m->received + RING <= MESSAGES)
			end_receive(&m->in, m->received + RING - 1, offset, LENGTH);
	}
}

static void completes(struct member *m, uint64_t wr_id)
{
	struct shared_cqe entry;

	while (cq_poll(&m->out.send_cq, &entry, 1) == 0)
		receive(m);
	must(!entry.status && entry.wr_id == wr_id);
}

/* One of each kind, on its way together. */
static void round_trip(struct member *m, uint32_t i)
{
	uint32_t slot = i % RING * SLOT;
	uint64_t was;
	const struct request requests[] = {
		{ .opcode = WR_SEND_WITH_IMM, .offset = SENT + slot, .length = LENGTH, .imm = i },
		{ .opcode = WR_RDMA_WRITE,
		  .offset = SENT + slot,
		  .length = LENGTH,
		  .remote = WRITTEN + slot },
		{ .opcode = WR_RDMA_READ,
		  .offset = READ + slot,
		  .length = LENGTH,
		  .remote = WRITTEN + slot },
		{ .opcode = WR_ATOMIC_FETCH_AND_ADD, .offset = 64, .length = 8, .compare_add = 3 },
	};

	fill(m->out.memory + SENT + slot, m->number, i);
	for (uint32_t k = 0; k < 4; k++) {
		struct request request = requests[k];

		request.wr_id = i * 4 + k;
		end_send(&m->out, &m->to, &request);
	}
	for (uint32_t k = 0; k < 4; k++)
		completes(m, i * 4 + k);
	must(is(m->out.memory + READ + slot, m->number, i));
	memcpy(&was, m->out.memory + 64, 8);
	must(was == 3 * i);
}

static void run(void *arg)
{
	const struct end_options options = {
		.type = QP_RC,
		.timeout = 8,
		.retry_count = 7,
		.rnr_retry = 7,
		.min_rnr_timer = 1,
	};
	struct member m = { .number = (uint32_t)(uintptr_t)arg };

	m.before = (m.number + MEMBERS - 1) % MEMBERS;
	host_join(&m.host, &lab, m.number);
	end_create(&m.out, &m.host, &options);
	end_create(&m.in, &m.host, &options);
	shared->out[m.number] = end_address(&m.out);
	shared->in[m.number] = end_address(&m.in);
	meet(&shared->ready, MEMBERS);
	m.to = shared->in[(m.number + 1) % MEMBERS];
	end_connect(&m.out, &m.to);
	end_connect(&m.in, &shared->out[m.before]);
	for (uint32_t i = 0; i < RING; i++)
		end_receive(&m.in, i, RECEIVED + i * SLOT, LENGTH);
	meet(&shared->ready, 2 * MEMBERS);
	for (uint32_t i = 0; i < MESSAGES; i++)
		round_trip(&m, i);
	while (m.received < MESSAGES)
		receive(&m);
	meet(&shared->done, MEMBERS);
	receive(&m); /* none is doubled */
	must(m.received == MESSAGES);
	cq_empty(&m.out.send_cq);
	must(*(uint64_t *)m.in.memory == 3 * MESSAGES);
	atomic_fetch_add(&shared->resent, atomic_load(&m.out.qp.shared->resent));
	meet(&shared->done, 2 * MEMBERS);
	end_destroy(&m.out);
	end_destroy(&m.in);
	host_leave(&m.host);
}

static void nothing_is_lost_doubled_or_out_of_order(void **state)
{
	pid_t pid[MEMBERS];

	(void)state;
	shared = share(sizeof(*shared));
	for (uintptr_t i = 0; i < MEMBERS; i++)
		pid[i] = child_run(run, (void *)i);
	for (uint32_t i = 0; i < MEMBERS; i++)
		child_wait(pid[i]);
	assert_true(atomic_load(&shared->resent) > 0);
}

static int close_all(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

static int open_direct(void **state)
{
	(void)state;
	lab_open(&lab, "loss=0.01,latency=5us,rate=2GB/s,seed=7,transport=direct", MEMBERS);
	return 0;
}

static int open_queue(void **state)
{
	(void)state;
	lab_open(&lab, "loss=0.01,latency=5us,rate=2GB/s,seed=7,transport=queue", MEMBERS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "nothing_is_lost_doubled_or_out_of_order (direct)",
		  nothing_is_lost_doubled_or_out_of_order, open_direct, close_all, NULL },
		{ "nothing_is_lost_doubled_or_out_of_order (queue)",
		  nothing_is_lost_doubled_or_out_of_order, open_queue, close_all, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
