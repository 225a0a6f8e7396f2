/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model-parts.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK     256
#define PART      65536 /* bytes of contents that are handed over at a time */
#define LAST_TIME (INT64_MAX / 4)

struct model_end {
	struct net net; /* first */
	struct model *model;
	struct match match;
};

struct flight_block {
	struct flight_block *next;
	struct flight flight[BLOCK];
};

static struct model_end *end_of(struct net *net)
{
	return (struct model_end *)net;
}

static struct net_message *message_of(struct loop_timer *timer)
{
	return (struct net_message *)((char *)timer - offsetof(struct net_message, timer));
}

int64_t model_whole(double ns)
{
	return ns < (double)LAST_TIME ? (int64_t)ns : LAST_TIME;
}

int64_t model_later(int64_t time, int64_t ns)
{
	return time < LAST_TIME * 2 ? time + ns : time;
}

int model_at(struct model *model, struct loop_timer *timer, int64_t time, struct err *err)
{
	if (loop_at(model->loop, timer, time) < 0)
		return err_errno(err, "no room for a message");
	return 0;
}

/* --- messages under way --- */

static int add_block(struct model *model)
{
	struct flight_block *block = malloc(sizeof(*block));

	if (!block)
		return -1;
	block->next = model->blocks;
	model->blocks = block;
	for (size_t i = 0; i < BLOCK; i++) {
		block->flight[i].copy = NULL;
		block->flight[i].parts = NULL;
		block->flight[i].next = model->free;
		model->free = &block->flight[i];
	}
	return 0;
}

static struct flight *flight_new(struct model *model, uint32_t source, struct net_message *send)
{
	struct flight *flight;

	if (!model->free && add_block(model) < 0)
		return NULL;
	flight = model->free;
	model->free = flight->next;
	*flight = (struct flight){
		.arrival = { .peer = source, .tag = send->tag, .size = send->size },
		.model = model,
		.send = send,
		.target = send->peer,
	};
	return flight;
}

static void flight_free(struct flight *flight)
{
	free(flight->copy);
	free(flight->parts);
	flight->copy = NULL;
	flight->parts = NULL;
	flight->next = flight->model->free;
	flight->model->free = flight;
}

/* --- contents --- */

static void hand_over(struct net_message *send, struct net_message *receive)
{
	static _Thread_local char part[PART];

	for (uint64_t at = 0; at < send->size; at += PART) {
		size_t size = send->size - at < PART ? send->size - at : PART;

		send->data->fill(send, at, part, size);
		receive->data->take(receive, at, part, size);
	}
}

/* SEND ends before there is a receive: its contents are kept. */
static int keep_contents(struct flight *flight)
{
	struct net_message *send = flight->send;

	if (!send->data || !send->size)
		return 0;
	flight->copy = malloc(send->size);
	if (!flight->copy)
		return -1;
	send->data->fill(send, 0, flight->copy, send->size);
	return 0;
}

static void take_contents(struct flight *flight, struct net_message *receive)
{
	if (!receive->data)
		return;
	if (flight->copy)
		receive->data->take(receive, 0, flight->copy, receive->size);
	else if (flight->send && flight->send->data)
		hand_over(flight->send, receive);
}

/* --- ends --- */

static void message_late(struct loop_timer *timer, int64_t due)
{
	struct net_message *message = message_of(timer);

	net_done(message->peer_side, message, due);
}

/* MESSAGE of NET is done at TIME. */
static int done_at(struct net *net, struct net_message *message, int64_t time, struct err *err)
{
	message->peer_side = net;
	message->timer = (struct loop_timer){ .fire = message_late };
	return model_at(end_of(net)->model, &message->timer, time, err);
}

/* SEND of NET is done ANSWER ns from NOW. */
static void end_send(struct net *net, struct net_message *send, int64_t now, int64_t answer)
{
	struct err err;

	if (!answer)
		net_done(net, send, now);
	else if (done_at(net, send, model_later(now, answer), &err) < 0)
		loop_fail(net->loop, "%s", err.text);
}

void model_arrived(struct flight *flight, int64_t answer)
{
	struct model *model = flight->model;
	struct net_message *send = flight->send, *receive = flight->arrival.receive;
	struct net *source = &model->ends[flight->arrival.peer].net;
	struct net *target = &model->ends[flight->target].net;
	int64_t now = loop_now(model->loop);

	if (!receive) {
		if (keep_contents(flight) < 0) {
			loop_fail(model->loop, "no room for the contents of %llu bytes",
				  (unsigned long long)send->size);
			return;
		}
		flight->send = NULL;
		end_send(source, send, now, answer);
		return;
	}
	take_contents(flight, receive);
	net_received(target, receive);
	flight_free(flight);
	end_send(source, send, now, answer);
	net_done(target, receive, now);
}

static int model_send(struct net *net, struct net_message *message, struct err *err)
{
	struct model *model = end_of(net)->model;
	struct flight *flight = flight_new(model, net->rank, message);

	if (!flight)
		return err_errno(err, "no room for a message");
	if (match_arrive(&model->ends[message->peer].match, &flight->arrival, message->peer, err) <
	    0) {
		flight_free(flight);
		return -1;
	}
	return model->way->begin(model, flight, err);
}

static int model_recv(struct net *net, struct net_message *message, struct err *err)
{
	struct model *model = end_of(net)->model;
	struct match_arrival *arrival;
	struct flight *flight;

	if (match_receive(&end_of(net)->match, message, &arrival, net->rank, err) < 0)
		return -1;
	flight = (struct flight *)arrival;
	if (!flight || flight->send)
		return 0;
	take_contents(flight, message);
	net_received(net, message);
	flight_free(flight);
	return done_at(net, message, loop_now(model->loop), err);
}

static void model_end_destroy(struct net *net)
{
	(void)net; /* the model's */
}

static const struct net_ops model_ops = {
	.name = "model",
	.send = model_send,
	.recv = model_recv,
	.destroy = model_end_destroy,
};

/* --- the whole --- */

static int check_size(const struct model *model, struct err *err)
{
	uint64_t product = 1;

	if (model->settings->topology || model->settings->links)
		return 0;
	for (uint32_t d = 0; d < model->dims; d++)
		if (__builtin_mul_overflow(product, model->npus[d], &product))
			product = UINT64_MAX / 2;
	if (product == model->size)
		return 0;
	return err_set(err, "the modelled network has %llu ranks, but there are %u",
		       (unsigned long long)product, model->size);
}

static void set_dims(struct model *model)
{
	const struct model_settings *settings = model->settings;

	model->dims = settings->dims ? settings->dims : 1;
	for (uint32_t d = 0; d < model->dims; d++) {
		model->npus[d] = settings->npus[d];
		model->rate[d] = settings->bandwidth[d] / 1e9;
	}
	if (!settings->dims)
		model->npus[0] = model->size;
}

static int make_ends(struct model *model, struct err *err)
{
	size_t size = model->size;

	/* Of the counts only those that are used get memory. */
	model->ends = calloc(size + 1, sizeof(*model->ends));
	model->counts = calloc(size * size + 1, sizeof(*model->counts));
	if (!model->ends || !model->counts)
		return err_errno(err, "no room for a network of %u ranks", model->size);
	for (uint32_t rank = 0; rank < model->size; rank++) {
		struct model_end *end = &model->ends[rank];

		end->net = (struct net){
			.ops = &model_ops,
			.loop = model->loop,
			.rank = rank,
			.size = model->size,
			.counts = &model->counts[size * rank],
		};
		end->model = model;
		match_init(&end->match);
	}
	return 0;
}

static const struct model_way *way_of(const struct model_settings *settings)
{
	if (settings->topology || settings->links)
		return &model_way_links;
	return settings->dims && settings->congestion ? &model_way_dims : &model_way_formula;
}

int model_create(struct model **result, struct loop *loop, const struct model_settings *settings,
		 uint32_t size, struct err *err)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return err_errno(err, "no room for a network");
	model->loop = loop;
	model->settings = settings;
	model->size = size;
	set_dims(model);
	if (check_size(model, err) < 0 || make_ends(model, err) < 0) {
		model_destroy(model);
		return -1;
	}
	if (way_of(settings)->init(model, err) < 0) {
		model_destroy(model);
		return -1;
	}
	model->way = way_of(settings);
	*result = model;
	return 0;
}

struct net *model_net(struct model *model, uint32_t rank)
{
	return &model->ends[rank].net;
}

static void free_blocks(struct model *model)
{
	struct flight_block *block;

	while ((block = model->blocks)) {
		model->blocks = block->next;
		for (size_t i = 0; i < BLOCK; i++) {
			free(block->flight[i].copy);
			free(block->flight[i].parts);
		}
		free(block);
	}
}

void model_destroy(struct model *model)
{
	if (!model)
		return;
	if (model->way)
		model->way->release(model);
	for (uint32_t rank = 0; model->ends && rank < model->size; rank++)
		match_release(&model->ends[rank].match);
	free_blocks(model);
	free(model->ends);
	free(model->counts);
	free(model);
}

static int say_receive(uint32_t rank, const struct net_message *receive, struct err *err)
{
	char size[32] = "what there is", node[NET_NODE_NAME];

	if (receive->size != NET_ANY)
		snprintf(size, sizeof(size), "%llu bytes", (unsigned long long)receive->size);
	return err_set(err, "rank %u%s waits for %s from rank %u with tag %llu, which nobody sends",
		       rank, net_node_name(receive, node), size, receive->peer,
		       (unsigned long long)(receive->tag & ~NET_TAG_P2P));
}

static int say_arrival(uint32_t rank, const struct match_arrival *arrival, struct err *err)
{
	return err_set(err,
		       "rank %u sends %llu bytes to rank %u with tag %llu, which nobody receives",
		       arrival->peer, (unsigned long long)arrival->size, rank,
		       (unsigned long long)(arrival->tag & ~NET_TAG_P2P));
}

int model_left(const struct model *model, struct err *err)
{
	for (uint32_t rank = 0; rank < model->size; rank++)
		if (match_oldest(&model->ends[rank].match))
			return say_receive(rank, match_oldest(&model->ends[rank].match), err);
	for (uint32_t rank = 0; rank < model->size; rank++)
		if (match_oldest_arrival(&model->ends[rank].match))
			return say_arrival(rank, match_oldest_arrival(&model->ends[rank].match),
					   err);
	return 0;
}
