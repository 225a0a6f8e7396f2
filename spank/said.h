/* SPDX-License-Identifier: Apache-2.0 */
/* said.h - what people say with a plugin's option, and in which order it counts
 *
 * Each plugin has one option of its own name, `--NAME[=yes|no|KEY=VALUE,...]`.
 * It is said on the command line, or inherited: sbatch hands its own on to
 * the srun inside; an environment variable stands between the two.  What the
 * plugstack line says is below them all and the plugin's own affair.
 */
#ifndef NETEMU_SPANK_SAID_H
#define NETEMU_SPANK_SAID_H

#include "err.h"

#include <stdbool.h>
#include <slurm/spank.h>

struct said_option {
	const char *name;     /* of the plugin and of its option */
	const char *usage;    /* for `srun --help` */
	const char *variable; /* of the environment, for sentences */
	/* Whether TEXT is a right list of settings.  Returns 0, or -1 with ERR. */
	int (*check)(const char *text, struct err *err);
};

/* Register OPTION, which has to stay; what is said is remembered for said_lay().
 * Returns 0, or -1 when that failed and slurm_error() has been told.
 */
int said_register(spank_t sp, const struct said_option *option);

typedef int said_lay_fn(void *settings, const char *text, struct err *err);

/* LAY over SETTINGS the inherited option, ENVIRONMENT (NULL when unset), the own
 * option, as far as they were said.  Returns 0, or -1 with ERR, which tells whose
 * text it was.
 */
int said_lay(const struct said_option *option, const char *environment, said_lay_fn *lay,
	     void *settings, struct err *err);

#endif
