/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - an environment: with SP == NULL this process's own, else the tasks' */
#ifndef NETEMU_SPANK_ENV_H
#define NETEMU_SPANK_ENV_H

#include <stddef.h>
#include <slurm/spank.h>

/* 1 and the value in BUF, 0 when it is unset or empty, -1 when it does not fit. */
int env_get(spank_t sp, const char *name, char *buf, size_t size);
void env_set(spank_t sp, const char *name, const char *value);
void env_unset(spank_t sp, const char *name);

/* The address in NAME, with srun's host in front where it begins with a colon; that is
 * known in task_init only.  Returns 1 and ADDRESS, or 0.
 */
int env_address(spank_t sp, const char *name, char *address, size_t size);

#endif
