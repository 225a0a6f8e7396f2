/* SPDX-License-Identifier: Apache-2.0 */
/* graphml-read.c - GraphML by streaming
 *
 * The table of elements says what may stand where and what happens at its
 * begin and end; all else is skipped with what is in it.
 */
#include "topology/build.h"
#include "topology/graphml.h"
#include "topology/readers.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((void)(entry))
#include <uthash.h>

#define MAX_KEYS 1000 /* that mean something here */

/* Where the reader stands. */
enum place {
	IN_FILE,
	IN_GRAPHML,
	IN_KEY,
	IN_DEFAULT,
	IN_GRAPH,
	IN_NODE,
	IN_EDGE,
	IN_DATA, /* of the graph, a node or an edge */
	PLACES,
};

struct key {
	char *id;
	const struct graphml_field *field;
	char *preset; /* NULL: none */
};

/* The id of a node that is not its name. */
struct alias {
	UT_hash_handle hh;
	uint32_t node;
	char id[];
};

/* An edge that stands before one of its nodes. */
struct later {
	struct later *next;
	bool directed;
	double capacity;
	uint32_t from_port, to_port, line;
	const char *target;
	char source[]; /* and the target behind its NUL */
};

struct reader {
	struct graphml_stream stream;
	struct topology *topology;
	struct err *err;

	enum place place;      /* of the innermost element that is known */
	enum place data_place; /* what a <data> belongs to */
	uint32_t line;         /* of the last begin: at an end the reader may be ahead */
	int skip;              /* depth of an element that is skipped with its content, or 0 */
	bool seen_graph, directed;

	struct key keys[MAX_KEYS];
	int nkeys;
	int first_key;            /* of those the <key> being read stands for */
	const struct key *key;    /* of the <data> being read, or NULL */
	struct graphml_text text; /* of a <data> or <default> */
	struct graphml_draft draft;

	bool renamed; /* nodes have names besides ids: ids are in aliases */
	struct alias *aliases;
	struct later *later, **last;
};

static const struct {
	const char *name;
	enum graphml_domain domain;
} subjects[PLACES] = {
	[IN_GRAPH] = { "graph", GRAPHML_GRAPH },
	[IN_NODE] = { "node", GRAPHML_NODE },
	[IN_EDGE] = { "edge", GRAPHML_EDGE },
};

__attribute__((format(printf, 3, 4))) static int fail(struct reader *r, uint32_t line,
						      const char *fmt, ...)
{
	char text[768];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(r->err, "%s:%u: %s", r->topology->source, line, text);
}

static int no_memory(struct reader *r)
{
	errno = ENOMEM;
	return err_errno(r->err, "%s", r->topology->source);
}

/* "node 'a'", "edge 'a' -> 'b'", "graph" */
static const char *describe(const struct reader *r, enum place place, char *buf, size_t size)
{
	if (place == IN_NODE)
		snprintf(buf, size, "node '%s'", graphml_text_get(&r->draft.id));
	else if (place == IN_EDGE)
		snprintf(buf, size, "edge '%s' -> '%s'", graphml_text_get(&r->draft.source),
			 graphml_text_get(&r->draft.target));
	else
		snprintf(buf, size, "graph");
	return buf;
}

/* --- attributes --- */

/* The attribute NAME of the element, "" when it has none. */
static int attribute(struct reader *r, const char *name, struct graphml_text *text)
{
	xmlTextReaderPtr xml = r->stream.xml;
	const xmlChar *value = NULL;
	int rc;

	if (xmlTextReaderMoveToAttribute(xml, (const xmlChar *)name) == 1)
		value = xmlTextReaderConstValue(xml);
	rc = graphml_text_set(text, value ? (const char *)value : "");
	xmlTextReaderMoveToElement(xml);
	return rc < 0 ? no_memory(r) : 0;
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return length > 0 && length <= GRAPHML_NAME;
}

/* The id in attribute NAME of an ELEMENT. */
static int id_attribute(struct reader *r, const char *element, const char *name,
			struct graphml_text *text)
{
	if (attribute(r, name, text) < 0)
		return -1;
	if (is_name(text->s))
		return 0;
	if (!*text->s)
		return fail(r, r->line, "%s without %s", element, name);
	return fail(r, r->line, "%s with %s '%.100s': too long, or not to be printed", element,
		    name, text->s);
}

/* --- keys: what <data> means --- */

static unsigned domains_of(const char *text)
{
	if (!*text || strcmp(text, "all") == 0)
		return GRAPHML_NODE | GRAPHML_EDGE | GRAPHML_GRAPH;
	for (size_t i = 0; i < PLACES; i++)
		if (subjects[i].name && strcmp(subjects[i].name, text) == 0)
			return subjects[i].domain;
	return 0;
}

static int add_key(struct reader *r, const char *id, const struct graphml_field *field)
{
	struct key *key = &r->keys[r->nkeys];

	if (r->nkeys == MAX_KEYS)
		return fail(r, r->line, "more than %d keys", MAX_KEYS);
	*key = (struct key){ .id = strdup(id), .field = field };
	if (!key->id)
		return no_memory(r);
	r->nkeys++;
	if (strcmp(field->name, "shared name") == 0)
		r->renamed = true;
	return 0;
}

static int begin_key(struct reader *r)
{
	const struct graphml_field *field = NULL;
	struct graphml_text id = { 0 }, name = { 0 }, domain = { 0 };
	int rc = 0;

	r->first_key = r->nkeys;
	if (attribute(r, "id", &id) < 0 || attribute(r, "attr.name", &name) < 0 ||
	    attribute(r, "for", &domain) < 0)
		rc = -1;
	else if (!*id.s)
		rc = fail(r, r->line, "key without id");
	while (rc == 0 &&
	       (field = graphml_field_next(field, *name.s ? name.s : id.s, domains_of(domain.s))))
		rc = add_key(r, id.s, field);
	free(id.s);
	free(name.s);
	free(domain.s);
	return rc;
}

static int begin_text(struct reader *r)
{
	return graphml_text_set(&r->text, "") < 0 ? no_memory(r) : 0;
}

/* The text without the blanks around it. */
static char *trimmed(struct graphml_text *text)
{
	static const char blanks[] = " \t\r\n";
	char *begin = text->s + strspn(text->s, blanks);

	while (text->length && strchr(blanks, text->s[text->length - 1]))
		text->s[--text->length] = '\0';
	return begin <= text->s + text->length ? begin : text->s + text->length;
}

static int end_default(struct reader *r)
{
	const char *value = trimmed(&r->text);

	for (int i = r->first_key; i < r->nkeys; i++) {
		free(r->keys[i].preset);
		r->keys[i].preset = strdup(value);
		if (!r->keys[i].preset)
			return no_memory(r);
	}
	return 0;
}

static int set_field(struct reader *r, const struct key *key, enum place place, const char *value)
{
	char what[512];
	const char *expected = key->field->set(&r->draft, value);

	if (!expected)
		return 0;
	return fail(r, r->line, "%s: %s '%.100s' is not %s", describe(r, place, what, sizeof(what)),
		    key->field->name, value, expected);
}

static int set_presets(struct reader *r, enum place place)
{
	for (int i = 0; i < r->nkeys; i++)
		if (r->keys[i].preset && r->keys[i].field->domain == subjects[place].domain &&
		    set_field(r, &r->keys[i], place, r->keys[i].preset) < 0)
			return -1;
	return 0;
}

static int begin_data(struct reader *r)
{
	r->key = NULL;
	if (attribute(r, "key", &r->text) < 0)
		return -1;
	for (int i = 0; i < r->nkeys && !r->key; i++)
		if (r->keys[i].field->domain == subjects[r->data_place].domain &&
		    strcmp(r->keys[i].id, r->text.s) == 0)
			r->key = &r->keys[i];
	return begin_text(r);
}

static int end_data(struct reader *r)
{
	const char *value = trimmed(&r->text);

	/* an empty value is one that the tool did not know */
	if (!r->key || !*value)
		return 0;
	return set_field(r, r->key, r->data_place, value);
}

/* --- graph, nodes, edges --- */

static int begin_graph(struct reader *r)
{
	if (r->seen_graph)
		return fail(r, r->line, "a second graph");
	r->seen_graph = true;
	if (attribute(r, "edgedefault", &r->text) < 0)
		return -1;
	r->directed = strcmp(r->text.s, "undirected") != 0;
	return set_presets(r, IN_GRAPH);
}

static int begin_node(struct reader *r)
{
	graphml_draft_clear(&r->draft);
	r->draft.line = r->line;
	if (id_attribute(r, "node", "id", &r->draft.id) < 0)
		return -1;
	return set_presets(r, IN_NODE);
}

static int set_slots(struct reader *r, struct topology_node *node)
{
	const struct graphml_draft *draft = &r->draft;

	if (!node->is_host)
		return 0;
	if (!(draft->slots >= 0 && draft->slots <= UINT32_MAX) ||
	    draft->slots != floor(draft->slots))
		return fail(r, draft->line, "node '%s': capacity is not a number of slots",
			    graphml_text_get(&draft->id));
	node->slots = (uint32_t)draft->slots;
	return 0;
}

/* malloc'ed, NULL for an empty one. */
static int keep_text(struct reader *r, const struct graphml_text *text, char **copy)
{
	if (!text->length)
		return 0;
	*copy = strdup(text->s);
	return *copy ? 0 : no_memory(r);
}

static int add_alias(struct reader *r, uint32_t node)
{
	const struct graphml_text *id = &r->draft.id;
	struct alias *alias;

	HASH_FIND_STR(r->aliases, id->s, alias);
	if (alias)
		return fail(r, r->draft.line, "a second node with id '%s'", id->s);
	alias = calloc(1, sizeof(*alias) + id->length + 1);
	if (!alias)
		return no_memory(r);
	alias->node = node;
	memcpy(alias->id, id->s, id->length + 1);
	HASH_ADD_STR(r->aliases, id, alias);
	if (alias->hh.tbl)
		return 0;
	free(alias);
	return no_memory(r);
}

static int end_node(struct reader *r)
{
	const struct graphml_draft *draft = &r->draft;
	const char *typ = graphml_text_get(&draft->typ);
	const char *name = draft->name.length ? draft->name.s : draft->id.s;
	bool is_host = strcmp(typ, "host") == 0;
	struct topology_node *node;
	uint32_t index;

	if (!*typ)
		return fail(r, draft->line, "node '%s' has no typ (host or switch)", draft->id.s);
	if (!is_host && strcmp(typ, "switch") != 0)
		return fail(r, draft->line, "node '%s': typ '%.100s' is not host or switch",
			    draft->id.s, typ);
	if (!is_name(name))
		return fail(r, draft->line, "node '%s': its name is too long, or not to be printed",
			    draft->id.s);
	index = topology_node(r->topology, name, is_host, draft->line, r->err);
	if (index == NETEMU_NONE)
		return -1;
	node = &r->topology->nodes[index];
	node->dpid = draft->dpid;
	node->lid = draft->lid;
	node->guid = draft->guid;
	if (keep_text(r, &draft->mac, &node->mac) < 0 ||
	    keep_text(r, &draft->info, &node->info) < 0 || set_slots(r, node) < 0)
		return -1;
	return r->renamed ? add_alias(r, index) : 0;
}

static int begin_edge(struct reader *r)
{
	graphml_draft_clear(&r->draft);
	r->draft.line = r->line;
	if (id_attribute(r, "edge", "source", &r->draft.source) < 0 ||
	    id_attribute(r, "edge", "target", &r->draft.target) < 0 ||
	    attribute(r, "directed", &r->text) < 0)
		return -1;
	r->draft.directed = *r->text.s ? strcmp(r->text.s, "false") != 0 : r->directed;
	return set_presets(r, IN_EDGE);
}

static uint32_t find_node(const struct reader *r, const char *id)
{
	const struct alias *alias;

	if (!r->renamed)
		return topology_find(r->topology, id);
	HASH_FIND_STR(r->aliases, id, alias);
	return alias ? alias->node : NETEMU_NONE;
}

static int keep_edge(struct reader *r)
{
	const struct graphml_draft *draft = &r->draft;
	struct later *later =
		calloc(1, sizeof(*later) + draft->source.length + draft->target.length + 2);

	if (!later)
		return no_memory(r);
	later->directed = draft->directed;
	later->capacity = draft->capacity;
	later->from_port = draft->from_port;
	later->to_port = draft->to_port;
	later->line = draft->line;
	memcpy(later->source, draft->source.s, draft->source.length + 1);
	later->target = later->source + draft->source.length + 1;
	memcpy(later->source + draft->source.length + 1, draft->target.s, draft->target.length + 1);
	*r->last = later;
	r->last = &later->next;
	return 0;
}

static int add_edge(struct reader *r, uint32_t source, uint32_t target, const struct later *edge)
{
	int (*add)(struct topology *, uint32_t, uint32_t, uint32_t, uint32_t, double, uint32_t,
		   struct err *) = edge->directed ? topology_link : topology_cable;

	return add(r->topology, source, edge->from_port, target, edge->to_port, edge->capacity,
		   edge->line, r->err);
}

static int end_edge(struct reader *r)
{
	const struct graphml_draft *draft = &r->draft;
	const struct later edge = {
		.directed = draft->directed,
		.capacity = draft->capacity,
		.from_port = draft->from_port,
		.to_port = draft->to_port,
		.line = draft->line,
	};
	uint32_t source = NETEMU_NONE, target = NETEMU_NONE;

	/* once one has to wait, all behind it wait: they keep their order */
	if (!r->later) {
		source = find_node(r, draft->source.s);
		target = find_node(r, draft->target.s);
	}
	if (source == NETEMU_NONE || target == NETEMU_NONE)
		return keep_edge(r);
	return add_edge(r, source, target, &edge);
}

static int add_later(struct reader *r)
{
	for (const struct later *edge = r->later; edge; edge = edge->next) {
		uint32_t source = find_node(r, edge->source);
		uint32_t target = find_node(r, edge->target);

		if (source == NETEMU_NONE || target == NETEMU_NONE)
			return fail(r, edge->line, "edge '%s' -> '%s': no node '%s'", edge->source,
				    edge->target,
				    source == NETEMU_NONE ? edge->source : edge->target);
		if (add_edge(r, source, target, edge) < 0)
			return -1;
	}
	return 0;
}

static int refuse(struct reader *r)
{
	return fail(r, r->line, "%s with '%s' in it: only nodes and edges are understood",
		    subjects[r->place].name,
		    (const char *)xmlTextReaderConstLocalName(r->stream.xml));
}

/* --- the elements --- */

static const struct element {
	enum place in;
	const char *name;
	enum place place;
	int (*begin)(struct reader *r);
	int (*end)(struct reader *r);
} elements[] = {
	{ IN_FILE, "graphml", IN_GRAPHML, NULL, NULL },
	{ IN_GRAPHML, "key", IN_KEY, begin_key, NULL },
	{ IN_KEY, "default", IN_DEFAULT, begin_text, end_default },
	{ IN_GRAPHML, "graph", IN_GRAPH, begin_graph, NULL },
	{ IN_GRAPH, "node", IN_NODE, begin_node, end_node },
	{ IN_GRAPH, "edge", IN_EDGE, begin_edge, end_edge },
	{ IN_GRAPH, "data", IN_DATA, begin_data, end_data },
	{ IN_NODE, "data", IN_DATA, begin_data, end_data },
	{ IN_EDGE, "data", IN_DATA, begin_data, end_data },
	{ IN_GRAPH, "hyperedge", IN_GRAPH, refuse, NULL },
	{ IN_NODE, "graph", IN_NODE, refuse, NULL },
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* What stands around PLACE. */
static enum place around(const struct reader *r, enum place place)
{
	static const enum place parents[PLACES] = {
		[IN_KEY] = IN_GRAPHML, [IN_DEFAULT] = IN_KEY, [IN_GRAPH] = IN_GRAPHML,
		[IN_NODE] = IN_GRAPH,  [IN_EDGE] = IN_GRAPH,
	};

	return place == IN_DATA ? r->data_place : parents[place];
}

static int end_element(struct reader *r)
{
	enum place place = r->place, parent = around(r, place);

	r->place = parent;
	for (size_t i = 0; i < COUNT(elements); i++)
		if (elements[i].place == place && elements[i].in == parent && elements[i].end)
			return elements[i].end(r);
	return 0;
}

static int begin_element(struct reader *r)
{
	const char *name = (const char *)xmlTextReaderConstLocalName(r->stream.xml);
	bool empty = xmlTextReaderIsEmptyElement(r->stream.xml) == 1;
	size_t i = 0;

	r->line = graphml_stream_line(&r->stream);
	while (i < COUNT(elements) &&
	       (elements[i].in != r->place || strcmp(elements[i].name, name) != 0))
		i++;
	if (i == COUNT(elements)) {
		if (r->place == IN_FILE)
			return fail(r, r->line, "'%s' is not GraphML", name);
		if (!empty)
			r->skip = xmlTextReaderDepth(r->stream.xml) + 1;
		return 0;
	}
	if (elements[i].place == IN_DATA)
		r->data_place = r->place;
	if (elements[i].begin && elements[i].begin(r) < 0)
		return -1;
	r->place = elements[i].place;
	return empty ? end_element(r) : 0;
}

static int add_text(struct reader *r)
{
	const char *text = (const char *)xmlTextReaderConstValue(r->stream.xml);

	if ((r->place != IN_DATA && r->place != IN_DEFAULT) || !text)
		return 0;
	return graphml_text_add(&r->text, text, strlen(text)) < 0 ? no_memory(r) : 0;
}

/* A name for the DTD does no harm, what stands in it could. */
static int check_doctype(struct reader *r)
{
	const xmlNode *node = xmlTextReaderCurrentNode(r->stream.xml);

	if (!node || !node->children)
		return 0;
	return err_set(r->err, "%s: a document type with declarations", r->topology->source);
}

static int take(struct reader *r)
{
	int type = xmlTextReaderNodeType(r->stream.xml);

	if (r->skip) {
		if (type == XML_READER_TYPE_END_ELEMENT &&
		    xmlTextReaderDepth(r->stream.xml) + 1 == r->skip)
			r->skip = 0;
		return 0;
	}
	switch (type) {
	case XML_READER_TYPE_ELEMENT:
		return begin_element(r);
	case XML_READER_TYPE_END_ELEMENT:
		return end_element(r);
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
	case XML_READER_TYPE_WHITESPACE:
	case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
		return add_text(r);
	case XML_READER_TYPE_ENTITY_REFERENCE:
		return fail(r, r->line, "an entity reference");
	case XML_READER_TYPE_DOCUMENT_TYPE:
		return check_doctype(r);
	default:
		return 0;
	}
}

/* What stands on the whole graph, which may be behind its edges. */
static int end_file(struct reader *r)
{
	struct topology *topology = r->topology;
	const struct graphml_draft *draft = &r->draft;

	if (!r->seen_graph)
		return err_set(r->err, "%s: no graph in it", topology->source);
	if (add_later(r) < 0)
		return -1;
	if (draft->title.length) {
		free(topology->name);
		topology->name = strdup(draft->title.s);
		if (!topology->name)
			return no_memory(r);
	}
	if (keep_text(r, &draft->shape, &topology->build->shape) < 0)
		return -1;
	for (uint32_t i = 0; draft->unit && i < topology->net.links; i++)
		topology->build->link[i].capacity *= draft->unit;
	topology->unit = draft->unit ? TOPOLOGY_UNIT_BYTE : TOPOLOGY_UNIT_NONE;
	return 0;
}

static void release(struct reader *r)
{
	struct alias *alias, *next;
	struct later *later;

	HASH_ITER (hh, r->aliases, alias, next) {
		HASH_DEL(r->aliases, alias);
		free(alias);
	}
	while ((later = r->later)) {
		r->later = later->next;
		free(later);
	}
	for (int i = 0; i < r->nkeys; i++) {
		free(r->keys[i].id);
		free(r->keys[i].preset);
	}
	free(r->text.s);
	graphml_draft_release(&r->draft);
	free(r);
}

bool is_graphml(const char *head, size_t size)
{
	(void)size;
	head += strspn(head, "\xef\xbb\xbf \t\r\n");
	return *head == '<' || strncmp(head, "\xff\xfe", 2) == 0 ||
	       strncmp(head, "\xfe\xff", 2) == 0;
}

int graphml_read(struct topology *topology, struct textfile *file, struct err *err)
{
	struct reader *r = calloc(1, sizeof(*r));
	int rc = 1;

	if (!r)
		return err_errno(err, "%s", topology->source);
	r->topology = topology;
	r->err = err;
	r->last = &r->later;
	if (graphml_stream_open(&r->stream, file, err) < 0) {
		release(r);
		return -1;
	}
	while (rc == 1 && (rc = xmlTextReaderRead(r->stream.xml)) == 1)
		rc = take(r) < 0 ? -2 : 1;
	if (rc == -1 || (rc == 0 && graphml_stream_failed(&r->stream)))
		rc = graphml_stream_fail(&r->stream, err);
	if (rc == 0)
		rc = end_file(r);
	graphml_stream_close(&r->stream);
	release(r);
	return rc < 0 ? -1 : 0;
}

int read_graphml(struct topology *topology, const char *const *files, struct err *err)
{
	struct textfile file;
	int rc;

	if (textfile_open(&file, files[0], err) < 0)
		return -1;
	rc = graphml_read(topology, &file, err);
	textfile_close(&file);
	return rc;
}
