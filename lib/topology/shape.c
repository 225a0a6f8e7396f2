/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/shape.h"

#include "topology/build.h"
#include "topology/generate.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *kind;
	shape_generate_fn *generate;
} generators[] = {
	{ "xgft", xgft_generate }, { "kary", kary_generate },           { "torus", torus_generate },
	{ "mesh", mesh_generate }, { "dragonfly", dragonfly_generate },
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* Append N numbers, with JOIN before each but the first. */
static void add_numbers(char *buf, size_t size, char first, const uint32_t *number, uint32_t n,
			char join)
{
	size_t used = strlen(buf);

	for (uint32_t i = 0; i < n; i++)
		used += (size_t)snprintf(buf + used, size - used, "%c%u", i ? join : first,
					 number[i]);
}

char *shape_text(const struct topology *topology, char *buf, size_t size)
{
	const uint32_t n = topology->ndims;
	uint32_t hosts;

	buf[0] = '\0';
	switch (topology->shape) {
	case TOPOLOGY_TREE:
		snprintf(buf, size, "xgft");
		add_numbers(buf, size, ':', topology->dim, n, 'x');
		add_numbers(buf, size, ':', topology->w, n, 'x');
		add_numbers(buf, size, ':', topology->cables, n, 'x');
		break;
	case TOPOLOGY_TORUS:
	case TOPOLOGY_MESH:
		snprintf(buf, size, topology->shape == TOPOLOGY_TORUS ? "torus" : "mesh");
		add_numbers(buf, size, ':', topology->dim, n, 'x');
		hosts = topology->net.hosts / topology->nswitches;
		add_numbers(buf, size, ':', &hosts, hosts > 1, 'x');
		break;
	case TOPOLOGY_DRAGONFLY:
		snprintf(buf, size, "dragonfly");
		add_numbers(buf, size, ':', topology->dim, n, ':');
		break;
	case TOPOLOGY_IRREGULAR:
		break;
	}
	return buf;
}

static bool same_network(const struct topology *one, const struct topology *two)
{
	if (one->net.nodes != two->net.nodes || one->net.links != two->net.links)
		return false;
	for (uint32_t i = 0; i < one->net.nodes; i++)
		if (one->nodes[i].is_host != two->nodes[i].is_host)
			return false;
	for (uint32_t i = 0; i < one->net.links; i++) {
		const struct netemu_link *x = &one->net.link[i], *y = &two->net.link[i];

		if (x->from != y->from || x->to != y->to || x->from_port != y->from_port ||
		    x->to_port != y->to_port || x->reverse != y->reverse)
			return false;
	}
	return true;
}

static void adopt(struct topology *topology, const struct topology *model)
{
	topology->shape = model->shape;
	topology->ndims = model->ndims;
	memcpy(topology->dim, model->dim, sizeof(model->dim));
	memcpy(topology->w, model->w, sizeof(model->w));
	memcpy(topology->cables, model->cables, sizeof(model->cables));
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		memcpy(topology->nodes[i].coord, model->nodes[i].coord,
		       sizeof(model->nodes[i].coord));
}

int shape_adopt(struct topology *topology, const char *shape, struct err *err)
{
	struct topology model;
	const char *args;
	shape_generate_fn *generate = shape_find(shape, &args);

	if (!generate)
		return 0;
	if (topology_init(&model, shape, err) < 0)
		return -1;
	/* one that is larger cannot be it: do not even begin */
	model.build->max_nodes = topology->net.nodes;
	model.build->max_links = topology->net.links;
	if (generate(&model, args, NULL) == 0 && topology_finish(&model, NULL) == 0 &&
	    same_network(topology, &model))
		adopt(topology, &model);
	topology_release(&model);
	return 0;
}

shape_generate_fn *shape_find(const char *spec, const char **args)
{
	for (size_t i = 0; i < COUNT(generators); i++) {
		size_t length = strlen(generators[i].kind);

		if (strncmp(spec, generators[i].kind, length) != 0 || spec[length] != ':')
			continue;
		*args = spec + length + 1;
		return generators[i].generate;
	}
	return NULL;
}

char *shape_kinds(char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < COUNT(generators) && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
					 generators[i].kind);
	return buf;
}
