/* SPDX-License-Identifier: Apache-2.0 */
/* sysfs.h - the files that a kernel would show of our devices
 *
 * They are real files, node.<K>/ in the fabric's directory: sys/class/infiniband,
 * sys/class/infiniband_verbs, sys/devices/virtual/netemu and dev/infiniband, with
 * links to the host's own devices beside ours.  files.c leads paths there.
 */
#ifndef DEVICE_VERBS_SYSFS_H
#define DEVICE_VERBS_SYSFS_H

#include "device/fabric.h"

/* Make the tree of FABRIC's node if it is not there.  PATH gets the directory that
 * stands for "/".  Returns 0, or -1 with errno.
 */
int sysfs_make(struct fabric *fabric, char *path, size_t size);

/* Write what changes (port state, LID, counters) anew, before REST of the tree at
 * PATH is read; REST begins with "sys/".
 */
void sysfs_refresh(struct fabric *fabric, const char *path, const char *rest);

#endif
