/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "trace/rankshead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ranks_bypass(struct rankfile *rank, const char *name)
{
	char **grown;

	for (size_t i = 0; i < rank->nbypass; i++)
		if (!strcmp(rank->bypass[i], name))
			return 0;
	grown = reallocarray(rank->bypass, rank->nbypass + 1, sizeof(*grown));
	if (!grown)
		return -1;
	rank->bypass = grown;
	grown[rank->nbypass] = strdup(name);
	if (!grown[rank->nbypass])
		return -1;
	rank->nbypass++;
	return 0;
}

static int copy_text(char **to, const char *text)
{
	if (*to || !*text)
		return 0;
	*to = strdup(text);
	return *to ? 0 : -1;
}

static bool is_whole(const struct trace_file *file)
{
	return file->header.clean && !file->dropped && !file->header.lost &&
	       file->header.level == VRING_FULL;
}

/* Any numbers may stand in a file: what no time can be is 0. */
static int64_t sum(int64_t a, int64_t b)
{
	int64_t all;

	return __builtin_add_overflow(a, b, &all) ? 0 : all;
}

static int64_t difference(int64_t a, int64_t b)
{
	int64_t left;

	return __builtin_sub_overflow(a, b, &left) ? 0 : left;
}

/* What the head of FILE says of its rank; the first file of each says who it is. */
static int add_file(struct rankfile *rank, const struct trace_file *file)
{
	const struct vring_header *header = &file->header;
	int64_t start = sum(header->first.monotonic, file->offset);
	double seconds = (double)difference(header->last.monotonic, header->first.monotonic) / 1e9;

	if (!rank->node) {
		rank->complete = true;
		rank->pid = header->pid;
		rank->init_realtime = start;
	}
	rank->complete &= is_whole(file);
	rank->dropped += file->dropped + header->lost;
	if (start < rank->init_realtime)
		rank->init_realtime = start;
	if (seconds > rank->duration)
		rank->duration = seconds;
	if (copy_text(&rank->node, *header->node ? header->node : "unknown") < 0 ||
	    copy_text(&rank->job, header->job) < 0 || copy_text(&rank->step, header->step) < 0 ||
	    copy_text(&rank->program, header->program) < 0)
		return -1;
	if (header->level != VRING_FULL)
		return ranks_bypass(rank, "the data path, which was not recorded (level=),");
	return 0;
}

static uint64_t count_ranks(const struct trace_run *run)
{
	uint64_t count = 1;

	for (uint32_t i = 0; i < run->files; i++) {
		const struct trace_file *file = &run->file[i];

		if (file->header.ranks > count)
			count = file->header.ranks;
		if (file->rank >= count)
			count = (uint64_t)file->rank + 1;
	}
	return count;
}

int ranks_make(struct ranks *ranks, const struct trace_run *run)
{
	uint64_t count = count_ranks(run);

	errno = E2BIG;
	ranks->rank = count <= RANKS_MAX ? calloc(count, sizeof(*ranks->rank)) : NULL;
	if (!ranks->rank)
		return -1;
	ranks->count = (uint32_t)count;
	for (uint32_t i = 0; i < run->files; i++)
		if (add_file(&ranks->rank[run->file[i].rank], &run->file[i]) < 0)
			return -1;
	for (uint32_t i = 0; i < count; i++) {
		struct rankfile *rank = &ranks->rank[i];

		rank->rank = i;
		rank->ranks = ranks->count;
		rank->resolution = 1;
		rank->precise = true;
		ranks->dropped += rank->dropped;
		ranks->unknown += !rank->node;
		rank->description = strdup("netemu trace matrix " PACKAGE_VERSION);
		if (!rank->description)
			return -1;
	}
	return 0;
}
