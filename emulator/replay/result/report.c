/* SPDX-License-Identifier: Apache-2.0 */
#include "result/report.h"

#include "stats.h"

#include <errno.h>
#include <stdlib.h>

void report_init(struct report *report)
{
	*report = (struct report){ 0 };
}

void report_release(struct report *report)
{
	for (size_t i = 0; i < report->ncollectives; i++)
		times_release(&report->collectives[i].times);
	free(report->collectives);
	free(report->ranks);
	free(report->pairs);
	free(report->nodes);
	for (int lane = 0; lane < REPORT_LANES; lane++)
		histogram_release(&report->lanes[lane].errors);
	report_init(report);
}

/* Room for one more behind COUNT of SIZE bytes each. */
static void *one_more(struct report *report, void *list, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 8;
	void *grown;

	if (count < *room)
		return list;
	grown = reallocarray(list, more, size);
	if (!grown) {
		report->failed = ENOMEM;
		return NULL;
	}
	*room = more;
	return grown;
}

static struct report_collective *find(struct report *report, enum coll coll, uint32_t ranks,
				      uint64_t bytes)
{
	struct report_collective *list;

	for (size_t i = report->ncollectives; i-- > 0;) {
		list = &report->collectives[i];
		if (list->coll == coll && list->ranks == ranks && list->bytes == bytes)
			return list;
	}
	list = reallocarray(report->collectives, report->ncollectives + 1, sizeof(*list));
	if (!list) {
		report->failed = ENOMEM;
		return NULL;
	}
	report->collectives = list;
	list += report->ncollectives++;
	*list = (struct report_collective){ .coll = coll, .ranks = ranks, .bytes = bytes };
	return list;
}

void report_collective(struct report *report, const struct collective *collective)
{
	struct report_collective *one =
		find(report, collective->coll, collective->group->count, collective->total);

	if (one && times_add(&one->times, collective->ended - collective->started) < 0)
		report->failed = ENOMEM;
}

void report_rank(struct report *report, const struct report_rank *rank)
{
	struct report_rank *ranks =
		one_more(report, report->ranks, report->nranks, &report->rranks, sizeof(*ranks));

	if (!ranks)
		return;
	report->ranks = ranks;
	ranks[report->nranks++] = *rank;
}

static void add_pair(struct report *report, const struct report_pair *pair)
{
	struct report_pair *pairs =
		one_more(report, report->pairs, report->npairs, &report->rpairs, sizeof(*pairs));

	if (!pairs)
		return;
	report->pairs = pairs;
	pairs[report->npairs++] = *pair;
}

void report_sent(struct report *report, uint32_t source, uint32_t target, uint64_t size,
		 uint64_t messages)
{
	struct report_pair *last = report->npairs ? &report->pairs[report->npairs - 1] : NULL;

	/* the same size of several operations */
	if (last && last->source == source && last->target == target && last->size == size)
		last->messages += messages;
	else
		add_pair(report, &(struct report_pair){ source, target, size, messages });
}

/* ---- travelling ---- */

static json_t *pack_ranks(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->nranks; i++) {
		const struct report_rank *rank = &report->ranks[i];

		json_array_append_new(
			list, json_pack("[I,I,I,I,I,I,I,I,I,I,I]", (json_int_t)rank->rank,
					(json_int_t)rank->finish, (json_int_t)rank->busy[0],
					(json_int_t)rank->busy[1], (json_int_t)rank->busy[2],
					(json_int_t)rank->nodes, (json_int_t)rank->wrong,
					(json_int_t)rank->late_max, (json_int_t)rank->late_mean,
					(json_int_t)rank->late_p50, (json_int_t)rank->late_p99));
	}
	return list;
}

static json_t *pack_pairs(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->npairs; i++) {
		const struct report_pair *pair = &report->pairs[i];

		json_array_append_new(list,
				      json_pack("[I,I,I,I]", (json_int_t)pair->source,
						(json_int_t)pair->target, (json_int_t)pair->size,
						(json_int_t)pair->messages));
	}
	return list;
}

static json_t *pack_collectives(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->ncollectives; i++) {
		const struct report_collective *one = &report->collectives[i];

		json_array_append_new(
			list, json_pack("[I,I,I,o]", (json_int_t)one->coll, (json_int_t)one->ranks,
					(json_int_t)one->bytes, times_pack(&one->times)));
	}
	return list;
}

char *report_pack(const struct report *report)
{
	json_t *root = json_pack("{s:o,s:o,s:o,s:o}", "a", report_pack_against(report), "r",
				 pack_ranks(report), "p", pack_pairs(report), "c",
				 pack_collectives(report));
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	return text;
}

static int unpack_ranks(struct report *report, json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		json_int_t v[11];
		struct report_rank rank = { 0 };

		if (json_unpack(one, "[I,I,I,I,I,I,I,I,I,I,I]", &v[0], &v[1], &v[2], &v[3], &v[4],
				&v[5], &v[6], &v[7], &v[8], &v[9], &v[10]) < 0)
			return -1;
		rank.rank = (uint32_t)v[0];
		rank.finish = v[1];
		for (int lane = 0; lane < 3; lane++)
			rank.busy[lane] = v[2 + lane];
		rank.nodes = (uint64_t)v[5];
		rank.wrong = (uint64_t)v[6];
		rank.late_max = v[7];
		rank.late_mean = v[8];
		rank.late_p50 = v[9];
		rank.late_p99 = v[10];
		report_rank(report, &rank);
	}
	return 0;
}

static int unpack_pairs(struct report *report, json_t *list)
{
	json_int_t source, target, size, messages;
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (json_unpack(one, "[I,I,I,I]", &source, &target, &size, &messages) < 0)
			return -1;
		add_pair(report, &(struct report_pair){ (uint32_t)source, (uint32_t)target,
							(uint64_t)size, (uint64_t)messages });
	}
	return 0;
}

static int unpack_collectives(struct report *report, json_t *list)
{
	json_int_t coll, ranks, bytes;
	struct report_collective *to;
	json_t *one, *times;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (json_unpack(one, "[I,I,I,o]", &coll, &ranks, &bytes, &times) < 0)
			return -1;
		to = find(report, (enum coll)coll, (uint32_t)ranks, (uint64_t)bytes);
		if (!to || times_unpack(&to->times, times) < 0)
			return -1;
	}
	return 0;
}

int report_unpack(struct report *report, const char *text, struct err *err)
{
	json_error_t why;
	json_t *root = json_loads(text, 0, &why);
	int rc = -1;

	if (root && unpack_ranks(report, json_object_get(root, "r")) == 0 &&
	    unpack_pairs(report, json_object_get(root, "p")) == 0 &&
	    unpack_collectives(report, json_object_get(root, "c")) == 0 &&
	    report_unpack_against(report, json_object_get(root, "a")) == 0)
		rc = 0;
	json_decref(root);
	return rc < 0 ? err_set(err, "the results of a rank cannot be read") : 0;
}

/* ---- order ---- */

static int compare_ranks(const void *a, const void *b)
{
	const struct report_rank *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int compare_pairs(const void *a, const void *b)
{
	const struct report_pair *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static int compare_collectives(const void *a, const void *b)
{
	const struct report_collective *x = a, *y = b;

	if (x->coll != y->coll)
		return x->coll < y->coll ? -1 : 1;
	if (x->ranks != y->ranks)
		return x->ranks < y->ranks ? -1 : 1;
	return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

void report_sort(struct report *report)
{
	report_sort_nodes(report);
	if (report->nranks)
		qsort(report->ranks, report->nranks, sizeof(*report->ranks), compare_ranks);
	if (report->npairs)
		qsort(report->pairs, report->npairs, sizeof(*report->pairs), compare_pairs);
	if (report->ncollectives)
		qsort(report->collectives, report->ncollectives, sizeof(*report->collectives),
		      compare_collectives);
	for (size_t i = 0; i < report->ncollectives; i++)
		times_sort(&report->collectives[i].times);
}
