/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/iblft.h"

#include "topology/ibfabric.h"
#include "topology/scan.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NO_ROUTE 255

struct iblft_switch {
	uint64_t guid;
	uint32_t node;
};

static int by_guid(const void *a, const void *b)
{
	const struct iblft_switch *x = a, *y = b;

	return x->guid < y->guid ? -1 : x->guid > y->guid;
}

int iblft_init(struct iblft *lft, struct topology *topology, struct err *err)
{
	*lft = (struct iblft){ .topology = topology };
	lft->by_guid = calloc(topology->net.nodes + 1, sizeof(*lft->by_guid));
	if (!lft->by_guid)
		return err_errno(err, "%s", topology->source);
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		if (!topology->nodes[i].is_host && topology->nodes[i].guid)
			lft->by_guid[lft->nswitches++] =
				(struct iblft_switch){ topology->nodes[i].guid, i };
	qsort(lft->by_guid, lft->nswitches, sizeof(*lft->by_guid), by_guid);
	return 0;
}

void iblft_release(struct iblft *lft)
{
	free(lft->by_guid);
	*lft = (struct iblft){ 0 };
}

static uint32_t find_guid(const struct iblft *lft, uint64_t guid)
{
	const struct iblft_switch key = { .guid = guid };
	const struct iblft_switch *found;

	if (guid == 0)
		return NETEMU_NONE;
	found = bsearch(&key, lft->by_guid, lft->nswitches, sizeof(key), by_guid);
	return found ? found->node : NETEMU_NONE;
}

/* The switch that has LID, or NETEMU_NONE. */
static uint32_t find_lid(const struct iblft *lft, uint64_t lid)
{
	const struct topology_tables *tables = lft->topology->tables;
	uint32_t node = lid < tables->lids ? tables->node[lid] : NETEMU_NONE;

	return node < lft->topology->net.nodes && !lft->topology->nodes[node].is_host ? node
										      : NETEMU_NONE;
}

/* What stands on the line of FILE is strange. */
__attribute__((format(printf, 3, 4))) static void strange(struct iblft *lft,
							  const struct textfile *file,
							  const char *fmt, ...)
{
	struct topology_tables *tables = lft->topology->tables;
	struct err what;
	va_list args;

	if (tables->strange++)
		return;
	va_start(args, fmt);
	vsnprintf(what.text, sizeof(what.text), fmt, args);
	va_end(args);
	snprintf(tables->first_strange, sizeof(tables->first_strange), "%s:%u: %.150s", file->name,
		 file->line, what.text);
}

static uint8_t *table_of(struct iblft *lft, uint32_t node)
{
	struct topology_tables *tables = lft->topology->tables;

	if (!tables->port[node]) {
		tables->port[node] = malloc(tables->lids + 1);
		if (tables->port[node])
			memset(tables->port[node], NO_ROUTE, tables->lids + 1);
	}
	return tables->port[node];
}

static int set(struct iblft *lft, const struct textfile *file, uint32_t node, uint64_t lid,
	       uint64_t port, struct err *err)
{
	struct topology_tables *tables = lft->topology->tables;
	uint8_t *table;

	if (port > NO_ROUTE)
		return textfile_bad(file, err, "port %ju is above %d", (uintmax_t)port,
				    IB_PORT_MAX);
	tables->entries++;
	if (port == NO_ROUTE)
		return 0;
	if (lid >= tables->lids || tables->node[lid] == NETEMU_NONE) {
		strange(lft, file, "the fabric has no lid %ju", (uintmax_t)lid);
		return 0;
	}
	if (tables->node[lid] == IBLFT_LEFT_OUT)
		return 0;
	table = table_of(lft, node);
	if (!table)
		return err_errno(err, "%s", file->name);
	if (table[lid] != NO_ROUTE && table[lid] != port)
		strange(lft, file, "switch '%s' sends lid %ju to port %ju, and before to port %u",
			lft->topology->nodes[node].name, (uintmax_t)lid, (uintmax_t)port,
			table[lid]);
	else
		table[lid] = (uint8_t)port;
	return 0;
}

/* --- lines --- */

static void begin(struct iblft *lft, uint32_t node)
{
	lft->begun = true;
	lft->multicast = false;
	lft->node = node;
	lft->skip = node == NETEMU_NONE;
}

/* Unicast lids [0x0-0x132] of switch Lid 10 guid 0x00066a00eb002ca7 (...): */
static int unicast_line(struct iblft *lft, const struct textfile *file, struct scan scan,
			struct err *err)
{
	const char *guid_at = strstr(scan.at, " guid ");
	uint64_t guid = 0, lid = 0;
	struct piece range;
	uint32_t node;

	if (!scan_between(&scan, "[", "]", false, &range) || !scan_text(&scan, "of switch"))
		return textfile_bad(file, err, "which switch it is about is missing");
	if (scan_text(&scan, "Lid") && !scan_number(&scan, 10, UINT16_MAX, &lid))
		return textfile_bad(file, err, "the switch's lid is missing");
	if (guid_at) {
		scan.at = guid_at + strlen(" guid ");
		if (!scan_number(&scan, 16, UINT64_MAX, &guid))
			return textfile_bad(file, err, "the switch's guid is missing");
	}
	if (!lid && !guid)
		return textfile_bad(file, err, "the switch has neither lid nor guid");
	node = find_guid(lft, guid);
	if (node == NETEMU_NONE && lid)
		node = find_lid(lft, lid);
	begin(lft, node);
	if (lft->skip)
		strange(lft, file, "the fabric has no switch of lid %ju and guid 0x%016jx",
			(uintmax_t)lid, (uintmax_t)guid);
	return 0;
}

/* dump_ucast_routes: Switch 0x0000000000200000 */
static int fdbs_line(struct iblft *lft, const struct textfile *file, struct scan scan,
		     struct err *err)
{
	uint64_t guid;

	if (!scan_number(&scan, 16, UINT64_MAX, &guid))
		return textfile_bad(file, err, "the switch's guid is missing");
	begin(lft, find_guid(lft, guid));
	if (lft->skip)
		strange(lft, file, "the fabric has no switch of guid 0x%016jx", (uintmax_t)guid);
	return 0;
}

/* 0x0001 003 # ..., 0x0001 003 : ..., 0x0001 : 003 : ..., 0x0001 : UNREACHABLE */
static int entry_line(struct iblft *lft, const struct textfile *file, struct scan scan,
		      struct err *err)
{
	uint64_t lid, port = NO_ROUTE;

	if (!lft->begun)
		return textfile_bad(file, err, "an entry before any switch");
	if (lft->skip)
		return 0;
	if (!scan_number(&scan, 16, UINT16_MAX, &lid))
		return textfile_bad(file, err, "the lid is missing");
	scan_text(&scan, ":");
	if (!scan_number(&scan, 10, UINT32_MAX, &port) && !scan_text(&scan, "UNREACHABLE"))
		return textfile_bad(file, err, "the port is missing");
	return set(lft, file, lft->node, lid, port, err);
}

/* SWITCH LID PORT; NUMBERS gets them. */
static bool three_numbers(struct scan scan, uint64_t numbers[3])
{
	for (int i = 0; i < 3; i++)
		if (!scan_number(&scan, 10, UINT32_MAX, &numbers[i]))
			return false;
	scan_blanks(&scan);
	return !*scan.at || *scan.at == '#';
}

static int columns_line(struct iblft *lft, const struct textfile *file, const uint64_t numbers[3],
			struct err *err)
{
	uint32_t node = find_lid(lft, numbers[0]);

	if (node != NETEMU_NONE)
		return set(lft, file, node, numbers[1], numbers[2], err);
	lft->topology->tables->entries++;
	strange(lft, file, "the fabric has no switch of lid %ju", (uintmax_t)numbers[0]);
	return 0;
}

/* Lines of OpenSM, ibroute and dump_fts that are no entry. */
static bool is_passed_over(const char *line)
{
	static const char *const beginnings[] = { "#", "LID ", "Lid ", "Port ", "ib", "src/", "/" };
	static const char *const inside[] = { "lids dumped", "iberror:", "ibwarn:", "ibpanic:" };
	struct scan scan = { line };

	scan_blanks(&scan);
	if (!*scan.at)
		return true;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (strncmp(scan.at, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++)
		if (strstr(line, inside[i]))
			return true;
	return false;
}

static int take_line(struct iblft *lft, const struct textfile *file, const char *line,
		     struct err *err)
{
	static const char fdbs[] = "dump_ucast_routes: Switch ";
	const char *found = strstr(line, fdbs);
	struct scan scan = { line };
	uint64_t numbers[3];

	scan_blanks(&scan);
	if (strncmp(scan.at, "0x", 2) == 0)
		return entry_line(lft, file, scan, err);
	if (scan_text(&scan, "Unicast lids"))
		return unicast_line(lft, file, scan, err);
	if (scan_text(&scan, "Multicast mlids")) {
		begin(lft, NETEMU_NONE);
		lft->multicast = true;
		return 0;
	}
	if (found)
		return fdbs_line(lft, file, (struct scan){ found + strlen(fdbs) }, err);
	if (lft->multicast)
		return 0;
	if (three_numbers(scan, numbers))
		return columns_line(lft, file, numbers, err);
	if (is_passed_over(line))
		return 0;
	return textfile_bad(file, err, "'%.40s': not a line of a forwarding table", line);
}

int iblft_take(struct iblft *lft, struct textfile *file, struct err *err)
{
	size_t length;
	char *line;

	lft->begun = lft->multicast = false;
	while ((line = textfile_next(file, &length, err)))
		if (take_line(lft, file, line, err) < 0)
			return -1;
	return textfile_failed(file) ? -1 : 0;
}

int iblft_finish(struct iblft *lft, const char *path, struct err *err)
{
	struct topology_tables *tables = lft->topology->tables;

	if (tables->entries == 0)
		return err_set(err, "%s: no forwarding table in it", path);
	for (uint32_t i = 0; i < tables->lids; i++)
		if (tables->node[i] == IBLFT_LEFT_OUT)
			tables->node[i] = NETEMU_NONE;
	return 0;
}

/* --- files --- */

static int read_file(struct iblft *lft, const char *path, struct err *err)
{
	struct textfile file;
	int rc;

	if (textfile_open(&file, path, err) < 0)
		return -1;
	rc = iblft_take(lft, &file, err);
	textfile_close(&file);
	return rc;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_member(struct iblft *lft, const char *folder, const char *name, struct err *err)
{
	struct stat st;
	char *path;
	int rc = 0;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return err_errno(err, "%s", folder);
	if (stat(path, &st) < 0)
		rc = err_errno(err, "unable to read '%s'", path);
	else if (S_ISREG(st.st_mode))
		rc = read_file(lft, path, err);
	free(path);
	return rc;
}

static int read_folder(struct iblft *lft, const char *path, struct err *err)
{
	struct dirent **names;
	int count = scandir(path, &names, is_shown, by_name);
	int rc = 0;

	if (count < 0)
		return err_errno(err, "unable to read '%s'", path);
	for (int i = 0; i < count; i++) {
		if (rc == 0)
			rc = read_member(lft, path, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* The largest LID, 0 when there is none. */
static uint32_t last_lid(const struct topology *topology)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < topology->net.nodes; i++)
		last = topology->nodes[i].lid > last ? topology->nodes[i].lid : last;
	return last;
}

static int put_lid(struct topology *topology, uint32_t node, struct err *err)
{
	uint32_t lid = topology->nodes[node].lid, *at = &topology->tables->node[lid];

	if (lid == 0)
		return 0;
	if (*at != NETEMU_NONE)
		return err_set(err, "%s: '%s' and '%s' have the same lid %u", topology->source,
			       topology->nodes[*at].name, topology->nodes[node].name, lid);
	*at = node;
	return 0;
}

int iblft_tables(struct topology *topology, struct err *err)
{
	uint32_t last = last_lid(topology);
	struct topology_tables *tables;

	if (last == 0 || last > IB_LID_MAX)
		return last ? err_set(err, "%s: lid %u is above the largest one, %u",
				      topology->source, last, IB_LID_MAX)
			    : err_set(err,
				      "%s: no node has a lid, so forwarding tables say nothing",
				      topology->source);
	tables = topology->tables = calloc(1, sizeof(*tables));
	if (!tables)
		return err_errno(err, "%s", topology->source);
	tables->lids = last + 1;
	tables->port = calloc(topology->net.nodes + 1, sizeof(*tables->port));
	tables->node = malloc(tables->lids * sizeof(*tables->node));
	if (!tables->port || !tables->node)
		return err_errno(err, "%s", topology->source);
	memset(tables->node, 0xff, tables->lids * sizeof(*tables->node));
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		if (put_lid(topology, i, err) < 0)
			return -1;
	return 0;
}

int iblft_read(struct topology *topology, const char *path, struct err *err)
{
	struct iblft lft;
	struct stat st;
	int rc;

	if (stat(path, &st) < 0)
		return err_errno(err, "unable to open '%s'", path);
	if (iblft_init(&lft, topology, err) < 0)
		return -1;
	rc = S_ISDIR(st.st_mode) ? read_folder(&lft, path, err) : read_file(&lft, path, err);
	if (rc == 0)
		rc = iblft_finish(&lft, path, err);
	iblft_release(&lft);
	return rc;
}
