/* SPDX-License-Identifier: Apache-2.0 */
#include "result/noderows.h"

#include "plain.h"
#include "result/report.h"

#include <inttypes.h>

int noderows_open(struct noderows *rows, const char *path, struct err *err)
{
	if (outfile_open(&rows->file, path, err) < 0)
		return -1;
	fputs("rank\tid\tname\tlane\tstart_ns\trecorded_ns\treplayed_ns\n", rows->file.stream);
	return 0;
}

void noderows_add(struct noderows *rows, uint32_t rank, const struct graph *graph, uint32_t node,
		  enum lane lane, int64_t start, int64_t end)
{
	const struct graph_node *one = &graph->nodes[node];
	FILE *out = rows->file.stream;

	if (!out)
		return;
	fprintf(out, "%" PRIu32 "\t%" PRIu64 "\t", rank, one->id);
	plain_put_cell(out, graph_name(graph, one->name));
	fprintf(out, "\t%s\t%" PRIi64 "\t%" PRIi64 "\t%" PRIi64 "\n", report_lane_name(lane), start,
		(int64_t)one->duration_us * 1000, end - start);
}

int noderows_close(struct noderows *rows, struct err *err)
{
	return rows->file.stream ? outfile_commit(&rows->file, err) : 0;
}

void noderows_abort(struct noderows *rows)
{
	outfile_abort(&rows->file);
}
