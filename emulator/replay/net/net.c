/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

static int check(const struct net *net, const struct net_message *message, const char *what,
		 struct err *err)
{
	if (message->peer < net->size)
		return 0;
	return err_set(err, "rank %u %s rank %u, but there are %u ranks", net->rank, what,
		       message->peer, net->size);
}

int net_send(struct net *net, struct net_message *message, struct err *err)
{
	if (check(net, message, "sends to", err) < 0)
		return -1;
	net->counts[message->peer].tx_messages++;
	net->counts[message->peer].tx_bytes += message->size;
	if (net->told)
		net->told(net->told_arg, net, message, true);
	return net->ops->send(net, message, err);
}

int net_recv(struct net *net, struct net_message *message, struct err *err)
{
	if (check(net, message, "receives from", err) < 0)
		return -1;
	return net->ops->recv(net, message, err);
}

void net_received(struct net *net, const struct net_message *message)
{
	net->counts[message->peer].rx_messages++;
	net->counts[message->peer].rx_bytes += message->size;
	if (net->told)
		net->told(net->told_arg, net, message, false);
}

int net_poll(struct net *net, struct err *err)
{
	return net->ops->poll ? net->ops->poll(net, err) : 0;
}

void net_destroy(struct net *net)
{
	if (net)
		net->ops->destroy(net);
}
