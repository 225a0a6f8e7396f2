/* SPDX-License-Identifier: Apache-2.0 */
#include "random-steps.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

#define ALL_REMOTE (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_READ | ACCESS_REMOTE_ATOMIC)
#define ALL        (ACCESS_LOCAL_WRITE | ALL_REMOTE | ACCESS_MW_BIND)

static uint32_t below(struct random *r, uint32_t limit)
{
	return (uint32_t)random_below(r, limit);
}

static bool one_in(struct random *r, uint32_t n)
{
	return below(r, n) == 0;
}

/* One of the numbers 0 .. COUNT - 1, by WEIGHTS. */
static uint32_t weighted(struct random *r, const uint32_t *weights, uint32_t count)
{
	uint32_t sum = 0, at, i;

	for (i = 0; i < count; i++)
		sum += weights[i];
	at = below(r, sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

/* --- memory --- */

static uint32_t random_length(struct random *r)
{
	static const uint32_t weights[] = { 50, 30, 13, 7 };
	static const uint32_t limits[] = { 65, 1500, 4200, 42000 };

	return below(r, limits[weighted(r, weights, 4)]);
}

static uint32_t offset_in(struct random *r, uint32_t region, uint32_t zone, uint32_t length)
{
	if (region == REGION_OF_DM)
		return zone / ZONE * DM_ZONE + below(r, DM_ZONE - length + 1);
	return zone + below(r, ZONE - length + 1);
}

/* The first covers all and allows all; the others less. */
static uint32_t random_region(struct random *r)
{
	static const uint32_t weights[REGIONS] = { 30, 1, 1, 4 };

	return weighted(r, weights, REGIONS);
}

/* LENGTH bytes in ZONE of one of the regions. */
static struct piece random_piece(struct random *r, uint32_t zone, uint32_t length)
{
	struct piece piece = { .region = random_region(r), .length = length };

	if (piece.region == REGION_OF_DM && length > DM_ZONE)
		piece.region = 0;
	piece.offset = offset_in(r, piece.region, zone, length);
	return piece;
}

static void add_pieces(struct random *r, struct step *step, uint32_t zone, uint32_t length)
{
	step->sges = one_in(r, 60) ? SGES + 1 : 1 + below(r, SGES);
	if (!length && one_in(r, 2))
		step->sges = 0;
	for (uint32_t i = 0; i < step->sges; i++) {
		uint32_t left = step->sges - i;
		uint32_t part = left == 1 ? length : below(r, length + 1);

		step->sge[i] = random_piece(r, zone, part);
		length -= part;
	}
}

/* --- sending --- */

static bool is_atomic(uint32_t opcode)
{
	return opcode == WR_ATOMIC_CMP_AND_SWP || opcode == WR_ATOMIC_FETCH_AND_ADD;
}

static uint32_t random_opcode(struct random *r, uint32_t type)
{
	static const uint32_t connected[] = { 10, 5, 10, 5, 10, 4, 5, 1, 2, 2 };
	static const uint32_t uc[] = { 10, 5, 10, 5, 0, 0, 0, 1, 1, 0 };
	static const uint32_t ud[] = { 0, 0, 10, 5 };

	if (one_in(r, 100))
		return below(r, 10);
	if (type == QP_UC)
		return weighted(r, uc, 10);
	return type == QP_UD ? weighted(r, ud, 4) : weighted(r, connected, 10);
}

/* What is sent and may wait comes from where nobody writes; so does what is sent
 * without anybody saying when it has arrived.
 */
static uint32_t source_of(struct random *r, const struct step *step, uint32_t type)
{
	if (step->opcode == WR_RDMA_WRITE && type != QP_UC)
		return one_in(r, 2) ? ZONE_SOURCES : ZONE_RECEIVED;
	return ZONE_SOURCES;
}

static void aim(struct random *r, struct step *step, uint32_t zone, uint32_t length)
{
	if (step->remote == REGION_OF_DM && length > DM_ZONE)
		step->remote = 0;
	step->remote_offset = offset_in(r, step->remote, zone, length);
}

static void make_data(struct random *r, struct step *step, uint32_t type)
{
	uint32_t length = random_length(r);

	if (type == QP_UD && length > MTU && !one_in(r, 10))
		length %= MTU;
	if (is_atomic(step->opcode)) {
		add_pieces(r, step, ZONE_RECEIVED, one_in(r, 50) ? 7 : 8);
		length = 8;
		aim(r, step, ZONE_TARGETS, 8);
		step->remote_offset &= ~7u;
	} else if (step->opcode == WR_RDMA_READ) {
		add_pieces(r, step, ZONE_RECEIVED, length);
		aim(r, step, one_in(r, 2) ? ZONE_SOURCES : ZONE_TARGETS, length);
	} else if (one_in(r, 4)) {
		step->flags |= SEND_INLINE;
		step->sges = 1;
		step->sge[0].length = length = below(r, one_in(r, 30) ? INLINE + 2 : INLINE);
		step->sge[0].offset = offset_in(r, 0, source_of(r, step, type), length);
		aim(r, step, ZONE_TARGETS, length);
	} else {
		add_pieces(r, step, source_of(r, step, type), length);
		aim(r, step, ZONE_TARGETS, length);
	}
}

static void make_binding(struct random *r, struct step *step)
{
	static const uint32_t weights[] = { 8, 1, 1, 1 };
	static const uint32_t access[] = { ALL_REMOTE, ACCESS_REMOTE_READ, ACCESS_REMOTE_WRITE, 0 };

	step->window_access = access[weighted(r, weights, 4)];
	if (one_in(r, 3))
		step->window_access |= ACCESS_ZERO_BASED;
	step->sges = 1;
	step->sge[0].region = random_region(r);
	/* one of type 1 is free again when it is bound to nothing */
	step->sge[0].length = one_in(r, 10) ? 0 : 1 + below(r, ZONE);
	step->sge[0].offset = offset_in(r, 0, ZONE_TARGETS, step->sge[0].length);
}

static uint32_t random_count(struct random *r)
{
	static const uint32_t weights[] = { 40, 8, 1 };
	uint32_t how = weighted(r, weights, 3);

	return how == 0 ? 1 : how == 1 ? 2 + below(r, 6) : DEPTH + 1;
}

static void make_send(struct random *r, struct step *step)
{
	static const uint32_t weights[QPS] = { 6, 6, 5, 5, 5, 5, 1 };
	uint32_t type;

	step->object = OBJECT_QP;
	step->slot = weighted(r, weights, QPS);
	type = model_types[step->slot];
	step->count = random_count(r);
	step->opcode = random_opcode(r, type);
	step->flags = below(r, 8) & (SEND_FENCE | SEND_SIGNALED | SEND_SOLICITED);
	step->imm = (uint32_t)random_next(r);
	step->compare_add = one_in(r, 2) ? below(r, 4) : random_next(r);
	step->swap = below(r, 4);
	step->global = !one_in(r, 3);
	step->window = below(r, WINDOWS);
	step->remote = one_in(r, 5) ? REGIONS + below(r, WINDOWS) : random_region(r);
	step->spoil = one_in(r, 40) ? below(r, SPOILS) : SPOIL_NOTHING;
	step->peer_slot = one_in(r, 30) ? below(r, QPS) : 4;
	if (type == QP_UD && one_in(r, 2))
		step->group = 1 + below(r, GROUPS);
	if (step->opcode == WR_BIND_MW)
		make_binding(r, step);
	else if (step->opcode != WR_LOCAL_INV)
		make_data(r, step, type);
}

static void make_receive(struct random *r, struct step *step)
{
	static const uint32_t weights[QPS + SRQS] = { 8, 8, 1, 8, 8, 1, 1, 6, 6 };

	step->slot = weighted(r, weights, QPS + SRQS);
	step->object = step->slot < QPS ? OBJECT_QP : OBJECT_SRQ;
	if (step->object == OBJECT_SRQ)
		step->slot -= QPS;
	step->count = random_count(r);
	step->spoil = one_in(r, 80) ? SPOIL_LKEY : SPOIL_NOTHING;
	add_pieces(r, step, ZONE_RECEIVED, one_in(r, 4) ? random_length(r) : 4200 + below(r, 4000));
}

/* --- the rest --- */

static void make_poll(struct random *r, struct step *step)
{
	step->object = OBJECT_CQ;
	step->slot = below(r, CQS);
	step->count = one_in(r, 3) ? 1 + below(r, 4) : 64;
}

static void make_arm(struct random *r, struct step *step)
{
	step->object = OBJECT_CQ;
	step->slot = below(r, CQS);
	step->flags = one_in(r, 2) ? SEND_SOLICITED : 0;
}

static bool fits(uint32_t slot, uint32_t other)
{
	uint32_t type = model_types[slot], wanted = model_types[other];

	if (type == QP_XRC_SEND)
		return wanted == QP_XRC_RECV;
	return type == QP_XRC_RECV ? wanted == QP_XRC_SEND : type == wanted;
}

static void make_connect(struct random *r, struct step *step)
{
	step->object = OBJECT_QP;
	step->slot = below(r, QPS);
	do
		step->peer_slot = below(r, QPS);
	while (!fits(step->slot, step->peer_slot));
	step->rnr_retry = one_in(r, 2) ? 7 : below(r, 3);
	step->access = one_in(r, 8) ? below(r, 16) : ALL_REMOTE | ACCESS_LOCAL_WRITE;
	step->imm = below(r, 4); /* its Q_Key */
}

static void make_modify(struct random *r, struct step *step)
{
	static const uint32_t weights[] = { 2, 2, 2, 8, 6, 1, 4 };

	make_connect(r, step);
	step->state = weighted(r, weights, 7);
}

static enum object random_object(struct random *r, uint32_t *slot)
{
	static const uint32_t weights[] = { 1, 2, 3, 6, 4, 3, 2 };
	static const uint32_t counts[] = { PDS, CQS, SRQS, QPS, REGIONS, WINDOWS, 1 };
	enum object object = weighted(r, weights, 7);

	*slot = below(r, counts[object]);
	return object;
}

static void vary(struct random *r, struct step *step)
{
	struct making *m = &step->making;
	uint32_t size;

	if (one_in(r, 4))
		m->pd = below(r, PDS);
	if (one_in(r, 4))
		m->cq = below(r, CQS);
	m->sig_all = one_in(r, 2);
	if (step->object != OBJECT_REGION || one_in(r, 2))
		return;
	size = step->slot == REGION_OF_DM ? STORE : ARENA;
	m->length = 1 + below(r, size);
	m->offset = below(r, size - m->length + 1);
	m->access = one_in(r, 2) ? ALL : below(r, 32) | ACCESS_LOCAL_WRITE;
}

static void make_create(struct random *r, struct step *step, uint64_t seed)
{
	step->object = random_object(r, &step->slot);
	step->making = steps_making(seed, step->object, step->slot);
	vary(r, step);
}

static void make_destroy(struct random *r, struct step *step)
{
	step->object = random_object(r, &step->slot);
}

static void make_resize(struct random *r, struct step *step)
{
	bool cq = one_in(r, 2);

	step->object = cq ? OBJECT_CQ : OBJECT_SRQ;
	step->slot = below(r, cq ? CQS : SRQS);
	step->making.capacity = cq ? 8u << below(r, 5) : 4u << below(r, 4);
}

static void make_limit(struct random *r, struct step *step)
{
	step->object = OBJECT_SRQ;
	step->slot = below(r, SRQS);
	step->making.capacity = below(r, 20);
}

static void make_reregistration(struct random *r, struct step *step, uint64_t seed)
{
	step->object = OBJECT_REGION;
	step->slot = 1 + below(r, REGIONS - 1);
	step->making = steps_making(seed, step->object, step->slot);
	step->state = 1 + below(r, 7);
	vary(r, step);
}

static void make_membership(struct random *r, struct step *step)
{
	static const uint32_t weights[QPS] = { 1, 0, 0, 0, 20, 0, 0 };

	step->object = OBJECT_QP;
	step->slot = weighted(r, weights, QPS);
	step->group = 1 + below(r, GROUPS);
}

static void make_touch(struct random *r, struct step *step)
{
	step->making.length = 1 + below(r, one_in(r, 2) ? ZONE / 4 : ZONE);
	step->making.offset = offset_in(r, 0, ZONE_SOURCES, step->making.length);
	step->imm = below(r, 256);
	step->slot = below(r, QPS);
}

static void make_copy(struct random *r, struct step *step)
{
	step->object = OBJECT_DM;
	step->count = below(r, 2);
	step->making.length = below(r, COPY_MOST + 1);
	step->making.offset = below(r, STORE - (one_in(r, 20) ? 0 : step->making.length) + 1);
	step->imm = below(r, 256);
}

static void make_step(struct step *step, uint64_t seed, uint32_t processes)
{
	static const uint32_t weights[STEP_KINDS] = { 300, 250, 160, 40, 90, 40, 60, 30, 20,
						      15,  15,  25,  15, 30, 30, 4,  20 };
	struct random r;

	random_init(&r, seed, "step", step->number);
	step->kind = weighted(&r, weights, STEP_KINDS);
	step->process = below(&r, processes);
	step->peer = below(&r, processes);
	step->making.srq = -1;
	switch (step->kind) {
	case STEP_SEND:
		make_send(&r, step);
		break;
	case STEP_RECEIVE:
		make_receive(&r, step);
		break;
	case STEP_POLL:
		make_poll(&r, step);
		break;
	case STEP_ARM:
		make_arm(&r, step);
		break;
	case STEP_CONNECT:
		make_connect(&r, step);
		break;
	case STEP_MODIFY:
		make_modify(&r, step);
		break;
	case STEP_CREATE:
		make_create(&r, step, seed);
		break;
	case STEP_DESTROY:
		make_destroy(&r, step);
		break;
	case STEP_RESIZE:
		make_resize(&r, step);
		break;
	case STEP_LIMIT:
		make_limit(&r, step);
		break;
	case STEP_REREGISTER:
		make_reregistration(&r, step, seed);
		break;
	case STEP_ATTACH:
	case STEP_DETACH:
		make_membership(&r, step);
		break;
	case STEP_TOUCH:
		make_touch(&r, step);
		break;
	case STEP_STORE:
		make_copy(&r, step);
		break;
	default:
		break;
	}
}

/* --- sequences --- */

void steps_make(struct step *steps, uint32_t count, uint64_t seed, uint32_t processes)
{
	memset(steps, 0, count * sizeof(*steps));
	for (uint32_t i = 0; i < count; i++) {
		steps[i].number = i;
		make_step(&steps[i], seed, processes);
	}
}

uint32_t steps_processes(uint64_t seed)
{
	struct random r;

	random_init(&r, seed, "processes", 0);
	return 2 + below(&r, PROCESSES - 1);
}

bool steps_strict(uint64_t seed)
{
	struct random r;

	random_init(&r, seed, "strict", 0);
	return one_in(&r, 3);
}

/* Nothing that is lost: who knows which message of UC or UD. */
const char *steps_settings(uint64_t seed)
{
	static const char *const settings[] = {
		"",
		"",
		"",
		",link_layer=ethernet",
		",latency=20us",
		",latency=3us,rate=10Gbit/s",
		",latency=5us,jitter=10us,rate=100Gbit/s",
	};
	struct random r;

	random_init(&r, seed, "settings", 0);
	return settings[below(&r, sizeof(settings) / sizeof(settings[0]))];
}

/* In a ring, a queue pair of one with that of the next; of the first type by pairs
 * within a process: the first with itself, the second with the next process.
 */
void steps_partner(uint64_t seed, uint32_t process, uint32_t slot, uint32_t *peer,
		   uint32_t *peer_slot)
{
	uint32_t processes = steps_processes(seed);
	uint32_t type = model_types[slot];

	*peer = process ^ 1;
	*peer_slot = slot;
	if (*peer >= processes || slot == 1)
		*peer = process;
	if (type == QP_XRC_SEND)
		*peer_slot = slot + 1;
	else if (type == QP_XRC_RECV)
		*peer_slot = slot - 1;
}

static struct making make_qp(uint64_t seed, uint32_t slot)
{
	struct making m = { .srq = -1, .capacity = 16, .receives = 16 };
	uint32_t type = model_types[slot];
	struct random r;

	random_init(&r, seed, "queue pair", slot);
	m.capacity >>= below(&r, 2);
	m.receives >>= below(&r, 2);
	m.cq = below(&r, CQS);
	m.recv_cq = below(&r, CQS);
	m.sig_all = one_in(&r, 2);
	if (slot == 2)
		m.srq = 0;
	if (slot == 2 || type >= QP_XRC_SEND)
		m.receives = 0;
	if (type == QP_XRC_RECV)
		m.capacity = 0;
	return m;
}

struct making steps_making(uint64_t seed, enum object object, uint32_t slot)
{
	struct making m = { .srq = -1, .access = ALL };

	switch (object) {
	case OBJECT_CQ:
		m.capacity = 128;
		break;
	case OBJECT_SRQ:
		m.capacity = 16;
		break;
	case OBJECT_QP:
		return make_qp(seed, slot);
	case OBJECT_REGION:
		m.length = slot == REGION_OF_DM ? STORE : ARENA;
		m.pd = slot == 2;
		if (slot != 1)
			break;
		m.offset = ZONE / 2;
		m.length = ZONE * 2;
		m.access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_READ;
		break;
	default:
		break;
	}
	return m;
}
