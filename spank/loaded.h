/* SPDX-License-Identifier: Apache-2.0 */
/* loaded.h - a library in the LD_PRELOAD of the tasks */
#ifndef NETEMU_SPANK_LOADED_H
#define NETEMU_SPANK_LOADED_H

#include "err.h"

#include <slurm/spank.h>

/* Put PATH into its place (preload.h).  Returns 0, or -1 with ERR written. */
int loaded_add(spank_t sp, const char *path, struct err *err);

/* Take it out: an srun inside a task hands its LD_PRELOAD on. */
void loaded_remove(spank_t sp, const char *path);

#endif
