/* SPDX-License-Identifier: Apache-2.0 */
/* specparts.c - numbers, sizes and names of generated networks */
#include "topology/build.h"
#include "topology/spec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The digits at TEXT as a number of at least 1.  Returns what follows, or NULL. */
static const char *read_number(const char *text, uint32_t *number)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || value < 1 || value > UINT32_MAX)
		return NULL;
	*number = (uint32_t)value;
	return end;
}

/* The list at TEXT.  Returns what follows, or NULL with WHY. */
static const char *read_list(const char *text, struct spec_list *list, const char **why)
{
	*list = (struct spec_list){ 0 };
	for (;; text++) {
		if (list->n == TOPOLOGY_DIMS) {
			*why = "more than 8 numbers joined by 'x'";
			return NULL;
		}
		text = read_number(text, &list->value[list->n++]);
		if (!text) {
			*why = "numbers from 1 to 4294967295 are expected";
			return NULL;
		}
		if (*text != 'x')
			return text;
	}
}

int spec_lists(const struct topology *topology, const char *args, const char *usage,
	       struct spec_list *lists, int max, struct err *err)
{
	const char *why = NULL;
	int n = 0;

	for (;; args++) {
		if (n == max) {
			why = "something stands behind the last number";
			break;
		}
		args = read_list(args, &lists[n++], &why);
		if (!args)
			break;
		if (*args == '\0')
			return n;
		if (*args != ':') {
			why = "only digits, 'x' and ':' may stand there";
			break;
		}
	}
	return err_set(err, "'%s': not %s: %s", topology->source, usage, why);
}

uint64_t spec_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) || product > SPEC_HUGE ? SPEC_HUGE : product;
}

int spec_check_size(const struct topology *topology, uint64_t nodes, uint64_t cables,
		    struct err *err)
{
	const struct topology_private *build = topology->build;

	if (nodes > build->max_nodes)
		return err_set(err, "'%s': more than %u nodes", topology->source, build->max_nodes);
	if (cables > build->max_links / 2)
		return err_set(err, "'%s': more than %u cables", topology->source,
			       build->max_links / 2);
	return 0;
}

/* Digits of the largest of COUNT numbers from 0. */
static int digits(uint64_t count)
{
	int n = 1;

	for (count = count ? count - 1 : 0; count >= 10; count /= 10)
		n++;
	return n;
}

uint32_t spec_host(struct topology *topology, uint64_t index, uint64_t count, struct err *err)
{
	int width = digits(count) > 3 ? digits(count) : 3;
	char name[32];

	snprintf(name, sizeof(name), "h%0*llu", width, (unsigned long long)index);
	return topology_node(topology, name, true, 0, err);
}

uint32_t spec_switch(struct topology *topology, unsigned level, const uint32_t *coord,
		     const uint32_t *size, uint32_t n, struct err *err)
{
	char name[16 * TOPOLOGY_DIMS];
	uint32_t node;
	size_t used = (size_t)snprintf(name, sizeof(name), "s%u", level);

	for (uint32_t i = n; i-- > 0;)
		used += (size_t)snprintf(name + used, sizeof(name) - used, "%c%0*u",
					 i + 1 == n ? '-' : '.', digits(size[i]), coord[i]);
	node = topology_node(topology, name, false, 0, err);
	if (node != NETEMU_NONE)
		memcpy(topology->nodes[node].coord, coord, n * sizeof(*coord));
	return node;
}
