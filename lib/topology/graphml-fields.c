/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/graphml.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char no_memory[] = "shorter (no memory)";

int graphml_text_add(struct graphml_text *text, const char *bytes, size_t length)
{
	if (text->room - text->length <= length || !text->s) {
		size_t room = 2 * (text->length + length) + 64;
		char *moved = realloc(text->s, room);

		if (!moved)
			return -1;
		text->s = moved;
		text->room = room;
	}
	memcpy(text->s + text->length, bytes, length);
	text->length += length;
	text->s[text->length] = '\0';
	return 0;
}

int graphml_text_set(struct graphml_text *text, const char *string)
{
	text->length = 0;
	return graphml_text_add(text, string, strlen(string));
}

const char *graphml_text_get(const struct graphml_text *text)
{
	return text->s ? text->s : "";
}

static void clear(struct graphml_text *text)
{
	text->length = 0;
	if (text->s)
		text->s[0] = '\0';
}

/* NAN when VALUE is not a decimal number (but -inf and inf are).  Tools that
 * have one type for all numbers write 8.0 for 8.
 */
static double number(const char *value)
{
	char *end;
	double result;

	if (strpbrk(value, "xX"))
		return NAN;
	result = strtod(value, &end);
	return end == value || *end ? NAN : result;
}

/* VALUE as an integer of MIN..MAX, both exact in a double, into *RESULT. */
static bool integer(const char *value, double min, double max, int64_t *result)
{
	double d = number(value);

	if (!(d >= min && d <= max) || d != floor(d))
		return false;
	*result = (int64_t)d;
	return true;
}

static const char *set_typ(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->typ, value) < 0 ? no_memory : NULL;
}

static const char *set_slots(struct graphml_draft *draft, const char *value)
{
	draft->slots = number(value); /* of a switch it does not matter */
	return NULL;
}

static const char *set_mac(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->mac, value) < 0 ? no_memory : NULL;
}

static const char *set_info(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->info, value) < 0 ? no_memory : NULL;
}

static const char *set_name(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->name, value) < 0 ? no_memory : NULL;
}

static const char *set_dpid(struct graphml_draft *draft, const char *value)
{
	char *end;

	errno = 0;
	draft->dpid = strtoll(value, &end, 10);
	if (end != value && *end == '\0' && !errno)
		return NULL;
	return integer(value, -9e15, 9e15, &draft->dpid) ? NULL : "an integer";
}

static const char *set_lid(struct graphml_draft *draft, const char *value)
{
	int64_t lid;

	if (!integer(value, 0, 0xffff, &lid))
		return "a LID of 0 to 65535";
	draft->lid = (uint32_t)lid;
	return NULL;
}

static const char *set_guid(struct graphml_draft *draft, const char *value)
{
	char *end;

	errno = 0;
	draft->guid = strtoull(value, &end, 16);
	if (*value == '-' || end == value || *end || errno)
		return "a GUID of 16 hexadecimal digits";
	return NULL;
}

static const char *set_capacity(struct graphml_draft *draft, const char *value)
{
	draft->capacity = number(value);
	return isnan(draft->capacity) ? "a number" : NULL;
}

static const char *set_port(uint32_t *port, const char *value)
{
	int64_t result;

	if (!integer(value, 0, UINT32_MAX - 1, &result))
		return "the number of a port";
	*port = (uint32_t)result;
	return NULL;
}

static const char *set_from_port(struct graphml_draft *draft, const char *value)
{
	return set_port(&draft->from_port, value);
}

static const char *set_to_port(struct graphml_draft *draft, const char *value)
{
	return set_port(&draft->to_port, value);
}

static const char *set_title(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->title, value) < 0 ? no_memory : NULL;
}

static const char *set_shape(struct graphml_draft *draft, const char *value)
{
	return graphml_text_set(&draft->shape, value) < 0 ? no_memory : NULL;
}

static const char *set_unit(struct graphml_draft *draft, const char *value)
{
	char text[32];

	draft->unit = 0;
	if (strcmp(value, "none") == 0)
		return NULL;
	snprintf(text, sizeof(text), "1%s", value);
	return topology_rate(text, &draft->unit) < 0 ? "none, byte/s or Gbit/s" : NULL;
}

static const struct graphml_field fields[] = {
	{ "typ", GRAPHML_NODE, set_typ },
	{ "capacity", GRAPHML_NODE, set_slots },
	{ "mac", GRAPHML_NODE, set_mac },
	{ "dpid", GRAPHML_NODE, set_dpid },
	{ "info", GRAPHML_NODE, set_info },
	{ "desc", GRAPHML_NODE, set_info },
	{ "lid", GRAPHML_NODE, set_lid },
	{ "guid", GRAPHML_NODE, set_guid },
	/* Cytoscape numbers the nodes and keeps their names there */
	{ "shared name", GRAPHML_NODE, set_name },
	{ "capacity", GRAPHML_EDGE, set_capacity },
	{ "port", GRAPHML_EDGE, set_from_port },
	{ "from_port", GRAPHML_EDGE, set_from_port },
	{ "to_port", GRAPHML_EDGE, set_to_port },
	{ "name", GRAPHML_GRAPH, set_title },
	{ "capacity_unit", GRAPHML_GRAPH, set_unit },
	{ "shape", GRAPHML_GRAPH, set_shape },
};

const struct graphml_field *graphml_field_next(const struct graphml_field *after, const char *name,
					       unsigned domains)
{
	const struct graphml_field *end = fields + sizeof(fields) / sizeof(*fields);

	for (const struct graphml_field *at = after ? after + 1 : fields; at < end; at++)
		if (at->domain & domains && strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

/* What is of the graph stays. */
void graphml_draft_clear(struct graphml_draft *draft)
{
	clear(&draft->id);
	clear(&draft->name);
	clear(&draft->typ);
	clear(&draft->mac);
	clear(&draft->info);
	clear(&draft->source);
	clear(&draft->target);
	draft->slots = 1;
	draft->dpid = -1;
	draft->lid = 0;
	draft->guid = 0;
	draft->capacity = NAN;
	draft->from_port = draft->to_port = NETEMU_NONE;
}

void graphml_draft_release(struct graphml_draft *draft)
{
	free(draft->id.s);
	free(draft->name.s);
	free(draft->typ.s);
	free(draft->mac.s);
	free(draft->info.s);
	free(draft->source.s);
	free(draft->target.s);
	free(draft->title.s);
	free(draft->shape.s);
}
