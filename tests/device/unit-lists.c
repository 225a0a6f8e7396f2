/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that are posted together to another process: what the memory of both sides is
 * then, and which of them have completed how.  The plainest model does each of them in turn.
 */
#include "devlib.h"

#include "clock.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE   32768 /* of the memory of a side */
#define PAGE   4096
#define ROUNDS 400
#define MOST   40 /* requests of a list */

static struct lab lab;
static struct host host;
static struct end end;

/* What the two sides tell each other. */
static struct board {
	struct address address[2];
	_Atomic uint32_t connected;
	_Atomic uint32_t asked, answered; /* the peer is to look at its memory, and has */
	_Atomic uint32_t stop;
	uint64_t hole;            /* the page that the peer unmaps; 0: none */
	char expected[SIZE];      /* what is to be there */
	uint64_t differs;         /* first byte that is not so; SIZE: none */
	uint64_t bytes, messages; /* that the peer has counted */
} * board;

static int open_lab(void **state)
{
	lab_open(&lab, *state, 2);
	board = share(sizeof(*board));
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	lab_close(&lab);
	host_leave(&host);
	return 0;
}

static const struct end_options options = { .type = QP_RC,
					    .size = SIZE,
					    .timeout = 14,
					    .retry_count = 7,
					    .rnr_retry = 7,
					    .min_rnr_timer = 1,
					    .unsignaled = true };

static void join(uint32_t side)
{
	host_join(&host, &lab, side);
	end_create(&end, &host, &options);
	board->address[side] = end_address(&end);
	atomic_fetch_add(&board->connected, 1);
	while (atomic_load(&board->connected) < 2)
		clock_rest(1);
	end_connect(&end, &board->address[!side]);
	atomic_fetch_add(&board->connected, 1);
	while (atomic_load(&board->connected) < 4)
		clock_rest(1);
}

/* --- the peer --- */

static void look(void)
{
	uint64_t i = 0;

	while (i < SIZE && (board->hole && i / PAGE == board->hole / PAGE
				    ? true
				    : end.memory[i] == board->expected[i]))
		i++;
	board->differs = i;
	board->bytes = atomic_load(&end.qp.shared->rx_bytes);
	board->messages = atomic_load(&end.qp.shared->rx_messages);
}

/* It polls: over the queue it is there that requests are carried out. */
static void be_the_peer(void *arg)
{
	uint32_t answered = 0;

	(void)arg;
	join(1);
	memset(end.memory, 0, SIZE);
	if (board->hole)
		munmap(end.memory + board->hole, PAGE);
	atomic_store(&board->answered, 1);
	while (!atomic_load(&board->stop)) {
		cq_empty(&end.recv_cq);
		if (atomic_load(&board->asked) == answered)
			continue;
		look();
		atomic_store(&board->answered, ++answered + 1);
	}
	end_destroy(&end);
	host_leave(&host);
}

static pid_t start_peer(uint64_t hole)
{
	pid_t pid;

	board->hole = hole;
	pid = child_run(be_the_peer, NULL);
	join(0);
	while (!atomic_load(&board->answered))
		clock_rest(1);
	return pid;
}

static void stop_peer(pid_t pid)
{
	atomic_store(&board->stop, 1);
	child_wait(pid);
	end_destroy(&end);
}

/* The peer's memory is as expected, all of it. */
static void ask_the_peer(void)
{
	uint32_t asked = atomic_fetch_add(&board->asked, 1) + 1;

	while (atomic_load(&board->answered) != asked + 1)
		cq_empty(&end.send_cq);
	if (board->differs != SIZE)
		fail_msg("byte %llu of the peer is not so", (unsigned long long)board->differs);
}

/* --- lists that work --- */

static char own[SIZE]; /* what is to be in the memory of this side */

/* Small ones with now and then a long one, often where the one before has ended. */
static struct request draw(struct random *random, uint64_t wr_id, const struct request *before)
{
	static const uint32_t lengths[] = { 8, 8, 8, 1, 64, 100, 1000, 4096, 9000, 0 };
	struct request r = {
		.opcode = random_below(random, 4) ? WR_RDMA_WRITE : WR_RDMA_READ,
		.length = lengths[random_below(random, sizeof(lengths) / sizeof(*lengths))],
		.wr_id = wr_id,
	};

	r.offset = random_below(random, SIZE - 2 * r.length);
	r.remote = random_below(random, SIZE - r.length);
	if (before && random_below(random, 2) && before->remote + before->length + r.length < SIZE)
		r.remote = before->remote + before->length;
	if (r.opcode == WR_RDMA_WRITE && r.length <= 64 && random_below(random, 2))
		r.flags = SEND_INLINE;
	else if (r.length > 8 && random_below(random, 2))
		r.piece = (r.length + 2) / 3, r.stride = r.piece + r.piece / 4;
	if (random_below(random, 3) == 0)
		r.flags |= SEND_SIGNALED;
	return r;
}

/* In turn, byte by byte. */
static void model(const struct request *r)
{
	uint32_t piece = r->piece ? r->piece : r->length;

	for (uint32_t i = 0; i < r->length; i++) {
		uint64_t at = r->offset + (uint64_t)(i / piece) * r->stride + i % piece;

		if (r->opcode == WR_RDMA_READ)
			own[at] = board->expected[r->remote + i];
		else
			board->expected[r->remote + i] = own[at];
	}
}

/* Those that asked for it, and the last one, in order. */
static void take_completions(const struct request *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct shared_cqe entry;

		if (!(list[i].flags & SEND_SIGNALED))
			continue;
		entry = cq_next(&end.send_cq);
		assert_int_equal(entry.wr_id, list[i].wr_id);
		assert_int_equal(entry.status, WC_SUCCESS);
		assert_int_equal(entry.byte_len, list[i].length);
		assert_int_equal(entry.opcode,
				 list[i].opcode == WR_RDMA_READ ? WC_RDMA_READ : WC_RDMA_WRITE);
	}
	cq_empty(&end.send_cq);
}

/* What is sent inline is what was there when it was posted, and this side's memory is
 * changed by reads alone: so a list has either of them.
 */
static uint32_t draw_list(struct random *random, struct request *list, uint64_t wr_id)
{
	uint32_t count = 1 + (uint32_t)random_below(random, MOST);
	bool reads = random_below(random, 2);

	for (uint32_t i = 0; i < count; i++) {
		list[i] = draw(random, wr_id + i, i ? &list[i - 1] : NULL);
		if (reads)
			list[i].flags &= SEND_SIGNALED;
		else
			list[i].opcode = WR_RDMA_WRITE;
	}
	list[count - 1].flags |= SEND_SIGNALED;
	return count;
}

static void does_them_in_order(void **state)
{
	static struct request list[MOST];
	uint64_t writes = 0, messages = 0;
	struct random random;
	pid_t peer;

	(void)state;
	random_init(&random, 7, "lists", 0);
	peer = start_peer(0);
	for (uint32_t i = 0; i < SIZE; i++)
		own[i] = end.memory[i] = (char)random_below(&random, 256);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t count = draw_list(&random, list, messages);

		for (uint32_t i = 0; i < count; i++) {
			model(&list[i]);
			writes += list[i].opcode == WR_RDMA_WRITE ? list[i].length : 0;
		}
		messages += count;
		end_send_all(&end, &board->address[1], list, count);
		take_completions(list, count);
		assert_memory_equal(end.memory, own, SIZE);
		if (round % 8 == 7)
			ask_the_peer();
	}
	assert_int_equal(atomic_load(&end.qp.shared->tx_messages), messages);
	assert_int_equal(atomic_load(&end.qp.shared->tx_bytes), writes);
	assert_int_equal(board->messages, messages);
	assert_int_equal(board->bytes, writes);
	stop_peer(peer);
}

/* --- sends --- */

#define SENDS    16
#define RECEIVES 12 /* the others come late */
#define ROOM     512

/* Message I. */
static uint32_t length_of(uint32_t i)
{
	return i * 37 % 113;
}

static char byte_of(uint32_t i, uint32_t j)
{
	return (char)(i * 41 + j * 3 + 1);
}

/* In pieces that do not lie together. */
static void make_room(uint32_t i)
{
	end_receive_pieces(&end, i, (uint64_t)i * ROOM, 120, 30, 50);
}

static bool has_arrived(uint32_t i)
{
	struct shared_cqe entry = cq_next(&end.recv_cq);
	const char *room = end.memory + (uint64_t)i * ROOM;
	bool immediate = i % 3 == 0;

	if (entry.status != WC_SUCCESS || entry.wr_id != i || entry.byte_len != length_of(i) ||
	    entry.flags != (immediate ? WC_WITH_IMM : 0) || (immediate && entry.imm != i))
		return false;
	for (uint32_t j = 0; j < 120; j++)
		if (room[j / 30 * 50 + j % 30] != (j < length_of(i) ? byte_of(i, j) : 0))
			return false;
	for (uint32_t j = 30; j < 200; j += 50)
		if (room[j] || room[j + 19])
			return false;
	return true;
}

static void receive_them(void *arg)
{
	(void)arg;
	join(1);
	memset(end.memory, 0, SIZE);
	for (uint32_t i = 0; i < RECEIVES; i++)
		make_room(i);
	atomic_store(&board->answered, 1);
	for (uint32_t i = 0; i < SENDS; i++) {
		if (!has_arrived(i))
			_exit(1);
		for (uint32_t late = RECEIVES; i == RECEIVES - 1 && late < SENDS; late++)
			make_room(late);
	}
	while (!atomic_load(&board->stop))
		cq_empty(&end.recv_cq);
	end_destroy(&end);
	host_leave(&host);
}

static void fills_receives_in_order(void **state)
{
	struct request list[SENDS];
	pid_t peer = child_run(receive_them, NULL);

	(void)state;
	join(0);
	while (!atomic_load(&board->answered))
		clock_rest(1);
	for (uint32_t i = 0; i < SENDS; i++) {
		list[i] = (struct request){ .opcode = i % 3 ? WR_SEND : WR_SEND_WITH_IMM,
					    .flags = SEND_SIGNALED | (i % 2 ? SEND_INLINE : 0),
					    .offset = (uint64_t)i * ROOM,
					    .length = length_of(i),
					    .imm = i,
					    .wr_id = i };
		for (uint32_t j = 0; j < length_of(i); j++)
			end.memory[i * ROOM + j] = byte_of(i, j);
	}
	end_send_all(&end, &board->address[1], list, SENDS);
	for (uint32_t i = 0; i < SENDS; i++) {
		struct shared_cqe entry = cq_next(&end.send_cq);

		assert_int_equal(entry.wr_id, i);
		assert_int_equal(entry.status, WC_SUCCESS);
		assert_int_equal(entry.opcode, WC_SEND);
	}
	stop_peer(peer);
}

/* --- one that does not --- */

#define BAD   5
#define COUNT 9

/* Writes of 8 bytes behind each other, from START on. */
static void write_eights(struct request *list, uint64_t start)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		list[i] = (struct request){ .opcode = WR_RDMA_WRITE,
					    .flags = SEND_SIGNALED,
					    .offset = 8 * i,
					    .length = 8,
					    .remote = start + 8 * i,
					    .wr_id = i };
		if (i < BAD)
			memset(board->expected + start + 8 * i, i + 1, 8);
		memset(end.memory + 8 * i, i + 1, 8);
	}
}

/* Those before the bad one have succeeded, it fails with STATUS, the others are flushed. */
static void fails_at_the_bad_one(const struct request *list, int status)
{
	end_send_all(&end, &board->address[1], list, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct shared_cqe entry = cq_next(&end.send_cq);

		assert_int_equal(entry.wr_id, i);
		assert_int_equal(entry.status, i < BAD    ? WC_SUCCESS
					       : i == BAD ? status
							  : WC_WR_FLUSH_ERR);
	}
	assert_int_equal(end_state(&end), QP_ERR);
	ask_the_peer();
}

static void stops_at_a_wrong_remote_key(void **state)
{
	struct request list[COUNT];
	pid_t peer = start_peer(0);

	(void)state;
	write_eights(list, 100);
	list[BAD].rkey = board->address[1].rkey + 1;
	fails_at_the_bad_one(list, WC_REM_ACCESS_ERR);
	stop_peer(peer);
}

static void stops_at_a_wrong_local_key(void **state)
{
	struct request list[COUNT];
	pid_t peer = start_peer(0);

	(void)state;
	write_eights(list, 100);
	list[BAD].lkey = end.mr.key + 1;
	fails_at_the_bad_one(list, WC_LOC_PROT_ERR);
	stop_peer(peer);
}

/* What was registered can be unmapped all the same. */
static void stops_where_the_peer_has_no_memory(void **state)
{
	struct request list[COUNT];
	pid_t peer = start_peer(2 * PAGE);

	(void)state;
	write_eights(list, 2 * PAGE - 8 * BAD);
	fails_at_the_bad_one(list, WC_REM_ACCESS_ERR);
	stop_peer(peer);
}

static void stops_where_it_has_no_memory_itself(void **state)
{
	struct request list[COUNT];
	pid_t peer = start_peer(0);

	(void)state;
	write_eights(list, 100);
	munmap(end.memory + 4 * PAGE, PAGE);
	list[BAD].offset = 4 * PAGE;
	fails_at_the_bad_one(list, WC_LOC_PROT_ERR);
	stop_peer(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_EACH_TRANSPORT(does_them_in_order, open_lab, close_lab),
		BY_EACH_TRANSPORT(fills_receives_in_order, open_lab, close_lab),
		BY_EACH_TRANSPORT(stops_at_a_wrong_remote_key, open_lab, close_lab),
		BY_EACH_TRANSPORT(stops_at_a_wrong_local_key, open_lab, close_lab),
		BY_TRANSPORT(stops_where_the_peer_has_no_memory, "direct", open_lab, close_lab),
		BY_TRANSPORT(stops_where_it_has_no_memory_itself, "direct", open_lab, close_lab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
