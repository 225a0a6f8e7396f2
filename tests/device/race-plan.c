/* SPDX-License-Identifier: Apache-2.0 */
#include "race.h"

#include "random.h"

#include <stdlib.h>
#include <string.h>

#define SMALL 1000
#define LARGE 70000 /* more than one part of transport=queue */

static uint32_t below(struct random *r, uint32_t limit)
{
	return (uint32_t)random_below(r, limit);
}

/* --- links --- */

static void plan_link(struct random *r, struct link_plan *link, uint32_t processes)
{
	static const enum qp_type types[] = { QP_RC, QP_RC, QP_RC, QP_UC, QP_UD, QP_XRC_SEND };

	link->process[0] = below(r, processes);
	link->process[1] = (link->process[0] + 1 + below(r, processes - 1)) % processes;
	link->type = types[below(r, 6)];
	link->srq = link->type == QP_XRC_SEND || (link->type == QP_RC && below(r, 2));
	link->messages = 50 + below(r, 200);
	link->size = below(r, 6) || link->type == QP_UD ? SMALL : LARGE;
	link->ending = below(r, 2) ? ENDING_DONE : (enum ending)below(r, ENDINGS);
	link->end_at = below(r, link->messages);
}

void race_plan(struct race_plan *plan, uint64_t seed, bool kill)
{
	static const char *const settings[] = {
		"",
		"",
		"",
		",link_layer=ethernet",
		",latency=20us",
		",latency=3us,rate=10Gbit/s",
		",latency=5us,jitter=10us,rate=100Gbit/s",
		",loss=0.01,latency=2us",
		",strict=yes",
		",strict=yes,latency=3us,rate=10Gbit/s",
	};
	struct random r;

	memset(plan, 0, sizeof(*plan));
	random_init(&r, seed, "race", 0);
	plan->seed = seed;
	plan->processes = 2 + below(&r, RACERS - 1);
	plan->settings = settings[below(&r, sizeof(settings) / sizeof(settings[0]))];
	plan->links = 1 + below(&r, LINKS);
	for (uint32_t i = 0; i < plan->links; i++)
		plan_link(&r, &plan->link[i], plan->processes);
	plan->victim = kill ? (int)below(&r, plan->processes) : -1;
	plan->kill_at = below(&r, 300);
}

/* --- messages --- */

bool race_consumes(enum wr_opcode opcode)
{
	return opcode == WR_SEND || opcode == WR_SEND_WITH_IMM || opcode == WR_RDMA_WRITE_WITH_IMM;
}

struct message race_message(const struct race_plan *plan, uint32_t link, uint32_t side, uint64_t n)
{
	/* what UC and UD lose is known by the immediate data of what comes */
	static const enum wr_opcode all[] = {
		WR_SEND,      WR_SEND_WITH_IMM,       WR_RDMA_WRITE,
		WR_RDMA_READ, WR_RDMA_WRITE_WITH_IMM, WR_ATOMIC_FETCH_AND_ADD
	};
	static const enum wr_opcode uc[] = { WR_SEND_WITH_IMM, WR_RDMA_WRITE,
					     WR_RDMA_WRITE_WITH_IMM };
	const struct link_plan *l = &plan->link[link];
	struct message m = { .opcode = WR_SEND_WITH_IMM };
	struct random r;

	random_init(&r, plan->seed, side ? "message of b" : "message of a",
		    (uint64_t)link << 32 | n);
	if (l->type == QP_UC)
		m.opcode = uc[below(&r, 3)];
	else if (l->type != QP_UD)
		m.opcode = all[below(&r, 6)];
	m.length = below(&r, below(&r, 4) ? 200 : l->size + 1);
	m.inline_data = m.opcode != WR_RDMA_READ && m.length <= 100 && below(&r, 3) == 0;
	m.signaled = below(&r, 3) == 0;
	m.slot = below(&r, SLOTS);
	if (m.opcode == WR_ATOMIC_FETCH_AND_ADD) {
		m.length = 8;
		m.inline_data = false;
	}
	return m;
}

void race_fill(char *to, uint32_t length, uint64_t seed, uint32_t link, uint32_t side, uint64_t n)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u + link * 2 + side + (n << 20);

	for (uint32_t i = 0; i < length; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		to[i] = (char)(x >> 56);
	}
}

/* --- memory --- */

/* A guard of at least 64 bytes is behind each slot. */
static uint32_t stride(const struct link_plan *link)
{
	return (link->size + GRH + 64 + 63) / 64 * 64;
}

uint32_t race_slot(const struct link_plan *link, enum zone zone, uint32_t slot)
{
	return 4096 + (zone * SLOTS + slot) * stride(link);
}

uint32_t race_size(const struct link_plan *link)
{
	return race_slot(link, ZONES, 0);
}

/* Whether all of [FROM, TO) is the guard. */
static bool is_guard(const char *memory, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if ((uint8_t)memory[i] != GUARD)
			return false;
	return true;
}

/* Slot SLOT is as messages of which LAST - 1 was the newest have left it; of those up
 * to MOST - 1 any byte may be there already.
 */
static bool slot_is_right(const struct race *race, uint32_t link, uint32_t side, uint32_t slot,
			  uint64_t last, uint64_t most)
{
	const struct link_plan *l = &race->plan.link[link];
	const char *is = race->side[link][side].memory + race_slot(l, ZONE_WRITTEN, slot);
	char *byte = malloc(2 * stride(l)), *data = byte + stride(l);
	bool right = true, *fine = calloc(stride(l), 1);

	memset(byte, GUARD, stride(l));
	for (uint64_t n = 0; n < most; n++) {
		struct message m = race_message(&race->plan, link, !side, n);

		if ((m.opcode != WR_RDMA_WRITE && m.opcode != WR_RDMA_WRITE_WITH_IMM) ||
		    m.slot != slot)
			continue;
		race_fill(data, m.length, race->plan.seed, link, !side, n);
		for (uint32_t i = 0; i < m.length; i++)
			if (n < last)
				byte[i] = data[i];
			else
				fine[i] |= is[i] == data[i];
	}
	for (uint32_t i = 0; i < stride(l); i++)
		right &= is[i] == byte[i] || fine[i];
	free(byte);
	free(fine);
	return right;
}

bool race_written(const struct race *race, uint32_t link, uint32_t side)
{
	const struct link_plan *l = &race->plan.link[link];
	const struct side_state *peer = &race->side[link][!side];
	uint64_t posted = atomic_load(&peer->posted), last = atomic_load(&peer->succeeded);

	/* nobody says which messages of UC have arrived */
	if (l->type == QP_UC)
		last = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (!slot_is_right(race, link, side, i, last, posted))
			return false;
	return is_guard(race->side[link][side].memory, RACE_RESULTS + 8 * SLOTS, 4096);
}
