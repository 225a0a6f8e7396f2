/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/record.h"
#include "jobs/slurmtime.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int number_of(const char *text, char **end, uint64_t limit, uint64_t *number)
{
	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*number = strtoull(text, end, 10);
	return errno || *number > limit ? -1 : 0;
}

int record_id(const char *text, uint64_t *id, uint32_t *task, const char **step)
{
	uint64_t number;
	char *end;

	*task = NETEMU_NONE;
	*step = NULL;
	if (number_of(text, &end, INT64_MAX, id) < 0)
		return -1;
	if (*end == '+') {
		if (number_of(end + 1, &end, UINT32_MAX, &number) < 0)
			return -1;
		*id += number;
	} else if (*end == '_' && end[1] == '[') { /* tasks that have not started */
		end = strchr(end, ']');
		if (!end)
			return -1;
		end++;
	} else if (*end == '_') {
		if (number_of(end + 1, &end, NETEMU_NONE - 1, &number) < 0)
			return -1;
		*task = (uint32_t)number;
	}
	if (*end == '.' && end[1])
		*step = end + 1;
	return *end && !*step ? -1 : 0;
}

uint64_t record_tres(const char *tres, const char *key)
{
	size_t length = strlen(key);
	char value[32];
	uint64_t count;

	for (; tres && *tres; tres += strcspn(tres, ",")) {
		size_t used;

		tres += *tres == ',';
		if (strncmp(tres, key, length) || tres[length] != '=')
			continue;
		used = strcspn(tres + length + 1, ",");
		if (used >= sizeof(value))
			return 0;
		memcpy(value, tres + length + 1, used);
		value[used] = '\0';
		return slurmtime_count(value, &count) < 0 ? 0 : count;
	}
	return 0;
}

/* Whether it never had a node. */
static bool never_started(const struct record *record)
{
	const char *nodes = record->nodes_text;

	if (record->state && !strncasecmp(record->state, "PENDING", 7))
		return true;
	if (nodes && (!strcasecmp(nodes, "None assigned") || !strcmp(nodes, "(null)")))
		return true;
	return record->start == NETEMU_NEVER && record->state &&
	       (!strncasecmp(record->state, "CANCELLED", 9) ||
		!strncasecmp(record->state, "REVOKED", 7) ||
		!strncasecmp(record->state, "DEADLINE", 8));
}

static bool running(const struct record *record)
{
	static const char *const states[] = { "RUNNING", "SUSPENDED", "RESIZING" };

	if (record->open && record->start != NETEMU_NEVER)
		return true;
	for (size_t i = 0; record->state && i < sizeof(states) / sizeof(*states); i++)
		if (!strncasecmp(record->state, states[i], strlen(states[i])))
			return true;
	return false;
}

/* The run time, or NETEMU_NEVER. */
static int64_t duration_of(const struct record *record)
{
	if (record->elapsed != NETEMU_NEVER)
		return record->elapsed;
	if (record->start == NETEMU_NEVER || record->end == NETEMU_NEVER ||
	    record->end < record->start)
		return NETEMU_NEVER;
	return record->end - record->start;
}

/* Why it is no job, or WORKLOAD_SKIPS. */
static enum workload_skip reason_of(const struct record *record)
{
	if (never_started(record))
		return WORKLOAD_PENDING;
	if (running(record))
		return WORKLOAD_RUNNING;
	if (record->submit == NETEMU_NEVER || duration_of(record) == NETEMU_NEVER)
		return WORKLOAD_TIMES;
	if ((!record->nodes && !record->cpus) || record->nodes >= NETEMU_NONE ||
	    record->cpus >= NETEMU_NONE)
		return WORKLOAD_SIZE;
	return WORKLOAD_SKIPS;
}

static int64_t limit_of(const struct record *record, const struct workload_ask *ask,
			int64_t duration)
{
	int64_t limit = record->limit;

	if (!record->has_limit)
		limit = ask->limit ? ask->limit : duration;
	else if (limit == NETEMU_NEVER && ask->limit)
		limit = ask->limit;
	return limit < duration ? duration : limit;
}

static uint32_t ranks_of(const struct record *record, const struct workload_ask *ask)
{
	uint64_t ranks = record->tasks;

	if (ask->ranks_per_node && record->nodes)
		ranks = record->nodes * ask->ranks_per_node;
	if (!ranks)
		ranks = record->cpus ? record->cpus : record->nodes;
	return ranks < NETEMU_NONE ? (uint32_t)ranks : NETEMU_NONE - 1;
}

/* TOTAL in equal parts, rounded up. */
static uint64_t share(uint64_t total, uint64_t parts)
{
	return parts ? total / parts + (total % parts != 0) : 0;
}

static void want(struct netemu_job *job, const struct record *record)
{
	job->want[NETEMU_CORES] = share(record->cpus, job->nodes);
	job->want[NETEMU_GPUS] = share(record_tres(record->tres, "gres/gpu"), job->nodes);
	job->want[NETEMU_MEMORY] = share(record_tres(record->tres, "mem"), job->nodes);
}

static char *copy(const char *text, bool *failed)
{
	char *made = text && *text ? strdup(text) : NULL;

	*failed |= text && *text && !made;
	return made;
}

int record_add(struct workload *workload, const struct record *record,
	       const struct workload_ask *ask)
{
	enum workload_skip reason = reason_of(record);
	struct workload_job *job;
	bool failed = false;

	if (reason != WORKLOAD_SKIPS) {
		workload_skip(workload, reason);
		return 0;
	}
	job = workload_add(workload);
	if (!job)
		return -1;
	job->duration = duration_of(record);
	job->duration_s = (double)job->duration / 1e9;
	job->submit_s = (double)record->submit / 1e9;
	job->real_start = record->start;
	job->array_task = record->array_task;
	job->clock = true;
	job->job.id = record->id;
	job->job.submit = record->submit;
	job->job.nodes = (uint32_t)record->nodes;
	job->job.ranks = ranks_of(record, ask);
	job->job.limit = limit_of(record, ask, job->duration);
	job->job.priority = record->priority;
	job->job.shares = ask->shares;
	if (ask->resources)
		want(&job->job, record);
	job->name = copy(record->name, &failed);
	job->cluster = copy(record->cluster, &failed);
	job->node_list = copy(record->nodes_text, &failed);
	if (!failed)
		return 1;
	workload_undo(workload);
	return -1;
}
