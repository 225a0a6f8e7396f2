/* SPDX-License-Identifier: Apache-2.0 */
/* graph-load.c - two passes over a trace: nodes, then edges */
#include "chakra/graph-parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRESS_NODES 4096 /* between two calls */

struct loading {
	struct graph *graph;
	const struct graph_options *options;
	struct graph_texts texts;
	struct graph_lists parents;
	uint32_t nodes_room, extras_room, sizes_room;
	uint32_t *found; /* parents of one node, by index; owned */
	size_t found_count, found_room;
	bool sorted; /* ids ascend in the file */
};

/* ---- nodes ---- */

/* *LIST with room for COUNT + MORE of SIZE bytes. */
static int reserve(void **list, uint32_t count, uint64_t more, uint32_t *room, size_t size)
{
	uint64_t need = count + more, grown = *room ? *room : 64;
	void *bigger;

	if (need <= *room)
		return 0;
	while (grown < need)
		grown += grown / 2 + 1;
	if (grown >= GRAPH_NONE)
		grown = GRAPH_NONE - 1;
	if (need > grown) {
		errno = EOVERFLOW;
		return -1;
	}
	bigger = reallocarray(*list, grown, size);
	if (!bigger)
		return -1;
	*list = bigger;
	*room = (uint32_t)grown;
	return 0;
}

static int add_sizes(struct loading *loading, const struct et_node *node, struct graph_extra *extra)
{
	struct graph *graph = loading->graph;

	if (!node->sizes_count)
		return 0;
	if (reserve((void **)&graph->sizes, graph->sizes_count, node->sizes_count,
		    &loading->sizes_room, sizeof(*graph->sizes)) < 0)
		return -1;
	extra->sizes = graph->sizes_count;
	extra->sizes_count = (uint32_t)node->sizes_count;
	memcpy(graph->sizes + graph->sizes_count, node->sizes,
	       node->sizes_count * sizeof(*graph->sizes));
	graph->sizes_count += extra->sizes_count;
	return 0;
}

/* What NODE says beyond a duration, when it says anything. */
static int add_extra(struct loading *loading, const struct et_node *node, uint32_t *index)
{
	struct graph *graph = loading->graph;
	struct graph_extra extra = {
		.num_ops = node->num_ops,
		.tensor_size = node->tensor_size,
		.comm_size = node->comm_size,
		.comm_src = node->comm_src,
		.comm_dst = node->comm_dst,
		.comm_tag = node->comm_tag,
		.root = node->root,
		.has = node->has,
		.comm_type = node->comm_type,
		.comm_priority = node->comm_priority,
		.group = GRAPH_NONE,
		.dims = node->dims,
		.dims_count = node->dims_count,
	};

	*index = GRAPH_NONE;
	if (!(node->has & ~(uint32_t)(ET_HAS_CPU | ET_HAS_STREAM)) && !node->sizes_count)
		return 0;
	if (node->has & ET_HAS_GROUP) {
		extra.group = graph_text(graph, &loading->texts, node->group);
		if (extra.group == GRAPH_NONE)
			return -1;
	}
	if (add_sizes(loading, node, &extra) < 0 ||
	    reserve((void **)&graph->extras, graph->extras_count, 1, &loading->extras_room,
		    sizeof(*graph->extras)) < 0)
		return -1;
	*index = graph->extras_count;
	graph->extras[graph->extras_count++] = extra;
	return 0;
}

static int add_node(struct loading *loading, const struct et_node *node)
{
	struct graph *graph = loading->graph;
	bool known = node->type <= ET_COMM_COLL;
	struct graph_node *to;

	if (reserve((void **)&graph->nodes, graph->count, 1, &loading->nodes_room,
		    sizeof(*graph->nodes)) < 0)
		return -1;
	to = &graph->nodes[graph->count];
	*to = (struct graph_node){
		.id = node->id,
		.duration_us = node->duration_us,
		.name = GRAPH_NONE,
		.type = known ? (uint8_t)node->type : ET_INVALID,
		.is_cpu = node->is_cpu,
	};
	if (loading->options->names) {
		to->name = graph_text(graph, &loading->texts, node->name);
		if (to->name == GRAPH_NONE)
			return -1;
	}
	if (add_extra(loading, node, &to->extra) < 0)
		return -1;
	if (node->values && graph_add_groups(graph, &loading->texts, node->values) < 0)
		return -1;
	if (graph->count && to[-1].id >= to->id)
		loading->sorted = false;
	graph->by_type[to->type]++;
	graph->unknown += !known;
	graph->data_edges += node->data_count;
	graph->ctrl_edges += node->ctrl_count;
	graph->count++;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct graph_node *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int sort_nodes(struct loading *loading, struct err *err)
{
	struct graph *graph = loading->graph;

	if (loading->sorted)
		return 0;
	qsort(graph->nodes, graph->count, sizeof(*graph->nodes), compare_ids);
	for (uint32_t i = 1; i < graph->count; i++)
		if (graph->nodes[i].id == graph->nodes[i - 1].id)
			return err_set(err, "%s: two nodes have the id %" PRIu64, graph->path,
				       graph->nodes[i].id);
	return 0;
}

/* ---- edges ---- */

/* Most edges are to a node near by: look around HINT before all. */
static uint32_t find_near(const struct graph *graph, uint64_t id, uint32_t hint)
{
	const struct graph_node *nodes = graph->nodes;
	uint32_t low, high, step = 1;

	if (nodes[hint].id == id)
		return hint;
	if (nodes[hint].id < id) {
		low = hint;
		while (step < graph->count - low && nodes[low + step].id < id) {
			low += step;
			step *= 2;
		}
		high = step < graph->count - low ? low + step : graph->count - 1;
	} else {
		high = hint;
		while (step < high && nodes[high - step].id > id) {
			high -= step;
			step *= 2;
		}
		low = step < high ? high - step : 0;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (nodes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return nodes[low].id == id ? low : GRAPH_NONE;
}

static int add_found(struct loading *loading, uint32_t index)
{
	size_t room = loading->found_room ? 2 * loading->found_room : 64;
	uint32_t *found;

	if (loading->found_count == loading->found_room) {
		found = reallocarray(loading->found, room, sizeof(*found));
		if (!found)
			return -1;
		loading->found = found;
		loading->found_room = room;
	}
	loading->found[loading->found_count++] = index;
	return 0;
}

/* Look DEPS of node OWN up; those in force are kept. */
static int look_up(struct loading *loading, uint32_t own, const uint64_t *deps, size_t count,
		   bool in_force, uint64_t *self, uint64_t *dangling)
{
	uint32_t hint = own, index;

	for (size_t i = 0; i < count; i++) {
		index = find_near(loading->graph, deps[i], hint);
		if (index == own) {
			++*self;
		} else if (index == GRAPH_NONE) {
			++*dangling;
		} else {
			hint = index;
			if (in_force && add_found(loading, index) < 0)
				return -1;
		}
	}
	return 0;
}

static int compare_indices(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort_found(struct loading *loading)
{
	size_t count = 0;

	for (size_t i = 1; i < loading->found_count; i++) {
		if (loading->found[i - 1] > loading->found[i]) {
			qsort(loading->found, loading->found_count, sizeof(*loading->found),
			      compare_indices);
			break;
		}
	}
	for (size_t i = 0; i < loading->found_count; i++)
		if (!count || loading->found[count - 1] != loading->found[i])
			loading->found[count++] = loading->found[i];
	loading->graph->repeated += loading->found_count - count;
	loading->found_count = count;
}

/* Append the parents of OWN; lists come in the order of the file, so begin[] says where. */
static int put_parents(struct loading *loading, uint32_t own)
{
	struct graph_lists *lists = &loading->parents;
	uint64_t need = lists->size + 10 + 5 * (uint64_t)loading->found_count, room;
	uint8_t *at;

	if (need > lists->room) {
		room = need + need / 4 + 65536;
		at = realloc(lists->bytes, room);
		if (!at)
			return -1;
		lists->bytes = at;
		lists->room = room;
	}
	lists->begin[own] = lists->size;
	at = lists->bytes + lists->size;
	for (size_t i = 0; i < loading->found_count; i++)
		at = graph_put(at, i ? loading->found[i] - loading->found[i - 1]
				     : graph_first(own, loading->found[0]));
	lists->size = (uint64_t)(at - lists->bytes);
	loading->graph->nodes[own].parents = (uint32_t)loading->found_count;
	return 0;
}

static int add_edges(struct loading *loading, const struct et_node *node, uint32_t own)
{
	struct graph *graph = loading->graph;
	unsigned deps = loading->options->deps ? loading->options->deps : GRAPH_DATA;

	loading->found_count = 0;
	if (look_up(loading, own, node->data_deps, node->data_count, deps & GRAPH_DATA,
		    &graph->data_self, &graph->data_dangling) < 0 ||
	    look_up(loading, own, node->ctrl_deps, node->ctrl_count, deps & GRAPH_CTRL,
		    &graph->ctrl_self, &graph->ctrl_dangling) < 0)
		return -1;
	sort_found(loading);
	return put_parents(loading, own);
}

/* ---- passes ---- */

static void tell(const struct loading *loading, const struct et_reader *reader, int pass)
{
	const struct graph_options *options = loading->options;
	uint64_t length = et_length(reader);

	if (options->progress)
		options->progress(options->progress_arg, et_position(reader) + (pass ? length : 0),
				  2 * length);
}

static int read_nodes(struct loading *loading, struct et_reader *reader, struct err *err)
{
	struct graph *graph = loading->graph;
	struct et_node node;
	int rc;

	while ((rc = et_next(reader, &node, NULL, err)) > 0) {
		if (add_node(loading, &node) < 0)
			return err_errno(err, "%s: %u nodes", graph->path, graph->count);
		if (graph->count % PROGRESS_NODES == 0)
			tell(loading, reader, 0);
	}
	snprintf(graph->version, sizeof(graph->version), "%s", et_version(reader));
	snprintf(graph->schema, sizeof(graph->schema), "%s", et_schema(reader));
	return rc < 0 ? -1 : sort_nodes(loading, err);
}

static int read_edges(struct loading *loading, struct et_reader *reader, struct err *err)
{
	struct graph *graph = loading->graph;
	uint32_t count = 0, own = 0;
	struct et_node node;
	int rc;

	while ((rc = et_next(reader, &node, NULL, err)) > 0) {
		own = loading->sorted ? count : graph_find(graph, node.id);
		if (count++ == graph->count || own >= graph->count ||
		    graph->nodes[own].id != node.id)
			return err_set(err, "%s: the file has changed while it was read",
				       graph->path);
		if (add_edges(loading, &node, own) < 0)
			return err_errno(err, "%s: edges of %u nodes", graph->path, graph->count);
		if (count % PROGRESS_NODES == 0)
			tell(loading, reader, 1);
	}
	if (rc == 0 && count != graph->count)
		return err_set(err, "%s: the file has changed while it was read", graph->path);
	return rc;
}

/* Lists in the order of the nodes: graph_walk_list() takes the next one's beginning as the end. */
static int order_lists(struct loading *loading)
{
	struct graph_lists *lists = &loading->parents, ordered = { 0 };
	const uint32_t count = loading->graph->count;
	struct graph_walk walk;
	uint64_t size = 0;

	lists->begin[count] = lists->size;
	if (loading->sorted)
		return 0;
	ordered.bytes = malloc(lists->size + 1);
	ordered.begin = calloc((size_t)count + 1, sizeof(*ordered.begin));
	if (!ordered.bytes || !ordered.begin) {
		free(ordered.bytes);
		free(ordered.begin);
		return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		/* as many as the node has parents, wherever the list ends */
		walk = (struct graph_walk){ .at = lists->bytes + lists->begin[i],
					    .end = lists->bytes + lists->size,
					    .index = i };
		for (uint32_t k = loading->graph->nodes[i].parents; k; k--)
			graph_next(&walk);
		ordered.begin[i] = size;
		memcpy(ordered.bytes + size, lists->bytes + lists->begin[i],
		       (size_t)(walk.at - (lists->bytes + lists->begin[i])));
		size += (uint64_t)(walk.at - (lists->bytes + lists->begin[i]));
	}
	ordered.begin[count] = ordered.size = size;
	free(lists->bytes);
	free(lists->begin);
	*lists = ordered;
	return 0;
}

static int make_edges(struct loading *loading, struct err *err)
{
	struct graph *graph = loading->graph;

	if (order_lists(loading) < 0 || graph_transpose(graph, &loading->parents) < 0)
		return err_errno(err, "%s: edges of %u nodes", graph->path, graph->count);
	return graph_check_cycles(graph, &loading->parents, err);
}

static int pass(struct loading *loading, const char *path,
		int (*read)(struct loading *, struct et_reader *, struct err *), struct err *err)
{
	struct et_reader *reader = et_open(path, err);
	int rc;

	if (!reader)
		return -1;
	rc = read(loading, reader, err);
	et_close(reader);
	return rc;
}

int graph_load(struct graph *graph, const char *path, const struct graph_options *options,
	       struct err *err)
{
	static const struct graph_options plain = { .names = true };
	struct loading loading = {
		.graph = graph,
		.options = options ? options : &plain,
		.sorted = true,
	};
	struct stat status;
	int rc = -1;

	*graph = (struct graph){ .path = strdup(path) };
	if (stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		graph_release(graph);
		return err_set(err, "'%s' is not a file: it is to be read twice", path);
	}
	if (!graph->path)
		return err_errno(err, "%s", path);
	if (pass(&loading, path, read_nodes, err) == 0) {
		loading.parents.begin =
			calloc((size_t)graph->count + 1, sizeof(*loading.parents.begin));
		if (!loading.parents.begin)
			err_errno(err, "%s: %u nodes", path, graph->count);
		else
			rc = pass(&loading, path, read_edges, err);
	}
	if (rc == 0)
		rc = make_edges(&loading, err);
	graph_texts_release(&loading.texts);
	free(loading.parents.bytes);
	free(loading.parents.begin);
	free(loading.found);
	if (rc < 0)
		graph_release(graph);
	return rc;
}
