/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FABRIC = 'f', KEY_NODE = 'n' };

const struct target target_default = { .node = -1, .qpn = -1 };

static const struct argp_option table[] = {
	{ "fabric", KEY_FABRIC, "NAME", 0,
	  "The fabric, by name or directory (default $NETEMU_FABRIC, else default)", 0 },
	{ "node", KEY_NODE, "K", 0, "The node, from 0", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct target *target = state->input;
	char *end;

	switch (key) {
	case KEY_FABRIC:
		target->fabric = arg;
		break;
	case KEY_NODE:
		errno = 0;
		target->node = strtol(arg, &end, 10);
		if (errno || end == arg || *end || target->node < 0 || target->node > 1000000)
			argp_error(state, "--node: '%s' is no number of a node", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp target_argp = { .options = table, .parser = parse };

int target_open(struct fabric *fabric, const struct target *target, bool hold, struct err *err)
{
	const char *name = target->fabric;
	char path[sizeof(fabric->path)];
	uint32_t node = target->node > 0 ? (uint32_t)target->node : 0;

	if (!name)
		name = getenv("NETEMU_FABRIC");
	if (!name || !*name)
		name = "default";
	if (strchr(name, '/'))
		return fabric_join(fabric, name, node, hold, err);
	if (fabric_find(path, sizeof(path), name) < 0)
		return err_set(err, "there is no fabric '%s'", name);
	return fabric_join(fabric, path, node, hold, err);
}

bool target_has(const struct fabric *fabric, const struct target *target, uint32_t number)
{
	const struct shared_device *device = fabric_device(fabric, number);

	return (target->node < 0 || device->node == (uint32_t)target->node) &&
	       (!target->device || strcmp(device->name, target->device) == 0);
}

struct shared_link *target_links(const struct fabric *fabric)
{
	return segment_at(&fabric->segment, fabric->segment.header->links_at);
}

struct shared_node *target_nodes(const struct fabric *fabric)
{
	return segment_at(&fabric->segment, fabric->segment.header->nodes_at);
}
