/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/ibnet.h"

#include "topology/scan.h"

#include <string.h>

#define ID_MAX 64

/* Where the reader is. */
struct place {
	struct ibfabric *fabric;
	struct textfile *file;
	struct err *err;
	uint32_t node; /* whose ports follow; NETEMU_NONE: none yet */
	enum ibfabric_kind kind;
	/* with -p: the adapter whose port stood on the line before */
	uint64_t port, guid;
	char description[256];
};

/* "S-0002c90200412345": its GUID, 0 when it is not of that form. */
static uint64_t guid_of(const struct piece *id)
{
	struct scan scan = { id->text + 2 };
	uint64_t guid;

	if (id->length != 18 || id->text[1] != '-' || !scan_number(&scan, 16, UINT64_MAX, &guid) ||
	    scan.at != id->text + id->length)
		return 0;
	return guid;
}

static bool get_rate(const struct piece *width, const struct piece *speed, double *rate)
{
	*rate = ibfabric_rate(width->text, width->length, speed->text, speed->length);
	return *rate > 0;
}

/* "4xQDR" in one word. */
static bool rate_of(const struct piece *word, double *rate)
{
	const char *x = memchr(word->text, 'x', word->length);
	struct piece width, speed;

	if (!x)
		return false;
	width = (struct piece){ word->text, (size_t)(x + 1 - word->text) };
	speed = (struct piece){ x + 1, word->length - width.length };
	return get_rate(&width, &speed, rate);
}

/* --- plain --- */

/* Switch	36 "S-..."		# "leaf1" base port 0 lid 3 lmc 0 */
static int node_line(struct place *place, enum ibfabric_kind kind, struct scan scan)
{
	struct piece id, description = { "", 0 }, word;
	struct ibfabric_new new = { .kind = kind, .line = place->file->line };
	uint64_t number, lid = 0, lmc = 0;

	if (!scan_number(&scan, 10, UINT32_MAX, &number))
		return textfile_bad(place->file, place->err, "the number of ports is missing");
	if (!scan_between(&scan, "\"", "\"", false, &id) || id.length == 0 || id.length > ID_MAX)
		return textfile_bad(place->file, place->err, "the node's id is missing");
	if (scan_text(&scan, "#"))
		scan_between(&scan, "\"", "\"", true, &description);
	new.id = id.text;
	new.length = id.length;
	new.guid = guid_of(&id);
	new.description = description.text;
	new.described = description.length;
	place->node = ibfabric_node(place->fabric, &new, place->err);
	place->kind = kind;
	if (place->node == NETEMU_NONE)
		return -1;
	if (kind != IBFABRIC_SWITCH)
		return 0;
	while (scan_word(&scan, &word)) {
		if (piece_is(&word, "lid") && !scan_number(&scan, 10, UINT16_MAX, &lid))
			return textfile_bad(place->file, place->err, "a lid is missing");
		if (piece_is(&word, "lmc") && !scan_number(&scan, 10, UINT16_MAX, &lmc))
			return textfile_bad(place->file, place->err, "an lmc is missing");
	}
	return ibfabric_lid(place->fabric, place->node, (uint32_t)lid, (uint32_t)lmc, new.line,
			    place->err);
}

/* Behind the number of a port may stand that printed on the chassis and the
 * port's GUID: [1][ext 5](2c90300a1b2c3)
 */
static void skip_port_names(struct scan *scan)
{
	struct piece piece;

	scan_between(scan, "[ext", "]", false, &piece);
	scan_between(scan, "(", ")", false, &piece);
}

/* # lid 16 lmc 2 "leaf1" lid 8 4xQDR, of an adapter: its own LID comes first */
static int own_lid(struct place *place, struct scan *scan)
{
	uint64_t lid, lmc = 0;

	if (place->kind == IBFABRIC_SWITCH)
		return 0;
	if (!scan_text(scan, "lid") || !scan_number(scan, 10, UINT16_MAX, &lid))
		return textfile_bad(place->file, place->err, "the port's lid is missing");
	if (scan_text(scan, "lmc") && !scan_number(scan, 10, UINT16_MAX, &lmc))
		return textfile_bad(place->file, place->err, "an lmc is missing");
	return ibfabric_lid(place->fabric, place->node, (uint32_t)lid, (uint32_t)lmc,
			    place->file->line, place->err);
}

static int comment(struct place *place, struct scan *scan, double *rate)
{
	struct piece piece, word;
	uint64_t lid;

	if (!scan_text(scan, "#"))
		return textfile_bad(place->file, place->err, "the port's description is missing");
	if (own_lid(place, scan) < 0)
		return -1;
	scan_between(scan, "\"", "\"", true, &piece);
	if (!scan_text(scan, "lid") || !scan_number(scan, 10, UINT16_MAX, &lid) ||
	    !scan_word(scan, &word))
		return textfile_bad(place->file, place->err, "width and speed are missing");
	if (!rate_of(&word, rate))
		return textfile_bad(place->file, place->err, "'%.*s': no known width and speed",
				    (int)(word.length < 40 ? word.length : 40), word.text);
	return 0;
}

/* [1]	"H-..."[1](100265) 		# "H306" lid 180 4xSDR */
static int port_line(struct place *place, struct scan scan)
{
	struct ibfabric_cable cable = { .node = place->node, .line = place->file->line };
	uint64_t port, to_port;
	struct piece id;

	if (place->node == NETEMU_NONE)
		return textfile_bad(place->file, place->err, "a port before any node");
	if (!scan_number(&scan, 10, UINT32_MAX, &port) || !scan_text(&scan, "]"))
		return textfile_bad(place->file, place->err, "the number of a port is missing");
	skip_port_names(&scan);
	if (!scan_between(&scan, "\"", "\"", false, &id) || id.length == 0 || id.length > ID_MAX)
		return textfile_bad(place->file, place->err, "the node it leads to is missing");
	if (!scan_text(&scan, "[") || !scan_number(&scan, 10, UINT32_MAX, &to_port) ||
	    !scan_text(&scan, "]"))
		return textfile_bad(place->file, place->err, "the port it leads to is missing");
	skip_port_names(&scan);
	if (comment(place, &scan, &cable.rate) < 0)
		return -1;
	cable.port = (uint32_t)port;
	cable.to = id.text;
	cable.length = id.length;
	cable.to_port = (uint32_t)to_port;
	return ibfabric_end(place->fabric, &cable, place->err);
}

/* --- -p --- */

/* What begins both sides of a line: SW     8  1 0x0000000000200001 */
struct port {
	enum ibfabric_kind kind;
	uint64_t lid, number, guid;
	struct piece id; /* the GUID as it stands there */
};

static bool get_kind(struct scan *scan, enum ibfabric_kind *kind)
{
	static const struct {
		const char *name;
		enum ibfabric_kind kind;
	} kinds[] = {
		{ "SW ", IBFABRIC_SWITCH },
		{ "CA ", IBFABRIC_CA },
		{ "RT ", IBFABRIC_ROUTER },
		{ "Rt ", IBFABRIC_ROUTER },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		*kind = kinds[i].kind;
		if (scan_text(scan, kinds[i].name))
			return true;
	}
	return false;
}

static bool get_port(struct scan *scan, struct port *port)
{
	struct scan guid;

	if (!get_kind(scan, &port->kind) || !scan_number(scan, 10, UINT16_MAX, &port->lid) ||
	    !scan_number(scan, 10, UINT32_MAX, &port->number) || !scan_word(scan, &port->id))
		return false;
	guid.at = port->id.text;
	return port->id.length <= ID_MAX && scan_number(&guid, 16, UINT64_MAX, &port->guid) &&
	       guid.at == scan->at;
}

/* The last line was about a higher port of the same adapter. */
static bool goes_on(const struct place *place, const struct port *port, const struct piece *text)
{
	return place->node != NETEMU_NONE && place->kind == port->kind &&
	       port->kind != IBFABRIC_SWITCH && port->number < place->port &&
	       port->guid >> 16 == place->guid >> 16 && text->length < sizeof(place->description) &&
	       piece_is(text, place->description);
}

static int p_node(struct place *place, const struct port *port, const struct piece *text)
{
	uint32_t line = place->file->line;
	struct ibfabric_new new = {
		.id = port->id.text,
		.length = port->id.length,
		.guid = port->guid,
		.kind = port->kind,
		.description = text->text,
		.described = text->length,
		.line = line,
		.same = port->kind == IBFABRIC_SWITCH,
	};
	size_t kept = text->length < sizeof(place->description) ? text->length : 0;

	if (goes_on(place, port, text)) {
		if (ibfabric_alias(place->fabric, place->node, new.id, new.length, line,
				   place->err) < 0)
			return -1;
	} else {
		place->node = ibfabric_node(place->fabric, &new, place->err);
		if (place->node == NETEMU_NONE)
			return -1;
	}
	place->kind = port->kind;
	place->port = port->number;
	place->guid = port->guid;
	memcpy(place->description, text->text, kept);
	place->description[kept] = '\0';
	return ibfabric_lid(place->fabric, place->node, (uint32_t)port->lid, 0, line, place->err);
}

/* SW 8 3 0x... 4x SDR - SW 1 3 0x... ( 'this' - 'that' ), or 'this' alone when
 * there is no cable.
 */
static int p_line(struct place *place, struct scan scan)
{
	struct ibfabric_cable cable = { .line = place->file->line };
	struct piece text, width, speed;
	struct port port, to;

	if (!get_port(&scan, &port))
		return textfile_bad(place->file, place->err, "type, lid, port and guid expected");
	if (!scan_word(&scan, &width))
		return textfile_bad(place->file, place->err, "the width is missing");
	if (!scan_word(&scan, &speed))
		return textfile_bad(place->file, place->err, "the speed is missing");
	if (!scan_text(&scan, "- ")) {
		scan.at = strchr(scan.at, '\'');
		if (!scan.at || !scan_between(&scan, "'", "'", true, &text))
			return textfile_bad(place->file, place->err, "the description is missing");
		return p_node(place, &port, &text);
	}
	if (!get_port(&scan, &to) || !scan_between(&scan, "( '", "' - '", false, &text))
		return textfile_bad(place->file, place->err, "what the cable leads to is missing");
	if (!get_rate(&width, &speed, &cable.rate))
		return textfile_bad(place->file, place->err, "no known width and speed");
	if (p_node(place, &port, &text) < 0)
		return -1;
	cable.node = place->node;
	cable.port = (uint32_t)port.number;
	cable.to = to.id.text;
	cable.length = to.id.length;
	cable.to_port = (uint32_t)to.number;
	return ibfabric_end(place->fabric, &cable, place->err);
}

/* --- lines --- */

/* The beginnings of lines that say nothing of the graph: of the file itself, and
 * of what ibnetdiscover says on stderr.
 */
static const char *const passed_over[] = {
	"#",        "vendid=",  "devid=",      "sysimgguid=", "switchguid=", "caguid=",
	"rtguid=",  "Chassis",  "Non-Chassis", "DR path ",    "ibwarn:",     "ibpanic:",
	"ibdebug:", "iberror:", "src/",        "/",
};

static bool is_passed_over(const char *line)
{
	struct scan scan = { line };

	scan_blanks(&scan);
	if (!*scan.at)
		return true;
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(*passed_over); i++)
		if (strncmp(scan.at, passed_over[i], strlen(passed_over[i])) == 0)
			return true;
	return strstr(line, "iberror:") != NULL;
}

static const struct node_word {
	const char *word;
	enum ibfabric_kind kind;
} node_words[] = {
	{ "Switch", IBFABRIC_SWITCH },
	{ "Ca", IBFABRIC_CA },
	{ "Hca", IBFABRIC_CA },
	{ "Rt", IBFABRIC_ROUTER },
};

/* `Switch 36 "...`: moves behind the word.  Returns NULL when LINE is not one. */
static const struct node_word *get_node_word(struct scan *scan)
{
	for (size_t i = 0; i < sizeof(node_words) / sizeof(*node_words); i++) {
		struct scan ahead = *scan;
		struct scan behind;
		uint64_t ports;

		if (!scan_text(&ahead, node_words[i].word) ||
		    (*ahead.at != ' ' && *ahead.at != '\t'))
			continue;
		behind = ahead;
		if (!scan_number(&behind, 10, UINT32_MAX, &ports) || !scan_text(&behind, "\""))
			continue;
		*scan = ahead;
		return &node_words[i];
	}
	return NULL;
}

static int take_line(struct place *place, const char *line)
{
	struct scan scan = { line }, ahead = { line };
	enum ibfabric_kind kind;
	const struct node_word *word = get_node_word(&scan);

	if (word)
		return node_line(place, word->kind, scan);
	if (scan_text(&scan, "["))
		return port_line(place, scan);
	if (get_kind(&ahead, &kind))
		return p_line(place, scan);
	if (is_passed_over(line))
		return 0;
	return textfile_bad(place->file, place->err, "'%.40s': not a line of ibnetdiscover", line);
}

int ibnet_read(struct ibfabric *fabric, struct textfile *file, struct err *err)
{
	struct place place = { .fabric = fabric, .file = file, .err = err, .node = NETEMU_NONE };
	size_t length;
	char *line;

	while ((line = textfile_next(file, &length, err)))
		if (take_line(&place, line) < 0)
			return -1;
	return textfile_failed(file) ? -1 : 0;
}
