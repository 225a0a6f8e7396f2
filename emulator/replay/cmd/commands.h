/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands of netemu-replay, one file each, and what they have in common
 *
 * netemu-replay(1) documents them.  Exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "values.h"

int command_run(int argc, char **argv);
int command_info(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_plot(int argc, char **argv);

extern const struct kind kind_replay_deps; /* --deps: unsigned of enum graph_deps */

/* Say why COMMAND (NULL: the usual one) has failed, on standard error.  Returns 1. */
int command_failed(const char *command, const struct err *err);

#endif
