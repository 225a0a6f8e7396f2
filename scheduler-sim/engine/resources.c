/* SPDX-License-Identifier: Apache-2.0 */
#include "resources.h"

#include <inttypes.h>
#include <stdlib.h>

int resources_init(struct resources *res, const struct netemu_net *net, const uint64_t *have)
{
	size_t words = hostset_words(net->hosts);

	*res = (struct resources){ .net = net, .hosts = net->hosts, .nidle = net->hosts };
	memcpy(res->have, have, sizeof(res->have));
	res->licences = have[NETEMU_LICENCES];
	res->least_slots = UINT32_MAX;
	for (uint32_t h = 0; h < net->hosts; h++) {
		res->idle_slots += net->slots[h];
		if (net->slots[h] < res->least_slots)
			res->least_slots = net->slots[h];
		if (net->slots[h] > res->most_slots)
			res->most_slots = net->slots[h];
	}
	res->idle = calloc(words, sizeof(*res->idle));
	res->shared = calloc(words, sizeof(*res->shared));
	res->scratch = calloc(words, sizeof(*res->scratch));
	res->seen = calloc(net->hosts, sizeof(*res->seen));
	if (!res->idle || !res->shared || !res->scratch || !res->seen) {
		resources_release(res);
		return -1;
	}
	hostset_fill(res->idle, net->hosts);
	return 0;
}

void resources_release(struct resources *res)
{
	for (size_t i = 0; i < res->nclasses; i++)
		free(res->class[i].set);
	free(res->class);
	free(res->idle);
	free(res->shared);
	free(res->scratch);
	free(res->seen);
	free(res->use);
	*res = (struct resources){ 0 };
}

uint32_t resources_slots(const struct netemu_job *job)
{
	return job->nodes ? (uint32_t)(((uint64_t)job->ranks + job->nodes - 1) / job->nodes) : 1;
}

/* Slots and cores are the same unless the cluster was told its cores. */
static uint32_t slots_wanted(const struct resources *res, const struct netemu_job *job)
{
	uint32_t slots = resources_slots(job);
	uint64_t cores = res->have[NETEMU_CORES] ? 0 : job->want[NETEMU_CORES];

	if (cores <= slots)
		return slots;
	return cores < UINT32_MAX ? (uint32_t)cores : UINT32_MAX;
}

static int make_class(struct resources *res, struct host_class *class, uint32_t slots)
{
	*class = (struct host_class){ .slots = slots };
	class->set = calloc(hostset_words(res->hosts), sizeof(*class->set));
	if (!class->set)
		return -1;
	for (uint32_t h = 0; h < res->hosts; h++) {
		if (res->net->slots[h] < slots)
			continue;
		hostset_add(class->set, h);
		class->count++;
		class->capacity += res->net->slots[h];
	}
	return 0;
}

/* The hosts with SLOTS slots, or NULL without memory.  Numbers of slots between
 * those that hosts have make the same class; there are few.
 */
static const struct host_class *find_class(struct resources *res, uint32_t slots)
{
	struct host_class *class;

	if (slots > res->most_slots)
		slots = res->most_slots + 1;
	for (size_t i = 0; i < res->nclasses; i++)
		if (res->class[i].slots == slots)
			return &res->class[i];
	class = reallocarray(res->class, res->nclasses + 1, sizeof(*class));
	if (!class)
		return NULL;
	res->class = class;
	if (make_class(res, &class[res->nclasses], slots) < 0)
		return NULL;
	return &class[res->nclasses++];
}

static int check_wants(const struct resources *res, const struct netemu_job *job, struct err *err)
{
	static const struct {
		enum netemu_resource resource;
		const char *name, *of;
	} counted[] = {
		{ NETEMU_CORES, "cores", "of each host" },
		{ NETEMU_GPUS, "GPUs", "of each host" },
		{ NETEMU_MEMORY, "bytes of memory", "of each host" },
		{ NETEMU_LICENCES, "licences", "in all" },
	};

	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		uint64_t have = res->have[counted[i].resource];
		uint64_t want = job->want[counted[i].resource];

		if (have && want > have)
			return err_set(err, "wants %" PRIu64 " %s %s, there are %" PRIu64, want,
				       counted[i].name, counted[i].of, have);
	}
	return 0;
}

int resources_feasible(struct resources *res, const struct netemu_job *job, struct err *err)
{
	uint32_t slots = slots_wanted(res, job);
	const struct host_class *class = find_class(res, slots);

	if (!class)
		return err_set(err, "no memory");
	if (job->nodes == 0 && job->ranks == 0)
		return err_set(err, "wants no hosts");
	if (job->nodes > res->hosts)
		return err_set(err, "wants %u hosts, the cluster has %u", job->nodes, res->hosts);
	if (class->count == 0)
		return err_set(err, "wants hosts with %u slots, the cluster has none", slots);
	if (class->count < job->nodes)
		return err_set(err, "wants %u hosts with %u slots, the cluster has %u", job->nodes,
			       slots, class->count);
	if (job->nodes == 0 && class->capacity < job->ranks)
		return err_set(err, "wants %u slots, the cluster has %" PRIu64, job->ranks,
			       class->capacity);
	return check_wants(res, job, err);
}

bool resources_suits_all(const struct resources *res, const struct netemu_job *job)
{
	return slots_wanted(res, job) <= res->least_slots;
}

bool resources_plain(struct resources *res, const struct netemu_job *job)
{
	return !job->shares && resources_suits_all(res, job);
}

void resources_mask(struct resources *res, const struct netemu_job *job, netemu_hostset *set)
{
	const struct host_class *class;

	if (resources_suits_all(res, job))
		return;
	class = find_class(res, slots_wanted(res, job));
	for (size_t w = 0; w < hostset_words(res->hosts); w++)
		set[w] &= class ? class->set[w] : 0;
}

/* What JOB, which shares, takes of HOST. */
static uint64_t taken(const struct resources *res, const struct netemu_job *job, uint32_t host,
		      enum netemu_resource resource)
{
	uint64_t want = job->want[resource];

	if (resource != NETEMU_CORES)
		return want;
	if (job->nodes)
		return want > resources_slots(job) ? want : resources_slots(job);
	return want ? want : res->net->slots[host];
}

static uint64_t capacity(const struct resources *res, uint32_t host, enum netemu_resource resource)
{
	if (res->have[resource])
		return res->have[resource];
	return resource == NETEMU_CORES ? res->net->slots[host] : UINT64_MAX;
}

static bool has_room(const struct resources *res, const struct netemu_job *job, uint32_t host)
{
	for (enum netemu_resource r = NETEMU_CORES; r < NETEMU_LICENCES; r++) {
		uint64_t has = capacity(res, host, r), used = res->use[host].used[r];

		if (used > has || taken(res, job, host, r) > has - used)
			return false;
	}
	return true;
}

uint32_t resources_available(struct resources *res, const struct netemu_job *job,
			     netemu_hostset *set)
{
	hostset_copy(set, res->idle, res->hosts);
	if (job->shares && res->use)
		HOSTSET_FOREACH (h, res->shared, res->hosts)
			if (has_room(res, job, h))
				hostset_add(set, h);
	resources_mask(res, job, set);
	return resources_plain(res, job) ? res->nidle : hostset_count(set, res->hosts);
}

static bool has_licences(const struct resources *res, const struct netemu_job *job)
{
	return !res->have[NETEMU_LICENCES] || job->want[NETEMU_LICENCES] <= res->licences;
}

bool resources_fit(struct resources *res, const struct netemu_job *job)
{
	uint64_t slots = 0;
	uint32_t count;

	if (!has_licences(res, job))
		return false;
	if (resources_plain(res, job))
		return job->nodes ? job->nodes <= res->nidle : job->ranks <= res->idle_slots;
	count = resources_available(res, job, res->scratch);
	if (job->nodes)
		return job->nodes <= count;
	HOSTSET_FOREACH (h, res->scratch, res->hosts)
		slots += res->net->slots[h];
	return job->ranks <= slots;
}

static bool is_available(struct resources *res, const struct netemu_job *job, uint32_t host)
{
	return hostset_has(res->idle, host) ||
	       (job->shares && hostset_has(res->shared, host) && has_room(res, job, host));
}

bool resources_valid(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		     uint32_t count, bool now)
{
	uint32_t slots = slots_wanted(res, job);
	uint64_t sum = 0;

	if (now && !has_licences(res, job))
		return false;
	if (++res->round == 0) { /* came around */
		memset(res->seen, 0, res->hosts * sizeof(*res->seen));
		res->round = 1;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (hosts[i] >= res->hosts || res->seen[hosts[i]] == res->round ||
		    res->net->slots[hosts[i]] < slots || (now && !is_available(res, job, hosts[i])))
			return false;
		res->seen[hosts[i]] = res->round;
		sum += res->net->slots[hosts[i]];
	}
	return job->nodes ? count == job->nodes : sum >= job->ranks;
}

static void share(struct resources *res, const struct netemu_job *job, uint32_t host)
{
	struct host_use *use = &res->use[host];

	for (enum netemu_resource r = NETEMU_CORES; r < NETEMU_LICENCES; r++)
		use->used[r] += taken(res, job, host, r);
	use->jobs++;
	hostset_add(res->shared, host);
}

int resources_take(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		   uint32_t count)
{
	if (job->shares && !res->use) {
		res->use = calloc(res->hosts, sizeof(*res->use));
		if (!res->use)
			return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (hostset_has(res->idle, hosts[i])) {
			hostset_remove(res->idle, hosts[i]);
			res->nidle--;
			res->idle_slots -= res->net->slots[hosts[i]];
		}
		if (job->shares)
			share(res, job, hosts[i]);
	}
	if (res->have[NETEMU_LICENCES])
		res->licences -= job->want[NETEMU_LICENCES];
	return 0;
}

/* Is HOST now without a job? */
static bool unshare(struct resources *res, const struct netemu_job *job, uint32_t host)
{
	struct host_use *use = &res->use[host];

	for (enum netemu_resource r = NETEMU_CORES; r < NETEMU_LICENCES; r++)
		use->used[r] -= taken(res, job, host, r);
	if (--use->jobs)
		return false;
	hostset_remove(res->shared, host);
	return true;
}

void resources_give(struct resources *res, const struct netemu_job *job, const uint32_t *hosts,
		    uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (job->shares && !unshare(res, job, hosts[i]))
			continue;
		hostset_add(res->idle, hosts[i]);
		res->nidle++;
		res->idle_slots += res->net->slots[hosts[i]];
	}
	if (res->have[NETEMU_LICENCES])
		res->licences += job->want[NETEMU_LICENCES];
}
