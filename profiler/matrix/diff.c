/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - communication as a regression test */
#include "plain.h"
#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* "+5.00 %", or "new" where there was nothing before. */
static const char *change(char buf[32], uint64_t before, uint64_t after)
{
	if (!before && after)
		return "new";
	snprintf(buf, 32, "%+.2f %%", before ? 100 * ((double)after / (double)before - 1) : 0.0);
	return buf;
}

static const char *percent(char buf[32], double ratio)
{
	if (isinf(ratio))
		return "all of it";
	snprintf(buf, 32, "%.2f %%", 100 * ratio);
	return buf;
}

static void text_total(FILE *out, const char *what, const uint64_t totals[2])
{
	char a[32], b[32], buf[32];

	fprintf(out, "%-14s %24s %24s  %s\n", what, units_grouped(a, sizeof(a), totals[0]),
		units_grouped(b, sizeof(b), totals[1]), change(buf, totals[0], totals[1]));
}

static void diff_text(const struct report *a, const struct report *b,
		      const struct matrix_diff *diff, FILE *out)
{
	const uint64_t pairs[2] = { diff->pairs[0], diff->pairs[1] };
	char x[32], y[32];

	fprintf(out, "A: ");
	plain_put(out, a->name);
	fprintf(out, "\nB: ");
	plain_put(out, b->name);
	fprintf(out, "\n\n%-14s %24s %24s  change\n", "", "A", "B");
	text_total(out, "bytes", diff->bytes);
	text_total(out, "messages", diff->messages);
	text_total(out, "pairs", pairs);
	fprintf(out, "\npairs only in A %zu, only in B %zu, in both but not the same %zu\n",
		diff->only[0], diff->only[1], diff->changed);
	fprintf(out, "difference: bytes %s", percent(x, diff->bytes_ratio));
	fprintf(out, ", messages %s (sum of |A - B| over all pairs / A)\n",
		percent(x, diff->messages_ratio));
	if (diff->ntop)
		fprintf(out, "\n%-12s %-12s %24s %24s %10s %10s\n", "from", "to", "bytes in A",
			"bytes in B", "messages A", "B");
	for (size_t i = 0; i < diff->ntop; i++) {
		const struct matrix_change *top = &diff->top[i];

		plain_put_padded(out, report_label(a, top->from, x), 12);
		putc(' ', out);
		plain_put_padded(out, report_label(a, top->to, x), 12);
		putc(' ', out);
		fprintf(out, "%24s %24s ", units_grouped(x, sizeof(x), top->bytes[0]),
			units_grouped(y, sizeof(y), top->bytes[1]));
		fprintf(out, "%10s %10s\n", units_grouped(x, sizeof(x), top->messages[0]),
			units_grouped(y, sizeof(y), top->messages[1]));
	}
}

static void diff_tsv(const struct report *a, const struct matrix_diff *diff, FILE *out)
{
	char buf[32];

	fprintf(out, "from\tto\tbytes_a\tbytes_b\tmessages_a\tmessages_b\n");
	for (size_t i = 0; i < diff->ntop; i++) {
		const struct matrix_change *top = &diff->top[i];

		plain_put_cell(out, report_label(a, top->from, buf));
		putc('\t', out);
		plain_put_cell(out, report_label(a, top->to, buf));
		fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
			top->bytes[0], top->bytes[1], top->messages[0], top->messages[1]);
	}
}

static void json_ratio(FILE *out, const char *key, double ratio)
{
	if (isinf(ratio))
		fprintf(out, "  \"%s\": null,\n", key);
	else
		fprintf(out, "  \"%s\": %.9f,\n", key, ratio);
}

static void diff_json(const struct report *a, const struct report *b,
		      const struct matrix_diff *diff, FILE *out)
{
	char buf[32];

	fprintf(out, "{\n  \"version\": 1,\n  \"a\": ");
	put_json(out, a->name);
	fprintf(out, ",\n  \"b\": ");
	put_json(out, b->name);
	fprintf(out, ",\n  \"bytes\": [%" PRIu64 ", %" PRIu64 "],\n", diff->bytes[0],
		diff->bytes[1]);
	fprintf(out, "  \"messages\": [%" PRIu64 ", %" PRIu64 "],\n", diff->messages[0],
		diff->messages[1]);
	fprintf(out, "  \"pairs\": [%zu, %zu],\n  \"only\": [%zu, %zu],\n  \"changed\": %zu,\n",
		diff->pairs[0], diff->pairs[1], diff->only[0], diff->only[1], diff->changed);
	json_ratio(out, "bytes_difference", diff->bytes_ratio);
	json_ratio(out, "messages_difference", diff->messages_ratio);
	fprintf(out, "  \"top\": [");
	for (size_t i = 0; i < diff->ntop; i++) {
		const struct matrix_change *top = &diff->top[i];

		fprintf(out, "%s{\"from\": ", i ? ", " : "");
		put_json(out, report_label(a, top->from, buf));
		fprintf(out, ", \"to\": ");
		put_json(out, report_label(a, top->to, buf));
		fprintf(out,
			", \"bytes\": [%" PRIu64 ", %" PRIu64 "], \"messages\": [%" PRIu64
			", %" PRIu64 "]}",
			top->bytes[0], top->bytes[1], top->messages[0], top->messages[1]);
	}
	fprintf(out, "]\n}\n");
}

void report_diff(const struct report *a, const struct report *b, const struct matrix_diff *diff,
		 const char *format, FILE *out)
{
	if (!strcmp(format, "json"))
		diff_json(a, b, diff, out);
	else if (!strcmp(format, "tsv"))
		diff_tsv(a, diff, out);
	else
		diff_text(a, b, diff, out);
}
