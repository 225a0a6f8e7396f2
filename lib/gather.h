/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - bring the parts of a run together when the directory is not shared
 *
 * srun (in its plugin) listens on an ephemeral port and publishes
 * :PORT:COOKIE as SLURM_NETPROF_GATHER; slurmstepd puts srun's address in
 * front (SLURM_LAUNCH_NODE_IPADDR, IPv6 in brackets), which only it knows, and
 * tells its helper HOST:PORT:COOKIE.  A helper whose run directory srun cannot see sends the
 * files of its node there, and srun writes them below the same run directory
 * on its own host, which inside sbatch is node 0.  Wire: lines and counted
 * bytes over TCP, one connection per helper.
 *
 *   helper                                   srun
 *   GATHER 1 COOKIE\n                        OK\n | (closes)
 *   SEES RUNDIR\tNAME\n                      YES\n | NO\n   (is RUNDIR/NAME there?)
 *   FILE RUNDIR\tRELATIVE SIZE\n + bytes     OK\n | ERR reason\n
 *   BYE\n                                    OK\n
 *
 * RELATIVE is one of mpi/rank-<n>.json, verbs/ring-<n>.bin, verbs/<name>.json,
 * node-<n>.json, run.json, log/<name>.log and nothing else; RUNDIR must end in /netemu.<...>; SIZE
 * is bounded; files are written under a temporary name and renamed.
 */
#ifndef NETEMU_GATHER_H
#define NETEMU_GATHER_H

#include "err.h"

#include <stddef.h>

#define GATHER_VERSION  1
#define GATHER_COOKIE   33           /* 32 hexadecimal digits and NUL */
#define GATHER_FILE_MAX (1ull << 30) /* bytes of one file */

/* Client (the helper).  ADDRESS is HOST:PORT:COOKIE, IPv6 hosts in brackets.
 * Every call takes at most a few seconds.  Return 0/1 or -1 with ERR written.
 */
struct gather;
struct gather *gather_connect(const char *address, struct err *err);
/* 1 when the server sees RUNDIR/NAME, 0 when not. */
int gather_sees(struct gather *gather, const char *rundir, const char *name, struct err *err);
/* Send the file FROM/RELATIVE; it becomes RUNDIR/RELATIVE there. */
int gather_send(struct gather *gather, const char *from, const char *rundir, const char *relative,
		struct err *err);
void gather_close(struct gather *gather);

/* Server (a thread in srun; never in slurmstepd).  Binds inside the port range
 * FIRST..LAST (SrunPortRange; 0,0 = any).  PORT and COOKIE are outputs.
 */
struct gather_server;
struct gather_server *gather_serve(unsigned first, unsigned last, unsigned *port,
				   char cookie[GATHER_COOKIE], struct err *err);
/* Bytes and files received so far; both may be NULL. */
void gather_server_totals(const struct gather_server *server, unsigned long *files,
			  unsigned long *bytes);
/* Parts that are still coming in are waited for, as long as they come. */
void gather_server_stop(struct gather_server *server);

#endif
