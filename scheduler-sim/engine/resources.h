/* SPDX-License-Identifier: Apache-2.0 */
/* resources.h - what the hosts of a cluster have, and who has taken it
 *
 * A job has its hosts alone unless it says that it shares them; then it takes
 * of each host what it wants (cores: at least those for its ranks), and other
 * jobs that share may have the rest.  Licences are of the whole cluster.  A
 * capacity of 0 is one that is not counted: any want of it is met.
 */
#ifndef NETEMU_RESOURCES_H
#define NETEMU_RESOURCES_H

#include "err.h"
#include "hostset.h"

/* Hosts with at least SLOTS slots. */
struct host_class {
	uint32_t slots;
	netemu_hostset *set; /* owned */
	uint32_t count;
	uint64_t capacity; /* slots of them all */
};

struct host_use { /* of one host by jobs that share it */
	uint64_t used[NETEMU_RESOURCES];
	uint32_t jobs;
};

struct resources {
	const struct netemu_net *net;
	uint64_t have[NETEMU_RESOURCES];
	uint32_t hosts;
	uint32_t least_slots, most_slots;
	netemu_hostset *idle, *shared; /* no job; jobs that share; owned */
	uint32_t nidle;
	uint64_t idle_slots;
	uint64_t licences;        /* free */
	struct host_use *use;     /* [hosts]; owned; NULL while no job shares */
	struct host_class *class; /* made when first asked for; owned */
	size_t nclasses;
	netemu_hostset *scratch; /* owned */
	uint32_t *seen, round;   /* hosts looked at in this round; owned */
};

/* Nothing taken.  Returns 0, or -1 with errno ENOMEM. */
int resources_init(struct resources *res, const struct netemu_net *net, const uint64_t *have);
void resources_release(struct resources *res);

/* Slots that each host must have for JOB: its part of the ranks. */
uint32_t resources_slots(const struct netemu_job *job);

/* Could JOB run on the empty cluster?  Returns 0, or -1 with the reason in ERR. */
int resources_feasible(struct resources *res, const struct netemu_job *job, struct err *err);

/* Take those that JOB can never use out of SET. */
void resources_mask(struct resources *res, const struct netemu_job *job, netemu_hostset *set);

/* As netemu_cluster's functions of these names. */
bool resources_fit(struct resources *res, const struct netemu_job *job);
uint32_t resources_available(struct resources *res, const struct netemu_job *job,
			     netemu_hostset *set);

/* All hosts have what JOB wants of a host. */
bool resources_suits_all(const struct resources *res, const struct netemu_job *job);

/* JOB's hosts are all idle ones that it can use, so resources_available() need
 * not be asked.
 */
bool resources_plain(struct resources *res, const struct netemu_job *job);

/* Are COUNT HOSTS what JOB wants: each once, none that is not (with NOW: now)
 * available, and as many as it needs?
 */
bool resources_valid(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		     uint32_t count, bool now);

/* Returns 0, or -1 with errno ENOMEM. */
int resources_take(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		   uint32_t count);
void resources_give(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		    uint32_t count);

#endif
