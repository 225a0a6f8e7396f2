/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - change a fabric while programs use it */
#ifndef DEVICE_CONTROL_H
#define DEVICE_CONTROL_H

#include "target.h"

/* Do KEY=VALUE to what TARGET names:
 *
 *   latency=TIME jitter=TIME       of the whole fabric
 *   rate=RATE loss=P               of a link, else of the links of the devices
 *   state=up|down                  of a link, else of the ports of the devices
 *   state=error                    of a queue pair
 *   complete=WR_ID:STATUS          of a queue pair: that request completes so
 *
 * FABRIC is joined.  Returns 0, or -1 with ERR naming the key.
 */
int control_set(struct fabric *fabric, const struct target *target, const char *key,
		const char *value, struct err *err);

/* The same for a list "KEY=VALUE,..."; keys may name a device before a dot, and
 * "node", "link", "qp" in it name the target of those behind them.
 */
int control_list(struct fabric *fabric, const struct target *target, const char *list,
		 struct err *err);

#endif
