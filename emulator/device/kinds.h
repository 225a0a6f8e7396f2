/* SPDX-License-Identifier: Apache-2.0 */
/* device/kinds.h - kinds of values that only the settings of devices have */
#ifndef DEVICE_KINDS_H
#define DEVICE_KINDS_H

#include "values.h"

extern const struct kind kind_mtu;                                     /* uint32_t */
extern const struct kind kind_scope;                                   /* bool */
extern const struct kind kind_link_layer, kind_transport, kind_choice; /* enums */

#endif
