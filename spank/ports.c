/* SPDX-License-Identifier: Apache-2.0 */
#include "ports.h"

#include <dlfcn.h>
#include <slurm/slurm.h>

void ports_of_srun(unsigned *first, unsigned *last)
{
	slurm_conf_t *conf = dlsym(RTLD_DEFAULT, "slurm_conf");

	*first = *last = 0;
	if (conf && conf->srun_port_range) {
		*first = conf->srun_port_range[0];
		*last = conf->srun_port_range[1];
	}
}
