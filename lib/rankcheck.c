/* SPDX-License-Identifier: Apache-2.0 */
#include "rankcheck.h"
#include "rankkeys.h"

#include <stdlib.h>
#include <string.h>

/* What is left of the totals once parts are taken away. */
struct rest {
	struct rankpeer *rows; /* owned */
	size_t count;
};

static int rest_init(struct rest *rest, const struct rankpeers *totals)
{
	rest->count = totals->count;
	rest->rows = malloc((totals->count + 1) * sizeof(*rest->rows));
	if (!rest->rows)
		return -1;
	if (totals->count)
		memcpy(rest->rows, totals->rows, totals->count * sizeof(*rest->rows));
	return 0;
}

/* Take PART (ascending) away.  Returns NULL, or the row that is not there. */
static const struct rankpeer *rest_take(struct rest *rest, const struct rankpeers *part)
{
	size_t at = 0;

	for (size_t i = 0; i < part->count; i++) {
		const struct rankpeer *row = &part->rows[i];
		struct rankpeer *left;

		while (at < rest->count && rest->rows[at].peer < row->peer)
			at++;
		left = &rest->rows[at];
		if (at == rest->count || left->peer != row->peer ||
		    left->tx_bytes < row->tx_bytes || left->tx_messages < row->tx_messages ||
		    left->rx_bytes < row->rx_bytes || left->rx_messages < row->rx_messages)
			return row;
		left->tx_bytes -= row->tx_bytes;
		left->tx_messages -= row->tx_messages;
		left->rx_bytes -= row->rx_bytes;
		left->rx_messages -= row->rx_messages;
	}
	return NULL;
}

/* A peer of which something is left, or NULL. */
static const struct rankpeer *rest_left(const struct rest *rest)
{
	for (size_t i = 0; i < rest->count; i++)
		if (rest->rows[i].tx_bytes || rest->rows[i].tx_messages || rest->rows[i].rx_bytes ||
		    rest->rows[i].rx_messages)
			return &rest->rows[i];
	return NULL;
}

/* COUNT parts at PARTS, STRIDE bytes apart; EXACT: together they are TOTALS. */
static int check_parts(const struct rankpeers *totals, const struct rankpeers *parts, size_t count,
		       size_t stride, bool exact, const char *name, const char *key,
		       struct err *err)
{
	const struct rankpeer *wrong = NULL;
	struct rest rest;

	if (rest_init(&rest, totals) < 0)
		return err_errno(err, "%s", name);
	for (size_t i = 0; !wrong && i < count; i++)
		wrong = rest_take(&rest,
				  (const struct rankpeers *)((const char *)parts + i * stride));
	if (!wrong && exact)
		wrong = rest_left(&rest);
	if (wrong)
		err_set(err, "%s: '%s' and '%s' do not agree on peer %u", name, key, RANKKEY_PEERS,
			wrong->peer);
	free(rest.rows);
	return wrong ? -1 : 0;
}

static int check_phases(const struct rankfile *rank, const char *name, struct err *err)
{
	if (!rank->nphases)
		return 0;
	for (int op = 0; op < RANKOP_COUNT; op++)
		if (check_parts(&rank->ops[op], &rank->phases[0].ops[op], rank->nphases,
				sizeof(*rank->phases), false, name, RANKKEY_PHASES, err) < 0)
			return -1;
	return 0;
}

/* Peers of totals; those of parts are then among them. */
static int check_range(const struct rankfile *rank, const char *name, struct err *err)
{
	const struct rankpeers *peers = &rank->peers;

	if (rank->ranks > RANKCHECK_RANKS)
		return err_set(err, "%s: '%s': %u ranks are too many to be true", name,
			       RANKKEY_N_PROCS, rank->ranks);
	if (!rank->ranks || rank->rank >= rank->ranks)
		return err_set(err, "%s: '%s': there is no rank %u of %u", name, RANKKEY_RANK,
			       rank->rank, rank->ranks);
	if (peers->count && peers->rows[peers->count - 1].peer >= rank->ranks)
		return err_set(err, "%s: '%s': there is no rank %u of %u", name, RANKKEY_PEERS,
			       peers->rows[peers->count - 1].peer, rank->ranks);
	for (size_t i = 0; i < rank->ntiming; i++)
		if (rank->timing[i].peer >= rank->ranks)
			return err_set(err, "%s: '%s': there is no rank %u of %u", name,
				       RANKKEY_TIMING, rank->timing[i].peer, rank->ranks);
	for (size_t i = 0; i < rank->nwindows; i++) {
		peers = &rank->windows[i].peers;
		if (peers->count && peers->rows[peers->count - 1].peer >= rank->ranks)
			return err_set(err, "%s: '%s': there is no rank %u of %u", name,
				       RANKKEY_WINDOWS, peers->rows[peers->count - 1].peer,
				       rank->ranks);
	}
	for (size_t i = 0; i < rank->nfailed; i++)
		if (rank->failed[i].peer < -1 || rank->failed[i].peer >= (int64_t)rank->ranks)
			return err_set(err, "%s: '%s': there is no rank %lld of %u", name,
				       RANKKEY_FAILED, (long long)rank->failed[i].peer,
				       rank->ranks);
	for (size_t i = 0; i < rank->nrma; i++)
		if (rank->rma[i].peer >= rank->ranks)
			return err_set(err, "%s: '%s': there is no rank %u of %u", name,
				       RANKKEY_RMA, rank->rma[i].peer, rank->ranks);
	return 0;
}

int rankcheck(const struct rankfile *rank, const char *name, struct err *err)
{
	if (check_range(rank, name, err) < 0 ||
	    check_parts(&rank->peers, rank->ops, RANKOP_COUNT, sizeof(*rank->ops), true, name,
			RANKKEY_OPS, err) < 0 ||
	    check_phases(rank, name, err) < 0)
		return -1;
	/* A rank that died may have counted a message in one and not yet in the other. */
	if (!rank->nwindows || !rank->complete)
		return 0;
	return check_parts(&rank->peers, &rank->windows[0].peers, rank->nwindows,
			   sizeof(*rank->windows), true, name, RANKKEY_WINDOWS, err);
}
