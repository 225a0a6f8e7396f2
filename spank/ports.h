/* SPDX-License-Identifier: Apache-2.0 */
/* ports.h - the ports that a site lets through to srun */
#ifndef NETEMU_SPANK_PORTS_H
#define NETEMU_SPANK_PORTS_H

/* SrunPortRange of slurm.conf; 0 and 0: any. */
void ports_of_srun(unsigned *first, unsigned *last);

#endif
