/* SPDX-License-Identifier: Apache-2.0 */
/* result-out.c - the outputs of `netemu sim load` */
#include "linkwrite.h"
#include "plain.h"
#include "policy/names.h"
#include "result.h"

#include <stdlib.h>
#include <string.h>

static const char *host_name(const struct result *result, uint32_t host)
{
	return result->topology.net.name[result->topology.net.host_node[host]];
}

static const struct routed *routed_of(const struct result *result)
{
	return result->pattern.kind == PATTERN_SHIFTS ? &result->shifts.routed : &result->routed;
}

static json_t *json_topology(const struct result *result)
{
	const struct topology *topology = &result->topology;
	json_t *object = json_object();

	json_object_set_new(object, "source", json_string(topology->source));
	json_object_set_new(object, "name", json_string(topology->name));
	json_object_set_new(object, "hosts", json_integer(topology->net.hosts));
	json_object_set_new(object, "switches", json_integer(topology->nswitches));
	json_object_set_new(object, "links", json_integer(topology->net.links));
	json_object_set_new(object, "capacity_unit",
			    json_string(topology->unit == TOPOLOGY_UNIT_BYTE ? "byte/s" : "none"));
	return object;
}

static json_t *json_hops(const struct routed *routed)
{
	json_t *array = json_array();

	for (int hops = 0; hops < ROUTED_HOPS; hops++)
		if (routed->hops[hops])
			json_array_append_new(array, json_pack("{s:i, s:I}", "links", hops, "pairs",
							       (json_int_t)routed->hops[hops]));
	return array;
}

static json_t *json_unroutable(const struct result *result)
{
	const struct routed *routed = routed_of(result);
	json_t *example = json_null();

	if (routed->unroutable) {
		example = json_object();
		json_object_set_new(example, "from", json_string(host_name(result, routed->from)));
		json_object_set_new(example, "to", json_string(host_name(result, routed->to)));
	}
	return json_pack("{s:I, s:o}", "pairs", (json_int_t)routed->unroutable, "example", example);
}

/* The largest bytes / capacity between switches, and what it cannot be below. */
static json_t *json_bound(const struct result *result)
{
	double bound = result->routed.bound, most = result->summary.switches.congestion.stats.max;

	if (!(bound > 0))
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "bound", json_number(bound), "most", json_number(most),
			 "gap", json_number(most / bound - 1));
}

/* Histogram of the maxima over all shifts. */
static ssize_t maxima(const struct result *result, struct summary_bin **bin)
{
	double *values = malloc((result->shifts.count + (size_t)1) * sizeof(*values));
	ssize_t count;

	if (!values)
		return -1;
	for (uint32_t i = 0; i < result->shifts.count; i++)
		values[i] = load_double(result->shifts.shift[i].flows);
	count = summary_histogram(values, result->shifts.count, bin);
	free(values);
	return count;
}

/* The first of the worst. */
static uint32_t worst_shift(const struct result *result)
{
	uint32_t worst = 0;

	for (uint32_t i = 1; i < result->shifts.count; i++)
		if (result->shifts.shift[i].flows > result->shifts.shift[worst].flows)
			worst = i;
	return worst;
}

static json_t *json_shifts(const struct result *result)
{
	struct summary_bin *bin = NULL;
	ssize_t count = maxima(result, &bin);
	uint32_t worst = worst_shift(result);
	json_t *object = json_object();

	json_object_set_new(object, "count", json_integer(result->shifts.count));
	if (count >= 0)
		json_object_set_new(object, "maxima",
				    summary_json_bins(bin, (size_t)count, "shifts"));
	if (result->shifts.count)
		json_object_set_new(object, "worst",
				    json_pack("{s:I, s:o}", "shift", (json_int_t)worst + 1, "flows",
					      json_amount(result->shifts.shift[worst].flows)));
	free(bin);
	return object;
}

static void json_all_loads(json_t *object, const struct result *result)
{
	const struct summary *summary = &result->summary;

	json_object_set_new(object, "switch_links", summary_json_group(&summary->switches));
	json_object_set_new(object, "boundaries", summary_json_groups(summary));
	json_object_set_new(object, "destinations",
			    summary->ndlids
				    ? summary_json_bins(summary->dlids, summary->ndlids, "links")
				    : json_null());
	json_object_set_new(object, "bound", json_bound(result));
	json_object_set_new(object, "hot", hot_json(&result->hot, &result->topology));
	json_object_set_new(object, "hot_hosts", hot_json(&result->hot_hosts, &result->topology));
}

/* How far the placement is from what none can be below; null: not known. */
static json_t *json_placed(const struct result *result)
{
	double bound = result->pattern.bound, most = result->summary.switches.congestion.stats.max;

	if (!(bound > 0) || routed_of(result)->unroutable)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "bound", json_number(bound), "max", json_number(most),
			 "gap", json_number(most / bound - 1));
}

static void text_placed(const struct result *result, FILE *out)
{
	double bound = result->pattern.bound, most = result->summary.switches.congestion.stats.max;

	if (!(bound > 0) || routed_of(result)->unroutable)
		return;
	fprintf(out,
		"placement: no other on these hosts is below %.12g, largest %.12g, gap %.2f %%\n",
		bound, most, 100 * (most / bound - 1));
}

json_t *result_json(const struct result *result)
{
	const struct result_settings *settings = result->settings;
	json_t *object = json_object();

	json_object_set_new(object, "version", json_integer(1));
	json_object_set_new(object, "topology", json_topology(result));
	json_object_set_new(object, "pattern", json_string(settings->pattern.text));
	json_object_set_new(object, "routing",
			    json_string(policy_own_name(NETEMU_ROUTING, settings->routing)));
	json_object_set_new(object, "placement",
			    json_string(policy_own_name(NETEMU_PLACEMENT, result->pattern.placed)));
	json_object_set_new(object, "placement_bound", json_placed(result));
	json_object_set_new(object, "ranks", json_integer(result->pattern.ranks));
	json_object_set_new(object, "seed", json_integer((json_int_t)settings->pattern.seed));
	json_object_set_new(object, "compat", settings->pfsim ? json_string("pfsim") : json_null());
	json_object_set_new(object, "pairs", json_integer((json_int_t)routed_of(result)->pairs));
	json_object_set_new(object, "unroutable", json_unroutable(result));
	json_object_set_new(object, "hops", json_hops(routed_of(result)));
	if (result->pattern.kind == PATTERN_SHIFTS)
		json_object_set_new(object, "shifts", json_shifts(result));
	else
		json_all_loads(object, result);
	return object;
}

static void text_routed(const struct result *result, FILE *out)
{
	const struct routed *routed = routed_of(result);

	fprintf(out, "pairs of hosts: %llu routed, %llu unroutable",
		(unsigned long long)routed->pairs, (unsigned long long)routed->unroutable);
	if (routed->unroutable) {
		fputs(" (the first: ", out);
		plain_put(out, host_name(result, routed->from));
		fputs(" -> ", out);
		plain_put(out, host_name(result, routed->to));
		putc(')', out);
	}
	fputs("\npairs by links on the path:", out);
	for (int hops = 0; hops < ROUTED_HOPS; hops++)
		if (routed->hops[hops])
			fprintf(out, " %d:%llu", hops, (unsigned long long)routed->hops[hops]);
	putc('\n', out);
}

static void text_shifts(const struct result *result, FILE *out)
{
	struct summary_bin *bin = NULL;
	ssize_t count = maxima(result, &bin);

	fputs("shifts by their largest flows on a link:", out);
	summary_text_bins(bin, count < 0 ? 0 : (size_t)count, out);
	if (result->shifts.count)
		fprintf(out, "the worst is the shift by %u\n", worst_shift(result) + 1);
	free(bin);
}

void result_text(const struct result *result, FILE *out)
{
	const struct topology *topology = &result->topology;
	double bound = result->routed.bound, most = result->summary.switches.congestion.stats.max;

	fputs("topology ", out);
	plain_put(out, topology->source);
	fprintf(out, ": %u hosts, %u switches, %u links\npattern ", topology->net.hosts,
		topology->nswitches, topology->net.links);
	plain_put(out, result->settings->pattern.text);
	fprintf(out, ": %u ranks, placement %s, routing ", result->pattern.ranks,
		policy_own_name(NETEMU_PLACEMENT, result->pattern.placed));
	plain_put(out, policy_own_name(NETEMU_ROUTING, result->settings->routing));
	fputs(result->settings->pfsim ? ", as PFSim\n" : "\n", out);
	text_routed(result, out);
	if (result->pattern.kind == PATTERN_SHIFTS) {
		text_shifts(result, out);
		return;
	}
	summary_text(&result->summary, out);
	if (bound > 0)
		fprintf(out, "bound %.12g, largest %.12g, gap %.2f %%\n", bound, most,
			100 * (most / bound - 1));
	text_placed(result, out);
	fputs("hottest links between switches (bytes / capacity):\n", out);
	hot_text(&result->hot, topology, out);
	fputs("hottest links of hosts:\n", out);
	hot_text(&result->hot_hosts, topology, out);
}

static void shifts_tsv(const struct shifts *shifts, FILE *out)
{
	struct put put;

	put_init(&put, out);
	put_text(&put, "shift\tmax_flows\tmax_bytes\tunroutable\n");
	for (uint32_t i = 0; i < shifts->count; i++) {
		put_number(&put, i + (uint64_t)1);
		put_text(&put, "\t");
		put_amount(&put, shifts->shift[i].flows);
		put_text(&put, "\t");
		put_amount(&put, shifts->shift[i].bytes);
		put_text(&put, "\t");
		put_number(&put, shifts->shift[i].unroutable);
		put_text(&put, "\n");
	}
	put_flush(&put);
}

void result_tsv(const struct result *result, FILE *out)
{
	if (result->pattern.kind == PATTERN_SHIFTS)
		shifts_tsv(&result->shifts, out);
	else
		linktable_tsv(&result->table, out);
}

int result_document(const struct result *result, FILE *out, struct err *err)
{
	json_t *summary = result_json(result);
	int rc = summary ? 0 : -1;

	fputs("{\n  \"version\": 1,\n  \"summary\": ", out);
	if (rc == 0)
		rc = json_dumpf(summary, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(summary);
	if (rc < 0)
		return err_set(err, "unable to write the summary");
	if (result->pattern.kind != PATTERN_SHIFTS) {
		fputs(",\n  \"links\": ", out);
		linktable_json(&result->table, out);
	}
	fputs("\n}\n", out);
	return 0;
}
