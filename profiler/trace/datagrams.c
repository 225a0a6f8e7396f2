/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/datagrams.h"

#include <stdlib.h>
#include <uthash.h>

#define GRH_BYTES 40

struct datagram_sender {
	struct sender_key {
		uint32_t rank; /* DATAGRAMS_ANYBODY: whoever has such a queue pair */
		uint32_t qpn;
	} key;
	uint32_t from;
	bool several;
	UT_hash_handle hh;
};

struct datagram_sort {
	struct sort_key {
		uint64_t size;
		uint32_t rank, qpn; /* of the sender */
	} key;
	uint64_t sent; /* as completions say */
	uint64_t messages;
	int64_t first, last;
	UT_hash_handle hh;
};

void datagrams_release(struct datagrams *datagrams)
{
	struct datagram_sender *sender, *next_sender;
	struct datagram_sort *sort, *next;

	HASH_ITER (hh, datagrams->senders, sender, next_sender) {
		HASH_DEL(datagrams->senders, sender);
		free(sender);
	}
	HASH_ITER (hh, datagrams->sorts, sort, next) {
		HASH_DEL(datagrams->sorts, sort);
		free(sort);
	}
}

int datagrams_sender(struct datagrams *datagrams, uint32_t to, uint32_t qpn, uint32_t from)
{
	const struct sender_key key = { to, qpn };
	struct datagram_sender *sender;

	HASH_FIND(hh, datagrams->senders, &key, sizeof(key), sender);
	if (sender) {
		sender->several |= sender->from != from;
		return 0;
	}
	sender = calloc(1, sizeof(*sender));
	if (!sender)
		return -1;
	sender->key = key;
	sender->from = from;
	HASH_ADD(hh, datagrams->senders, key, sizeof(key), sender);
	return 0;
}

static struct datagram_sort *find(const struct datagrams *datagrams, const struct sort_key *key)
{
	struct datagram_sort *sort;

	HASH_FIND(hh, datagrams->sorts, key, sizeof(*key), sort);
	return sort;
}

/* NULL: no memory. */
static struct datagram_sort *sort_of(struct datagrams *datagrams, const struct sort_key *key)
{
	struct datagram_sort *sort = find(datagrams, key);

	if (sort)
		return sort;
	sort = calloc(1, sizeof(*sort));
	if (!sort)
		return NULL;
	sort->key = *key;
	HASH_ADD(hh, datagrams->sorts, key, sizeof(sort->key), sort);
	return sort;
}

int datagrams_sent(struct datagrams *datagrams, uint32_t rank, uint32_t qpn, uint64_t bytes)
{
	const struct sort_key key = { bytes, rank, qpn };
	struct datagram_sort *sort = sort_of(datagrams, &key);

	if (!sort)
		return -1;
	sort->sent++;
	return 0;
}

int datagrams_came(struct datagrams *datagrams, uint32_t rank, const struct work *work)
{
	const struct sort_key key = {
		.size = work->bytes >= GRH_BYTES ? work->bytes - GRH_BYTES : 0,
		.rank = rank,
		.qpn = work->src_qpn,
	};
	struct datagram_sort *sort = sort_of(datagrams, &key);

	if (!sort)
		return -1;
	if (!sort->messages++)
		sort->first = work->end_time;
	sort->last = work->end_time;
	return 0;
}

bool datagrams_arrived(const struct datagrams *datagrams, uint32_t rank, uint32_t qpn,
		       uint64_t bytes)
{
	const struct sort_key key = { bytes, rank, qpn };
	const struct datagram_sort *sort = find(datagrams, &key);

	return sort && sort->sent < sort->messages;
}

static const struct datagram_sender *sender_of(const struct datagrams *datagrams, uint32_t rank,
					       uint32_t qpn)
{
	const struct sender_key keys[] = { { rank, qpn }, { DATAGRAMS_ANYBODY, qpn } };
	struct datagram_sender *sender;

	for (size_t i = 0; i < 2; i++) {
		HASH_FIND(hh, datagrams->senders, &keys[i], sizeof(keys[i]), sender);
		if (sender && !sender->several)
			return sender;
	}
	return NULL;
}

static int finish(const struct datagrams *datagrams, const struct datagram_sort *sort,
		  struct tally *tally)
{
	uint32_t rank = sort->key.rank, qpn = sort->key.qpn;
	const struct datagram_sender *sender = sender_of(datagrams, rank, qpn);
	const struct tally_traffic traffic = {
		.rx_bytes = sort->key.size * sort->messages,
		.rx_messages = sort->messages,
		.time = sort->first,
	};
	const struct tally_traffic last = { .time = sort->last };

	if (!sender)
		return tally_elsewhere(tally, rank, false, NULL, qpn, RANKOP_DATAGRAM, &traffic);
	if (tally_add(tally, rank, sender->from, RANKOP_DATAGRAM, &traffic) < 0)
		return -1;
	return tally_add(tally, rank, sender->from, RANKOP_DATAGRAM, &last);
}

int datagrams_finish(const struct datagrams *datagrams, struct tally *tally)
{
	for (const struct datagram_sort *sort = datagrams->sorts; sort; sort = sort->hh.next)
		if (sort->messages && finish(datagrams, sort, tally) < 0)
			return -1;
	return 0;
}
