/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include "device/netlink.h"
#include "load/linkwrite.h"
#include "outfile.h"

#include <stdlib.h>
#include <string.h>

static uint64_t get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static int compare(const void *a, const void *b)
{
	const struct linkrow *x = a, *y = b;
	int order = linkrow_compare(x, y);

	return order ? order : x->link < y->link ? -1 : x->link > y->link;
}

static struct linkrow row_of(const struct shared_link *link, uint32_t number)
{
	return (struct linkrow){
		.src = link->from,
		.dst = link->to,
		.src_port = link->from_port,
		.dst_port = link->to_port,
		.link = number,
		.capacity = net_link_rate(link),
		.bytes = load_whole(get(&link->bytes)),
		.messages = get(&link->messages),
		.wire_bytes = get(&link->wire_bytes),
		.queue_ns = get(&link->queue_ns),
	};
}

int links_table(struct linktable *table, const struct fabric *fabric)
{
	const struct shared_header *header = fabric->segment.header;
	uint32_t first = header->routes_at ? 2 * header->devices : 0;

	memset(table, 0, sizeof(*table));
	table->row = malloc((header->links + (size_t)1) * sizeof(*table->row));
	if (!table->row)
		return -1;
	table->room = header->links;
	for (int column = 0; column < LINK_COLUMN_COUNT; column++)
		table->has[column] = true;
	for (uint32_t i = first; i < header->links; i++)
		table->row[table->count++] = row_of(net_link(fabric, i), i - first);
	qsort(table->row, table->count, sizeof(*table->row), compare);
	return 0;
}

int links_write(const struct fabric *fabric, const char *path, struct err *err)
{
	struct linktable table;
	struct outfile file;
	int rc;

	if (links_table(&table, fabric) < 0)
		return err_errno(err, "unable to list links");
	rc = outfile_open(&file, path, err);
	if (rc == 0) {
		linktable_tsv(&table, file.stream);
		rc = outfile_commit(&file, err);
	}
	linktable_release(&table);
	return rc;
}
