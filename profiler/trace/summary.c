/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c - the columns, and tables for programs */
#include "trace/summary.h"
#include "plain.h"
#include "trace/json.h"
#include "trace/names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- columns --- */

#define COLUMN(name, expression)                    \
	static double name(const struct account *a) \
	{                                           \
		return (double)(expression);        \
	}

static double per_second(const struct account *a, uint64_t count)
{
	double seconds = account_seconds(a);

	return seconds > 0 ? (double)count / seconds : 0;
}

COLUMN(qps, a->qps)
COLUMN(messages, account_posts(a).messages)
COLUMN(bytes, account_posts(a).bytes)
COLUMN(completed, account_sent(a).messages + a->counted_sent)
COLUMN(rate, per_second(a, account_posts(a).messages))
COLUMN(bandwidth, per_second(a, account_posts(a).bytes))
COLUMN(latency_p50, histogram_percentile(&a->latency, 50))
COLUMN(latency_p90, histogram_percentile(&a->latency, 90))
COLUMN(latency_p99, histogram_percentile(&a->latency, 99))
COLUMN(latency_p999, histogram_percentile(&a->latency, 99.9))
COLUMN(latency_max, a->latency.max)
COLUMN(latency_mean, histogram_mean(&a->latency))
COLUMN(lag_p50, histogram_percentile(&a->lag, 50))
COLUMN(lag_p99, histogram_percentile(&a->lag, 99))
COLUMN(lag_max, a->lag.max)
COLUMN(lags, a->lag.count)
COLUMN(depth_max, a->send.most)
COLUMN(depth_mean, account_mean_depth(&a->send))
COLUMN(imbalance, account_imbalance(a))
COLUMN(fairness, account_fairness(a))
COLUMN(receives, a->receives)
COLUMN(received, a->received.messages)
COLUMN(received_bytes, a->received.bytes)
COLUMN(receive_depth_max, a->receive.most)
COLUMN(receive_depth_mean, account_mean_depth(&a->receive))
COLUMN(signaled, a->signaled)
COLUMN(inlined, a->inlined)
COLUMN(inferred, a->inferred)
COLUMN(refused, a->refused)
COLUMN(errors, account_errors(a))
COLUMN(unmatched, a->unmatched)
COLUMN(unfinished, a->left)
COLUMN(receives_unfinished, a->receives_left)
COLUMN(counted, a->counted)

const struct summary_column summary_columns[] = {
	{ "qps", false, qps },
	{ "messages", false, messages },
	{ "bytes", false, bytes },
	{ "completed", false, completed },
	{ "messages_per_s", true, rate },
	{ "bytes_per_s", true, bandwidth },
	{ "latency_p50_ns", false, latency_p50 },
	{ "latency_p90_ns", false, latency_p90 },
	{ "latency_p99_ns", false, latency_p99 },
	{ "latency_p99.9_ns", false, latency_p999 },
	{ "latency_max_ns", false, latency_max },
	{ "latency_mean_ns", true, latency_mean },
	{ "depth_max", false, depth_max },
	{ "depth_mean", true, depth_mean },
	{ "imbalance", true, imbalance },
	{ "fairness", true, fairness },
	{ "receives", false, receives },
	{ "received", false, received },
	{ "received_bytes", false, received_bytes },
	{ "receive_depth_max", false, receive_depth_max },
	{ "receive_depth_mean", true, receive_depth_mean },
	{ "signaled", false, signaled },
	{ "inline", false, inlined },
	{ "inferred", false, inferred },
	{ "refused", false, refused },
	{ "errors", false, errors },
	{ "unmatched", false, unmatched },
	{ "unfinished", false, unfinished },
	{ "receives_unfinished", false, receives_unfinished },
	{ "counted", false, counted },
	{ "polled_late", false, lags },
	{ "polled_late_p50_ns", false, lag_p50 },
	{ "polled_late_p99_ns", false, lag_p99 },
	{ "polled_late_max_ns", false, lag_max },
	{ 0 },
};

const struct summary_column *summary_column(const char *name)
{
	const struct summary_column *column = summary_columns;

	while (column->name && strcmp(column->name, name) != 0)
		column++;
	return column->name ? column : NULL;
}

/* --- order --- */

static int compare_u32(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_places(const struct overview_row *a, const struct overview_row *b)
{
	int order = compare_u32(a->rank, b->rank);

	if (!order)
		order = strcmp(a->node, b->node);
	if (!order)
		order = compare_u32(a->peer, b->peer);
	if (!order)
		order = strcmp(a->peer_node, b->peer_node);
	return order ? order : compare_u32(a->qpn, b->qpn);
}

static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct overview_row *a = *(struct overview_row *const *)left;
	const struct overview_row *b = *(struct overview_row *const *)right;
	const struct summary_column *column = arg;
	double one = column ? column->value(&a->account) : 0;
	double other = column ? column->value(&b->account) : 0;

	if (one != other)
		return one > other ? -1 : 1;
	return compare_places(a, b);
}

void summary_sort(struct overview *overview, const struct summary_column *column)
{
	if (overview->rows)
		qsort_r(overview->row, overview->rows, sizeof(*overview->row), compare_rows,
			(void *)(uintptr_t)column);
}

static size_t shown(const struct overview *overview, size_t top)
{
	return top && top < overview->rows ? top : overview->rows;
}

/* --- TSV --- */

void summary_tsv(const struct overview *overview, size_t top, FILE *out)
{
	char label[600];

	fprintf(out, "# netemu_trace_summary\t%d\n", SUMMARY_VERSION);
	fputs("what", out);
	for (const struct summary_column *column = summary_columns; column->name; column++)
		fprintf(out, "\t%s", column->name);
	putc('\n', out);
	for (size_t i = 0; i < shown(overview, top); i++) {
		const struct overview_row *row = overview->row[i];

		plain_put_cell(out, overview_label(overview, row, label, sizeof(label)));
		for (const struct summary_column *column = summary_columns; column->name; column++)
			fprintf(out, "\t%.*f", column->fraction ? 3 : 0,
				column->value(&row->account));
		putc('\n', out);
	}
}

/* --- JSON --- */

static void put_double(struct json *json, double value)
{
	char text[64];

	json_put(json, text, (size_t)snprintf(text, sizeof(text), "%.3f", value));
}

/* Beyond what a double holds exactly it is a real number. */
static void put_whole(struct json *json, double value)
{
	char text[64];

	json_put(json, text,
		 (size_t)snprintf(text, sizeof(text), value < 0x1p53 ? "%.0f" : "%.15e", value));
}

static void put_key(struct json *json, const char *key, bool first)
{
	if (!first)
		JSON_PUT(json, ",");
	json_text(json, key);
	JSON_PUT(json, ":");
}

/* NAME, or what has none by its number: "OPCODE 11". */
static void put_name(struct json *json, const char *name, const char *kind, uint32_t number,
		     bool first)
{
	char text[NAME_SIZE];

	put_key(json, name_or_number(text, name, kind, number), first);
}

static void put_columns(struct json *json, const struct account *account)
{
	for (const struct summary_column *column = summary_columns; column->name; column++) {
		put_key(json, column->name, column == summary_columns);
		if (column->fraction)
			put_double(json, column->value(account));
		else
			put_whole(json, column->value(account));
	}
}

static void put_opcodes(struct json *json, const struct account *account)
{
	bool first = true;

	JSON_PUT(json, ",\"opcodes\":{");
	for (uint32_t i = 0; i < ACCOUNT_OPCODES; i++) {
		if (!account->posted[i].messages && !account->sent[i].messages)
			continue;
		put_name(json, name_wr_opcode(i), "OPCODE", i, first);
		JSON_PUT(json, "{\"messages\":");
		json_id(json, account->posted[i].messages);
		JSON_PUT(json, ",\"bytes\":");
		json_id(json, account->posted[i].bytes);
		JSON_PUT(json, ",\"completed\":");
		json_id(json, account->sent[i].messages);
		JSON_PUT(json, ",\"completed_bytes\":");
		json_id(json, account->sent[i].bytes);
		JSON_PUT(json, "}");
		first = false;
	}
	JSON_PUT(json, "}");
}

static void put_statuses(struct json *json, const struct account *account)
{
	bool first = true;

	JSON_PUT(json, ",\"status\":{");
	for (uint32_t i = 0; i < ACCOUNT_STATUSES; i++) {
		if (!account->status[i])
			continue;
		put_name(json, name_wc_status(i), "STATUS", i, first);
		json_id(json, account->status[i]);
		first = false;
	}
	JSON_PUT(json, "}");
}

static void put_size(struct json *json, uint64_t from, uint64_t to, uint64_t messages, bool first)
{
	if (!first)
		JSON_PUT(json, ",");
	JSON_PUT(json, "{\"from\":");
	json_id(json, from);
	JSON_PUT(json, ",\"to\":");
	json_id(json, to);
	JSON_PUT(json, ",\"messages\":");
	json_id(json, messages);
	JSON_PUT(json, "}");
}

static void put_sizes(struct json *json, const struct account *account)
{
	bool first = true;

	JSON_PUT(json, ",\"sizes\":[");
	for (uint32_t i = 0; i < account->sizes && account->sizes <= ACCOUNT_SIZES; i++)
		put_size(json, account->size[i].bytes, account->size[i].bytes,
			 account->size[i].messages, i == 0);
	for (uint32_t i = 0; i < ACCOUNT_POWERS && account->sizes > ACCOUNT_SIZES; i++) {
		if (!account->power[i])
			continue;
		put_size(json, i ? UINT64_C(1) << (i - 1) : 0,
			 i ? ((UINT64_C(1) << (i - 1)) - 1) + (UINT64_C(1) << (i - 1)) : 0,
			 account->power[i], first);
		first = false;
	}
	JSON_PUT(json, "]");
}

static void put_account(struct json *json, const struct account *account)
{
	put_columns(json, account);
	put_opcodes(json, account);
	put_statuses(json, account);
	put_sizes(json, account);
}

static void put_calls(struct json *json, const struct overview *overview)
{
	bool first = true;

	JSON_PUT(json, ",\n\"calls\":{");
	for (uint16_t i = 0; i < VCALL_COUNT; i++) {
		const struct overview_call *call = &overview->call[i];
		double time = overview_call_time(call);

		if (!call->count)
			continue;
		put_key(json, reader_call_name(i), first);
		JSON_PUT(json, "{\"count\":");
		json_id(json, call->count);
		JSON_PUT(json, ",\"timed\":");
		json_id(json, call->timed);
		JSON_PUT(json, ",\"time_ns\":");
		json_i64(json, time < 9e18 ? (int64_t)time : INT64_MAX);
		JSON_PUT(json, ",\"longest_ns\":");
		json_i64(json, call->longest);
		JSON_PUT(json, "}");
		first = false;
	}
	JSON_PUT(json, "}");
}

static void put_number(struct json *json, const char *key, uint64_t number)
{
	put_key(json, key, false);
	json_id(json, number);
}

static void put_run(struct json *json, const struct overview *overview, const struct trace_run *run)
{
	const struct vring_header *header = &run->file[0].header;

	JSON_PUT(json, "{\"netemu_trace_summary\":");
	json_u64(json, SUMMARY_VERSION);
	put_key(json, "run", false);
	json_text(json, run->path);
	put_key(json, "job", false);
	json_text(json, header->job);
	put_key(json, "step", false);
	json_text(json, header->step);
	put_number(json, "processes", overview->processes);
	put_number(json, "ranks", overview->ranks);
	put_number(json, "nodes", overview->nodes);
	put_number(json, "threads", overview->threads);
	put_number(json, "duration_ns", (uint64_t)(overview->last - overview->first));
	put_number(json, "thread_time_ns", (uint64_t)overview->thread_time);
	put_number(json, "records_overwritten", overview->dropped);
	put_number(json, "records_lost", overview->lost);
	put_number(json, "unseen", overview->unseen);
	put_number(json, "unused_qps", overview->unused);
	put_number(json, "empty_polls", overview->empty_polls);
	put_number(json, "registrations", overview->registrations);
	put_number(json, "registered_bytes", overview->registered);
	put_key(json, "packets_resent", false);
	if (!overview->device_events) {
		JSON_PUT(json, "null,\"receiver_not_ready\":null,\"timeouts\":null");
		return;
	}
	json_id(json, overview->resent);
	put_number(json, "receiver_not_ready", overview->not_ready);
	put_number(json, "timeouts", overview->no_answer);
}

static void put_row(struct json *json, const struct overview *overview,
		    const struct overview_row *row)
{
	char label[600];

	JSON_PUT(json, "\n{\"what\":");
	json_text(json, overview_label(overview, row, label, sizeof(label)));
	if (row->rank != OVERVIEW_NOBODY)
		put_number(json, "rank", row->rank);
	if (row->peer != OVERVIEW_NOBODY)
		put_number(json, "peer", row->peer);
	if (row->qpn) {
		put_number(json, "qpn", row->qpn);
		put_number(json, "peer_qpn", row->peer_qpn);
	}
	JSON_PUT(json, ",");
	put_account(json, &row->account);
	JSON_PUT(json, "}");
}

int summary_json(const struct overview *overview, const struct trace_run *run, size_t top,
		 FILE *out)
{
	static const char *const names[OVERVIEW_BYS] = { "run", "rank", "host", "peer", "qp" };
	struct json json;
	int rc;

	if (json_init(&json, out, 64 * 1024) < 0)
		return -1;
	put_run(&json, overview, run);
	JSON_PUT(&json, ",\n\"total\":{");
	put_account(&json, &overview->total);
	JSON_PUT(&json, "}");
	put_calls(&json, overview);
	put_key(&json, "by", false);
	json_text(&json, names[overview->by]);
	JSON_PUT(&json, ",\"rows\":[");
	for (size_t i = 0; i < shown(overview, top); i++) {
		if (i)
			JSON_PUT(&json, ",");
		put_row(&json, overview, overview->row[i]);
	}
	JSON_PUT(&json, "]}\n");
	rc = json_flush(&json);
	json_release(&json);
	return rc;
}
