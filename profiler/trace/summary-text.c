/* SPDX-License-Identifier: Apache-2.0 */
/* summary-text.c - an overview for people, 80 columns wide */
#include "trace/summary.h"
#include "plain.h"
#include "trace/names.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* TIME with three digits and its unit. */
static const char *duration(char *buf, size_t size, double ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	size_t i = 0;
	double value;

	while (i < 3 && ns < units[i].ns)
		i++;
	value = ns / units[i].ns;
	snprintf(buf, size, "%.*f %s",
		 i == 3 || value >= 100 ? 0
		 : value >= 10          ? 1
					: 2,
		 value, units[i].name);
	return buf;
}

static const char *grouped(char *buf, uint64_t number)
{
	return units_grouped(buf, 32, number);
}

/* --- what is missing --- */

static void put_missing(const struct overview *overview, const struct trace_run *run, FILE *out)
{
	const struct account *total = &overview->total;
	char text[32];

	if (overview->dropped)
		fprintf(out,
			"Incomplete: %s older records were overwritten (ring= or stream keeps more).\n",
			grouped(text, overview->dropped));
	if (overview->lost)
		fprintf(out, "Incomplete: for %s records there was no room on the disk.\n",
			grouped(text, overview->lost));
	if (run->missing)
		fprintf(out, "Incomplete: there is no file of %" PRIu32 " of %" PRIu32 " ranks.\n",
			run->missing, run->ranks);
	if (overview->unseen)
		fputs("Incomplete: the program also uses the device in a way that cannot be seen "
		      "(netemu trace check says which).\n",
		      out);
	if (total->unmatched)
		fprintf(out, "Of %s completions the request is not recorded.\n",
			grouped(text, total->unmatched));
	if (total->counted)
		fprintf(out, "%s requests were counted without a record of each.\n",
			grouped(text, total->counted));
}

static void put_head(const struct overview *overview, const struct trace_run *run, FILE *out)
{
	const struct vring_header *header = &run->file[0].header;
	char text[32];

	plain_put(out, run->path);
	fprintf(out, ": %" PRIu32 " process%s on %" PRIu32 " node%s, %s", overview->processes,
		overview->processes == 1 ? "" : "es", overview->nodes,
		overview->nodes == 1 ? "" : "s",
		duration(text, sizeof(text), (double)(overview->last - overview->first)));
	if (*header->job) {
		fputs(", job ", out);
		plain_put(out, header->job);
	}
	fputs("\n", out);
	put_missing(overview, run, out);
}

/* --- requests --- */

static void put_opcodes(const struct account *account, FILE *out)
{
	char messages[32], bytes[16], done[32], name[NAME_SIZE];

	fprintf(out, "\n%-22s %15s %14s %15s\n", "Send requests", "posted", "bytes", "completed");
	for (uint32_t i = 0; i < ACCOUNT_OPCODES; i++) {
		if (!account->posted[i].messages)
			continue;
		fprintf(out, "  %-20s %15s %14s %15s\n",
			name_or_number(name, name_wr_opcode(i), "OPCODE", i),
			grouped(messages, account->posted[i].messages),
			units_bytes(bytes, sizeof(bytes), (double)account->posted[i].bytes),
			account->counted ? "-" : grouped(done, account->sent[i].messages));
	}
	if (account->receives || account->received.messages)
		fprintf(out, "%-22s %15s %14s %15s\n", "Receive requests",
			grouped(messages, account->receives),
			units_bytes(bytes, sizeof(bytes), (double)account->received.bytes),
			grouped(done, account->received.messages));
}

static void put_size(FILE *out, const char *label, uint64_t messages, uint64_t all)
{
	static const char bar[] = "########################################";
	char text[32];

	fprintf(out, "  %-20s %15s  %.*s\n", label, grouped(text, messages),
		(int)(40.0 * (double)messages / (double)all + 0.5), bar);
}

static int compare_sizes(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

static void put_exact_sizes(const struct account *account, uint64_t all, FILE *out)
{
	struct {
		uint64_t bytes, messages;
	} size[ACCOUNT_SIZES];
	char label[32];

	memcpy(size, account->size, sizeof(size));
	qsort(size, account->sizes, sizeof(*size), compare_sizes);
	for (uint32_t i = 0; i < account->sizes; i++)
		put_size(out, grouped(label, size[i].bytes), size[i].messages, all);
}

static void put_sizes(const struct account *account, FILE *out)
{
	uint64_t all = account_posts(account).messages;
	char label[48];

	if (!all)
		return;
	fprintf(out, "\n%-22s %15s\n", "Bytes of a send", "requests");
	if (account->sizes <= ACCOUNT_SIZES) {
		put_exact_sizes(account, all, out);
		return;
	}
	for (uint32_t i = 0; i < ACCOUNT_POWERS; i++) {
		if (!account->power[i])
			continue;
		snprintf(label, sizeof(label), i ? "%" PRIu64 " to %" PRIu64 : "0",
			 UINT64_C(1) << (i ? i - 1 : 0), (UINT64_C(1) << (i ? i - 1 : 0)) * 2 - 1);
		put_size(out, label, account->power[i], all);
	}
}

static void put_latency(const struct account *account, FILE *out)
{
	static const double percents[] = { 50, 90, 99, 99.9 };
	char text[32];

	if (!account->latency.count)
		return;
	fputs("\nFrom post to poll:", out);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		fprintf(out, "%s p%g %s,", i == 3 ? "\n " : "", percents[i],
			duration(text, sizeof(text),
				 (double)histogram_percentile(&account->latency, percents[i])));
	fprintf(out, " max %s,", duration(text, sizeof(text), (double)account->latency.max));
	fprintf(out, " of %s signaled sends, within %s %%\n", grouped(text, account->latency.count),
		account->latency_counted ? "3.6" : "0.4");
}

static void put_lag(const struct account *account, FILE *out)
{
	const struct histogram *lag = &account->lag;
	char a[32], b[32], c[32], d[32];

	if (!lag->count)
		return;
	fprintf(out,
		"From when it was due to poll: p50 %s, p99 %s, max %s\n"
		"  of %s, due as the emulated device says\n",
		duration(a, sizeof(a), (double)histogram_percentile(lag, 50)),
		duration(b, sizeof(b), (double)histogram_percentile(lag, 99)),
		duration(c, sizeof(c), (double)lag->max), grouped(d, lag->count));
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100 * (double)part / (double)all : 0;
}

static void put_queues(const struct overview *overview, FILE *out)
{
	const struct account *account = &overview->total;
	struct account_count posts = account_posts(account);
	double seconds = account_seconds(account);
	char a[32], b[32];

	if (seconds > 0)
		fprintf(out, "Rate: %s sends/s, %s/s, over %s\n",
			grouped(a, (uint64_t)((double)posts.messages / seconds)),
			units_bytes(b, 16, (double)posts.bytes / seconds),
			duration((char[32]){ 0 }, 32, seconds * 1e9));
	if (account->send.duration > 0)
		fprintf(out,
			"Outstanding in a queue: sends at most %" PRIu32
			", %.1f in the mean; receives %" PRIu32 ", %.1f\n",
			account->send.most, account_mean_depth(&account->send),
			account->receive.most, account_mean_depth(&account->receive));
	fprintf(out, "Queue pairs: %s used, %s not", grouped(a, account->qps),
		grouped(b, overview->unused));
	if (account->senders > 1)
		fprintf(out, "; the largest sent %.2f of the mean (Jain %.4f)",
			account_imbalance(account), account_fairness(account));
	putc('\n', out);
	if (posts.messages && !account->counted)
		fprintf(out,
			"Sends: %.1f %% signaled, %.1f %% inline; %s refused, %s never "
			"completed\n",
			percent(account->signaled, posts.messages),
			percent(account->inlined, posts.messages), grouped(a, account->refused),
			grouped(b, account->left));
}

static void put_errors(const struct overview *overview, FILE *out)
{
	const struct account *account = &overview->total;
	char text[32], name[NAME_SIZE];
	bool any = false;

	fputs("Completions with an error:", out);
	for (uint32_t i = 1; i < ACCOUNT_STATUSES; i++) {
		if (!account->status[i])
			continue;
		fprintf(out, "%s %s %s", any ? "," : "", grouped(text, account->status[i]),
			name_or_number(name, name_wc_status(i), "STATUS", i));
		any = true;
	}
	fputs(any ? "\n" : " none\n", out);
	fputs("Packets sent again: ", out);
	if (!overview->device_events) {
		fputs("not seen (a real device does not tell)\n", out);
		return;
	}
	fprintf(out, "%s (as the emulated device says)\n", grouped(text, overview->resent));
	fprintf(out, "Retries: %s for want of a receive request (RNR),",
		grouped(text, overview->not_ready));
	fprintf(out, " %s for want of an answer\n", grouped(text, overview->no_answer));
}

/* --- calls --- */

/* How long all took: about, where not each of them was timed. */
static const char *call_time(char *buf, size_t size, const struct overview_call *call)
{
	char text[32];

	snprintf(buf, size, "%s%s", call->timed < call->count ? "~" : "",
		 duration(text, sizeof(text), overview_call_time(call)));
	return buf;
}

static void put_calls(const struct overview *overview, FILE *out)
{
	char count[32], time[40], mean[32], longest[32];
	bool sampled = false;
	double all = 0;

	fprintf(out, "\n%-28s %13s %11s %11s %11s\n", "Calls", "count", "time", "mean", "longest");
	for (uint16_t i = 0; i < VCALL_COUNT; i++) {
		const struct overview_call *call = &overview->call[i];

		if (!call->count)
			continue;
		all += overview_call_time(call);
		sampled = sampled || call->timed < call->count;
		fprintf(out, "  %-26s %13s", reader_call_name(i), grouped(count, call->count));
		if (call->time)
			fprintf(out, " %11s %11s %11s", call_time(time, sizeof(time), call),
				duration(mean, sizeof(mean),
					 (double)call->time / (double)call->timed),
				duration(longest, sizeof(longest), (double)call->longest));
		putc('\n', out);
	}
	if (sampled)
		fputs("Of posts some were timed: ~ is their mean times the count of all\n", out);
	fprintf(out, "Polls that found nothing: %s (not timed)\n",
		grouped(count, overview->empty_polls));
	if (overview->thread_time > 0)
		fprintf(out, "Within these calls: %.1f %% of the time of %" PRIu32 " thread%s\n",
			100 * all / (double)overview->thread_time, overview->threads,
			overview->threads == 1 ? "" : "s");
	if (overview->registrations)
		fprintf(out, "Registrations: %s, at most %s at one time\n",
			grouped(count, overview->registrations),
			units_bytes(mean, 16, (double)overview->registered));
}

/* --- rows --- */

static const char *const headings[OVERVIEW_BYS] = {
	"", "Of rank", "From node to node", "From rank to rank", "Of queue pair",
};

static void put_row(const struct overview *overview, const struct overview_row *row, int width,
		    FILE *out)
{
	const struct account *account = &row->account;
	struct account_count posts = account_posts(account);
	char label[600], messages[32], bytes[16], p50[32], p99[32], errors[32];

	overview_label(overview, row, label, sizeof(label));
	plain_put_padded(out, label, width);
	fprintf(out, " %13s %10s %9s %9s %6" PRIu32 " %6s\n", grouped(messages, posts.messages),
		units_bytes(bytes, sizeof(bytes), (double)posts.bytes),
		account->latency.count
			? duration(p50, sizeof(p50),
				   (double)histogram_percentile(&account->latency, 50))
			: "-",
		account->latency.count
			? duration(p99, sizeof(p99),
				   (double)histogram_percentile(&account->latency, 99))
			: "-",
		account->send.most, grouped(errors, account_errors(account)));
}

static void put_rows(const struct overview *overview, size_t top, FILE *out)
{
	size_t count = top && top < overview->rows ? top : overview->rows;
	int width = (int)strlen(headings[overview->by]);
	char label[600];

	if (overview->by == OVERVIEW_RUN || !count)
		return;
	for (size_t i = 0; i < count; i++) {
		int length = (int)strlen(
			overview_label(overview, overview->row[i], label, sizeof(label)));

		width = length > width ? length : width;
	}
	fprintf(out, "\n%-*s %13s %10s %9s %9s %6s %6s\n", width, headings[overview->by], "sends",
		"bytes", "p50", "p99", "depth", "errors");
	for (size_t i = 0; i < count; i++)
		put_row(overview, overview->row[i], width, out);
	if (count < overview->rows)
		fprintf(out, "and %zu more (--top=0 shows all)\n", overview->rows - count);
}

void summary_text(const struct overview *overview, const struct trace_run *run, size_t top,
		  FILE *out)
{
	put_head(overview, run, out);
	put_opcodes(&overview->total, out);
	put_sizes(&overview->total, out);
	put_latency(&overview->total, out);
	put_lag(&overview->total, out);
	put_queues(overview, out);
	put_errors(overview, out);
	put_calls(overview, out);
	put_rows(overview, top, out);
}
