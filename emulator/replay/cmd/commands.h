/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of netemu-replay about traces, one file each
 *
 * netemu-replay(1) documents them.  Exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

int command_info(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_plot(int argc, char **argv);

#endif
