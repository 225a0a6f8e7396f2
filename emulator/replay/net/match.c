/* SPDX-License-Identifier: Apache-2.0 */
#include "net/match.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct match_key {
	uint64_t tag, peer;
};

/* Receives or arrivals, never both.  Those that are empty are kept for the next. */
struct match_queue {
	struct match_key key;
	struct net_message *receive, *last_receive;
	struct match_arrival *arrival, *last_arrival;
	struct match_queue *spare; /* of the list of these */
	UT_hash_handle hh;
};

static struct match_queue *queue_find(struct match *match, uint32_t peer, uint64_t tag)
{
	struct match_key key = { .tag = tag, .peer = peer };
	struct match_queue *queue = match->latest;

	if (queue && queue->key.tag == tag && queue->key.peer == peer)
		return queue;
	HASH_FIND(hh, match->queues, &key, sizeof(key), queue);
	if (queue)
		match->latest = queue;
	return queue;
}

/* The hash of nothing has no table, and would get one again and again: a queue of nobody stays. */
static int keep_table(struct match *match)
{
	struct match_queue *queue;

	if (match->queues)
		return 0;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return -1;
	queue->key.peer = UINT64_MAX;
	HASH_ADD(hh, match->queues, key, sizeof(queue->key), queue);
	return 0;
}

static struct match_queue *queue_new(struct match *match)
{
	struct match_queue *queue = match->spare;

	if (!queue)
		return keep_table(match) < 0 ? NULL : calloc(1, sizeof(*queue));
	match->spare = queue->spare;
	*queue = (struct match_queue){ 0 };
	return queue;
}

static struct match_queue *queue_get(struct match *match, uint32_t peer, uint64_t tag,
				     struct err *err)
{
	struct match_queue *queue = queue_find(match, peer, tag);

	if (queue)
		return queue;
	queue = queue_new(match);
	if (!queue) {
		err_errno(err, "no room for messages that wait");
		return NULL;
	}
	queue->key = (struct match_key){ .tag = tag, .peer = peer };
	HASH_ADD(hh, match->queues, key, sizeof(queue->key), queue);
	match->latest = queue;
	return queue;
}

static void queue_drop_empty(struct match *match, struct match_queue *queue)
{
	if (queue->receive || queue->arrival)
		return;
	HASH_DEL(match->queues, queue);
	match->latest = NULL;
	queue->spare = match->spare;
	match->spare = queue;
}

static int check_size(struct net_message *receive, const struct match_arrival *arrival,
		      uint32_t rank, struct err *err)
{
	char node[NET_NODE_NAME];

	if (receive->size == NET_ANY)
		receive->size = arrival->size;
	if (receive->size == arrival->size)
		return 0;
	return err_set(err,
		       "sizes differ: rank %u sends %llu bytes with tag %llu, rank %u%s receives "
		       "%llu",
		       arrival->peer, (unsigned long long)arrival->size,
		       (unsigned long long)(arrival->tag & ~NET_TAG_P2P), rank,
		       net_node_name(receive, node), (unsigned long long)receive->size);
}

void match_init(struct match *match)
{
	*match = (struct match){ 0 };
}

void match_release(struct match *match)
{
	struct match_queue *queue, *next;

	HASH_ITER (hh, match->queues, queue, next) {
		HASH_DEL(match->queues, queue);
		free(queue);
	}
	while ((queue = match->spare)) {
		match->spare = queue->spare;
		free(queue);
	}
	match_init(match);
}

static void append_receive(struct match_queue *queue, struct net_message *receive)
{
	receive->next = NULL;
	receive->prev = queue->last_receive;
	if (queue->last_receive)
		queue->last_receive->next = receive;
	else
		queue->receive = receive;
	queue->last_receive = receive;
}

static struct net_message *take_receive(struct match_queue *queue)
{
	struct net_message *receive = queue->receive;

	queue->receive = receive->next;
	if (queue->receive)
		queue->receive->prev = NULL;
	else
		queue->last_receive = NULL;
	return receive;
}

static void append_arrival(struct match_queue *queue, struct match_arrival *arrival)
{
	arrival->next = NULL;
	if (queue->last_arrival)
		queue->last_arrival->next = arrival;
	else
		queue->arrival = arrival;
	queue->last_arrival = arrival;
}

static struct match_arrival *take_arrival(struct match_queue *queue)
{
	struct match_arrival *arrival = queue->arrival;

	queue->arrival = arrival->next;
	if (!queue->arrival)
		queue->last_arrival = NULL;
	return arrival;
}

int match_receive(struct match *match, struct net_message *receive, struct match_arrival **arrival,
		  uint32_t rank, struct err *err)
{
	struct match_queue *queue = queue_get(match, receive->peer, receive->tag, err);

	*arrival = NULL;
	if (!queue)
		return -1;
	if (!queue->arrival) {
		append_receive(queue, receive);
		match->receives++;
		return 0;
	}
	if (check_size(receive, queue->arrival, rank, err) < 0)
		return -1;
	*arrival = take_arrival(queue);
	(*arrival)->receive = receive;
	match->arrivals--;
	queue_drop_empty(match, queue);
	return 0;
}

int match_arrive(struct match *match, struct match_arrival *arrival, uint32_t rank, struct err *err)
{
	struct match_queue *queue = queue_get(match, arrival->peer, arrival->tag, err);

	if (!queue)
		return -1;
	arrival->receive = NULL;
	if (!queue->receive) {
		append_arrival(queue, arrival);
		match->arrivals++;
		return 0;
	}
	if (check_size(queue->receive, arrival, rank, err) < 0)
		return -1;
	arrival->receive = take_receive(queue);
	match->receives--;
	queue_drop_empty(match, queue);
	return 0;
}

const struct net_message *match_oldest(const struct match *match)
{
	const struct match_queue *queue;

	for (queue = match->queues; queue; queue = queue->hh.next)
		if (queue->receive)
			return queue->receive;
	return NULL;
}

const struct match_arrival *match_oldest_arrival(const struct match *match)
{
	const struct match_queue *queue;

	for (queue = match->queues; queue; queue = queue->hh.next)
		if (queue->arrival)
			return queue->arrival;
	return NULL;
}
