/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/overviewlib.h"
#include "devhook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- whose it is --- */

static struct flow *flow_of(struct collector *c, struct trace_qp *qp)
{
	struct flow *flow = qp->user;

	if (flow)
		return flow;
	flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	flow->next = c->flows;
	c->flows = flow;
	qp->user = flow;
	return flow;
}

static struct lane *lane_of(struct flow *flow, const struct trace_end *end)
{
	uint32_t file = end ? end->file : OVERVIEW_NOBODY;
	struct lane *lane = flow->lanes;

	while (lane && lane->file != file)
		lane = lane->next;
	if (lane)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return NULL;
	lane->file = file;
	lane->peer_qpn = end ? end->qpn : 0;
	lane->next = flow->lanes;
	flow->lanes = lane;
	return lane;
}

static struct lane *connected(struct collector *c, struct flow *flow, const struct trace_qp *qp)
{
	if (flow->connected && flow->since == qp->connected)
		return flow->connected;
	flow->since = qp->connected;
	flow->connected = lane_of(flow, wants_peers(c) || c->overview->by == OVERVIEW_QP
						? trace_run_peer(c->run, index_of(c), qp)
						: NULL);
	return flow->connected;
}

static struct account *account_of(struct collector *c, const struct work *work)
{
	struct flow *flow;
	struct lane *lane;

	if (!work->qp)
		return &c->shared;
	flow = flow_of(c, work->qp);
	if (!flow)
		return NULL;
	if (work->qp->type != UD)
		lane = connected(c, flow, work->qp);
	else
		lane = lane_of(flow, wants_peers(c) && !work->receive
					     ? trace_run_find(c->run, &work->to, work->to_qpn,
							      work->post_time)
					     : NULL);
	return lane ? &lane->account : NULL;
}

/* --- events --- */

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct collector *c = arg;
	struct account *account = account_of(c, work);

	if (!account || account_posted(account, work, depth->outstanding) < 0)
		return no_memory(c);
	return 0;
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct collector *c = arg;
	struct account *account = account_of(c, work);

	if (!account || account_ended(account, work, depth->outstanding) < 0)
		return no_memory(c);
	if (c->modelled && work->posted && !work->receive &&
	    lags_taken(&c->lags, work->qp->qpn, work->wr_id, work->end_time,
		       work->inferred || work->status ? NULL : account) < 0)
		return no_memory(c);
	return 0;
}

static int left(void *arg, const struct work *work)
{
	struct collector *c = arg;
	struct account *account = account_of(c, work);

	if (!account)
		return no_memory(c);
	account_left(account, work);
	return 0;
}

/* ns of a tick */
static double rate_of(const struct vring_header *header)
{
	double ticks = (double)(header->last.ticks - header->first.ticks);

	if (header->clock == VRING_MONOTONIC || ticks <= 0)
		return 1;
	return (double)(header->last.monotonic - header->first.monotonic) / ticks;
}

/* When the newest request of SUMMARY was, whose first one was at TIME. */
static int64_t time_of_last(const struct vring_header *header, const struct vring_summary *summary,
			    int64_t time)
{
	if (summary->last <= summary->time)
		return time;
	return time + (int64_t)((double)(summary->last - summary->time) * rate_of(header));
}

static struct counted *counted_of(struct collector *c, uint8_t context, uint32_t qpn)
{
	struct counted *counted = hash_get(&c->by_number, context, qpn);

	if (counted)
		return counted;
	counted = calloc(1, sizeof(*counted));
	if (!counted || hash_put(&c->by_number, context, qpn, counted) < 0) {
		free(counted);
		return NULL;
	}
	counted->context = context;
	counted->qpn = qpn;
	counted->next = c->counted;
	c->counted = counted;
	return counted;
}

static int take_summary(struct collector *c, const struct reader_event *event)
{
	const struct vring_summary *summary = (const struct vring_summary *)event->record;
	struct counted *counted;
	int64_t last;

	if (event->record->more + 1 < VRING_SUMMARY_RECORDS)
		return 0;
	last = time_of_last(&c->file->header, summary, event->time);
	if (last > c->overview->last)
		c->overview->last = last;
	if (!summary->qpn) {
		account_counted(&c->shared, summary, event->time, last);
		return 0;
	}
	counted = counted_of(c, event->record->context, summary->qpn);
	if (!counted)
		return no_memory(c);
	account_counted(&counted->account, summary, event->time, last);
	return 0;
}

static int take_latency(struct collector *c, const struct reader_event *event)
{
	const struct vring_latency *latency = (const struct vring_latency *)event->record;
	struct counted *counted;

	if (event->record->more + 1 < VRING_LATENCY_RECORDS)
		return 0;
	counted = counted_of(c, event->record->context, latency->qpn);
	if (!counted ||
	    account_counted_latency(&counted->account, latency, rate_of(&c->file->header)) < 0)
		return no_memory(c);
	return 0;
}

static struct thread *thread_of(struct collector *c, uint32_t series)
{
	uint32_t count = series + 1;
	struct thread *grown;

	if (series < c->threads)
		return &c->thread[series];
	grown = reallocarray(c->thread, count, sizeof(*grown));
	if (!grown)
		return NULL;
	memset(grown + c->threads, 0, (count - c->threads) * sizeof(*grown));
	c->thread = grown;
	c->threads = count;
	return &c->thread[series];
}

/* All records of one call have its time. */
static int take_call(struct collector *c, const struct reader_event *event)
{
	struct overview_call *call = &c->overview->call[event->record->call];
	struct thread *thread = thread_of(c, event->series);
	bool same;

	if (!thread)
		return no_memory(c);
	same = thread->ticks == event->record->time && thread->call == event->record->call;
	thread->ticks = event->record->time;
	thread->call = event->record->call;
	thread->seen |= event->thread != 0;
	if (same)
		return 0;
	call->count++;
	if (!event->timed)
		return 0;
	call->timed++;
	call->time += event->duration;
	if (event->duration > call->longest)
		call->longest = event->duration;
	return 0;
}

static int take_device(struct collector *c, const struct reader_event *event)
{
	const struct vring_device *device = (const struct vring_device *)event->record;
	int64_t until = (int64_t)((uint64_t)device->until + (uint64_t)c->file->offset);

	c->overview->device_events++;
	switch (device->what) {
	case DEVHOOK_WIRE:
		c->overview->resent += device->resent;
		c->modelled = true;
		break;
	case DEVHOOK_NOT_READY:
		c->overview->not_ready++;
		break;
	case DEVHOOK_NO_ANSWER:
		c->overview->no_answer++;
		break;
	case DEVHOOK_COMPLETED:
		if (device->until && lags_due(&c->lags, device->qpn, device->wr_id, until) < 0)
			return no_memory(c);
		break;
	default:
		break;
	}
	return 0;
}

static int take(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct collector *c = arg;

	(void)objects;
	if (!c->first)
		c->first = event->time;
	if (event->time + event->duration > c->last)
		c->last = event->time + event->duration;
	switch (event->record->call) {
	case VCALL_SUMMARY:
		return take_summary(c, event);
	case VCALL_LATENCY:
		return take_latency(c, event);
	case VCALL_DEVICE:
		return take_device(c, event);
	case VCALL_UNSEEN:
		c->overview->unseen++;
		return 0;
	case VCALL_PORT:
	case VCALL_GID:
		return 0; /* no calls of the program */
	default:
		return take_call(c, event);
	}
}

/* --- files --- */

static void forget(struct collector *c)
{
	for (struct flow *flow = c->flows, *next; flow; flow = next) {
		next = flow->next;
		for (struct lane *lane = flow->lanes, *after; lane; lane = after) {
			after = lane->next;
			account_release(&lane->account);
			free(lane);
		}
		free(flow);
	}
	for (struct counted *counted = c->counted, *next; counted; counted = next) {
		next = counted->next;
		account_release(&counted->account);
		free(counted);
	}
	account_release(&c->shared);
	lags_release(&c->lags);
	hash_release(&c->by_number);
	free(c->thread);
	*c = (struct collector){ .overview = c->overview, .run = c->run, .err = c->err };
}

static int begin(void *arg, const struct trace_file *file)
{
	struct collector *c = arg;

	c->file = file;
	return 0;
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct collector *c = arg;
	struct overview *overview = c->overview;
	uint32_t threads = 0;
	int rc = overview_fold(c, objects);

	overview->processes++;
	overview->empty_polls += file->empty_polls;
	overview->dropped += file->dropped;
	overview->lost += file->header.lost;
	overview->registrations += objects->registrations;
	overview->registered += objects->registered_most;
	if (c->first && (!overview->first || c->first < overview->first))
		overview->first = c->first;
	if (c->last > overview->last)
		overview->last = c->last;
	for (uint32_t i = 0; i < c->threads; i++)
		threads += c->thread[i].seen;
	threads += !threads; /* control calls alone do not say who made them */
	overview->threads += threads;
	overview->thread_time += threads * (c->last - c->first);
	forget(c);
	return rc;
}

/* How many there are of the files that are asked for. */
static void count_places(struct overview *overview, const struct trace_run *run, uint32_t rank)
{
	for (uint32_t i = 0; i < run->files; i++) {
		bool new_rank = true, new_node = true;

		if (rank != OVERVIEW_NOBODY && run->file[i].rank != rank)
			continue;
		/* files are in the order of their ranks */
		if (i && run->file[i - 1].rank == run->file[i].rank)
			new_rank = false;
		for (uint32_t k = 0; k < i && new_node; k++)
			new_node = !same_node(run, i, k);
		overview->ranks += new_rank;
		overview->nodes += new_node;
	}
}

int overview_collect(struct overview *overview, const struct trace_run *run, enum overview_by by,
		     uint32_t rank, struct err *err)
{
	struct collector c = { .overview = overview, .run = run, .err = err };
	const struct trace_handler handler = {
		.arg = &c,
		.event = take,
		.match = { .posted = posted, .ended = ended, .left = left },
		.begin = begin,
		.end = end,
	};
	bool found = false;
	int rc = 0;

	*overview = (struct overview){ .by = by };
	count_places(overview, run, rank);
	if (rank == OVERVIEW_NOBODY)
		rc = trace_run_walk_all(run, &handler, err);
	for (uint32_t i = 0; rank != OVERVIEW_NOBODY && i < run->files && rc == 0; i++) {
		if (run->file[i].rank != rank)
			continue;
		found = true;
		rc = trace_run_walk(run, i, &handler, err);
	}
	if (rc == 0 && rank != OVERVIEW_NOBODY && !found)
		rc = err_set(err, "'%s': nothing was recorded of rank %" PRIu32, run->path, rank);
	forget(&c);
	if (rc < 0)
		overview_release(overview);
	return rc;
}
