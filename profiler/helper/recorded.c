/* SPDX-License-Identifier: Apache-2.0 */
#include "recorded.h"
#include "closing.h"
#include "export.h"
#include "finish.h"
#include "home.h"
#include "ringhead.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool recorded_is_live(const char *file, uint32_t rank)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%u%s", instrument.prefix, rank, instrument.suffix);
	return !strcmp(strrchr(file, '/') + 1, name);
}

int recorded_peek(const char *file, struct instrument_owner *owner)
{
	struct vring_header header;

	if (ringhead_read(file, &header, NULL) < 0)
		return -1;
	*owner = (struct instrument_owner){
		.rank = header.rank,
		.ranks = header.ranks,
		.pid = header.pid,
		.procid = header.procid == UINT32_MAX ? -1 : (int)header.procid,
		.begun = header.first.realtime,
	};
	memcpy(owner->node, header.node, sizeof(owner->node));
	return 0;
}

void recorded_finish(struct roster_world *world, struct roster_rank *rank, const char *name)
{
	const char *file = rank->nlive ? rank->live[rank->nlive - 1] : NULL;
	struct vring_header header;
	struct err err;

	if (!file)
		return;
	if (ringhead_read(file, &header, &err) < 0) {
		home_log(world, name, "rank %u: %s", rank->rank, err.text);
		return;
	}
	rank->complete = header.clean;
	if (!finish_is_gone(rank))
		home_log(world, name, "rank %u: process %d still runs and writes '%s'", rank->rank,
			 rank->pid, file);
	else if (roster_place(world, rank, file) == 0)
		finish_fetch(world, rank, name);
}

/* --- the closing line --- */

struct recorded {
	struct closing closing;
	uint64_t records, lost, overwritten;
	uint32_t raw; /* ranks that have no JSON */
	const char *rundir;
};

static void add_file(struct closing *totals, int dir, const char *name)
{
	struct recorded *recorded = (struct recorded *)totals;
	struct vring_header header;
	uint64_t records;
	char path[PATH_MAX];

	(void)dir;
	snprintf(path, sizeof(path), "%s/%s/%s", recorded->rundir, instrument.directory, name);
	if (ringhead_count(path, &header, &records, NULL) < 0) {
		totals->broken++;
		return;
	}
	totals->ranks++;
	totals->size = header.ranks > totals->size ? header.ranks : totals->size;
	totals->incomplete += !header.clean;
	closing_add_node(totals, header.node);
	recorded->records += records;
	recorded->lost += header.lost;
	recorded->overwritten += header.overwritten;
	recorded->raw += !export_is_there(recorded->rundir, header.rank);
}

static void print_records(FILE *out, uint64_t count, const char *what)
{
	char text[32];

	if (count)
		fprintf(out, "; %s record%s %s", units_grouped(text, sizeof(text), count),
			count == 1 ? "" : "s", what);
}

static void print_line(const struct closing *totals, const char *rundir, FILE *out)
{
	const struct recorded *recorded = (const struct recorded *)totals;
	char text[32];

	(void)rundir;
	fprintf(out, ", %s record%s", units_grouped(text, sizeof(text), recorded->records),
		recorded->records == 1 ? "" : "s");
	print_records(out, recorded->overwritten, "gave room to newer ones");
	print_records(out, recorded->lost, "found no room");
	/* the helper may still be at it */
	closing_print_count(out, recorded->raw, "not exported yet");
}

int recorded_closing(const char *rundir, FILE *out, struct err *err)
{
	struct recorded recorded = { .rundir = rundir };

	return closing_print(&recorded.closing, add_file, print_line, rundir, out, err);
}
