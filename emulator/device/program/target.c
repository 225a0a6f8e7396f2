/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <errno.h>
#include <stdio.h>
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

long target_number(struct argp_state *state, const char *option, const char *arg, int base,
		   long min, long max, const char *what)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(arg, &end, base);
	if (errno || end == arg || *end || number < min || number > max)
		argp_error(state, "%s: '%s' is %s", option, arg, what);
	return number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct target *target = state->input;

	switch (key) {
	case KEY_FABRIC:
		target->fabric = arg;
		break;
	case KEY_NODE:
		target->node =
			target_number(state, "--node", arg, 10, 0, 1000000, "no number of a node");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp target_argp = { .options = table, .parser = parse };
const struct argp_child target_children[] = { { &target_argp, 0, NULL, 0 }, { 0 } };

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

int target_begin(const struct argp *argp, int argc, char **argv, void *options, bool hold,
		 struct fabric *fabric)
{
	struct err err = { "" };

	argp_parse(argp, argc, argv, 0, NULL, options);
	if (target_open(fabric, options, hold, &err) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", argv[0], err.text);
	return 1;
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
