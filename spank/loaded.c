/* SPDX-License-Identifier: Apache-2.0 */
#include "loaded.h"
#include "env.h"
#include "preload.h"

#include <stdlib.h>
#include <string.h>

#define PRELOAD_SIZE (128 * 1024) /* the kernel's limit for one variable */

int loaded_add(spank_t sp, const char *path, struct err *err)
{
	char *old = malloc(PRELOAD_SIZE), *new = malloc(PRELOAD_SIZE);
	int rc = 0;

	if (!old || !new || env_get(sp, "LD_PRELOAD", old, PRELOAD_SIZE) < 0 ||
	    preload_add(new, PRELOAD_SIZE, old, path) < 0)
		rc = err_set(err, "LD_PRELOAD is too long");
	else
		env_set(sp, "LD_PRELOAD", new);
	free(old);
	free(new);
	return rc;
}

void loaded_remove(spank_t sp, const char *path)
{
	char *old = malloc(PRELOAD_SIZE), *new = malloc(PRELOAD_SIZE);

	if (old && new &&env_get(sp, "LD_PRELOAD", old, PRELOAD_SIZE) == 1 &&
	    preload_remove(new, PRELOAD_SIZE, old, path) == 0 && strcmp(old, new) != 0) {
		if (new[0])
			env_set(sp, "LD_PRELOAD", new);
		else
			env_unset(sp, "LD_PRELOAD");
	}
	free(old);
	free(new);
}
