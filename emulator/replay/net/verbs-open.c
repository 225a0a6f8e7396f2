/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- memory ---- */

static size_t round_up(size_t size)
{
	return (size + VERBS_PAGE - 1) & ~(size_t)(VERBS_PAGE - 1);
}

/* Segments that there is to be memory for. */
static uint64_t count_segments(const struct verbs *verbs)
{
	return (uint64_t)verbs->net.size * (verbs->slot_count + VERBS_LONG) + VERBS_POOL;
}

/* Of the completion queue of a rail: receives, segments and credits of all peers may complete
 * at once.
 */
static uint64_t count_entries(const struct verbs *verbs)
{
	uint64_t queues = verbs->qps / verbs->rail_count + 2;

	return verbs->net.size * queues * 2 * verbs->slot_count;
}

/* The least that any device takes. */
static int max_cqe(const struct verbs *verbs)
{
	int least = INT_MAX;

	for (uint32_t i = 0; i < verbs->rail_count; i++)
		if (verbs->rails[i].max_cqe < least)
			least = verbs->rails[i].max_cqe;
	return least;
}

/* As many as there is memory for, of SEGMENT bytes each, and entries of a completion queue. */
static void choose_slots(struct verbs *verbs, uint64_t memory, uint64_t segment)
{
	verbs->slot_count = VERBS_SLOTS;
	while (verbs->slot_count > VERBS_SLOTS_LEAST &&
	       (verbs->slot_count * (uint64_t)verbs->net.size > VERBS_SLOTS_ALL ||
		count_segments(verbs) * (segment + 2 * VERBS_PAGE) > memory ||
		count_entries(verbs) > (uint64_t)max_cqe(verbs)))
		verbs->slot_count /= 2;
}

/* How large segments may be with the memory there is. */
static int choose_segment(struct verbs *verbs, struct err *err)
{
	uint64_t memory = verbs->settings->memory ? verbs->settings->memory : 256u << 20;
	uint64_t segment = verbs->settings->segment ? verbs->settings->segment : VERBS_SEGMENT;
	uint64_t slots, each;
	uint64_t least = VERBS_SEGMENT_MIN;

	choose_slots(verbs, memory, segment);
	slots = count_segments(verbs);
	each = memory / slots & ~(uint64_t)(VERBS_PAGE - 1);
	if (segment + VERBS_PAGE > each && !verbs->settings->segment)
		segment = each > VERBS_PAGE ? each - VERBS_PAGE : 0;
	if (verbs->settings->segment)
		least = round_up(verbs->settings->segment);
	if (segment < VERBS_SEGMENT_MIN || segment + VERBS_PAGE > each)
		return err_set(err, "%u ranks need %llu bytes of memory each, not %llu",
			       verbs->net.size, (unsigned long long)slots * (least + VERBS_PAGE),
			       (unsigned long long)memory);
	verbs->segment = (uint32_t)segment;
	verbs->slot_size = VERBS_PAGE + round_up(segment);
	verbs->peer_size = (verbs->slot_count + VERBS_LONG) * verbs->slot_size;
	for (uint32_t i = 0; i < verbs->net.size; i++)
		for (uint32_t slot = 0; slot < verbs->slot_count; slot++)
			verbs->peers[i].unused[verbs->peers[i].unused_count++] = (uint8_t)slot;
	return 0;
}

static int make_memory(struct verbs *verbs, struct err *err)
{
	const size_t size = verbs->net.size;
	size_t slots = size * verbs->peer_size;
	size_t words = round_up(size * sizeof(uint64_t));
	size_t heads = round_up(size * VERBS_SLOTS * sizeof(*verbs->heads));
	uint8_t *at;

	verbs->memory_size = slots + 2 * words + heads + (size_t)VERBS_POOL * verbs->segment;
	at = mmap(NULL, verbs->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	if (at == MAP_FAILED)
		return err_errno(err, "no room for %zu bytes of messages", verbs->memory_size);
	verbs->memory = at;
	verbs->slots = at;
	verbs->credits = (volatile uint64_t *)(at += slots);
	verbs->credit_source = (uint64_t *)(at += words);
	verbs->heads = (struct verbs_head *)(at += words);
	verbs->pool = at + heads;
	for (int i = VERBS_LONG; i < VERBS_POOL; i++)
		verbs->pool_free[verbs->pool_count++] = i;
	return 0;
}

/* ---- the whole ---- */

static int set_queue_pairs(struct verbs *verbs, struct err *err)
{
	verbs->qps =
		verbs->settings->queue_pairs ? verbs->settings->queue_pairs : verbs->rail_count;
	if (verbs->qps > VERBS_QPS)
		return err_set(err, "%u queue pairs for each peer: at most %d", verbs->qps,
			       VERBS_QPS);
	if (verbs->qps % verbs->rail_count)
		return err_set(err, "%u queue pairs for each peer do not go evenly over %u devices",
			       verbs->qps, verbs->rail_count);
	return 0;
}

static int equip(struct verbs *verbs, struct err *err)
{
	uint64_t entries = count_entries(verbs);

	if (entries <= (uint64_t)max_cqe(verbs))
		return verbs_equip_rails(verbs, entries, err);
	return err_set(err,
		       "%u ranks with %u queue pairs each need a completion queue of "
		       "%llu entries, the device has %d",
		       verbs->net.size, verbs->qps, (unsigned long long)entries, max_cqe(verbs));
}

int verbs_open(struct verbs *verbs, struct err *err)
{
	if (verbs_open_rails(verbs, err) < 0 || set_queue_pairs(verbs, err) < 0 ||
	    choose_segment(verbs, err) < 0 || make_memory(verbs, err) < 0)
		return -1;
	return equip(verbs, err);
}

void verbs_close(struct verbs *verbs)
{
	for (uint32_t i = 0; verbs->peers && i < verbs->net.size; i++)
		for (uint32_t q = 0; q < verbs_queues(verbs); q++)
			if (verbs->peers[i].qps[q].qp)
				ibv_destroy_qp(verbs->peers[i].qps[q].qp);
	verbs_close_rails(verbs);
	if (verbs->memory)
		munmap(verbs->memory, verbs->memory_size);
}
