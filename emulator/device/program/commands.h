/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - `netemu device COMMAND` */
#ifndef DEVICE_COMMANDS_H
#define DEVICE_COMMANDS_H

/* Each returns the exit status: 0 done, 1 failed, 2 wrong usage. */
int command_run(int argc, char **argv);
int command_list(int argc, char **argv);
int command_show(int argc, char **argv);
int command_set(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_rendezvous(int argc, char **argv);
int command_helper(int argc, char **argv);

#endif
