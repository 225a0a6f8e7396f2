/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - a run for programs: tab-separated and JSON */
#include "plain.h"
#include "report.h"

#include <inttypes.h>

static void tsv_sizes(const struct run *run, FILE *out)
{
	fprintf(out, "from\tto\tmessages\n");
	for (size_t i = 0; i < run->nsizes; i++) {
		const struct ranksize *size = &run->sizes[i];
		uint64_t low = size->log2 ? 1ull << size->size : size->size;

		if (size->tx_messages)
			fprintf(out, "%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", low,
				size->log2 ? low + (low - 1) : low, size->tx_messages);
	}
}

static void tsv_windows(const struct run *run, FILE *out)
{
	fprintf(out, "window\tstart_ns\tbytes\tmessages\n");
	for (size_t i = 0; i < run->nwindows; i++)
		fprintf(out, "%zu\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\n", i,
			(int64_t)i * run->width, run->windows[i].bytes, run->windows[i].messages);
}

int report_tsv(const struct report *report, FILE *out, struct err *err)
{
	char buf[32];

	(void)err;
	if (report->list_windows) {
		tsv_windows(report->run, out);
		return 0;
	}
	if (report->what == WHAT_SIZES) {
		tsv_sizes(report->run, out);
		return 0;
	}
	fprintf(out, "from\tto\tbytes\tmessages\n");
	for (size_t i = 0; i < report->matrix->count; i++) {
		const struct matrix_pair *pair = &report->matrix->pairs[i];

		plain_put_cell(out, report_label(report, pair->from, buf));
		putc('\t', out);
		plain_put_cell(out, report_label(report, pair->to, buf));
		fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\n", pair->bytes, pair->messages);
	}
	return 0;
}

/* Bytes beyond ASCII are shown as Latin-1, as in rank files. */
void put_json(FILE *out, const char *text)
{
	if (!text) {
		fputs("null", out);
		return;
	}
	putc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			fprintf(out, "\\%c", *c);
		else if (*c < 0x20 || *c >= 0x7f)
			fprintf(out, "\\u%04x", *c);
		else
			putc(*c, out);
	}
	putc('"', out);
}

static void json_text(FILE *out, const char *key, const char *text)
{
	fprintf(out, "  \"%s\": ", key);
	put_json(out, text);
	fputs(",\n", out);
}

static void json_selection(const struct selection *sel, FILE *out)
{
	json_text(out, "op", sel->op >= 0 ? rankop_names[sel->op] : NULL);
	if (sel->by_phase && !sel->other)
		fprintf(out, "  \"phase\": %" PRId32 ",\n", sel->phase);
	else
		json_text(out, "phase", sel->by_phase ? "other" : NULL);
	if (sel->window >= 0)
		fprintf(out, "  \"window\": %" PRId64 ",\n", sel->window);
	else
		json_text(out, "window", NULL);
}

static void json_head(const struct report *report, FILE *out)
{
	const struct run *run = report->run;

	fprintf(out, "{\n  \"version\": 1,\n");
	json_text(out, "run", report->name);
	json_text(out, "job", run->job);
	json_text(out, "step", run->step);
	json_text(out, "program", run->program);
	json_text(out, "mpi", run->mpi);
	json_text(out, "pml", run->pml);
	fprintf(out, "  \"ranks\": %" PRIu32 ",\n", run->ranks);
	fprintf(out, "  \"complete\": %s,\n", run->incomplete ? "false" : "true");
	fprintf(out, "  \"foreign\": %s,\n", run->foreign ? "true" : "false");
	fprintf(out, "  \"duration\": %.9f,\n", run->duration);
	fprintf(out, "  \"overhead\": {\"send_ns\": %.3f, \"receive_ns\": %.3f},\n",
		run->overhead_send, run->overhead_receive);
	json_text(out, "by", report->by == BY_NODE ? "node" : "rank");
	json_selection(&run->selection, out);
}

/* The names, and each rank's index into them; null when a rank has none. */
static void json_nodes(const struct run *run, FILE *out)
{
	if (run->nameless) {
		json_text(out, "nodes", NULL);
		json_text(out, "node_of_rank", NULL);
		return;
	}
	fprintf(out, "  \"nodes\": [");
	for (uint32_t i = 0; i < run->nnodes; i++) {
		fputs(i ? ", " : "", out);
		put_json(out, run->nodes[i]);
	}
	fprintf(out, "],\n  \"node_of_rank\": [");
	for (uint32_t i = 0; i < run->ranks; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "", run->node[i]);
	fprintf(out, "],\n");
}

static void json_summary(const struct report *report, FILE *out)
{
	const struct matrix_summary *sum = &report->summary;

	fprintf(out,
		"  \"summary\": {\"bytes\": %" PRIu64 ", \"messages\": %" PRIu64
		", \"pairs\": %zu, \"self_pairs\": %zu, \"density\": %.9f, ",
		sum->bytes, sum->messages, sum->pairs, sum->self_pairs, sum->density);
	if (report->run->nameless)
		fprintf(out, "\"within_node_bytes\": null, ");
	else
		fprintf(out, "\"within_node_bytes\": %" PRIu64 ", ", sum->within_bytes);
	fprintf(out,
		"\"mean_distance\": %.6f, \"imbalance_sent\": %.6f, \"imbalance_received\": %.6f},\n",
		sum->distance, sum->imbalance_tx, sum->imbalance_rx);
}

static void json_traffic(FILE *out, const char *comma, const char *name,
			 const struct traffic *traffic)
{
	fprintf(out, "%s\"%s\": {\"bytes\": %" PRIu64 ", \"messages\": %" PRIu64 "}", comma, name,
		traffic->bytes, traffic->messages);
}

/* NAMES (COUNT) with their TRAFFIC, those without any left out. */
static void json_named(FILE *out, const char *key, const char *const names[], int count,
		       const struct traffic *traffic)
{
	const char *comma = "";

	fprintf(out, "  \"%s\": {", key);
	for (int i = 0; i < count; i++)
		if (traffic[i].messages) {
			json_traffic(out, comma, names[i], &traffic[i]);
			comma = ", ";
		}
	fprintf(out, "},\n");
}

static void json_sizes(const struct run *run, bool log2, FILE *out)
{
	const char *comma = "";

	fprintf(out, "  \"%s\": [", log2 ? "size_bins" : "sizes");
	for (size_t i = 0; i < run->nsizes; i++) {
		const struct ranksize *size = &run->sizes[i];

		uint64_t from = size->log2 ? 1ull << size->size : size->size;

		if (size->log2 != log2 || !size->tx_messages)
			continue;
		fprintf(out, "%s{\"%s\": %" PRIu64 ", \"messages\": %" PRIu64 "}", comma,
			log2 ? "from" : "size", from, size->tx_messages);
		comma = ", ";
	}
	fprintf(out, "],\n");
}

static void json_phases(const struct run *run, FILE *out)
{
	fprintf(out, "  \"phases\": [");
	for (size_t i = 0; i < run->nphases; i++) {
		const struct run_phase *phase = &run->phases[i];

		fprintf(out, "%s{\"phase\": ", i ? ", " : "");
		if (phase->other)
			fprintf(out, "\"other\"");
		else
			fprintf(out, "%" PRId32, phase->level);
		fprintf(out,
			", \"ranks\": %" PRIu32 ", \"opened\": %" PRIu32
			", \"duration_ns\": %" PRId64 ", \"bytes\": %" PRIu64
			", \"messages\": %" PRIu64 "}",
			phase->ranks, phase->opened, phase->duration, phase->bytes,
			phase->messages);
	}
	fprintf(out, "],\n");
}

static void json_windows(const struct run *run, FILE *out)
{
	if (!run->width) {
		json_text(out, "windows", NULL);
		return;
	}
	fprintf(out, "  \"windows\": {\"width_ns\": %" PRId64 ", \"bytes\": [", run->width);
	for (size_t i = 0; i < run->nwindows; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", run->windows[i].bytes);
	fprintf(out, "], \"messages\": [");
	for (size_t i = 0; i < run->nwindows; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", run->windows[i].messages);
	fprintf(out, "]},\n");
}

static void json_unseen(const struct run *run, FILE *out)
{
	json_named(out, "rma", rankrma_names, RANKRMA_COUNT, run->rma);
	json_named(out, "unseen_receives", rankunseen_names, RANKUNSEEN_COUNT, run->unseen);
	fprintf(out, "  \"bypass\": {");
	for (size_t i = 0; i < run->nbypass; i++) {
		fputs(i ? ", " : "", out);
		put_json(out, run->bypass[i].name);
		fprintf(out, ": %" PRIu32, run->bypass[i].ranks);
	}
	fprintf(out,
		"},\n  \"outside\": {\"tx_bytes\": %" PRIu64 ", \"tx_messages\": %" PRIu64
		", \"rx_bytes\": %" PRIu64 ", \"rx_messages\": %" PRIu64 "},\n",
		run->outside.tx_bytes, run->outside.tx_messages, run->outside.rx_bytes,
		run->outside.rx_messages);
}

/* Four arrays of the same length, one element per pair. */
static void json_matrix(const struct matrix *matrix, FILE *out)
{
	static const char *const names[] = { "from", "to", "bytes", "messages" };

	fprintf(out, "  \"matrix\": {");
	for (int column = 0; column < 4; column++) {
		fprintf(out, "%s\n    \"%s\": [", column ? "," : "", names[column]);
		for (size_t i = 0; i < matrix->count; i++) {
			const struct matrix_pair *pair = &matrix->pairs[i];
			uint64_t number = column == 0   ? pair->from
					  : column == 1 ? pair->to
					  : column == 2 ? pair->bytes
							: pair->messages;

			fprintf(out, "%s%" PRIu64, i ? "," : "", number);
		}
		putc(']', out);
	}
	fprintf(out, "\n  }\n}\n");
}

int report_json(const struct report *report, FILE *out, struct err *err)
{
	const struct run *run = report->run;

	(void)err;
	json_head(report, out);
	json_nodes(run, out);
	json_summary(report, out);
	json_named(out, "ops", rankop_names, RANKOP_COUNT, run->ops);
	json_sizes(run, false, out);
	json_sizes(run, true, out);
	json_phases(run, out);
	json_windows(run, out);
	json_unseen(run, out);
	json_matrix(report->matrix, out);
	return 0;
}
