/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the model's processes, and the keys to it. */
#include "random-model.h"

#include <string.h>

#define PATTERN 0xa5 /* of strict=yes */

/* --- keys --- */

bool model_covers(uint64_t addr, uint64_t length, uint64_t start, uint64_t size)
{
	return addr >= start && length <= size && addr - start <= size - length;
}

struct model_region *model_region(struct model_process *p, uint32_t key)
{
	for (uint32_t i = 0; i < REGIONS; i++)
		if (p->region[i].used && p->region[i].key == key)
			return &p->region[i];
	return NULL;
}

struct model_window *model_window(struct model_process *p, uint32_t key)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
		if (p->window[i].used && p->window[i].key == key)
			return &p->window[i];
	return NULL;
}

/* A window of type 1 is its domain's, one of type 2 its queue pair's. */
static bool is_its(const struct model *m, const struct model_window *window, uint32_t pd,
		   uint32_t qpn)
{
	if (window->type1 && m->fault != FAULT_TYPE1)
		return window->pd == pd;
	return window->qpn == qpn;
}

int64_t model_open(const struct model *m, struct model_process *p, uint32_t key, uint64_t addr,
		   uint64_t length, uint32_t access, uint32_t pd, uint32_t qpn)
{
	const struct model_region *region = model_region(p, key);
	const struct model_window *window = model_window(p, key);

	if (region && region->pd == pd && (region->access & access) == access &&
	    model_covers(addr, length, region->store ? 0 : region->addr, region->length))
		return (int64_t)(region->store ? ARENA + region->addr + addr : addr - m->address);
	if (window && window->bound && is_its(m, window, pd, qpn) &&
	    (window->access & access) == access &&
	    model_covers(addr, length, window->iova, window->length))
		return (int64_t)(addr - window->iova + window->addr - m->address);
	return -1;
}

/* Of what a work request names itself: windows are for others. */
static int64_t open_sge(const struct model *m, struct model_process *p,
			const struct shared_sge *sge, uint32_t access, uint32_t pd)
{
	if (model_window(p, sge->key))
		return -1;
	return model_open(m, p, sge->key, sge->addr, sge->length, access, pd, 0);
}

bool model_open_local(const struct model *m, struct model_process *p, const struct work *work,
		      uint64_t length, uint32_t access, uint32_t pd)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < work->sges && seen < length; i++) {
		const struct shared_sge *sge = &work->sge[i];

		if (sge->length && open_sge(m, p, sge, access, pd) < 0)
			return false;
		seen += sge->length;
	}
	return true;
}

void model_gather(const struct model *m, struct model_process *p, const struct work *work,
		  uint32_t pd, uint8_t *to)
{
	if (work->flags & SEND_INLINE) {
		memcpy(to, work->data, work->inline_length);
		return;
	}
	for (uint32_t i = 0; i < work->sges; i++) {
		int64_t at = open_sge(m, p, &work->sge[i], 0, pd);

		if (at >= 0)
			memcpy(to, p->memory + at, work->sge[i].length);
		to += work->sge[i].length;
	}
}

void model_scatter(const struct model *m, struct model_process *p, const struct work *work,
		   uint32_t pd, const uint8_t *from, uint64_t length, uint64_t skip)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < work->sges; i++) {
		int64_t to = open_sge(m, p, &work->sge[i], 0, pd);

		for (uint64_t j = 0; j < work->sge[i].length && at < length; j++, at++)
			if (at >= skip)
				p->memory[to + (int64_t)j] = from[at];
	}
}

/* --- strict=yes --- */

void model_fill(const struct model *m, struct model_process *p, const struct work *work,
		uint32_t pd)
{
	if (!m->strict || m->fault == FAULT_FILL ||
	    !model_open_local(m, p, work, UINT64_MAX, ACCESS_LOCAL_WRITE, pd))
		return;
	for (uint32_t i = 0; i < work->sges; i++)
		if (work->sge[i].length)
			memset(p->memory + open_sge(m, p, &work->sge[i], 0, pd), PATTERN,
			       work->sge[i].length);
}

/* FNV-1a of LENGTH bytes more. */
static uint64_t add_to(uint64_t sum, const uint8_t *bytes, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

/* 0: it cannot be read. */
static uint64_t sum_of(const struct model *m, struct model_process *p, const struct work *work,
		       uint32_t pd)
{
	uint64_t sum = 0xcbf29ce484222325;

	if (!model_open_local(m, p, work, UINT64_MAX, 0, pd))
		return 0;
	for (uint32_t i = 0; i < work->sges; i++)
		if (work->sge[i].length)
			sum = add_to(sum, p->memory + open_sge(m, p, &work->sge[i], 0, pd),
				     work->sge[i].length);
	return sum;
}

void model_keep(const struct model *m, struct model_process *p, struct work *work, uint32_t pd)
{
	const uint32_t sending = 1u << WR_SEND | 1u << WR_SEND_WITH_IMM | 1u << WR_SEND_WITH_INV |
				 1u << WR_RDMA_WRITE | 1u << WR_RDMA_WRITE_WITH_IMM;

	work->sum = 0;
	if (m->strict && sending & 1u << work->opcode && work->sges)
		work->sum = sum_of(m, p, work, pd);
}

void model_look(struct model *m, struct model_process *p, struct work *work, uint32_t pd)
{
	uint64_t sum = work->sum ? sum_of(m, p, work, pd) : 0;

	m->told += sum && sum != work->sum && m->fault != FAULT_TOLD;
	work->sum = 0;
}
