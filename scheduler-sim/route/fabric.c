/* SPDX-License-Identifier: Apache-2.0 */
#include "fabric.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t home_of(const struct netemu_net *net, uint32_t host)
{
	uint32_t node = net->host_node[host], to;

	if (net->first[node + 1] - net->first[node] != 1)
		return node;
	to = net->link[net->first[node]].to;
	return net->node_host[to] == NETEMU_NONE ? to : node;
}

static void list_hosts(struct fabric *fabric)
{
	const struct netemu_net *net = fabric->net;
	uint32_t *first = fabric->first;

	for (uint32_t h = 0; h < net->hosts; h++) {
		uint32_t node = net->host_node[h];

		fabric->home[h] = home_of(net, h);
		fabric->cable[h] = fabric->home[h] == node ? NETEMU_NONE : net->first[node];
		first[fabric->home[h]]++;
	}
	for (uint32_t n = 0, sum = 0; n <= net->nodes; n++) {
		sum += first[n];
		first[n] = sum;
	}
	for (uint32_t h = net->hosts; h-- > 0;)
		fabric->host[--first[fabric->home[h]]] = h;
}

/* By level, downwards: whoever is resolved first is used by those below. */
static void list_active(struct fabric *fabric)
{
	const struct netemu_net *net = fabric->net;
	uint32_t top = 0;

	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->level[n] != NETEMU_NONE && net->level[n] > top)
			top = net->level[n];
	}
	for (uint32_t level = top;; level--) {
		for (uint32_t n = 0; n < net->nodes; n++) {
			if (net->level[n] == level && (net->node_host[n] == NETEMU_NONE ||
						       fabric->home[net->node_host[n]] == n))
				fabric->active[fabric->nactive++] = n;
		}
		if (!level)
			break;
	}
}

int fabric_init(struct fabric *fabric, const struct netemu_net *net)
{
	*fabric = (struct fabric){
		.net = net,
		.to = calloc((size_t)net->links + 1, sizeof(uint32_t)),
		.home = calloc((size_t)net->hosts + 1, sizeof(uint32_t)),
		.cable = calloc((size_t)net->hosts + 1, sizeof(uint32_t)),
		.first = calloc((size_t)net->nodes + 1, sizeof(uint32_t)),
		.host = calloc((size_t)net->hosts + 1, sizeof(uint32_t)),
		.active = calloc((size_t)net->nodes + 1, sizeof(uint32_t)),
	};
	if (!fabric->to || !fabric->home || !fabric->cable || !fabric->first || !fabric->host ||
	    !fabric->active) {
		fabric_release(fabric);
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t l = 0; l < net->links; l++)
		fabric->to[l] = net->link[l].to;
	list_hosts(fabric);
	list_active(fabric);
	return 0;
}

void fabric_release(struct fabric *fabric)
{
	free(fabric->to);
	free(fabric->home);
	free(fabric->cable);
	free(fabric->first);
	free(fabric->host);
	free(fabric->active);
	*fabric = (struct fabric){ 0 };
}

int weights_init(struct weights *weights, const struct fabric *fabric,
		 const struct all_to_all *traffic, struct err *err)
{
	const struct netemu_net *net = fabric->net;

	*weights = (struct weights){
		.home = calloc((size_t)net->nodes + 1, sizeof(uint64_t)),
		.hosts = calloc((size_t)net->nodes + 1, sizeof(uint32_t)),
	};
	if (!weights->home || !weights->hosts) {
		weights_release(weights);
		errno = ENOMEM;
		return err_errno(err, "unable to route between %u hosts", net->hosts);
	}
	for (uint32_t h = 0; h < net->hosts; h++) {
		uint64_t weight = weight_of(traffic, h);

		weights->home[fabric->home[h]] += weight;
		weights->hosts[fabric->home[h]] += weight > 0;
		weights->total += weight;
	}
	if (weights->total <= UINT32_MAX)
		return 0;
	weights_release(weights);
	return err_set(err, "all-to-all traffic of more than %u ranks cannot be counted",
		       UINT32_MAX);
}

void weights_release(struct weights *weights)
{
	free(weights->home);
	free(weights->hosts);
	*weights = (struct weights){ 0 };
}

int fabric_too_much(const struct all_to_all *traffic, struct err *err)
{
	return err_set(err, "all-to-all traffic of %ju bytes a pair is more than can be counted",
		       (uintmax_t)traffic->bytes);
}

int fabric_add(const struct fabric *fabric, const uint64_t *flows, const struct all_to_all *traffic,
	       bool turned, struct loads *loads, struct err *err)
{
	const load_amount most = ~(load_amount)0 >> LOADS_SHIFT;

	for (uint32_t l = 0; l < loads->count; l++) {
		const struct load *load = &loads->link[turned ? fabric->net->link[l].reverse : l];

		if ((load_amount)flows[l] * traffic->bytes >= most - (load->bytes >> LOADS_SHIFT))
			return fabric_too_much(traffic, err);
	}
	for (uint32_t l = 0; l < loads->count; l++) {
		struct load *load;

		if (!flows[l])
			continue;
		load = loads_at(loads, turned ? fabric->net->link[l].reverse : l);
		load->bytes += ((load_amount)flows[l] * traffic->bytes) << LOADS_SHIFT;
		load->flows += load_whole(flows[l]);
	}
	return 0;
}
