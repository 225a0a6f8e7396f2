/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - paths of our devices lead into the fabric's directory
 *
 * The C library's functions that take a path stand in files.c once more.  Below
 * /sys/class/infiniband, /sys/class/infiniband_verbs, /dev/infiniband and
 * /sys/devices/virtual/netemu what is ours leads to the tree of sysfs.h; every other
 * path goes on untouched after a comparison of its first letters.  Of what
 * searches by itself inside the C library only scandir, glob and realpath are
 * led; ftw and fts are not.
 */
#ifndef DEVICE_VERBS_FILES_H
#define DEVICE_VERBS_FILES_H

#include <stdbool.h>

/* Between files_pause() and files_resume() this thread sees the host's own files:
 * around calls of the real libibverbs, which looks for drivers of what it finds.
 */
void files_pause(void);
void files_resume(void);
bool files_paused(void);

#endif
