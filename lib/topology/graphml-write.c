/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/graphml-write.h"

#include "stats.h"
#include "topology/shape.h"

#include <math.h>
#include <string.h>

struct writer {
	FILE *out;
	const struct topology *topology;
	const struct graphml_values *values; /* never NULL */
	bool long_capacity;                  /* all are integers */
};

/* Attributes by the ids of their keys; those of VALUES come behind as v0, v1, .. */
static const struct {
	const char *id, *domain, *name, *type;
} keys[] = {
	{ "d0", "graph", "name", "string" },  { "d1", "graph", "capacity_unit", "string" },
	{ "d2", "graph", "shape", "string" }, { "d3", "node", "typ", "string" },
	{ "d4", "node", "capacity", "long" }, { "d5", "node", "level", "long" },
	{ "d6", "node", "coord", "string" },  { "d7", "node", "info", "string" },
	{ "d8", "node", "mac", "string" },    { "d9", "node", "dpid", "long" },
	{ "d10", "node", "lid", "long" },     { "d11", "node", "guid", "string" },
	{ "d12", "edge", "capacity", NULL },  { "d13", "edge", "port", "long" },
	{ "d14", "edge", "to_port", "long" },
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* TEXT with what XML does not take as it is escaped; control characters that it
 * does not take at all become '?'.
 */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		size_t plain = strcspn(text, "&<>\"\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r"
					     "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a"
					     "\x1b\x1c\x1d\x1e\x1f");

		fwrite(text, 1, plain, out);
		text += plain;
		if (!*text)
			return;
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (strchr("\t\n\r", *text))
			fprintf(out, "&#%d;", *text);
		else
			fputc('?', out);
	}
}

static void put_string(FILE *out, const char *key, const char *value)
{
	fprintf(out, "<data key=\"%s\">", key);
	put_text(out, value);
	fputs("</data>", out);
}

static void put_integer(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, "<data key=\"%s\">%llu</data>", key, (unsigned long long)value);
}

static void put_double(FILE *out, const char *key, double value)
{
	char text[40];

	if (isfinite(value))
		stats_repr(text, sizeof(text), value);
	else /* as Java and Python read it */
		snprintf(text, sizeof(text), "%s",
			 isnan(value) ? "NaN"
			 : value > 0  ? "Infinity"
				      : "-Infinity");
	put_string(out, key, text);
}

static void put_capacity(const struct writer *w, double capacity)
{
	if (w->long_capacity)
		put_integer(w->out, "d12", (uint64_t)capacity);
	else
		put_double(w->out, "d12", capacity);
}

static void put_coord(FILE *out, const struct topology *topology, uint32_t node)
{
	uint32_t n = topology->ndims;

	if (topology->shape == TOPOLOGY_DRAGONFLY && !topology->nodes[node].is_host)
		n = 2;
	fputs("<data key=\"d6\">", out);
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, "%s%u", i ? "." : "", topology->nodes[node].coord[i]);
	fputs("</data>", out);
}

static void put_node(const struct writer *w, uint32_t index)
{
	const struct topology *topology = w->topology;
	const struct topology_node *node = &topology->nodes[index];
	uint32_t level = topology->net.level[index];

	fputs("<node id=\"", w->out);
	put_text(w->out, node->name);
	fputs("\">", w->out);
	put_string(w->out, "d3", node->is_host ? "host" : "switch");
	if (node->is_host)
		put_integer(w->out, "d4", node->slots);
	if (level != NETEMU_NONE)
		put_integer(w->out, "d5", level);
	if (topology->shape != TOPOLOGY_IRREGULAR)
		put_coord(w->out, topology, index);
	if (node->info)
		put_string(w->out, "d7", node->info);
	if (node->mac)
		put_string(w->out, "d8", node->mac);
	if (node->dpid != -1)
		fprintf(w->out, "<data key=\"d9\">%lld</data>", (long long)node->dpid);
	if (node->lid)
		put_integer(w->out, "d10", node->lid);
	if (node->guid)
		fprintf(w->out, "<data key=\"d11\">0x%016llx</data>",
			(unsigned long long)node->guid);
	fputs("</node>\n", w->out);
}

static void put_edge(const struct writer *w, uint32_t index)
{
	const struct netemu_link *link = &w->topology->net.link[index];

	fprintf(w->out, "<edge id=\"e%u\" source=\"", index);
	put_text(w->out, w->topology->nodes[link->from].name);
	fputs("\" target=\"", w->out);
	put_text(w->out, w->topology->nodes[link->to].name);
	fputs("\">", w->out);
	put_capacity(w, link->capacity);
	if (link->from_port != NETEMU_NONE)
		put_integer(w->out, "d13", link->from_port);
	if (link->to_port != NETEMU_NONE)
		put_integer(w->out, "d14", link->to_port);
	for (size_t i = 0; i < w->values->count; i++) {
		const struct graphml_column *column = &w->values->column[i];
		char key[24];

		snprintf(key, sizeof(key), "v%zu", i);
		if (column->integer)
			put_integer(w->out, key, column->integer[index]);
		else
			put_double(w->out, key, column->real[index]);
	}
	fputs("</edge>\n", w->out);
}

static void put_key(FILE *out, const char *id, const char *domain, const char *name,
		    const char *type)
{
	fprintf(out, "<key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n", id, domain,
		name, type);
}

static void put_keys(const struct writer *w)
{
	const char *capacity = w->long_capacity ? "long" : "double";

	for (size_t i = 0; i < COUNT(keys); i++)
		put_key(w->out, keys[i].id, keys[i].domain, keys[i].name,
			keys[i].type ? keys[i].type : capacity);
	for (size_t i = 0; i < w->values->count; i++) {
		char id[24];

		snprintf(id, sizeof(id), "v%zu", i);
		put_key(w->out, id, "edge", w->values->column[i].name,
			w->values->column[i].integer ? "long" : "double");
	}
}

static void put_graph(const struct writer *w)
{
	const struct topology *topology = w->topology;
	char shape[SHAPE_TEXT];

	fputs("<graph edgedefault=\"directed\">\n", w->out);
	if (*topology->name)
		put_string(w->out, "d0", topology->name);
	put_string(w->out, "d1", topology->unit == TOPOLOGY_UNIT_BYTE ? "byte/s" : "none");
	if (*shape_text(topology, shape, sizeof(shape)))
		put_string(w->out, "d2", shape);
	fputc('\n', w->out);
}

static bool integers_only(const struct topology *topology)
{
	for (uint32_t i = 0; i < topology->net.links; i++) {
		double capacity = topology->net.link[i].capacity;

		if (capacity != floor(capacity) || capacity > 9e15)
			return false;
	}
	return true;
}

int graphml_write(FILE *out, const struct topology *topology, const struct graphml_values *values,
		  struct err *err)
{
	static const struct graphml_values none = { NULL, 0 };
	const struct writer w = {
		.out = out,
		.topology = topology,
		.values = values ? values : &none,
		.long_capacity = integers_only(topology),
	};

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n",
	      out);
	put_keys(&w);
	put_graph(&w);
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		put_node(&w, i);
	for (uint32_t i = 0; i < topology->net.links; i++)
		put_edge(&w, i);
	fputs("</graph>\n</graphml>\n", out);
	return ferror(out) ? err_errno(err, "unable to write GraphML") : 0;
}
