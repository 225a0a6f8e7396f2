/* SPDX-License-Identifier: Apache-2.0 */
#include "linkdiff.h"

#include "linkwrite.h"
#include "plain.h"
#include "summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static load_amount bytes_of(const struct linkrow *row)
{
	return row ? row->bytes : 0;
}

static load_amount distance(const struct linkmatch *match)
{
	load_amount a = bytes_of(match->a), b = bytes_of(match->b);

	return a > b ? a - b : b - a;
}

static const struct linkrow *either(const struct linkmatch *match)
{
	return match->a ? match->a : match->b;
}

/* Larger differences first; else the order of the table. */
static int change_compare(const void *a, const void *b)
{
	const struct linkmatch *left = a, *right = b;
	load_amount x = distance(left), y = distance(right);
	int order;

	if (x != y)
		return x > y ? -1 : 1;
	order = linkrow_compare(either(left), either(right));
	return order ? order : either(left) < either(right) ? -1 : either(left) > either(right);
}

static void total(struct linkdiff *diff, const struct linktable *table, int side)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct linkrow *row = &table->row[i];
		double congestion = row->capacity > 0 ? load_double(row->bytes) / row->capacity : 0;

		diff->bytes[side] += row->bytes;
		diff->flows[side] += row->flows;
		if (row->bytes > diff->most[side])
			diff->most[side] = row->bytes;
		if (congestion > diff->congestion[side])
			diff->congestion[side] = congestion;
	}
}

int linkdiff_make(struct linkdiff *diff, const struct linktable *a, const struct linktable *b)
{
	memset(diff, 0, sizeof(*diff));
	if (linktable_match(a, b, &diff->matches) < 0)
		return -1;
	diff->change = malloc((diff->matches.count + 1) * sizeof(*diff->change));
	if (!diff->change) {
		linkdiff_release(diff);
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < diff->matches.count; i++) {
		const struct linkmatch *match = &diff->matches.match[i];

		diff->moved += distance(match);
		if (distance(match))
			diff->change[diff->changed++] = *match;
	}
	qsort(diff->change, diff->changed, sizeof(*diff->change), change_compare);
	total(diff, a, 0);
	total(diff, b, 1);
	diff->ratio = !diff->moved ? 0 : load_double(diff->moved) / load_double(diff->bytes[0]);
	return 0;
}

void linkdiff_release(struct linkdiff *diff)
{
	free(diff->matches.match);
	free(diff->change);
	memset(diff, 0, sizeof(*diff));
}

char *linkdiff_change(char *buf, size_t size, double before, double after)
{
	if (before == 0 && after != 0)
		snprintf(buf, size, "new");
	else
		snprintf(buf, size, "%+.2f %%", before != 0 ? 100 * (after / before - 1) : 0.0);
	return buf;
}

static void text_total(const char *what, load_amount a, load_amount b, FILE *out)
{
	char left[64], right[64], change[32];

	fprintf(out, "%-16s %24s %24s  %s\n", what, load_text(a, left, sizeof(left)),
		load_text(b, right, sizeof(right)),
		linkdiff_change(change, sizeof(change), load_double(a), load_double(b)));
}

static void text_changes(const struct linkdiff *diff, size_t top, FILE *out)
{
	char text[512], a[64], b[64], change[32];

	for (size_t i = 0; i < diff->changed && i < top; i++) {
		const struct linkmatch *match = &diff->change[i];

		plain_put_padded(out, linkrow_text(either(match), text, sizeof(text)), 40);
		fprintf(out, " %24s %24s  %s\n",
			match->a ? load_text(match->a->bytes, a, sizeof(a)) : "missing",
			match->b ? load_text(match->b->bytes, b, sizeof(b)) : "missing",
			linkdiff_change(change, sizeof(change), load_double(bytes_of(match->a)),
					load_double(bytes_of(match->b))));
	}
	if (diff->changed > top)
		fprintf(out, "and %zu links more\n", diff->changed - top);
}

void linkdiff_text(const struct linkdiff *diff, const struct linkdiff_names *names, size_t top,
		   FILE *out)
{
	const struct linkmatches *matches = &diff->matches;

	fprintf(out, "%-16s %24s %24s  change\n", "links", names->a, names->b);
	text_total("bytes", diff->bytes[0], diff->bytes[1], out);
	text_total("most on a link", diff->most[0], diff->most[1], out);
	fprintf(out, "links in both %zu, only %s %zu, only %s %zu, with other bytes %zu\n",
		matches->count - matches->only_a - matches->only_b, names->a, matches->only_a,
		names->b, matches->only_b, diff->changed);
	fputs("difference: ", out);
	if (isinf(diff->ratio))
		fputs("all of it", out);
	else
		fprintf(out, "%.2f %%", 100 * diff->ratio);
	fprintf(out, " (sum of |%s - %s| over all links / %s)\n", names->a, names->b, names->a);
	if (diff->changed)
		fprintf(out, "\n%-40s %24s %24s\n", "link, bytes", names->a, names->b);
	text_changes(diff, top, out);
}

/* B - A with its sign. */
static void put_difference(struct put *put, const struct linkmatch *match)
{
	if (bytes_of(match->a) > bytes_of(match->b))
		put_text(put, "-");
	put_amount(put, distance(match));
}

static void tsv_row(struct put *put, const struct linkmatch *match, bool measured)
{
	static const struct linkrow nothing = { .src = "" };
	const struct linkrow *row = either(match), *b = match->b ? match->b : &nothing;

	put_cell(put, row->src);
	put_text(put, "\t");
	put_cell(put, row->dst);
	put_text(put, "\t");
	put_port(put, row->src_port, "-");
	put_text(put, "\t");
	put_port(put, row->dst_port, "-");
	put_text(put, "\t");
	match->a ? put_amount(put, match->a->bytes) : put_text(put, "-");
	put_text(put, "\t");
	match->b ? put_amount(put, match->b->bytes) : put_text(put, "-");
	put_text(put, "\t");
	put_difference(put, match);
	put_text(put, "\t");
	if (bytes_of(match->a))
		put_real(put, load_double(bytes_of(match->b)) / load_double(match->a->bytes));
	else
		put_text(put, "-");
	if (measured) {
		put_text(put, "\t");
		put_number(put, b->messages);
		put_text(put, "\t");
		put_number(put, b->wire_bytes);
		put_text(put, "\t");
		put_number(put, b->queue_ns);
	}
	put_text(put, "\n");
}

void linkdiff_tsv(const struct linkdiff *diff, const struct linkdiff_names *names, bool measured,
		  FILE *out)
{
	struct put put;

	put_init(&put, out);
	put_text(&put, "src\tdst\tsrc_port\tdst_port\t");
	put_text(&put, names->a);
	put_text(&put, "\t");
	put_text(&put, names->b);
	put_text(&put, "\tdifference\tratio");
	put_text(&put, measured ? "\tmessages\twire_bytes\tqueue_ns\n" : "\n");
	for (size_t i = 0; i < diff->matches.count; i++)
		tsv_row(&put, &diff->matches.match[i], measured);
	put_flush(&put);
}

static json_t *json_side(const struct linkrow *row)
{
	return row ? json_amount(row->bytes) : json_null();
}

static json_t *json_port(uint32_t port)
{
	return port == NETEMU_NONE ? json_null() : json_integer(port);
}

static json_t *json_change(const struct linkmatch *match)
{
	const struct linkrow *row = either(match);
	json_t *object = json_object();

	json_object_set_new(object, "src", json_string(row->src));
	json_object_set_new(object, "dst", json_string(row->dst));
	json_object_set_new(object, "src_port", json_port(row->src_port));
	json_object_set_new(object, "dst_port", json_port(row->dst_port));
	json_object_set_new(object, "bytes",
			    json_pack("[o, o]", json_side(match->a), json_side(match->b)));
	return object;
}

json_t *linkdiff_json(const struct linkdiff *diff, const struct linkdiff_names *names, size_t top)
{
	json_t *object = json_object(), *array = json_array();

	json_object_set_new(object, "sides", json_pack("[s, s]", names->a, names->b));
	json_object_set_new(
		object, "bytes",
		json_pack("[o, o]", json_amount(diff->bytes[0]), json_amount(diff->bytes[1])));
	json_object_set_new(
		object, "most",
		json_pack("[o, o]", json_amount(diff->most[0]), json_amount(diff->most[1])));
	json_object_set_new(object, "congestion",
			    json_pack("[o, o]", json_number(diff->congestion[0]),
				      json_number(diff->congestion[1])));
	json_object_set_new(object, "only",
			    json_pack("[I, I]", (json_int_t)diff->matches.only_a,
				      (json_int_t)diff->matches.only_b));
	json_object_set_new(object, "changed", json_integer((json_int_t)diff->changed));
	json_object_set_new(object, "moved", json_amount(diff->moved));
	json_object_set_new(object, "difference", json_number(diff->ratio));
	for (size_t i = 0; i < diff->changed && i < top; i++)
		json_array_append_new(array, json_change(&diff->change[i]));
	json_object_set_new(object, "top", array);
	return object;
}
