/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/ibnet.h"

#include "topology/scan.h"

#include <string.h>

/* One side of a line: { SW Ports:24 SystemGUID:... NodeGUID:... PortGUID:...
 * VenID:... DevID:... Rev:... {leaf1} LID:0002 PN:0A }
 * All numbers are hexadecimal.
 */
struct side {
	enum ibfabric_kind kind;
	struct piece id; /* the node's GUID as it stands there */
	uint64_t guid, lid, port;
	struct piece description;
};

static bool get_kind(struct scan *scan, enum ibfabric_kind *kind)
{
	static const struct {
		const char *name;
		enum ibfabric_kind kind;
	} kinds[] = {
		{ "SW", IBFABRIC_SWITCH }, { "CA", IBFABRIC_CA },
		{ "Rt", IBFABRIC_ROUTER }, { "SW-SM", IBFABRIC_SWITCH },
		{ "CA-SM", IBFABRIC_CA },  { "Rt-SM", IBFABRIC_ROUTER },
	};
	struct piece word;

	if (!scan_word(scan, &word))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		*kind = kinds[i].kind;
		if (piece_is(&word, kinds[i].name))
			return true;
	}
	return false;
}

/* KEY and what stands behind it up to a blank. */
static bool get_word(struct scan *scan, const char *key, struct piece *word)
{
	return scan_text(scan, key) && scan_word(scan, word);
}

static bool get_side(struct scan *scan, struct side *side)
{
	struct piece word;
	struct scan guid;

	if (!scan_text(scan, "{") || !get_kind(scan, &side->kind) ||
	    !get_word(scan, "Ports:", &word) || !get_word(scan, "SystemGUID:", &word) ||
	    !get_word(scan, "NodeGUID:", &side->id) || !get_word(scan, "PortGUID:", &word) ||
	    !get_word(scan, "VenID:", &word) || !get_word(scan, "DevID:", &word) ||
	    !get_word(scan, "Rev:", &word) ||
	    !scan_between(scan, "{", "} LID:", false, &side->description))
		return false;
	guid.at = side->id.text;
	return side->id.length == 16 && scan_number(&guid, 16, UINT64_MAX, &side->guid) &&
	       scan_number(scan, 16, UINT16_MAX, &side->lid) && scan_text(scan, "PN:") &&
	       scan_number(scan, 16, UINT16_MAX, &side->port) && scan_text(scan, "}");
}

static int put(struct ibfabric *fabric, struct textfile *file, const struct side *from,
	       const struct side *to, double rate, struct err *err)
{
	const struct ibfabric_new new = {
		.id = from->id.text,
		.length = from->id.length,
		.guid = from->guid,
		.kind = from->kind,
		.description = from->description.text,
		.described = from->description.length,
		.line = file->line,
		.same = true,
	};
	struct ibfabric_cable cable = {
		.port = (uint32_t)from->port,
		.to = to->id.text,
		.length = to->id.length,
		.to_port = (uint32_t)to->port,
		.rate = rate,
		.line = file->line,
	};

	cable.node = ibfabric_node(fabric, &new, err);
	if (cable.node == NETEMU_NONE ||
	    ibfabric_lid(fabric, cable.node, (uint32_t)from->lid, 0, file->line, err) < 0)
		return -1;
	return ibfabric_end(fabric, &cable, err);
}

static int take_line(struct ibfabric *fabric, struct textfile *file, const char *line,
		     struct err *err)
{
	struct piece width, state, speed;
	struct scan scan = { line };
	struct side from, to;
	double rate;

	scan_blanks(&scan);
	if (!*scan.at || *scan.at == '#')
		return 0;
	if (!get_side(&scan, &from))
		return textfile_bad(file, err, "the first port is not as OpenSM writes it");
	if (!get_side(&scan, &to))
		return textfile_bad(file, err, "the second port is not as OpenSM writes it");
	if (!get_word(&scan, "PHY=", &width) || !get_word(&scan, "LOG=", &state) ||
	    !get_word(&scan, "SPD=", &speed))
		return textfile_bad(file, err, "PHY, LOG or SPD is missing");
	if (piece_is(&state, "DWN"))
		return 0;
	rate = ibfabric_rate(width.text, width.length, speed.text, speed.length);
	if (rate <= 0)
		return textfile_bad(file, err, "no known width and speed");
	return put(fabric, file, &from, &to, rate, err);
}

int ibsubnet_read(struct ibfabric *fabric, struct textfile *file, struct err *err)
{
	size_t length;
	char *line;

	while ((line = textfile_next(file, &length, err)))
		if (take_line(fabric, file, line, err) < 0)
			return -1;
	return textfile_failed(file) ? -1 : 0;
}
