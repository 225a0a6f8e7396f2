/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model-parts.h"

#include "route/router.h"

#include <math.h>
#include <stdlib.h>
#include <uthash.h>

#define PIECE  32768 /* bytes that take their place on a link together */
#define PIECES 256   /* a message has at most about so many */
#define WINDOW 2     /* pieces of a stream that are under way */

struct stream;

/* A part of a message that crosses links. */
struct piece {
	struct loop_timer timer;
	struct stream *stream;
	struct flight *flight; /* NULL: it is not under way */
	uint64_t bytes;
	size_t at;        /* index in paths of its next link */
	double head, end; /* ns: when it comes there, when the last link was done with it */
};

/* Messages of one pair of ranks, one after the other. */
struct stream {
	uint64_t key;
	struct flight *first, *last; /* not all of it is under way */
	struct piece piece[WINDOW];
	UT_hash_handle hh;
};

struct links {
	struct topology topology;
	double *cost, *free;    /* [links]: ns for a byte, when it is free again */
	uint32_t hosts, *host;  /* in use; of each rank */
	struct routed routed;   /* of all ordered pairs of hosts in use */
	struct stream *streams; /* that have something to do */
};

static struct flight *flight_of(struct loop_timer *timer)
{
	return (struct flight *)((char *)timer - offsetof(struct flight, timer));
}

static void arrive(struct loop_timer *timer, int64_t due)
{
	(void)due;
	model_arrived(flight_of(timer));
}

static int deliver(struct flight *flight, double end, struct err *err)
{
	struct model *model = flight->model;

	flight->timer.fire = arrive;
	return model_at(model, &flight->timer,
			model_whole(rint(end + model->settings->link_latency)), err);
}

/* --- pieces on links --- */

static size_t pair_of(const struct links *links, uint32_t a, uint32_t b)
{
	return (size_t)a * (links->hosts - 1) + b - (b > a);
}

static const size_t *path_of(const struct links *links, const struct flight *flight)
{
	return &links->routed.start[pair_of(links, links->host[flight->arrival.peer],
					    links->host[flight->target])];
}

static uint64_t piece_size(const struct flight *flight)
{
	uint64_t left = flight->arrival.size - flight->issued, size = flight->arrival.size / PIECES;

	if (size < PIECE)
		size = PIECE;
	return left < size ? left : size;
}

/* PIECE has come to its next link: it begins there when that is free and is done
 * with it not before the link ahead.
 */
static int take_place(struct model *model, struct links *links, struct piece *piece,
		      struct err *err)
{
	uint32_t link = links->routed.path[piece->at++];
	double start = fmax(piece->head, links->free[link]);
	double end = fmax(start + (double)piece->bytes * links->cost[link], piece->end);

	links->free[link] = end;
	piece->end = end;
	piece->head = piece->at < path_of(links, piece->flight)[1] ? start : end;
	return model_at(model, &piece->timer, model_whole(ceil(piece->head)), err);
}

static struct piece *free_piece(struct stream *stream)
{
	for (size_t i = 0; i < WINDOW; i++)
		if (!stream->piece[i].flight)
			return &stream->piece[i];
	return NULL;
}

static void take_off(struct stream *stream)
{
	stream->first = stream->first->next;
	if (!stream->first)
		stream->last = NULL;
}

/* As many pieces as the window takes, from TIME on. */
static int issue(struct model *model, struct stream *stream, double time, struct err *err)
{
	struct links *links = model->way_data;
	struct piece *piece;
	struct flight *flight;

	while ((flight = stream->first) && (piece = free_piece(stream))) {
		piece->flight = flight;
		piece->bytes = piece_size(flight);
		piece->at = path_of(links, flight)[0];
		piece->head = piece->end = time;
		flight->issued += piece->bytes;
		if (flight->issued == flight->arrival.size)
			take_off(stream);
		if (take_place(model, links, piece, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_idle(const struct stream *stream)
{
	for (size_t i = 0; i < WINDOW; i++)
		if (stream->piece[i].flight)
			return false;
	return !stream->first;
}

/* PIECE has crossed all its links. */
static int piece_ended(struct model *model, struct piece *piece, struct err *err)
{
	struct links *links = model->way_data;
	struct stream *stream = piece->stream;
	struct flight *flight = piece->flight;

	piece->flight = NULL;
	flight->through += piece->bytes;
	if (flight->through == flight->arrival.size && deliver(flight, piece->end, err) < 0)
		return -1;
	if (issue(model, stream, piece->end, err) < 0)
		return -1;
	if (is_idle(stream)) {
		HASH_DEL(links->streams, stream);
		free(stream);
	}
	return 0;
}

static void go_on(struct loop_timer *timer, int64_t due)
{
	struct piece *piece = (struct piece *)timer;
	struct model *model = piece->flight->model;
	struct links *links = model->way_data;
	struct err err;
	int rc;

	(void)due;
	if (piece->at < path_of(links, piece->flight)[1])
		rc = take_place(model, links, piece, &err);
	else
		rc = piece_ended(model, piece, &err);
	if (rc < 0)
		loop_fail(model->loop, "%s", err.text);
}

/* --- messages --- */

static struct stream *stream_of(struct links *links, uint32_t source, uint32_t target)
{
	uint64_t key = (uint64_t)source << 32 | target;
	struct stream *stream;

	HASH_FIND(hh, links->streams, &key, sizeof(key), stream);
	if (stream)
		return stream;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->key = key;
	for (size_t i = 0; i < WINDOW; i++) {
		stream->piece[i].timer.fire = go_on;
		stream->piece[i].stream = stream;
	}
	HASH_ADD(hh, links->streams, key, sizeof(key), stream);
	return stream;
}

static int links_begin(struct model *model, struct flight *flight, struct err *err)
{
	struct links *links = model->way_data;
	uint32_t source = flight->arrival.peer, target = flight->target;
	int64_t now = loop_now(model->loop);
	struct stream *stream;

	if (source == target) {
		flight->timer.fire = arrive;
		return model_at(model, &flight->timer, now, err);
	}
	if (links->host[source] == links->host[target])
		return deliver(flight, (double)now, err);
	stream = stream_of(links, source, target);
	if (!stream)
		return err_errno(err, "no room for a message");
	flight->next = NULL;
	if (stream->last)
		stream->last->next = flight;
	else
		stream->first = flight;
	stream->last = flight;
	return issue(model, stream, (double)now, err);
}

/* --- the network --- */

static const char *routing_of(const struct model_settings *settings,
			      const struct topology *topology)
{
	static const char *const by_shape[] = {
		[TOPOLOGY_IRREGULAR] = "dmodk",   [TOPOLOGY_TREE] = "dmodk",
		[TOPOLOGY_TORUS] = "dor",         [TOPOLOGY_MESH] = "dor",
		[TOPOLOGY_DRAGONFLY] = "minimal",
	};

	if (settings->routing)
		return settings->routing;
	return topology->tables ? "lft" : by_shape[topology->shape];
}

/* Host after host takes as many ranks as it has slots. */
static int place_ranks(struct model *model, struct links *links, struct err *err)
{
	const struct netemu_net *net = &links->topology.net;
	uint32_t host = 0, slot = 0;

	links->host = calloc(model->size + (size_t)1, sizeof(*links->host));
	if (!links->host)
		return err_errno(err, "no room for %u ranks", model->size);
	for (uint32_t rank = 0; rank < model->size; rank++) {
		if (slot == net->slots[host]) {
			host++;
			slot = 0;
		}
		if (host == net->hosts)
			return err_set(err,
				       "topology '%s' has %u hosts with too few slots for %u "
				       "ranks",
				       links->topology.source, net->hosts, model->size);
		links->host[rank] = host;
		slot++;
	}
	links->hosts = model->size ? host + 1 : 0;
	return 0;
}

static int make_links(struct model *model, struct links *links, struct err *err)
{
	const struct netemu_net *net = &links->topology.net;
	double unit = links->topology.unit == TOPOLOGY_UNIT_BYTE ? 1 : model->settings->link_rate;

	links->cost = calloc(net->links + (size_t)1, sizeof(*links->cost));
	links->free = calloc(net->links + (size_t)1, sizeof(*links->free));
	if (!links->cost || !links->free)
		return err_errno(err, "no room for the links of '%s'", links->topology.source);
	for (uint32_t i = 0; unit > 0 && i < net->links; i++)
		links->cost[i] = 1e9 / (net->link[i].capacity * unit);
	return 0;
}

static struct netemu_pair *make_pairs(const struct links *links, size_t *count)
{
	struct netemu_pair *pair =
		malloc(((size_t)links->hosts * links->hosts + 1) * sizeof(*pair));

	*count = 0;
	for (uint32_t i = 0; pair && i < links->hosts; i++)
		for (uint32_t j = 0; j < links->hosts; j++)
			if (i != j)
				pair[(*count)++] = (struct netemu_pair){
					.from = i,
					.to = j,
					.bytes = 1,
					.flows = 1,
				};
	return pair;
}

static int check_routed(const struct links *links, const char *routing, struct err *err)
{
	const struct netemu_net *net = &links->topology.net;
	const struct routed *routed = &links->routed;

	if (routed->unroutable)
		return err_set(err, "routing '%s' finds no path from '%s' to '%s'", routing,
			       net->name[net->host_node[routed->from]],
			       net->name[net->host_node[routed->to]]);
	if (!routed->start)
		return err_set(err,
			       "routing '%s' sends a pair over several paths at once: the model "
			       "needs one path for each pair",
			       routing);
	return 0;
}

static int route_pairs(struct links *links, const struct model_settings *settings,
		       const struct netemu_pair *pair, size_t pairs, struct err *err)
{
	const char *routing = routing_of(settings, &links->topology);
	const struct router_settings how = { .seed = settings->seed };
	const struct netemu_route route = { .pairs = pair, .npairs = pairs };
	struct router *router;
	struct loads loads;
	int rc = -1;

	if (router_create(&router, routing, &links->topology, &how, err) < 0)
		return -1;
	links->routed.want_paths = true;
	if (loads_init(&loads, links->topology.net.links) < 0)
		err_errno(err, "unable to route");
	else if (router_route(router, &route, &loads, &links->routed, err) == 0)
		rc = pairs ? check_routed(links, routing, err) : 0;
	loads_release(&loads);
	router_destroy(router);
	return rc;
}

static int make_routes(struct model *model, struct links *links, struct err *err)
{
	size_t pairs;
	struct netemu_pair *pair = make_pairs(links, &pairs);
	int rc;

	if (!pair)
		return err_errno(err, "unable to route");
	rc = route_pairs(links, model->settings, pair, pairs, err);
	free(pair);
	return rc;
}

static void links_release(struct model *model)
{
	struct links *links = model->way_data;
	struct stream *stream, *next;

	HASH_ITER (hh, links->streams, stream, next) {
		HASH_DEL(links->streams, stream);
		free(stream);
	}
	routed_release(&links->routed);
	if (links->topology.source)
		topology_release(&links->topology);
	free(links->host);
	free(links->cost);
	free(links->free);
	free(links);
}

static int links_init(struct model *model, struct err *err)
{
	struct links *links = calloc(1, sizeof(*links));

	if (!links)
		return err_errno(err, "no room for links");
	model->way_data = links;
	if (topology_open(&links->topology, model->settings->topology, NULL, err) < 0) {
		free(links);
		return -1;
	}
	if (place_ranks(model, links, err) == 0 && make_links(model, links, err) == 0 &&
	    make_routes(model, links, err) == 0)
		return 0;
	links_release(model);
	return -1;
}

const struct model_way model_way_links = {
	.init = links_init,
	.begin = links_begin,
	.release = links_release,
};
