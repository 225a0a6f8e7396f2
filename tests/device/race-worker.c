/* SPDX-License-Identifier: Apache-2.0 */
#include "race.h"

#include "clock.h"
#include "random.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT 60000 /* ms for all */

struct side {
	uint32_t link, side;
	const struct link_plan *plan;
	struct side_state *state, *peer;
	struct end end;
	struct address to;
	bool sends, receives, created;
	bool failed;  /* nothing more is posted */
	bool flushed; /* a send request has failed, so all others do */
	bool gone;    /* its queue pair is destroyed or reset */
	/* send requests: those below `completed` are done with */
	uint64_t posted, completed, added;
	uint64_t written[SLOTS]; /* the newest message that wrote there, + 1 */
	/* receive requests are given and come back in order */
	uint64_t given, taken;
	uint64_t heard; /* messages of the peer below it have come, or never will */
};

static struct {
	struct race *race;
	uint32_t number;
	struct host host;
	struct xrcd xrcd;
	struct random random;
	struct side side[2 * LINKS];
	uint32_t sides;
	int64_t end;
} self;

static void wrong(const struct side *s, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static void wrong(const struct side *s, const char *format, ...)
{
	char *text = self.race->wrong;
	size_t size = sizeof(self.race->wrong);
	va_list args;
	int n;

	n = snprintf(text, size, "process %u link %u side %u: ", self.number, s ? s->link : 0,
		     s ? s->side : 0);
	va_start(args, format);
	vsnprintf(text + n, size - (size_t)n, format, args);
	va_end(args);
	_exit(1);
}

static uint32_t below(uint32_t limit)
{
	return (uint32_t)random_below(&self.random, limit);
}

/* --- sending --- */

static struct message message_at(const struct side *s, uint64_t n)
{
	return race_message(&self.race->plan, s->link, s->side, n);
}

static struct request request_of(struct side *s, uint64_t n, const struct message *m)
{
	struct request r = {
		.opcode = m->opcode,
		.flags = (m->signaled ? SEND_SIGNALED : 0) | (m->inline_data ? SEND_INLINE : 0),
		.offset = race_slot(s->plan, ZONE_SENT, n % SLOTS),
		.length = m->length,
		.remote = race_slot(s->plan, ZONE_WRITTEN, m->slot),
		.imm = (uint32_t)n,
		.wr_id = n,
	};

	if (m->opcode == WR_RDMA_READ)
		r.offset = race_slot(s->plan, ZONE_READ, n % SLOTS);
	if (m->opcode == WR_ATOMIC_FETCH_AND_ADD) {
		r.offset = RACE_RESULTS + 8 * (n % SLOTS);
		r.remote = RACE_COUNTER;
		r.compare_add = 1;
	}
	/* at least one of a queue that is full says when there is room */
	if (n % 4 == 3)
		r.flags |= SEND_SIGNALED;
	return r;
}

static void post(struct side *s)
{
	uint64_t n = s->posted;
	struct message m = message_at(s, n);
	struct request r = request_of(s, n, &m);

	if (m.opcode == WR_RDMA_READ)
		memset(s->end.memory + r.offset, GUARD, s->plan->size + 1);
	else if (m.opcode != WR_ATOMIC_FETCH_AND_ADD)
		race_fill(s->end.memory + r.offset, m.length, self.race->plan.seed, s->link,
			  s->side, n);
	/* known before it can have happened */
	atomic_store(&s->state->posted, n + 1);
	end_send(&s->end, &s->to, &r);
	s->posted++;
	atomic_fetch_add(&self.race->sent[self.number], 1);
}

/* Reads come behind the writes before them; nobody else writes there. */
static void check_read(struct side *s, uint64_t n, const struct message *m)
{
	const char *is = s->end.memory + race_slot(s->plan, ZONE_READ, n % SLOTS);
	char *should = malloc(s->plan->size + 1);

	memset(should, GUARD, s->plan->size + 1);
	for (uint64_t i = 0; i < n; i++) {
		struct message w = message_at(s, i);

		if ((w.opcode == WR_RDMA_WRITE || w.opcode == WR_RDMA_WRITE_WITH_IMM) &&
		    w.slot == m->slot)
			race_fill(should, w.length, self.race->plan.seed, s->link, s->side, i);
	}
	memset(should + m->length, GUARD, s->plan->size + 1 - m->length);
	if (memcmp(is, should, s->plan->size + 1))
		wrong(s, "message %llu has read something else", (unsigned long long)n);
	free(should);
}

static void succeed(struct side *s, uint64_t n)
{
	struct message m = message_at(s, n);
	uint64_t was;

	if (m.opcode == WR_RDMA_READ)
		check_read(s, n, &m);
	if (m.opcode == WR_ATOMIC_FETCH_AND_ADD) {
		memcpy(&was, s->end.memory + RACE_RESULTS + 8 * (n % SLOTS), 8);
		if (was != s->added++)
			wrong(s, "message %llu has found %llu", (unsigned long long)n,
			      (unsigned long long)was);
	}
}

static bool is_signaled(const struct side *s, uint64_t n)
{
	return message_at(s, n).signaled || n % 4 == 3;
}

/* The peer has gone, or this side has failed already. */
static bool may_fail(const struct side *s, uint32_t status)
{
	uint32_t dying = atomic_load(&self.race->dying);

	if (status == WC_WR_FLUSH_ERR)
		return s->failed;
	return status == WC_RETRY_EXC_ERR &&
	       (atomic_load(&s->peer->failed) || dying & 1u << s->plan->process[!s->side]);
}

static void take_sent(struct side *s, const struct shared_cqe *entry)
{
	uint64_t n = entry->wr_id;

	if (n < s->completed || n >= s->posted)
		wrong(s, "message %llu completes, %llu to %llu are under way",
		      (unsigned long long)n, (unsigned long long)s->completed,
		      (unsigned long long)s->posted);
	if (s->gone)
		wrong(s, "message %llu completes after the end", (unsigned long long)n);
	for (; s->completed < n; s->completed++) {
		if (s->flushed)
			wrong(s, "message %llu was not flushed", (unsigned long long)s->completed);
		if (is_signaled(s, s->completed))
			wrong(s, "the completion of message %llu is missing",
			      (unsigned long long)s->completed);
		succeed(s, s->completed);
	}
	s->completed = n + 1;
	if (!entry->status && !is_signaled(s, n))
		wrong(s, "message %llu was not to complete", (unsigned long long)n);
	if (!entry->status && s->flushed)
		wrong(s, "message %llu succeeds after a failure", (unsigned long long)n);
	if (!entry->status) {
		succeed(s, n);
		atomic_store(&s->state->succeeded, n + 1);
		return;
	}
	if (!may_fail(s, entry->status))
		wrong(s, "message %llu: status %u", (unsigned long long)n, entry->status);
	if (!s->flushed)
		atomic_store(&s->state->succeeded, n);
	s->failed = s->flushed = true;
	atomic_store(&s->state->failed, 1);
}

/* --- receiving --- */

static void give(struct side *s)
{
	uint32_t at = race_slot(s->plan, ZONE_RECEIVED, s->given % SLOTS);

	memset(s->end.memory + at, GUARD, s->plan->size + GRH + 64);
	end_receive(&s->end, s->given, at, s->plan->size + GRH);
	s->given++;
}

static void check_received(struct side *s, const struct shared_cqe *entry)
{
	const struct race_plan *plan = &self.race->plan;
	uint32_t header = s->plan->type == QP_UD ? GRH : 0, room = s->plan->size + GRH + 64;
	const char *is = s->end.memory + race_slot(s->plan, ZONE_RECEIVED, entry->wr_id % SLOTS);
	struct message m = race_message(plan, s->link, !s->side, s->heard);
	char *should = malloc(room);

	if (entry->byte_len != m.length + header)
		wrong(s, "message %llu has %u bytes", (unsigned long long)s->heard,
		      entry->byte_len);
	if (m.opcode != WR_SEND && entry->imm != (uint32_t)s->heard)
		wrong(s, "message %llu came for %llu", (unsigned long long)entry->imm,
		      (unsigned long long)s->heard);
	memset(should, GUARD, room);
	if (strstr(plan->settings, "strict"))
		memset(should, PATTERN, s->plan->size + GRH);
	if (m.opcode != WR_RDMA_WRITE_WITH_IMM) {
		memcpy(should, is, header);
		race_fill(should + header, m.length, plan->seed, s->link, !s->side, s->heard);
	}
	if (memcmp(is, should, room))
		wrong(s, "message %llu is not what was sent", (unsigned long long)s->heard);
	free(should);
}

/* The next message of the peer that takes a receive request. */
static void next_heard(struct side *s)
{
	while (!race_consumes(race_message(&self.race->plan, s->link, !s->side, s->heard).opcode))
		s->heard++;
}

static void take_received(struct side *s, const struct shared_cqe *entry)
{
	if (entry->wr_id != s->taken)
		wrong(s, "receive request %llu completes instead of %llu",
		      (unsigned long long)entry->wr_id, (unsigned long long)s->taken);
	s->taken++;
	if (s->gone)
		wrong(s, "receive request %llu completes after the end",
		      (unsigned long long)entry->wr_id);
	if (entry->status == WC_WR_FLUSH_ERR) {
		s->failed = true;
		return;
	}
	if (entry->status)
		wrong(s, "receive request %llu: status %u", (unsigned long long)entry->wr_id,
		      entry->status);
	if (s->plan->type == QP_UC || s->plan->type == QP_UD) {
		if (entry->imm < s->heard)
			wrong(s, "message %u came again or late", entry->imm);
		s->heard = entry->imm;
	}
	next_heard(s);
	check_received(s, entry);
	s->heard++;
}

/* --- what is done at random --- */

static bool mistaken(const struct side *s, enum mistake mistake)
{
	return self.race->plan.mistake == mistake && s->posted > 10 && below(4) == 0;
}

static void poll_sends(struct side *s)
{
	struct shared_cqe entry[8];
	int n = s->sends ? cq_poll(&s->end.send_cq, entry, 1 + (int)below(8)) : 0;

	if (n < 0)
		wrong(s, "send queue's completions: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		if (!mistaken(s, MISTAKE_LOST))
			take_sent(s, &entry[i]);
}

static void poll_receives(struct side *s)
{
	struct shared_cqe entry[8];
	int n = s->receives ? cq_poll(&s->end.recv_cq, entry, 1 + (int)below(8)) : 0;

	if (n < 0)
		wrong(s, "receive queue's completions: %s", strerror(errno));
	for (int i = 0; i < n; i++) {
		take_received(s, &entry[i]);
		if (mistaken(s, MISTAKE_DOUBLED))
			take_received(s, &entry[i]);
	}
}

static bool may_post(const struct side *s)
{
	return s->sends && !s->failed && s->posted < s->plan->messages &&
	       s->posted - s->completed < RACE_DEPTH;
}

static void resize(struct side *s)
{
	uint32_t capacity = 2 * RACE_DEPTH << below(4);
	struct cq *cq = below(2) ? &s->end.send_cq : &s->end.recv_cq;

	if (cq_resize(cq, capacity) < 0)
		wrong(s, "resize to %u: %s", capacity, strerror(errno));
	if (s->end.options.srq && srq_resize(&s->end.srq, RACE_DEPTH << below(3)) < 0)
		wrong(s, "resize of a shared receive queue: %s", strerror(errno));
}

static void make_noise(struct side *s)
{
	if (!race_noise(&self.host, &s->end, &self.random))
		wrong(s, "objects that nobody uses: %s", strerror(errno));
}

/* The first side of some links fails on purpose. */
static void end_link(struct side *s)
{
	struct qp_attr attr = { .state = s->plan->ending == ENDING_RESET ? QP_RESET : QP_ERR };
	uint32_t async;
	int rc;

	atomic_store(&s->state->failed, 1); /* the peer may find out at once */
	if (s->plan->ending == ENDING_DESTROY)
		rc = qp_destroy(&s->end.qp, &async);
	else
		rc = qp_modify(&s->end.qp, &attr, QP_ATTR_STATE);
	if (rc < 0)
		wrong(s, "failing on purpose: %s", strerror(errno));
	s->failed = true;
	s->gone = s->plan->ending != ENDING_ERROR;
	s->created = s->plan->ending != ENDING_DESTROY;
}

static bool wants_to_end(const struct side *s)
{
	return !s->side && s->plan->ending != ENDING_DONE && !s->failed &&
	       s->posted >= s->plan->end_at && below(8) == 0;
}

static void act(struct side *s)
{
	switch (below(8)) {
	case 0:
	case 1:
	case 2:
		for (uint32_t burst = 1 + below(4); burst && may_post(s); burst--)
			post(s);
		break;
	case 3:
		while (s->receives && !s->failed && s->given - s->taken < RACE_DEPTH && below(6))
			give(s);
		break;
	case 4:
		if (wants_to_end(s))
			end_link(s);
		break;
	case 5:
		if (below(20) == 0)
			resize(s);
		if (below(40) == 0)
			make_noise(s);
		break;
	case 6:
		poll_receives(s);
		break;
	default:
		poll_sends(s);
	}
}

/* --- the end --- */

static bool is_reliable(const struct side *s)
{
	return s->plan->type == QP_RC || s->plan->type == QP_XRC_SEND;
}

static bool peer_is_gone(const struct side *s)
{
	uint32_t dead = atomic_load(&self.race->dead);

	return atomic_load(&s->peer->failed) || dead & 1u << s->plan->process[!s->side];
}

/* All that this side has to say is said, and all that it has to hear is heard. */
static bool is_finished(struct side *s)
{
	bool gone = peer_is_gone(s);

	if (s->gone)
		return true;
	/* without a completion the last ones are done, if those that have one are */
	for (uint64_t n = s->completed; n < s->posted; n++)
		if (is_signaled(s, n))
			return false;
	/* what a shared queue has left stays there */
	if (s->failed)
		return !s->receives || s->end.options.srq || s->taken == s->given;
	if (s->sends && s->posted < s->plan->messages)
		return false;
	if (!s->receives || !is_reliable(s) || gone)
		return true;
	next_heard(s);
	return s->heard >= s->plan->messages;
}

static bool all_are_finished(void)
{
	for (uint32_t i = 0; i < self.sides; i++)
		if (!is_finished(&self.side[i]))
			return false;
	return true;
}

static void check_time(void)
{
	if (clock_ms() < self.end + (all_are_finished() ? 5000 : 0))
		return; /* who has not finished speaks first */
	for (uint32_t i = 0; i < self.sides; i++) {
		struct side *s = &self.side[i];

		if (!is_finished(s))
			wrong(s,
			      "does not end: posted %llu completed %llu given %llu taken %llu "
			      "heard %llu failed %d peer %d type %u ending %u",
			      (unsigned long long)s->posted, (unsigned long long)s->completed,
			      (unsigned long long)s->given, (unsigned long long)s->taken,
			      (unsigned long long)s->heard, s->failed, peer_is_gone(s),
			      s->plan->type, s->plan->ending);
	}
	wrong(NULL, "the others do not end");
}

/* All go on until all who live have come here. */
static void meet(_Atomic uint32_t *come)
{
	uint32_t all = (1u << self.race->plan.processes) - 1;

	atomic_fetch_or(come, 1u << self.number);
	while ((atomic_load(come) | atomic_load(&self.race->dead)) != all) {
		for (uint32_t i = 0; i < self.sides; i++) {
			poll_sends(&self.side[i]);
			poll_receives(&self.side[i]);
		}
		check_time();
		clock_rest(1);
	}
}

static void check_side(struct side *s)
{
	uint64_t counter, added = 0, may = 0;

	for (uint64_t n = 0; n < atomic_load(&s->peer->posted); n++)
		if (race_message(&self.race->plan, s->link, !s->side, n).opcode ==
		    WR_ATOMIC_FETCH_AND_ADD) {
			added += n < atomic_load(&s->peer->succeeded);
			may++;
		}
	memcpy(&counter, s->end.memory + RACE_COUNTER, 8);
	if (self.race->plan.mistake == MISTAKE_BYTE)
		s->end.memory[race_slot(s->plan, ZONE_WRITTEN, 1) - 1] = 0;
	if (counter < added || counter > may)
		wrong(s, "%llu were added, of %llu to %llu", (unsigned long long)counter,
		      (unsigned long long)added, (unsigned long long)may);
	if (!race_written(self.race, s->link, s->side))
		wrong(s, "what was written is not there, or there is more");
}

/* --- from the beginning --- */

static void create_side(struct side *s)
{
	bool first = !s->side, xrc = s->plan->type == QP_XRC_SEND;
	struct end_options options = {
		.type = xrc && !first ? QP_XRC_RECV : s->plan->type,
		.size = race_size(s->plan),
		.srq = s->plan->srq && (!xrc || !first),
		.xrcd = xrc && !first ? &self.xrcd : NULL,
		.timeout = 8,
		.retry_count = 3,
		.rnr_retry = 7,
		.min_rnr_timer = 1,
		.unsignaled = true,
		.depth = RACE_DEPTH,
	};

	s->sends = first || !xrc;
	s->receives = !first || !xrc;
	end_create(&s->end, &self.host, &options);
	s->created = true;
	memset(s->end.memory, GUARD, s->end.size);
	memset(s->end.memory + RACE_COUNTER, 0, 8);
	s->state->memory = s->end.memory;
	s->state->address = end_address(&s->end);
}

static void begin(void)
{
	const struct race_plan *plan = &self.race->plan;

	host_join(&self.host, &self.race->lab, self.number % 2);
	if (xrcd_open(&self.xrcd, &self.host.context, -1, true, false) < 0)
		wrong(NULL, "xrcd_open: %s", strerror(errno));
	for (uint32_t i = 0; i < 2 * plan->links; i++) {
		struct side *s = &self.side[self.sides];

		if (plan->link[i / 2].process[i % 2] != self.number)
			continue;
		*s = (struct side){ .link = i / 2,
				    .side = i % 2,
				    .plan = &plan->link[i / 2],
				    .state = &self.race->side[i / 2][i % 2],
				    .peer = &self.race->side[i / 2][1 - i % 2] };
		create_side(s);
		self.sides++;
	}
	meet(&self.race->ready);
	for (uint32_t i = 0; i < self.sides; i++) {
		self.side[i].to = self.side[i].peer->address;
		end_connect(&self.side[i].end, &self.side[i].to);
	}
	meet(&self.race->connected);
}

static void destroy_side(struct side *s)
{
	uint32_t events, async;

	if (s->created) {
		end_destroy(&s->end);
		return;
	}
	if ((s->end.options.srq && srq_destroy(&s->end.srq, &async) < 0) ||
	    cq_destroy(&s->end.send_cq, &events, &async) < 0 ||
	    cq_destroy(&s->end.recv_cq, &events, &async) < 0 || mr_deregister(&s->end.mr) < 0)
		wrong(s, "taking down: %s", strerror(errno));
	munmap(s->end.memory, s->end.size);
}

void racer_run(void *arg)
{
	const struct racer_options *options = arg;

	self.race = options->race;
	self.number = options->number;
	self.end = clock_ms() + LIMIT;
	random_init(&self.random, self.race->plan.seed, "racer", self.number);
	begin();
	while (self.sides && !all_are_finished()) {
		act(&self.side[below(self.sides)]);
		check_time();
	}
	meet(&self.race->finished);
	for (uint32_t i = 0; i < 100; i++)
		progress_all(&self.host.fabric);
	for (uint32_t i = 0; i < self.sides; i++)
		check_side(&self.side[i]);
	meet(&self.race->checked);
	for (uint32_t i = 0; i < self.sides; i++)
		destroy_side(&self.side[i]);
	if (xrcd_close(&self.xrcd) < 0)
		wrong(NULL, "xrcd_close: %s", strerror(errno));
	host_leave(&self.host);
}
