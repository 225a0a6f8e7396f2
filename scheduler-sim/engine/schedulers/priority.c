/* SPDX-License-Identifier: Apache-2.0 */
/* priority.c - most important first
 *
 *	priority[:WEIGHT=NUMBER,...]
 *
 * A job's importance is the sum of
 *	given	the priority it came with (weight 1 unless told)
 *	age	hours it has waited
 *	size	hosts it wants, as a share of all hosts
 *	short	1 / hours asked for
 * times their weights.  Equal ones in the order of submission.  A job that does
 * not fit holds up all less important ones.  All jobs age alike, so which of
 * two is more important never changes, and the order can be kept.
 */
#include "schedulers.h"
#include "ordered.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600e9 /* ns */

enum { GIVEN, AGE, SIZE, SHORT, WEIGHTS };

static const char *const names[WEIGHTS] = { "given", "age", "size", "short" };

struct priority {
	struct ordered ordered;
	double weight[WEIGHTS];
	uint32_t hosts;
};

/* One "NAME=NUMBER" up to a comma or the end.  Returns what is behind it, or
 * NULL.
 */
static const char *take_weight(struct priority *priority, const char *text)
{
	for (int i = 0; i < WEIGHTS; i++) {
		size_t length = strlen(names[i]);
		char *end;

		if (strncmp(text, names[i], length) != 0 || text[length] != '=')
			continue;
		priority->weight[i] = strtod(text + length + 1, &end);
		if (end == text + length + 1 || !isfinite(priority->weight[i]) ||
		    (*end && *end != ','))
			return NULL;
		return *end ? end + 1 : end;
	}
	return NULL;
}

static void *priority_create(const struct netemu_net *net, const char *options, char *why,
			     size_t why_size)
{
	struct priority *priority = calloc(1, sizeof(*priority));

	if (!priority)
		return NULL;
	priority->hosts = net->hosts;
	priority->weight[GIVEN] = 1;
	for (const char *text = options; text && *text;) {
		const char *rest = take_weight(priority, text);

		if (!rest) {
			snprintf(why, why_size,
				 "'%s': not given=, age=, size= or short= with a number", text);
			free(priority);
			return NULL;
		}
		text = rest;
	}
	return priority;
}

static void priority_destroy(void *arg)
{
	struct priority *priority = arg;

	ordered_release(&priority->ordered);
	free(priority);
}

/* Age grows with time alike for all: what counts is when a job came. */
static double key_of(void *arg, const struct netemu_job *job)
{
	const struct priority *priority = arg;
	const double *weight = priority->weight;
	double hours = fmax((double)job->limit, 1e9) / HOUR;

	return -(weight[GIVEN] * (double)job->priority - weight[AGE] * (double)job->submit / HOUR +
		 weight[SIZE] * job->nodes / priority->hosts + weight[SHORT] / hours);
}

static int priority_pass(void *arg, struct netemu_cluster *cluster)
{
	struct priority *priority = arg;

	return ordered_pass(&priority->ordered, cluster, key_of, priority);
}

const struct netemu_policy scheduler_priority = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "priority",
	.help = "most important first; weights given=, age= (per hour), size=, short=",
	.scheduling = { priority_create, priority_destroy, priority_pass },
};
