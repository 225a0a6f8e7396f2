/* SPDX-License-Identifier: Apache-2.0 */
/* hot-out.c - hot links as JSON and as text */
#include "hot.h"

#include "plain.h"
#include "summary.h"

#define TEXT_PAIRS 3 /* of each link */

static const char *host_name(const struct topology *topology, uint32_t host)
{
	return topology->net.name[topology->net.host_node[host]];
}

static json_t *json_port(uint32_t port)
{
	return port == NETEMU_NONE ? json_null() : json_integer(port);
}

static json_t *json_pairs(const struct hot_link *link, const struct topology *topology)
{
	json_t *array = json_array();

	for (size_t i = 0; i < link->listed; i++) {
		const struct hot_pair *pair = &link->pair[i];
		json_t *object = json_object();

		json_object_set_new(object, "from", json_string(host_name(topology, pair->from)));
		json_object_set_new(object, "to", json_string(host_name(topology, pair->to)));
		json_object_set_new(object, "bytes", json_amount(pair->bytes));
		json_object_set_new(object, "flows", json_amount(pair->flows));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *json_ops(const struct hot_link *link)
{
	json_t *array = json_array();

	for (size_t i = 0; i < link->nops; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "name", json_string(link->op[i].name));
		json_object_set_new(object, "bytes", json_amount(link->op[i].bytes));
		json_object_set_new(object, "flows", json_amount(link->op[i].flows));
		json_array_append_new(array, object);
	}
	return array;
}

json_t *hot_json(const struct hot *hot, const struct topology *topology)
{
	json_t *array = json_array();

	for (size_t i = 0; i < hot->count; i++) {
		const struct hot_link *link = &hot->link[i];
		json_t *object = json_object();

		json_object_set_new(object, "src", json_string(link->row->src));
		json_object_set_new(object, "dst", json_string(link->row->dst));
		json_object_set_new(object, "src_port", json_port(link->row->src_port));
		json_object_set_new(object, "dst_port", json_port(link->row->dst_port));
		json_object_set_new(object, "bytes", json_amount(link->row->bytes));
		json_object_set_new(object, "flows", json_amount(link->row->flows));
		json_object_set_new(object, "congestion", json_number(link->congestion));
		json_object_set_new(object, "pairs",
				    link->has_pairs ? json_integer((json_int_t)link->npairs)
						    : json_null());
		json_object_set_new(object, "top_pairs", json_pairs(link, topology));
		json_object_set_new(object, "operations", json_ops(link));
		json_array_append_new(array, object);
	}
	return array;
}

static void text_pairs(const struct hot_link *link, const struct topology *topology, FILE *out)
{
	size_t shown = link->listed < TEXT_PAIRS ? link->listed : TEXT_PAIRS;
	char bytes[64];

	for (size_t i = 0; i < shown; i++) {
		const struct hot_pair *pair = &link->pair[i];

		fputs("    pair ", out);
		plain_put(out, host_name(topology, pair->from));
		fputs(" -> ", out);
		plain_put(out, host_name(topology, pair->to));
		fprintf(out, ": %s bytes\n", load_text(pair->bytes, bytes, sizeof(bytes)));
	}
	if (link->npairs > shown)
		fprintf(out, "    and %llu pairs more\n",
			(unsigned long long)(link->npairs - shown));
}

static void text_ops(const struct hot_link *link, FILE *out)
{
	char bytes[64], flows[64];

	for (size_t i = 0; i < link->nops; i++) {
		const struct hot_op *op = &link->op[i];

		fputs("    operation ", out);
		plain_put(out, op->name);
		fprintf(out, ": %s bytes, %s flows\n", load_text(op->bytes, bytes, sizeof(bytes)),
			load_text(op->flows, flows, sizeof(flows)));
	}
}

void hot_text(const struct hot *hot, const struct topology *topology, FILE *out)
{
	char text[512], bytes[64], flows[64];

	for (size_t i = 0; i < hot->count; i++) {
		const struct hot_link *link = &hot->link[i];

		fputs("  ", out);
		plain_put(out, linkrow_text(link->row, text, sizeof(text)));
		fprintf(out, ": %.12g, %s bytes, %s flows\n", link->congestion,
			load_text(link->row->bytes, bytes, sizeof(bytes)),
			load_text(link->row->flows, flows, sizeof(flows)));
		text_ops(link, out);
		text_pairs(link, topology, out);
	}
}
