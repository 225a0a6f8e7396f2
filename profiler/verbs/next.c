/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "next.h"
#include "dlhook.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

const struct dlhook_names dlhook_names = {
	.prefixes = { "ibv_", "_ibv_", "rdma_", "mlx5dv_" },
	.libraries = { "libibverbs.so", "librdmacm.so", "libmlx5.so", "libnetemu.so" },
};

/* Which library has functions of this beginning. */
static struct {
	const char *prefix, *name;
	_Atomic(void *) handle;
} libraries[] = {
	{ "rdma_", "librdmacm.so.1", NULL },
	{ "mlx5dv_", "libmlx5.so.1", NULL },
	{ "", "libibverbs.so.1", NULL },
};

/* Loaded by the program for itself alone, so not among those behind us. */
static void *library(const char *name)
{
	int i = 0;
	void *handle;

	while (strncmp(name, libraries[i].prefix, strlen(libraries[i].prefix)) != 0)
		i++;
	handle = libraries[i].handle;
	if (!handle)
		libraries[i].handle = handle =
			dlopen(libraries[i].name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	return handle;
}

static void *find(void *handle, const char *name, const char *version)
{
	void *found = version ? dlhook_real_dlvsym(handle, name, version) : NULL;

	return found ? found : dlhook_real_dlsym(handle, name);
}

void *next_find_version(const char *name, const char *version)
{
	int error = errno;
	void *found = find(RTLD_NEXT, name, version);
	void *handle = found ? NULL : library(name);

	if (handle)
		found = find(handle, name, version);
	errno = error;
	return found;
}

void *next_find(const char *name)
{
	return next_find_version(name, NULL);
}
