/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/files.h"
#include "device/verbs/front.h"
#include "dlhook.h"

#include <dlfcn.h>

const struct dlhook_names dlhook_names = {
	.prefixes = { "ibv_", "_ibv_" },
	.libraries = { "libibverbs.so" },
};

/* libibverbs when it is not among the libraries behind us: a program may have loaded it
 * for itself alone, or not at all.
 */
static void *library(void)
{
	static _Atomic(void *) handle;
	void *own = handle;

	if (!own) {
		files_pause();
		handle = own = dlopen("libibverbs.so.1", RTLD_NOW | RTLD_LOCAL);
		files_resume();
	}
	return own;
}

static void *find(void *handle, const char *name, const char *version)
{
	return version ? dlhook_real_dlvsym(handle, name, version)
		       : dlhook_real_dlsym(handle, name);
}

void *front_real(const char *name, const char *version)
{
	int error = errno;
	void *found = find(RTLD_NEXT, name, version);
	void *handle = found ? NULL : library();

	if (handle)
		found = find(handle, name, version);
	errno = error;
	return found;
}
