/* SPDX-License-Identifier: Apache-2.0 */
/* fabric.h - where the hosts of a network hang
 *
 * Most hosts have one cable, which leads to a switch: what such hosts send is
 * the same behind that switch, so algorithms work on switches.  All other
 * hosts (several cables, a cable to a host) count as nodes of their own.
 */
#ifndef NETEMU_FABRIC_H
#define NETEMU_FABRIC_H

#include "loads.h"
#include "router.h"

struct fabric {
	const struct netemu_net *net;
	uint32_t *to;     /* [links] the node a link leads to */
	uint32_t *home;   /* [hosts] the switch of a host with one cable, else its own node */
	uint32_t *cable;  /* [hosts] the link out of a host with one, else NETEMU_NONE */
	uint32_t *first;  /* [nodes + 1] into `host`: */
	uint32_t *host;   /* [hosts] those whose home is the node, ascending */
	uint32_t *active; /* switches and all other homes, farthest from hosts first */
	uint32_t nactive;
};

/* Returns 0, or -1 with errno ENOMEM. */
int fabric_init(struct fabric *fabric, const struct netemu_net *net);
void fabric_release(struct fabric *fabric);

/* HOST has one cable, to a switch. */
static inline bool fabric_is_single(const struct fabric *fabric, uint32_t host)
{
	return fabric->cable[host] != NETEMU_NONE;
}

/* The only link out of such a host. */
static inline uint32_t fabric_cable(const struct fabric *fabric, uint32_t host)
{
	return fabric->cable[host];
}

/* The ranks of all-to-all traffic, of each host and of each home. */
struct weights {
	uint64_t *home;  /* [nodes] ranks on the hosts of a node */
	uint32_t *hosts; /* [nodes] of them, those with ranks */
	uint64_t total;
};

/* Returns 0, or -1 with ERR written: more ranks than can be counted, no memory. */
int weights_init(struct weights *weights, const struct fabric *fabric,
		 const struct all_to_all *traffic, struct err *err);
void weights_release(struct weights *weights);

static inline uint64_t weight_of(const struct all_to_all *traffic, uint32_t host)
{
	return traffic->weight ? traffic->weight[host] : 1;
}

/* Says that the loads of TRAFFIC have no room.  Returns -1. */
int fabric_too_much(const struct all_to_all *traffic, struct err *err);

/* Add FLOWS [links] of TRAFFIC to LOADS; those of a link to its reverse when
 * TURNED.  Returns 0, or -1 with ERR written and nothing added: more bytes than
 * can be counted.
 */
int fabric_add(const struct fabric *fabric, const uint64_t *flows, const struct all_to_all *traffic,
	       bool turned, struct loads *loads, struct err *err);

#endif
