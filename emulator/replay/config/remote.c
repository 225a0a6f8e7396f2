/* SPDX-License-Identifier: Apache-2.0 */
#include "config/json.h"
#include "config/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 1e18 /* ns, of one access */

static const char *const kinds[] = {
	[REMOTE_NONE] = "NO_MEMORY_EXPANSION",
	[REMOTE_PER_NPU] = "PER_NPU_MEMORY_EXPANSION",
	[REMOTE_PER_NODE] = "PER_NODE_MEMORY_EXPANSION",
	[REMOTE_POOL] = "MEMORY_POOL",
};

static int read_kind(struct remote *remote, const char *path, const json_t *root, struct err *err)
{
	const char *text = json_string_value(json_object_get(root, "memory-type"));

	for (unsigned i = 0; text && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kinds[i], text)) {
			remote->kind = (enum remote_kind)i;
			return 0;
		}
	}
	return config_bad(path, "memory-type",
			  "NO_MEMORY_EXPANSION, PER_NPU_MEMORY_EXPANSION, "
			  "PER_NODE_MEMORY_EXPANSION or MEMORY_POOL is wanted",
			  err);
}

static int read_count(const json_t *root, const char *path, const char *key, uint32_t *count,
		      struct err *err)
{
	uint64_t number;

	if (config_whole(path, key, json_object_get(root, key), UINT32_MAX, &number, err) < 0)
		return -1;
	*count = (uint32_t)number;
	return *count ? 0 : config_bad(path, key, "at least 1 is wanted", err);
}

static int read_speed(struct remote *remote, const char *path, const json_t *root, struct err *err)
{
	static const char latency[] = "remote-mem-latency", bandwidth[] = "remote-mem-bw";
	uint64_t number;

	if (config_whole(path, latency, json_object_get(root, latency), UINT64_C(1000000000000000),
			 &number, err) < 0 ||
	    config_number(path, bandwidth, json_object_get(root, bandwidth), &remote->bandwidth,
			  err) < 0)
		return -1;
	remote->latency = (int64_t)number;
	return remote->bandwidth > 0 ? 0
				     : config_bad(path, bandwidth, "more than 0 is wanted", err);
}

int remote_read(struct remote *remote, const char *path, struct err *err)
{
	json_t *root = config_load(path, err);
	int rc;

	*remote = (struct remote){ 0 };
	if (!root)
		return -1;
	rc = read_kind(remote, path, root, err);
	if (rc == 0 && remote->kind != REMOTE_NONE)
		rc = read_speed(remote, path, root, err);
	if (rc == 0 && remote->kind == REMOTE_PER_NODE)
		rc = read_count(root, path, "num-nodes", &remote->nodes, err) < 0 ||
				     read_count(root, path, "num-npus-per-node",
						&remote->npus_per_node, err) < 0
			     ? -1
			     : 0;
	json_decref(root);
	if (rc == 0) {
		remote->free_at =
			calloc(remote->nodes ? remote->nodes : 1, sizeof(*remote->free_at));
		rc = remote->free_at ? 0 : err_errno(err, "%s", path);
	}
	return rc;
}

void remote_release(struct remote *remote)
{
	free(remote->free_at);
	*remote = (struct remote){ 0 };
}

int64_t remote_time(const struct remote *remote, uint64_t bytes)
{
	double ns = (double)bytes / remote->bandwidth;

	return remote->latency + (ns < LONGEST ? (int64_t)ns : (int64_t)LONGEST);
}

int64_t remote_take(struct remote *remote, uint32_t rank, int64_t time, uint64_t bytes)
{
	int64_t *free_at = remote->free_at;

	if (remote->kind == REMOTE_NONE || remote->kind == REMOTE_PER_NPU)
		return time + remote_time(remote, bytes);
	if (remote->kind == REMOTE_PER_NODE)
		free_at += rank / remote->npus_per_node % remote->nodes;
	if (*free_at > time)
		time = *free_at;
	*free_at = time + remote_time(remote, bytes);
	return *free_at;
}
