/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void workload_init(struct workload *workload)
{
	*workload = (struct workload){ .epoch = NETEMU_NEVER };
}

static void release_job(struct workload_job *job)
{
	free((void *)job->job.given);
	free(job->name);
	free(job->cluster);
	free(job->placement);
	free(job->node_list);
	traffic_drop(job->traffic);
}

void workload_release(struct workload *workload)
{
	for (size_t i = 0; i < workload->count; i++)
		release_job(&workload->jobs[i]);
	free(workload->jobs);
	workload_init(workload);
}

static int reserve(struct workload *workload)
{
	size_t room = workload->room + workload->room / 2 + 64;
	struct workload_job *jobs;

	if (workload->count < workload->room)
		return 0;
	if (workload->count >= WORKLOAD_MAX) {
		errno = ENOMEM;
		return -1;
	}
	jobs = realloc(workload->jobs, room * sizeof(*jobs));
	if (!jobs)
		return -1;
	workload->jobs = jobs;
	workload->room = room;
	return 0;
}

struct workload_job *workload_add(struct workload *workload)
{
	struct workload_job *job;

	if (reserve(workload) < 0)
		return NULL;
	job = &workload->jobs[workload->count++];
	*job = (struct workload_job){
		.job = { .start = NETEMU_NEVER, .ranks = 1 },
		.compute = NETEMU_NEVER,
		.real_start = NETEMU_NEVER,
		.array_task = NETEMU_NONE,
		.source = workload->sources ? workload->sources - 1 : 0,
	};
	return job;
}

void workload_undo(struct workload *workload)
{
	release_job(&workload->jobs[--workload->count]);
}

void workload_skip(struct workload *workload, enum workload_skip reason)
{
	workload->left_out[reason]++;
	workload->skipped++;
}

char *workload_skip_text(const struct workload *workload, char *buf, size_t size)
{
	static const char *const texts[] = {
#define X(suffix, text) text,
		WORKLOAD_SKIP_LIST(X)
#undef X
	};
	size_t used = 0;

	buf[0] = '\0';
	for (int reason = 0; reason < WORKLOAD_SKIPS; reason++)
		if (workload->left_out[reason] && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%zu %s",
						 used ? ", " : "", workload->left_out[reason],
						 texts[reason]);
	return buf;
}

/* --- order --- */

/* What a job is sorted by; jobs are long, so these are sorted in their place. */
struct key {
	int64_t submit;
	uint64_t id;
	size_t index;
};

static int key_compare(const void *a, const void *b)
{
	const struct key *left = a;
	const struct key *right = b;

	if (left->submit != right->submit)
		return left->submit < right->submit ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

static bool in_order(const struct workload *workload)
{
	for (size_t i = 1; i < workload->count; i++)
		if (workload->jobs[i].job.submit < workload->jobs[i - 1].job.submit)
			return false;
	return true;
}

/* Bring the jobs into the order of KEYS, along the cycles of the permutation. */
static void permute(struct workload *workload, struct key *keys)
{
	for (size_t i = 0; i < workload->count; i++) {
		struct workload_job job = workload->jobs[i];
		size_t at = i;

		while (keys[at].index != i) {
			size_t from = keys[at].index;

			workload->jobs[at] = workload->jobs[from];
			keys[at].index = at;
			at = from;
		}
		workload->jobs[at] = job;
		keys[at].index = at;
	}
}

/* Without memory for keys: slow, but the same. */
static void insertion_sort(struct workload *workload)
{
	for (size_t i = 1; i < workload->count; i++) {
		struct workload_job job = workload->jobs[i];
		size_t at = i;

		for (; at > 0 && workload->jobs[at - 1].job.submit > job.job.submit; at--)
			workload->jobs[at] = workload->jobs[at - 1];
		workload->jobs[at] = job;
	}
}

void workload_sort(struct workload *workload)
{
	struct key *keys;

	if (in_order(workload))
		return;
	keys = malloc(workload->count * sizeof(*keys));
	if (!keys) {
		insertion_sort(workload);
		return;
	}
	for (size_t i = 0; i < workload->count; i++)
		keys[i] = (struct key){ .submit = workload->jobs[i].job.submit, .index = i };
	qsort(keys, workload->count, sizeof(*keys), key_compare);
	permute(workload, keys);
	free(keys);
}

void workload_settle(struct workload *workload)
{
	int64_t first = NETEMU_NEVER;

	for (size_t i = 0; i < workload->count; i++)
		if (workload->jobs[i].clock && workload->jobs[i].job.submit < first)
			first = workload->jobs[i].job.submit;
	for (size_t i = 0; first != NETEMU_NEVER && i < workload->count; i++) {
		struct workload_job *job = &workload->jobs[i];

		if (!job->clock)
			continue;
		job->job.submit -= first;
		job->submit_s = (double)job->job.submit / 1e9;
		if (job->real_start != NETEMU_NEVER)
			job->real_start -= first;
		job->clock = false;
	}
	if (first != NETEMU_NEVER && workload->epoch == NETEMU_NEVER)
		workload->epoch = first;
	workload_sort(workload);
}

/* --- each job once --- */

static int identity_compare(const void *a, const void *b)
{
	const struct key *left = a;
	const struct key *right = b;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return key_compare(a, b);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_job(const struct workload_job *a, const struct workload_job *b)
{
	return a->job.id == b->job.id && a->job.submit == b->job.submit &&
	       a->real_start == b->real_start && a->array_task == b->array_task &&
	       same_text(a->cluster, b->cluster);
}

/* Mark those in KEYS [from, to), equal in id and submission, that are there
 * already.  The tasks of an array come in order, so the last one is looked at
 * first.
 */
static void mark_twice(const struct workload *workload, const struct key *keys, size_t count,
		       bool *gone)
{
	size_t from = 0;

	for (size_t i = 0; i < count; i++) {
		size_t looked = 0;

		if (keys[i].id != keys[from].id || keys[i].submit != keys[from].submit)
			from = i;
		for (size_t j = i; j > from && looked < 4096 && !gone[keys[i].index]; j--, looked++)
			gone[keys[i].index] = same_job(&workload->jobs[keys[j - 1].index],
						       &workload->jobs[keys[i].index]);
	}
}

int workload_unique(struct workload *workload, size_t from)
{
	size_t count = workload->count - from, kept = from;
	struct key *keys = malloc((count + 1) * sizeof(*keys));
	bool *gone = calloc(workload->count + 1, sizeof(*gone));

	if (!keys || !gone) {
		free(keys);
		free(gone);
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		keys[i] = (struct key){
			.submit = workload->jobs[from + i].job.submit,
			.id = workload->jobs[from + i].job.id,
			.index = from + i,
		};
	qsort(keys, count, sizeof(*keys), identity_compare);
	mark_twice(workload, keys, count, gone);
	for (size_t i = from; i < workload->count; i++) {
		if (gone[i]) {
			release_job(&workload->jobs[i]);
			workload_skip(workload, WORKLOAD_TWICE);
		} else {
			workload->jobs[kept++] = workload->jobs[i];
		}
	}
	workload->count = kept;
	free(keys);
	free(gone);
	return 0;
}

/* --- traffic --- */

static int ranks_compare(const void *a, const void *b)
{
	const struct workload_job *left = *(struct workload_job *const *)a;
	const struct workload_job *right = *(struct workload_job *const *)b;

	if (left->job.ranks != right->job.ranks)
		return left->job.ranks < right->job.ranks ? -1 : 1;
	return (left > right) - (left < right);
}

int workload_traffic(struct workload *workload, unsigned int source, const char *pattern,
		     uint64_t bytes, struct err *err)
{
	struct workload_job **jobs = malloc((workload->count + 1) * sizeof(*jobs));
	struct traffic *made = NULL;
	size_t count = 0;
	int rc = 0;

	if (!jobs)
		return err_errno(err, "pattern '%s'", pattern);
	for (size_t i = 0; i < workload->count; i++)
		if (workload->jobs[i].source == source && !workload->jobs[i].traffic)
			jobs[count++] = &workload->jobs[i];
	if (count)
		qsort(jobs, count, sizeof(*jobs), ranks_compare);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (!made || made->ranks != jobs[i]->job.ranks) {
			traffic_drop(made);
			made = NULL;
			rc = traffic_pattern(&made, pattern, jobs[i]->job.ranks, bytes, err);
		}
		if (rc == 0)
			jobs[i]->traffic = traffic_share(made);
	}
	traffic_drop(made);
	free(jobs);
	return rc;
}

double workload_recorded(const struct workload *workload)
{
	double all = 0, recorded = 0;

	for (size_t i = 0; i < workload->count; i++) {
		const struct workload_job *job = &workload->jobs[i];
		double amount = (double)job->duration * (job->job.nodes ? job->job.nodes : 1);

		all += amount;
		recorded += job->recorded ? amount : 0;
	}
	return all > 0 ? recorded / all : 0;
}
