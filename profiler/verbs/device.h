/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - devices that are opened and closed, their ports and addresses */
#ifndef NETTRACE_DEVICE_H
#define NETTRACE_DEVICE_H

#include <infiniband/verbs.h>

/* Record which GID INDEX of PORT is, unless that is recorded already. */
void device_gid(struct ibv_context *context, uint32_t port, uint32_t index);

#endif
