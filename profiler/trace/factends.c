/* SPDX-License-Identifier: Apache-2.0 */
/* factends.c - facts of connections, of which each end knows a half */
#include "trace/factlib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_qps(const void *a, const void *b)
{
	const struct qp_facts *left = *(struct qp_facts *const *)a;
	const struct qp_facts *right = *(struct qp_facts *const *)b;

	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return (left->id > right->id) - (left->id < right->id);
}

/* All queue pairs of the run. */
struct ends {
	const struct trace_run *run;
	const struct facts_handler *handler;
	struct qp_facts **qp; /* by file and id */
	size_t count;
	const struct trace_file *file;
};

static int ends_init(struct ends *ends, const struct facts_collector *collector)
{
	size_t count = 0;

	*ends = (struct ends){ .run = collector->run, .handler = collector->handler };
	for (const struct qp_facts *qp = collector->qps; qp; qp = qp->next)
		count++;
	ends->qp = calloc(count + 1, sizeof(struct qp_facts *));
	if (!ends->qp)
		return -1;
	for (struct qp_facts *qp = collector->qps; qp; qp = qp->next)
		ends->qp[ends->count++] = qp;
	qsort(ends->qp, ends->count, sizeof(struct qp_facts *), compare_qps);
	return 0;
}

static struct qp_facts *end_at(const struct ends *ends, uint32_t file, uint32_t id)
{
	const struct qp_facts wanted = { .file = file, .id = id };
	const struct qp_facts *key = &wanted;
	struct qp_facts **found =
		bsearch(&key, ends->qp, ends->count, sizeof(struct qp_facts *), compare_qps);

	return found ? *found : NULL;
}

static struct qp_facts *peer_at(const struct ends *ends, const struct qp_facts *qp)
{
	return qp && qp->has_peer ? end_at(ends, qp->peer_file, qp->peer_id) : NULL;
}

/* What the clocks of two files may differ by; -1: nobody knows. */
static int64_t uncertainty(const struct trace_file *a, const struct trace_file *b)
{
	if (!strcmp(a->header.node, b->header.node))
		return 0;
	return a->uncertainty < 0 || b->uncertainty < 0 ? -1 : a->uncertainty + b->uncertainty;
}

static const struct fact_dry *dry_of(const struct qp_facts *qp, uint64_t message)
{
	size_t low = 0, high = qp->dries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (qp->dry[middle].message < message)
			low = middle + 1;
		else
			high = middle;
	}
	return low < qp->dries && qp->dry[low].message == message ? &qp->dry[low] : NULL;
}

/* Whether a message was on its way before there was a request for it. */
static int message_posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct ends *ends = arg;
	struct qp_facts *peer = work->qp ? work->qp->user : NULL;
	const struct fact_dry *dry;
	int64_t apart;

	(void)depth;
	if (work->receive || !work->has_message || work->refused)
		return 0;
	if (!peer)
		peer = work->qp->user = peer_at(
			ends, end_at(ends, (uint32_t)(ends->file - ends->run->file), work->qp->id));
	dry = peer && peer->dries ? dry_of(peer, work->message) : NULL;
	if (!dry)
		return 0;
	apart = uncertainty(ends->file, &ends->run->file[peer->file]);
	if (apart >= 0 && work->post_time + apart < dry->time)
		fact_happened(&peer->late, work->post_time, VCALL_POST_RECV);
	return 0;
}

static int begin_again(void *arg, const struct trace_file *file)
{
	((struct ends *)arg)->file = file;
	return 0;
}

static int find_late(struct ends *ends, struct err *err)
{
	const struct trace_handler handler = {
		.arg = ends,
		.match = { .posted = message_posted },
		.begin = begin_again,
	};
	bool any = false;

	for (size_t i = 0; i < ends->count; i++)
		any |= ends->qp[i]->dries && peer_at(ends, ends->qp[i]);
	return any ? trace_run_walk_all(ends->run, &handler, err) : 0;
}

static int compare_pairs(struct ends *ends, struct err *err)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->qp[i]->has_peer &&
		    ends->handler->pair(ends->handler->arg, ends->run, ends->qp[i],
					peer_at(ends, ends->qp[i])) < 0)
			return err_errno(err, "'%s'", ends->run->path);
	return 0;
}

int facts_second_step(const struct facts_collector *collector, struct err *err)
{
	struct ends ends;
	int rc;

	if (ends_init(&ends, collector) < 0)
		return err_errno(err, "'%s'", collector->run->path);
	rc = find_late(&ends, err);
	if (rc == 0)
		rc = compare_pairs(&ends, err);
	free(ends.qp);
	return rc;
}
