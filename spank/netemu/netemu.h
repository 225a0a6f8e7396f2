/* SPDX-License-Identifier: Apache-2.0 */
/* netemu.h - what the files of the plugin share
 *
 * srun decides and hands the settings on in SLURM_NETEMU.  In slurmstepd a
 * helper (netemu-device) runs as the user, joins the fabric of the job on this
 * machine or makes it, and holds it while the step runs; the tasks are told where it
 * is.  A device that was asked for and cannot be had fails the step in task_init,
 * with one sentence: everything before that would drain the node.
 */
#ifndef NETEMU_SPANK_NETEMU_H
#define NETEMU_SPANK_NETEMU_H

#include "device/settings.h"
#include "env.h"
#include "err.h"
#include "plugin.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <slurm/spank.h>

#define SETTINGS_SIZE (PATH_MAX + 4096)

#define ENV_USER "NETEMU"
/* From srun (and sbatch) to slurmstepd: effective settings. */
#define ENV_SETTINGS "SLURM_NETEMU"
/* Where files that they name are relative to. */
#define ENV_BASE "SLURM_NETEMU_BASE"
/* From srun to the tasks: :PORT:COOKIE:SIZE, see lib/rendezvous.h. */
#define ENV_RENDEZVOUS "SLURM_NETEMU_RDV"
/* From srun to the helpers, one of each node: the same form. */
#define ENV_CLOCK "SLURM_NETEMU_CLOCK"
/* To the tasks. */
#define ENV_FABRIC "NETEMU_FABRIC"
#define ENV_NODE   "NETEMU_NODE"
/* Where fabrics lie. */
#define ENV_SHM "NETEMU_SHM"

/* ---- options.c: who said what ---- */

/* Lay the levels over each other: plugstack, inherited option, ENVIRONMENT
 * (NULL when unset), own option.  SETTINGS need device_settings_release() on
 * success.  Returns 0, or -1 with ERR.
 */
int options_decide(struct device_settings *settings, const char *environment, struct err *err);

/* The library, the program netemu-device, and shm= ("" when not given). */
const char *options_library(void);
void options_program(char *path, size_t size);
const char *options_shm(void);

#endif
