/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/sacct.h"
#include "jobs/slurmtime.h"
#include "topology/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS 256

/* Of those that mean the same the first one is believed. */
#define COLUMN_LIST(X)  \
	X(JobIDRaw)     \
	X(JobID)        \
	X(Submit)       \
	X(Start)        \
	X(End)          \
	X(Elapsed)      \
	X(ElapsedRaw)   \
	X(AllocNodes)   \
	X(NNodes)       \
	X(ReqNodes)     \
	X(AllocCPUS)    \
	X(NCPUS)        \
	X(ReqCPUS)      \
	X(NTasks)       \
	X(Timelimit)    \
	X(TimelimitRaw) \
	X(State)        \
	X(NodeList)     \
	X(JobName)      \
	X(Cluster)      \
	X(Priority)     \
	X(AllocTRES)    \
	X(ReqTRES)

enum column {
#define X(name) COLUMN_##name,
	COLUMN_LIST(X)
#undef X
		COLUMN_COUNT
};

static const char *const column_names[] = {
#define X(name) #name,
	COLUMN_LIST(X)
#undef X
};

/* Columns in which a '|' may stand. */
static const char *const free_texts[] = { "JobName", "Comment",    "AdminComment", "SystemComment",
					  "WorkDir", "SubmitLine", "Extra",        "Reason" };

struct sacct {
	struct workload *workload;
	const struct workload_ask *ask;
	struct textfile *file;
	char *header;         /* the header row as it stands; owned */
	int count;            /* columns */
	int at[COLUMN_COUNT]; /* -1: not there */
	int wide;             /* the column that may have a '|' in it */
	bool ends_in_bar;
	bool steps_are_jobs;
	char *field[COLUMNS];
	size_t jobs, steps; /* rows */
	uint64_t counted;   /* ids of jobs that have none */
	/* The job of the latest row, that its steps follow. */
	bool has_job, was_added;
	uint64_t id;
	uint32_t task;
	uint64_t step_tasks;
};

/* Cut LINE at each '|' into at most ROOM fields.  Returns how many there are. */
static int split(char *line, char **field, int room)
{
	int count = 0;

	for (char *p = line;; p++) {
		if (count < room)
			field[count] = p;
		count++;
		p = strchr(p, '|');
		if (!p)
			return count;
		*p = '\0';
	}
}

static void find_columns(struct sacct *sacct)
{
	int wide = -1, wides = 0;

	for (int column = 0; column < COLUMN_COUNT; column++)
		sacct->at[column] = -1;
	for (int i = 0; i < sacct->count; i++) {
		for (int column = 0; column < COLUMN_COUNT; column++)
			if (sacct->at[column] < 0 &&
			    !strcasecmp(sacct->field[i], column_names[column]))
				sacct->at[column] = i;
		for (size_t t = 0; t < sizeof(free_texts) / sizeof(*free_texts); t++)
			if (!strcasecmp(sacct->field[i], free_texts[t])) {
				wide = i;
				wides++;
			}
	}
	sacct->wide = wides == 1 ? wide : sacct->count - 1;
}

static bool any(const struct sacct *sacct, int first, int last)
{
	for (int column = first; column <= last; column++)
		if (sacct->at[column] >= 0)
			return true;
	return false;
}

static int check_columns(const struct sacct *sacct, struct err *err)
{
	if (!any(sacct, 0, COLUMN_COUNT - 1))
		return textfile_bad(sacct->file, err,
				    "no header row of sacct -P (made without -n)");
	if (!any(sacct, COLUMN_Submit, COLUMN_Submit))
		return textfile_bad(sacct->file, err, "there is no column 'Submit'");
	if (!any(sacct, COLUMN_Elapsed, COLUMN_ElapsedRaw) &&
	    !(any(sacct, COLUMN_Start, COLUMN_Start) && any(sacct, COLUMN_End, COLUMN_End)))
		return textfile_bad(sacct->file, err,
				    "there is neither a column 'Elapsed' nor 'Start' and 'End'");
	if (!any(sacct, COLUMN_AllocNodes, COLUMN_NTasks))
		return textfile_bad(
			sacct->file, err,
			"there is no column with nodes or CPUs ('NNodes', 'NCPUS', ...)");
	return 0;
}

static int read_header(struct sacct *sacct, struct err *err)
{
	size_t length;
	char *line = textfile_next(sacct->file, &length, err);

	if (!line)
		return textfile_failed(sacct->file)
			       ? -1
			       : err_set(err, "%s: no header row of sacct -P: the file is empty",
					 sacct->file->name);
	sacct->header = strdup(line);
	if (!sacct->header)
		return err_errno(err, "%s", sacct->file->name);
	length = strlen(line);
	sacct->ends_in_bar = length > 1 && line[length - 1] == '|';
	if (sacct->ends_in_bar)
		line[length - 1] = '\0';
	sacct->count = split(line, sacct->field, COLUMNS);
	if (sacct->count > COLUMNS)
		return textfile_bad(sacct->file, err, "more than %d columns", COLUMNS);
	find_columns(sacct);
	return check_columns(sacct, err);
}

/* The fields of LINE, as many as the header has. */
static int read_fields(struct sacct *sacct, char *line, struct err *err)
{
	int bars = 0, extra;
	char *field = line;

	for (const char *p = line; *p; p++)
		bars += *p == '|';
	if (sacct->ends_in_bar && *line && line[strlen(line) - 1] == '|') {
		line[strlen(line) - 1] = '\0';
		bars--;
	}
	extra = bars + 1 - sacct->count;
	if (extra < 0)
		return textfile_bad(sacct->file, err, "%d columns where the header has %d",
				    bars + 1, sacct->count);
	for (int i = 0; i < sacct->count; i++) {
		char *end = field;

		for (int skip = i == sacct->wide ? extra : 0; skip > 0; skip--)
			end = strchr(end, '|') + 1;
		end = i + 1 < sacct->count ? strchr(end, '|') : NULL;
		sacct->field[i] = field;
		if (end) {
			*end = '\0';
			field = end + 1;
		}
	}
	return 0;
}

static const char *field_of(const struct sacct *sacct, enum column column)
{
	return sacct->at[column] < 0 ? "" : sacct->field[sacct->at[column]];
}

static int read_when(struct sacct *sacct, enum column column, int64_t *ns, struct err *err)
{
	const char *text = field_of(sacct, column);

	if (slurmtime_when(text, ns) < 0)
		return textfile_bad(sacct->file, err, "%s '%.40s' is no time", column_names[column],
				    text);
	return 0;
}

static int read_elapsed(struct sacct *sacct, int64_t *ns, struct err *err)
{
	for (int column = COLUMN_Elapsed; column <= COLUMN_ElapsedRaw; column++) {
		const char *text = field_of(sacct, (enum column)column);

		if (slurmtime_elapsed(text, ns) < 0)
			return textfile_bad(sacct->file, err, "%s '%.40s' is no span of time",
					    column_names[column], text);
		if (*ns != NETEMU_NEVER)
			break;
	}
	return 0;
}

static int read_limit(struct sacct *sacct, struct record *record, struct err *err)
{
	for (int column = COLUMN_Timelimit; column <= COLUMN_TimelimitRaw; column++) {
		const char *text = field_of(sacct, (enum column)column);

		if (slurmtime_limit(text, &record->limit, &record->has_limit) < 0)
			return textfile_bad(sacct->file, err, "%s '%.40s' is no limit",
					    column_names[column], text);
		if (record->has_limit)
			break;
	}
	return 0;
}

/* The first of columns FIRST to LAST that says more than 0. */
static int read_count(struct sacct *sacct, int first, int last, uint64_t *count, struct err *err)
{
	*count = 0;
	for (int column = first; column <= last && !*count; column++) {
		const char *text = field_of(sacct, (enum column)column);

		if (slurmtime_count(text, count) < 0)
			return textfile_bad(sacct->file, err, "%s '%.40s' is no number",
					    column_names[column], text);
	}
	return 0;
}

static int read_id(struct sacct *sacct, struct record *record, const char **step, struct err *err)
{
	const char *raw = field_of(sacct, COLUMN_JobIDRaw), *text = field_of(sacct, COLUMN_JobID);
	const char *ignored;
	uint32_t task;
	uint64_t id;

	*step = NULL;
	if (!*raw && !*text) {
		record->id = ++sacct->counted;
		return 0;
	}
	if (*text && record_id(text, &record->id, &record->array_task, step) < 0)
		return textfile_bad(sacct->file, err, "JobID '%.40s' is no job id", text);
	if (*raw && record_id(raw, &id, &task, *text ? &ignored : step) < 0)
		return textfile_bad(sacct->file, err, "JobIDRaw '%.40s' is no job id", raw);
	if (*raw)
		record->id = id;
	return 0;
}

static int read_record(struct sacct *sacct, struct record *record, struct err *err)
{
	const char *priority = field_of(sacct, COLUMN_Priority);

	if (read_when(sacct, COLUMN_Submit, &record->submit, err) < 0 ||
	    read_when(sacct, COLUMN_Start, &record->start, err) < 0 ||
	    read_when(sacct, COLUMN_End, &record->end, err) < 0 ||
	    read_elapsed(sacct, &record->elapsed, err) < 0 || read_limit(sacct, record, err) < 0 ||
	    read_count(sacct, COLUMN_AllocNodes, COLUMN_ReqNodes, &record->nodes, err) < 0 ||
	    read_count(sacct, COLUMN_AllocCPUS, COLUMN_ReqCPUS, &record->cpus, err) < 0 ||
	    read_count(sacct, COLUMN_NTasks, COLUMN_NTasks, &record->tasks, err) < 0)
		return -1;
	if (!record->nodes && !record->cpus)
		record->cpus = record->tasks;
	record->open = sacct->at[COLUMN_End] >= 0 && record->end == NETEMU_NEVER;
	record->name = field_of(sacct, COLUMN_JobName);
	record->cluster = field_of(sacct, COLUMN_Cluster);
	record->state = field_of(sacct, COLUMN_State);
	record->nodes_text = field_of(sacct, COLUMN_NodeList);
	record->tres = field_of(sacct, COLUMN_AllocTRES);
	if (!*record->tres)
		record->tres = field_of(sacct, COLUMN_ReqTRES);
	if (isdigit((unsigned char)*priority))
		record->priority = strtoll(priority, NULL, 10);
	return 0;
}

/* A step of the latest job tells how many ranks it had. */
static int take_step(struct sacct *sacct, const struct record *record, const char *step,
		     struct err *err)
{
	struct netemu_job *job;
	uint64_t tasks;

	sacct->steps++;
	workload_skip(sacct->workload, WORKLOAD_STEP);
	if (!sacct->has_job || !sacct->was_added || record->id != sacct->id ||
	    record->array_task != sacct->task || !isdigit((unsigned char)*step) ||
	    sacct->ask->ranks_per_node)
		return 0;
	if (read_count(sacct, COLUMN_NTasks, COLUMN_NTasks, &tasks, err) < 0)
		return -1;
	job = &sacct->workload->jobs[sacct->workload->count - 1].job;
	if (tasks > sacct->step_tasks && tasks < NETEMU_NONE) {
		sacct->step_tasks = tasks;
		job->ranks = (uint32_t)tasks;
	}
	return 0;
}

static int take_row(struct sacct *sacct, struct err *err)
{
	struct record record = { .array_task = NETEMU_NONE };
	const char *step;
	int rc;

	if (read_id(sacct, &record, &step, err) < 0)
		return -1;
	if (step && !(sacct->steps_are_jobs && isdigit((unsigned char)*step)))
		return take_step(sacct, &record, step, err);
	if (read_record(sacct, &record, err) < 0)
		return -1;
	rc = record_add(sacct->workload, &record, sacct->ask);
	if (rc < 0)
		return err_errno(err, "%s", sacct->file->name);
	sacct->jobs++;
	sacct->has_job = true;
	sacct->was_added = rc > 0;
	sacct->id = record.id;
	sacct->task = record.array_task;
	sacct->step_tasks = 0;
	return 0;
}

static int read_rows(struct sacct *sacct, struct err *err)
{
	size_t length;
	char *line;

	if (read_header(sacct, err) < 0)
		return -1;
	while ((line = textfile_next(sacct->file, &length, err)) != NULL) {
		if (!*line || !strcmp(line, sacct->header))
			continue; /* files put together have several headers */
		if (read_fields(sacct, line, err) < 0 || take_row(sacct, err) < 0)
			return -1;
	}
	return textfile_failed(sacct->file) ? -1 : 0;
}

/* Where the rows come from: a file, or memory. */
struct origin {
	const char *name, *data;
	size_t size;
};

static int read_once(struct workload *workload, const struct origin *origin,
		     const struct workload_ask *ask, bool steps_are_jobs, bool *only_steps,
		     struct err *err)
{
	struct textfile file;
	struct sacct sacct = {
		.workload = workload,
		.ask = ask,
		.file = &file,
		.steps_are_jobs = steps_are_jobs,
	};
	int rc;

	if (origin->data)
		textfile_open_memory(&file, origin->name, origin->data, origin->size);
	else if (textfile_open(&file, origin->name, err) < 0)
		return -1;
	rc = read_rows(&sacct, err);
	*only_steps = sacct.steps && !sacct.jobs;
	free(sacct.header);
	textfile_close(&file);
	return rc;
}

static int read_origin(struct workload *workload, const struct origin *origin,
		       const struct workload_ask *ask, struct err *err)
{
	size_t from = workload->count, skipped = workload->left_out[WORKLOAD_STEP];
	bool only_steps;

	workload->sources++;
	if (read_once(workload, origin, ask, false, &only_steps, err) < 0)
		return -1;
	if (only_steps) {
		workload->skipped -= workload->left_out[WORKLOAD_STEP] - skipped;
		workload->left_out[WORKLOAD_STEP] = skipped;
		return read_once(workload, origin, ask, true, &only_steps, err);
	}
	if (workload_unique(workload, from) < 0)
		return err_errno(err, "%s", origin->name);
	return 0;
}

int sacct_read(struct workload *workload, const char *path, const struct workload_ask *ask,
	       struct err *err)
{
	return read_origin(workload, &(struct origin){ .name = path }, ask, err);
}

int sacct_parse(struct workload *workload, const char *data, size_t size, const char *name,
		const struct workload_ask *ask, struct err *err)
{
	return read_origin(workload, &(struct origin){ .name = name, .data = data, .size = size },
			   ask, err);
}
