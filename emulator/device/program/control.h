/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - change a fabric while programs use it */
#ifndef DEVICE_CONTROL_H
#define DEVICE_CONTROL_H

#include "target.h"

/* Do a list KEY=VALUE,... to what TARGET names:
 *
 *   latency=TIME jitter=TIME       of the whole fabric
 *   rate=RATE loss=P               of a link, else of the links of the devices
 *   state=up|down                  of a link, else of the ports of the devices
 *   state=error                    of a queue pair
 *   complete=WR_ID:STATUS          of a queue pair: that request completes so
 *
 * Keys may name a device before a dot; "node", "link", "qp" name the target of those
 * behind them.  FABRIC is joined; or NULL: only look whether it could ever be done.  Returns
 * 0, or -1 with ERR naming the key; those before it have been done.
 */
int control_list(struct fabric *fabric, const struct target *target, const char *list,
		 struct err *err);

#endif
