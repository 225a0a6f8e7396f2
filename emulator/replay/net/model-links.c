/* SPDX-License-Identifier: Apache-2.0 */
#include "net/model-parts.h"

#include "route/paths.h"

#include <math.h>
#include <stdlib.h>
#include <uthash.h>

#define PIECE  32768 /* bytes that take their place on a link together */
#define PIECES 256   /* a message has at most about so many */
#define WINDOW 2     /* pieces of a stream that are under way */

struct stream;

/* A piece of a message that crosses links. */
struct piece {
	struct loop_timer timer;
	struct stream *stream;
	struct flight *flight; /* NULL: it is not under way */
	uint64_t bytes;
	uint64_t at;      /* index in the paths of its next link */
	double head, end; /* ns: when it comes there, when the last link was done with it */
};

struct stream_key {
	uint32_t source, target, way;
};

/* Messages of one pair of ranks, one after the other; of several ways those parts of them
 * that go one way.
 */
struct stream {
	struct stream_key key;
	const uint64_t *path;             /* begin and end in the list of paths */
	struct flight_part *first, *last; /* not all of it is under way */
	struct piece piece[WINDOW];
	uint32_t turn; /* of the first way: that the next part goes */
	UT_hash_handle hh;
};

struct links {
	struct paths paths;            /* of a SPEC */
	const struct model_links *net; /* that of the settings, or `own` */
	struct model_links own;        /* place is owned, all else lies in paths */
	double *cost, *free;           /* [links]: ns for a byte, when it is free again */
	struct stream *streams;        /* that have something to do, or a turn */
};

static struct flight *flight_of(struct loop_timer *timer)
{
	return (struct flight *)((char *)timer - offsetof(struct flight, timer));
}

static void arrive_here(struct loop_timer *timer, int64_t due)
{
	(void)due;
	model_arrived(flight_of(timer), 0);
}

/* Whoever has sent it hears of that after the way back. */
static void arrive(struct loop_timer *timer, int64_t due)
{
	struct flight *flight = flight_of(timer);

	(void)due;
	model_arrived(flight, model_whole(flight->model->settings->link_latency));
}

/* BYTES of FLIGHT were through at END. */
static int through(struct flight *flight, uint64_t bytes, double end, struct err *err)
{
	struct model *model = flight->model;

	flight->through += bytes;
	flight->ended = fmax(flight->ended, end);
	if (flight->through < flight->arrival.size)
		return 0;
	flight->timer.fire = arrive;
	return model_at(model, &flight->timer,
			model_whole(rint(flight->ended + model->settings->link_latency)), err);
}

/* --- pieces on links --- */

static uint64_t piece_size(const struct flight_part *part)
{
	uint64_t left = part->size - part->issued, size = part->size / PIECES;

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
	uint32_t link = links->net->path[piece->at++];
	double start = fmax(piece->head, links->free[link]);
	double end = fmax(start + (double)piece->bytes * links->cost[link], piece->end);

	links->free[link] = end;
	piece->end = end;
	piece->head = piece->at < piece->stream->path[1] ? start : end;
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
	struct piece *piece;
	struct flight_part *part;

	while ((part = stream->first) && (piece = free_piece(stream))) {
		piece->flight = part->flight;
		piece->bytes = piece_size(part);
		piece->at = stream->path[0];
		piece->head = piece->end = time;
		part->issued += piece->bytes;
		if (part->issued == part->size)
			take_off(stream);
		if (take_place(model, model->way_data, piece, err) < 0)
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
	if (through(flight, piece->bytes, piece->end, err) < 0 ||
	    issue(model, stream, piece->end, err) < 0)
		return -1;
	if (links->net->ways == 1 && is_idle(stream)) {
		HASH_DEL(links->streams, stream);
		free(stream);
	}
	return 0;
}

static void go_on(struct loop_timer *timer, int64_t due)
{
	struct piece *piece = (struct piece *)timer;
	struct model *model = piece->flight->model;
	struct err err;
	int rc;

	(void)due;
	if (piece->at < piece->stream->path[1])
		rc = take_place(model, model->way_data, piece, &err);
	else
		rc = piece_ended(model, piece, &err);
	if (rc < 0)
		loop_fail(model->loop, "%s", err.text);
}

/* --- messages --- */

/* Where the links from rank to rank begin and end in the list of paths. */
static const uint64_t *path_of(const struct model_links *net, const struct stream_key *key)
{
	uint64_t from = net->place[(uint64_t)key->source * net->ways + key->way];

	return &net->start[from * net->places +
			   net->place[(uint64_t)key->target * net->ways + key->way]];
}

/* NULL when there is no room. */
static struct stream *stream_of(struct links *links, const struct flight *flight, uint32_t way)
{
	struct stream_key key = { flight->arrival.peer, flight->target, way };
	struct stream *stream;

	HASH_FIND(hh, links->streams, &key, sizeof(key), stream);
	if (stream)
		return stream;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->key = key;
	stream->path = path_of(links->net, &key);
	for (size_t i = 0; i < WINDOW; i++) {
		stream->piece[i].timer.fire = go_on;
		stream->piece[i].stream = stream;
	}
	HASH_ADD(hh, links->streams, key, sizeof(key), stream);
	return stream;
}

static int part_begin(struct stream *stream, struct flight_part *part, struct err *err)
{
	struct model *model = part->flight->model;
	double now = (double)loop_now(model->loop);

	if (stream->path[0] == stream->path[1])
		return through(part->flight, part->size, now, err);
	if (stream->last)
		stream->last->next = part;
	else
		stream->first = part;
	stream->last = part;
	return issue(model, stream, now, err);
}

/* Its parts by all ways in turn. */
static int begin_parts(struct links *links, struct flight *flight, struct err *err)
{
	uint64_t size = flight->arrival.size;
	uint32_t ways = links->net->ways, count = net_parts(size, ways);
	uint64_t each = (size + count - 1) / count;
	struct stream *first = stream_of(links, flight, 0), *stream;

	flight->parts = calloc(count, sizeof(*flight->parts));
	if (!first || !flight->parts)
		return err_errno(err, "no room for a message");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = i * each;

		flight->parts[i] = (struct flight_part){
			.flight = flight,
			.size = size - at < each ? size - at : each,
		};
		stream = stream_of(links, flight, first->turn);
		first->turn = (first->turn + 1) % ways;
		if (!stream)
			return err_errno(err, "no room for a message");
		if (part_begin(stream, &flight->parts[i], err) < 0)
			return -1;
	}
	return 0;
}

static int links_begin(struct model *model, struct flight *flight, struct err *err)
{
	struct links *links = model->way_data;
	struct stream *stream;

	if (flight->arrival.peer == flight->target) {
		flight->timer.fire = arrive_here;
		return model_at(model, &flight->timer, loop_now(model->loop), err);
	}
	if (links->net->ways > 1)
		return begin_parts(links, flight, err);
	stream = stream_of(links, flight, 0);
	if (!stream)
		return err_errno(err, "no room for a message");
	flight->part = (struct flight_part){ .flight = flight, .size = flight->arrival.size };
	return part_begin(stream, &flight->part, err);
}

/* --- the network of a SPEC --- */

/* Host after host takes as many ranks as it has slots. */
static int place_ranks(struct model *model, struct links *links, struct err *err)
{
	const struct netemu_net *net = &links->paths.topology.net;
	uint32_t host = 0, slot = 0;

	for (uint32_t rank = 0; rank < model->size; rank++) {
		if (slot == net->slots[host]) {
			host++;
			slot = 0;
		}
		if (host == net->hosts)
			return err_set(err,
				       "topology '%s' has %u hosts with too few slots for %u "
				       "ranks",
				       links->paths.topology.source, net->hosts, model->size);
		links->own.place[rank] = host;
		slot++;
	}
	links->own.places = model->size ? host + 1 : 0;
	links->own.ways = 1;
	return 0;
}

static int route(struct links *links, const struct paths_settings *how, struct err *err)
{
	uint32_t count = links->own.places;
	uint32_t *host = malloc((count + (size_t)1) * sizeof(*host));
	int rc;

	if (!host)
		return err_errno(err, "unable to route");
	for (uint32_t i = 0; i < count; i++)
		host[i] = i;
	rc = paths_route(&links->paths, how, host, count, err);
	free(host);
	return rc;
}

static int open_spec(struct model *model, struct links *links, struct err *err)
{
	const struct paths_settings how = {
		.spec = model->settings->topology,
		.routing = model->settings->routing,
		.seed = model->settings->seed,
		.unit = model->settings->link_rate,
	};

	links->own.place = calloc(model->size + (size_t)1, sizeof(*links->own.place));
	if (!links->own.place)
		return err_errno(err, "no room for %u ranks", model->size);
	if (paths_open(&links->paths, &how, err) < 0)
		return -1;
	if (place_ranks(model, links, err) < 0 || route(links, &how, err) < 0)
		return -1;
	links->own.links = links->paths.topology.net.links;
	links->own.rate = links->paths.rate;
	links->own.path = links->paths.path;
	links->own.start = links->paths.start;
	links->net = &links->own;
	return 0;
}

/* --- any network --- */

static int take_net(struct model *model, struct links *links, struct err *err)
{
	links->net = model->settings->links;
	if (links->net->ranks == model->size)
		return 0;
	return err_set(err, "the modelled network has %u ranks, but there are %u",
		       links->net->ranks, model->size);
}

static int make_costs(struct links *links, struct err *err)
{
	const struct model_links *net = links->net;

	links->cost = calloc(net->links + (size_t)1, sizeof(*links->cost));
	links->free = calloc(net->links + (size_t)1, sizeof(*links->free));
	if (!links->cost || !links->free)
		return err_errno(err, "no room for %u links", net->links);
	for (uint32_t i = 0; i < net->links; i++)
		if (net->rate[i] > 0)
			links->cost[i] = 1e9 / net->rate[i];
	return 0;
}

static void links_release(struct model *model)
{
	struct links *links = model->way_data;
	struct stream *stream, *next;

	HASH_ITER (hh, links->streams, stream, next) {
		HASH_DEL(links->streams, stream);
		free(stream);
	}
	paths_release(&links->paths);
	free(links->own.place);
	free(links->cost);
	free(links->free);
	free(links);
}

static int links_init(struct model *model, struct err *err)
{
	struct links *links = calloc(1, sizeof(*links));
	int rc;

	if (!links)
		return err_errno(err, "no room for links");
	model->way_data = links;
	rc = model->settings->links ? take_net(model, links, err) : open_spec(model, links, err);
	if (rc == 0 && make_costs(links, err) == 0)
		return 0;
	links_release(model);
	return -1;
}

const struct model_way model_way_links = {
	.init = links_init,
	.begin = links_begin,
	.release = links_release,
};
