/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "next.h"
#include "dlhook.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

const struct dlhook_names dlhook_names = {
	.prefixes = { "ibv_", "_ibv_", "rdma_" },
	.libraries = { "libibverbs.so", "librdmacm.so", "libnetemu.so" },
};

/* Loaded by the program for itself alone, so not among those behind us. */
static void *library(const char *name)
{
	static _Atomic(void *) verbs, cm;
	_Atomic(void *) *kept = strncmp(name, "rdma_", 5) == 0 ? &cm : &verbs;
	void *handle = *kept;

	if (!handle)
		*kept = handle = dlopen(kept == &cm ? "librdmacm.so.1" : "libibverbs.so.1",
					RTLD_NOW | RTLD_LOCAL);
	return handle;
}

void *next_find(const char *name)
{
	int error = errno;
	void *found = dlhook_real_dlsym(RTLD_NEXT, name);
	void *handle = found ? NULL : library(name);

	if (handle)
		found = dlhook_real_dlsym(handle, name);
	errno = error;
	return found;
}
