/* SPDX-License-Identifier: Apache-2.0 */
/* chrome-work.c - requests: slices of their queue, counters of it, arrows to the peer */
#include "trace/chromelib.h"
#include "trace/fields.h"
#include "trace/names.h"

#include <string.h>

enum { SEND_SIGNALED = 1 << 1, WC_UNKNOWN = 255 };

/* Of a receive from a shared queue, until it is taken, the queue's. */
static struct track *track_of(struct chrome *chrome, const struct work *work)
{
	if (work->srq || !work->qp)
		return tracks_srq(&chrome->tracks, work->srq);
	return tracks_qp(&chrome->tracks, work->qp);
}

static uint64_t wr_number(const struct chrome *chrome, const struct work *work)
{
	return work->posted ? chrome_number(chrome, NUMBER_POSTED, work->number)
			    : chrome_number(chrome, NUMBER_UNPOSTED, chrome->unposted);
}

static struct json *wr_begin(struct chrome *chrome, char ph, const struct track *track,
			     const struct work *work, int64_t time)
{
	struct json *json = chrome_begin(chrome, ph, track->tid, time, ORDERED_AFTER);

	JSON_PUT(json, ",\"cat\":\"wr\",\"id\":");
	json_hex(json, wr_number(chrome, work));
	return json;
}

static bool is_signaled(const struct work *work)
{
	return work->receive || work->flags & SEND_SIGNALED || (work->qp && work->qp->sig_all);
}

/* "SEND 4096 B"; a receive is called so by its posting, too. */
static void put_wr_name(struct json *json, const struct work *work)
{
	char text[NAME_SIZE];
	const char *opcode =
		name_or_number(text, name_wr_opcode(work->opcode), "OPCODE", work->opcode);

	if (work->opcode == WC_UNKNOWN)
		opcode = "request";
	else if (work->receive)
		opcode = "RECV";
	json_put(json, opcode, strlen(opcode));
	if (work->posted || !work->status) {
		JSON_PUT(json, " ");
		json_u64(json, work->bytes);
		JSON_PUT(json, " B");
	}
}

static void put_wr_begin(struct chrome *chrome, const struct track *track, const struct work *work)
{
	struct json *json =
		wr_begin(chrome, 'b', track, work, work->posted ? work->post_time : work->end_time);

	JSON_PUT(json, ",\"name\":\"");
	put_wr_name(json, work);
	if (!work->posted)
		JSON_PUT(json, " (post not recorded)");
	else if (!is_signaled(work))
		JSON_PUT(json, " unsignaled");
	JSON_PUT(json, "\",\"args\":{\"wr_id\":");
	json_id(json, work->wr_id);
	JSON_PUT(json, ",\"bytes\":");
	json_u64(json, work->bytes);
	if (work->posted) {
		JSON_PUT(json, ",\"sges\":");
		json_u64(json, work->sges);
	}
	if (!work->receive && work->posted && fields_has_imm(work->opcode)) {
		JSON_PUT(json, ",\"imm\":");
		json_u64(json, work->imm);
	}
	JSON_PUT(json, "}");
	chrome_end(chrome);
}

static void put_wr_end(struct chrome *chrome, const struct track *track, const struct work *work,
		       int64_t time)
{
	struct json *json = wr_begin(chrome, 'e', track, work, time);

	JSON_PUT(json, ",\"name\":\"");
	put_wr_name(json, work);
	JSON_PUT(json, "\",\"args\":{");
	if (!work->completed) {
		JSON_PUT(json, "\"completed\":false}");
		chrome_end(chrome);
		return;
	}
	JSON_PUT(json, "\"status\":\"");
	json_put(json, name_wc_status(work->status), strlen(name_wc_status(work->status)));
	JSON_PUT(json, "\"");
	if (work->receive && !work->status) {
		JSON_PUT(json, ",\"qpn\":");
		json_u64(json, work->qp ? work->qp->qpn : 0);
		JSON_PUT(json, ",\"received\":");
		json_u64(json, work->bytes);
	}
	if (work->inferred)
		JSON_PUT(json, ",\"inferred\":true");
	JSON_PUT(json, "}");
	chrome_end(chrome);
}

/* What went wrong with WORK, on the track itself: a slice cannot be coloured at its end. */
static void put_error(struct chrome *chrome, const struct track *track, const struct work *work,
		      int64_t time, const char *what)
{
	struct json *json = chrome_begin(chrome, 'i', track->tid, time, ORDERED_AFTER);

	JSON_PUT(json, ",\"s\":\"t\",\"cat\":\"error\",\"cname\":\"terrible\",\"name\":");
	JSON_PUT(json, "\"");
	json_put(json, what, strlen(what));
	JSON_PUT(json, ": ");
	put_wr_name(json, work);
	JSON_PUT(json, "\",\"args\":{\"wr_id\":");
	json_id(json, work->wr_id);
	if (work->error) {
		JSON_PUT(json, ",\"error\":");
		json_text(json, strerror(work->error));
	}
	JSON_PUT(json, "}");
	chrome_end(chrome);
}

static void put_counter(struct chrome *chrome, const struct track *track, int64_t time)
{
	struct json *json = chrome_begin(chrome, 'C', track->tid, time, ORDERED_AFTER);

	JSON_PUT(json, ",\"name\":\"");
	json_put(json, track->name, strlen(track->name));
	JSON_PUT(json, " outstanding\",\"args\":{");
	if (!track->srq) {
		JSON_PUT(json, "\"send\":");
		json_u64(json, track->send);
		JSON_PUT(json, ",");
	}
	JSON_PUT(json, "\"receive\":");
	json_u64(json, track->receive);
	JSON_PUT(json, "}");
	chrome_end(chrome);
}

static void count(struct chrome *chrome, struct track *track, const struct work *work,
		  const struct match_depth *depth, int64_t time)
{
	*(work->receive ? &track->receive : &track->send) = depth->outstanding;
	if (!work->inferred) /* the one that ended it says how many there are now */
		put_counter(chrome, track, time);
}

/* --- arrows from a request to the receive that it takes --- */

/* Mixes all bits (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mixed(uint64_t number)
{
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

/* What it is called on both sides: the receiving queue pair, and the message's number. */
static uint64_t arrow_number(uint32_t file, uint32_t qp, uint64_t message)
{
	return mixed(mixed((uint64_t)file << 32 | qp) + message);
}

/* Both sides have to be there from the beginning. */
static bool is_whole(const struct trace_file *file)
{
	return !file->dropped && !file->header.lost;
}

static void put_arrow(struct chrome *chrome, char ph, int64_t time, enum ordered_class order,
		      uint64_t number)
{
	struct json *json = chrome_begin(chrome, ph, chrome->slice.tid, time, order);

	JSON_PUT(json, ",\"cat\":\"message\",\"name\":\"message\",\"id\":");
	json_hex(json, number);
	chrome_end(chrome);
}

static void arrow(struct chrome *chrome, const struct work *work)
{
	struct track *track;
	uint32_t file = (uint32_t)(chrome->file - chrome->run->file);

	if (!work->has_message || !work->qp || !chrome->slice.open)
		return;
	track = tracks_qp(&chrome->tracks, work->qp);
	if (!track || !track->peer || !is_whole(&chrome->run->file[track->peer->file]))
		return;
	if (work->receive)
		put_arrow(chrome, 'f', work->end_time, ORDERED_BEFORE,
			  arrow_number(file, work->qp->id, work->message));
	else
		put_arrow(chrome, 's', work->post_time, ORDERED_AFTER,
			  arrow_number(track->peer->file, track->peer->qp, work->message));
}

/* --- what becomes of a request --- */

int chrome_posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct chrome *chrome = arg;
	struct track *track = track_of(chrome, work);

	if (!track)
		return -1;
	if (work->refused) {
		put_error(chrome, track, work, work->post_time, "refused");
		return 0;
	}
	put_wr_begin(chrome, track, work);
	count(chrome, track, work, depth, work->post_time);
	if (!work->receive)
		arrow(chrome, work);
	return 0;
}

int chrome_ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct chrome *chrome = arg;
	struct track *track = track_of(chrome, work);
	int64_t end = work->end_time;

	if (!track)
		return -1;
	if (!work->posted)
		put_wr_begin(chrome, track, work);
	else if (end < work->post_time)
		end = work->post_time; /* by a clock that is not exact */
	put_wr_end(chrome, track, work, end);
	if (!work->posted)
		chrome->unposted++;
	if (work->status)
		put_error(chrome, track, work, end, name_wc_status(work->status));
	count(chrome, track, work, depth, end);
	if (work->receive)
		arrow(chrome, work);
	return 0;
}

int chrome_left(void *arg, const struct work *work)
{
	struct chrome *chrome = arg;
	struct track *track = track_of(chrome, work);
	uint32_t *outstanding;

	if (!track)
		return -1;
	put_wr_end(chrome, track, work, chrome->now);
	outstanding = work->receive ? &track->receive : &track->send;
	if (*outstanding) {
		*outstanding = 0;
		put_counter(chrome, track, chrome->now);
	}
	return 0;
}
