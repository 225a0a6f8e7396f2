/* SPDX-License-Identifier: Apache-2.0 */
#include "net/inbound.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define NOBODYS UINT64_MAX /* number of the message that keeps a hash its table */

struct inbound_message {
	struct match_arrival arrival;
	uint64_t number, received;
	uint8_t *kept; /* NULL: nothing is kept */
	struct inbound_message *spare;
	UT_hash_handle hh;
};

int inbound_init(struct inbound *inbound, struct net *net)
{
	*inbound = (struct inbound){ .net = net };
	inbound->peers = calloc(net->size, sizeof(*inbound->peers));
	match_init(&inbound->match);
	return inbound->peers ? 0 : -1;
}

static void message_free(struct inbound *inbound, struct inbound_peer *peer,
			 struct inbound_message *message)
{
	HASH_DEL(peer->messages, message);
	if (message->kept)
		inbound->kept -= message->arrival.size;
	free(message->kept);
	peer->latest = NULL;
	message->spare = inbound->spare;
	inbound->spare = message;
}

static struct inbound_message *message_new(struct inbound *inbound)
{
	struct inbound_message *message = inbound->spare;

	if (!message)
		return calloc(1, sizeof(*message));
	inbound->spare = message->spare;
	*message = (struct inbound_message){ 0 };
	return message;
}

void inbound_release(struct inbound *inbound)
{
	struct inbound_message *message, *next;

	for (uint32_t i = 0; inbound->peers && i < inbound->net->size; i++) {
		HASH_ITER (hh, inbound->peers[i].messages, message, next)
			message_free(inbound, &inbound->peers[i], message);
	}
	while ((message = inbound->spare)) {
		inbound->spare = message->spare;
		free(message);
	}
	match_release(&inbound->match);
	free(inbound->peers);
	*inbound = (struct inbound){ 0 };
}

static struct inbound_message *find(struct inbound_peer *peer, uint64_t number)
{
	struct inbound_message *message = peer->latest;

	if (message && message->number == number)
		return message;
	if (HASH_COUNT(peer->messages) < 2)
		return NULL;
	HASH_FIND(hh, peer->messages, &number, sizeof(number), message);
	if (message)
		peer->latest = message;
	return message;
}

void inbound_done(struct inbound *inbound, struct net_message *message)
{
	message->next = NULL;
	if (inbound->done)
		inbound->last->next = message;
	else
		inbound->done = message;
	inbound->last = message;
}

/* All of MESSAGE is here and its receive is known: out of the list. */
static void complete(struct inbound *inbound, struct inbound_message *message)
{
	struct net_message *receive = message->arrival.receive;

	if (message->kept && receive->data)
		receive->data->take(receive, 0, message->kept, message->arrival.size);
	net_received(inbound->net, receive);
	message_free(inbound, &inbound->peers[message->arrival.peer], message);
	inbound_done(inbound, receive);
}

/* MESSAGE has its receive, or more has come of it. */
static void look_whether_complete(struct inbound *inbound, struct inbound_message *message)
{
	if (message->arrival.receive && message->received == message->arrival.size)
		complete(inbound, message);
}

/* The hash of nothing has no table, and would get one again with each message. */
static int keep_table(struct inbound *inbound, struct inbound_peer *peer)
{
	struct inbound_message *message;

	if (peer->messages)
		return 0;
	message = message_new(inbound);
	if (!message)
		return -1;
	message->number = NOBODYS;
	HASH_ADD(hh, peer->messages, number, sizeof(message->number), message);
	return 0;
}

static struct inbound_message *begin(struct inbound *inbound, uint32_t from,
				     const struct segment_head *head, struct err *err)
{
	struct inbound_peer *peer = &inbound->peers[from];
	struct inbound_message *message = find(peer, head->number);

	if (message)
		return message;
	message = keep_table(inbound, peer) < 0 ? NULL : message_new(inbound);
	if (!message) {
		err_errno(err, "no room for a message of rank %u", from);
		return NULL;
	}
	message->number = head->number;
	message->arrival =
		(struct match_arrival){ .peer = from, .tag = head->tag, .size = head->size };
	HASH_ADD(hh, peer->messages, number, sizeof(message->number), message);
	peer->latest = message;
	return message;
}

static int keep(struct inbound *inbound, struct inbound_message *message,
		const struct segment_head *head, const void *data, struct err *err)
{
	if (!head->looked || !head->length)
		return 0;
	if (!message->kept) {
		message->kept = calloc(1, message->arrival.size);
		if (!message->kept)
			return err_errno(err, "no room for %llu bytes of rank %u",
					 (unsigned long long)message->arrival.size,
					 message->arrival.peer);
		inbound->kept += message->arrival.size;
	}
	memcpy(message->kept + head->at, data, head->length);
	return 0;
}

static int take(struct inbound *inbound, struct inbound_message *message,
		const struct segment_head *head, const void *data, struct err *err)
{
	struct net_message *receive = message->arrival.receive;

	message->received += head->length;
	/* once something is kept, all of it is taken at the end: parts may have gaps */
	if (!receive || message->kept)
		return keep(inbound, message, head, data, err);
	if (receive->data && head->length)
		receive->data->take(receive, head->at, data, head->length);
	return 0;
}

/* Match what may be matched now, in order. */
static int match_next(struct inbound *inbound, uint32_t from, struct err *err)
{
	struct inbound_peer *peer = &inbound->peers[from];
	struct inbound_message *message;

	while ((message = find(peer, peer->next))) {
		peer->next++;
		if (match_arrive(&inbound->match, &message->arrival, inbound->net->rank, err) < 0)
			return -1;
		look_whether_complete(inbound, message);
	}
	return 0;
}

static int check(const struct inbound_message *message, const struct segment_head *head,
		 struct err *err)
{
	const struct match_arrival *arrival = &message->arrival;

	if (head->tag == arrival->tag && head->size == arrival->size && head->at <= head->size &&
	    head->length <= head->size - head->at &&
	    message->received + head->length <= arrival->size)
		return 0;
	return err_set(err,
		       "rank %u sends a segment that cannot be: message %llu, tag %llu, "
		       "bytes %llu + %u of %llu",
		       arrival->peer, (unsigned long long)head->number,
		       (unsigned long long)head->tag, (unsigned long long)head->at, head->length,
		       (unsigned long long)head->size);
}

int inbound_receive(struct inbound *inbound, struct net_message *message, struct err *err)
{
	struct match_arrival *arrival;

	if (match_receive(&inbound->match, message, &arrival, inbound->net->rank, err) < 0)
		return -1;
	if (arrival)
		look_whether_complete(inbound, (struct inbound_message *)arrival);
	return 0;
}

int inbound_segment(struct inbound *inbound, uint32_t from, const struct segment_head *head,
		    const void *data, struct err *err)
{
	struct inbound_peer *peer = &inbound->peers[from];
	bool begun = head->number < peer->next, last;
	struct inbound_message *message;

	if (begun && !find(peer, head->number))
		return err_set(err, "rank %u sends message %llu again", from,
			       (unsigned long long)head->number);
	message = begin(inbound, from, head, err);
	if (!message || check(message, head, err) < 0 ||
	    take(inbound, message, head, data, err) < 0)
		return -1;
	last = message->received == head->size;
	if (!begun)
		return match_next(inbound, from, err) < 0 ? -1 : last;
	look_whether_complete(inbound, message);
	return last;
}

#define OWN_SEGMENT (1u << 20)

int inbound_own(struct inbound *inbound, struct net_message *send, struct err *err)
{
	struct segment_head head = {
		.number = inbound->own++,
		.tag = send->tag,
		.size = send->size,
		.looked = send->data != NULL,
	};
	uint8_t *buffer = NULL;
	int rc;

	if (send->data && send->size && !(buffer = malloc(OWN_SEGMENT)))
		return err_errno(err, "no room for a message");
	do {
		head.length = send->size - head.at < OWN_SEGMENT ? (uint32_t)(send->size - head.at)
								 : OWN_SEGMENT;
		if (buffer)
			send->data->fill(send, head.at, buffer, head.length);
		rc = inbound_segment(inbound, inbound->net->rank, &head, buffer, err);
		head.at += head.length;
	} while (rc >= 0 && head.at < head.size);
	free(buffer);
	inbound_done(inbound, send);
	return rc < 0 ? -1 : 0;
}

int inbound_finish(struct inbound *inbound)
{
	struct net_message *message;
	int64_t now = inbound->done ? loop_now(inbound->net->loop) : 0;
	int count = 0;

	while ((message = inbound->done)) {
		inbound->done = message->next;
		net_done(inbound->net, message, now);
		count++;
	}
	return count;
}
