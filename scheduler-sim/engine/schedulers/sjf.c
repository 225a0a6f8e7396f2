/* SPDX-License-Identifier: Apache-2.0 */
/* sjf.c - shortest job first, by the time asked for
 *
 * Equal ones in the order of submission.  A job that does not fit holds up all
 * longer ones, so none of them can starve it.
 */
#include "schedulers.h"
#include "ordered.h"

#include <stdio.h>
#include <stdlib.h>

static void *sjf_create(const struct netemu_net *net, const char *options, char *why,
			size_t why_size)
{
	(void)net;
	if (!options)
		return calloc(1, sizeof(struct ordered));
	snprintf(why, why_size, "'%s': sjf has no options", options);
	return NULL;
}

static void sjf_destroy(void *arg)
{
	ordered_release(arg);
	free(arg);
}

static double limit_of(void *arg, const struct netemu_job *job)
{
	(void)arg;
	return (double)job->limit;
}

static int sjf_pass(void *arg, struct netemu_cluster *cluster)
{
	return ordered_pass(arg, cluster, limit_of, NULL);
}

const struct netemu_policy scheduler_sjf = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "sjf",
	.help = "shortest job first, by the time asked for",
	.scheduling = { sjf_create, sjf_destroy, sjf_pass },
};
