/* SPDX-License-Identifier: Apache-2.0 */
/* interface.h - the network interfaces that GIDs belong to */
#ifndef DEVICE_VERBS_INTERFACE_H
#define DEVICE_VERBS_INTERFACE_H

#include "device/fabric.h"

#include <net/if.h>

/* The interface of this machine that GID number INDEX of DEVICE belongs to: of Ethernet
 * that with its address, of a link-local GID that with the device's IPv4 address.
 * Returns the interface's index and its NAME, or 0 and "" where none has it.
 */
uint32_t interface_of(const struct shared_device *device, uint32_t index, char name[IF_NAMESIZE]);

#endif
