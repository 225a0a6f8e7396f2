/* SPDX-License-Identifier: Apache-2.0 */
/* fluid.c - max-min fair rates by progressive filling
 *
 * The flows on each link are kept in a list.  To find the rates, all links in
 * use go into a heap by the share they can give each of their flows; the link
 * with the smallest share fixes the rate of its flows, which takes capacity
 * from the other links of these flows and so raises or keeps their shares.
 *
 * So rates are found in ascending order, and a flow that ends changes none that
 * is lower than its own: until its rate was found, its links had more to give
 * than that.  A flow that begins changes none that is lower than what its links
 * can give each of their flows.  What is lower is kept, in the order found.
 */
#include "config.h"

#include "engine/fluid.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS    1e9
#define BELOW (1 - 1e-9) /* times a rate: lower also after rounding */

/* A flow on one of its links. */
struct crossing {
	struct crossing *next, **prev; /* of the same link */
	struct fluid_part *part;
	uint32_t link;
};

struct fluid_part {
	double left, rate; /* bytes, byte/s; rate < 0: not found yet */
	int64_t end;       /* ns, at that rate */
	struct fluid_transfer *transfer;
	struct fluid_part *next, **prev; /* of the flows under way */
	struct crossing *crossings;
	uint32_t ncrossings;
	size_t place; /* in the list of rates found; SIZE_MAX: in none */
};

/* What a link can give. */
struct share {
	struct crossing *crossings;
	double rest;    /* byte/s that are not given yet */
	uint32_t flows; /* on it */
	uint32_t open;  /* of these, without a rate yet */
	uint32_t place; /* in the heap */
	uint32_t used;  /* in the list of links in use */
};

struct fluid {
	const struct topology *topology;
	struct share *shares; /* [links] */
	uint32_t *heap;       /* of links, the smallest share first */
	uint32_t nheap;
	uint32_t *used; /* links with flows */
	uint32_t nused;
	struct fluid_part *parts; /* under way */
	size_t nparts;
	struct fluid_part **found; /* parts in the order in which their rates were found; owned */
	size_t nfound, found_room; /* of these, rates that hold */
	struct fluid_transfer *ended, **ended_tail;
	int64_t now;
	bool stale; /* rates have to be found anew */
};

/* --- the heap of links --- */

static bool before(const struct fluid *fluid, uint32_t a, uint32_t b)
{
	double x = fluid->shares[a].rest * fluid->shares[b].open;
	double y = fluid->shares[b].rest * fluid->shares[a].open;

	return x != y ? x < y : a < b;
}

static void put(struct fluid *fluid, uint32_t place, uint32_t link)
{
	fluid->heap[place] = link;
	fluid->shares[link].place = place;
}

static void sink(struct fluid *fluid, uint32_t place)
{
	uint32_t link = fluid->heap[place];

	for (uint32_t child = 2 * place + 1; child < fluid->nheap; child = 2 * place + 1) {
		if (child + 1 < fluid->nheap &&
		    before(fluid, fluid->heap[child + 1], fluid->heap[child]))
			child++;
		if (!before(fluid, fluid->heap[child], link))
			break;
		put(fluid, place, fluid->heap[child]);
		place = child;
	}
	put(fluid, place, link);
}

static void rise(struct fluid *fluid, uint32_t place)
{
	uint32_t link = fluid->heap[place];

	while (place > 0 && before(fluid, link, fluid->heap[(place - 1) / 2])) {
		put(fluid, place, fluid->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(fluid, place, link);
}

static void take_out(struct fluid *fluid, uint32_t link)
{
	uint32_t place = fluid->shares[link].place;

	if (place == --fluid->nheap)
		return;
	put(fluid, place, fluid->heap[fluid->nheap]);
	rise(fluid, place);
	sink(fluid, place);
}

/* --- rates --- */

static bool give(struct share *share, double rate)
{
	share->rest -= rate;
	if (share->rest < 0)
		share->rest = 0;
	return --share->open > 0;
}

/* PART gets RATE, which the links it crosses then have no more. */
static void fix(struct fluid *fluid, struct fluid_part *part, double rate)
{
	part->rate = rate;
	part->place = fluid->nfound;
	fluid->found[fluid->nfound++] = part;
	for (uint32_t i = 0; i < part->ncrossings; i++) {
		uint32_t link = part->crossings[i].link;
		struct share *share = &fluid->shares[link];

		if (!give(share, rate)) {
			take_out(fluid, link);
			continue;
		}
		rise(fluid, share->place);
		sink(fluid, share->place);
	}
}

/* The first whole ns at which BYTES have gone at RATE; a thousandth of a ns
 * more is taken for an error of rounding.
 */
static int64_t time_for(double bytes, double rate)
{
	double time = bytes / rate * NS, whole = nearbyint(time);

	if (bytes <= 0)
		return 0;
	if (fabs(time - whole) > 1e-3 + time * 1e-13)
		whole = ceil(time);
	return whole < (double)(INT64_MAX / 4) ? (int64_t)whole : INT64_MAX / 4;
}

/* Of the rates found only those below RATE hold. */
static void keep_below(struct fluid *fluid, double rate)
{
	while (fluid->nfound && fluid->found[fluid->nfound - 1]->rate >= rate * BELOW)
		fluid->nfound--;
}

/* What the links of PART can give it at least. */
static double least_rate(const struct fluid *fluid, const struct fluid_part *part)
{
	double least = INFINITY;

	for (uint32_t i = 0; i < part->ncrossings; i++) {
		uint32_t link = part->crossings[i].link;

		least = fmin(least,
			     fluid->topology->net.link[link].capacity / fluid->shares[link].flows);
	}
	return least;
}

/* Forget the rates that may change; the others are given by their links. */
static void keep_rates(struct fluid *fluid)
{
	for (struct fluid_part *part = fluid->parts; part && part->rate < 0; part = part->next)
		keep_below(fluid, least_rate(fluid, part));
	for (struct fluid_part *part = fluid->parts; part; part = part->next)
		if (part->place >= fluid->nfound)
			part->rate = -1;
	for (uint32_t i = 0; i < fluid->nused; i++) {
		struct share *share = &fluid->shares[fluid->used[i]];

		share->rest = fluid->topology->net.link[fluid->used[i]].capacity;
		share->open = share->flows;
	}
	for (size_t i = 0; i < fluid->nfound; i++) {
		const struct fluid_part *part = fluid->found[i];

		for (uint32_t k = 0; k < part->ncrossings; k++)
			give(&fluid->shares[part->crossings[k].link], part->rate);
	}
}

static void solve(struct fluid *fluid)
{
	keep_rates(fluid);
	fluid->nheap = 0;
	for (uint32_t i = 0; i < fluid->nused; i++)
		if (fluid->shares[fluid->used[i]].open)
			put(fluid, fluid->nheap++, fluid->used[i]);
	for (uint32_t i = fluid->nheap / 2; i-- > 0;)
		sink(fluid, i);
	while (fluid->nheap) {
		struct share *share = &fluid->shares[fluid->heap[0]];
		double rate = share->rest / share->open;

		for (struct crossing *c = share->crossings; c; c = c->next)
			if (c->part->rate < 0)
				fix(fluid, c->part, rate);
	}
	for (struct fluid_part *part = fluid->parts; part; part = part->next)
		part->end = fluid->now + time_for(part->left, part->rate);
	fluid->stale = false;
}

/* --- flows --- */

static void enter(struct fluid *fluid, struct fluid_part *part, struct crossing *crossing)
{
	struct share *share = &fluid->shares[crossing->link];

	crossing->part = part;
	crossing->next = share->crossings;
	crossing->prev = &share->crossings;
	if (crossing->next)
		crossing->next->prev = &crossing->next;
	share->crossings = crossing;
	if (share->flows++ == 0) {
		share->used = fluid->nused;
		fluid->used[fluid->nused++] = crossing->link;
	}
}

static void leave(struct fluid *fluid, struct crossing *crossing)
{
	struct share *share = &fluid->shares[crossing->link];

	*crossing->prev = crossing->next;
	if (crossing->next)
		crossing->next->prev = crossing->prev;
	if (--share->flows == 0) {
		uint32_t last = fluid->used[--fluid->nused];

		fluid->used[share->used] = last;
		fluid->shares[last].used = share->used;
	}
}

static void start_part(struct fluid *fluid, struct fluid_part *part)
{
	part->next = fluid->parts;
	part->prev = &fluid->parts;
	if (part->next)
		part->next->prev = &part->next;
	fluid->parts = part;
	fluid->nparts++;
	for (uint32_t i = 0; i < part->ncrossings; i++)
		enter(fluid, part, &part->crossings[i]);
	fluid->stale = true;
}

static void stop_part(struct fluid *fluid, struct fluid_part *part)
{
	if (part->place < fluid->nfound)
		fluid->nfound = part->place;
	keep_below(fluid, part->rate);
	*part->prev = part->next;
	if (part->next)
		part->next->prev = part->prev;
	fluid->nparts--;
	for (uint32_t i = 0; i < part->ncrossings; i++)
		leave(fluid, &part->crossings[i]);
	part->left = 0;
	part->rate = 0;
	part->prev = NULL;
	fluid->stale = true;
}

static void end_transfer(struct fluid *fluid, struct fluid_transfer *transfer)
{
	transfer->end = fluid->now;
	transfer->next = NULL;
	*fluid->ended_tail = transfer;
	fluid->ended_tail = &transfer->next;
}

/* --- the interface --- */

int fluid_create(struct fluid **fluid, const struct topology *topology, struct err *err)
{
	struct fluid *f;

	if (topology->unit != TOPOLOGY_UNIT_BYTE)
		return err_set(err,
			       "%s: capacities have no unit, so times cannot be computed: give "
			       "--link-rate",
			       topology->source);
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_set(err, "out of memory");
	f->topology = topology;
	f->ended_tail = &f->ended;
	f->shares = calloc(topology->net.links + 1, sizeof(*f->shares));
	f->heap = malloc((topology->net.links + 1) * sizeof(*f->heap));
	f->used = malloc((topology->net.links + 1) * sizeof(*f->used));
	if (f->shares && f->heap && f->used) {
		*fluid = f;
		return 0;
	}
	fluid_destroy(f);
	return err_set(err, "out of memory");
}

void fluid_destroy(struct fluid *fluid)
{
	if (!fluid)
		return;
	free(fluid->shares);
	free(fluid->heap);
	free(fluid->used);
	free(fluid->found);
	free(fluid);
}

/* Everything flows until TIME at the rates that hold. */
static void flow_until(struct fluid *fluid, int64_t time)
{
	double seconds = (double)(time - fluid->now) / NS;

	for (struct fluid_part *part = fluid->parts; seconds > 0 && part; part = part->next) {
		part->left -= part->rate * seconds;
		if (part->left < 0)
			part->left = 0;
	}
	fluid->now = time;
}

static void end_parts(struct fluid *fluid)
{
	struct fluid_part *next;

	for (struct fluid_part *part = fluid->parts; part; part = next) {
		next = part->next;
		if (part->end > fluid->now)
			continue;
		stop_part(fluid, part);
		if (--part->transfer->left == 0)
			end_transfer(fluid, part->transfer);
	}
}

int64_t fluid_next(struct fluid *fluid)
{
	int64_t first = NETEMU_NEVER;

	if (fluid->stale)
		solve(fluid);
	for (struct fluid_part *part = fluid->parts; part; part = part->next)
		if (part->end < first)
			first = part->end;
	return first;
}

void fluid_advance(struct fluid *fluid, int64_t now)
{
	for (int64_t next = fluid_next(fluid); next <= now; next = fluid_next(fluid)) {
		flow_until(fluid, next);
		end_parts(fluid);
	}
	flow_until(fluid, now);
}

static uint32_t count_crossings(const struct fluid_flow *flows, uint32_t nflows, uint32_t *parts)
{
	uint32_t crossings = 0;

	*parts = 0;
	for (uint32_t i = 0; i < nflows; i++)
		if (flows[i].bytes > 0 && flows[i].nlinks > 0) {
			crossings += flows[i].nlinks;
			++*parts;
		}
	return crossings;
}

static void fill_part(struct fluid_part *part, struct fluid_transfer *transfer,
		      const struct fluid_flow *flow, struct crossing *crossings)
{
	*part = (struct fluid_part){
		.left = flow->bytes,
		.rate = -1,
		.place = SIZE_MAX,
		.transfer = transfer,
		.crossings = crossings,
		.ncrossings = flow->nlinks,
	};
	for (uint32_t i = 0; i < flow->nlinks; i++)
		crossings[i].link = flow->path[i];
}

/* Have room for the rates of COUNT more. */
static int reserve(struct fluid *fluid, uint32_t count)
{
	size_t room = 2 * (fluid->nparts + count);
	struct fluid_part **found;

	if (fluid->nparts + count <= fluid->found_room)
		return 0;
	found = reallocarray(fluid->found, room, sizeof(struct fluid_part *));
	if (!found)
		return -1;
	fluid->found = found;
	fluid->found_room = room;
	return 0;
}

int fluid_begin(struct fluid *fluid, struct fluid_transfer *transfer,
		const struct fluid_flow *flows, uint32_t nflows, int64_t now)
{
	uint32_t parts, crossings = count_crossings(flows, nflows, &parts), used = 0;
	struct fluid_part *part = calloc(parts + 1, sizeof(*part));
	struct crossing *crossing = calloc(crossings + 1, sizeof(*crossing));

	if (!part || !crossing || reserve(fluid, parts) < 0) {
		free(part);
		free(crossing);
		return -1;
	}
	fluid_advance(fluid, now);
	*transfer = (struct fluid_transfer){
		.parts = part,
		.nparts = parts,
		.left = parts,
		.end = NETEMU_NEVER,
		.crossings = crossing,
	};
	for (uint32_t i = 0; i < nflows; i++) {
		if (flows[i].bytes <= 0 || flows[i].nlinks == 0)
			continue;
		fill_part(&part[used], transfer, &flows[i], crossing);
		start_part(fluid, &part[used++]);
		crossing += flows[i].nlinks;
	}
	if (parts == 0)
		end_transfer(fluid, transfer);
	return 0;
}

static void forget_ended(struct fluid *fluid, const struct fluid_transfer *transfer)
{
	struct fluid_transfer **at = &fluid->ended;

	while (*at && *at != transfer)
		at = &(*at)->next;
	if (*at)
		*at = transfer->next;
	if (!*at)
		fluid->ended_tail = at;
}

void fluid_cancel(struct fluid *fluid, struct fluid_transfer *transfer, int64_t now)
{
	fluid_advance(fluid, now);
	forget_ended(fluid, transfer);
	for (uint32_t i = 0; i < transfer->nparts; i++)
		if (transfer->parts[i].prev)
			stop_part(fluid, &transfer->parts[i]);
	fluid_transfer_release(transfer);
}

void fluid_transfer_release(struct fluid_transfer *transfer)
{
	free(transfer->parts);
	free(transfer->crossings);
	memset(transfer, 0, sizeof(*transfer));
}

double fluid_left(const struct fluid_transfer *transfer)
{
	double left = 0;

	for (uint32_t i = 0; i < transfer->nparts; i++)
		left += transfer->parts[i].left;
	return left;
}

struct fluid_transfer *fluid_ended(struct fluid *fluid)
{
	struct fluid_transfer *transfer = fluid->ended;

	if (!transfer)
		return NULL;
	fluid->ended = transfer->next;
	if (!fluid->ended)
		fluid->ended_tail = &fluid->ended;
	return transfer;
}

double fluid_rate(struct fluid *fluid, const struct fluid_transfer *transfer, uint32_t flow)
{
	if (fluid->stale)
		solve(fluid);
	return transfer->parts[flow].rate;
}

int64_t fluid_alone(const struct topology *topology, const struct fluid_flow *flows,
		    uint32_t nflows)
{
	struct fluid_transfer transfer = { 0 };
	struct fluid *fluid;
	int64_t end = -1;

	if (fluid_create(&fluid, topology, NULL) < 0)
		return -1;
	if (fluid_begin(fluid, &transfer, flows, nflows, 0) == 0) {
		fluid_advance(fluid, INT64_MAX / 2);
		end = transfer.end;
		fluid_cancel(fluid, &transfer, INT64_MAX / 2);
	}
	fluid_destroy(fluid);
	return end;
}
