/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "result/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

struct ledger_key {
	uint32_t op, peer;
	uint64_t size;
};

struct ledger_row {
	struct ledger_key key;
	struct net_count count;
	UT_hash_handle hh;
};

void ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){ 0 };
}

void ledger_release(struct ledger *ledger)
{
	struct ledger_row *row, *next;

	HASH_ITER (hh, ledger->rows, row, next) {
		HASH_DEL(ledger->rows, row);
		free(row);
	}
}

static struct ledger_row *row_of(struct ledger *ledger, uint32_t op, uint32_t peer, uint64_t size)
{
	struct ledger_key key = { op, peer, size };
	struct ledger_row *row;

	HASH_FIND(hh, ledger->rows, &key, sizeof(key), row);
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (!row) {
		ledger->failed = ENOMEM;
		return NULL;
	}
	row->key = key;
	HASH_ADD(hh, ledger->rows, key, sizeof(row->key), row);
	return row;
}

static void count(void *arg, const struct net *net, const struct net_message *message, bool sent)
{
	struct ledger *ledger = arg;
	struct ledger_row *row = ledger->latest[sent];

	(void)net;
	if (!row || row->key.op != message->op || row->key.peer != message->peer ||
	    row->key.size != message->size)
		row = row_of(ledger, message->op, message->peer, message->size);
	if (!row)
		return;
	ledger->latest[sent] = row;
	if (sent) {
		row->count.tx_messages++;
		row->count.tx_bytes += message->size;
	} else {
		row->count.rx_messages++;
		row->count.rx_bytes += message->size;
	}
}

void ledger_follow(struct ledger *ledger, struct net *net)
{
	net->told = count;
	net->told_arg = ledger;
}

/* ---- as a file ---- */

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_op_and_peer(struct ledger_row *a, struct ledger_row *b)
{
	if (a->key.op != b->key.op)
		return compare(a->key.op, b->key.op);
	return compare(a->key.peer, b->key.peer);
}

static int by_peer_and_size(struct ledger_row *a, struct ledger_row *b)
{
	if (a->key.peer != b->key.peer)
		return compare(a->key.peer, b->key.peer);
	return compare(a->key.size, b->key.size);
}

static int by_size(struct ledger_row *a, struct ledger_row *b)
{
	return compare(a->key.size, b->key.size);
}

static int append(struct rankpeers *peers, const struct ledger_row *row)
{
	struct rankpeer *last = peers->count ? &peers->rows[peers->count - 1] : NULL;
	struct rankpeer *rows;

	if (!last || last->peer != row->key.peer) {
		rows = reallocarray(peers->rows, peers->count + 1, sizeof(*rows));
		if (!rows)
			return -1;
		peers->rows = rows;
		last = &rows[peers->count++];
		*last = (struct rankpeer){ .peer = row->key.peer, .first = -1, .last = -1 };
	}
	last->tx_bytes += row->count.tx_bytes;
	last->tx_messages += row->count.tx_messages;
	last->rx_bytes += row->count.rx_bytes;
	last->rx_messages += row->count.rx_messages;
	return 0;
}

static int append_size(struct rankfile *file, const struct ledger_row *row)
{
	struct ranksize *last = file->nsizes ? &file->sizes[file->nsizes - 1] : NULL;
	struct ranksize *sizes;

	if (!last || last->size != row->key.size) {
		sizes = reallocarray(file->sizes, file->nsizes + 1, sizeof(*sizes));
		if (!sizes)
			return -1;
		file->sizes = sizes;
		last = &sizes[file->nsizes++];
		*last = (struct ranksize){ .size = row->key.size };
	}
	last->tx_messages += row->count.tx_messages;
	last->rx_messages += row->count.rx_messages;
	return 0;
}

void ledger_report(struct ledger *ledger, uint32_t rank, struct report *report)
{
	const struct ledger_row *row;

	HASH_SORT(ledger->rows, by_peer_and_size);
	for (row = ledger->rows; row; row = row->hh.next)
		if (row->count.tx_messages)
			report_sent(report, rank, row->key.peer, row->key.size,
				    row->count.tx_messages);
}

int ledger_file(struct ledger *ledger, uint32_t rank, uint32_t ranks, double seconds,
		struct rankfile *file)
{
	struct ledger_row *row;

	*file = (struct rankfile){
		.rank = rank,
		.ranks = ranks,
		.complete = !ledger->failed,
		.pid = getpid(),
		.duration = seconds,
		.resolution = 1,
		.precise = true,
		.description = strdup("netemu replay " PACKAGE_VERSION),
	};
	if (!file->description)
		return -1;
	HASH_SORT(ledger->rows, by_peer_and_size);
	for (row = ledger->rows; row; row = row->hh.next)
		if (append(&file->peers, row) < 0)
			goto fail;
	HASH_SORT(ledger->rows, by_op_and_peer);
	for (row = ledger->rows; row; row = row->hh.next)
		if (append(&file->ops[row->key.op], row) < 0)
			goto fail;
	HASH_SORT(ledger->rows, by_size);
	for (row = ledger->rows; row; row = row->hh.next)
		if (append_size(file, row) < 0)
			goto fail;
	return 0;
fail:
	rankfile_release(file);
	return -1;
}
