/* SPDX-License-Identifier: Apache-2.0 */
#include "config/json.h"
#include "config/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct dims *dims, uint64_t size)
{
	if (dims->count == SYSTEM_DIMS || !size || size > UINT32_MAX)
		return -1;
	dims->size[dims->count++] = (uint32_t)size;
	return 0;
}

int dims_read(struct dims *dims, const char *path, struct err *err)
{
	static const char key[] = "logical-dims";
	json_t *root = config_load(path, err), *list, *one;
	uint64_t size;
	size_t i;
	int rc = 0;

	*dims = (struct dims){ 0 };
	if (!root)
		return -1;
	list = json_object_get(root, key);
	if (!json_is_array(list) || !json_array_size(list))
		rc = config_bad(path, key, "a list of sizes is wanted", err);
	json_array_foreach(list, i, one)
	{
		if (rc == 0)
			rc = config_whole(path, key, one, UINT32_MAX, &size, err);
		if (rc == 0 && add(dims, size) < 0)
			rc = config_bad(path, key, "1 to 16 sizes above 0 are wanted", err);
	}
	json_decref(root);
	return rc;
}

int dims_parse(struct dims *dims, const char *text, struct err *err)
{
	const char *at = text;
	char *end;

	*dims = (struct dims){ 0 };
	for (;; at = end + 1) {
		if (*at < '0' || *at > '9' || add(dims, strtoull(at, &end, 10)) < 0)
			break;
		if (!*end)
			return 0;
		if (*end != 'x')
			break;
	}
	return err_set(err, "'%s': 1 to 16 sizes above 0 with 'x' between are wanted", text);
}

uint64_t dims_product(const struct dims *dims)
{
	uint64_t product = 1;

	for (uint32_t d = 0; d < dims->count; d++)
		if (__builtin_mul_overflow(product, dims->size[d], &product))
			return UINT64_MAX;
	return product;
}

static uint64_t stride_of(const struct dims *dims, uint32_t d)
{
	uint64_t stride = 1;

	for (uint32_t i = 0; i < d; i++)
		stride *= dims->size[i];
	return stride;
}

uint32_t dims_place(const struct dims *dims, uint32_t rank, uint32_t d)
{
	return (uint32_t)(rank / stride_of(dims, d) % dims->size[d]);
}

void dims_ring(const struct dims *dims, uint32_t rank, uint32_t d, uint32_t *ranks)
{
	uint64_t stride = stride_of(dims, d);
	uint32_t first = (uint32_t)(rank - dims_place(dims, rank, d) * stride);

	for (uint32_t i = 0; i < dims->size[d]; i++)
		ranks[i] = (uint32_t)(first + i * stride);
}
