/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/tally.h"
#include "trace/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An entry that cannot be added is freed and reported, and nothing else changes. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(entry) \
	do {                       \
		free(entry);       \
		(entry) = NULL;    \
	} while (0)
#include <uthash.h>

struct tally_cell {
	struct cell_key {
		uint32_t rank, peer, op;
	} key;
	struct rankpeer row; /* times on the run's clock */
	UT_hash_handle hh;
};

struct tally_place {
	struct place_key {
		uint32_t rank;
		uint16_t op, lid;
		uint32_t qpn;
		uint8_t gid[16];
		uint8_t multicast, has_gid, pad[2];
	} key;
	struct tally_traffic traffic;
	UT_hash_handle hh;
};

struct tally_failure {
	struct failure_key {
		int64_t peer;
		uint32_t rank;
		uint16_t op;
		uint8_t status, pad;
	} key;
	uint64_t messages, bytes;
	UT_hash_handle hh;
};

struct tally_size {
	struct size_key {
		uint64_t size;
		uint32_t rank, log2;
	} key;
	uint64_t tx_messages, rx_messages;
	UT_hash_handle hh;
};

int tally_init(struct tally *tally, uint32_t ranks)
{
	*tally = (struct tally){ .ranks = ranks };
	tally->distinct = calloc((size_t)ranks + 1, sizeof(*tally->distinct));
	return tally->distinct ? 0 : -1;
}

#define RELEASE(type, head)                         \
	do {                                        \
		type *entry, *next;                 \
		HASH_ITER (hh, head, entry, next) { \
			HASH_DEL(head, entry);      \
			free(entry);                \
		}                                   \
	} while (0)

void tally_release(struct tally *tally)
{
	RELEASE(struct tally_cell, tally->cells);
	RELEASE(struct tally_place, tally->places);
	RELEASE(struct tally_failure, tally->failures);
	RELEASE(struct tally_size, tally->sizes);
	free(tally->distinct);
	*tally = (struct tally){ 0 };
}

/* The entry with KEY in the table HEAD, made when there is none; NULL: no memory. */
#define ENTRY(entry, head, wanted)                                                 \
	do {                                                                       \
		HASH_FIND(hh, head, &(wanted), sizeof(wanted), entry);             \
		if (!(entry) && ((entry) = calloc(1, sizeof(*(entry)))) != NULL) { \
			(entry)->key = (wanted);                                   \
			HASH_ADD(hh, head, key, sizeof((entry)->key), entry);      \
		}                                                                  \
	} while (0)

static unsigned log2_of(uint64_t size)
{
	return 63U - (unsigned)__builtin_clzll(size);
}

/* MESSAGES of SIZE bytes each, sent (TX) or received. */
static int count_size(struct tally *tally, uint32_t rank, uint64_t size, bool tx, uint64_t messages)
{
	struct size_key key = { .size = size, .rank = rank };
	struct tally_size *entry;

	HASH_FIND(hh, tally->sizes, &key, sizeof(key), entry);
	if (!entry && size && tally->distinct[rank] >= TALLY_SIZES)
		key = (struct size_key){ .size = log2_of(size), .rank = rank, .log2 = 1 };
	else if (!entry)
		tally->distinct[rank]++;
	ENTRY(entry, tally->sizes, key);
	if (!entry)
		return -1;
	*(tx ? &entry->tx_messages : &entry->rx_messages) += messages;
	return 0;
}

static int count_sizes(struct tally *tally, uint32_t rank, const struct tally_traffic *traffic)
{
	uint64_t tx = traffic->tx_messages, rx = traffic->rx_messages;

	if (tx && count_size(tally, rank, traffic->tx_bytes / tx, true, tx) < 0)
		return -1;
	return rx ? count_size(tally, rank, traffic->rx_bytes / rx, false, rx) : 0;
}

static void add_traffic(struct tally_traffic *to, const struct tally_traffic *from)
{
	to->tx_bytes += from->tx_bytes;
	to->tx_messages += from->tx_messages;
	to->rx_bytes += from->rx_bytes;
	to->rx_messages += from->rx_messages;
}

int tally_add(struct tally *tally, uint32_t rank, uint32_t peer, enum rankop op,
	      const struct tally_traffic *traffic)
{
	const struct cell_key key = { .rank = rank, .peer = peer, .op = op };
	struct tally_cell *cell;
	struct rankpeer *row;

	if (count_sizes(tally, rank, traffic) < 0)
		return -1;
	ENTRY(cell, tally->cells, key);
	if (!cell)
		return -1;
	row = &cell->row;
	if (!row->tx_messages && !row->rx_messages)
		row->first = row->last = traffic->time;
	row->tx_bytes += traffic->tx_bytes;
	row->tx_messages += traffic->tx_messages;
	row->rx_bytes += traffic->rx_bytes;
	row->rx_messages += traffic->rx_messages;
	if (traffic->time < row->first)
		row->first = traffic->time;
	if (traffic->time > row->last)
		row->last = traffic->time;
	return 0;
}

int tally_elsewhere(struct tally *tally, uint32_t rank, bool multicast,
		    const struct trace_address *address, uint32_t qpn, enum rankop op,
		    const struct tally_traffic *traffic)
{
	struct place_key key = { .rank = rank, .op = op, .qpn = qpn, .multicast = multicast };
	struct tally_place *place;

	if (address) {
		key.lid = address->lid;
		key.has_gid = address->has_gid;
		if (address->has_gid)
			memcpy(key.gid, address->gid, sizeof(key.gid));
	}
	ENTRY(place, tally->places, key);
	if (!place)
		return -1;
	add_traffic(&place->traffic, traffic);
	return 0;
}

int tally_failed(struct tally *tally, uint32_t rank, int64_t peer, enum rankop op, uint8_t status,
		 uint64_t bytes)
{
	const struct failure_key key = { .peer = peer, .rank = rank, .op = op, .status = status };
	struct tally_failure *failure;

	ENTRY(failure, tally->failures, key);
	if (!failure)
		return -1;
	failure->messages++;
	failure->bytes += bytes;
	return 0;
}

/* --- rank files --- */

/* One more of SIZE bytes behind *COUNT at *ROWS, cleared; in powers of two. */
static void *grow(void *rows, size_t *count, size_t size)
{
	char **base = rows;

	if (!(*count & (*count - 1))) {
		char *grown = realloc(*base, (*count ? 2 * *count : 1) * size);

		if (!grown)
			return NULL;
		*base = grown;
	}
	return memset(*base + (*count)++ * size, 0, size);
}

/* TIME of the run's clock, counted from where those of RANK begin. */
static int64_t since(const struct rankfile *rank, int64_t time)
{
	return time > rank->init_realtime ? time - rank->init_realtime : 0;
}

static int finish_cell(struct rankfile *rank, const struct tally_cell *cell)
{
	struct rankpeer row = cell->row;

	row.peer = cell->key.peer;
	row.first = row.last = -1;
	if (!rankpeers_add(&rank->ops[cell->key.op], &row))
		return -1;
	row.first = since(rank, cell->row.first);
	row.last = since(rank, cell->row.last);
	return rankpeers_add(&rank->peers, &row) ? 0 : -1;
}

static int add_unseen(struct rankfile *rank, uint16_t op, uint64_t messages, uint64_t bytes)
{
	struct rankunseen_count *row = NULL;

	for (size_t i = 0; i < rank->nunseen && !row; i++)
		if (rank->unseen[i].op == op)
			row = &rank->unseen[i];
	if (!row)
		row = grow(&rank->unseen, &rank->nunseen, sizeof(*row));
	if (!row)
		return -1;
	row->op = op;
	row->why = RANKUNSEEN_INCOMPLETE;
	row->messages += messages;
	row->bytes += bytes;
	return 0;
}

/* What CELL's rank has sent, and nobody has seen arrive. */
static int finish_unseen(struct tally *tally, const struct tally_cell *cell, struct rankfile *peer)
{
	const struct cell_key key = { cell->key.peer, cell->key.rank, cell->key.op };
	uint64_t messages = 0, bytes = 0;
	struct tally_cell *other;

	HASH_FIND(hh, tally->cells, &key, sizeof(key), other);
	if (other) {
		messages = other->row.rx_messages;
		bytes = other->row.rx_bytes;
	}
	if (cell->row.tx_messages <= messages)
		return 0;
	return add_unseen(peer, (uint16_t)cell->key.op, cell->row.tx_messages - messages,
			  cell->row.tx_bytes > bytes ? cell->row.tx_bytes - bytes : 0);
}

static int finish_place(struct rankfile *rank, const struct tally_place *place)
{
	const struct tally_traffic *traffic = &place->traffic;
	char gid[INET6_ADDRSTRLEN];
	struct rankelsewhere *row;

	row = grow(&rank->elsewhere, &rank->nelsewhere, sizeof(*row));
	if (!row)
		return -1;
	*row = (struct rankelsewhere){
		.multicast = place->key.multicast,
		.op = place->key.op,
		.lid = place->key.lid,
		.qpn = place->key.qpn,
		.tx_bytes = traffic->tx_bytes,
		.tx_messages = traffic->tx_messages,
		.rx_bytes = traffic->rx_bytes,
		.rx_messages = traffic->rx_messages,
	};
	rank->outside.tx_bytes += traffic->tx_bytes;
	rank->outside.tx_messages += traffic->tx_messages;
	rank->outside.rx_bytes += traffic->rx_bytes;
	rank->outside.rx_messages += traffic->rx_messages;
	if (!place->key.has_gid)
		return 0;
	row->gid = strdup(inet_ntop(AF_INET6, place->key.gid, gid, sizeof(gid)));
	return row->gid ? 0 : -1;
}

static int finish_failure(struct rankfile *rank, const struct tally_failure *failure)
{
	struct rankfailed *row = grow(&rank->failed, &rank->nfailed, sizeof(*row));
	uint32_t status = failure->key.status;
	char name[NAME_SIZE];

	if (!row)
		return -1;
	row->peer = failure->key.peer;
	row->op = failure->key.op;
	row->messages = failure->messages;
	row->bytes = failure->bytes;
	row->status =
		strdup(status == TALLY_UNFINISHED
			       ? "UNFINISHED"
			       : name_or_number(name, name_wc_status(status), "STATUS", status));
	return row->status ? 0 : -1;
}

static int finish_size(struct rankfile *rank, const struct tally_size *size)
{
	struct ranksize *row = grow(&rank->sizes, &rank->nsizes, sizeof(*row));

	if (!row)
		return -1;
	row->size = size->key.size;
	row->log2 = size->key.log2;
	row->tx_messages = size->tx_messages;
	row->rx_messages = size->rx_messages;
	return 0;
}

/* --- in one order, whatever the tables' --- */

#define ORDER(a, b)                                \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int compare_sizes(const void *a, const void *b)
{
	const struct ranksize *left = a, *right = b;

	ORDER(left->log2, right->log2);
	ORDER(left->size, right->size);
	return 0;
}

static int compare_unseen(const void *a, const void *b)
{
	const struct rankunseen_count *left = a, *right = b;

	return left->op - right->op;
}

static int compare_elsewhere(const void *a, const void *b)
{
	const struct rankelsewhere *left = a, *right = b;
	int order = strcmp(left->gid ? left->gid : "", right->gid ? right->gid : "");

	ORDER(left->multicast, right->multicast);
	if (order)
		return order;
	ORDER(left->lid, right->lid);
	ORDER(left->qpn, right->qpn);
	ORDER(left->op, right->op);
	return 0;
}

static int compare_failed(const void *a, const void *b)
{
	const struct rankfailed *left = a, *right = b;

	ORDER(left->peer, right->peer);
	ORDER(left->op, right->op);
	return strcmp(left->status, right->status);
}

static void sort(void *rows, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count)
		qsort(rows, count, size, compare);
}

static void finish_order(struct rankfile *rank)
{
	rankpeers_sort(&rank->peers);
	for (int op = 0; op < RANKOP_COUNT; op++)
		rankpeers_sort(&rank->ops[op]);
	sort(rank->sizes, rank->nsizes, sizeof(*rank->sizes), compare_sizes);
	sort(rank->unseen, rank->nunseen, sizeof(*rank->unseen), compare_unseen);
	sort(rank->elsewhere, rank->nelsewhere, sizeof(*rank->elsewhere), compare_elsewhere);
	sort(rank->failed, rank->nfailed, sizeof(*rank->failed), compare_failed);
}

int tally_finish(struct tally *tally, struct rankfile *rank)
{
	struct tally_failure *failure;
	struct tally_place *place;
	struct tally_cell *cell;
	struct tally_size *size;

	for (cell = tally->cells; cell; cell = cell->hh.next)
		if (finish_cell(&rank[cell->key.rank], cell) < 0 ||
		    finish_unseen(tally, cell, &rank[cell->key.peer]) < 0)
			return -1;
	for (place = tally->places; place; place = place->hh.next)
		if (finish_place(&rank[place->key.rank], place) < 0)
			return -1;
	for (failure = tally->failures; failure; failure = failure->hh.next)
		if (finish_failure(&rank[failure->key.rank], failure) < 0)
			return -1;
	for (size = tally->sizes; size; size = size->hh.next)
		if (finish_size(&rank[size->key.rank], size) < 0)
			return -1;
	for (uint32_t i = 0; i < tally->ranks; i++)
		finish_order(&rank[i]);
	return 0;
}
