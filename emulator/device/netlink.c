/* SPDX-License-Identifier: Apache-2.0 */
#include "device/netlink.h"

#include "device/lock.h"
#include "device/net.h"
#include "random.h"

#include <string.h>

/* What stands around the payload of a packet: LRH, BTH, ICRC, VCRC; or Ethernet
 * with its FCS, IPv4, UDP, BTH, ICRC.
 */
#define HEADER_IB   (8 + 12 + 4 + 2)
#define HEADER_ROCE (14 + 20 + 8 + 12 + 4 + 4)

static void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static double as_real(const _Atomic uint64_t *bits)
{
	uint64_t value = atomic_load_explicit(bits, memory_order_relaxed);
	double real;

	memcpy(&real, &value, sizeof(real));
	return real;
}

static void set_real(_Atomic uint64_t *bits, double real)
{
	uint64_t value;

	memcpy(&value, &real, sizeof(value));
	atomic_store_explicit(bits, value, memory_order_relaxed);
}

double net_link_rate(const struct shared_link *link)
{
	return as_real(&link->rate);
}

double net_link_loss(const struct shared_link *link)
{
	return atomic_load_explicit(&link->down, memory_order_relaxed) ? 1 : as_real(&link->loss);
}

void net_link_set_rate(struct shared_link *link, double rate)
{
	set_real(&link->rate, rate);
}

void net_link_set_loss(struct shared_link *link, double loss)
{
	set_real(&link->loss, loss);
}

void net_link_init(struct shared_link *link, uint64_t seed, uint32_t index)
{
	random_init((struct random *)link->random, seed, "loss", index);
}

/* --- when a link is busy --- */

static struct link_span *span_at(struct shared_link *link, uint32_t i)
{
	return &link->span[(link->first + i) % LINK_SPANS];
}

/* The first time at READY or later that is free; *UNTIL says how long it is. */
static int64_t span_free(struct shared_link *link, int64_t ready, int64_t *until)
{
	int64_t begin = net_later(ready, link->floor);

	*until = INT64_MAX;
	if (link->spans && span_at(link, link->spans - 1)->end <= begin)
		return begin;
	for (uint32_t i = 0; i < link->spans; i++) {
		const struct link_span *span = span_at(link, i);

		if (span->end <= begin)
			continue;
		if (begin < span->begin) {
			*until = span->begin;
			break;
		}
		begin = span->end;
	}
	return begin;
}

static void span_drop_first(struct shared_link *link)
{
	link->floor = net_later(link->floor, link->span[link->first].end);
	link->first = (link->first + 1) % LINK_SPANS;
	link->spans--;
}

static void span_insert(struct shared_link *link, uint32_t at, int64_t begin, int64_t end)
{
	if (link->spans == LINK_SPANS && at == 0) {
		link->floor = end;
		return;
	}
	if (link->spans == LINK_SPANS) {
		span_drop_first(link);
		at--;
	}
	for (uint32_t i = link->spans; i > at; i--)
		*span_at(link, i) = *span_at(link, i - 1);
	*span_at(link, at) = (struct link_span){ .begin = begin, .end = end };
	link->spans++;
}

static void span_remove(struct shared_link *link, uint32_t at)
{
	for (uint32_t i = at; i + 1 < link->spans; i++)
		*span_at(link, i) = *span_at(link, i + 1);
	link->spans--;
}

/* BEGIN .. END is free and now taken; spans that touch become one. */
static void span_take(struct shared_link *link, int64_t begin, int64_t end)
{
	uint32_t at = link->spans;
	bool left, right;

	if (begin == end)
		return;
	while (at > 0 && span_at(link, at - 1)->begin > begin)
		at--;
	left = at > 0 && span_at(link, at - 1)->end == begin;
	right = at < link->spans && span_at(link, at)->begin == end;
	if (left && right) {
		span_at(link, at - 1)->end = span_at(link, at)->end;
		span_remove(link, at);
	} else if (left) {
		span_at(link, at - 1)->end = end;
	} else if (right) {
		span_at(link, at)->begin = begin;
	} else {
		span_insert(link, at, begin, end);
	}
}

/* Take LENGTH ticks from BEGIN on, free until UNTIL.  Who has taken a place behind that comes
 * later and keeps it; what overlaps is taken from where others leave room, so that in the
 * end a link carries no more than it can, and is not idle while something waits for it.
 */
static void span_fill(struct shared_link *link, int64_t begin, int64_t until, int64_t length)
{
	while (until - begin < length) {
		span_take(link, begin, until);
		length -= until - begin;
		begin = span_free(link, until, &until);
	}
	span_take(link, begin, begin + length);
}

/* Who held the lock died: spans may stand there twice, or one less.  Ends are
 * whole, so all is taken up to the last of them.
 */
static void span_repair(struct shared_link *link)
{
	for (uint32_t i = 0; i < LINK_SPANS; i++)
		link->floor = net_later(link->floor, link->span[i].end);
	link->first = link->spans = 0;
}

/* --- one link --- */

static void link_lock(struct fabric *fabric, struct shared_link *link)
{
	if (lock_take(fabric, &link->lock, fabric->self))
		span_repair(link);
}

/* Draws only where something can be lost, so that a link without losses leaves
 * its stream as it is.
 */
static bool link_loses(struct shared_link *link)
{
	double loss = as_real(&link->loss);

	if (atomic_load_explicit(&link->down, memory_order_relaxed))
		return true;
	return loss > 0 && random_real((struct random *)link->random) < loss;
}

static int64_t link_length(double rate, uint64_t bytes)
{
	return rate > 0 ? (int64_t)((double)bytes * (1e9 * NET_TICKS) / rate + 0.5) : 0;
}

/* What PIECE's head and tail are at on the link before, and then on this. */
struct passage {
	int64_t head, tail;
};

static bool link_take(struct fabric *fabric, struct shared_link *link, struct net_piece *piece,
		      int64_t limit, struct passage *passage)
{
	double rate = net_link_rate(link);
	int64_t length = link_length(rate, piece->bytes);
	int64_t ready = net_later(passage->head, passage->tail - length), begin = ready;
	int64_t until = INT64_MAX;
	bool locked = rate > 0 || (piece->draws && net_link_loss(link) > 0);

	if (locked)
		link_lock(fabric, link);
	if (rate > 0)
		begin = span_free(link, ready, &until);
	if (begin < limit && rate > 0)
		span_fill(link, begin, until, length);
	if (begin < limit && locked && piece->draws)
		piece->lost = link_loses(link);
	if (locked)
		lock_drop(&link->lock);
	if (begin >= limit)
		return false;
	if (begin > ready)
		count(&link->queue_ns, (uint64_t)net_ns(begin - ready));
	/* a fast link passes on what comes, and is busy for its own time at the end */
	*passage = (struct passage){
		.head = passage->head + begin - ready,
		.tail = begin + length,
	};
	return true;
}

static void link_count(struct shared_link *link, const struct net_piece *piece, uint64_t wire)
{
	count(&link->wire_bytes, wire);
	if (piece->resent)
		count(&link->resent_bytes, piece->bytes);
	if (piece->lost)
		count(&link->lost, 1);
}

/* --- paths --- */

void net_path_find(const struct fabric *fabric, uint32_t from, uint32_t to, struct net_path *path)
{
	const struct shared_header *header = fabric->segment.header;
	struct shared_device *sender;
	const uint64_t *routes;
	const struct net_route *route;

	*path = (struct net_path){ .from = from, .to = to, .link = path->star };
	if (from >= header->devices)
		return;
	sender = fabric_device(fabric, from);
	path->star[0] = sender->up;
	path->links = 1;
	path->header = sender->link_layer == LINK_ETHERNET ? HEADER_ROCE : HEADER_IB;
	if (to >= header->devices)
		return;
	if (header->routes_at) {
		routes = segment_at(&fabric->segment, header->routes_at);
		route = segment_at(&fabric->segment, routes[(uint64_t)from * header->devices + to]);
		path->links = route->links;
		path->link = route->link;
		return;
	}
	path->star[1] = fabric_device(fabric, to)->down;
	path->links = 2;
}

/* Nobody is there. */
static bool path_ends(const struct fabric *fabric, const struct net_path *path)
{
	uint32_t devices = fabric->segment.header->devices;

	return path->from >= devices || path->to >= devices;
}

bool net_path_loses(const struct fabric *fabric, const struct net_path *path)
{
	if (path_ends(fabric, path))
		return true;
	for (uint32_t i = 0; i < path->links; i++)
		if (net_link_loss(net_link(fabric, path->link[i])) > 0)
			return true;
	return false;
}

static void port_count(struct fabric *fabric, const struct net_path *path,
		       const struct net_piece *piece, uint64_t wire)
{
	uint32_t devices = fabric->segment.header->devices;
	struct port_counters *from, *to;

	if (path->from >= devices)
		return;
	from = &fabric_device(fabric, path->from)->counters;
	count(&from->xmit_bytes, wire);
	count(&from->xmit_packets, piece->packets);
	if (piece->resent) {
		count(&from->packets_resent, piece->packets);
		count(&from->bytes_resent, piece->bytes);
	}
	if (piece->lost || path->to >= devices) {
		count(&from->packets_lost, piece->packets);
		return;
	}
	to = &fabric_device(fabric, path->to)->counters;
	count(&to->rcv_bytes, wire);
	count(&to->rcv_packets, piece->packets);
}

bool net_path_take(struct fabric *fabric, const struct net_path *path, struct net_piece *piece)
{
	uint64_t wire = piece->bytes + (uint64_t)piece->packets * path->header + piece->extra;
	struct passage passage = { .head = piece->ready, .tail = piece->ready };

	if (piece->ready >= piece->limit)
		return false;
	piece->lost = false;
	piece->left = piece->ready;
	for (uint32_t i = 0; i < path->links && !piece->lost; i++) {
		struct shared_link *link = net_link(fabric, path->link[i]);

		if (!link_take(fabric, link, piece, i ? INT64_MAX : piece->limit, &passage))
			return false;
		link_count(link, piece, wire);
		if (i == 0)
			piece->left = passage.tail;
	}
	piece->through = passage.tail;
	piece->lost |= path_ends(fabric, path);
	port_count(fabric, path, piece, wire);
	return true;
}

bool net_path_answer(struct fabric *fabric, const struct net_path *path, uint32_t extra, bool draws)
{
	struct net_piece piece = { .packets = 1 };
	uint64_t wire = (uint64_t)path->header + extra;

	for (uint32_t i = 0; i < path->links && !piece.lost; i++) {
		struct shared_link *link = net_link(fabric, path->link[i]);

		if (draws && net_link_loss(link) > 0) {
			link_lock(fabric, link);
			piece.lost = link_loses(link);
			lock_drop(&link->lock);
		}
		link_count(link, &piece, wire);
	}
	port_count(fabric, path, &piece, wire);
	return !piece.lost && !path_ends(fabric, path);
}

void net_path_tally(struct fabric *fabric, const struct net_path *path,
		    const struct net_piece *piece)
{
	uint64_t wire = piece->bytes + (uint64_t)piece->packets * path->header + piece->extra;

	for (uint32_t i = 0; i < path->links; i++)
		link_count(net_link(fabric, path->link[i]), piece, wire);
	port_count(fabric, path, piece, wire);
}

void net_path_count(struct fabric *fabric, const struct net_path *path, uint64_t messages,
		    uint64_t bytes)
{
	for (uint32_t i = 0; i < path->links; i++) {
		struct shared_link *link = net_link(fabric, path->link[i]);

		count(&link->bytes, bytes);
		count(&link->messages, messages);
	}
}
