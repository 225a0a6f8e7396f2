/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.h - a thread for when the program is away
 *
 * It exists from the first moment something has to wait.  While something does
 * it looks every 100 us; when nothing has for a while it sleeps until it is
 * woken (event_wake()).  It does what is overdue only, takes a lock only if
 * nobody holds it, blocks all signals, and has a small stack.
 */
#ifndef DEVICE_WATCHDOG_H
#define DEVICE_WATCHDOG_H

#include "device/fabric.h"

#define WATCHDOG_TICK 100000 /* ns */

struct watchdog;

/* Make it when there is none yet, wake it when it would sleep beyond TIME (ns). */
void watchdog_want(struct fabric *fabric, int64_t time);

/* End it, and wait until it has. */
void watchdog_stop(struct fabric *fabric);

/* In a child after fork(): there is none. */
void watchdog_forget(struct fabric *fabric);

#endif
