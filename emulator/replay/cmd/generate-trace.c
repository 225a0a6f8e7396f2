/* SPDX-License-Identifier: Apache-2.0 */
/* generate-trace.c - nodes of a generated trace */
#include "cmd/generate.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int trace_create(struct trace *trace, const char *prefix, uint32_t rank, struct err *err)
{
	char path[PATH_MAX];

	*trace = (struct trace){ .err = err };
	if (snprintf(path, sizeof(path), "%s.%" PRIu32 ".et", prefix, rank) >= (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", prefix);
	trace->writer = et_create(path, err);
	return trace->writer ? 0 : -1;
}

int trace_finish(struct trace *trace)
{
	if (trace->rc == 0)
		return et_commit(trace->writer, trace->err);
	et_abort(trace->writer);
	return -1;
}

uint64_t trace_add(struct trace *trace, struct et_node *node, const uint64_t *deps, size_t count)
{
	uint64_t *kept = malloc((count + 1) * sizeof(*kept));
	size_t n = 0;

	for (size_t i = 0; kept && i < count; i++)
		if (deps[i] != TRACE_NONE)
			kept[n++] = deps[i];
	node->id = trace->next++;
	node->data_deps = kept;
	node->data_count = n;
	node->has |= ET_HAS_CPU;
	if (!kept)
		trace->rc = err_errno(trace->err, "no room for a node");
	if (trace->rc == 0)
		trace->rc = et_add(trace->writer, node, trace->err);
	free(kept);
	return node->id;
}

uint64_t trace_compute(struct trace *trace, const char *name, uint64_t us, uint64_t after)
{
	struct et_node node = { .name = name, .type = ET_COMP, .duration_us = us };

	return trace_add(trace, &node, &after, 1);
}

uint64_t trace_collective(struct trace *trace, const char *name, uint32_t type, uint64_t size,
			  uint32_t group, uint64_t after)
{
	char text[16];
	struct et_node node = {
		.name = name,
		.type = ET_COMM_COLL,
		.has = ET_HAS_COMM | ET_HAS_SIZE | (group ? ET_HAS_GROUP : 0),
		.comm_type = type,
		.comm_size = size,
		.group = text,
	};

	snprintf(text, sizeof(text), "%" PRIu32, group);
	return trace_add(trace, &node, &after, 1);
}

uint64_t trace_send(struct trace *trace, uint32_t peer, uint32_t tag, uint64_t size, uint64_t after)
{
	struct et_node node = {
		.name = "send",
		.type = ET_COMM_SEND,
		.has = ET_HAS_TARGET | ET_HAS_TAG | ET_HAS_SIZE,
		.comm_dst = peer,
		.comm_tag = tag,
		.comm_size = size,
	};

	return trace_add(trace, &node, &after, 1);
}

uint64_t trace_receive(struct trace *trace, uint32_t peer, uint32_t tag, uint64_t size,
		       uint64_t after)
{
	struct et_node node = {
		.name = "receive",
		.type = ET_COMM_RECV,
		.has = ET_HAS_SOURCE | ET_HAS_TAG | ET_HAS_SIZE,
		.comm_src = peer,
		.comm_tag = tag,
		.comm_size = size,
	};

	return trace_add(trace, &node, &after, 1);
}
