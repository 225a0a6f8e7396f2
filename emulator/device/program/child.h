/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - run a program, be its parent, and do something now and then
 */
#ifndef DEVICE_CHILD_H
#define DEVICE_CHILD_H

#include "err.h"

#include <stdint.h>

/* Called with the ns since the start; returns after how many ns it wants to be
 * called again, or -1: no more.
 */
typedef int64_t child_work_fn(void *arg, int64_t now);

/* Run ARGV with the environment as it is and wait for it.  Signals from the
 * terminal reach it as they do anyway, those that a process sends to this one
 * are passed on.  Returns its exit status, 128 + the signal that ended it, 127 or 126
 * when it cannot be run (ERR), as a shell does.
 */
int child_run(char **argv, child_work_fn *work, void *arg, struct err *err);

#endif
