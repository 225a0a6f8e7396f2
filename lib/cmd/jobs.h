/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.h - `netemu jobs`: the runs that were collected */
#ifndef NETEMU_CMD_JOBS_H
#define NETEMU_CMD_JOBS_H

/* The command, ARGV[0] its name.  Returns the exit status. */
int cmd_jobs(int argc, char **argv);

#endif
