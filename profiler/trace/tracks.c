/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/tracks.h"
#include "trace/names.h"

#include <stdlib.h>
#include <string.h>

#define NESTED 16 /* calls within each other */

struct lane {
	uint32_t tid, depth;
	int64_t last;         /* when its newest slice began */
	int64_t ends[NESTED]; /* of those that are open, the outermost first */
	struct lane *next;
};

struct thread_tracks {
	uint32_t thread;
	struct lane *lane; /* the first one first */
	struct thread_tracks *next;
};

/* What viewers sort tracks by. */
enum { ORDER_CONTROL = 10, ORDER_THREAD = 20, ORDER_OTHER = 30, ORDER_QUEUE = 1000 };

/* --- names --- */

static struct json *metadata(struct tracks *tracks, uint32_t tid, const char *what)
{
	struct json *json = ordered_begin(tracks->out, ORDERED_NOW, ORDERED_BEFORE);

	JSON_PUT(json, "{\"ph\":\"M\",\"pid\":");
	json_u64(json, tracks->pid);
	JSON_PUT(json, ",\"tid\":");
	json_u64(json, tid);
	JSON_PUT(json, ",\"name\":\"");
	json_put(json, what, strlen(what));
	JSON_PUT(json, "\",\"args\":{");
	return json;
}

static void metadata_end(struct tracks *tracks)
{
	JSON_PUT(&tracks->out->json, "}}");
	ordered_end(tracks->out);
}

static void put_text(struct tracks *tracks, uint32_t tid, const char *what, const char *key,
		     const char *text)
{
	struct json *json = metadata(tracks, tid, what);

	json_text(json, key);
	JSON_PUT(json, ":");
	json_text(json, text);
	metadata_end(tracks);
}

static void put_order(struct tracks *tracks, uint32_t tid, const char *what, uint32_t order)
{
	struct json *json = metadata(tracks, tid, what);

	JSON_PUT(json, "\"sort_index\":");
	json_u64(json, order);
	metadata_end(tracks);
}

static void name_track(struct tracks *tracks, uint32_t tid, const char *name, uint32_t order)
{
	put_text(tracks, tid, "thread_name", "name", name);
	put_order(tracks, tid, "thread_sort_index", order);
}

void tracks_name_process(struct tracks *tracks, const struct trace_file *file)
{
	const char *slash = strrchr(file->header.program, '/');
	char text[640];

	snprintf(text, sizeof(text), "rank %u on %s (%s)", file->rank, file->header.node,
		 slash ? slash + 1 : file->header.program);
	put_text(tracks, 0, "process_name", "name", text);
	put_order(tracks, 0, "process_sort_index", file->rank);
	if (!*file->header.job)
		return;
	snprintf(text, sizeof(text), "job %s step %s", file->header.job, file->header.step);
	put_text(tracks, 0, "process_labels", "labels", text);
}

/* --- beginning and end --- */

void tracks_begin(struct tracks *tracks, uint32_t file, uint32_t pid)
{
	tracks->file = file;
	tracks->pid = pid;
	if (!tracks->next)
		tracks->next = TRACKS_FIRST;
}

void tracks_release(struct tracks *tracks)
{
	while (tracks->thread) {
		struct thread_tracks *thread = tracks->thread;

		tracks->thread = thread->next;
		while (thread->lane) {
			struct lane *lane = thread->lane;

			thread->lane = lane->next;
			free(lane);
		}
		free(thread);
	}
	while (tracks->queue) {
		struct track *track = tracks->queue;

		tracks->queue = track->next;
		free(track);
	}
	hash_release(&tracks->qpns);
	tracks->device = 0;
}

/* --- calls --- */

static struct thread_tracks *thread_of(struct tracks *tracks, uint32_t number)
{
	struct thread_tracks *thread = tracks->thread;

	while (thread && thread->thread != number)
		thread = thread->next;
	if (thread)
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->thread = number;
	thread->next = tracks->thread;
	return tracks->thread = thread;
}

static struct lane *add_lane(struct tracks *tracks, const struct thread_tracks *thread,
			     uint32_t before)
{
	struct lane *lane = calloc(1, sizeof(*lane));
	char name[64], further[16] = "";

	if (!lane)
		return NULL;
	lane->last = INT64_MIN;
	lane->tid = thread->thread && !before ? thread->thread : tracks->next++;
	if (before)
		snprintf(further, sizeof(further), " (%u)", before + 1);
	if (thread->thread)
		snprintf(name, sizeof(name), "thread %u%s", thread->thread, further);
	else
		snprintf(name, sizeof(name), "control calls%s", further);
	name_track(tracks, lane->tid, name, thread->thread ? ORDER_THREAD : ORDER_CONTROL);
	return lane;
}

static bool lies_well(struct lane *lane, int64_t begin, int64_t end)
{
	if (begin < lane->last)
		return false;
	while (lane->depth && lane->ends[lane->depth - 1] <= begin)
		lane->depth--;
	if (lane->depth == NESTED || (lane->depth && lane->ends[lane->depth - 1] < end))
		return false;
	lane->ends[lane->depth++] = end;
	lane->last = begin;
	return true;
}

uint32_t tracks_slice(struct tracks *tracks, uint32_t number, int64_t begin, int64_t end)
{
	struct thread_tracks *thread = thread_of(tracks, number);
	struct lane **at = thread ? &thread->lane : NULL;
	uint32_t before = 0;

	if (!thread)
		return 0;
	for (; *at; at = &(*at)->next, before++)
		if (lies_well(*at, begin, end))
			return (*at)->tid;
	*at = add_lane(tracks, thread, before);
	if (!*at)
		return 0;
	lies_well(*at, begin, end);
	return (*at)->tid;
}

/* --- queues --- */

static struct track *add_queue(struct tracks *tracks)
{
	struct track *track = calloc(1, sizeof(*track));

	if (!track)
		return NULL;
	track->tid = tracks->next++;
	track->next = tracks->queue;
	return tracks->queue = track;
}

/* Connected ones have a peer, which may be found later than they are used first. */
static void find_peer(struct tracks *tracks, struct track *track, const struct trace_qp *qp)
{
	char text[128];

	track->peer_qpn = qp->peer_qpn;
	track->peer = qp->peer_qpn ? trace_run_peer(tracks->run, tracks->file, qp) : NULL;
	if (track->peer)
		snprintf(text, sizeof(text), "%s %s to rank %u QP %u", track->name,
			 name_qp_type(qp->type), tracks->run->file[track->peer->file].rank,
			 track->peer->qpn);
	else if (qp->peer_qpn)
		snprintf(text, sizeof(text), "%s %s to QP %u", track->name, name_qp_type(qp->type),
			 qp->peer_qpn);
	else
		snprintf(text, sizeof(text), "%s %s", track->name,
			 qp->known ? name_qp_type(qp->type) : "");
	name_track(tracks, track->tid, text, ORDER_QUEUE + track->tid - TRACKS_FIRST);
}

struct track *tracks_qp(struct tracks *tracks, struct trace_qp *qp)
{
	struct track *track = qp->user;

	if (track && track->peer_qpn == qp->peer_qpn)
		return track;
	if (!track) {
		track = add_queue(tracks);
		if (!track)
			return NULL;
		qp->user = track;
		if (hash_put(&tracks->qpns, qp->qpn, 0, track) < 0)
			return NULL;
		if (qp->context)
			snprintf(track->name, sizeof(track->name), "QP %u of device %u", qp->qpn,
				 qp->context);
		else
			snprintf(track->name, sizeof(track->name), "QP %u", qp->qpn);
	}
	find_peer(tracks, track, qp);
	return track;
}

struct track *tracks_srq(struct tracks *tracks, uint64_t srq)
{
	struct track *track = tracks->queue;

	while (track && track->srq != srq)
		track = track->next;
	if (track)
		return track;
	track = add_queue(tracks);
	if (!track)
		return NULL;
	track->srq = srq;
	snprintf(track->name, sizeof(track->name), "SRQ 0x%llx", (unsigned long long)srq);
	name_track(tracks, track->tid, track->name, ORDER_QUEUE + track->tid - TRACKS_FIRST);
	return track;
}

uint32_t tracks_other(struct tracks *tracks, const char *name)
{
	name_track(tracks, tracks->next, name, ORDER_OTHER);
	return tracks->next++;
}

uint32_t tracks_device(struct tracks *tracks, uint32_t qpn)
{
	const struct track *track = hash_get(&tracks->qpns, qpn, 0);

	if (track)
		return track->tid;
	if (!tracks->device)
		tracks->device = tracks_other(tracks, "device");
	return tracks->device;
}
