/* SPDX-License-Identifier: Apache-2.0 */
/* summary-out.c - a summary as JSON and as text */
#include "summary.h"

#include <math.h>

static const char *const percentile_names[] = {
#define X(percent) "p" #percent,
	SUMMARY_PERCENTILES(X)
#undef X
};

json_t *json_amount(load_amount amount)
{
	if ((uint32_t)amount == 0 && amount >> LOADS_SHIFT <= INT64_MAX)
		return json_integer((json_int_t)(amount >> LOADS_SHIFT));
	return json_real(load_double(amount));
}

json_t *json_number(double number)
{
	if (isnan(number) || isinf(number))
		return json_null();
	if (fabs(number) < 9007199254740992.0 && number == floor(number))
		return json_integer((json_int_t)number);
	return json_real(number);
}

json_t *summary_json_bins(const struct summary_bin *bin, size_t count, const char *what)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:I}", "from", json_number(bin[i].low), "to",
					 json_number(bin[i].high), what, (json_int_t)bin[i].links));
	return array;
}

static json_t *json_measure(const struct summary_measure *measure, bool sum)
{
	json_t *object = json_object();

	if (sum)
		json_object_set_new(object, "sum", json_amount(measure->sum));
	json_object_set_new(object, "max", json_number(measure->stats.max));
	json_object_set_new(object, "min", json_number(measure->stats.min));
	json_object_set_new(object, "mean", json_number(measure->stats.mean));
	json_object_set_new(object, "variance", json_number(stats_variance(&measure->stats)));
	for (int i = 0; i < SUMMARY_NPERCENTILES; i++)
		json_object_set_new(object, percentile_names[i],
				    json_number(measure->percentile[i]));
	json_object_set_new(object, "histogram",
			    summary_json_bins(measure->bin, measure->nbins, "links"));
	return object;
}

json_t *summary_json_group(const struct summary_group *group)
{
	json_t *object = json_object();

	if (*group->direction) {
		json_object_set_new(object, "boundary", json_integer(group->boundary));
		json_object_set_new(object, "direction", json_string(group->direction));
	}
	json_object_set_new(object, "links", json_integer((json_int_t)group->links));
	json_object_set_new(object, "bytes", json_measure(&group->bytes, true));
	json_object_set_new(object, "flows", json_measure(&group->flows, true));
	json_object_set_new(object, "congestion", json_measure(&group->congestion, false));
	return object;
}

json_t *summary_json_groups(const struct summary *summary)
{
	json_t *array = json_array();

	for (size_t i = 0; i < summary->ngroups; i++)
		json_array_append_new(array, summary_json_group(&summary->group[i]));
	return array;
}

/* "48:128 60:128", classes as "0..10:5". */
void summary_text_bins(const struct summary_bin *bin, size_t count, FILE *out)
{
	char low[32], high[32];

	for (size_t i = 0; i < count; i++) {
		snprintf(low, sizeof(low), "%.15g", bin[i].low);
		snprintf(high, sizeof(high), "%.15g", bin[i].high);
		if (bin[i].low == bin[i].high)
			fprintf(out, " %s:%llu", low, (unsigned long long)bin[i].links);
		else
			fprintf(out, " %s..%s:%llu", low, high, (unsigned long long)bin[i].links);
	}
	putc('\n', out);
}

static void text_row(const char *name, const struct summary_measure *measure, FILE *out)
{
	fprintf(out, "  %-10s max %.15g min %.15g mean %.12g variance %.6g p50 %.12g p99 %.12g\n",
		name, measure->stats.max, measure->stats.min, measure->stats.mean,
		stats_variance(&measure->stats), measure->percentile[SUMMARY_P50],
		measure->percentile[SUMMARY_P99]);
}

static void text_group(const struct summary_group *group, const char *name, FILE *out)
{
	char sum[64];

	fprintf(out, "%s: %llu links, %s bytes", name, (unsigned long long)group->links,
		load_text(group->bytes.sum, sum, sizeof(sum)));
	fprintf(out, ", %s flows\n", load_text(group->flows.sum, sum, sizeof(sum)));
	if (!group->links)
		return;
	text_row("bytes", &group->bytes, out);
	text_row("flows", &group->flows, out);
	text_row("congestion", &group->congestion, out);
	fputs("  links by flows:", out);
	summary_text_bins(group->flows.bin, group->flows.nbins, out);
}

void summary_text(const struct summary *summary, FILE *out)
{
	char name[64];

	text_group(&summary->switches, "between switches", out);
	for (size_t i = 0; i < summary->ngroups; i++) {
		snprintf(name, sizeof(name), "boundary %u %s", summary->group[i].boundary,
			 summary->group[i].direction);
		text_group(&summary->group[i], name, out);
	}
	if (summary->ndlids) {
		fputs("links between switches by destinations:", out);
		summary_text_bins(summary->dlids, summary->ndlids, out);
	}
}
