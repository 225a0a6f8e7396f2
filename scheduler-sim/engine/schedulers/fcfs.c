/* SPDX-License-Identifier: Apache-2.0 */
/* fcfs.c - first come, first served: a job that does not fit holds up all behind it */
#include "schedulers.h"

#include <stdio.h>

static int state; /* nothing is kept */

static void *fcfs_create(const struct netemu_net *net, const char *options, char *why,
			 size_t why_size)
{
	(void)net;
	if (!options)
		return &state;
	snprintf(why, why_size, "'%s': fcfs has no options", options);
	return NULL;
}

static void fcfs_destroy(void *arg)
{
	(void)arg;
}

static int fcfs_pass(void *arg, struct netemu_cluster *cluster)
{
	(void)arg;
	while (cluster->queue && cluster->fits(cluster, cluster->queue))
		if (cluster->start(cluster, cluster->queue, NULL, 0) < 0)
			break;
	return 0;
}

const struct netemu_policy scheduler_fcfs = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SCHEDULING,
	.name = "fcfs",
	.alias = "pfsim.scheduler.FCFSScheduler",
	.help = "first come, first served",
	.scheduling = { fcfs_create, fcfs_destroy, fcfs_pass },
};
