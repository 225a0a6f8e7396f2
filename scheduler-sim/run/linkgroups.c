/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "linkgroups.h"
#include "load/summary.h"

#include <math.h>

/* A double as an amount, as near as that gets. */
static load_amount amount_of(double value)
{
	return (load_amount)ldexp(value, LOADS_SHIFT);
}

static void fill(struct loads *loads, const struct recorder *recorder, bool peaks)
{
	for (uint32_t i = 0; i < loads->count; i++) {
		const struct recorder_link *link = &recorder->link[i];

		loads->link[i].bytes =
			peaks ? link->peak_bytes : amount_of(recorder_mean_bytes(recorder, i));
		loads->link[i].flows =
			peaks ? link->peak_flows : amount_of(recorder_mean_flows(recorder, i));
	}
}

/* Maximum through mean of the links of GROUP: 1 where all carry the same. */
static void add_imbalance(json_t *group)
{
	json_t *congestion = json_object_get(group, "congestion");
	double max = json_number_value(json_object_get(congestion, "max"));
	double mean = json_number_value(json_object_get(congestion, "mean"));

	json_object_set_new(group, "imbalance", json_number(mean > 0 ? max / mean : NAN));
}

static json_t *groups_json(const struct summary *summary)
{
	json_t *switches = summary_json_group(&summary->switches);
	json_t *boundaries = summary_json_groups(summary), *group;
	size_t i;

	add_imbalance(switches);
	json_array_foreach(boundaries, i, group) add_imbalance(group);
	return json_pack("{s:o, s:o}", "switch_links", switches, "boundaries", boundaries);
}

json_t *linkgroups_json(const struct report *report, bool peaks)
{
	struct summary summary;
	struct loads loads;
	json_t *json = NULL;

	if (loads_init(&loads, report->topology->net.links) < 0)
		return NULL;
	fill(&loads, report->recorder, peaks);
	if (summary_make(&summary, report->topology, &loads, NULL, true) == 0) {
		json = groups_json(&summary);
		summary_release(&summary);
	}
	loads_release(&loads);
	return json;
}
