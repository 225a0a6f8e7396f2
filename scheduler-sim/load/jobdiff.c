/* SPDX-License-Identifier: Apache-2.0 */
/* jobdiff.c - two tables of jobs, job by job */
#include "jobtable.h"
#include "linkdiff.h"
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct jobrow *either(const struct jobmatch *match)
{
	return match->a ? match->a : match->b;
}

static double seconds(int64_t ns)
{
	return ns == NETEMU_NEVER ? 0 : (double)ns / 1e9;
}

static double wait_of(const struct jobrow *row)
{
	return row ? seconds(row->wait) : 0;
}

static double run_of(const struct jobrow *row)
{
	return row ? seconds(row->run) : 0;
}

static double distance(const struct jobmatch *match)
{
	return fabs(wait_of(match->a) - wait_of(match->b)) +
	       fabs(run_of(match->a) - run_of(match->b));
}

static bool is_same(const struct jobmatch *match)
{
	const struct jobrow *a = match->a, *b = match->b;

	return a && b && a->wait == b->wait && a->run == b->run &&
	       strcmp(a->outcome, b->outcome) == 0;
}

static int order_of(const struct jobrow *a, const struct jobrow *b)
{
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int change_compare(const void *a, const void *b)
{
	const struct jobmatch *left = a, *right = b;
	double x = distance(left), y = distance(right);
	int order;

	if (x != y)
		return x > y ? -1 : 1;
	order = order_of(either(left), either(right));
	return order                                    ? order
	       : either(left)->row < either(right)->row ? -1
							: either(left)->row > either(right)->row;
}

static void match_all(struct jobdiff *diff, const struct jobtable *a, const struct jobtable *b)
{
	size_t i = 0, k = 0;

	while (i < a->count || k < b->count) {
		int order = i == a->count   ? 1
			    : k == b->count ? -1
					    : order_of(&a->row[i], &b->row[k]);
		const struct jobmatch match = { order <= 0 ? &a->row[i] : NULL,
						order >= 0 ? &b->row[k] : NULL };

		i += order <= 0;
		k += order >= 0;
		diff->match[diff->count++] = match;
		diff->only_a += !match.b;
		diff->only_b += !match.a;
		if (!is_same(&match))
			diff->change[diff->changed++] = match;
	}
}

static void total(struct jobdiff *diff, const struct jobtable *table, int side)
{
	for (size_t i = 0; i < table->count; i++) {
		diff->wait[side] += wait_of(&table->row[i]);
		diff->run[side] += run_of(&table->row[i]);
	}
}

int jobdiff_make(struct jobdiff *diff, const struct jobtable *a, const struct jobtable *b)
{
	double moved = 0;

	memset(diff, 0, sizeof(*diff));
	diff->match = malloc((a->count + b->count + 1) * sizeof(*diff->match));
	diff->change = malloc((a->count + b->count + 1) * sizeof(*diff->change));
	if (!diff->match || !diff->change) {
		jobdiff_release(diff);
		errno = ENOMEM;
		return -1;
	}
	match_all(diff, a, b);
	qsort(diff->change, diff->changed, sizeof(*diff->change), change_compare);
	total(diff, a, 0);
	total(diff, b, 1);
	for (size_t i = 0; i < diff->changed; i++)
		moved += distance(&diff->change[i]);
	diff->ratio = moved > 0 ? moved / (diff->wait[0] + diff->run[0]) : 0;
	return 0;
}

void jobdiff_release(struct jobdiff *diff)
{
	free(diff->match);
	free(diff->change);
	memset(diff, 0, sizeof(*diff));
}

static void text_total(const char *what, const double value[2], FILE *out)
{
	char change[32];

	fprintf(out, "%-16s %24.9g %24.9g  %s\n", what, value[0], value[1],
		linkdiff_change(change, sizeof(change), value[0], value[1]));
}

static const char *time_text(const struct jobrow *row, int64_t ns, char buf[32])
{
	if (!row || ns == NETEMU_NEVER)
		return "-";
	stats_repr(buf, 32, seconds(ns));
	return buf;
}

static int64_t ns_of(const struct jobrow *row, bool run)
{
	return !row ? NETEMU_NEVER : run ? row->run : row->wait;
}

static void put_sides(const struct jobmatch *match, bool run, const char *form, FILE *out)
{
	char a[32], b[32];

	fprintf(out, form, time_text(match->a, ns_of(match->a, run), a),
		time_text(match->b, ns_of(match->b, run), b));
}

void jobdiff_text(const struct jobdiff *diff, size_t top, FILE *out)
{
	fprintf(out, "%-16s %24s %24s  change\n", "jobs", "A", "B");
	text_total("wait, s", diff->wait, out);
	text_total("run, s", diff->run, out);
	fprintf(out, "jobs in both %zu, only A %zu, only B %zu, not the same %zu\n",
		diff->count - diff->only_a - diff->only_b, diff->only_a, diff->only_b,
		diff->changed);
	fputs("difference: ", out);
	if (isinf(diff->ratio))
		fputs("all of it", out);
	else
		fprintf(out, "%.2f %%", 100 * diff->ratio);
	fputs(" (sum of |A - B| of wait and run / A)\n", out);
	if (diff->changed)
		fprintf(out, "\n%-16s %14s %14s %14s %14s  outcome\n", "job", "wait A", "wait B",
			"run A", "run B");
	for (size_t i = 0; i < diff->changed && i < top; i++) {
		const struct jobmatch *match = &diff->change[i];

		fprintf(out, "%-16" PRIu64 " ", either(match)->id);
		put_sides(match, false, "%14s %14s ", out);
		put_sides(match, true, "%14s %14s  ", out);
		fprintf(out, "%s %s\n", match->a ? match->a->outcome : "-",
			match->b ? match->b->outcome : "-");
	}
	if (diff->changed > top)
		fprintf(out, "and %zu jobs more\n", diff->changed - top);
}

void jobdiff_tsv(const struct jobdiff *diff, FILE *out)
{
	fputs("id\tsource\twait_a\twait_b\trun_a\trun_b\toutcome_a\toutcome_b\n", out);
	for (size_t i = 0; i < diff->count; i++) {
		const struct jobmatch *match = &diff->match[i];

		fprintf(out, "%" PRIu64 "\t%" PRIu64, either(match)->id, either(match)->source);
		put_sides(match, false, "\t%s\t%s", out);
		put_sides(match, true, "\t%s\t%s", out);
		fprintf(out, "\t%s\t%s\n", match->a ? match->a->outcome : "-",
			match->b ? match->b->outcome : "-");
	}
}

static json_t *json_seconds(int64_t ns)
{
	return ns == NETEMU_NEVER ? json_null() : json_number(seconds(ns));
}

static json_t *json_outcome(const struct jobrow *row)
{
	return row ? json_string(row->outcome) : json_null();
}

static json_t *json_change(const struct jobmatch *match)
{
	json_t *object = json_object();

	json_object_set_new(object, "id", json_integer((json_int_t)either(match)->id));
	json_object_set_new(object, "source", json_integer((json_int_t)either(match)->source));
	json_object_set_new(object, "wait",
			    json_pack("[o, o]", json_seconds(ns_of(match->a, false)),
				      json_seconds(ns_of(match->b, false))));
	json_object_set_new(object, "run",
			    json_pack("[o, o]", json_seconds(ns_of(match->a, true)),
				      json_seconds(ns_of(match->b, true))));
	json_object_set_new(object, "outcome",
			    json_pack("[o, o]", json_outcome(match->a), json_outcome(match->b)));
	return object;
}

json_t *jobdiff_json(const struct jobdiff *diff, size_t top)
{
	json_t *object = json_object(), *array = json_array();

	json_object_set_new(
		object, "wait",
		json_pack("[o, o]", json_number(diff->wait[0]), json_number(diff->wait[1])));
	json_object_set_new(
		object, "run",
		json_pack("[o, o]", json_number(diff->run[0]), json_number(diff->run[1])));
	json_object_set_new(
		object, "only",
		json_pack("[I, I]", (json_int_t)diff->only_a, (json_int_t)diff->only_b));
	json_object_set_new(object, "changed", json_integer((json_int_t)diff->changed));
	json_object_set_new(object, "difference", json_number(diff->ratio));
	for (size_t i = 0; i < diff->changed && i < top; i++)
		json_array_append_new(array, json_change(&diff->change[i]));
	json_object_set_new(object, "top", array);
	return object;
}
