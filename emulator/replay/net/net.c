/* SPDX-License-Identifier: Apache-2.0 */
#include "net/watch.h"

#include <inttypes.h>
#include <stdio.h>

const char *net_node_name(const struct net_message *message, char name[NET_NODE_NAME])
{
	*name = '\0';
	if (message->node_id != NET_NO_NODE)
		snprintf(name, NET_NODE_NAME, " (node %" PRIu64 ")", message->node_id);
	return name;
}

static int check(const struct net *net, const struct net_message *message, const char *what,
		 struct err *err)
{
	if (message->peer < net->size)
		return 0;
	return err_set(err, "rank %u %s rank %u, but there are %u ranks", net->rank, what,
		       message->peer, net->size);
}

/* START, with the time it takes. */
static int watched(struct net *net, struct net_message *message,
		   int (*start)(struct net *net, struct net_message *message, struct err *err),
		   struct err *err)
{
	int64_t begin = loop_now(net->loop);

	message->posted = begin;
	if (start(net, message, err) < 0)
		return -1;
	net->watch(net->watch_arg, net,
		   &(struct net_moment){
			   .event = message->is_send ? NET_SEND : NET_RECEIVE,
			   .begin = begin,
			   .end = loop_now(net->loop),
			   .message = message,
		   });
	return 0;
}

int net_send(struct net *net, struct net_message *message, struct err *err)
{
	if (check(net, message, "sends to", err) < 0)
		return -1;
	message->is_send = true;
	net->loop->open++;
	net->counts[message->peer].tx_messages++;
	net->counts[message->peer].tx_bytes += message->size;
	if (net->told)
		net->told(net->told_arg, net, message, true);
	return net->watch ? watched(net, message, net->ops->send, err)
			  : net->ops->send(net, message, err);
}

int net_recv(struct net *net, struct net_message *message, struct err *err)
{
	if (check(net, message, "receives from", err) < 0)
		return -1;
	message->is_send = false;
	net->loop->open++;
	return net->watch ? watched(net, message, net->ops->recv, err)
			  : net->ops->recv(net, message, err);
}

void net_received(struct net *net, const struct net_message *message)
{
	net->counts[message->peer].rx_messages++;
	net->counts[message->peer].rx_bytes += message->size;
	if (net->told)
		net->told(net->told_arg, net, message, false);
}

void net_done_watched(struct net *net, struct net_message *message, int64_t time)
{
	int64_t now = loop_now(net->loop);

	net->watch(net->watch_arg, net,
		   &(struct net_moment){
			   .event = message->is_send ? NET_SENT : NET_CAME,
			   .begin = net->ops->poll ? net->looked : now,
			   .end = now,
			   .message = message,
		   });
	message->done(message, time);
	net->looked = loop_now(net->loop);
}

static int watched_poll(struct net *net, struct err *err)
{
	int64_t begin = loop_now(net->loop);
	int found;

	net->looked = begin;
	found = net->ops->poll(net, err);
	if (found >= 0 && net->watch)
		net->watch(net->watch_arg, net,
			   &(struct net_moment){
				   .event = NET_POLL,
				   .begin = begin,
				   .end = loop_now(net->loop),
				   .found = found,
			   });
	return found;
}

int net_poll(struct net *net, struct err *err)
{
	if (!net->ops->poll)
		return 0;
	return net->watch ? watched_poll(net, err) : net->ops->poll(net, err);
}

void net_timer_ends(const struct net *net, uint64_t node_id, int64_t due, int64_t begin)
{
	if (net->watch)
		net->watch(net->watch_arg, net,
			   &(struct net_moment){
				   .event = NET_TIMER,
				   .begin = begin,
				   .end = loop_now(net->loop),
				   .node_id = node_id,
				   .due = due,
			   });
}

void net_destroy(struct net *net)
{
	if (net)
		net->ops->destroy(net);
}
