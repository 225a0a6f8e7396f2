/* SPDX-License-Identifier: Apache-2.0 */
#include "result/timeline.h"

#include "net/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Genie's numbers; the last is ours. */
enum track {
	TRACK_CPU = 1,
	TRACK_GPU,
	TRACK_SEND,
	TRACK_SENT,
	TRACK_RECEIVE,
	TRACK_CAME,
	TRACK_TIMER,
	TRACK_POLL,
	TRACK_COMM,
	TRACKS,
};

/* COMM: without merged lanes. */
static const struct {
	const char *name;
	enum timeline_level level;
} tracks[TRACKS] = {
	[TRACK_CPU] = { "WORKLOAD_CPU", TIMELINE_WORKLOAD },
	[TRACK_GPU] = { "WORKLOAD_GPU", TIMELINE_WORKLOAD },
	[TRACK_SEND] = { "SIM_SEND", TIMELINE_EVENT },
	[TRACK_SENT] = { "POLL_SEND", TIMELINE_EVENT },
	[TRACK_RECEIVE] = { "SIM_RECV", TIMELINE_EVENT },
	[TRACK_CAME] = { "POLL_RECV", TIMELINE_EVENT },
	[TRACK_TIMER] = { "SCHEDULE_EVENT", TIMELINE_EVENT },
	[TRACK_POLL] = { "POLL_EVENT", TIMELINE_EVENT },
	[TRACK_COMM] = { "WORKLOAD_GPU_COMM", TIMELINE_WORKLOAD },
};

#define BUFFER    (64 << 10)
#define IDLE_EACH 128 /* polls that find nothing, of which one is written */

int timeline_environment(enum timeline_level *level, struct err *err)
{
	static const struct {
		const char *name;
		enum timeline_level level;
	} words[] = {
		{ "NONE", TIMELINE_OFF },
		{ "WORKLOAD", TIMELINE_WORKLOAD },
		{ "EVENT_QUEUE", TIMELINE_EVENT },
		{ "EVENT", TIMELINE_EVENT },
	};
	const char *text = getenv("CHROMETRACE");

	*level = TIMELINE_OFF;
	if (!text || !*text)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(text, words[i].name)) {
			*level = words[i].level;
			return 0;
		}
	}
	return err_set(err, "CHROMETRACE='%s': NONE, WORKLOAD or EVENT_QUEUE is wanted", text);
}

static int most_records(uint64_t *most, struct err *err)
{
	const char *text = getenv("CHROMETRACE_SIZE");
	char *end;

	*most = TIMELINE_RECORDS;
	if (!text || !*text)
		return 0;
	errno = 0;
	*most = strtoull(text, &end, 10);
	if (errno || *end || *text == '-')
		return err_set(err, "CHROMETRACE_SIZE='%s': a number of records is wanted", text);
	return 0;
}

int timeline_open(struct timeline *timeline, enum timeline_level level, bool merged,
		  const char *path, struct err *err)
{
	*timeline = (struct timeline){ .merged = merged };
	if (level == TIMELINE_OFF)
		return 0;
	if (most_records(&timeline->most, err) < 0 || outfile_open(&timeline->file, path, err) < 0)
		return -1;
	timeline->level = level;
	if (timeline->file.path)
		setvbuf(timeline->file.stream, NULL, _IOFBF, BUFFER);
	return 0;
}

void timeline_begin(struct timeline *timeline, int64_t start, int64_t rank)
{
	FILE *out = timeline->file.stream;

	if (timeline->level == TIMELINE_OFF)
		return;
	fputs("{\"otherData\":{\"program\":\"netemu replay\"", out);
	if (start)
		fprintf(out, ",\"start_ns\":\"%" PRIi64 "\"", start);
	if (rank >= 0)
		fprintf(out, ",\"rank\":%" PRIi64, rank);
	fputs("},\n\"traceEvents\":[", out);
	timeline->begun = true;
}

/* What parts one record from the next. */
static const char *between(struct timeline *timeline)
{
	const char *text = timeline->any ? ",\n" : "\n";

	timeline->any = true;
	return text;
}

void timeline_rank(struct timeline *timeline, uint32_t rank)
{
	FILE *out = timeline->file.stream;

	if (timeline->level == TIMELINE_OFF)
		return;
	fprintf(out,
		"%s{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%" PRIu32
		",\"args\":{\"name\":\"rank %" PRIu32 "\"}}",
		between(timeline), rank, rank);
	for (int track = TRACK_CPU; track < TRACKS; track++) {
		if (tracks[track].level > timeline->level ||
		    (track == TRACK_COMM && timeline->merged))
			continue;
		fprintf(out,
			"%s{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%" PRIu32
			",\"tid\":%d,\"args\":{\"name\":\"%s\"}}",
			between(timeline), rank, track, tracks[track].name);
	}
}

/* Whether one more may be written; says so when it is the first that may not. */
static bool has_room(struct timeline *timeline)
{
	if (timeline->records < timeline->most) {
		timeline->records++;
		return true;
	}
	fprintf(stderr,
		"netemu replay: the Chrome trace has %" PRIu64
		" records (CHROMETRACE_SIZE): what follows is not in it\n",
		timeline->most);
	timeline->most = UINT64_MAX;
	timeline->records = UINT64_MAX;
	return false;
}

static bool is_open(struct timeline *timeline, enum timeline_level level)
{
	return timeline->level >= level && timeline->records < UINT64_MAX && has_room(timeline);
}

/* ---- text ---- */

/* Part of a record without names, put together by hand: stdio's formats take five times as
 * long.
 */
struct words {
	size_t length;
	char text[400];
};

static void put(struct words *words, const char *text)
{
	size_t length = strlen(text);

	memcpy(words->text + words->length, text, length);
	words->length += length;
}

static void put_number(struct words *words, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	memcpy(words->text + words->length, digits + at, sizeof(digits) - at);
	words->length += sizeof(digits) - at;
}

/* ns as microseconds, exact. */
static void put_us(struct words *words, int64_t ns)
{
	char part[] = ".000";
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	if (ns < 0)
		put(words, "-");
	put_number(words, left / 1000);
	left %= 1000;
	part[1] = (char)('0' + left / 100);
	part[2] = (char)('0' + left / 10 % 10);
	part[3] = (char)('0' + left % 10);
	put(words, part);
}

static void put_times(struct words *words, uint32_t rank, enum track track, int64_t start,
		      int64_t end)
{
	put(words, ",\"ph\":\"X\",\"pid\":");
	put_number(words, rank);
	put(words, ",\"tid\":");
	put_number(words, track);
	put(words, ",\"ts\":");
	put_us(words, start);
	put(words, ",\"dur\":");
	put_us(words, end - start);
}

static void write_words(struct timeline *timeline, const struct words *words)
{
	fwrite(words->text, 1, words->length, timeline->file.stream);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Traces may name nodes by any bytes: what is not UTF-8 is taken as Latin-1. */
static void write_odd_text(FILE *out, const char *text)
{
	json_t *valid = json_string(text);

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || (c >= 0x80 && !valid))
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	json_decref(valid);
}

static void write_text(FILE *out, const char *text)
{
	size_t length = 0;

	while (is_plain((unsigned char)text[length]))
		length++;
	if (text[length])
		write_odd_text(out, text);
	else
		fwrite(text, 1, length, out);
}

/* ---- nodes ---- */

static enum track track_of(const struct timeline *timeline, const struct graph_node *node,
			   enum lane lane)
{
	if (lane == LANE_CPU || (lane == LANE_NONE && node->is_cpu))
		return TRACK_CPU;
	return lane == LANE_COMP || timeline->merged ? TRACK_GPU : TRACK_COMM;
}

static void write_node(struct timeline *timeline, uint32_t rank, const struct graph *graph,
		       const struct timeline_slice *slice, const char *behind)
{
	const struct graph_node *node = &graph->nodes[slice->node];
	const char *type = et_type_name(node->type);
	struct words head = { 0 }, tail = { 0 };

	put(&head, between(timeline));
	put(&head, "{\"name\":\"");
	put_number(&head, node->id);
	put(&head, ":");
	write_words(timeline, &head);
	write_text(timeline->file.stream, graph_name(graph, node->name));
	put(&tail, "\",\"cat\":\"");
	put(&tail, type ? type : "INVALID");
	put(&tail, "\"");
	put_times(&tail, rank, track_of(timeline, node, slice->lane), slice->start, slice->end);
	put(&tail, behind);
	write_words(timeline, &tail);
}

void timeline_node(struct timeline *timeline, uint32_t rank, const struct graph *graph,
		   const struct timeline_slice *slice)
{
	if (is_open(timeline, TIMELINE_WORKLOAD))
		write_node(timeline, rank, graph, slice, "}");
}

void timeline_unfinished(struct timeline *timeline, uint32_t rank, const struct graph *graph,
			 const struct timeline_slice *slice)
{
	if (is_open(timeline, TIMELINE_WORKLOAD))
		write_node(timeline, rank, graph, slice, ",\"args\":{\"unfinished\":true}}");
}

/* ---- events ---- */

static void put_event(struct words *words, struct timeline *timeline, const char *name)
{
	put(words, between(timeline));
	put(words, "{\"name\":\"");
	put(words, name);
	put(words, "\",\"cat\":\"event\"");
}

/* Of an end: how long the message was under way, us. */
static void write_message(struct timeline *timeline, const struct net *net,
			  const struct net_moment *moment, const char *name, enum track track)
{
	const struct net_message *message = moment->message;
	bool is_end = moment->event == NET_SENT || moment->event == NET_CAME;
	struct words words = { 0 };

	if (!is_open(timeline, TIMELINE_EVENT))
		return;
	put_event(&words, timeline, name);
	put_times(&words, net->rank, track, moment->begin, moment->end);
	put(&words, ",\"args\":{\"peer\":");
	put_number(&words, message->peer);
	if (message->size != NET_ANY) {
		put(&words, ",\"bytes\":");
		put_number(&words, message->size);
	}
	put(&words, ",\"tag\":\"");
	put_number(&words, message->tag & ~NET_TAG_P2P);
	put(&words, message->tag & NET_TAG_P2P ? "\"" : "\",\"collective\":true");
	if (is_end) {
		put(&words, ",\"us\":");
		put_us(&words, moment->end - message->posted);
	}
	put(&words, "}}");
	write_words(timeline, &words);
}

static void write_poll(struct timeline *timeline, const struct net *net,
		       const struct net_moment *moment, const char *name, enum track track)
{
	struct words words = { 0 };

	if (!is_open(timeline, TIMELINE_EVENT))
		return;
	put_event(&words, timeline, name);
	put_times(&words, net->rank, track, moment->begin, moment->end);
	if (moment->found) {
		put(&words, ",\"args\":{\"done\":");
		put_number(&words, (uint64_t)moment->found);
		put(&words, "}");
	}
	put(&words, "}");
	write_words(timeline, &words);
}

/* One poll looks for all: one that finds nothing was for whatever there is to be found. */
static void polled(struct timeline *timeline, const struct net *net,
		   const struct net_moment *moment)
{
	if (moment->found) {
		write_poll(timeline, net, moment, "POLL_EVENT_COMPLETE", TRACK_POLL);
		return;
	}
	if (timeline->idle++ % IDLE_EACH)
		return;
	write_poll(timeline, net, moment, "POLL_EVENT", TRACK_POLL);
	if (timeline->sends)
		write_poll(timeline, net, moment, "POLL_SEND", TRACK_SENT);
	if (timeline->receives)
		write_poll(timeline, net, moment, "POLL_RECV", TRACK_CAME);
}

static void timer_fired(struct timeline *timeline, const struct net *net,
			const struct net_moment *moment)
{
	struct words words = { 0 };

	if (!is_open(timeline, TIMELINE_EVENT))
		return;
	put(&words, between(timeline));
	put(&words, "{\"name\":\"");
	if (moment->node_id != NET_NO_NODE)
		put_number(&words, moment->node_id);
	put(&words, "\",\"cat\":\"event\"");
	put_times(&words, net->rank, TRACK_TIMER, moment->begin, moment->end);
	put(&words, ",\"args\":{\"late_us\":");
	put_us(&words, moment->begin - moment->due);
	put(&words, "}}");
	write_words(timeline, &words);
}

static void watch(void *arg, const struct net *net, const struct net_moment *moment)
{
	static const struct {
		const char *name;
		enum track track;
		int sends, receives; /* more or less that are under way */
	} messages[] = {
		[NET_SEND] = { "SIM_SEND", TRACK_SEND, 1, 0 },
		[NET_SENT] = { "POLL_SEND_COMPLETE", TRACK_SENT, -1, 0 },
		[NET_RECEIVE] = { "SIM_RECV", TRACK_RECEIVE, 0, 1 },
		[NET_CAME] = { "POLL_RECV_COMPLETE", TRACK_CAME, 0, -1 },
	};
	struct timeline *timeline = arg;

	if (moment->event == NET_POLL) {
		polled(timeline, net, moment);
	} else if (moment->event == NET_TIMER) {
		timer_fired(timeline, net, moment);
	} else {
		timeline->sends += messages[moment->event].sends;
		timeline->receives += messages[moment->event].receives;
		write_message(timeline, net, moment, messages[moment->event].name,
			      messages[moment->event].track);
	}
}

void timeline_watch(struct timeline *timeline, struct net *net)
{
	if (timeline->level < TIMELINE_EVENT)
		return;
	net->watch = watch;
	net->watch_arg = timeline;
}

/* ---- the end ---- */

int timeline_close(struct timeline *timeline, struct err *err)
{
	if (timeline->level == TIMELINE_OFF)
		return 0;
	timeline->level = TIMELINE_OFF;
	fputs("\n]}\n", timeline->file.stream);
	return outfile_commit(&timeline->file, err);
}

void timeline_leave(struct timeline *timeline)
{
	struct err lost;

	if (timeline->level == TIMELINE_OFF)
		return;
	if (timeline->begun && timeline_close(timeline, &lost) < 0)
		fprintf(stderr, "netemu replay: %s\n", lost.text);
	timeline->level = TIMELINE_OFF;
	outfile_abort(&timeline->file);
}
