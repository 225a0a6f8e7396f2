/* SPDX-License-Identifier: Apache-2.0 */
/* overview-rows.c - rows of the same place, what they are called, and their end */
#include "trace/overview.h"
#include "trace/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void overview_release(struct overview *overview)
{
	for (size_t i = 0; i < overview->rows; i++) {
		account_release(&overview->row[i]->account);
		free(overview->row[i]);
	}
	free(overview->row);
	hash_release(&overview->index);
	account_release(&overview->total);
	*overview = (struct overview){ .by = overview->by };
}

static bool same_place(const struct overview_row *a, const struct overview_row *b)
{
	return a->rank == b->rank && a->peer == b->peer && a->qpn == b->qpn &&
	       a->shared == b->shared && !strcmp(a->node, b->node) &&
	       !strcmp(a->peer_node, b->peer_node);
}

const struct overview_row *overview_same(const struct overview *other,
					 const struct overview_row *row)
{
	for (size_t i = 0; i < other->rows; i++)
		if (same_place(other->row[i], row))
			return other->row[i];
	return NULL;
}

static void put_number(char *buf, size_t size, uint32_t number)
{
	if (number == OVERVIEW_NOBODY)
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%" PRIu32, number);
}

char *overview_label(const struct overview *overview, const struct overview_row *row, char *buf,
		     size_t size)
{
	char rank[16], peer[16];

	put_number(rank, sizeof(rank), row->rank);
	put_number(peer, sizeof(peer), row->peer);
	switch (overview->by) {
	case OVERVIEW_RUN:
		snprintf(buf, size, "run");
		break;
	case OVERVIEW_RANK:
		snprintf(buf, size, "%s", rank);
		break;
	case OVERVIEW_HOST:
		snprintf(buf, size, "%s -> %s", row->node, *row->peer_node ? row->peer_node : "?");
		break;
	case OVERVIEW_PEER:
		snprintf(buf, size, "%s -> %s", rank, peer);
		break;
	default:
		if (row->shared)
			snprintf(buf, size, "%s shared receive queues", rank);
		else
			snprintf(buf, size, "%s %s 0x%06" PRIx32 " -> %s 0x%06" PRIx32, rank,
				 name_qp_type(row->type), row->qpn, peer, row->peer_qpn);
	}
	return buf;
}
