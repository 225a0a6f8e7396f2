/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - a run for people */
#include "plain.h"
#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <string.h>

#define TOP_PAIRS   10
#define SIZES_SHOWN 20

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void put_count(FILE *out, uint64_t count, int width)
{
	char buf[32];

	fprintf(out, "%*s", width, units_grouped(buf, sizeof(buf), count));
}

static void put_selection(const struct report *report, FILE *out)
{
	const struct selection *sel = &report->run->selection;

	if (sel->op >= 0)
		fprintf(out, ", operation %s", rankop_names[sel->op]);
	if (sel->by_phase && sel->other)
		fprintf(out, ", phases beyond the 256th");
	else if (sel->by_phase)
		fprintf(out, ", phase %" PRId32, sel->phase);
	if (sel->window >= 0)
		fprintf(out, ", from %.3f s to %.3f s", (double)(sel->window * sel->width) / 1e9,
			(double)((sel->window + 1) * sel->width) / 1e9);
}

static void put_head(const struct report *report, FILE *out)
{
	const struct run *run = report->run;
	char buf[32];

	plain_put(out, report->name);
	fprintf(out, ": %s rank%s", units_grouped(buf, sizeof(buf), run->ranks),
		run->ranks == 1 ? "" : "s");
	if (!run->nameless)
		fprintf(out, " on %s node%s", units_grouped(buf, sizeof(buf), run->nnodes),
			run->nnodes == 1 ? "" : "s");
	if (run->duration > 0)
		fprintf(out, ", %.3f s", run->duration);
	if (run->program) {
		fprintf(out, ", ");
		plain_put(out, run->program);
	}
	put_selection(report, out);
	fprintf(out, "\n");
}

static void put_figures(const struct report *report, FILE *out)
{
	const struct matrix_summary *sum = &report->summary;
	char buf[32];

	fprintf(out, "\nbytes sent       ");
	put_count(out, sum->bytes, 26);
	fprintf(out, "  (%s)\nmessages sent    ",
		units_bytes(buf, sizeof(buf), (double)sum->bytes));
	put_count(out, sum->messages, 26);
	fprintf(out, "\npairs of ranks   ");
	put_count(out, sum->pairs, 26);
	fprintf(out, "  (density %.2f %%", 100 * sum->density);
	if (sum->self_pairs)
		fprintf(out, "; and %s to themselves",
			units_grouped(buf, sizeof(buf), sum->self_pairs));
	fprintf(out, ")\n");
	if (!report->run->nameless)
		fprintf(out, "within a node    %24.1f %%\n",
			percent(sum->within_bytes, sum->bytes));
	fprintf(out, "rank distance    %26.2f  (mean, by bytes)\n", sum->distance);
	fprintf(out, "imbalance        %26.2f  (most sent / mean; received: %.2f)\n",
		sum->imbalance_tx, sum->imbalance_rx);
}

static void put_ops(const struct report *report, FILE *out)
{
	const struct traffic *ops = report->run->ops;
	uint64_t bytes = 0, messages = 0;

	for (int op = 0; op < RANKOP_COUNT; op++) {
		bytes += ops[op].bytes;
		messages += ops[op].messages;
	}
	fprintf(out, "\n%-20s %24s %7s %20s %7s\n", "operation", "bytes", "%", "messages", "%");
	for (int op = 0; op < RANKOP_COUNT; op++) {
		if (!ops[op].messages)
			continue;
		fprintf(out, "%-20s ", rankop_names[op]);
		put_count(out, ops[op].bytes, 24);
		fprintf(out, " %7.1f ", percent(ops[op].bytes, bytes));
		put_count(out, ops[op].messages, 20);
		fprintf(out, " %7.1f\n", percent(ops[op].messages, messages));
	}
}

static void put_phases(const struct report *report, FILE *out)
{
	const struct run *run = report->run;

	if (!run->nphases)
		return;
	fprintf(out, "\n%-8s %6s %8s %10s %24s %20s\n", "phase", "ranks", "opened", "longest",
		"bytes", "messages");
	for (size_t i = 0; i < run->nphases; i++) {
		const struct run_phase *phase = &run->phases[i];

		if (phase->other)
			fprintf(out, "%-8s", "other");
		else
			fprintf(out, "%-8" PRId32, phase->level);
		fprintf(out, " %6" PRIu32 " %8" PRIu32 " %8.3f s ", phase->ranks, phase->opened,
			(double)phase->duration / 1e9);
		put_count(out, phase->bytes, 24);
		put_count(out, phase->messages, 21);
		fprintf(out, "\n");
	}
}

/* Traffic that the matrix does not have, and what its check does not know. */
static void put_unseen(const struct report *report, FILE *out)
{
	const struct run *run = report->run;
	const char *line = "\nnot in the matrix:\n";
	char bytes[32], messages[32];

	for (size_t i = 0; i < run->nbypass; i++, line = "") {
		fprintf(out, run->verbs ? "%s  what " : "%s  what MPI's ", line);
		plain_put(out, run->bypass[i].name);
		fprintf(out,
			" carried past the layer that is counted (in use on %" PRIu32 " ranks)\n",
			run->bypass[i].ranks);
	}
	for (int call = 0; call < RANKRMA_COUNT; call++)
		if (run->rma[call].messages) {
			fprintf(out, "%s  one-sided %s: %s calls, %s bytes\n", line,
				rankrma_names[call],
				units_grouped(messages, 32, run->rma[call].messages),
				units_grouped(bytes, 32, run->rma[call].bytes));
			line = "";
		}
	if (run->outside.tx_messages || run->outside.rx_messages) {
		fprintf(out, "%s  processes outside %s: %s bytes sent to, ", line,
			run->verbs ? "the run" : "MPI_COMM_WORLD",
			units_grouped(bytes, 32, run->outside.tx_bytes));
		fprintf(out, "%s received from them\n",
			units_grouped(bytes, 32, run->outside.rx_bytes));
	}
	line = "\nreceived, but not as it was seen to arrive:\n";
	for (int why = 0; why < RANKUNSEEN_COUNT; why++)
		if (run->unseen[why].messages) {
			fprintf(out, "%s  %s: %s messages, %s bytes as posted\n", line,
				rankunseen_names[why],
				units_grouped(messages, 32, run->unseen[why].messages),
				units_grouped(bytes, 32, run->unseen[why].bytes));
			line = "";
		}
}

static void put_top(const struct report *report, FILE *out)
{
	struct matrix_pair top[TOP_PAIRS];
	size_t count = matrix_top(report->matrix, report->what == WHAT_MESSAGES, top, TOP_PAIRS);
	char buf[32];

	if (!count)
		return;
	fprintf(out, "\n%-12s %-12s %24s %20s\n", report->by == BY_NODE ? "from node" : "from rank",
		"to", "bytes", "messages");
	for (size_t i = 0; i < count; i++) {
		plain_put_padded(out, report_label(report, top[i].from, buf), 12);
		putc(' ', out);
		plain_put_padded(out, report_label(report, top[i].to, buf), 12);
		putc(' ', out);
		put_count(out, top[i].bytes, 24);
		put_count(out, top[i].messages, 21);
		fprintf(out, "\n");
	}
}

/* A bar of up to WIDTH characters for PART of ALL. */
static void put_bar(const struct report *report, uint64_t part, uint64_t all, unsigned width,
		    FILE *out)
{
	unsigned length = all ? (unsigned)((double)part / (double)all * width + 0.5) : 0;

	if (part && !length)
		length = 1;
	for (unsigned i = 0; i < length; i++)
		fputs(report->utf8 ? "\xe2\x96\x88" : "#", out);
}

static unsigned bar_width(const struct report *report, unsigned used)
{
	return report->columns > used + 10 ? report->columns - used - 2 : 10;
}

static void put_size_bins(const struct report *report, FILE *out)
{
	uint64_t bins[REPORT_BINS], most = 0;
	int used = report_bins(report->run, bins);

	for (int bin = 0; bin < used; bin++)
		if (bins[bin] > most)
			most = bins[bin];
	fprintf(out, "\n%24s %20s\n", "message size", "messages sent");
	for (int bin = 0; bin < used; bin++) {
		uint64_t from = bin ? 1ull << (bin - 1) : 0;
		char low[32], high[32], range[70];

		units_grouped(low, sizeof(low), from);
		units_grouped(high, sizeof(high), from + (from ? from - 1 : 0));
		snprintf(range, sizeof(range), from > 1 ? "%s-%s" : "%s", low, high);
		fprintf(out, "%24s ", range);
		put_count(out, bins[bin], 20);
		if (bins[bin])
			fprintf(out, "  ");
		put_bar(report, bins[bin], most, bar_width(report, 47), out);
		fprintf(out, "\n");
	}
}

static void put_top_sizes(const struct report *report, FILE *out)
{
	const struct run *run = report->run;
	size_t top[SIZES_SHOWN], count = 0;

	for (size_t i = 0; i < run->nsizes; i++) {
		size_t at = count;

		if (run->sizes[i].log2 || !run->sizes[i].tx_messages)
			continue;
		count += count < SIZES_SHOWN;
		for (; at > 0 && run->sizes[top[at - 1]].tx_messages < run->sizes[i].tx_messages;
		     at--)
			if (at < SIZES_SHOWN)
				top[at] = top[at - 1];
		if (at < SIZES_SHOWN)
			top[at] = i;
	}
	if (count)
		fprintf(out, "\n%24s %20s %24s\n", "most frequent sizes", "messages sent", "bytes");
	for (size_t i = 0; i < count; i++) {
		const struct ranksize *size = &run->sizes[top[i]];

		put_count(out, size->size, 24);
		put_count(out, size->tx_messages, 21);
		put_count(out, size->size * size->tx_messages, 25);
		fprintf(out, "\n");
	}
}

static void put_windows(const struct report *report, FILE *out)
{
	const struct run *run = report->run;
	uint64_t most = 0;

	for (size_t i = 0; i < run->nwindows; i++)
		if (run->windows[i].bytes > most)
			most = run->windows[i].bytes;
	fprintf(out, "\n%8s %12s %20s %16s\n", "window", "from s", "bytes", "messages");
	for (size_t i = 0; i < run->nwindows; i++) {
		fprintf(out, "%8zu %12.3f ", i, (double)((int64_t)i * run->width) / 1e9);
		put_count(out, run->windows[i].bytes, 20);
		put_count(out, run->windows[i].messages, 17);
		if (run->windows[i].bytes)
			fprintf(out, "  ");
		put_bar(report, run->windows[i].bytes, most, bar_width(report, 62), out);
		fprintf(out, "\n");
	}
}

int report_text(const struct report *report, FILE *out, struct err *err)
{
	put_head(report, out);
	if (report->list_windows) {
		put_windows(report, out);
		return 0;
	}
	if (report->what == WHAT_SIZES) {
		put_size_bins(report, out);
		put_top_sizes(report, out);
		return 0;
	}
	put_figures(report, out);
	if (!selection_any(&report->run->selection)) {
		put_ops(report, out);
		put_phases(report, out);
	}
	put_top(report, out);
	put_unseen(report, out);
	return report_heat(report, out, err);
}
