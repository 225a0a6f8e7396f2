/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - what every plugin of ours has, for dispatch.c
 *
 * dispatch.c has Slurm's entry points and passes each call to the file of the
 * process it runs in: local.c for srun, sbatch and salloc, remote.c for
 * slurmstepd.  The functions have the same names in each plugin, which is
 * compiled with PLUGIN_NAME.
 */
#ifndef NETEMU_SPANK_PLUGIN_H
#define NETEMU_SPANK_PLUGIN_H

#include <slurm/spank.h>

/* Take the arguments of the plugstack line.  A wrong one is left out; SAY
 * (slurm_error or slurm_info) gets the sentence.
 */
void options_plugstack(int argc, char **argv, void (*say)(const char *fmt, ...));

/* Register the plugin's option.  Returns 0 or -1. */
int options_register(spank_t sp);

/* ---- in srun, sbatch and salloc ---- */
int local_init_post_opt(spank_t sp);
int local_user_init(spank_t sp);
void local_exit(spank_t sp);

/* ---- in slurmstepd: an error before task_init would drain the node ---- */
void remote_user_init(spank_t sp);
int remote_task_init(spank_t sp);
void remote_task_exit(spank_t sp);
void remote_exit(spank_t sp);

#endif
