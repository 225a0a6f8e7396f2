/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/swf.h"
#include "stats.h"
#include "topology/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPAN_MAX 1577880000.0 /* s: 50 years */

static const char *const field_names[] = {
#define X(name, what) #name,
	SWF_FIELD_LIST(X)
#undef X
};

const double swf_nothing[SWF_FIELDS] = {
#define X(name, what) [SWF_##name] = -1,
	SWF_FIELD_LIST(X)
#undef X
};

struct swf {
	struct workload *workload;
	const struct workload_ask *ask;
	struct textfile *file;
};

static int read_fields(struct swf *swf, const char *line, double *field, struct err *err)
{
	const char *at = line;

	for (int i = 0; i < SWF_FIELDS; i++) {
		char *end;

		at += strspn(at, " \t\r");
		if (!*at)
			return textfile_bad(swf->file, err, "%d fields, a job has %d", i,
					    SWF_FIELDS);
		field[i] = strtod(at, &end);
		if (end == at || (*end && !strchr(" \t\r", *end)) || !isfinite(field[i]))
			return textfile_bad(
				swf->file, err, "field %d (%s): '%.*s' is no number", i + 1,
				field_names[i],
				(int)(strcspn(at, " \t\r") < 40 ? strcspn(at, " \t\r") : 40), at);
		at = end;
	}
	if (at[strspn(at, " \t\r")])
		return textfile_bad(swf->file, err, "more than %d fields", SWF_FIELDS);
	return 0;
}

static int check_fields(struct swf *swf, const double *field, struct err *err)
{
	static const struct {
		int field;
		double max;
	} limits[] = {
		{ SWF_job, 9e15 },
		{ SWF_submit, 4 * SPAN_MAX },
		{ SWF_wait, SPAN_MAX },
		{ SWF_run, SPAN_MAX },
		{ SWF_procs, UINT32_MAX - 1 },
		{ SWF_ask_procs, UINT32_MAX - 1 },
		{ SWF_ask_time, SPAN_MAX },
		{ SWF_ask_memory, 1e15 },
		{ SWF_memory, 1e15 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (field[limits[i].field] > limits[i].max || field[limits[i].field] < -1)
			return textfile_bad(swf->file, err, "field %d (%s): %g cannot be",
					    limits[i].field + 1, field_names[limits[i].field],
					    field[limits[i].field]);
	return 0;
}

/* Why it is no job, or WORKLOAD_SKIPS. */
static enum workload_skip reason_of(const double *field)
{
	double status = field[SWF_status];

	if (status >= 2 && status <= 4)
		return WORKLOAD_PARTIAL;
	if (status == 5 && field[SWF_run] <= 0)
		return WORKLOAD_PENDING;
	if (field[SWF_submit] < 0 || field[SWF_run] < 0)
		return WORKLOAD_TIMES;
	if (field[SWF_procs] < 1 && field[SWF_ask_procs] < 1)
		return WORKLOAD_SIZE;
	return WORKLOAD_SKIPS;
}

static int64_t ns_of(double seconds)
{
	return llround(seconds * 1e9);
}

static int64_t limit_of(const struct swf *swf, const double *field, int64_t duration)
{
	int64_t limit = duration;

	if (field[SWF_ask_time] > 0)
		limit = ns_of(field[SWF_ask_time]);
	else if (swf->ask->limit)
		limit = swf->ask->limit;
	return limit < duration ? duration : limit;
}

static void want(struct netemu_job *job, const double *field)
{
	uint64_t each = job->nodes ? (job->ranks + job->nodes - 1) / job->nodes : 1;
	double memory = field[SWF_ask_memory] > 0 ? field[SWF_ask_memory] : field[SWF_memory];

	job->want[NETEMU_CORES] = job->nodes ? each : 0;
	if (memory > 0)
		job->want[NETEMU_MEMORY] = (uint64_t)(memory * 1024) * each;
}

static int add(struct swf *swf, const double *field)
{
	uint32_t procs =
		(uint32_t)(field[SWF_procs] >= 1 ? field[SWF_procs] : field[SWF_ask_procs]);
	uint32_t per_node = swf->ask->ranks_per_node;
	struct workload_job *job = workload_add(swf->workload);

	if (!job)
		return -1;
	job->submit_s = field[SWF_submit];
	job->duration_s = field[SWF_run];
	job->duration = ns_of(field[SWF_run]);
	job->job.id = field[SWF_job] > 0 ? (uint64_t)field[SWF_job] : 0;
	job->job.submit = ns_of(field[SWF_submit]);
	job->job.ranks = procs;
	job->job.nodes = per_node ? (procs - 1) / per_node + 1 : 0;
	job->job.limit = limit_of(swf, field, job->duration);
	job->job.shares = swf->ask->shares;
	if (field[SWF_wait] >= 0)
		job->real_start = ns_of(field[SWF_submit] + field[SWF_wait]);
	if (swf->ask->resources)
		want(&job->job, field);
	return 0;
}

static int take_line(struct swf *swf, const char *line, struct err *err)
{
	double field[SWF_FIELDS];
	enum workload_skip reason;

	if (read_fields(swf, line, field, err) < 0 || check_fields(swf, field, err) < 0)
		return -1;
	reason = reason_of(field);
	if (reason != WORKLOAD_SKIPS)
		workload_skip(swf->workload, reason);
	else if (add(swf, field) < 0)
		return err_errno(err, "%s", swf->file->name);
	return 0;
}

static int read_lines(struct swf *swf, struct err *err)
{
	size_t length;
	char *line;

	swf->workload->sources++;
	while ((line = textfile_next(swf->file, &length, err)) != NULL) {
		const char *text = line + strspn(line, " \t\r");

		if (*text && *text != ';' && take_line(swf, text, err) < 0)
			return -1;
	}
	return textfile_failed(swf->file) ? -1 : 0;
}

int swf_read(struct workload *workload, const char *path, const struct workload_ask *ask,
	     struct err *err)
{
	struct textfile file;
	struct swf swf = { .workload = workload, .ask = ask, .file = &file };
	int rc;

	if (textfile_open(&file, path, err) < 0)
		return -1;
	rc = read_lines(&swf, err);
	textfile_close(&file);
	return rc;
}

int swf_parse(struct workload *workload, const char *data, size_t size, const char *name,
	      const struct workload_ask *ask, struct err *err)
{
	struct textfile file;
	struct swf swf = { .workload = workload, .ask = ask, .file = &file };
	int rc;

	textfile_open_memory(&file, name, data, size);
	rc = read_lines(&swf, err);
	textfile_close(&file);
	return rc;
}

void swf_write_header(FILE *out, const char *computer, int64_t unix_start, uint32_t nodes,
		      uint64_t procs)
{
	fprintf(out, "; Version: 2.2\n; Computer: %s\n", computer);
	if (unix_start >= 0)
		fprintf(out, "; UnixStartTime: %" PRId64 "\n", unix_start);
	fprintf(out, "; MaxNodes: %u\n; MaxProcs: %" PRIu64 "\n", nodes, procs);
	fprintf(out, "; Fields:");
	for (int i = 0; i < SWF_FIELDS; i++)
		fprintf(out, " %s", field_names[i]);
	fprintf(out, "\n");
}

void swf_write_job(FILE *out, const double field[SWF_FIELDS])
{
	for (int i = 0; i < SWF_FIELDS; i++) {
		const char *gap = i ? " " : "";
		char text[32];

		if (field[i] == floor(field[i]) && fabs(field[i]) < 9e15)
			fprintf(out, "%s%.0f", gap, field[i]);
		else
			fprintf(out, "%s%s", gap, stats_repr(text, sizeof(text), field[i]));
	}
	fprintf(out, "\n");
}
