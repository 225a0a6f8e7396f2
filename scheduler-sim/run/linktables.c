/* SPDX-License-Identifier: Apache-2.0 */
/* linktables.c - what the links carried, as a table */
#include "config.h"

#include "report.h"
#include "plain.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *from, *to;
	uint32_t from_port, to_port;
	uint32_t link;
};

static int compare_port(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int order = strcmp(a->from, b->from);

	if (!order)
		order = strcmp(a->to, b->to);
	if (!order)
		order = compare_port(a->from_port, b->from_port);
	if (!order)
		order = compare_port(a->to_port, b->to_port);
	return order ? order : compare_port(a->link, b->link);
}

static struct row *sorted_rows(const struct netemu_net *net)
{
	struct row *rows = calloc(net->links, sizeof(*rows));

	if (!rows)
		return NULL;
	for (uint32_t i = 0; i < net->links; i++)
		rows[i] = (struct row){
			.from = net->name[net->link[i].from],
			.to = net->name[net->link[i].to],
			.from_port = net->link[i].from_port,
			.to_port = net->link[i].to_port,
			.link = i,
		};
	qsort(rows, net->links, sizeof(*rows), by_name);
	return rows;
}

static void put_port(FILE *out, uint32_t port)
{
	if (port == NETEMU_NONE)
		fputs("\t-", out);
	else
		fprintf(out, "\t%" PRIu32, port);
}

/* A whole number as one. */
static void put_real(FILE *out, double number)
{
	char text[32];

	if (number < 9007199254740992.0 && number == floor(number))
		fprintf(out, "\t%.0f", number);
	else
		fprintf(out, "\t%s", stats_repr(text, sizeof(text), number));
}

static void put_row(FILE *out, const struct report *report, const struct row *row)
{
	const struct recorder_link *link = &report->recorder->link[row->link];
	char text[64];

	plain_put_cell(out, row->from);
	putc('\t', out);
	plain_put_cell(out, row->to);
	put_real(out, report->topology->net.link[row->link].capacity);
	fprintf(out, "\t%s", load_text(link->peak_bytes, text, sizeof(text)));
	fprintf(out, "\t%s", load_text(link->peak_flows, text, sizeof(text)));
	put_port(out, row->from_port);
	put_port(out, row->to_port);
	put_real(out, recorder_mean_bytes(report->recorder, row->link));
	put_real(out, recorder_mean_flows(report->recorder, row->link));
	putc('\n', out);
}

int report_links(const struct report *report, struct err *err)
{
	struct row *rows = sorted_rows(&report->topology->net);
	struct outfile file;

	if (!rows)
		return err_errno(err, "%s", report->dir);
	if (report_open(report, &file, "links.tsv", err) < 0) {
		free(rows);
		return -1;
	}
	fputs("src\tdst\tcapacity\tbytes\tflows\tsrc_port\tdst_port\tmean_bytes\tmean_flows\n",
	      file.stream);
	for (uint32_t i = 0; i < report->topology->net.links; i++)
		put_row(file.stream, report, &rows[i]);
	free(rows);
	return outfile_commit(&file, err);
}
