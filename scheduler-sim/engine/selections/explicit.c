/* SPDX-License-Identifier: Apache-2.0 */
/* explicit.c - the hosts the real job had */
#include "selections.h"
#include "engine/hostset.h"

#include <stdio.h>

static int state; /* nothing is kept */

static void *explicit_create(const struct netemu_net *net, const char *options, char *why,
			     size_t why_size)
{
	(void)net;
	if (!options)
		return &state;
	snprintf(why, why_size, "'%s': explicit has no options", options);
	return NULL;
}

static void explicit_destroy(void *arg)
{
	(void)arg;
}

static uint32_t explicit_select(void *arg, struct netemu_select *select, uint32_t *hosts)
{
	const struct netemu_job *job = select->job;
	uint32_t count = job->nodes ? job->nodes : job->ngiven;

	(void)arg;
	if (!job->given || count > job->ngiven || count > select->net->hosts)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		if (job->given[i] >= select->net->hosts ||
		    !hostset_has(select->available, job->given[i]))
			return 0;
		hosts[i] = job->given[i];
	}
	return count;
}

const struct netemu_policy selection_explicit = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SELECTION,
	.name = "explicit",
	.help = "the hosts the real job had; it waits for them",
	.selection = { explicit_create, explicit_destroy, explicit_select },
};
