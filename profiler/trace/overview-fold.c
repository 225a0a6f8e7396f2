/* SPDX-License-Identifier: Apache-2.0 */
/* overview-fold.c - rows, and the accounts of a file's queue pairs in them */
#include "trace/overviewlib.h"

#include <stdlib.h>

/* The first file of the same node stands for it. */
static uint32_t node_of(const struct trace_run *run, uint32_t file)
{
	uint32_t first = 0;

	while (!same_node(run, first, file))
		first++;
	return first;
}

struct place {
	uint64_t a, b;
};

static struct place place_of(const struct collector *c, uint32_t peer, uint32_t qp)
{
	const struct trace_file *file = c->run->file;
	uint32_t self = index_of(c);
	bool known = peer != OVERVIEW_NOBODY;

	switch (c->overview->by) {
	case OVERVIEW_RANK:
		return (struct place){ c->file->rank, 0 };
	case OVERVIEW_PEER:
		return (struct place){ c->file->rank, known ? file[peer].rank : peer };
	case OVERVIEW_HOST:
		return (struct place){ node_of(c->run, self),
				       known ? node_of(c->run, peer) : peer };
	case OVERVIEW_QP:
		return (struct place){ self, qp };
	default:
		return (struct place){ 0, 0 };
	}
}

static void describe(const struct collector *c, struct overview_row *row, uint32_t peer)
{
	const struct trace_file *file = c->run->file;
	bool known = peer != OVERVIEW_NOBODY;

	row->rank = row->peer = OVERVIEW_NOBODY;
	row->node = row->peer_node = "";
	if (c->overview->by == OVERVIEW_RUN)
		return;
	row->node = c->file->header.node;
	if (known)
		row->peer_node = file[peer].header.node;
	if (c->overview->by == OVERVIEW_HOST)
		return;
	row->rank = c->file->rank;
	if (known)
		row->peer = file[peer].rank;
}

static struct overview_row *row_at(struct collector *c, struct place place, uint32_t peer)
{
	struct overview *overview = c->overview;
	struct overview_row *row = hash_get(&overview->index, place.a, place.b), **grown;

	if (row)
		return row;
	grown = reallocarray(overview->row, overview->rows + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	overview->row = grown;
	row = calloc(1, sizeof(*row));
	if (!row || hash_put(&overview->index, place.a, place.b, row) < 0) {
		free(row);
		return NULL;
	}
	describe(c, row, peer);
	overview->row[overview->rows++] = row;
	return row;
}

static int add(struct collector *c, struct account *account, uint32_t peer, uint32_t qp,
	       struct overview_row **row)
{
	*row = row_at(c, place_of(c, peer, qp), peer);
	if (!*row || account_merge(&(*row)->account, account) < 0 ||
	    account_merge(&c->overview->total, account) < 0)
		return no_memory(c);
	return 0;
}

static int fold_lane(struct collector *c, const struct trace_qp *qp, struct lane *lane)
{
	struct overview_row *row;

	account_close(&lane->account);
	if (add(c, &lane->account, lane->file, qp->id, &row) < 0)
		return -1;
	if (c->overview->by != OVERVIEW_QP)
		return 0;
	row->qpn = qp->qpn;
	row->type = qp->type;
	row->peer_qpn = lane->file != OVERVIEW_NOBODY ? lane->peer_qpn : qp->peer_qpn;
	return 0;
}

/* One queue pair, though each peer of it has a row. */
static int fold_qp(struct collector *c, const struct trace_qp *qp)
{
	struct flow *flow = qp->user;
	uint64_t before = c->overview->total.qps;

	if (!flow) {
		c->overview->unused++;
		return 0;
	}
	for (struct lane *lane = flow->lanes; lane; lane = lane->next)
		if (fold_lane(c, qp, lane) < 0)
			return -1;
	c->overview->total.qps = before + 1;
	return 0;
}

/* The latest queue pair with the number. */
static const struct trace_qp *qp_of(const struct objects *objects, const struct counted *counted)
{
	for (uint32_t i = objects->qps; i-- > 0;)
		if (objects->qp[i]->qpn == counted->qpn &&
		    objects->qp[i]->context == counted->context)
			return objects->qp[i];
	return NULL;
}

static int fold_counted(struct collector *c, const struct objects *objects, struct counted *counted)
{
	const struct trace_qp *qp = qp_of(objects, counted);
	const struct trace_end *end = qp && (wants_peers(c) || c->overview->by == OVERVIEW_QP)
					      ? trace_run_peer(c->run, index_of(c), qp)
					      : NULL;
	struct overview_row *row;

	if (qp && qp->type == UD)
		counted->account.received.bytes -= ACCOUNT_GRH * counted->account.received.messages;
	account_close(&counted->account);
	if (qp && qp->user)
		counted->account.qps = 0; /* it is there already */
	else if (qp)
		c->overview->unused--;
	if (add(c, &counted->account, end ? end->file : OVERVIEW_NOBODY,
		qp ? qp->id : OBJECTS_NONE - counted->qpn, &row) < 0)
		return -1;
	if (c->overview->by != OVERVIEW_QP)
		return 0;
	row->qpn = counted->qpn;
	row->type = qp ? qp->type : 0;
	row->peer_qpn = qp ? qp->peer_qpn : 0;
	return 0;
}

static int fold_shared(struct collector *c)
{
	struct overview_row *row;

	if (!c->shared.receives && !c->shared.refused && !c->shared.received.messages)
		return 0;
	if (add(c, &c->shared, OVERVIEW_NOBODY, OBJECTS_NONE, &row) < 0)
		return -1;
	row->shared = c->overview->by == OVERVIEW_QP;
	return 0;
}

int overview_fold(struct collector *c, const struct objects *objects)
{
	for (uint32_t i = 0; i < objects->qps; i++)
		if (fold_qp(c, objects->qp[i]) < 0)
			return -1;
	for (struct counted *counted = c->counted; counted; counted = counted->next)
		if (fold_counted(c, objects, counted) < 0)
			return -1;
	return fold_shared(c);
}
