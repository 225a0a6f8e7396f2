/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "linktables.h"
#include "load/linkwrite.h"

static double mean_bytes(const void *recorder, uint32_t link)
{
	return recorder_mean_bytes(recorder, link);
}

static double mean_flows(const void *recorder, uint32_t link)
{
	return recorder_mean_flows(recorder, link);
}

/* The peaks as a table.  Returns 0, or -1 with errno. */
static int make_table(struct linktable *table, const struct report *report)
{
	struct loads loads;
	int rc;

	if (loads_init(&loads, report->topology->net.links) < 0)
		return -1;
	for (uint32_t i = 0; i < loads.count; i++)
		loads.link[i] = (struct load){
			.bytes = report->recorder->link[i].peak_bytes,
			.flows = report->recorder->link[i].peak_flows,
		};
	rc = linktable_make(table, report->topology, &loads);
	loads_release(&loads);
	return rc;
}

int linktables_write(const struct report *report, struct err *err)
{
	const struct link_extra means[] = {
		{ "mean_bytes", mean_bytes, report->recorder },
		{ "mean_flows", mean_flows, report->recorder },
	};
	struct linktable table;
	struct outfile file;

	if (make_table(&table, report) < 0)
		return err_errno(err, "%s", report->dir);
	if (report_open(report->dir, &file, "links.tsv", err) < 0) {
		linktable_release(&table);
		return -1;
	}
	linktable_tsv_with(&table, means, 2, file.stream);
	linktable_release(&table);
	return outfile_commit(&file, err);
}
