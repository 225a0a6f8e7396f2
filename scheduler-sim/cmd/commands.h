/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of netemu sim
 *
 * Each is one file cmd/NAME.c with one function here and one line in the table
 * of main.c.  ARGV[0] is "netemu sim NAME".  They return the exit status: 0
 * done, 1 failed, 2 wrong usage.
 */
#ifndef NETEMU_SIM_COMMANDS_H
#define NETEMU_SIM_COMMANDS_H

int command_topology(int argc, char **argv); /* generate and convert */
int command_load(int argc, char **argv);     /* one pattern on one network */
int command_run(int argc, char **argv);      /* a scenario */
int command_collect(int argc, char **argv);  /* results of run --slurm */
int command_compare(int argc, char **argv);  /* two results */

#endif
