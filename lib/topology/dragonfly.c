/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/generate.h"
#include "topology/spec.h"

struct dragonfly {
	uint32_t p, a, h, groups;
	uint32_t hosts; /* = node of the first router */
};

static int read_args(struct dragonfly *fly, const struct topology *topology, const char *args,
		     struct err *err)
{
	struct spec_list lists[3];
	uint64_t groups, routers, hosts, local, global;
	int n = spec_lists(topology, args, "dragonfly:P:A:H", lists, 3, err);

	if (n < 0)
		return -1;
	if (n != 3 || lists[0].n != 1 || lists[1].n != 1 || lists[2].n != 1)
		return err_set(err, "'%s': not dragonfly:P:A:H: three numbers are expected",
			       topology->source);
	fly->p = lists[0].value[0];
	fly->a = lists[1].value[0];
	fly->h = lists[2].value[0];
	groups = spec_times(fly->a, fly->h) + 1;
	routers = spec_times(groups, fly->a);
	hosts = spec_times(routers, fly->p);
	local = spec_times(routers, fly->a - 1) / 2;
	global = spec_times(routers, fly->h) / 2;
	fly->groups = (uint32_t)groups;
	fly->hosts = (uint32_t)hosts;
	return spec_check_size(topology, hosts + routers, hosts + local + global, err);
}

static int add_nodes(struct topology *topology, const struct dragonfly *fly, struct err *err)
{
	const uint32_t size[] = { fly->groups, fly->a };

	for (uint32_t i = 0; i < fly->hosts; i++) {
		uint32_t node = spec_host(topology, i, fly->hosts, err);
		uint32_t *coord;

		if (node == NETEMU_NONE)
			return -1;
		coord = topology->nodes[node].coord;
		coord[0] = i / fly->p / fly->a;
		coord[1] = i / fly->p % fly->a;
		coord[2] = i % fly->p;
	}
	for (uint32_t i = 0; i < fly->groups * fly->a; i++) {
		const uint32_t coord[] = { i / fly->a, i % fly->a };

		/* the group first, so that names sort by it */
		if (spec_switch(topology, 1, (uint32_t[]){ coord[1], coord[0] },
				(uint32_t[]){ size[1], size[0] }, 2, err) == NETEMU_NONE)
			return -1;
		topology->nodes[fly->hosts + i].coord[0] = coord[0];
		topology->nodes[fly->hosts + i].coord[1] = coord[1];
	}
	return 0;
}

static uint32_t router(const struct dragonfly *fly, uint32_t group, uint32_t r)
{
	return fly->hosts + group * fly->a + r;
}

static int add_local(struct topology *topology, const struct dragonfly *fly, uint32_t group,
		     struct err *err)
{
	for (uint32_t r = 0; r < fly->a; r++)
		for (uint32_t s = r + 1; s < fly->a; s++)
			if (topology_cable(topology, router(fly, group, r), fly->p + s,
					   router(fly, group, s), fly->p + 1 + r, 1, 0, err) < 0)
				return -1;
	return 0;
}

/* Each cable once, from the group of the lower number. */
static int add_global(struct topology *topology, const struct dragonfly *fly, uint32_t group,
		      struct err *err)
{
	const uint32_t ports = fly->a * fly->h;

	for (uint32_t q = 0; group + q + 1 < fly->groups; q++) {
		uint32_t there = group + q + 1, back = ports - 1 - q;

		if (topology_cable(topology, router(fly, group, q / fly->h),
				   fly->p + fly->a + q % fly->h, router(fly, there, back / fly->h),
				   fly->p + fly->a + back % fly->h, 1, 0, err) < 0)
			return -1;
	}
	return 0;
}

int dragonfly_generate(struct topology *topology, const char *args, struct err *err)
{
	struct dragonfly fly = { 0 };

	if (read_args(&fly, topology, args, err) < 0 || add_nodes(topology, &fly, err) < 0)
		return -1;
	for (uint32_t i = 0; i < fly.hosts; i++)
		if (topology_cable(topology, i, 1, fly.hosts + i / fly.p, 1 + i % fly.p, 1, 0,
				   err) < 0)
			return -1;
	for (uint32_t group = 0; group < fly.groups; group++)
		if (add_local(topology, &fly, group, err) < 0 ||
		    add_global(topology, &fly, group, err) < 0)
			return -1;
	topology->shape = TOPOLOGY_DRAGONFLY;
	topology->ndims = 3;
	topology->dim[0] = fly.p;
	topology->dim[1] = fly.a;
	topology->dim[2] = fly.h;
	return 0;
}
