/* SPDX-License-Identifier: Apache-2.0 */
#include "result/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Genie's numbers; the last is ours. */
enum track {
	TRACK_CPU = 1,
	TRACK_GPU = 2,
	TRACK_SEND = 3,
	TRACK_RECV = 6,
	TRACK_COMM = 9,
};

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
}

/* What parts one record from the next. */
static const char *between(struct timeline *timeline)
{
	const char *text = timeline->any ? ",\n" : "\n";

	timeline->any = true;
	return text;
}

static void name_track(struct timeline *timeline, uint32_t rank, enum track track, const char *name)
{
	fprintf(timeline->file.stream,
		"%s{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%" PRIu32
		",\"tid\":%d,\"args\":{\"name\":\"%s\"}}",
		between(timeline), rank, (int)track, name);
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
	name_track(timeline, rank, TRACK_CPU, "WORKLOAD_CPU");
	name_track(timeline, rank, TRACK_GPU, "WORKLOAD_GPU");
	if (!timeline->merged)
		name_track(timeline, rank, TRACK_COMM, "WORKLOAD_GPU_COMM");
	if (timeline->level < TIMELINE_EVENT)
		return;
	name_track(timeline, rank, TRACK_SEND, "SIM_SEND");
	name_track(timeline, rank, TRACK_RECV, "POLL_RECV");
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

/* Traces may name nodes by any bytes: what is not UTF-8 is taken as Latin-1. */
static void put_text(FILE *out, const char *text)
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

/* ns as microseconds, exact. */
static void put_us(FILE *out, int64_t ns)
{
	if (ns < 0) {
		putc('-', out);
		ns = -ns;
	}
	fprintf(out, "%" PRIi64 ".%03d", ns / 1000, (int)(ns % 1000));
}

static void put_times(FILE *out, uint32_t rank, enum track track, int64_t start, int64_t end)
{
	fprintf(out, ",\"ph\":\"X\",\"pid\":%" PRIu32 ",\"tid\":%d,\"ts\":", rank, (int)track);
	put_us(out, start);
	fputs(",\"dur\":", out);
	put_us(out, end - start);
}

static enum track track_of(const struct timeline *timeline, const struct graph_node *node,
			   enum lane lane)
{
	if (lane == LANE_CPU || (lane == LANE_NONE && node->is_cpu))
		return TRACK_CPU;
	return lane == LANE_COMP || timeline->merged ? TRACK_GPU : TRACK_COMM;
}

void timeline_node(struct timeline *timeline, uint32_t rank, const struct graph *graph,
		   uint32_t node, enum lane lane, int64_t start, int64_t end)
{
	const struct graph_node *one = &graph->nodes[node];
	FILE *out = timeline->file.stream;
	const char *type = et_type_name(one->type);

	if (!is_open(timeline, TIMELINE_WORKLOAD))
		return;
	fprintf(out, "%s{\"name\":\"%" PRIu64 ":", between(timeline), one->id);
	put_text(out, graph_name(graph, one->name));
	fprintf(out, "\",\"cat\":\"%s\"", type ? type : "INVALID");
	put_times(out, rank, track_of(timeline, one, lane), start, end);
	putc('}', out);
}

void timeline_message(struct timeline *timeline, const struct net *net,
		      const struct net_message *message, bool sent)
{
	FILE *out = timeline->file.stream;
	int64_t now;

	if (!is_open(timeline, TIMELINE_EVENT))
		return;
	now = loop_now(net->loop);
	fprintf(out, "%s{\"name\":\"%s\",\"cat\":\"network\"", between(timeline),
		sent ? "SIM_SEND" : "POLL_RECV_COMPLETE");
	put_times(out, net->rank, sent ? TRACK_SEND : TRACK_RECV, now, now);
	fprintf(out,
		",\"args\":{\"peer\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"tag\":\"%#" PRIx64 "\"}}",
		message->peer, message->size, message->tag);
}

int timeline_close(struct timeline *timeline, struct err *err)
{
	if (timeline->level == TIMELINE_OFF)
		return 0;
	timeline->level = TIMELINE_OFF;
	fputs("\n]}\n", timeline->file.stream);
	return outfile_commit(&timeline->file, err);
}

void timeline_abort(struct timeline *timeline)
{
	timeline->level = TIMELINE_OFF;
	outfile_abort(&timeline->file);
}
