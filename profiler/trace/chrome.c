/* SPDX-License-Identifier: Apache-2.0 */
/* chrome.c - a timeline in the Chrome trace event format
 *
 * A process is a rank, a track a thread or a queue pair.  A call is a complete event
 * ("X") with all requests or completions it took, a work request an asynchronous one
 * ("b", "e") on the track of its queue.  Events are written in order of time, but for
 * names, which stand before all.  netemu-trace(1) says what is what.
 */
#include "trace/export.h"
#include "trace/fields.h"
#include "trace/names.h"
#include "trace/overlay.h"
#include "trace/tracks.h"
#include "devhook.h"

#include <string.h>

enum { SEND_SIGNALED = 1 << 1, WC_UNKNOWN = 255, OPCODE_RECV = 128 };

#define CALL_BUFFER (64 << 10)

/* The call whose records are coming. */
struct slice {
	bool open;
	uint16_t call;
	uint32_t thread, series, tid;
	int64_t time, duration;
	uint32_t records;
};

struct chrome {
	const struct trace_run *run;
	struct ordered out;
	struct tracks tracks;
	struct json args; /* of the slice, in memory */
	struct slice slice;
	const struct trace_file *file;
	uint64_t unposted; /* completions without a request */
	uint64_t ways;     /* over links */
	int64_t now;       /* ns: the newest event */
	struct err *err;
};

static int64_t since_start(const struct chrome *chrome, int64_t time)
{
	return (int64_t)((uint64_t)time - (uint64_t)chrome->run->start);
}

/* {"ph":"PH","pid":...,"tid":...,"ts":... */
static struct json *event_begin(struct chrome *chrome, char ph, uint32_t tid, int64_t time,
				enum ordered_class order)
{
	int64_t at = since_start(chrome, time);
	struct json *json = ordered_begin(&chrome->out, at, order);
	char head[] = "{\"ph\":\"?\",\"pid\":";

	head[7] = ph;
	JSON_PUT(json, head);
	json_u64(json, chrome->tracks.pid);
	JSON_PUT(json, ",\"tid\":");
	json_u64(json, tid);
	JSON_PUT(json, ",\"ts\":");
	json_us(json, at);
	return json;
}

static void event_end(struct chrome *chrome)
{
	JSON_PUT(&chrome->out.json, "}");
	ordered_end(&chrome->out);
}

enum number { NUMBER_POSTED, NUMBER_UNPOSTED, NUMBER_DEVICE };

/* Of an asynchronous slice: the same each time, whichever files are written. */
static uint64_t number_of(const struct chrome *chrome, enum number what, uint64_t number)
{
	uint64_t file = (uint64_t)(chrome->file - chrome->run->file) + 1;

	return file << 42 | (uint64_t)what << 40 | number;
}

/* --- calls --- */

static void slice_close(struct chrome *chrome)
{
	struct slice *slice = &chrome->slice;
	const char *name = reader_call_name(slice->call);
	struct json *json;

	if (!slice->open)
		return;
	slice->open = false;
	json = event_begin(chrome, 'X', slice->tid, slice->time, ORDERED_SLICE);
	JSON_PUT(json, ",\"dur\":");
	json_us(json, slice->duration);
	JSON_PUT(json, ",\"cat\":\"verbs\",\"name\":\"");
	json_put(json, name, strlen(name));
	JSON_PUT(json, "\",\"args\":{");
	json_put(json, chrome->args.base, (size_t)(chrome->args.at - chrome->args.base));
	JSON_PUT(json, "}");
	event_end(chrome);
	chrome->args.at = chrome->args.base;
}

static void put_name(struct json *json, const char *key, const char *name)
{
	JSON_PUT(json, ",\"");
	json_put(json, key, strlen(key));
	JSON_PUT(json, "\":\"");
	json_put(json, name, strlen(name));
	JSON_PUT(json, "\"");
}

static void put_request(struct json *json, const struct vring_send *send)
{
	JSON_PUT(json, "{\"qpn\":");
	json_u64(json, send->qpn);
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, send->wr_id);
	put_name(json, "opcode", name_wr_opcode(send->opcode));
	JSON_PUT(json, ",\"bytes\":");
	json_u64(json, send->bytes);
	fields_flags(json, "flags", fields_send_flags, send->flags);
	if (send->error) {
		JSON_PUT(json, ",\"error\":");
		json_u64(json, send->error);
	}
	JSON_PUT(json, "}");
}

static void put_receive(struct json *json, const struct vring_receive *receive)
{
	if (receive->call == VCALL_POST_SRQ_RECV) {
		JSON_PUT(json, "{\"srq\":");
		json_hex(json, receive->srq);
	} else {
		JSON_PUT(json, "{\"qpn\":");
		json_u64(json, receive->qpn);
	}
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, receive->wr_id);
	JSON_PUT(json, ",\"bytes\":");
	json_u64(json, receive->bytes);
	if (receive->error) {
		JSON_PUT(json, ",\"error\":");
		json_u64(json, receive->error);
	}
	JSON_PUT(json, "}");
}

static void put_completion(struct json *json, const struct vring_wc *wc)
{
	JSON_PUT(json, "{\"qpn\":");
	json_u64(json, wc->qpn);
	JSON_PUT(json, ",\"wr_id\":");
	json_id(json, wc->wr_id);
	put_name(json, "status", name_wc_status(wc->status));
	if (!wc->status) {
		put_name(json, "opcode", name_wc_opcode(wc->opcode));
		JSON_PUT(json, ",\"bytes\":");
		json_u64(json, wc->bytes);
	}
	if (wc->empty) {
		JSON_PUT(json, ",\"empty_polls\":");
		json_u64(json, wc->empty);
	}
	JSON_PUT(json, "}");
}

enum shape { SHAPE_CALL, SHAPE_SEND, SHAPE_RECEIVE, SHAPE_COMPLETION };

static enum shape shape_of(uint16_t call)
{
	static const uint8_t shapes[VCALL_COUNT] = {
		[VCALL_POST_SEND] = SHAPE_SEND,       [VCALL_WR] = SHAPE_SEND,
		[VCALL_POST_RECV] = SHAPE_RECEIVE,    [VCALL_POST_SRQ_RECV] = SHAPE_RECEIVE,
		[VCALL_POLL_CQ] = SHAPE_COMPLETION,   [VCALL_START_POLL] = SHAPE_COMPLETION,
		[VCALL_NEXT_POLL] = SHAPE_COMPLETION,
	};

	return call < VCALL_COUNT ? shapes[call] : SHAPE_CALL;
}

/* Whether EVENT is of the call whose slice is open. */
static bool slice_goes_on(const struct slice *slice, const struct reader_event *event)
{
	return slice->open && shape_of(slice->call) != SHAPE_CALL &&
	       shape_of(event->record->call) == shape_of(slice->call) &&
	       event->time == slice->time && event->duration == slice->duration &&
	       event->thread == slice->thread && event->series == slice->series;
}

static int slice_open(struct chrome *chrome, const struct reader_event *event)
{
	chrome->slice = (struct slice){
		.open = true,
		.call = event->record->call,
		.thread = event->thread,
		.series = event->series,
		.time = event->time,
		.duration = event->duration,
	};
	chrome->slice.tid =
		tracks_slice(&chrome->tracks, event->thread, event->time,
			     (int64_t)((uint64_t)event->time + (uint64_t)event->duration));
	return chrome->slice.tid ? 0 : -1;
}

static void put_args(struct chrome *chrome, const struct reader_event *event)
{
	static const char *const lists[] = {
		[SHAPE_SEND] = "\"requests\":[",
		[SHAPE_RECEIVE] = "\"requests\":[",
		[SHAPE_COMPLETION] = "\"completions\":[",
	};
	enum shape shape = shape_of(event->record->call);
	struct json *json = &chrome->args;

	if (shape == SHAPE_CALL) {
		JSON_PUT(json, "\"duration_ns\":");
		json_i64(json, event->duration);
		fields_event(json, event, chrome->file->offset);
		return;
	}
	if (chrome->slice.records++)
		json->at[-1] = ','; /* the bracket that has closed the list */
	else
		json_put(json, lists[shape], strlen(lists[shape]));
	if (shape == SHAPE_SEND)
		put_request(json, (const struct vring_send *)event->record);
	else if (shape == SHAPE_RECEIVE)
		put_receive(json, (const struct vring_receive *)event->record);
	else
		put_completion(json, (const struct vring_wc *)event->record);
	JSON_PUT(json, "]");
}

/* --- what is no call --- */

static struct json *device_begin(struct chrome *chrome, const struct vring_device *device, char ph,
				 int64_t at)
{
	uint32_t tid = tracks_device(&chrome->tracks, device->qpn);
	struct json *json = event_begin(chrome, ph, tid, at, ORDERED_AFTER);
	const char *step = fields_device_step(device);

	JSON_PUT(json, ",\"cat\":\"device\",\"name\":\"");
	json_put(json, step, strlen(step));
	JSON_PUT(json, " ");
	json_u64(json, device->bytes);
	if (ph == 'i') {
		JSON_PUT(json, " B\",\"s\":\"t\"");
		return json;
	}
	JSON_PUT(json, " B\",\"id\":");
	json_hex(json, number_of(chrome, NUMBER_DEVICE, chrome->ways));
	return json;
}

/* A way over the links takes time, all else is a moment. */
static void put_device(struct chrome *chrome, const struct reader_event *event)
{
	const struct vring_device *device = (const struct vring_device *)event->record;
	int64_t at = (int64_t)((uint64_t)device->at + (uint64_t)chrome->file->offset);
	uint64_t length =
		device->until > device->at ? (uint64_t)device->until - (uint64_t)device->at : 0;
	bool way = device->what == DEVHOOK_WIRE;
	struct json *json;

	chrome->ways += way;
	json = device_begin(chrome, device, way ? 'b' : 'i', at);
	JSON_PUT(json, ",\"args\":{\"wr_id\":");
	json_id(json, device->wr_id);
	put_name(json, "opcode", name_wr_opcode(device->opcode));
	put_name(json, "status", name_wc_status(device->status));
	JSON_PUT(json, ",\"device\":");
	json_u64(json, device->device);
	JSON_PUT(json, ",\"remote_device\":");
	json_u64(json, device->remote_device);
	JSON_PUT(json, ",\"remote_qpn\":");
	json_u64(json, device->remote_qpn);
	JSON_PUT(json, ",\"resent\":");
	json_u64(json, device->resent);
	JSON_PUT(json, "}");
	event_end(chrome);
	if (!way)
		return;
	device_begin(chrome, device, 'e', (int64_t)((uint64_t)at + length));
	event_end(chrome);
}

/* What a level or a filter has left out, where that begins. */
static void put_summary(struct chrome *chrome, const struct reader_event *event)
{
	const struct vring_summary *summary = (const struct vring_summary *)event->record;
	uint32_t tid = tracks_device(&chrome->tracks, summary->qpn);
	struct json *json = event_begin(chrome, 'i', tid, event->time, ORDERED_AFTER);

	JSON_PUT(json, ",\"s\":\"t\",\"cat\":\"summary\",\"name\":\"counted only\",\"args\":{"
		       "\"rank\":");
	json_u64(json, chrome->file->rank);
	fields_event(json, event, chrome->file->offset);
	JSON_PUT(json, "}");
	event_end(chrome);
}

static int take(void *arg, const struct reader_event *event, const struct objects *objects)
{
	struct chrome *chrome = arg;

	(void)objects;
	if (event->time > chrome->now)
		chrome->now = event->time;
	if (event->record->call == VCALL_DEVICE || event->record->call == VCALL_SUMMARY) {
		(event->record->call == VCALL_DEVICE ? put_device : put_summary)(chrome, event);
		return chrome->out.json.failed ? -1 : 0;
	}
	if (!slice_goes_on(&chrome->slice, event)) {
		slice_close(chrome);
		if (slice_open(chrome, event) < 0)
			return -1;
	}
	put_args(chrome, event);
	return chrome->out.json.failed || chrome->args.failed ? -1 : 0;
}

/* --- work requests --- */

/* Of a receive from a shared queue, until it is taken, the queue's. */
static struct track *track_of(struct chrome *chrome, const struct work *work)
{
	if (work->srq || !work->qp)
		return tracks_srq(&chrome->tracks, work->srq);
	return tracks_qp(&chrome->tracks, work->qp);
}

static uint64_t wr_number(const struct chrome *chrome, const struct work *work)
{
	return work->posted ? number_of(chrome, NUMBER_POSTED, work->number)
			    : number_of(chrome, NUMBER_UNPOSTED, chrome->unposted);
}

static struct json *wr_begin(struct chrome *chrome, char ph, const struct track *track,
			     const struct work *work, int64_t time)
{
	struct json *json = event_begin(chrome, ph, track->tid, time, ORDERED_AFTER);

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
	const char *opcode = work->receive ? "RECV" : name_wr_opcode(work->opcode);

	if (work->opcode == WC_UNKNOWN)
		opcode = "request";
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
	event_end(chrome);
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
		event_end(chrome);
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
	event_end(chrome);
}

/* What went wrong with WORK, on the track itself: a slice cannot be coloured at its end. */
static void put_error(struct chrome *chrome, const struct track *track, const struct work *work,
		      int64_t time, const char *what)
{
	struct json *json = event_begin(chrome, 'i', track->tid, time, ORDERED_AFTER);

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
	event_end(chrome);
}

static void put_counter(struct chrome *chrome, const struct track *track, int64_t time)
{
	struct json *json = event_begin(chrome, 'C', track->tid, time, ORDERED_AFTER);

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
	event_end(chrome);
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
	struct json *json = event_begin(chrome, ph, chrome->slice.tid, time, order);

	JSON_PUT(json, ",\"cat\":\"message\",\"name\":\"message\",\"id\":");
	json_hex(json, number);
	event_end(chrome);
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

static int take_posted(void *arg, const struct work *work, const struct match_depth *depth)
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

static int take_ended(void *arg, const struct work *work, const struct match_depth *depth)
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

static int take_left(void *arg, const struct work *work)
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

/* --- files --- */

/* A rank of which there are several processes is several processes here, too. */
static uint32_t pid_of(const struct trace_run *run, uint32_t index)
{
	uint32_t last = run->file[run->files - 1].rank;

	if (index && run->file[index - 1].rank == run->file[index].rank)
		return last + 1 + index;
	return run->file[index].rank;
}

static int begin(void *arg, const struct trace_file *file)
{
	struct chrome *chrome = arg;
	uint32_t index = (uint32_t)(file - chrome->run->file);
	bool again = index && file[-1].rank == file->rank;

	chrome->file = file;
	chrome->now = INT64_MIN;
	tracks_begin(&chrome->tracks, index, pid_of(chrome->run, index));
	tracks_name_process(&chrome->tracks, file);
	return again ? 0 : overlay_put(&chrome->tracks, file, chrome->err);
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct chrome *chrome = arg;

	(void)file, (void)objects;
	slice_close(chrome);
	tracks_release(&chrome->tracks);
	return ordered_flush(&chrome->out);
}

/* What all of it is, before the events. */
static void put_head(FILE *stream, struct json *json, const struct trace_run *run, uint32_t first,
		     uint32_t files)
{
	json->stream = stream;
	JSON_PUT(json, "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{"
		       "\"format\":\"nettrace-chrome\",\"version\":1,\"start_ns\":\"");
	json_i64(json, run->start);
	JSON_PUT(json, "\",");
	fields_job(json, run);
	if (files == 1) {
		JSON_PUT(json, ",\"node\":");
		json_text(json, run->file[first].header.node);
		JSON_PUT(json, ",\"rank\":");
		json_u64(json, run->file[first].rank);
	}
	JSON_PUT(json, ",\"processes\":[\n");
	for (uint32_t i = first; i < first + files; i++) {
		if (i > first)
			JSON_PUT(json, ",\n");
		fields_process(json, &run->file[i]);
	}
	JSON_PUT(json, "]},\n\"traceEvents\":[\n");
	json_flush(json);
	json->stream = NULL;
}

static int write_all(struct chrome *chrome, uint32_t first, uint32_t files, FILE *stream,
		     int *error, struct err *err)
{
	const struct trace_handler handler = {
		.arg = chrome,
		.event = take,
		.match = { .posted = take_posted, .ended = take_ended, .left = take_left },
		.begin = begin,
		.end = end,
	};
	int rc;

	put_head(stream, &chrome->args, chrome->run, first, files);
	rc = export_walk(chrome->run, first, files, &handler, err);
	tracks_release(&chrome->tracks); /* of one that failed */
	fputs("\n]}\n", stream);         /* its errors are seen when it is closed */
	*error = chrome->out.json.failed ? chrome->out.json.failed : chrome->args.failed;
	return *error ? -1 : rc;
}

static int write(const struct trace_run *run, uint32_t first, uint32_t files, FILE *stream,
		 int *error, struct err *err)
{
	struct chrome chrome = { .run = run, .err = err };
	int rc = -1;

	chrome.tracks.run = run;
	chrome.tracks.out = &chrome.out;
	if (ordered_init(&chrome.out, stream) < 0 || json_init(&chrome.args, NULL, CALL_BUFFER) < 0)
		err_errno(err, "'%s'", run->path);
	else
		rc = write_all(&chrome, first, files, stream, error, err);
	json_release(&chrome.args);
	ordered_release(&chrome.out);
	return rc;
}

const struct export_format export_chrome = { "chrome", "trace", ".json", write };
