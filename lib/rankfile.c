/* SPDX-License-Identifier: Apache-2.0 */
#include "rankfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define X(suffix, name) [RANKOP_##suffix] = name,
const char *const rankop_names[RANKOP_COUNT] = { RANKOP_LIST(X) };
#undef X
#define X(suffix, name) [RANKRMA_##suffix] = name,
const char *const rankrma_names[RANKRMA_COUNT] = { RANKRMA_LIST(X) };
#undef X
#define X(suffix, name) [RANKUNSEEN_##suffix] = name,
const char *const rankunseen_names[RANKUNSEEN_COUNT] = { RANKUNSEEN_LIST(X) };
#undef X

/* Rows are allocated in powers of two: room is made when count is one. */
static int rankpeers_grow(struct rankpeers *peers)
{
	size_t count = peers->count;
	struct rankpeer *rows;

	if (count & (count - 1))
		return 0;
	rows = realloc(peers->rows, (count ? 2 * count : 1) * sizeof(*rows));
	if (!rows)
		return -1;
	peers->rows = rows;
	return 0;
}

static void rankpeer_sum(struct rankpeer *to, const struct rankpeer *from)
{
	to->tx_bytes += from->tx_bytes;
	to->tx_messages += from->tx_messages;
	to->rx_bytes += from->rx_bytes;
	to->rx_messages += from->rx_messages;
	if (to->first < 0 || (from->first >= 0 && from->first < to->first))
		to->first = from->first;
	if (from->last > to->last)
		to->last = from->last;
}

struct rankpeer *rankpeers_add(struct rankpeers *peers, const struct rankpeer *traffic)
{
	struct rankpeer *row;

	if (peers->count && peers->rows[peers->count - 1].peer == traffic->peer) {
		row = &peers->rows[peers->count - 1];
		rankpeer_sum(row, traffic);
		return row;
	}
	if (rankpeers_grow(peers) < 0)
		return NULL;
	row = &peers->rows[peers->count++];
	*row = *traffic;
	return row;
}

static int rankpeer_compare(const void *a, const void *b)
{
	const struct rankpeer *left = a;
	const struct rankpeer *right = b;

	return (left->peer > right->peer) - (left->peer < right->peer);
}

void rankpeers_sort(struct rankpeers *peers)
{
	size_t kept = 0;

	if (!peers->count)
		return;
	qsort(peers->rows, peers->count, sizeof(*peers->rows), rankpeer_compare);
	for (size_t i = 1; i < peers->count; i++) {
		if (peers->rows[i].peer == peers->rows[kept].peer)
			rankpeer_sum(&peers->rows[kept], &peers->rows[i]);
		else
			peers->rows[++kept] = peers->rows[i];
	}
	/* Keep the power-of-two rule of rankpeers_grow(): a smaller count only
	 * makes it reallocate sooner. */
	peers->count = kept + 1;
}

void rankpeers_release(struct rankpeers *peers)
{
	free(peers->rows);
	*peers = (struct rankpeers){ 0 };
}

void rankfile_release(struct rankfile *rank)
{
	free(rank->description);
	free(rank->node);
	free(rank->processor_name);
	free(rank->program);
	free(rank->mpi);
	free(rank->pml);
	free(rank->job);
	free(rank->step);
	rankpeers_release(&rank->peers);
	for (int op = 0; op < RANKOP_COUNT; op++)
		rankpeers_release(&rank->ops[op]);
	free(rank->sizes);
	free(rank->timing);
	for (size_t i = 0; i < rank->nphases; i++) {
		free(rank->phases[i].spans);
		for (int op = 0; op < RANKOP_COUNT; op++)
			rankpeers_release(&rank->phases[i].ops[op]);
	}
	free(rank->phases);
	for (size_t i = 0; i < rank->nwindows; i++)
		rankpeers_release(&rank->windows[i].peers);
	free(rank->windows);
	free(rank->rma);
	free(rank->unseen);
	for (size_t i = 0; i < rank->nbypass; i++)
		free(rank->bypass[i]);
	free(rank->bypass);
	for (size_t i = 0; i < rank->nelsewhere; i++)
		free(rank->elsewhere[i].gid);
	free(rank->elsewhere);
	for (size_t i = 0; i < rank->nfailed; i++)
		free(rank->failed[i].status);
	free(rank->failed);
	*rank = (struct rankfile){ 0 };
}
