/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/account.h"

#include <string.h>

#define SEND_SIGNALED (1 << 1) /* enum ibv_send_flags */
#define SEND_INLINE   (1 << 3)
#define QP_UD         4 /* enum ibv_qp_type */

static uint32_t at_most(uint32_t index, uint32_t count)
{
	return index < count ? index : count - 1;
}

static void count(struct account_count *to, uint64_t bytes)
{
	to->messages++;
	to->bytes += bytes;
}

void account_release(struct account *account)
{
	histogram_release(&account->latency);
	histogram_release(&account->lag);
}

/* --- sizes --- */

static unsigned power_of(uint64_t bytes)
{
	return bytes ? 64 - (unsigned)__builtin_clzll(bytes) : 0;
}

static void add_size(struct account *account, uint64_t bytes, uint64_t messages)
{
	uint32_t i = 0;

	while (i < account->sizes && i < ACCOUNT_SIZES && account->size[i].bytes != bytes)
		i++;
	if (i < ACCOUNT_SIZES && i == account->sizes) {
		account->size[i].bytes = bytes;
		account->size[i].messages = 0;
		account->sizes++;
	}
	if (i < ACCOUNT_SIZES)
		account->size[i].messages += messages;
	else
		account->sizes = ACCOUNT_SIZES + 1;
}

/* --- time --- */

/* From NOW on there are OUTSTANDING requests. */
static void set_depth(struct account_depth *depth, uint32_t outstanding, int64_t now)
{
	if (depth->since && now > depth->since) {
		depth->sum += (double)depth->now * (double)(now - depth->since);
		depth->duration += (double)(now - depth->since);
	}
	if (now > depth->since)
		depth->since = now;
	depth->now = outstanding;
	if (outstanding > depth->most)
		depth->most = outstanding;
}

static void set_active(struct account *account, int64_t first, int64_t last)
{
	if (first && (!account->first || first < account->first))
		account->first = first;
	if (last > account->last)
		account->last = last;
}

/* --- events --- */

static void posted_send(struct account *account, const struct work *work)
{
	count(&account->posted[at_most(work->opcode, ACCOUNT_OPCODES)], work->bytes);
	account->inlined += !!(work->flags & SEND_INLINE);
	account->signaled += (work->flags & SEND_SIGNALED) || (work->qp && work->qp->sig_all);
	add_size(account, work->bytes, 1);
	account->power[power_of(work->bytes)]++;
	set_active(account, work->post_time, work->post_time);
}

int account_posted(struct account *account, const struct work *work, uint32_t outstanding)
{
	if (work->refused) {
		account->refused++;
		return 0;
	}
	if (work->receive)
		account->receives++;
	else
		posted_send(account, work);
	set_depth(work->receive ? &account->receive : &account->send, outstanding, work->post_time);
	return 0;
}

static int ended_send(struct account *account, const struct work *work)
{
	int64_t latency = work->end_time - work->post_time;

	set_active(account, 0, work->end_time);
	account->inferred += work->inferred;
	if (work->status)
		return 0;
	count(&account->sent[at_most(work->opcode, ACCOUNT_OPCODES)], work->bytes);
	if (work->inferred)
		return 0;
	return histogram_add(&account->latency, latency > 0 ? (uint64_t)latency : 0);
}

static uint64_t without_header(const struct work *work)
{
	bool has_one = work->qp && work->qp->type == QP_UD && work->bytes >= ACCOUNT_GRH;

	return work->bytes - (has_one ? ACCOUNT_GRH : 0);
}

int account_ended(struct account *account, const struct work *work, uint32_t outstanding)
{
	int rc = 0;

	if (!work->inferred)
		account->status[at_most(work->status, ACCOUNT_STATUSES)]++;
	if (!work->posted)
		account->unmatched++;
	if (work->receive && !work->status)
		count(&account->received, without_header(work));
	else if (!work->receive && work->posted)
		rc = ended_send(account, work);
	set_depth(work->receive ? &account->receive : &account->send, outstanding, work->end_time);
	return rc;
}

void account_left(struct account *account, const struct work *work)
{
	if (work->unsure)
		return;
	if (work->receive)
		account->receives_left++;
	else
		account->left++;
}

void account_counted(struct account *account, const struct vring_summary *summary, int64_t first,
		     int64_t last)
{
	uint64_t requests = 0;

	for (uint32_t i = 0; i < VRING_OPCODES; i++) {
		struct account_count *posted = &account->posted[at_most(i, ACCOUNT_OPCODES)];

		posted->messages += summary->by_opcode[i].requests;
		posted->bytes += summary->by_opcode[i].bytes;
		requests += summary->by_opcode[i].requests;
	}
	for (uint32_t i = 0; i < VRING_SIZES; i++)
		account->power[at_most(i, ACCOUNT_POWERS)] += summary->send_sizes[i];
	if (requests)
		account->sizes = ACCOUNT_SIZES + 1;
	for (uint32_t i = 0; i < VRING_STATUSES; i++)
		account->status[at_most(i, ACCOUNT_STATUSES)] += summary->by_status[i];
	account->refused += summary->refused;
	account->receives += summary->receives;
	account->received.messages += summary->received;
	account->received.bytes += summary->received_bytes;
	account->counted += requests;
	account->counted_sent += summary->sent;
	if (requests)
		set_active(account, first, last);
}

/* The middle of a bucket, but nothing beyond what there was. */
static double middle_of(const struct vring_latency *latency, uint32_t bucket)
{
	double begin = (double)vring_latency_begin(bucket);
	double middle = (begin + (double)vring_latency_begin(bucket + 1) - 1) / 2;

	if (middle < (double)latency->min || bucket == 0)
		return (double)latency->min;
	if (middle > (double)latency->max || bucket == VRING_LATENCY_BUCKETS - 1)
		return (double)latency->max;
	return middle;
}

static int add_buckets(struct histogram *to, const struct vring_latency *latency, double rate)
{
	for (uint32_t i = 0; i < VRING_LATENCY_BUCKETS; i++)
		if (histogram_add_many(to, (uint64_t)(middle_of(latency, i) * rate),
				       latency->bucket[i]) < 0)
			return -1;
	return 0;
}

/* Buckets may be a moment older than the rest: the process may write still. */
int account_counted_latency(struct account *account, const struct vring_latency *latency,
			    double rate)
{
	struct histogram one = { 0 };
	int rc;

	if (!latency->count || latency->min > latency->max)
		return 0;
	account->latency_counted = true;
	rc = add_buckets(&one, latency, rate);
	if (rc == 0 && one.count) {
		one.min = (uint64_t)((double)latency->min * rate);
		one.max = (uint64_t)((double)latency->max * rate);
		one.sum = (double)latency->sum * rate;
		rc = histogram_merge(&account->latency, &one);
	}
	histogram_release(&one);
	return rc;
}

void account_close(struct account *account)
{
	uint64_t bytes = account_posts(account).bytes;

	account->qps = 1;
	account->senders = account_posts(account).messages > 0;
	account->most_bytes = bytes;
	account->bytes_squared = (double)bytes * (double)bytes;
}

/* --- sums --- */

static void merge_sizes(struct account *to, const struct account *from)
{
	if (from->sizes > ACCOUNT_SIZES)
		to->sizes = ACCOUNT_SIZES + 1;
	for (uint32_t i = 0; i < from->sizes && i < ACCOUNT_SIZES; i++)
		add_size(to, from->size[i].bytes, from->size[i].messages);
	for (uint32_t i = 0; i < ACCOUNT_POWERS; i++)
		to->power[i] += from->power[i];
}

static void merge_depth(struct account_depth *to, const struct account_depth *from)
{
	to->sum += from->sum;
	to->duration += from->duration;
	if (from->most > to->most)
		to->most = from->most;
}

static void merge_counts(struct account_count *to, const struct account_count *from, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		to[i].messages += from[i].messages;
		to[i].bytes += from[i].bytes;
	}
}

int account_merge(struct account *to, const struct account *from)
{
	merge_counts(to->posted, from->posted, ACCOUNT_OPCODES);
	merge_counts(to->sent, from->sent, ACCOUNT_OPCODES);
	merge_counts(&to->received, &from->received, 1);
	to->qps += from->qps;
	to->receives += from->receives;
	to->refused += from->refused;
	to->inferred += from->inferred;
	to->unmatched += from->unmatched;
	to->left += from->left;
	to->receives_left += from->receives_left;
	to->inlined += from->inlined;
	to->signaled += from->signaled;
	to->counted += from->counted;
	to->counted_sent += from->counted_sent;
	to->latency_counted = to->latency_counted || from->latency_counted;
	for (uint32_t i = 0; i < ACCOUNT_STATUSES; i++)
		to->status[i] += from->status[i];
	merge_sizes(to, from);
	set_active(to, from->first, from->last);
	merge_depth(&to->send, &from->send);
	merge_depth(&to->receive, &from->receive);
	to->senders += from->senders;
	to->bytes_squared += from->bytes_squared;
	if (from->most_bytes > to->most_bytes)
		to->most_bytes = from->most_bytes;
	return histogram_merge(&to->lag, &from->lag) < 0
		       ? -1
		       : histogram_merge(&to->latency, &from->latency);
}

static struct account_count sum(const struct account_count *counts)
{
	struct account_count all = { 0 };

	for (uint32_t i = 0; i < ACCOUNT_OPCODES; i++) {
		all.messages += counts[i].messages;
		all.bytes += counts[i].bytes;
	}
	return all;
}

struct account_count account_posts(const struct account *account)
{
	return sum(account->posted);
}

struct account_count account_sent(const struct account *account)
{
	return sum(account->sent);
}

uint64_t account_errors(const struct account *account)
{
	uint64_t errors = 0;

	for (uint32_t i = 1; i < ACCOUNT_STATUSES; i++)
		errors += account->status[i];
	return errors;
}

double account_seconds(const struct account *account)
{
	return account->last > account->first ? (double)(account->last - account->first) / 1e9 : 0;
}

double account_mean_depth(const struct account_depth *depth)
{
	return depth->duration > 0 ? depth->sum / depth->duration : 0;
}

double account_imbalance(const struct account *account)
{
	double mean = (double)account_posts(account).bytes;

	if (account->senders < 2 || mean <= 0)
		return 1;
	return (double)account->most_bytes / (mean / (double)account->senders);
}

double account_fairness(const struct account *account)
{
	double all = (double)account_posts(account).bytes;

	if (account->senders < 2 || account->bytes_squared <= 0)
		return 1;
	return all * all / ((double)account->senders * account->bytes_squared);
}
