/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of netemu-trace, one file each: command-<name>.c
 *
 * netemu-trace(1) documents them.  Exit status: 0 done, 1 failed (`check' and
 * `diff' too: something was found), 2 wrong usage.
 */
#ifndef TRACE_COMMANDS_H
#define TRACE_COMMANDS_H

int command_export(int argc, char **argv);
int command_summary(int argc, char **argv);
int command_check(int argc, char **argv);
int command_matrix(int argc, char **argv);
int command_diff(int argc, char **argv);

#endif
