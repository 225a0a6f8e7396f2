/* SPDX-License-Identifier: Apache-2.0 */
/* netlink.h - places on the links of a route; inside of net.c
 *
 * Times on links are counted in ticks of 1/64 ns, so that small messages on fast
 * links keep their length; an int64_t holds more than four years of them.
 */
#ifndef DEVICE_NETLINK_H
#define DEVICE_NETLINK_H

#include "device/fabric.h"

#define NET_TICKS 64

static inline int64_t net_ticks(int64_t ns)
{
	return ns == INT64_MAX ? ns : ns * NET_TICKS;
}

static inline int64_t net_ns(int64_t ticks)
{
	return ticks == INT64_MAX ? ticks : (ticks + NET_TICKS / 2) / NET_TICKS;
}

static inline int64_t net_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A route of a topology: LINKS numbers of links in order. */
struct net_route {
	uint32_t links;
	uint32_t link[];
};

/* The links from one device to another, in order. */
struct net_path {
	uint32_t from, to; /* devices */
	uint32_t links;
	const uint32_t *link;
	uint32_t star[2];
	uint32_t header; /* bytes around the payload of a packet */
};

void net_path_find(const struct fabric *fabric, uint32_t from, uint32_t to, struct net_path *path);

/* Can a packet be lost on it? */
bool net_path_loses(const struct fabric *fabric, const struct net_path *path);

/* A piece that wants a place. */
struct net_piece {
	uint64_t bytes;
	uint32_t packets;
	uint32_t extra;     /* bytes of headers, beside those that every packet has */
	bool resent, draws; /* draws: it is one packet and may be lost */
	int64_t ready;      /* ticks: not before */
	int64_t limit;      /* ticks: not at all when it would not begin before this */
	int64_t left;       /* out, ticks: through the first link */
	int64_t through;    /* out, ticks: through the last, or the one that lost it */
	bool lost;          /* out */
};

/* Take the next place on every link of PATH.  Returns whether it begins before
 * the limit.
 */
bool net_path_take(struct fabric *fabric, const struct net_path *path, struct net_piece *piece);

/* An acknowledgement of EXTRA bytes beside the header: it takes no time on the
 * links.  Returns whether it arrives.
 */
bool net_path_answer(struct fabric *fabric, const struct net_path *path, uint32_t extra,
		     bool draws);

/* MESSAGES of BYTES together are put on their way on PATH: counted once, lost or not. */
void net_path_count(struct fabric *fabric, const struct net_path *path, uint64_t messages,
		    uint64_t bytes);

/* PIECE has crossed PATH, in no time. */
void net_path_tally(struct fabric *fabric, const struct net_path *path,
		    const struct net_piece *piece);

static inline struct shared_link *net_link(const struct fabric *fabric, uint32_t link)
{
	struct shared_header *header = fabric->segment.header;

	return (struct shared_link *)segment_at(&fabric->segment, header->links_at) + link;
}

double net_link_rate(const struct shared_link *link);
double net_link_loss(const struct shared_link *link);
void net_link_set_rate(struct shared_link *link, double rate);
void net_link_set_loss(struct shared_link *link, double loss);

/* A link that has just been made (cleared), the INDEX-th of a fabric with SEED. */
void net_link_init(struct shared_link *link, uint64_t seed, uint32_t index);

#endif
