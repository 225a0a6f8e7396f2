/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/load.h"

void load_show(struct load *load, uint64_t done, uint64_t all, uint64_t file_bytes)
{
	double part = all ? (double)done / (double)all : 1;
	uint64_t mib = file_bytes >> 20;

	if (load->silent)
		return;
	part = load->before + (1 - load->before) * part;
	if (load->files > 1)
		waymark_show(&load->mark, "traces read", load->file + part, load->files);
	else
		waymark_show(&load->mark, "MiB of the trace read", part * (double)mib, mib);
}

/* Two passes. */
static void progress(void *arg, uint64_t done, uint64_t all)
{
	load_show(arg, done, all, all / 2);
}

int load_graph(struct load *load, struct graph *graph, const char *path,
	       const struct graph_options *options, struct err *err)
{
	struct graph_options shown = *options;
	int rc;

	shown.progress = progress;
	shown.progress_arg = load;
	rc = graph_load(graph, path, &shown, err);
	if (rc < 0 || load->file + 1 >= load->files)
		waymark_end(&load->mark);
	return rc;
}
