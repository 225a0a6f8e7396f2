/* SPDX-License-Identifier: Apache-2.0 */
#include "trafficends.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONGEST      7000
#define INLINE       128
#define MEMBER_FLOWS 8
#define PATIENCE     300000 /* ms: for the slowest of machines */

static int64_t deadline;

void crowd_need(struct crowd *crowd, bool ok, const char *what, uint32_t flow, uint64_t number)
{
	if (ok && !atomic_load(&crowd->failed))
		return;
	if (!atomic_exchange(&crowd->failed, 1)) /* the others only follow */
		fprintf(stderr, "# flow %u, %llu: %s\n", flow, (unsigned long long)number, what);
	_exit(1);
}

/* --- messages --- */

void payload_make(const struct flow *flow, uint32_t number, char *to)
{
	uint32_t length = flow->item[number].length;
	char bytes[SLOT];
	struct stamp stamp = {
		.device = flow->source.device,
		.qpn = flow->source.qpn,
		.number = number,
		.length = length,
		.checksum = 2166136261,
		.flow = flow->number,
	};
	uint32_t state = (flow->number + 1) * 2654435761u ^ (number + 1) * 40503u;

	for (uint32_t i = sizeof(stamp); i < length; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (char)(state >> 24);
		stamp.checksum = (stamp.checksum ^ (uint8_t)bytes[i]) * 16777619;
	}
	memcpy(bytes, &stamp, sizeof(stamp));
	memcpy(to, bytes, length);
}

/* --- what is sent --- */

static const uint16_t opcodes[] = {
	[QP_RC] = 1 << WR_RDMA_WRITE | 1 << WR_RDMA_WRITE_WITH_IMM | 1 << WR_SEND |
		  1 << WR_SEND_WITH_IMM | 1 << WR_RDMA_READ | 1 << WR_ATOMIC_CMP_AND_SWP |
		  1 << WR_ATOMIC_FETCH_AND_ADD | 1 << WR_SEND_WITH_INV,
	[QP_UC] = 1 << WR_RDMA_WRITE | 1 << WR_RDMA_WRITE_WITH_IMM | 1 << WR_SEND |
		  1 << WR_SEND_WITH_IMM,
	[QP_UD] = 1 << WR_SEND | 1 << WR_SEND_WITH_IMM,
	/* a receiving XRC queue pair cannot bind a window */
	[QP_XRC_SEND] = 1 << WR_RDMA_WRITE | 1 << WR_RDMA_WRITE_WITH_IMM | 1 << WR_SEND |
			1 << WR_SEND_WITH_IMM | 1 << WR_RDMA_READ | 1 << WR_ATOMIC_CMP_AND_SWP |
			1 << WR_ATOMIC_FETCH_AND_ADD,
};

static enum wr_opcode draw_opcode(struct random *random, const struct flow *flow)
{
	uint32_t opcode;

	do {
		opcode = (uint32_t)random_below(random, WR_SEND_WITH_INV + 1);
	} while (!(opcodes[flow->type] & 1 << opcode));
	return opcode;
}

/* Where nothing says that a message is missing it has room for its stamp. */
static uint32_t draw_length(struct random *random, const struct flow *flow)
{
	static const uint32_t most[] = { 1, 100, TRAFFIC_MTU, 3 * TRAFFIC_MTU, LONGEST, LONGEST };
	uint32_t least = flow_reliable(flow) ? 0 : sizeof(struct stamp);
	uint64_t class = random_below(random, flow->type == QP_UD ? 3 : 6);

	return least + (uint32_t)random_below(random, most[class] - (class > 1 ? least : 0));
}

static void draw_pieces(struct random *random, struct item *item)
{
	uint32_t pieces = 1 + (uint32_t)random_below(random, 4);

	if (item->length <= INLINE && item->opcode != WR_RDMA_READ && random_below(random, 2)) {
		item->flags = SEND_INLINE;
	} else if (pieces > 1 && item->length >= pieces) {
		item->piece = (item->length + pieces - 1) / pieces;
		item->stride = item->piece + (uint32_t)random_below(random, 100);
	}
}

static void draw_atomic(struct random *random, struct item *item, uint64_t *words)
{
	uint64_t word = random_below(random, WORDS);

	item->length = 8;
	item->remote = 8 * word;
	item->original = words[word];
	item->compare_add = random_next(random);
	if (item->opcode == WR_ATOMIC_FETCH_AND_ADD) {
		words[word] += item->compare_add;
		return;
	}
	item->swap = random_next(random);
	if (random_below(random, 2))
		item->compare_add = words[word];
	if (item->compare_add == words[word])
		words[word] = item->swap;
}

static void draw_item(struct random *random, const struct flow *flow, uint32_t number,
		      uint64_t *words, uint32_t *windows)
{
	struct item *item = &flow->item[number];

	item->opcode = draw_opcode(random, flow);
	if (item_is_atomic(item)) {
		draw_atomic(random, item, words);
		return;
	}
	item->length = draw_length(random, flow);
	draw_pieces(random, item);
	item->remote = written_at(flow);
	item->remote += flow_reliable(flow) ? random_below(random, WRITTEN - item->length)
					    : (uint64_t)number * SLOT;
	if (item->opcode == WR_SEND_WITH_INV && *windows == TRAFFIC_WINDOWS)
		item->opcode = WR_SEND;
	if (item->opcode == WR_SEND_WITH_INV)
		item->window = ++*windows;
	else if (item_writes(item) && flow->type == QP_RC && *windows < TRAFFIC_WINDOWS)
		item->window = (uint32_t)random_below(random, 2) * (*windows + 1);
}

static void draw(struct crowd *crowd, struct flow *flow)
{
	uint64_t words[WORDS] = { 0 };
	uint32_t windows = 0;
	struct random random;

	random_init(&random, crowd->seed, "traffic", flow->number);
	for (uint32_t i = 0; i < flow->messages; i++)
		draw_item(&random, flow, i, words, &windows);
}

void apply(const struct flow *flow, uint32_t number, char *memory)
{
	const struct item *item = &flow->item[number];
	uint64_t word;

	if (item_writes(item))
		payload_make(flow, number, memory + item->remote);
	if (!item_is_atomic(item))
		return;
	word = item->original + item->compare_add;
	if (item->opcode == WR_ATOMIC_CMP_AND_SWP)
		word = item->original == item->compare_add ? item->swap : item->original;
	memcpy(memory + item->remote, &word, sizeof(word));
}

char *image(uint64_t size)
{
	char *memory = malloc(size);

	if (!memory)
		_exit(1);
	memset(memory, UNTOUCHED, size);
	memset(memory, 0, 8 * WORDS);
	return memory;
}

/* --- members --- */

struct member {
	struct crowd *crowd;
	uint32_t number;
	struct host host;
	struct source source[MEMBER_FLOWS];
	struct target target[MEMBER_FLOWS];
	uint32_t sources, targets;
};

static void alone(const struct member *m, bool ok, const char *what)
{
	crowd_need(m->crowd, ok, what, UINT32_MAX, m->number);
}

/* Go on when all members have come here for the TIMES-th time. */
static void meet(const struct member *m, uint32_t times)
{
	atomic_fetch_add(&m->crowd->here, 1);
	while (atomic_load(&m->crowd->here) < times * m->crowd->members) {
		alone(m, clock_ms() < deadline, "a member does not come");
		clock_rest(1);
	}
}

static void open_device(struct member *m, uint32_t device)
{
	if (device && !m->host.more[device].context.fabric)
		host_open(&m->host, device);
}

static void add_source(struct member *m, struct flow *flow)
{
	struct source *source = &m->source[m->sources++];

	alone(m, m->sources <= MEMBER_FLOWS, "too many flows");
	*source = (struct source){ .crowd = m->crowd, .flow = flow };
	open_device(m, flow->from_device);
	source_create(source, &m->host);
}

static void add_target(struct member *m, struct flow *flow)
{
	struct target *target = &m->target[m->targets++];

	alone(m, m->targets <= MEMBER_FLOWS, "too many flows");
	*target = (struct target){ .crowd = m->crowd, .flow = flow, .pool = target };
	for (uint32_t i = 0; i + 1 < m->targets; i++)
		if (m->target[i].flow == flow->shares)
			target->pool = &m->target[i];
	open_device(m, flow->to_device);
	target_create(target, &m->host);
}

static void create(struct member *m)
{
	host_join(&m->host, &m->crowd->lab, m->number);
	for (uint32_t i = 0; i < m->crowd->flows; i++)
		if (m->crowd->flow[i].from == m->number)
			add_source(m, &m->crowd->flow[i]);
	for (int shares = 0; shares < 2; shares++)
		for (uint32_t i = 0; i < m->crowd->flows; i++) {
			struct flow *flow = &m->crowd->flow[i];

			if (flow->to == m->number && !flow->shares == !shares)
				add_target(m, flow);
		}
}

static void connect_all(struct member *m)
{
	for (uint32_t i = 0; i < m->sources; i++)
		end_connect(&m->source[i].end, &m->source[i].flow->target);
	for (uint32_t i = 0; i < m->targets; i++) {
		end_connect(&m->target[i].end, &m->target[i].flow->source);
		target_open(&m->target[i]);
	}
}

static bool step(struct member *m)
{
	bool moved = false;

	for (uint32_t i = 0; i < m->sources; i++)
		moved |= source_step(&m->source[i]);
	for (uint32_t i = 0; i < m->targets; i++)
		moved |= target_step(&m->target[i]);
	return moved;
}

/* All has been sent from here and to here, and no mail is left. */
static bool all_done(const struct member *m)
{
	for (uint32_t i = 0; i < m->sources; i++)
		if (!atomic_load(&m->source[i].flow->done))
			return false;
	for (uint32_t i = 0; i < m->targets; i++)
		if (!atomic_load(&m->target[i].flow->done))
			return false;
	return !atomic_load(&m->host.fabric.process->attention);
}

static void take_part(struct member *m)
{
	bool done = false, moved = true;

	while (!done || moved) {
		done = all_done(m);
		moved = step(m);
		alone(m, clock_ms() < deadline, "it takes too long");
		if (!moved)
			clock_rest(1);
	}
}

static void destroy(struct member *m)
{
	for (uint32_t i = 0; i < m->sources; i++)
		source_destroy(&m->source[i]);
	while (m->targets) /* whose receive requests others take goes last */
		target_destroy(&m->target[--m->targets]);
	host_leave(&m->host);
}

static struct crowd *running;

static void run(void *arg)
{
	struct member *m = calloc(1, sizeof(*m));

	if (!m)
		_exit(1);
	m->crowd = running;
	m->number = (uint32_t)(uintptr_t)arg;
	create(m);
	if (m->number == 0 && m->crowd->begin)
		m->crowd->begin(m->crowd, &m->host);
	meet(m, 1);
	connect_all(m);
	meet(m, 2);
	take_part(m);
	meet(m, 3);
	step(m); /* nothing comes twice */
	for (uint32_t i = 0; i < m->sources; i++)
		source_check(&m->source[i]);
	for (uint32_t i = 0; i < m->targets; i++)
		target_check(&m->target[i]);
	meet(m, 4);
	if (m->number == 0 && m->crowd->check)
		m->crowd->check(m->crowd, &m->host);
	meet(m, 5);
	destroy(m);
	free(m);
}

/* --- crowds --- */

struct crowd *crowd_create(uint32_t members, uint32_t flows)
{
	struct crowd *crowd = share(sizeof(*crowd) + flows * sizeof(crowd->flow[0]));

	crowd->members = members;
	crowd->flows = flows;
	for (uint32_t i = 0; i < flows; i++)
		crowd->flow[i].number = i;
	return crowd;
}

/* All end before the fabric goes away, the others too when one has failed. */
static bool all_succeed(struct crowd *crowd)
{
	bool good = true;
	int status;

	for (uint32_t i = 0; i < crowd->members; i++) {
		if (wait(&status) >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		good = false;
		atomic_store(&crowd->failed, 1);
	}
	return good;
}

void crowd_run(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->flows; i++) {
		struct flow *flow = &crowd->flow[i];

		flow->item = share(flow->messages * sizeof(*flow->item));
		flow->arrived = share(flow->messages);
		draw(crowd, flow);
	}
	running = crowd;
	deadline = clock_ms() + PATIENCE;
	for (uintptr_t i = 0; i < crowd->members; i++)
		child_run(run, (void *)i);
	assert_true(all_succeed(crowd));
}

void crowd_destroy(struct crowd *crowd)
{
	lab_close(&crowd->lab);
	for (uint32_t i = 0; i < crowd->flows; i++) {
		struct flow *flow = &crowd->flow[i];

		if (flow->item)
			munmap(flow->item, flow->messages * sizeof(*flow->item));
		if (flow->arrived)
			munmap(flow->arrived, flow->messages);
	}
	munmap(crowd, sizeof(*crowd) + crowd->flows * sizeof(crowd->flow[0]));
}
