/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - as what wire the rate of a device's link is shown */
#ifndef DEVICE_VERBS_WIRE_H
#define DEVICE_VERBS_WIRE_H

#include "device/fabric.h"

struct wire {
	double bits;      /* a second */
	uint8_t width;    /* as in PortInfo: lanes */
	uint8_t speed;    /* and each lane's speed */
	const char *text; /* as the kernel writes it in sysfs */
};

/* The slowest of the usual ones that is as fast as RATE (byte/s; 0: no limit, which is
 * shown as 200 Gbit/s).
 */
const struct wire *wire_of(double rate);

/* Byte/s of the link that DEVICE sends on; 0: no limit. */
double wire_rate(const struct fabric *fabric, const struct shared_device *device);

#endif
