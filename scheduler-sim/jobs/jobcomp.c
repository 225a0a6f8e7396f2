/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/jobcomp.h"
#include "jobs/slurmtime.h"
#include "topology/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which Slurm writes them; those of several versions. */
#define KEY_LIST(X)        \
	X(JobId)           \
	X(UserId)          \
	X(GroupId)         \
	X(Name)            \
	X(JobState)        \
	X(Partition)       \
	X(TimeLimit)       \
	X(StartTime)       \
	X(EndTime)         \
	X(NodeList)        \
	X(NodeCnt)         \
	X(ProcCnt)         \
	X(WorkDir)         \
	X(ReservationName) \
	X(Tres)            \
	X(Gres)            \
	X(Account)         \
	X(QOS)             \
	X(WcKey)           \
	X(Cluster)         \
	X(SubmitTime)      \
	X(EligibleTime)    \
	X(ArrayJobId)      \
	X(ArrayTaskId)     \
	X(HetJobId)        \
	X(HetJobOffset)    \
	X(PackJobId)       \
	X(PackJobOffset)   \
	X(FedOrigin)       \
	X(FedSiblings)     \
	X(DerivedExitCode) \
	X(ExitCode)

enum key {
#define X(name) KEY_##name,
	KEY_LIST(X)
#undef X
		KEY_COUNT
};

static const char *const key_names[] = {
#define X(name) #name,
	KEY_LIST(X)
#undef X
};

/* The key that TEXT begins with, one of those after AFTER, or KEY_COUNT. */
static int key_at(const char *text, int after)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

	if (!length || text[length] != '=')
		return KEY_COUNT;
	for (int key = after + 1; key < KEY_COUNT; key++)
		if (!strncmp(text, key_names[key], length) && !key_names[key][length])
			return key;
	return KEY_COUNT;
}

/* Whether KEY, found behind a name that may have anything in it, is the real
 * one: a word stands there, and then the partition.
 */
static bool plausible(const char *text, int key)
{
	const char *end;

	if (key != KEY_JobState)
		return true;
	end = strchr(text, ' ');
	return end && key_at(end + 1, KEY_JobState) == KEY_Partition;
}

/* The end of the value that begins at TEXT: the blank before the next key, or
 * the end of the line.  *NEXT gets that key.
 */
static char *value_end(char *text, int key, int *next)
{
	char *p = text;

	while ((p = strchr(p, ' ')) != NULL) {
		*next = key_at(p + 1, key);
		if (key == KEY_Name && *next != KEY_JobState)
			*next = KEY_COUNT;
		if (*next != KEY_COUNT && plausible(p + 1, *next))
			return p;
		p++;
	}
	*next = KEY_COUNT;
	return text + strlen(text);
}

/* The values of LINE, "" for those that are not there. */
static void split(char *line, const char **value)
{
	int key = key_at(line, -1), next;
	char *text = line;

	for (int i = 0; i < KEY_COUNT; i++)
		value[i] = "";
	while (key != KEY_COUNT) {
		char *end;

		text += strlen(key_names[key]) + 1;
		end = value_end(text, key, &next);
		value[key] = text;
		if (next == KEY_COUNT) {
			while (end > text && end[-1] == ' ')
				end--;
		}
		text = *end ? end + 1 : end;
		*end = '\0';
		key = next;
	}
}

struct jobcomp {
	struct workload *workload;
	const struct workload_ask *ask;
	struct textfile *file;
};

static int read_when(struct jobcomp *jobcomp, const char **value, int key, int64_t *ns,
		     struct err *err)
{
	if (slurmtime_when(value[key], ns) < 0)
		return textfile_bad(jobcomp->file, err, "%s '%.40s' is no time", key_names[key],
				    value[key]);
	return 0;
}

static int read_count(struct jobcomp *jobcomp, const char **value, int key, uint64_t *count,
		      struct err *err)
{
	if (slurmtime_count(value[key], count) < 0)
		return textfile_bad(jobcomp->file, err, "%s '%.40s' is no number", key_names[key],
				    value[key]);
	return 0;
}

static int read_id(struct jobcomp *jobcomp, const char **value, struct record *record,
		   struct err *err)
{
	const char *step;
	uint64_t task;

	if (record_id(value[KEY_JobId], &record->id, &record->array_task, &step) < 0)
		return textfile_bad(jobcomp->file, err, "JobId '%.40s' is no job id",
				    value[KEY_JobId]);
	if (*value[KEY_ArrayTaskId]) {
		if (read_count(jobcomp, value, KEY_ArrayTaskId, &task, err) < 0)
			return -1;
		record->array_task = task < NETEMU_NONE ? (uint32_t)task : NETEMU_NONE;
	}
	return 0;
}

static int read_record(struct jobcomp *jobcomp, const char **value, struct record *record,
		       struct err *err)
{
	if (read_id(jobcomp, value, record, err) < 0 ||
	    read_when(jobcomp, value, KEY_SubmitTime, &record->submit, err) < 0 ||
	    read_when(jobcomp, value, KEY_StartTime, &record->start, err) < 0 ||
	    read_when(jobcomp, value, KEY_EndTime, &record->end, err) < 0 ||
	    read_count(jobcomp, value, KEY_NodeCnt, &record->nodes, err) < 0 ||
	    read_count(jobcomp, value, KEY_ProcCnt, &record->cpus, err) < 0)
		return -1;
	if (slurmtime_limit(value[KEY_TimeLimit], &record->limit, &record->has_limit) < 0)
		return textfile_bad(jobcomp->file, err, "TimeLimit '%.40s' is no limit",
				    value[KEY_TimeLimit]);
	record->name = value[KEY_Name];
	record->cluster = strcmp(value[KEY_Cluster], "unknown") ? value[KEY_Cluster] : "";
	record->state = value[KEY_JobState];
	record->nodes_text = value[KEY_NodeList];
	record->tres = value[KEY_Tres];
	return 0;
}

static int take_line(struct jobcomp *jobcomp, char *line, struct err *err)
{
	struct record record = { .array_task = NETEMU_NONE, .elapsed = NETEMU_NEVER };
	const char *value[KEY_COUNT];

	if (strncmp(line, "JobId=", 6))
		return textfile_bad(jobcomp->file, err, "'%.40s' is no line of jobcomp/filetxt",
				    line);
	split(line, value);
	if (!*value[KEY_SubmitTime])
		return textfile_bad(jobcomp->file, err, "there is no SubmitTime");
	if (read_record(jobcomp, value, &record, err) < 0)
		return -1;
	if (record_add(jobcomp->workload, &record, jobcomp->ask) < 0)
		return err_errno(err, "%s", jobcomp->file->name);
	return 0;
}

static int read_lines(struct jobcomp *jobcomp, struct err *err)
{
	size_t length, from = jobcomp->workload->count;
	char *line;

	jobcomp->workload->sources++;
	while ((line = textfile_next(jobcomp->file, &length, err)) != NULL)
		if (*line && take_line(jobcomp, line, err) < 0)
			return -1;
	if (textfile_failed(jobcomp->file))
		return -1;
	if (workload_unique(jobcomp->workload, from) < 0)
		return err_errno(err, "%s", jobcomp->file->name);
	return 0;
}

int jobcomp_read(struct workload *workload, const char *path, const struct workload_ask *ask,
		 struct err *err)
{
	struct textfile file;
	struct jobcomp jobcomp = { .workload = workload, .ask = ask, .file = &file };
	int rc;

	if (textfile_open(&file, path, err) < 0)
		return -1;
	rc = read_lines(&jobcomp, err);
	textfile_close(&file);
	return rc;
}

int jobcomp_parse(struct workload *workload, const char *data, size_t size, const char *name,
		  const struct workload_ask *ask, struct err *err)
{
	struct textfile file;
	struct jobcomp jobcomp = { .workload = workload, .ask = ask, .file = &file };
	int rc;

	textfile_open_memory(&file, name, data, size);
	rc = read_lines(&jobcomp, err);
	textfile_close(&file);
	return rc;
}
