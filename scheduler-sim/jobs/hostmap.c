/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/hostmap.h"
#include "hostlist.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define NODES_MAX 1000000 /* of one list */

struct hostmap_entry {
	char *node;     /* owned */
	char *host;     /* as the map has it, or NULL; owned */
	uint32_t index; /* of the host, or NETEMU_NONE */
	UT_hash_handle hh;
};

void hostmap_init(struct hostmap *map)
{
	map->entries = NULL;
}

void hostmap_release(struct hostmap *map)
{
	struct hostmap_entry *entry, *next;

	HASH_ITER (hh, map->entries, entry, next) {
		HASH_DEL(map->entries, entry);
		free(entry->node);
		free(entry->host);
		free(entry);
	}
}

static struct hostmap_entry *find(struct hostmap *map, const char *node)
{
	struct hostmap_entry *entry;

	HASH_FIND_STR(map->entries, node, entry);
	return entry;
}

/* A new entry, or NULL with errno. */
static struct hostmap_entry *enter(struct hostmap *map, const char *node, const char *host)
{
	struct hostmap_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->index = NETEMU_NONE;
	entry->node = strdup(node);
	entry->host = host ? strdup(host) : NULL;
	if (!entry->node || (host && !entry->host)) {
		free(entry->node);
		free(entry->host);
		free(entry);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, map->entries, entry->node, strlen(entry->node), entry);
	return entry;
}

int hostmap_add(struct hostmap *map, const char *from, const char *to, struct err *err)
{
	char **nodes = NULL, **hosts = NULL;
	size_t nnodes, nhosts;
	int rc = -1;

	if (hostlist_parse(from, NODES_MAX, &nodes, &nnodes, err) < 0)
		return -1;
	if (hostlist_parse(to, NODES_MAX, &hosts, &nhosts, err) < 0)
		goto out;
	if (nnodes != nhosts) {
		err_set(err, "'%s' are %zu nodes, '%s' are %zu hosts", from, nnodes, to, nhosts);
		goto out;
	}
	for (size_t i = 0; i < nnodes; i++) {
		if (find(map, nodes[i])) {
			err_set(err, "node '%s' is mapped twice", nodes[i]);
			goto out;
		}
		if (!enter(map, nodes[i], hosts[i])) {
			err_errno(err, "'%s'", from);
			goto out;
		}
	}
	rc = 0;
out:
	hostlist_free(nodes);
	if (hosts)
		hostlist_free(hosts);
	return rc;
}

/* --- applying it --- */

struct applying {
	struct hostmap *map;
	const struct topology *topology;
	struct hostmap_report *report;
	bool *taken; /* by host; owned */
};

static uint32_t host_named(const struct topology *topology, const char *name)
{
	uint32_t node = topology_find(topology, name);

	return node == NETEMU_NONE ? NETEMU_NONE : topology->net.node_host[node];
}

/* The hosts that the map names. */
static int resolve_map(struct applying *applying, struct err *err)
{
	struct hostmap_entry *entry;

	for (entry = applying->map->entries; entry; entry = entry->hh.next) {
		if (!entry->host)
			continue;
		entry->index = host_named(applying->topology, entry->host);
		if (entry->index == NETEMU_NONE)
			return err_set(err, "node '%s' is mapped to '%s', which is no host of '%s'",
				       entry->node, entry->host, applying->topology->source);
		if (applying->taken[entry->index])
			return err_set(err, "two nodes are mapped to host '%s'", entry->host);
		applying->taken[entry->index] = true;
	}
	return 0;
}

/* The nodes of JOB, or NULL with ERR written. */
static char **nodes_of(const struct workload_job *job, size_t *count, struct err *err)
{
	struct err why = { "" };
	char **nodes = NULL;

	if (hostlist_parse(job->node_list, NODES_MAX, &nodes, count, &why) == 0)
		return nodes;
	err_set(err, "job %llu: %s", (unsigned long long)job->job.id, why.text);
	return NULL;
}

/* Enter the nodes of all jobs; neighbours often have the same list. */
static int collect(struct applying *applying, const struct workload *workload, struct err *err)
{
	const char *before = "";

	for (size_t i = 0; i < workload->count; i++) {
		const struct workload_job *job = &workload->jobs[i];
		char **nodes;
		size_t count;
		int rc = 0;

		if (!job->node_list || !strcmp(job->node_list, before))
			continue;
		before = job->node_list;
		nodes = nodes_of(job, &count, err);
		if (!nodes)
			return -1;
		for (size_t n = 0; rc == 0 && n < count; n++)
			if (!find(applying->map, nodes[n]) && !enter(applying->map, nodes[n], NULL))
				rc = err_errno(err, "%s", nodes[n]);
		hostlist_free(nodes);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int name_compare(const struct hostmap_entry *a, const struct hostmap_entry *b)
{
	int order = strverscmp(a->node, b->node);

	return order ? order : strcmp(a->node, b->node);
}

static void note_first(struct hostmap_report *report, const struct hostmap_entry *entry,
		       const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;

	snprintf(report->node, sizeof(report->node), "%s", entry->node);
	snprintf(report->host, sizeof(report->host), "%s", net->name[net->host_node[entry->index]]);
}

/* By name those that have one, then in order. */
static void resolve_rest(struct applying *applying)
{
	struct hostmap_report *report = applying->report;
	struct hostmap_entry *entry;
	uint32_t host = 0;

	HASH_SORT(applying->map->entries, name_compare);
	for (entry = applying->map->entries; entry; entry = entry->hh.next) {
		report->nodes++;
		report->mapped += entry->host != NULL;
		if (entry->host)
			continue;
		entry->index = host_named(applying->topology, entry->node);
		if (entry->index != NETEMU_NONE && applying->taken[entry->index])
			entry->index = NETEMU_NONE;
		if (entry->index == NETEMU_NONE)
			continue;
		applying->taken[entry->index] = true;
		report->named++;
	}
	for (entry = applying->map->entries; entry; entry = entry->hh.next) {
		if (entry->index != NETEMU_NONE)
			continue;
		while (host < applying->topology->net.hosts && applying->taken[host])
			host++;
		if (host >= applying->topology->net.hosts) {
			report->homeless++;
			continue;
		}
		entry->index = host++;
		if (!report->ordered++)
			note_first(report, entry, applying->topology);
	}
}

static void drop_hosts(struct workload_job *job)
{
	free((void *)job->job.given);
	free(job->placement);
	job->job.given = NULL;
	job->job.ngiven = 0;
	job->placement = NULL;
}

static int give(struct applying *applying, struct workload_job *job, struct err *err)
{
	size_t count = 0;
	char **nodes = nodes_of(job, &count, err);
	uint32_t *given = nodes ? malloc((count + 1) * sizeof(*given)) : NULL;

	if (!nodes)
		return -1;
	if (!given) {
		hostlist_free(nodes);
		return err_errno(err, "job %llu", (unsigned long long)job->job.id);
	}
	free((void *)job->job.given);
	job->job.given = given;
	job->job.ngiven = (uint32_t)count;
	for (size_t n = 0; n < count; n++) {
		given[n] = find(applying->map, nodes[n])->index;
		if (given[n] == NETEMU_NONE)
			count = 0;
	}
	hostlist_free(nodes);
	if (!count) {
		drop_hosts(job);
		applying->report->jobs++;
	}
	return 0;
}

int hostmap_apply(struct hostmap *map, struct workload *workload, const struct topology *topology,
		  struct hostmap_report *report, struct err *err)
{
	struct applying applying = { .map = map, .topology = topology, .report = report };
	int rc;

	*report = (struct hostmap_report){ 0 };
	applying.taken = calloc(topology->net.hosts, sizeof(*applying.taken));
	if (!applying.taken)
		return err_errno(err, "%s", topology->source);
	rc = resolve_map(&applying, err);
	if (rc == 0)
		rc = collect(&applying, workload, err);
	if (rc == 0)
		resolve_rest(&applying);
	for (size_t i = 0; rc == 0 && i < workload->count; i++)
		if (workload->jobs[i].node_list)
			rc = give(&applying, &workload->jobs[i], err);
	free(applying.taken);
	return rc;
}

char *hostmap_warning(const struct hostmap_report *report, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	if (report->ordered)
		used = (size_t)snprintf(buf, size,
					"%zu of %zu nodes are no hosts by name and were taken for "
					"hosts in order, the first: '%s' is '%s'",
					report->ordered, report->nodes, report->node, report->host);
	if (report->homeless && used < size)
		snprintf(buf + used, size - used,
			 "%s%zu nodes found no host: where %zu jobs ran is not known",
			 used ? "; " : "", report->homeless, report->jobs);
	return buf;
}
